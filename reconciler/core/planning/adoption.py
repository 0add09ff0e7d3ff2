"""Decides whether a declaration may adopt what is in the ledger already, and what that takes."""

from collections.abc import Iterator, Mapping

from reconciler.core.model.canonical import as_declaration, is_absent, lines, with_lines
from reconciler.core.model.kinds.journal_run import TRANSACTION_TYPES
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import split_marker
from reconciler.core.model.plan import CANCELLED, Action, Change, Reason, Verb
from reconciler.core.model.resource import Declared, Live, Value, rows_of
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.diff import compare
from reconciler.core.planning.snapshot import AddressState, adopts_otherwise


def adoption_of(case: AddressState, declared: Declared) -> Change:
    """The change that makes a live number this declaration's: one update that marks it.

    Of an object that can carry no marker the daybook alone takes note. An entry that was found by
    its marker is ours: where its amounts differ it is replaced at once, as an entry is that the
    daybook knows.
    """
    reason = Reason.FOUND if case.found else Reason.ADOPTED
    comparison = compare(
        case.kind,
        declared.spec,
        None,
        case.held,
        manage_observed=case.found and case.snapshot.policy.manage_transfer_state,
    )
    if case.found and comparison.forced_by:
        verbs = (Verb.CANCEL, Verb.CREATE, *case.delete)
        return case.change(Action.REPLACE, reason, verbs, comparison)
    marks = case.kind.carries_marker and case.marker != case.expected_marker
    verbs = (Verb.UPDATE,) if case.live is not None and (marks or comparison) else ()
    return case.change(Action.ADOPT, reason, verbs, comparison)


def adoption_obstacles(case: AddressState, change: Change) -> Iterator[tuple[str, str, str]]:
    """Why a number cannot be adopted: the rule, the fact, and the way out."""
    number = case.number
    if case.live is None:
        remedy = "Correct `metadata.adopts`; remove it where the entry was replaced since."
        yield "adoption", f"{number} is not in the ledger", remedy
        return
    if not case.posted:
        fact = f'{number} has the status "{case.live.status}"'
        yield "adoption", fact, "Remove the file: there is nothing in the books to adopt."
    for recorded in case.snapshot.records_by_current_name.values():
        if recorded.number == number and recorded.address != case.address:
            fact = f"{number} is recorded as {recorded.address.name} already"
            yield "adoption", fact, "Keep that name, or leave the entry to it."
    yield from _made_otherwise(case)
    yield from _of_other_days(case)
    if change.action is Action.ADOPT and change.comparison.forced_by:
        fields = ", ".join(change.comparison.forced_by)
        yield "adoption", f"the file and {number} differ in what no update can change: {fields}", ""


ADOPTS_ANOTHER = (
    "Remove `metadata.adopts` to keep the entry that the name has, and declare the other one under "
    "a name of its own; or remove the file, `reconciler forget` the name, and then adopt."
)
"""What to do about a name that has one number and adopts another."""


def adopts_another(case: AddressState) -> str:
    """What a file adopts that stands in the books beside the entry which its name has; or nothing.

    What is out of the books was replaced since, as far as anybody can tell: it is passed over.
    """
    if case.declared is None or case.recorded.number is None:
        return ""
    number = adopts_otherwise(case.declared, case.recorded)
    live = case.snapshot.live.get(number) if number is not None else None
    if live is None or live.status == CANCELLED:
        return ""
    return (
        f"{case.address.name} is recorded as {case.recorded.number}, and its file adopts {number}"
    )


def _made_otherwise(case: AddressState) -> Iterator[tuple[str, str, str]]:
    """Whether file and ledger disagree on who made the entry."""
    said = case.declared is not None and case.declared.made_by is not None
    by_run = case.held.get("transactionType") in TRANSACTION_TYPES
    if by_run and not said:
        fact = f"{case.number} was made by a journal run, which the file does not say"
        yield "run-entry", fact, "Name it in `metadata.journalRun`; `reconciler import --run` does."
    if said and not by_run:
        fact = f"{case.number} was not made by a journal run, and the file says so"
        yield "run-entry", fact, "Remove `metadata.journalRun`."
    run = case.declared.made_by if case.declared is not None else None
    if by_run and run is not None and run in case.snapshot.live:
        live = case.snapshot.live[run]
        if live is None:
            fact = f"{run} is not in the ledger, and the file says that it made {case.number}"
            yield "run-entry", fact, "Correct `metadata.journalRun`."
        elif case.number not in {member.number for member in live.members}:
            fact = f"{case.number} is not among the {len(live.members)} entries of {run}"
            yield "run-entry", fact, "Correct `metadata.journalRun`."


def _of_other_days(case: AddressState) -> Iterator[tuple[str, str, str]]:
    """Whether a run was for other days than those of the period that the file names."""
    if case.kind.span is None or case.declared is None:
        return
    period = case.snapshot.tenant.periods_by_name.get(str(case.declared.spec.get(case.kind.period)))
    days = tuple(case.held.get(field) for field in case.kind.span)
    if period is not None and days != (period.start_date, period.end_date):
        said = " to ".join(str(day) for day in days)
        fact = f"{case.number} is for {said}, which is not {period.name}"
        yield "adoption", fact, "Write the days of the run, or the period that they are."


def declaration_of(
    kind: Kind, live: Live, *, marker_place: str, tenant: Tenant
) -> Mapping[str, Value]:
    """The spec that describes a live object, to be adopted under it.

    Leaves out what only the ledger or its connectors write, and what goes without saying: the type
    of a code that its name tells, and home amounts in the home currency.
    """
    held, _ = split_marker(live.fields, marker_place)
    stated = {
        name: value
        for name, value in as_declaration(kind, held).items()
        if name not in kind.externally_written and not is_absent(kind, name, value)
    }
    if kind.span is not None and (period := _period_of(kind.span, stated, tenant)):
        rest = {name: value for name, value in stated.items() if name not in kind.span}
        stated = {kind.period: period, **rest}
    for name, suffices in kind.resolved.items():
        if name in stated:
            stated[name] = tuple({suffices: row.get(suffices)} for row in rows_of(stated[name]))
    at_home = bool(kind.currency) and stated.get(kind.currency) == tenant.home_currency
    rows = (_said(kind, row, tenant, at_home=at_home) for row in lines(kind, stated))
    return with_lines(kind, stated, rows)


def _said(
    kind: Kind, row: Mapping[str, Value], tenant: Tenant, *, at_home: bool
) -> Mapping[str, Value]:
    named = tenant.codes_by_name.get(str(row.get(kind.line_key[0])), ())
    evident = {kind.line_address_type} if len(named) == 1 else set()
    if at_home and row.get("homeCurrencyAmount") == row.get("amount"):
        evident.add("homeCurrencyAmount")
    return {name: value for name, value in row.items() if name not in evident}


def _period_of(span: tuple[str, str], spec: Mapping[str, Value], tenant: Tenant) -> str:
    """The period that begins and ends on the days of a spec; empty when none does."""
    first, last = (spec.get(field) for field in span)
    found = (
        period.name
        for period in tenant.periods_by_name.values()
        if (period.start_date, period.end_date) == (first, last)
    )
    return next(found, "")
