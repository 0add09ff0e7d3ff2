"""The items of a close check, which `explain` prints."""

from collections.abc import Mapping

from reconciler.core.model.finding import Rule
from reconciler.core.rules.plan_warnings import DIFFERENCE_RULES, WARNING_RULES

CLOSE_RULES: Mapping[str, Rule] = {
    "earlier-period": Rule(
        summary="Every earlier period is closed.",
        why="The ledger closes periods in their order.",
        remedy="Close the earlier periods in the ledger first.",
    ),
    "period-in-reference": Rule(
        summary="`reference.yaml` has the period, with the days that it has in the ledger.",
        why="Schedules and reversals are computed only for periods that it has.",
        remedy="Correct the period in reference.yaml, then run `reconciler generate`.",
    ),
    "pending-change": Rule(
        summary="No change of the period waits for an apply.",
        why="After the close it can no longer be posted in the period.",
        remedy="Run `reconciler apply`.",
    ),
    "blocked-change": Rule(
        summary="No change of the period is blocked, and no difference is without an answer.",
        why="Ledger and files do not agree, and an apply does not change that.",
        remedy="Run `reconciler plan`: it says what to do about each.",
    ),
    "run-not-done": Rule(
        summary="Every declared journal run of the period has ended well.",
        why="A run at work still posts entries. One that failed posted none.",
        remedy="Wait until the run has ended in the ledger, then run `reconciler apply`.",
    ),
    "run-missing": Rule(
        summary="Each transaction type of `close.runs` has a completed run over the whole period.",
        why="Transactions that no run has taken are in no entry.",
        remedy="Declare a journal run of the period with the type, and run `reconciler apply`.",
    ),
    "unmanaged": Rule(
        summary="No entry of the period is without a declaration, a workspace or a run.",
        why="Nobody reviewed an entry that somebody posted by hand.",
        remedy="Import the entries of the period, or cancel what is wrong in the ledger.",
    ),
    "not-transferred": Rule(
        summary="Every managed entry of the period is transferred to the general ledger.",
        why="Otherwise the general ledger lacks it.",
        remedy="Transfer the entries. Or allow it with `--allow not-transferred`.",
    ),
    "reversal-due": Rule(
        summary="Every reversal that `reverseOn` asks for in the period is posted.",
        why="Without it an accrual counts twice.",
        remedy="Run `reconciler generate`, then `reconciler apply`.",
    ),
    "schedule-due": Rule(
        summary="Every part of a schedule in the period is posted.",
        why="A later part does not make up for it.",
        remedy="Run `reconciler generate`, then `reconciler apply`.",
    ),
}

CLOSE_ITEMS: Mapping[str, Rule] = {
    **CLOSE_RULES,
    "open-call": WARNING_RULES["open-call"],
    "transfer-error": DIFFERENCE_RULES["transfer-error"],
}
"""The items in the order of a report. The last two have their names from plans."""
