"""The table of changes: a row each, what it unfolds, and its position when it is sorted."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Action, Change
from reconciler.core.model.resource import Address, Value, text_of
from reconciler.core.planning.posting import posted_after, posted_before
from reconciler.render.change_view import LABELS, BeforeAfter, ChangeView, stated_fields
from reconciler.render.html.comparison import LineComparison, codes_of, comparison_of
from reconciler.render.journal_runs import member_cells
from reconciler.render.plan_view import PlanView
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePosition:
    """The position of a change: in the plan, from 1, and when the table is filtered or sorted.

    `periods` and `codes` are positions in the lists of the filter. `ranks` has the rank among all
    changes, for each column to sort by.
    """

    at: int
    periods: tuple[int, ...]
    codes: tuple[int, ...]
    ranks: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change: its row, and what the row unfolds."""

    view: ChangeView
    place: TablePosition
    action: str
    noun: str
    facts: tuple[str, ...]
    forced_by: tuple[str, ...]
    moved: tuple[BeforeAfter, ...]
    line_moves: tuple[BeforeAfter, ...]
    stated: tuple[tuple[str, str], ...]
    comparison: LineComparison | None
    members: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTable:
    """The rows of a plan by address, in its order, and what they can be filtered by."""

    rows: Mapping[Address, ChangeRow]
    periods: tuple[str, ...]
    codes: tuple[str, ...]


def table_of(plan: PlanView) -> ChangeTable:
    """The pending changes of a plan, as rows."""
    changes, home = plan.changes, plan.plan.basis.home_currency
    periods = [tuple(_periods_of(view.change)) for view in changes]
    codes = [frozenset(codes_of(_specs(view.change))) for view in changes]
    starts = _starts(zip(changes, periods, strict=True))
    all_periods = tuple(sorted(starts, key=lambda name: (starts[name], name)))
    all_codes = tuple(sorted(frozenset().union(*codes)))
    period_at = {name: at for at, name in enumerate(all_periods)}
    code_at = {name: at for at, name in enumerate(all_codes)}
    ranks = [_ranks(changes, key) for key in _sort_keys(period_at)]
    rows = {
        view.change.address: _row(
            view,
            home,
            TablePosition(
                at=at + 1,
                periods=tuple(sorted(period_at[name] for name in periods[at])),
                codes=tuple(sorted(code_at[name] for name in codes[at])),
                ranks=tuple(column[at] for column in ranks),
            ),
        )
        for at, view in enumerate(changes)
    }
    return ChangeTable(rows=rows, periods=all_periods, codes=all_codes)


def _row(view: ChangeView, home: str | None, place: TablePosition) -> ChangeRow:
    change, kind = view.change, KINDS[view.change.address.kind]
    blocked = change.action is Action.BLOCKED and change.wanted in LABELS
    return ChangeRow(
        view=view,
        place=place,
        action=f"{view.label.name}: {change.wanted}" if blocked else view.label.name,
        noun="" if kind.lines else kind.nouns[0],
        facts=_facts(view),
        forced_by=change.comparison.forced_by if change.wanted is Action.REPLACE else (),
        moved=tuple(f for f in view.fields if not f.line and f.name != kind.lines),
        line_moves=tuple(field for field in view.fields if field.line),
        stated=tuple(stated_fields(view)),
        comparison=comparison_of(change, home),
        members=member_cells(change),
    )


def _facts(view: ChangeView) -> tuple[str, ...]:
    change = view.change
    cancels = f"cancels {change.number or 'the posted entry'}" if view.cancels else ""
    renamed = f"renamed from {change.renamed_from}" if change.renamed_from else ""
    return tuple(filter(None, (cancels, *view.special, renamed)))


def _specs(change: Change) -> tuple[tuple[str, Mapping[str, Value] | None], ...]:
    kind = change.address.kind
    own = ((kind, change.before), (kind, change.after)) if KINDS[kind].lines else ()
    return (*own, *posted_before(change), *posted_after(change))


def _periods_of(change: Change) -> Iterator[str]:
    found = (text_of((spec or {}).get(KINDS[kind].period)) for kind, spec in _specs(change))
    yield from dict.fromkeys(name for name in (change.period, *found) if name)


def _starts(changes: Iterable[tuple[ChangeView, tuple[str, ...]]]) -> dict[str, str]:
    """When each period begins, by the dates of its entries."""
    dates: dict[str, list[str]] = defaultdict(list)
    for view, periods in changes:
        for name in periods:
            # An entry that changes its period has a date in the new one.
            dates[name].append((name == view.change.period and view.day) or "9999")
    return {name: min(found) for name, found in dates.items()}


_Key: TypeAlias = Callable[[ChangeView], Any]


def _sort_keys(period_at: Mapping[str, int]) -> tuple[_Key, ...]:
    """What each column is sorted by; amounts exactly, and by currency first."""
    order = {action: at for at, action in enumerate((*LABELS, Action.KEEP))}
    return (
        lambda view: (order[view.change.action], order[view.change.wanted]),
        lambda view: view.name,
        lambda view: view.number,
        lambda view: period_at.get(view.change.period, -1),
        lambda view: view.day,
        lambda view: (view.change.currency, view.debits),
        lambda view: view.file,
    )


def _ranks(pending: tuple[ChangeView, ...], key: _Key) -> list[int]:
    """The rank of each change in the order of a key; equal keys have one rank."""
    keys = [key(change) for change in pending]
    place = {value: at for at, value in enumerate(sorted(set(keys)))}
    return [place[value] for value in keys]
