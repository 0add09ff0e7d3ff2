"""Decides whether a declaration may adopt what is in the ledger already, and what that takes."""

from collections.abc import Iterator

from reconciler.core.compare import Comparison, compare
from reconciler.core.kinds.journal_run import TRANSACTION_TYPES
from reconciler.core.plan import Action, Change, Reason, Verb
from reconciler.core.values import Declared
from reconciler.core.world import Case


def adoption_of(case: Case, declared: Declared) -> Change:
    """The change that makes a live number this declaration's: one update that marks it.

    Of an object that can carry no marker the daybook alone takes note.
    """
    comparison = compare(case.kind, declared.spec, None, case.held)
    unmarked = case.kind.marked and case.marker is None
    verbs = (Verb.UPDATE,) if case.live is not None and (unmarked or comparison) else ()
    return case.change(Action.ADOPT, Reason.ADOPTED, verbs, comparison)


def adoption_obstacles(case: Case, comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    """Why a number cannot be adopted: the rule, the fact, and the way out."""
    number = case.number
    if case.live is None:
        yield "adoption", f"{number} is not in the ledger", "Correct `metadata.adopts`."
        return
    if not case.posted:
        fact = f'{number} has the status "{case.live.status}"'
        yield "adoption", fact, "Remove the file: there is nothing in the books to adopt."
    for recorded in case.world.recorded.values():
        if recorded.number == number and recorded.address != case.address:
            fact = f"{number} is recorded as {recorded.address.name} already"
            yield "adoption", fact, "Keep that name, or leave the entry to it."
    made_here = case.declared is not None and case.declared.made_by is not None
    if case.held.get("transactionType") in TRANSACTION_TYPES and not made_here:
        fact = f"{number} was made by a journal run, which the file does not say"
        yield "run-entry", fact, "Name the run in `metadata.journalRun`."
    if comparison.forced_by:
        fields = ", ".join(comparison.forced_by)
        yield "adoption", f"the file and {number} differ in what no update can change: {fields}", ""
