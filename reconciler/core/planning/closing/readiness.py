"""Decides whether an accounting period can be closed, by what is still open in it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TypeAlias

from reconciler.core.model.command import suggested
from reconciler.core.model.enumerations import PeriodStatus, TransferState
from reconciler.core.model.finding import PlanWarning, joined, listed
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Action, Basis, Change, Plan
from reconciler.core.model.resource import Address, Declared
from reconciler.core.model.schedule import WaitingParts
from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.planning.posting import affected_by, posted_states
from reconciler.core.rules.close_rules import CLOSE_ITEMS
from reconciler.values import dataclass

NOT_ASKED = "draft and processing billing documents, trial balance run"
"""What nobody can ask the API for."""


class ItemState(StrEnum):
    """What a check found out about one item."""

    OK = "ok"
    FAILS = "fails"
    ALLOWED = "allowed"
    """It would fail, and somebody allows it."""
    NOT_CHECKED = "not-checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseItem:
    """One item of a check. `found` names what speaks against the close.

    `checked` counts what was looked at, and is None where nobody looked. Whoever allows an item
    says why in `allowed_because`.
    """

    item: str
    found: tuple[str, ...] = ()
    checked: int | None = 0
    allowed_because: str = ""
    remedy: str = ""

    @property
    def state(self) -> ItemState:
        """What the item means for the close."""
        if self.checked is None:
            return ItemState.NOT_CHECKED
        if not self.found:
            return ItemState.OK
        return ItemState.ALLOWED if self.allowed_because else ItemState.FAILS


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCheck:
    """All items of a period. `not_checked` says what the check did not see."""

    period: AccountingPeriod
    items: tuple[CloseItem, ...]
    not_checked: tuple[str, ...]

    @property
    def failing(self) -> tuple[CloseItem, ...]:
        """The items because of which the period is not ready."""
        return tuple(item for item in self.items if item.state is ItemState.FAILS)

    @property
    def ready(self) -> bool:
        """Whether nothing speaks against closing the period."""
        return not self.failing


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseReport:
    """The checks of several periods: of which books, and when by the ledger's clock.

    `waiting` is what schedules and reversals post in later periods, `warnings` what the plan
    warns of that was made for the check.
    """

    basis: Basis
    checked_at: str
    checks: tuple[CloseCheck, ...]
    waiting: tuple[WaitingParts, ...] = ()
    warnings: tuple[PlanWarning, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether every period is ready."""
        return all(check.ready for check in self.checks)

    def with_commands(self, completed: Callable[[str], str]) -> "CloseReport":
        """The report with each remedy and each warning as `completed` returns it."""
        checks = (
            replace(
                check,
                items=tuple(replace(one, remedy=completed(one.remedy)) for one in check.items),
            )
            for check in self.checks
        )
        warnings = (replace(one, message=completed(one.message)) for one in self.warnings)
        return replace(self, checks=tuple(checks), warnings=tuple(warnings))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmanagedEntry:
    """An entry that is posted, and that nobody declares, forgets or made by a run.

    `name` is that of its marker, if it has the marker of this workspace. `twins` are other posted
    entries of that name.
    """

    number: str
    name: str = ""
    twins: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.name:
            return self.number
        why = f"as {joined(self.twins)}" if self.twins else "not recorded"
        return f"{self.number} ({self.name}, {why})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedPeriod:
    """How many entries a search found in a period, and the unmanaged ones of them."""

    entries: int
    unmanaged: tuple[UnmanagedEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredRun:
    """A declared journal run: its transaction types, and the days that it covers."""

    address: Address
    types: tuple[str, ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseFacts:
    """What a check is made of, for all periods.

    `open_calls` are the calls of earlier applies without a known outcome, and a spill file that is
    not read, in words. `due` are the entries that schedules and `reverseOn` compute, `through`
    names the last period that `generate` writes, if the settings do. `reference` are the periods
    of the Reference. A period that was not searched is not in `searched`. `expected` are the
    transaction types that need a run.
    """

    plan: Plan
    periods: Mapping[str, AccountingPeriod]
    reference: Mapping[str, AccountingPeriod]
    open_calls: tuple[str, ...] = ()
    due: tuple[Declared, ...] = ()
    waiting: tuple[WaitingParts, ...] = ()
    through: str = ""
    runs: tuple[DeclaredRun, ...] = ()
    expected: tuple[str, ...] = ()
    searched: Mapping[str, SearchedPeriod]


def close_check(name: str, facts: CloseFacts, *, allowed: Mapping[str, str]) -> CloseCheck:
    """Check one period by its name. `allowed` has the reason for each allowed item."""
    found: dict[str, list[str]] = {item: [] for item in CLOSE_ITEMS}
    checked = dict.fromkeys(CLOSE_ITEMS, 0)
    for item, what in (
        *_earlier(name, facts.periods),
        *_reference(name, facts),
        *_changes(name, facts),
        *(("open-call", call) for call in facts.open_calls),
        *_runs(name, facts),
        *_transfers(name, facts.plan.changes),
        *_due(name, facts),
    ):
        checked[item] += 1
        found[item] += [what] * bool(what)
    searched = facts.searched.get(name)
    if searched is not None:
        found["unmanaged"] += map(str, _unmanaged(searched, facts.plan))
        checked["unmanaged"] = searched.entries
    unseen = {"unmanaged": "entries that nobody declares"} if searched is None else {}
    return CloseCheck(
        period=facts.periods[name],
        items=tuple(
            CloseItem(
                item=item,
                found=tuple(dict.fromkeys(each)),
                checked=None if item in unseen else checked[item],
                allowed_because=allowed.get(item, ""),
                remedy=_remedy(item, name, facts),
            )
            for item, each in found.items()
        ),
        not_checked=(*unseen.values(), NOT_ASKED),
    )


def _remedy(item: str, period: str, facts: CloseFacts) -> str:
    """What to do about an item: as its rule says, with the period in the command."""
    text = CLOSE_ITEMS[item].remedy.format("each entry")
    last = facts.reference.get(facts.through)
    if item == "period-in-reference":
        text = f"Correct {period} in reference.yaml, then run `reconciler generate`."
    elif item == "unmanaged" and (searched := facts.searched.get(period)):
        text = _import_remedy(period, searched, facts.plan)
    elif item in _COMPUTED and last and last.start_date < facts.periods[period].start_date:
        text = f"Run {suggested('generate', '--through', period)}, then `reconciler apply`."
    if facts.plan.refusals and "`reconciler apply`" in text:
        rules = listed([*dict.fromkeys(one.rule for one in facts.plan.refusals)])
        text += f" It is refused now ({rules}): first do what `reconciler plan` says about that."
    return text


def _import_remedy(period: str, searched: SearchedPeriod, plan: Plan) -> str:
    """What to do about unmanaged entries. An import refuses what a marker alone proves."""
    unmanaged = _unmanaged(searched, plan)
    if unmanaged and all(one.twins for one in unmanaged):
        return "Look at both entries of a name in the ledger, and cancel the wrong one."
    proved = sum(bool(one.name) for one in searched.unmanaged)
    words = ("--adopt-found", proved) if proved else ()
    command = suggested("import", "--period", period, *words)
    if not proved:
        return f"Run {command}, or cancel what is wrong in the ledger."
    return (
        "If the daybook is an older copy, restore the newest one. If that is not possible, run "
        f"{command}, or cancel what is wrong in the ledger."
    )


def _unmanaged(searched: SearchedPeriod, plan: Plan) -> tuple[UnmanagedEntry, ...]:
    """The entries that no change of the plan is about, such as the adoption of one."""
    planned = {change.number for change in plan.changes}
    return tuple(one for one in searched.unmanaged if one.number not in planned)


_COMPUTED = frozenset({"schedule-due", "reversal-due"})


Facts: TypeAlias = Iterator[tuple[str, str]]
"""Items, each with one thing that was looked at: in words if it fails the item, else empty."""


def _earlier(name: str, periods: Mapping[str, AccountingPeriod]) -> Facts:
    start = periods[name].start_date
    for period in sorted(periods.values(), key=lambda one: one.start_date):
        if period.end_date is not None and period.end_date < start:
            closed = period.status == PeriodStatus.CLOSED
            yield "earlier-period", "" if closed else f"{period.name} ({period.status})"


def _reference(name: str, facts: CloseFacts) -> Facts:
    """What is computed is known only for a period that the Reference has."""
    if not (facts.reference or facts.waiting):
        return
    known, period = facts.reference.get(name), facts.periods[name]
    if known is None:
        yield "period-in-reference", f"{name} is not in reference.yaml"
        for one in facts.waiting:
            if one.awaited not in facts.reference and not one.dropped:
                yield "period-in-reference", f"{one.name} waits for {one.awaited}"
    elif (known.start_date, known.end_date) != (period.start_date, period.end_date):
        yield "period-in-reference", f"{name} has other days in the ledger: {_days(period)}"
    else:
        yield "period-in-reference", ""


def _days(period: AccountingPeriod) -> str:
    return f"{period.start_date} to {period.end_date or 'no end'}"


def _changes(name: str, facts: CloseFacts) -> Facts:
    """What the plan wants in a period or cannot have, and differences that no change answers."""
    unanswered: dict[tuple[str, str], list[str]] = {}
    for one in facts.plan.unanswered:
        if one.rule != "transfer-error":
            unanswered.setdefault((one.kind, one.name), []).append(one.rule)
    for change in facts.plan.changes:
        kind, entry = KINDS[change.address.kind], change.address.name
        rules = unanswered.pop((kind.name, entry), [])
        if name not in affected_by(change, facts.periods).periods | {change.period}:
            continue
        if kind.members:
            failed = change.status in kind.busy_states | kind.failed
            yield "run-not-done", f"{entry} {change.number} {change.status}" if failed else ""
        if change.block is not None:
            rules.insert(0, change.block.rule)
        why = ", ".join(dict.fromkeys(rules))
        yield "blocked-change", f"{entry} ({why})" if why else ""
        yield "pending-change", f"{entry} ({change.action})" if change.is_feasible else ""
    for (_, entry), rules in unanswered.items():
        # What is of no known period counts in each.
        yield "blocked-change", f"{entry} ({', '.join(rules)})"


def _runs(name: str, facts: CloseFacts) -> Facts:
    """The transaction types that need a run, and have no completed one over the whole period."""
    period = facts.periods[name]
    done = {
        change.address
        for change in facts.plan.changes
        if change.number_posted and change.action is Action.KEEP
    }
    covered = {
        kind
        for run in facts.runs
        if run.address in done
        and run.first <= period.start_date
        and run.last >= (period.end_date or run.last)
        for kind in run.types
    }
    for kind in facts.expected:
        yield "run-missing", "" if kind in covered else kind


def _transfers(name: str, changes: Iterable[Change]) -> Facts:
    for period, number, state, entry in posted_states(changes):
        if period == name:
            failed = _TRANSFER_ITEMS.get(state)
            for item in ("not-transferred", "transfer-error"):
                yield item, f"{entry} {number} {state}" if item == failed else ""


_TRANSFER_ITEMS: Mapping[str, str] = {
    TransferState.NO: "not-transferred",
    TransferState.PROCESSING: "not-transferred",
    TransferState.ERROR: "transfer-error",
}


def _due(name: str, facts: CloseFacts) -> Facts:
    posted: frozenset[Address] = frozenset(
        change.address for change in facts.plan.changes if change.number_posted
    )
    for one in facts.due:
        if one.spec.get("accountingPeriodName") == name:
            source = one.generated_by.name if one.generated_by else ""
            missing = "" if one.address in posted else f"{one.address.name} of {source}"
            yield "reversal-due" if one.reverses else "schedule-due", missing
