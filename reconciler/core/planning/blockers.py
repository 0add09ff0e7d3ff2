"""What stands in the way of a change: ownership, transfer, protection, policy, periods, facts."""

from collections.abc import Iterator
from typing import TypeAlias

from reconciler.core.model.finding import Severity
from reconciler.core.model.marker import split_marker
from reconciler.core.model.plan import CANCELLED, Action, Change
from reconciler.core.model.policy import Removal
from reconciler.core.model.resource import Declared, text_of
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.adoption import adoption_obstacles
from reconciler.core.planning.impact import reach_of
from reconciler.core.planning.run_members import WAY_OUT, members_in_the_way
from reconciler.core.planning.snapshot import AddressState
from reconciler.core.rules.entries import check

Obstacle: TypeAlias = tuple[str, str, str]
"""The rule, the fact, and the way out; empty when the rule's own remedy says it."""


def obstacles(case: AddressState, change: Change) -> Iterator[Obstacle]:
    """What is not allowed of a change, the weightiest first."""
    if case.adopts:
        yield from adoption_obstacles(case, change)
    if not change.steps:
        return
    yield from _ownership(case)
    if case.made_by_run and (change.cancels or change.posts):
        yield "run-entry", f"a journal run made {case.number or 'its entry'}", ""
    if change.cancels:
        yield from _held(case)
        yield from members_in_the_way(case)
    if change.action is Action.REMOVE and case.snapshot.policy.removal is Removal.FORBID:
        yield "removal-forbidden", "the workspace's policy forbids removals", ""
    if case.kind.needs_open_period and (change.cancels or change.posts):
        yield from _closed(case, change)
    if change.cancels or change.posts:
        yield from _frozen(case, change)
    if change.posts and case.declared is not None:
        yield from _refused_by_facts(case.declared, case.snapshot.tenant)
    if case.transferred == "Yes" and any(
        field.name == case.kind.transfer for field in change.comparison.fields
    ):
        yield (
            "transfer-override",
            f"{change.number} is transferred, and the file says otherwise",
            "",
        )


def _ownership(case: AddressState) -> Iterator[Obstacle]:
    expected = case.expected_marker
    if case.live is not None and not case.owned:
        carries = f'the marker "{case.marker}"' if case.marker else "no marker"
        yield "ownership", f'{case.live.number} carries {carries}, not "{expected}"', ""
    for number in case.cancelled_predecessors:
        live = case.snapshot.live[number]
        if live is None:
            continue
        _, marker = split_marker(live.fields, case.snapshot.tenant.marker)
        foreign = case.kind.carries_marker and marker != expected
        if foreign or live.status != CANCELLED:
            yield "ownership", f"{number} is no cancelled entry of this declaration any more", ""


def _held(case: AddressState) -> Iterator[Obstacle]:
    number = case.recorded.number
    state = case.transferred
    if state in WAY_OUT:
        yield "transferred", f"{number} has transferredToAccounting {state}", WAY_OUT[state]
    for one in dict.fromkeys((number, case.recorded.adopted)):
        for address in case.snapshot.claims.get(one or "", ()):
            if address != case.address:
                yield "adoption", f"{one} is adopted by {address.name} as well", _ONE_NAME
    if case.declared.protect if case.declared else case.recorded.protect:
        way_out = "" if case.declared else _UNPROTECT_FIRST
        yield "protected", f"{case.address.name} is protected", way_out


_UNPROTECT_FIRST = (
    "Restore the file with `protect: false` and have that applied; then remove it again."
)
_ONE_NAME = (
    "Restore the file under its old name, or write `previousName` into the new one in place of "
    "`metadata.adopts`: that renames the entry."
)


def _closed(case: AddressState, change: Change) -> Iterator[Obstacle]:
    periods = []
    if change.cancels:
        periods.append(text_of(case.held.get(case.kind.period)) or "")
    if change.posts and case.declared is not None:
        periods.append(text_of(case.declared.spec.get(case.kind.period)) or "")
    for name in dict.fromkeys(periods):
        period = case.snapshot.tenant.periods_by_name.get(name)
        if period is not None and period.status == "Closed":
            yield (
                "period-closed",
                f"the accounting period {name} is closed",
                _nearest_open(case, change),
            )


def _frozen(case: AddressState, change: Change) -> Iterator[Obstacle]:
    """The policy's own lock on periods, which the ledger may still have open."""
    freeze, periods = case.snapshot.policy.freeze, case.snapshot.tenant.periods_by_name
    if not (freeze.periods or freeze.statuses):
        return
    for name in sorted(reach_of(change, periods).periods):
        status = periods[name].status if name in periods else ""
        if name in freeze.periods or status in freeze.statuses:
            told = f" and is {status}" if status in freeze.statuses else ""
            yield "period-frozen", f"the accounting period {name} is frozen by policy{told}", ""


def _nearest_open(case: AddressState, change: Change) -> str:
    open_periods = sorted(
        (period.start_date, period.name)
        for period in case.snapshot.tenant.periods_by_name.values()
        if period.status == "Open" and period.end_date is not None
    )
    if not open_periods:
        return ""
    earliest = f"the earliest is {open_periods[0][1]}"
    if not change.cancels:
        return f"Declare the entry in an open period; {earliest}."
    return f"Restore the file and post the correction in an open period; {earliest}."


def _refused_by_facts(declared: Declared, tenant: Tenant) -> Iterator[Obstacle]:
    for finding in check(declared, tenant):
        if finding.severity is Severity.ERROR:
            yield "ledger-facts", f"{finding.rule}: {finding.message}", finding.remedy
