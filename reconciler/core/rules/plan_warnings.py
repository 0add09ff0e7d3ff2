"""The rules of warnings about a plan as a whole, and of differences that no change answers."""

from collections.abc import Iterable, Mapping

from reconciler.core.model.finding import (
    PlanWarning,
    Refusal,
    Rule,
    Severity,
    counted,
    warning_rule,
)
from reconciler.core.model.policy import EVERY_RULE
from reconciler.core.rules.catalog import refusal

ACKNOWLEDGED = "acknowledged"

WARNING_RULES: Mapping[str, Rule] = {
    "unread-spill": warning_rule(
        summary="No spill file waits for the next apply.",
        why="The daybook could not record the outcomes in it, so a plan may be wrong about them.",
        remedy="Run `reconciler apply`: it reads the spill file first.",
    ),
    "open-call": warning_rule(
        summary="Every call of an earlier run has a known outcome.",
        why="The next apply settles open calls first, and may send them again.",
        remedy="Run `reconciler apply`, or settle the call with `reconciler daybook recover`.",
    ),
    "policy-changed": warning_rule(
        summary="The settings are those of the approved base.",
        why="Until an apply under the new ones completes, the stricter of both applies. A change "
        "that cannot be compared needs the approvals of the highest tier.",
        remedy="Have the change of the settings reviewed, then apply it alone.",
    ),
    "selection-extended": Rule(
        summary="A selection includes what it depends on.",
        why="An entry and its rename, or a run and its entries, are planned together.",
        remedy="Nothing needs to be done.",
        severity=Severity.INFORMATION,
    ),
    "waiver-applied": Rule(
        summary="A waiver exempts a declaration from a custom rule.",
        why="The plan shows every exemption that it depends on.",
        remedy="Nothing needs to be done while the waiver is meant to apply.",
        severity=Severity.INFORMATION,
    ),
    "equal-allowed": Rule(
        summary="An entry is posted that the ledger has already, because --allow-equal says so.",
        why="Only the files of both postings tell that they are different ones.",
        remedy="Nothing needs to be done if they are. Otherwise plan without --allow-equal.",
        severity=Severity.INFORMATION,
    ),
    "forgotten-posted": Rule(
        summary="An entry is posted under a name whose earlier entry was forgotten and is not "
        "found.",
        why="Who ran `reconciler forget` stated that the earlier entry is deleted. Nothing else "
        "proves it: if it is posted, the amounts are posted twice.",
        remedy="Nothing needs to be done if it is deleted. Otherwise give the API user access to "
        "it, then plan again.",
        severity=Severity.INFORMATION,
    ),
    "file-warnings": warning_rule(
        summary="Files that do not change have no warnings.",
        why="A plan names the warnings about the files that it changes, and counts the others.",
        remedy="Run `reconciler validate` to see them.",
    ),
    "original-alone": warning_rule(
        summary="An entry and its reversal are cancelled in one apply.",
        why="The reversal is cancelled first. Until its original is cancelled too, the original "
        "posts amounts that nothing cancels out.",
        remedy="Apply the plan: it cancels the original. If the original is blocked, restore its "
        "file and run `reconciler reverse` with its name.",
    ),
    "possible-rename": warning_rule(
        summary="A new entry is not an entry that is removed under another name.",
        why="A changed name without `previousName` is a removal and a new entry.",
        remedy="Add `previousName` to the metadata if it is a new name for that entry.",
    ),
    "ledger-not-searched": warning_rule(
        summary="The ledger is searched for entries that the daybook does not know.",
        why="Without a search, entries of a lost or an older daybook stay unknown.",
        remedy="Have Data Query enabled and permitted in the tenant.",
    ),
    "stamps-unavailable": Rule(
        summary="A Data Query says what changed in the ledger.",
        why="Without it every entry is read by a call of its own, which takes longer.",
        remedy="Have Data Query enabled and permitted in the tenant, or use `--live reads`.",
        severity=Severity.INFORMATION,
    ),
    "stamps-wrong": warning_rule(
        summary="An entry that changed has another time of change.",
        why="A plan samples the entries that a Data Query calls unchanged. If one differs, every "
        "entry is read. The query may also have been late.",
        remedy="Use `--live reads` if this comes back.",
    ),
    "cache-discarded": Rule(
        summary="The cache is as an earlier run wrote it.",
        why="A cache that is damaged, or that others can write, is deleted. Nothing of it counts.",
        remedy="Nothing needs to be done.",
        severity=Severity.INFORMATION,
    ),
    "daybook-older": warning_rule(
        summary="The daybook records what the ledger holds.",
        why="A restored copy of a daybook lacks the entries posted since. A daybook that is newer "
        "than the ledger records entries that are missing there.",
        remedy="Restore the newest daybook. An apply records again what carries a marker.",
    ),
    "ledger-older": warning_rule(
        summary="The ledger holds what the daybook records.",
        why="A ledger that was restored from a backup lacks what was posted since, and has again "
        "what was removed since. An apply removes and posts it again.",
        remedy="Restore the newest ledger. Or review the plan, and apply it.",
    ),
    "untracked-entry": warning_rule(
        summary="Every live entry with a marker of the workspace is declared or recorded.",
        why="An entry that nobody declares is not compared with anything.",
        remedy="Import the entry to declare it, or forget its name.",
    ),
    "daybook-new": warning_rule(
        summary="The daybook is known to record every journal run.",
        why="Journal runs have no marker, so no search finds a run that the daybook lacks.",
        remedy="Restore the daybook if runs of this workspace were applied before.",
    ),
    ACKNOWLEDGED: Rule(
        summary="The ledger holds what the files declare.",
        why="A file may accept that its entry is not posted, or that a transfer failed. The plan "
        "shows every state that is accepted.",
        remedy="Nothing needs to be done while the state is meant to stay.",
        severity=Severity.INFORMATION,
    ),
    "acknowledges-unused": warning_rule(
        summary="A file acknowledges a state that the ledger has.",
        why="An acknowledgement of a state that is over would accept it when it comes back.",
        remedy="Remove the item from `acknowledges`.",
    ),
    "dimension-transferred": warning_rule(
        summary="A dimension of a transferred entry does not change.",
        why="The change stays in the journal. A transferred entry is not sent again, so the "
        "general ledger keeps the former value.",
        remedy="Put the former value back into the file. To move the amount in the general ledger "
        "too, declare an entry that moves it there.",
    ),
    "period-pending-close": warning_rule(
        summary="In a period that is PendingClose, only Manage Close Process posts and cancels.",
        why="The ledger refuses the call without this permission, and the API cannot be asked who "
        "has it. With `managesClose: false` such a change is blocked.",
        remedy="Say with `target.managesClose` in reconciler.yaml whether the credentials have it.",
    ),
    "offline-daybook": warning_rule(
        summary="An offline plan reads the daybook.",
        why="An offline plan opens no database, so everything counts as new.",
        remedy="Plan with the ledger, or keep the daybook in a file.",
    ),
    "no-reference": warning_rule(
        summary="There is a Reference.",
        why="Without one, accounting codes and periods are not checked offline.",
        remedy="Write a reference.yaml for the tenant.",
    ),
    "limits-unchecked": warning_rule(
        summary="The policy's limits are checked.",
        why="Without a daybook everything counts as new, which tells nothing about a limit.",
        remedy="Plan where the daybook is, or name the base with --base.",
    ),
    "reference-changed": warning_rule(
        summary="The Reference is that of the base.",
        why="What a change states about the tenant decides how its own entries are checked.",
        remedy="Review the change of the Reference too. A plan with the ledger asks the tenant.",
    ),
}

DIFFERENCE_RULES: Mapping[str, Rule] = {
    "cancelled-in-part": Rule(
        summary="The entries of a journal run are all posted, or the run is cancelled.",
        why="No call posts an entry of a run again. Another run includes its transactions.",
        remedy="Declare the run that takes its place, and apply it. Then acknowledge the entries "
        "that are cancelled or gone in the metadata of the run's file.",
    ),
    "marker-lost": Rule(
        summary="A live entry carries the marker of its declaration.",
        why="The marker proves ownership: without it the entry can be neither changed nor found.",
        remedy="Check {0} in the ledger. If it belongs to this declaration, write its marker "
        "there, or empty the field and apply.",
    ),
    "transfer-error": Rule(
        summary="No transfer to the general ledger has failed.",
        why="An entry whose transfer failed is missing in the general ledger. Nothing else says "
        "so.",
        remedy="Correct the cause in the connector, and set the transfer state of {0} to `No`, "
        "so that it is sent again.",
    ),
    "transfer-reset": Rule(
        summary="An entry that was transferred stays transferred.",
        why="The entry may be in the general ledger already, and a second transfer would post it "
        "twice.",
        remedy="Set the transfer state of {0} to `Yes` in the ledger if it is in the general "
        "ledger. Otherwise write the live state into the file.",
    ),
    "reversal-alone": Rule(
        summary="The original of a posted reversal is posted.",
        why="Without the original, the reversal posts amounts that nothing cancels out.",
        remedy="Remove {0} from its file: apply cancels the reversal. If it is transferred, "
        "remove `reverses` from it, and declare an entry with the lines of the original.",
    ),
    "changed-in-ledger": Rule(
        summary="The ledger holds what was applied.",
        why="The entry changed in the ledger, and no call puts it back.",
        remedy="Restore {0} in the ledger, or write what it holds into the file. To give it up, "
        "remove the file and run `reconciler forget` with the name.",
    ),
}


READING_RULES = frozenset({"stamps-unavailable", "stamps-wrong", "cache-discarded"})
"""The rules of how the ledger was read."""


def strict_refusals(warnings: Iterable[PlanWarning], strict: frozenset[str]) -> tuple[Refusal, ...]:
    """The refusal of a plan with warnings under rules that are strict."""
    found = [
        one
        for one in warnings
        if one.severity is Severity.WARNING and strict & {EVERY_RULE, one.rule}
    ]
    if not found:
        return ()
    rules = ", ".join(dict.fromkeys(one.rule for one in found))
    count = counted(len(found), "warning counts as an error", "warnings count as errors")
    return (refusal("strict-warning", f"{count}: {rules}"),)


def warning(rule: str, message: str, *, place: str = "") -> PlanWarning:
    """A warning under a rule of WARNING_RULES."""
    severity = WARNING_RULES[rule].severity
    return PlanWarning(rule=rule, message=message, place=place, severity=severity)
