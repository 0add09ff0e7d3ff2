"""Decides whether a declaration may adopt a live entry, and with which calls."""

from collections.abc import Iterator, Mapping

from reconciler.core.model.canonical import as_declaration, with_lines
from reconciler.core.model.history import other_adopted_number
from reconciler.core.model.kinds.journal_run import TRANSACTION_TYPES
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import split_marker
from reconciler.core.model.plan import CANCELLED, Action, Change, Reason, Verb
from reconciler.core.model.resource import Declared, Live, Value, rows_of
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.diff import compare
from reconciler.core.planning.snapshot import AddressState


def adoption_of(state: AddressState, declared: Declared) -> Change:
    """The change that adopts a live number: one update that writes the marker.

    An object that cannot carry a marker is adopted in the daybook only. An entry found by its
    marker is owned already: if its amounts differ it is replaced, like a recorded entry.
    """
    reason = Reason.ADOPTED
    if state.found:
        # It is recorded as deleted, or is not recorded.
        again = state.number in state.snapshot.again
        reason = Reason.POSTED_AGAIN if again else Reason.FOUND
    comparison = compare(
        state.kind,
        declared.spec,
        None,
        state.live_fields,
        manage_observed=state.found and state.snapshot.policy.manage_transfer_state,
    )
    if state.found and comparison.forced_by:
        verbs = (Verb.CANCEL, Verb.CREATE, *state.delete)
        return state.change(Action.REPLACE, reason, verbs, comparison)
    marks = state.kind.carries_marker and state.marks.found != state.marks.own[0]
    verbs = (Verb.UPDATE,) if state.live is not None and (marks or comparison) else ()
    return state.change(Action.ADOPT, reason, verbs, comparison)


def adoption_obstacles(state: AddressState, change: Change) -> Iterator[tuple[str, str, str]]:
    """Why a number cannot be adopted: rule, fact and remedy."""
    number = state.number
    if state.live is None:
        remedy = "Correct `metadata.adopts`, or remove it if the entry was replaced."
        yield "adoption", f"{number} is not in the ledger", remedy
        return
    others = [one for one in state.snapshot.found.get(state.address, ()) if one != number]
    if others and not state.marks.proven:
        fact = f"{others[0]} has the marker of this declaration, and its file adopts {number}"
        yield "adoption", fact, "Remove `metadata.adopts`: the marked entry is that of this name."
    if not state.posted:
        fact = f'{number} has the status "{state.live.status}"'
        yield "adoption", fact, "Remove the file: the entry is not posted and cannot be adopted."
    for recorded in state.snapshot.records_by_current_name.values():
        if recorded.number == number and recorded.address != state.address:
            fact = f"{number} is already recorded as {recorded.address.name}"
            yield "adoption", fact, "Keep that name, or remove this file."
    yield from _run_obstacles(state)
    yield from _date_obstacles(state)
    if change.action is Action.ADOPT and change.comparison.forced_by:
        fields = ", ".join(change.comparison.forced_by)
        fact = f"the file and {number} differ in fields that cannot be updated: {fields}"
        yield "adoption", fact, ""


def second_adoption(state: AddressState, declared: Declared) -> Iterator[tuple[str, str, str]]:
    """Why a file may not adopt a second posted entry: rule, fact and remedy.

    A cancelled entry was probably replaced, so it is ignored.
    """
    number = other_adopted_number(declared, state.recorded)
    live = state.snapshot.live.get(number) if number is not None else None
    if live is not None and live.status != CANCELLED:
        own = f"{state.address.name} is recorded as {state.recorded.number}"
        yield "adoption", f"{own}, and its file adopts {number}", _ONE_ADOPTION


_ONE_ADOPTION = (
    "Remove `metadata.adopts` to keep the recorded entry, and declare the other one under its own "
    "name. Or remove the file, forget the name, and adopt the other entry."
)


def _run_obstacles(state: AddressState) -> Iterator[tuple[str, str, str]]:
    """Obstacles when file and ledger disagree on whether a run made the entry."""
    said = state.declared is not None and state.declared.made_by is not None
    by_run = state.live_fields.get("transactionType") in TRANSACTION_TYPES
    if by_run and not said:
        fact = f"{state.number} was made by a journal run, but the file does not name it"
        yield "run-entry", fact, "Name it in `metadata.journalRun`, as an import of the run does."
    if said and not by_run:
        fact = f"{state.number} was not made by a journal run, but the file names one"
        yield "run-entry", fact, "Remove `metadata.journalRun`."
    run = state.declared.made_by if state.declared is not None else None
    if by_run and run is not None and run in state.snapshot.live:
        live = state.snapshot.live[run]
        if live is None:
            fact = f"{run} is not in the ledger, but the file says that it made {state.number}"
            yield "run-entry", fact, "Correct `metadata.journalRun`."
        elif state.number not in {member.number for member in live.members}:
            fact = f"{state.number} is not among the {len(live.members)} entries of {run}"
            yield "run-entry", fact, "Correct `metadata.journalRun`."


def _date_obstacles(state: AddressState) -> Iterator[tuple[str, str, str]]:
    """Obstacle when the dates of a run are not those of the period in the file."""
    if state.kind.span is None or state.declared is None:
        return
    period = state.snapshot.tenant.periods_by_name.get(
        str(state.declared.spec.get(state.kind.period))
    )
    days = tuple(state.live_fields.get(field) for field in state.kind.span)
    if period is not None and days != (period.start_date, period.end_date):
        said = " to ".join(str(day) for day in days)
        fact = f"{state.number} is for {said}, which is not {period.name}"
        yield "adoption", fact, "Write the dates of the run, or the period with these dates."


def declaration_of(
    kind: Kind, live: Live, *, marker_place: str, tenant: Tenant
) -> Mapping[str, Value]:
    """The spec that describes a live object for its adoption.

    Omits what only the ledger or its connectors write, and what is unambiguous without it: the
    type of a code with a unique name, and home amounts in the home currency.
    """
    live_fields, _ = split_marker(live.fields, marker_place)
    stated = {
        name: value
        for name, value in as_declaration(kind, live_fields).items()
        if name not in kind.externally_written and value != kind.defaults.get(name)
    }
    if kind.span is not None and (period := _period_of(kind.span, stated, tenant)):
        rest = {name: value for name, value in stated.items() if name not in kind.span}
        stated = {kind.period: period, **rest}
    for name, suffices in kind.resolved.items():
        if name in stated:
            stated[name] = tuple({suffices: row.get(suffices)} for row in rows_of(stated[name]))
    at_home = bool(kind.currency) and stated.get(kind.currency) == tenant.home_currency
    rows = (
        _without_defaults(kind, row, tenant, at_home=at_home)
        for row in rows_of(stated.get(kind.lines))
    )
    return with_lines(kind, stated, rows)


def _without_defaults(
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
