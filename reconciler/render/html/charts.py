"""Charts of a plan's impact: bars, their lengths and their amounts.

A bar is always beside its amount and its side, so a chart is also a table.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from reconciler.core.model.money import ZERO, shown, total
from reconciler.core.model.plan import Plan
from reconciler.core.planning.posting import Entry, newly_cancelled, newly_posted, postings
from reconciler.render.phrases import sided
from reconciler.values import dataclass

HALF = 100
"""The length of the longest bar, on either side of the middle."""

_BARS = 14
"""The number of accounting codes or periods with a bar; the table below has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row: its name, its lengths left and right out of HALF, and its amounts."""

    name: str
    left: int
    right: int
    amounts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars in one currency; `more` is how many rows have none."""

    currency: str
    bars: tuple[Bar, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """Charts side by side; `unknown` names what they leave out."""

    by_account: tuple[Chart, ...]
    by_period: tuple[Chart, ...]
    unknown: str = ""


def charts_of(plan: Plan) -> Charts:
    """In the home currency where that is known, else a chart for each currency."""
    home = plan.basis.home_currency
    lacking = [row for row in plan.impact if home is not None and row.home_change is None]
    unknown = ""
    if lacking:
        currencies = ", ".join(sorted({row.currency for row in lacking}))
        unknown = f"The charts leave out {currencies}: the amounts in {home} are unknown."
    return Charts(
        by_account=tuple(_by_account(plan)), by_period=tuple(_by_period(plan)), unknown=unknown
    )


def _by_account(plan: Plan) -> Iterator[Chart]:
    """The net change of every accounting code, the largest first."""
    home = plan.basis.home_currency
    nets: dict[str, dict[str, list[Decimal]]] = defaultdict(lambda: defaultdict(list))
    for row in plan.impact:
        change = row.net_change if home is None else row.home_change
        if change is not None:
            nets[home or row.currency][row.code].append(change)
    for currency, codes in sorted(nets.items()):
        sums = {code: total(amounts) for code, amounts in codes.items()}
        moved = sorted(
            ((code, net) for code, net in sums.items() if net),
            key=lambda item: (-abs(item[1]), item[0]),
        )
        rows = [
            (code, abs(min(net, ZERO)), max(net, ZERO), (sided(net, currency),))
            for code, net in moved
        ]
        if rows:
            yield _chart(currency, rows)


def _by_period(plan: Plan) -> Iterator[Chart]:
    """What is posted (right) and cancelled (left) in every period: the sum of the debits."""
    home = plan.basis.home_currency
    sums: dict[str, dict[str, tuple[list[Decimal], list[Decimal]]]] = defaultdict(dict)
    for change in plan.feasible:
        for at, entries in enumerate((newly_posted(change), newly_cancelled(change))):
            for currency, period, amount in _debits(entries, home):
                sums[currency].setdefault(period, ([], []))[at].append(amount)
    order = {row.period: at for at, row in enumerate(plan.impact)}
    for currency, periods in sorted(sums.items()):
        totals = {name: (total(new), total(old)) for name, (new, old) in periods.items()}
        rows = [
            (name, old, new, (shown(old, currency), shown(new, currency)))
            for name, (new, old) in totals.items()
        ]
        rows.sort(key=lambda row: (order.get(row[0], len(order)), row[0]))
        yield _chart(currency, rows)


def _debits(entries: Iterable[Entry], home: str | None) -> Iterator[tuple[str, str, Decimal]]:
    for kind, spec in entries:
        for posting in postings(kind, spec, home):
            amount = posting.debit if home is None else posting.home_net
            if posting.debit and amount is not None:
                yield home or posting.currency, posting.period, amount


def _chart(currency: str, rows: Sequence[tuple[str, Decimal, Decimal, tuple[str, ...]]]) -> Chart:
    """A bar a row, of a name, the amounts to the left and to the right, and what is written."""
    longest = max((max(left, right) for _, left, right, _ in rows), default=ZERO)
    bars = (
        Bar(name=name, left=_length(left, longest), right=_length(right, longest), amounts=amounts)
        for name, left, right, amounts in rows[:_BARS]
    )
    return Chart(currency=currency, bars=tuple(bars), more=max(0, len(rows) - _BARS))


def _length(amount: Decimal, longest: Decimal) -> int:
    """At least 1 for any amount, so that it is visible."""
    return max(1, int(amount * HALF / longest)) if amount else 0
