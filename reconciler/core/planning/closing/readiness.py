"""Decides whether an accounting period can be closed, by what is still open in it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.model.command import suggested
from reconciler.core.model.enumerations import PeriodStatus, TransferState
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Action, Change, Plan
from reconciler.core.model.resource import Address, Declared
from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.planning.impact import affected_by
from reconciler.core.planning.transfers import posted_states
from reconciler.core.rules.close_rules import CLOSE_ITEMS

NOT_CHECKED = "draft and processing billing documents, trial balance run"
"""What nobody can ask the API for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseItem:
    """One item of a check. `found` names what fails it; an `allowed` one fails nothing."""

    item: str
    found: tuple[str, ...] = ()
    allowed: bool = False
    remedy: str = ""

    @property
    def fails(self) -> bool:
        """Whether the period is not ready because of it."""
        return bool(self.found) and not self.allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCheck:
    """All items of a period. `not_checked` says what the check did not see."""

    period: AccountingPeriod
    items: tuple[CloseItem, ...]
    not_checked: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing speaks against closing the period."""
        return not any(item.fails for item in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseFacts:
    """What a check is made of, for all periods.

    `open_calls` are the calls of earlier applies without a known outcome, in words. `due` are the
    entries that schedules and `reverseOn` compute. `unmanaged` has, by period, the numbers of
    entries that nobody declares, forgets or made by a run; a period that was not queried is absent.
    """

    plan: Plan
    periods: Mapping[str, AccountingPeriod]
    open_calls: tuple[str, ...] = ()
    due: tuple[Declared, ...] = ()
    unmanaged: Mapping[str, tuple[str, ...]]


def close_check(name: str, facts: CloseFacts, *, allowed: Iterable[str] = ()) -> CloseCheck:
    """Check one period by its name."""
    allowed = frozenset(allowed)
    found: dict[str, list[str]] = {item: [] for item in CLOSE_ITEMS}
    for item, what in (
        *_earlier(name, facts.periods),
        *_changes(name, facts),
        *(("open-call", call) for call in facts.open_calls),
        *(("unmanaged", number) for number in facts.unmanaged.get(name, ())),
        *_transfers(name, facts.plan.changes),
        *_due(name, facts),
    ):
        found[item].append(what)
    unseen = () if name in facts.unmanaged else ("entries that nobody declares",)
    return CloseCheck(
        period=facts.periods[name],
        items=tuple(
            CloseItem(
                item=item,
                found=tuple(sorted(set(each))),
                allowed=item in allowed,
                remedy=_remedy(item, name),
            )
            for item, each in found.items()
        ),
        not_checked=(*unseen, NOT_CHECKED),
    )


def _remedy(item: str, period: str) -> str:
    """What to do about an item: as its rule says, and for what nobody declares the command."""
    if item == "unmanaged":
        command = suggested("import", "--period", period)
        return f"Run {command}, or cancel what is wrong in the ledger."
    return CLOSE_ITEMS[item].remedy.format("each entry")


def _earlier(name: str, periods: Mapping[str, AccountingPeriod]) -> Iterator[tuple[str, str]]:
    start = periods[name].start_date
    for period in periods.values():
        if (
            period.end_date is not None
            and period.end_date < start
            and period.status != PeriodStatus.CLOSED
        ):
            yield "earlier-period", f"{period.name} ({period.status})"


def _changes(name: str, facts: CloseFacts) -> Iterator[tuple[str, str]]:
    """What the plan wants in a period or cannot have, and differences that no change answers."""
    where: dict[tuple[str, str], frozenset[str]] = {}
    for change in facts.plan.changes:
        periods = affected_by(change, facts.periods).periods | {change.period}
        where[change.address.kind, change.address.name] = periods
        if name not in periods:
            continue
        kind = KINDS[change.address.kind]
        if kind.members and change.status in kind.busy_states | kind.failed:
            yield "run-not-done", f"{change.address.name} {change.number} {change.status}"
        if change.action is Action.BLOCKED:
            rule = change.block.rule if change.block else ""
            yield "blocked-change", f"{change.address.name} ({rule})"
        elif change.action is not Action.KEEP:
            yield "pending-change", f"{change.address.name} ({change.action})"
    for one in facts.plan.unanswered:
        # What is of no known period counts in each.
        if one.rule != "transfer-error" and name in where.get((one.kind, one.name), {name}):
            yield "blocked-change", f"{one.name} ({one.rule})"


def _transfers(name: str, changes: Iterable[Change]) -> Iterator[tuple[str, str]]:
    for period, number, state, entry in posted_states(changes):
        if period == name and state in _TRANSFER_ITEMS:
            yield _TRANSFER_ITEMS[state], f"{entry} {number} {state}"


_TRANSFER_ITEMS: Mapping[str, str] = {
    TransferState.NO: "not-transferred",
    TransferState.PROCESSING: "not-transferred",
    TransferState.ERROR: "transfer-error",
}


def _due(name: str, facts: CloseFacts) -> Iterator[tuple[str, str]]:
    posted: frozenset[Address] = frozenset(
        change.address for change in facts.plan.changes if change.number_posted
    )
    for one in facts.due:
        if one.address in posted or one.spec.get("accountingPeriodName") != name:
            continue
        item = "reversal-due" if one.reverses else "schedule-due"
        yield item, f"{one.address.name} of {one.generated_by.name if one.generated_by else ''}"
