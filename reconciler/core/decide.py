"""Decides what happens to every address: declared, recorded and live in, a plan out. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from reconciler.core.canonical import declarable, fingerprint
from reconciler.core.checks import Known, check
from reconciler.core.compare import UNCHANGED, Comparison, FieldChange, compare
from reconciler.core.kinds import KINDS
from reconciler.core.kinds.kind import Kind
from reconciler.core.marker import marker_of, split_marker
from reconciler.core.plan import POSTED, Action, Block, Change, Drift, Reason, Step, Verb
from reconciler.core.recorded import Recorded
from reconciler.core.rules import PLAN_RULES
from reconciler.core.values import Address, Declared, Live, Severity, Value, text_of

CANCELLED, GONE = "Cancelled", "gone"

_HELD_BY_TRANSFER = frozenset({"Yes", "Processing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How the workspace wants entries treated: whether cancelled ones are deleted, and so on."""

    delete_cancelled: bool = True
    forbid_removal: bool = False
    manage_observed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything a plan is computed from.

    `live` maps every number that was asked for to what the ledger answered, None for a positive
    "not found"; a number that is missing here was not read, which is a mistake of the caller.
    """

    declared: Mapping[Address, Declared]
    recorded: Mapping[Address, Recorded]
    live: Mapping[str, Live | None]
    known: Known
    conduct: Conduct = Conduct()


def decide_all(world: World) -> tuple[tuple[Change, ...], tuple[Drift, ...]]:
    """One change for every address that is declared or recorded, in the order of application."""
    addresses = sorted(
        {*world.declared, *world.recorded},
        key=lambda address: (KINDS[address.kind].rank, address),
    )
    changes, drift = [], []
    for address in addresses:
        case = _Case.of(address, world)
        change = _decide(case)
        if change is not None:
            changes.append(change)
        moved = _drift(case)
        if moved is not None:
            drift.append(moved)
    return tuple(changes), tuple(drift)


def numbers_to_read(recorded: Iterable[Recorded]) -> tuple[str, ...]:
    """The numbers a plan needs to know the live state of."""
    return tuple(
        sorted(
            number
            for item in recorded
            for number in (item.number, *item.leftovers)
            if number is not None
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One address with everything known about it. `held` is live without its marker."""

    address: Address
    kind: Kind
    world: World
    declared: Declared | None
    recorded: Recorded
    live: Live | None
    held: Mapping[str, Value]
    marker: str | None

    @classmethod
    def of(cls, address: Address, world: World) -> "_Case":
        recorded = world.recorded.get(address) or Recorded(address=address)
        live = world.live[recorded.number] if recorded.number is not None else None
        held, marker = (
            split_marker(live.fields, world.known.marker) if live is not None else ({}, None)
        )
        return cls(
            address=address,
            kind=KINDS[address.kind],
            world=world,
            declared=world.declared.get(address),
            recorded=recorded,
            live=live,
            held=held,
            marker=marker,
        )

    @property
    def owned(self) -> bool:
        return self.marker == marker_of(self.world.known.workspace, self.address)

    @property
    def posted(self) -> bool:
        return self.live is not None and self.live.status == POSTED

    @property
    def transferred(self) -> str:
        return text_of(self.held.get(self.kind.transfer)) or ""

    def leftover_steps(self) -> tuple[Step, ...]:
        """Deletions of cancelled predecessors that an interrupted replacement left behind."""
        if not self.world.conduct.delete_cancelled:
            return ()
        return tuple(
            Step(verb=Verb.DELETE, number=number)
            for number in self.recorded.leftovers
            if self.world.live[number] is not None
        )

    def change(
        self,
        action: Action,
        reason: Reason,
        verbs: Iterable[Verb] = (),
        comparison: Comparison = UNCHANGED,
    ) -> Change:
        """The change with its steps; verbs other than create act on the recorded number."""
        steps = tuple(
            Step(verb=verb, number=None if verb is Verb.CREATE else self.recorded.number)
            for verb in verbs
        )
        fields = self.declared.spec if self.declared else self.held
        period = text_of(fields.get(self.kind.period)) or ""
        known_period = self.world.known.periods.get(period)
        return Change(
            address=self.address,
            action=action,
            wanted=action,
            reason=reason,
            steps=(*steps, *self.leftover_steps()),
            number=self.recorded.number,
            status=self.live.status if self.live else "",
            source=self.declared.source if self.declared else None,
            comparison=comparison,
            before=declarable(self.kind, self.held) if self.live is not None else None,
            after=self.declared.spec if self.declared else None,
            period=period,
            period_status=known_period.status if known_period else "",
            transferred=self.transferred,
            currency=text_of(fields.get(self.kind.currency)) or "",
            protect=self.declared.protect if self.declared else self.recorded.protect,
            fingerprint=fingerprint(self.live) if self.live and steps else "",
        )


def _decide(case: _Case) -> Change | None:
    if case.recorded.unsettled:
        wanted = case.change(Action.CREATE, Reason.RESUMED)
        return _blocked(wanted, "unsettled", "an earlier create has no known outcome")
    change = _declared_change(case) if case.declared else _undeclared_change(case)
    return None if change is None else _with_blocks(case, change)


def _declared_change(case: _Case) -> Change:
    if case.recorded.number is None:
        reason = Reason.RESUMED if case.recorded.leftovers else Reason.NEW
        return case.change(Action.CREATE, reason, (Verb.CREATE,))
    if case.live is None:
        return case.change(Action.CREATE, Reason.MISSING_IN_LEDGER, (Verb.CREATE,))
    if not case.posted:
        reason = Reason.RESUMED if case.recorded.cancelled else Reason.CANCELLED_IN_LEDGER
        return case.change(Action.REPLACE, reason, (Verb.CREATE, *_delete(case)))
    return _difference(case)


def _difference(case: _Case) -> Change:
    assert case.declared is not None
    comparison = _compare(case, case.declared.spec)
    if comparison:
        changed = case.recorded.spec is None or bool(_compare_files(case))
        reason = Reason.CHANGED if changed else Reason.DRIFTED
        if comparison.forced_by:
            verbs = (Verb.CANCEL, Verb.CREATE, *_delete(case))
            return case.change(Action.REPLACE, reason, verbs, comparison)
        return case.change(Action.UPDATE, reason, (Verb.UPDATE,), comparison)
    if case.leftover_steps():
        return case.change(Action.REPLACE, Reason.RESUMED)
    if case.declared.protect != case.recorded.protect or _compare_files(case):
        return case.change(Action.UPDATE, Reason.RECORD_ONLY, (), _recorded_difference(case))
    return case.change(Action.KEEP, Reason.UNCHANGED)


def _recorded_difference(case: _Case) -> Comparison:
    """What changes in the daybook alone: the ledger already holds what the file says."""
    assert case.declared is not None
    if case.declared.protect == case.recorded.protect:
        return UNCHANGED
    protect = FieldChange(
        name="protect",
        before=case.recorded.protect,
        after=case.declared.protect,
        in_place=True,
    )
    return Comparison(fields=(protect,))


def _undeclared_change(case: _Case) -> Change | None:
    if case.recorded.number is None:
        steps = case.leftover_steps()
        return case.change(Action.REMOVE, Reason.RESUMED) if steps else None
    if case.live is None:
        return case.change(Action.FORGET, Reason.MISSING_IN_LEDGER)
    if case.posted:
        return case.change(Action.REMOVE, Reason.UNDECLARED, (Verb.CANCEL, *_delete(case)))
    if case.world.conduct.delete_cancelled:
        reason = Reason.RESUMED if case.recorded.cancelled else Reason.CANCELLED_IN_LEDGER
        return case.change(Action.REMOVE, reason, (Verb.DELETE,))
    return None


def _delete(case: _Case) -> tuple[Verb, ...]:
    return (Verb.DELETE,) if case.world.conduct.delete_cancelled else ()


def _compare(case: _Case, wanted: Mapping[str, Value]) -> Comparison:
    return compare(
        case.kind,
        wanted,
        case.recorded.spec,
        case.held,
        manage_observed=case.world.conduct.manage_observed,
    )


def _compare_files(case: _Case) -> bool:
    """Whether the file says something else than what was last applied."""
    assert case.declared is not None
    applied = case.recorded.spec
    return (
        applied is not None
        and applied != case.declared.spec
        and bool(compare(case.kind, case.declared.spec, applied, applied, manage_observed=True))
    )


def _drift(case: _Case) -> Drift | None:
    """What moved in the ledger since it was last applied, whatever the file says now."""
    recorded, number = case.recorded, case.recorded.number
    if number is None or recorded.unsettled or recorded.spec is None:
        return None
    if case.live is None:
        return Drift(address=case.address, number=number, status=GONE)
    if not case.posted:
        if recorded.cancelled:
            return None
        return Drift(address=case.address, number=number, status=CANCELLED)
    moved = _compare(case, recorded.spec)
    if not moved:
        return None
    return Drift(address=case.address, number=number, status=POSTED, comparison=moved)


def _with_blocks(case: _Case, change: Change) -> Change:
    for rule, message, remedy in _obstacles(case, change):
        return _blocked(change, rule, message, remedy)
    return change


def _blocked(change: Change, rule: str, message: str, remedy: str = "") -> Change:
    block = Block(rule=rule, message=message, remedy=remedy or PLAN_RULES[rule].remedy)
    return replace(change, action=Action.BLOCKED, block=block)


def _obstacles(case: _Case, change: Change) -> Iterator[tuple[str, str, str]]:
    """What is not allowed of a change, the weightiest first."""
    if not change.steps:
        return
    yield from _ownership(case)
    if change.takes_back:
        yield from _held(case)
    if change.takes_back or change.posts:
        yield from _closed(case, change)
    if change.posts and case.declared is not None:
        yield from _refused_by_facts(case.declared, case.world.known)
    if case.transferred == "Yes" and any(
        field.name == case.kind.transfer for field in change.comparison.fields
    ):
        yield (
            "transfer-override",
            f"{change.number} is transferred, and the file says otherwise",
            "",
        )


def _ownership(case: _Case) -> Iterator[tuple[str, str, str]]:
    expected = marker_of(case.world.known.workspace, case.address)
    if case.live is not None and not case.owned:
        carries = f'the marker "{case.marker}"' if case.marker else "no marker"
        yield "ownership", f'{case.live.number} carries {carries}, not "{expected}"', ""
    for number in case.recorded.leftovers:
        live = case.world.live[number]
        if live is None:
            continue
        _, marker = split_marker(live.fields, case.world.known.marker)
        if marker != expected or live.status != CANCELLED:
            yield "ownership", f"{number} is no cancelled entry of this declaration any more", ""


def _held(case: _Case) -> Iterator[tuple[str, str, str]]:
    number = case.recorded.number
    if case.transferred in _HELD_BY_TRANSFER:
        state = case.transferred
        yield "transferred", f"{number} has transferredToAccounting {state}", _WAY_OUT[state]
    if case.declared.protect if case.declared else case.recorded.protect:
        yield "protected", f"{case.address.name} is protected", ""
    if case.declared is None and case.world.conduct.forbid_removal:
        yield "removal-forbidden", "the workspace's policy forbids removals", ""


_WAY_OUT: Mapping[str, str] = MappingProxyType(
    {
        "Yes": "Restore the file as it was, and correct the books with a reversing entry in an "
        "open period.",
        "Processing": "Wait until the transfer has ended, then plan again.",
    }
)


def _closed(case: _Case, change: Change) -> Iterator[tuple[str, str, str]]:
    periods = []
    if change.takes_back:
        periods.append(text_of(case.held.get(case.kind.period)) or "")
    if change.posts and case.declared is not None:
        periods.append(text_of(case.declared.spec.get(case.kind.period)) or "")
    for name in dict.fromkeys(periods):
        period = case.world.known.periods.get(name)
        if period is not None and period.status == "Closed":
            yield "period-closed", f"the accounting period {name} is closed", _nearest_open(case)


def _nearest_open(case: _Case) -> str:
    open_periods = sorted(
        (period.start_date, period.name)
        for period in case.world.known.periods.values()
        if period.status == "Open" and period.end_date is not None
    )
    if not open_periods:
        return ""
    return (
        f"Restore the file and post the correction in an open period; the earliest is "
        f"{open_periods[0][1]}."
    )


def _refused_by_facts(declared: Declared, known: Known) -> Iterator[tuple[str, str, str]]:
    for finding in check(declared, known):
        if finding.severity is Severity.ERROR:
            yield "ledger-facts", f"{finding.rule}: {finding.message}", finding.remedy
