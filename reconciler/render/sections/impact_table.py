"""The impact of a plan as cells: its rows, their parts by dimension, and what lines change."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby

from reconciler.core.model.finding import counted
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import total
from reconciler.core.model.plan import Change, Impact
from reconciler.core.model.resource import Line
from reconciler.core.planning.line_matching import posting_key
from reconciler.render.phrases import as_sentence, sided
from reconciler.values import dataclass

_ALL, _SUM = "(all)", "(sum)"
"""The value of a dimension in a row that is not divided, and in one that sums up those above it."""

_NO_VALUE = "(none)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactTable:
    """The impact as cells. The first `names` columns are names, and the rest are amounts.

    `note` says which other fields of lines change. `none` says it if nothing else changes.
    """

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int
    note: str
    none: str

    @property
    def amounts(self) -> frozenset[int]:
        return frozenset(range(self.names, len(self.titles)))


def impact_table(
    impact: Sequence[Impact], by_line: Iterable[Change], home: str | None, *, none: bool
) -> ImpactTable:
    """The impact of a plan, and what the changes `by_line` do beside it.

    `none` says whether a plan without rows is known to change no amount.
    """
    dimensions = tuple(dict.fromkeys(name for row in impact for name in row.dimensions))
    with_home = home is not None and any(
        row.home_change is not None and row.currency != home for row in impact
    )
    rows = tuple(_rows(impact, dimensions, (home or "") if with_home else None))
    note = _note(by_line, dimensions if rows else ())
    return ImpactTable(
        titles=(
            *("Period", "Accounting code", "Currency", *dimensions),
            *("Before", "Change", "After"),
            *([f"Change in {home}"] if with_home else []),
        ),
        rows=rows,
        names=3 + len(dimensions),
        note=as_sentence(note) if note and rows else "",
        none=note or "no amount in the books changes" if none and not rows else "",
    )


def _rows(
    impact: Iterable[Impact], dimensions: Sequence[str], home: str | None
) -> Iterator[tuple[str, ...]]:
    """Each row in which a net is left to see, and after the parts of a divided one their sums."""
    for _, group in groupby(impact, lambda row: (row.period, row.code, row.currency)):
        parts = tuple(group)
        drawn = [row for row in parts if row.net_before or row.net_after or row.home_change]
        for row in drawn:
            values = [row.dimensions.get(name, _ALL) or _NO_VALUE for name in dimensions]
            yield _cells((row,), values, home)
        if drawn and len(parts) > 1:
            yield _cells(parts, [_SUM] * len(dimensions), home)


def _cells(parts: Sequence[Impact], values: Sequence[str], home: str | None) -> tuple[str, ...]:
    """The sums of these parts of a row; its last cell is the change in the home currency."""
    one = parts[0]
    nets = (
        total(getattr(row, name) for row in parts)
        for name in ("net_before", "net_change", "net_after")
    )
    names = (one.period, one.code, one.currency, *values)
    amounts = tuple(sided(net, one.currency) for net in nets)
    homes = [row.home_change for row in parts]
    return (*names, *amounts, *([] if home is None else [_home_text(homes, home)]))


def _home_text(changes: Sequence[Decimal | None], home: str) -> str:
    """A change in the home currency; `?` if a part of it is not known."""
    known = [change for change in changes if change is not None]
    return sided(total(known), home) if len(known) == len(changes) else "?"


def _note(changes: Iterable[Change], shown: Sequence[str]) -> str:
    """Which fields change on lines that keep their amounts, apart from dimensions that are shown.

    The text goes on a sentence, or is empty.
    """
    counts: Counter[str] = Counter()
    for change in changes:
        counts.update(name for name in _changed_fields(change) if name not in shown)
    if not counts:
        return ""
    parts = (
        f"{counted(count, 'line changes', 'lines change')} {name}"
        for name, count in sorted(counts.items())
    )
    return f"lines keep their amounts; {', '.join(parts)}"


def _changed_fields(change: Change) -> Iterator[str]:
    """The fields that change on each line that keeps its code, side and amount."""
    kind, comparison = KINDS[change.address.kind], change.comparison
    for update in comparison.line_updates:
        yield from update.fields
    free: dict[object, list[Line]] = {}
    for line in comparison.lines_removed:
        free.setdefault(posting_key(kind, line), []).append(line)
    for line in comparison.lines_added:
        if partners := free.get(posting_key(kind, line)):
            old = partners.pop(0)
            names = {*old, *line} - kind.server_filled - kind.line_optional
            yield from (
                name for name in names if (old.get(name) or None) != (line.get(name) or None)
            )
