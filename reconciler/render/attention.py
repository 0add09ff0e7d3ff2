"""A long plan in order: by accounting period, with what must not be overlooked at its end."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Change, Plan
from reconciler.core.model.resource import text_of
from reconciler.render.books import leaving
from reconciler.render.styled_text import BLANK, Line, Span, line, span, table

LARGE = 10
"""A plan of more changes does not fit a screen: it is grouped, and ends with what is dangerous."""

MOST_LISTED = 20
"""So many changes are listed in each part; the rest are counted."""


def attention_section(plan: Plan, symbol: Callable[[Change], Span]) -> Iterator[Line]:
    """The destructive changes and the blocked ones by name and number; nothing without any.

    `symbol` is how an action looks.
    """
    blocked = [change for change in plan.pending if change.block is not None]
    yield from _listed("Takes posted entries out of the books:", "bad", leaving(plan), symbol)
    yield from _listed("Blocked, and left out by an apply:", "blocked", blocked, symbol)


def by_period(changes: Iterable[Change]) -> tuple[tuple[str, tuple[Change, ...]], ...]:
    """The changes by the name and status of their period, in the order of their first days."""
    groups: dict[str, list[Change]] = {}
    for change in changes:
        status = f" ({change.period_status})" if change.period_status else ""
        groups.setdefault(f"{change.period}{status}", []).append(change)
    ordered = sorted(groups.items(), key=lambda item: (min(map(_day, item[1])), item[0]))
    return tuple((period, tuple(group)) for period, group in ordered)


def _day(change: Change) -> str:
    """The day that an entry is dated; dates in ISO form compare as text."""
    spec = change.after or change.before or {}
    return text_of(spec.get(KINDS[change.address.kind].date)) or ""


def _listed(
    title: str, style: str, changes: Sequence[Change], symbol: Callable[[Change], Span]
) -> Iterator[Line]:
    if not changes:
        return
    yield line((title, style))
    shown = changes[:MOST_LISTED]
    rows = [
        (
            symbol(change)[0],
            change.address.name,
            change.number or "",
            change.period,
            change.block.rule if change.block else "",
        )
        for change in shown
    ]
    yield from table(rows, indent=2, styles=[symbol(change)[1] for change in shown])
    if (more := len(changes) - MOST_LISTED) > 0:
        yield line(span(f"and {more:,} more", style), indent=2)
    yield BLANK
