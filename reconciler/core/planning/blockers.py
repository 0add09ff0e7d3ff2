"""What blocks a change: ownership, transfer, protection, policy, periods and failed checks."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from reconciler.core.model.command import suggested
from reconciler.core.model.enumerations import PeriodStatus, TransferState
from reconciler.core.model.finding import Finding, Refusal, Severity
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.marker import marker_in
from reconciler.core.model.plan import CANCELLED, Action, Change
from reconciler.core.model.policy import Removal
from reconciler.core.model.resource import Declared, text_of
from reconciler.core.model.tenant import Tenant, next_open
from reconciler.core.planning.adoption import adoption_obstacles, second_adoption
from reconciler.core.planning.diff import read_back, stored_otherwise
from reconciler.core.planning.posting import affected_by
from reconciler.core.planning.run_members import TRANSFER_REMEDIES, member_obstacles
from reconciler.core.planning.snapshot import AddressState
from reconciler.core.rules.catalog import PLAN_RULES
from reconciler.core.rules.entries import BASIC_CHECKS, check, check_marker

Obstacle: TypeAlias = tuple[str, str, str]
"""Rule, fact and remedy; an empty remedy means that of the rule."""


def obstacles(state: AddressState, change: Change) -> Iterator[Obstacle]:  # noqa: C901 - a line each
    """The obstacles of a change, the most important first."""
    if state.declared is not None and state.declared.adopts is not None:
        yield from second_adoption(state, state.declared)
    if state.adopts:
        yield from adoption_obstacles(state, change)
    kept = change.action is not Action.FORGET
    if kept and state.live is not None and not state.marks.owned:
        yield from _not_owned(state, state.live.number, change)
    if not change.steps:
        return
    yield from _not_cancelled(state) if kept and state.predecessors else ()
    if state.recorded.otherwise:
        yield from _stored_otherwise(state)
    if (change.cancels or change.posts) and state.made_by_run:
        yield "run-entry", f"a journal run made {state.number or 'its entry'}", ""
    if change.cancels:
        yield from _transfer_and_protection(state, change.transferred)
        yield from member_obstacles(state)
    if change.action is Action.REMOVE and state.snapshot.policy.removal is Removal.FORBID:
        yield "removal-forbidden", "the workspace's policy forbids removals", ""
    for rule, fact, name in period_obstacles(change, state.snapshot.tenant):
        yield rule, fact, _period_remedy(state, change, rule, name)
    if change.cancels or change.posts:
        yield from _frozen_periods(state, change)
    if state.declared is not None and (change.posts or not change.cancels):
        yield from _failed_checks(state.declared, change, state.snapshot.tenant)
    if change.transferred == TransferState.YES and any(
        field.name == state.kind.transfer for field in change.comparison.fields
    ):
        fact = f"{change.number} is transferred, but the file states otherwise"
        yield "transfer-override", fact, ""


_MOST_SENT = 2
"""How often a value is sent that a read shows otherwise: somebody else may have changed it."""


def _stored_otherwise(state: AddressState) -> Iterator[Obstacle]:
    """Each value that was sent as declared, and that the ledger stored as a read shows it now.

    No call changes a field that forces a replacement, so one read is enough for it.
    """
    known, declared = state.recorded.otherwise, state.declared
    if declared is None or not state.posted:
        return
    found = read_back(state.kind, declared.spec, state.recorded.spec, state.live_fields)
    for name, pair in stored_otherwise(state.kind, found).items():
        *told, times = known.get(name, ("", "", 0))
        if tuple(told) == pair and (times >= _MOST_SENT or name in found.forced_by):
            sent, read = pair
            fact = f'{state.number} has {name} "{read}", although "{sent}" was sent'
            yield "stored-otherwise", fact, ""


def _not_owned(state: AddressState, number: str, change: Change) -> Iterator[Obstacle]:
    expected = state.marks.own[0]
    marker = state.marks.found or state.marks.former[1]
    if marker and marker not in state.marks.own:
        fact = f'{number} carries the marker "{marker}", not "{expected}"'
        ours = state.recorded.number is not None
        somebody = _FORGET.format(state.address.name) if ours else _DO_NOT_ADOPT
        yield "ownership", fact, f"{_FOREIGN_MARKER} {somebody}"
    elif state.marker_lost and change.cancels:
        yield "ownership", f'{number} carries no marker, not "{expected}"', _RESTORE_FIRST
    elif not state.marker_lost:
        yield "ownership", f'{number} carries no marker, not "{expected}"', ""


def _not_cancelled(state: AddressState) -> Iterator[Obstacle]:
    for number in state.predecessors:
        live = state.snapshot.live[number]
        if live is None:
            continue
        marker = marker_in(live.fields, state.snapshot.tenant.marker)
        foreign = state.kind.carries_marker and marker != state.marks.own[0]
        if foreign or live.status != CANCELLED:
            yield "ownership", f"{number} is no longer a cancelled entry of this declaration", ""


_FOREIGN_MARKER = (
    "Check the entry in the ledger. If it belongs to this declaration, empty the field of its "
    "marker there: the next apply writes the marker again."
)
_FORGET = (
    "If it belongs to somebody else, remove the file and run `reconciler forget {0}`. To post the "
    "declaration again, restore its file after that."
)
_DO_NOT_ADOPT = (
    "If it belongs to somebody else, remove the file. To post the declaration as an entry of its "
    "own, remove `metadata.adopts` instead."
)
_RESTORE_FIRST = (
    "Restore the file as it was applied and run `reconciler apply`, which writes the marker again. "
    "Then make this change again."
)


def _transfer_and_protection(state: AddressState, transfer: str) -> Iterator[Obstacle]:
    number = state.number
    if transfer in TRANSFER_REMEDIES:
        way = correction(state) if transfer == TransferState.YES else ""
        fact = f"{number} has transferredToAccounting {transfer}"
        yield "transferred", fact, way or TRANSFER_REMEDIES[transfer]
    for one in dict.fromkeys((number, state.recorded.adopted)):
        for address in state.snapshot.claims.get(one or "", ()):
            if address != state.address:
                yield "adoption", f"{one} is also adopted by {address.name}", _ONE_NAME
    if state.declared.protect if state.declared else state.recorded.protect:
        remedy = "" if state.declared else _UNPROTECT_FIRST
        if state.declared and (way := correction(state)):
            remedy = f"{PLAN_RULES['protected'].remedy} Or leave the entry posted. {way}"
        yield "protected", f"{state.address.name} is protected", remedy


def correction(state: AddressState) -> str:
    """How what is posted is corrected without a cancel; empty for what cannot be reversed."""
    name, declared = state.address.name, state.declared
    if not state.kind.reversible:
        return ""
    if declared is None:
        command = suggested("reverse", name)
        return f"Restore the file and run {command}: it writes a reversal in an open period."
    if declared.reverses is not None:
        command = suggested("reverse", declared.reverses, "--rebook-only")
        return f"Restore the file and run {command}: it declares the corrected entry."
    command = suggested("reverse", name, "--rebook")
    if declared.generated_by is not None:
        source = declared.generated_by.name
        return (
            f"Restore {source} and run {suggested('generate', source)}. Then add an amendment from "
            f"an open period, or run {command} and edit the new entry."
        )
    return f"Run {command}: it restores the file, and moves the edit into an open period."


_UNPROTECT_FIRST = "Restore the file with `protect: false` and apply it; then remove it again."
_ONE_NAME = (
    "Restore the file under its old name. Or replace `metadata.adopts` in the new file by "
    "`previousName`, which renames the entry."
)


def period_obstacles(change: Change, tenant: Tenant) -> Iterator[tuple[str, str, str]]:
    """Why the present statuses of the periods do not allow a change: rule, fact and period.

    A status that is no documented word allows nothing, because nobody knows what it means.
    """
    kind, periods = KINDS[change.address.kind], tenant.periods_by_name
    for name in sorted(affected_by(change, periods).periods) if change.steps else ():
        if name in periods and not periods[name].status_known:
            fact = f'the accounting period {name} has the status "{periods[name].status}"'
            yield "period-unknown-status", fact, name
    sides = (change.before if change.cancels else None, change.after if change.posts else None)
    names = dict.fromkeys(text_of(spec.get(kind.period)) or "" for spec in sides if spec)
    for name in names if kind.needs_open_period else ():
        if name in periods and periods[name].status == PeriodStatus.CLOSED:
            yield "period-closed", f"the accounting period {name} is closed", name
    for name in pending_close(change, tenant) if tenant.manages_close is False else ():
        yield "period-pending-close", f"the accounting period {name} is PendingClose", name


def refused_by_period(change: Change, tenant: Tenant, said: str = "") -> Refusal | None:
    """Why periods no longer allow a change that a plan offers; `said` is what the ledger said."""
    for rule, fact, _ in period_obstacles(change, tenant):
        remedy = CLOSER_REMEDY if rule == "period-pending-close" else _PLAN_AGAIN
        return Refusal(rule=rule, message=f"{fact} now{said}", remedy=remedy)
    return None


_PLAN_AGAIN = "Run `reconciler plan`: it blocks this change, and says what to do."


def pending_close(change: Change, tenant: Tenant) -> tuple[str, ...]:
    """The periods in which a change posts or cancels an entry, and that are PendingClose."""
    if not (change.posts or change.cancels) or not KINDS[change.address.kind].needs_open_period:
        return ()
    periods = tenant.periods_by_name
    names = sorted(affected_by(change, periods).periods)
    status = PeriodStatus.PENDING_CLOSE
    return tuple(name for name in names if name in periods and periods[name].status == status)


def _frozen_periods(state: AddressState, change: Change) -> Iterator[Obstacle]:
    """Periods that the policy freezes, whatever their status in the ledger."""
    freeze, periods = state.snapshot.policy.freeze, state.snapshot.tenant.periods_by_name
    if not (freeze.periods or freeze.statuses):
        return
    for name in sorted(affected_by(change, periods).periods):
        status = periods[name].status if name in periods else ""
        if freeze.covers(name, status):
            told = f" and is {status}" if status in freeze.statuses else ""
            fact = f"the accounting period {name} is frozen by policy{told}"
            elsewhere = f"{_declared_in(state, 'a period that is not frozen')} {_UNFREEZE}"
            yield "period-frozen", fact, "" if change.cancels else elsewhere


_UNFREEZE = "Or have `policy.freeze` changed, and apply that change alone first."


def _declared_in(state: AddressState, period: str) -> str:
    """How an entry gets another period: one that is generated has that of its source."""
    source = state.declared.generated_by if state.declared is not None else None
    if source is None:
        return f"Declare the entry in {period}."
    command = suggested("generate", source.name)
    return f"Edit {source.name} so that this entry has {period}. Then run {command}."


CLOSER_REMEDY = (
    "Apply with credentials that have Manage Close Process, and set `managesClose: true`. Or "
    "declare the change in an open period."
)


def _period_remedy(state: AddressState, change: Change, rule: str, name: str) -> str:
    """What to do about a period that does not allow a change; empty for what its rule says."""
    if rule != "period-closed":
        return CLOSER_REMEDY if rule == "period-pending-close" else ""
    if not change.cancels or name != text_of(state.live_fields.get(state.kind.period)):
        return _nearest_open(state, name)
    way = correction(state) or "Restore the file and post the correction in an open period."
    return f"{way} {_REOPEN}"


def _nearest_open(state: AddressState, closed: str) -> str:
    periods, freeze = state.snapshot.tenant.periods_by_name, state.snapshot.policy.freeze
    free = (one for one in periods.values() if not freeze.covers(one.name, one.status))
    later = next_open(periods[closed], free)
    if later is None:
        return ""
    earliest = f"an open period; the earliest after {closed} is {later.name}"
    return f"{_declared_in(state, earliest)} {_REOPEN}"


_REOPEN = "Or have the period reopened."


def _failed_checks(declared: Declared, change: Change, tenant: Tenant) -> Iterator[Obstacle]:
    """The checks of what is posted, or of the fields that an update writes: others stay as is."""
    if change.posts:
        found: Iterable[Finding] = check(declared, tenant)
        marks = KINDS[declared.address.kind].carries_marker
    else:
        written = {field.name for field in change.comparison.fields}
        written |= {name for line in change.comparison.line_updates for name in line.fields}
        of_updates = (one for rule in BASIC_CHECKS for one in rule(declared, tenant))
        found = (one for one in of_updates if one.path[-1] in written)
        marks = change.wanted is Action.ADOPT or tenant.marker in written
    for finding in (*found, *(check_marker(tenant) if marks else ())):
        if finding.severity is Severity.ERROR:
            yield "ledger-facts", f"{finding.rule}: {finding.message}", finding.remedy
