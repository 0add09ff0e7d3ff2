"""The table of changes: a row each, what it unfolds, and its position when it is sorted."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Action, Change
from reconciler.core.model.resource import Address, Value, text_of
from reconciler.core.planning.impact import posted_after, posted_before
from reconciler.render.change_view import (
    LABELS,
    BeforeAfter,
    ChangeView,
    debits_of,
    spec_of,
)
from reconciler.render.html.comparison import LineComparison, codes_of, comparison_of
from reconciler.render.journal_runs import member_cells
from reconciler.render.phrases import value_text
from reconciler.render.plan_view import PlanView


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


def table_of(view: PlanView) -> ChangeTable:
    """The pending changes of a plan, as rows."""
    changes, home = view.changes, view.plan.basis.home_currency
    pending = tuple(change.change for change in changes)
    periods = {change.address: tuple(_periods_of(change)) for change in pending}
    codes = {change.address: frozenset(_codes_of(change)) for change in pending}
    starts = _starts(pending, periods)
    all_periods = tuple(sorted(starts, key=lambda name: (starts[name], name)))
    all_codes = tuple(sorted(frozenset().union(*codes.values())))
    period_at = {name: at for at, name in enumerate(all_periods)}
    code_at = {name: at for at, name in enumerate(all_codes)}
    ranks = [_ranks(pending, key) for key in _sort_keys(period_at)]
    rows = {
        change.change.address: _row(
            change,
            home,
            TablePosition(
                at=at + 1,
                periods=tuple(sorted(period_at[name] for name in periods[change.change.address])),
                codes=tuple(sorted(code_at[name] for name in codes[change.change.address])),
                ranks=tuple(column[at] for column in ranks),
            ),
        )
        for at, change in enumerate(changes)
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
        facts=tuple(_facts(view)),
        forced_by=change.comparison.forced_by if change.wanted is Action.REPLACE else (),
        moved=tuple(f for f in view.fields if not f.line and f.name != kind.lines),
        line_moves=tuple(field for field in view.fields if field.line),
        stated=tuple(_stated(change)),
        comparison=comparison_of(change, home),
        members=_members(change),
    )


def _facts(view: ChangeView) -> Iterator[str]:
    """What is special about a change."""
    change = view.change
    if view.cancels:
        yield f"cancels {change.number}"
    if change.transferred not in ("", "No"):
        yield f"transferred {change.transferred}"
    if change.protect:
        yield "protected"
    if change.journal_run:
        yield f"made by {change.journal_run}"
    if change.renamed_from:
        yield f"renamed from {change.renamed_from}"


def _stated(change: Change) -> Iterator[tuple[str, str]]:
    """The fields of the entry that neither its headline, its lines nor its changes show."""
    kind = KINDS[change.address.kind]
    shown_already = {kind.lines, *kind.headline, *(f.name for f in change.comparison.fields)}
    spec = spec_of(change)
    for name in sorted(spec, key=lambda name: (name != _NOTES, name)):
        if name not in shown_already and spec[name] not in (None, "", ()):
            yield name, value_text(spec[name])


_NOTES = "notes"
"""Shown first."""


def _members(change: Change) -> tuple[tuple[str, ...], ...]:
    cells = member_cells(change) if change.members else []
    return tuple(map(tuple, cells)) if len(cells) > 1 else ()


def _specs(change: Change) -> tuple[tuple[str, Mapping[str, Value] | None], ...]:
    kind = change.address.kind
    own = ((kind, change.before), (kind, change.after)) if KINDS[kind].lines else ()
    return (*own, *posted_before(change), *posted_after(change))


def _codes_of(change: Change) -> Iterable[str]:
    return codes_of(_specs(change))


def _periods_of(change: Change) -> Iterator[str]:
    found = (text_of((spec or {}).get(KINDS[kind].period)) for kind, spec in _specs(change))
    yield from dict.fromkeys(name for name in (change.period, *found) if name)


def _starts(
    pending: Iterable[Change], periods: Mapping[Address, tuple[str, ...]]
) -> dict[str, str]:
    """When each period begins, by the dates of its entries."""
    dates: dict[str, list[str]] = defaultdict(list)
    for change in pending:
        date = text_of(spec_of(change).get(KINDS[change.address.kind].date)) or "9999"
        for name in periods[change.address]:
            # An entry that changes its period has a date in the new one.
            dates[name].append(date if name == change.period else "9999")
    return {name: min(found) for name, found in dates.items()}


_Key: TypeAlias = Callable[[Change], Any]


def _sort_keys(period_at: Mapping[str, int]) -> tuple[_Key, ...]:
    """What each column is sorted by; amounts exactly, and by currency first."""
    order = {action: at for at, action in enumerate((*LABELS, Action.KEEP))}

    def amount(change: Change) -> tuple[Any, ...]:
        return change.currency, debits_of(change)

    def date(change: Change) -> str:
        return text_of(spec_of(change).get(KINDS[change.address.kind].date)) or ""

    return (
        lambda change: (order[change.action], order[change.wanted]),
        lambda change: change.address.name,
        lambda change: change.number or "",
        lambda change: period_at.get(change.period, -1),
        date,
        amount,
        lambda change: str(change.source or ""),
    )


def _ranks(pending: tuple[Change, ...], key: _Key) -> list[int]:
    """The rank of each change in the order of a key; equal keys have one rank."""
    keys = [key(change) for change in pending]
    place = {value: at for at, value in enumerate(sorted(set(keys)))}
    return [place[value] for value in keys]
