"""The lines of an entry before and after a change, side by side, each pair on one row."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import shown
from reconciler.core.model.plan import Action, Change
from reconciler.core.model.resource import Value, rows_of, text_of
from reconciler.core.planning.request_body import completed
from reconciler.render.phrases import side_total
from reconciler.render.postings import LineAmounts, amounts_of, rest_of
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePair:
    """One line of either side, or the same line on both; `mark` is empty, +, - or ~."""

    mark: str
    code: str
    before: LineAmounts | None
    after: LineAmounts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSide:
    """A side of the comparison: its name, its currency, the sums of its debits and credits."""

    name: str
    field: str
    currency: str
    debit: str
    credit: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LineComparison:
    """The lines of an entry on one side or both; `home` is a currency to show amounts in too."""

    sides: tuple[ComparisonSide, ...]
    rows: tuple[LinePair, ...]
    home: str


_NAMES = {False: ("Before", "After"), True: ("Before (stays)", "Declared (not applied)")}
"""The names of the sides, by whether the change is blocked."""

_Line = Mapping[str, Value]


def comparison_of(change: Change, home: str | None) -> LineComparison | None:
    """The lines before and after; None where no line is posted, cancelled or changed."""
    kind = KINDS[change.address.kind]
    touched = change.wanted in _WHOLE or change.comparison.lines_added
    if not kind.lines or not (touched or change.comparison.line_updates):
        return None
    specs = {"before": change.before, "after": change.after}
    there = {field: spec for field, spec in specs.items() if spec is not None}
    if not there:
        return None
    names = dict(zip(specs, _NAMES[change.block is not None], strict=True))
    found = {
        field: rows_of(completed(kind, spec, home).get(kind.lines)) for field, spec in there.items()
    }
    money = {field: text_of(spec.get(kind.currency)) or "" for field, spec in there.items()}
    return LineComparison(
        sides=tuple(_side(names[field], field, found[field], money[field]) for field in there),
        rows=tuple(_rows(found.get("before", ()), found.get("after", ()), money, home or "")),
        home=home if home and set(money.values()) != {home} else "",
    )


_WHOLE = frozenset({Action.CREATE, Action.REPLACE, Action.REMOVE, Action.ADOPT})
"""The actions that concern every line of an entry."""


def _side(name: str, field: str, rows: Sequence[_Line], currency: str) -> ComparisonSide:
    debit, credit = side_total(rows, "Debit"), side_total(rows, "Credit")
    return ComparisonSide(
        name=name,
        field=field,
        currency=currency,
        debit=shown(debit, currency),
        credit=shown(credit, currency),
        holds=debit == credit,
    )


def _rows(
    before: Sequence[_Line], after: Sequence[_Line], money: Mapping[str, str], home: str
) -> Iterator[LinePair]:
    """Debits before credits; a changed line keeps its position."""
    pairs = _pairs(before, after)
    for old, new in sorted(
        pairs, key=lambda pair: (pair[0] or pair[1] or {}).get("type") == "Credit"
    ):
        was = None if old is None else amounts_of(old, money["before"], home, live=True)
        now = None if new is None else amounts_of(new, money["after"], home, live=False)
        if old is None or new is None:
            mark = "+" if old is None else "-"
            mark = mark if before and after else ""
        else:
            same = money["before"] == money["after"] and _exact(old) == _exact(new)
            mark = "" if same else "~"
        code = text_of((new or old or {}).get("accountingCodeName")) or ""
        yield LinePair(mark=mark, code=code, before=was, after=now)


def _pairs(
    before: Sequence[_Line], after: Sequence[_Line]
) -> Iterator[tuple[_Line | None, _Line | None]]:
    """Equal lines, then lines of one code and side, then those without a partner."""
    free: dict[int, _Line] = dict(enumerate(after))
    partner: dict[int, int] = {}
    for key in (_exact, _place):
        waiting: dict[object, list[int]] = defaultdict(list)
        for at, line in free.items():
            waiting[key(line)].append(at)
        for at, line in enumerate(before):
            if at not in partner and (found := waiting.get(key(line))):
                partner[at] = found.pop(0)
                del free[partner[at]]
    for at, line in enumerate(before):
        yield line, after[partner[at]] if at in partner else None
    for line in free.values():
        yield None, line


def _exact(line: _Line) -> tuple[object, ...]:
    rest = rest_of(line, live=True)
    return (*_place(line), line.get("amount"), line.get("homeCurrencyAmount"), rest)


def _place(line: _Line) -> tuple[object, ...]:
    return line.get("accountingCodeName"), line.get("type")


def codes_of(specs: Iterable[tuple[str, Mapping[str, Value] | None]]) -> Iterator[str]:
    """The accounting codes that entries post to; each is a kind and its fields."""
    for kind, spec in specs:
        for line in rows_of((spec or {}).get(KINDS[kind].lines)):
            yield text_of(line.get("accountingCodeName")) or ""
