"""The differences between two plans: by address, impact and balance."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TypeAlias

from reconciler.core.documents.plan_digest import bound_change
from reconciler.core.model.canonical import exact, json_bytes
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import ZERO
from reconciler.core.model.plan import Action, Basis, Change, Impact, Plan, Reason
from reconciler.core.model.resource import EMPTY, Address, Value, rows_of
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """One fact of a change that differs between two plans; None when it is absent."""

    name: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDifference:
    """One address that differs between two plans.

    `what` is the text of the difference, `moved` are the differing facts, and `lines_removed` and
    `lines_added` the differing lines of the file.
    """

    address: Address
    before: Change | None
    after: Change | None
    what: str
    moved: tuple[FieldDifference, ...] = ()
    lines_removed: tuple[Mapping[str, Value], ...] = ()
    lines_added: tuple[Mapping[str, Value], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountDifference:
    """An amount that differs between two plans; `names` identify it, the currency is last."""

    names: tuple[str, ...]
    before: Decimal
    after: Decimal

    @property
    def currency(self) -> str:
        return self.names[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDiff:
    """The differences between two plans. `whole` are those that concern no address."""

    whole: tuple[str, ...] = ()
    addresses: tuple[ChangeDifference, ...] = ()
    impact: tuple[AmountDifference, ...] = ()
    """Net changes by period, accounting code and currency."""
    balance: tuple[AmountDifference, ...] = ()
    """Debits posted and cancelled by currency."""


def _difference(old: Change | None, new: Change | None, *, what: str) -> ChangeDifference:
    """The difference of one address; at least one change must be given."""
    one = new or old
    assert one is not None
    if old is None or new is None:
        return ChangeDifference(address=one.address, before=old, after=new, what=what)
    lines = KINDS[one.address.kind].lines
    was, wants = (
        Counter(map(_text, rows_of(_spec(change.after).get(lines)))) for change in (old, new)
    )
    rows = {
        _text(row): row for change in (old, new) for row in rows_of(_spec(change.after).get(lines))
    }
    removed = tuple(rows[key] for key in sorted((was - wants).elements()))
    added = tuple(rows[key] for key in sorted((wants - was).elements()))
    moved = tuple(_differing_facts(old, new, lines))
    return ChangeDifference(
        address=one.address,
        before=old,
        after=new,
        what=what,
        moved=moved if moved or removed or added else (_INTERNAL_DETAILS,),
        lines_removed=removed,
        lines_added=added,
    )


OTHERS = "others"
"""Replaces a value that is too long to show, or that only the ledger writes."""

_INTERNAL_DETAILS = FieldDifference(name="details of ledger and daybook", before=None, after=OTHERS)

_FACTS: Mapping[str, Callable[[Change], Value]] = {
    "action": lambda change: change.action.value,
    "blocked by": lambda change: change.block.rule if change.block else None,
    "reason": lambda change: change.reason.value,
    "number": lambda change: change.number,
    "status in the ledger": lambda change: change.status,
    "period": lambda change: change.period,
    "status of the period": lambda change: change.period_status,
    "transferred": lambda change: change.transferred,
    "protect": lambda change: change.protect,
    "calls": lambda change: tuple(
        f"{step.verb} {step.number or ''}".rstrip() for step in change.steps
    ),
    "entries of the run": lambda change: tuple(
        f"{member.number} {member.status}" for member in change.members
    ),
}
"""The facts of a change by the names that are shown."""


def _differing_facts(old: Change, new: Change, lines: str) -> Iterator[FieldDifference]:
    for name, fact in _FACTS.items():
        if fact(old) != fact(new):
            yield FieldDifference(name=name, before=fact(old), after=fact(new))
    for where, before, after in (
        ("in the file", _spec(old.after), _spec(new.after)),
        ("in the ledger", _spec(old.before), _spec(new.before)),
    ):
        for name in sorted({*before, *after}):
            was, now = before.get(name), after.get(name)
            if _text(was) == _text(now) or (name == lines and where == "in the file"):
                continue
            shown = (None, OTHERS) if name == lines else (was, now)
            yield FieldDifference(name=f"{name} {where}", before=shown[0], after=shown[1])


def _spec(spec: Mapping[str, Value] | None) -> Mapping[str, Value]:
    return EMPTY if spec is None else spec


def _text(value: Value) -> bytes:
    """A number and its digits as text are different values."""
    return json_bytes(exact(value))


_Sums: TypeAlias = Mapping[tuple[str, ...], Decimal]


def _net_changes(plan: Plan) -> _Sums:
    return {(row.period, _part(row), row.currency): row.net_change for row in plan.impact}


def _part(row: Impact) -> str:
    """The code of a row, and which part of it a divided one is: `Rent (CostCenter__c PLAT)`."""
    parts = ", ".join(f"{name} {value or 'none'}" for name, value in row.dimensions.items())
    return f"{row.code} ({parts})" if parts else row.code


def _debits(plan: Plan) -> _Sums:
    return {
        (side, row.currency): amount
        for row in plan.balance
        if not row.home
        for side, amount in (("posted", row.posted_debit), ("cancelled", row.removed_debit))
    }


def _differing_sums(old: _Sums, new: _Sums) -> Iterator[AmountDifference]:
    for names in sorted({*old, *new}):
        before, after = old.get(names, ZERO), new.get(names, ZERO)
        if before != after:
            yield AmountDifference(names=names, before=before, after=after)


def unreviewed(reviewed: Plan, now: Plan, *, interrupted: bool) -> tuple[str, ...]:
    """What differs between the new plan and the reviewed one; empty when it may be applied.

    If a run of the reviewed plan was `interrupted`, its remaining changes count as reviewed:
    completed changes may be missing, and started ones may have only their last steps.
    """
    if now.digest == reviewed.digest:
        return ()
    found = differences(reviewed, now, interrupted=interrupted)
    texts = (*found.whole, *(f"{one.address.name}: {one.what}" for one in found.addresses))
    # Only an interrupted run can change the digest without a difference.
    return texts if texts or interrupted else ("the plan differs",)


def differences(reviewed: Plan, now: Plan, *, interrupted: bool = False) -> PlanDiff:
    """The differences of the new plan from the reviewed one."""
    return PlanDiff(
        whole=tuple(_differences_of_plans(reviewed, now)),
        addresses=tuple(_differences_of_addresses(reviewed, now, interrupted=interrupted)),
        impact=tuple(_differing_sums(_net_changes(reviewed), _net_changes(now))),
        balance=tuple(_differing_sums(_debits(reviewed), _debits(now))),
    )


def _differences_of_plans(reviewed: Plan, now: Plan) -> Iterator[str]:
    if _scope(reviewed) != _scope(now):
        yield "the workspace, the ledger or the allowances differ"
    if reviewed.scope != now.scope:
        yield "the scope of the plan differs"
    if not _continues(reviewed.basis, now.basis):
        yield "the daybook differs, or is an older copy of the one at the review"


def _differences_of_addresses(
    reviewed: Plan, now: Plan, *, interrupted: bool
) -> Iterator[ChangeDifference]:
    before = {change.address: change for change in reviewed.pending}
    after = {change.address: change for change in now.pending}
    homes = reviewed.basis.home_currency, now.basis.home_currency
    for address in sorted({*before, *after}):
        old, new = before.get(address), after.get(address)
        what = _difference_text(old, new, homes, interrupted=interrupted)
        if what:
            yield _difference(old, new, what=what)


def _difference_text(
    old: Change | None,
    new: Change | None,
    homes: tuple[str | None, str | None],
    *,
    interrupted: bool,
) -> str:
    """The difference of one address as text; empty when there is none, or it was reviewed."""
    if old is None:
        return f"{new.action.value} was not reviewed" if new is not None else ""
    action = old.action.value
    if new is None:
        return "" if interrupted else f"{action} was reviewed; now nothing changes"
    if interrupted and _completes(old, new):
        return ""
    if bound_change(old, homes[0]) == bound_change(new, homes[1]):
        return ""
    return f"{action} was reviewed; now {_first_difference(old, new)}"


def _scope(plan: Plan) -> tuple[object, ...]:
    """What calls depend on: target, home currency, marker field and allowances."""
    basis = plan.basis
    return (
        (basis.workspace, basis.tenant_id or basis.host, basis.entity_id),
        (basis.home_currency, basis.marker_place),
        plan.allowances,
    )


def _continues(old: Basis, new: Basis) -> bool:
    """Whether a daybook continues the reviewed one; the first plan has none (I-41)."""
    return not old.lineage or (old.lineage == new.lineage and old.serial <= new.serial)


def _completes(old: Change, new: Change) -> bool:
    """Whether a change completes a reviewed one that an earlier run started."""
    return (
        new.reason is Reason.RESUMED
        and new.action is not Action.BLOCKED
        and old.steps[len(old.steps) - len(new.steps) :] == new.steps
        and _content(old) == _content(new)
    )


def _content(change: Change) -> bytes:
    """The declaration as bytes; a number and its digits as text differ."""
    return json_bytes([exact(change.after), change.protect])


def _first_difference(old: Change, new: Change) -> str:
    if old.action != new.action:
        return f"it is {new.action.value}"
    if _content(old) != _content(new):
        return "the content of the file differs"
    if old.number != new.number:
        return f"its number is {new.number or 'none'}, not {old.number or 'none'}"
    if old.fingerprint != new.fingerprint or old.members != new.members:
        return f"{new.number or 'the live entry'} has changed"
    same_calls = old.steps == new.steps and old.comparison == new.comparison
    return "its other details differ" if same_calls else "its calls differ"
