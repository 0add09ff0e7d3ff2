"""What a rehearsal proves: which changes were accepted, and whether the balances are the plan's."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Protocol, TypeAlias

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import ZERO, total
from reconciler.core.model.plan import UNCHANGED, Action, Change, Impact, Plan, Verb
from reconciler.core.model.proofs.rehearsal import Rehearsed, RehearsedBalance, RehearsedChange
from reconciler.core.model.report import Applied, Outcome
from reconciler.core.planning.dimensions import Key
from reconciler.core.planning.impact import impact_of


class LedgerRow(Protocol):
    """A row of a trial balance, as the ledger makes it."""

    @property
    def period(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def code_type(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def debit(self) -> Decimal: ...
    @property
    def credit(self) -> Decimal: ...


Sides: TypeAlias = tuple[Decimal, Decimal]
"""Debits and credits."""

_NONE: Sides = (ZERO, ZERO)


def rehearsed_changes(applied: Iterable[Applied]) -> tuple[RehearsedChange, ...]:
    """How each change ended, in the order of the plan."""
    return tuple(
        RehearsedChange(
            kind=one.change.address.kind,
            name=one.change.address.name,
            action=one.change.action.value,
            outcome=_OUTCOMES.get(one.outcome, Rehearsed.REFUSED),
            message=one.message,
        )
        for one in applied
    )


_OUTCOMES = {
    Outcome.DONE: Rehearsed.ACCEPTED,
    Outcome.NOT_ATTEMPTED: Rehearsed.NOT_ATTEMPTED,
}


def rehearsed_balances(
    plan: Plan,
    applied: Iterable[Applied],
    before: Iterable[LedgerRow],
    after: Iterable[LedgerRow],
    by_runs: Iterable[LedgerRow] = (),
) -> tuple[RehearsedBalance, ...]:
    """The trial balances of the ledger beside the impact of what it accepted.

    `by_runs` are the postings of journal runs, which no impact knows: they count as planned. A row
    is there if the ledger or the plan moves an amount in it.
    """
    done = {one.change.address: one for one in applied}
    changes = tuple(
        _as_done(change, done.get(change.address)) if change.is_feasible else change
        for change in plan.changes
    )
    starts = {row.period: at for at, row in enumerate(plan.impact)}
    planned = {
        (row.period, row.code, row.currency): row
        for row in impact_of(changes, plan.basis.home_currency, divide=lambda *_: ())
    }
    was, now = _sides_of(before, planned), _sides_of(after, planned)
    runs = _sides_of(by_runs, planned)
    moved = {key for key in {*was, *now} if was.get(key, _NONE) != now.get(key, _NONE)}
    order = sorted(moved.union(planned), key=lambda key: (starts.get(key[0], len(starts)), key))
    return tuple(
        _balance(
            key,
            planned.get(key),
            was=was.get(key, _NONE),
            now=now.get(key, _NONE),
            runs=runs.get(key, _NONE),
        )
        for key in order
    )


def _as_done(change: Change, applied: Applied | None) -> Change:
    """A change with the steps alone that took effect."""
    steps = applied.steps if applied is not None else ()
    if not steps and change.steps:
        # Nothing was done: the entry is what it was.
        return replace(change, steps=(), comparison=UNCHANGED)
    updated = any(step.verb is Verb.UPDATE for step in steps)
    return replace(change, steps=steps, comparison=change.comparison if updated else UNCHANGED)


def _sides_of(rows: Iterable[LedgerRow], planned: Mapping[Key, Impact]) -> Mapping[Key, Sides]:
    """Debits and credits of each row, under the name that the plan has for its code."""
    found: dict[Key, list[LedgerRow]] = {}
    for row in rows:
        typed = (row.period, f"{row.code} ({row.code_type})", row.currency)
        key = typed if typed in planned else (row.period, row.code, row.currency)
        found.setdefault(key, []).append(row)
    return {
        key: (total(row.debit for row in group), total(row.credit for row in group))
        for key, group in found.items()
    }


def _balance(
    key: Key, planned: Impact | None, *, was: Sides, now: Sides, runs: Sides
) -> RehearsedBalance:
    period, code, currency = key
    then = (planned.debit_after, planned.credit_after) if planned else was
    return RehearsedBalance(
        period=period,
        code=code,
        currency=currency,
        debit_before=was[0],
        credit_before=was[1],
        debit_after=now[0],
        credit_after=now[1],
        planned_debit_before=planned.debit_before if planned else was[0],
        planned_credit_before=planned.credit_before if planned else was[1],
        planned_debit_after=total((then[0], runs[0])),
        planned_credit_after=total((then[1], runs[1])),
    )


def new_runs(plan: Plan) -> tuple[Change, ...]:
    """The journal runs that the plan creates."""
    return tuple(
        change for change in plan.feasible if change.posts and not KINDS[change.address.kind].lines
    )


def unknown_to_a_rehearsal(plan: Plan, *, complete: bool, transactions: str) -> Iterator[str]:
    """What the scratch ledger cannot know, as parts of a list.

    `transactions` names the file of source transactions that were loaded, if any.
    """
    beyond = " beyond the Reference" if complete else ", because there is no Reference"
    yield f"settings of the tenant{beyond}"
    yield "the permissions of the real client"
    yield "calls of others at the same time"
    if transactions:
        yield f"source transactions that {transactions} lacks"
    else:
        yield from (f"what {run.address} will post" for run in new_runs(plan))
    if any(change.action is Action.BLOCKED for change in plan.changes):
        yield "what is blocked"
