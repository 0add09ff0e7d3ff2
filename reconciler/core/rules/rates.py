"""Whether the home amounts of entries in one currency have rates like one another."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Context, Decimal
from typing import NamedTuple, TypeAlias

from reconciler.core.model.finding import Finding
from reconciler.core.model.money import minor_units, plain, rate_of, total
from reconciler.core.model.resource import Line, Path, Source
from reconciler.core.model.tenant import Tenant
from reconciler.core.rules.catalog import finding_at
from reconciler.core.rules.tenant import LINES

Debits: TypeAlias = tuple[str, ...]
"""Currency, period, debits and debits in home currency; empty for what has no rate of its own."""


class Economics(NamedTuple):
    """What an entry posts: a digest that equal postings share, and its debits."""

    digest: str = ""
    debits: Debits = ()


NO_ECONOMICS = Economics()

FACTOR = 2
"""A rate is like another one if neither is more than this many times the other."""

_ROUNDING = 100
"""Minor units by which an amount may differ whatever its rate."""


class _Rate(NamedTuple):
    amount: Decimal
    home: Decimal

    @property
    def value(self) -> Decimal:
        return rate_of(self.amount, self.home)

    def like(self, other: "_Rate", home_currency: str | None) -> bool:
        """Whether two rates are alike, or differ by the rounding of one of the amounts."""
        apart = abs(self.value - other.value)
        room = Decimal(_ROUNDING).scaleb(-(minor_units(home_currency or "") or 0))
        return self.times(other) <= FACTOR or min(self.amount, other.amount) * apart <= room

    def times(self, other: "_Rate") -> Decimal:
        """How many times the lower of two rates the higher one is."""
        low, high = sorted((self.value, other.value))
        return rate_of(low, high) if low else Decimal("Infinity")


def debits(currency: str, period: str, lines: Sequence[Line], tenant: Tenant) -> Debits:
    """The sums of an entry in foreign currency."""
    found = [rate for line, rate in _rates(currency, lines, tenant) if line["type"] == "Debit"]
    if not found:
        return ()
    amount, home = (total(one) for one in zip(*found, strict=True))
    return currency, period, plain(amount), plain(home)


def _rates(currency: str, lines: Sequence[Line], tenant: Tenant) -> list[tuple[Line, _Rate]]:
    """The lines of an entry in foreign currency with their rates, if all of them have one."""
    amounts = [(line.get("amount"), line.get("homeCurrencyAmount")) for line in lines]
    rates = [
        _Rate(amount, home)
        for amount, home in amounts
        if isinstance(amount, Decimal) and isinstance(home, Decimal) and amount
    ]
    foreign = currency != tenant.home_currency and len(rates) == len(lines)
    return list(zip(lines, rates, strict=True)) if foreign else []


def unusual_line(currency: str, lines: Sequence[Line], tenant: Tenant) -> tuple[Path, str] | None:
    """The place of the line whose rate is the least like that of its entry, and a message."""
    sums = debits(currency, "", lines, tenant)
    if not sums:
        return None
    whole = _Rate(Decimal(sums[2]), Decimal(sums[3]))
    rates = [rate for _, rate in _rates(currency, lines, tenant)]
    rate = max(
        (one for one in rates if not one.like(whole, tenant.home_currency)),
        key=lambda one: one.times(whole),
        default=None,
    )
    if rate is None:
        return None
    at = rates.index(rate)
    message = f"on line {at + 1} {_said(rate, currency, tenant)}, in its entry as {_shown(whole)}"
    return ("spec", LINES, at, "homeCurrencyAmount"), message


def check_rates(entries: Iterable[tuple[Source, Debits]], tenant: Tenant) -> Iterator[Finding]:
    """Entries with another rate than the others of their period, or than the nearest period has."""
    found: dict[str, dict[str, list[tuple[Source, _Rate]]]] = {}
    for source, sums in entries:
        if sums:
            currency, period, amount, home = sums
            periods = found.setdefault(currency, {})
            rate = _Rate(Decimal(amount), Decimal(home))
            periods.setdefault(period, []).append((source, rate))
    for currency, periods in found.items():
        named = tenant.periods_by_name
        order = sorted(periods, key=lambda one: named[one].start_date if one in named else "")
        typical = {one: _median([rate for _, rate in periods[one]]) for one in order}
        for at, period in enumerate(order):
            near = order[at - 1] if at else (*order, period)[1]
            there = [rate for _, rate in periods[period]]
            for source, rate in periods[period]:
                # Of two rates, the other one is the usual one.
                own = there[there[0] is rate] if len(there) == 2 else typical[period]
                others = {period: own}
                if near != period:
                    others[near] = typical[near]
                for where, usual in others.items():
                    if not rate.like(usual, tenant.home_currency):
                        said = _said(rate, currency, tenant)
                        message = f"{said}, in other entries of {where} as {_shown(usual)}"
                        yield finding_at(source, "unusual-rate", ("spec", LINES), message)
                        break


def _median(rates: Sequence[_Rate]) -> _Rate:
    return sorted(rates, key=lambda one: one.value)[(len(rates) - 1) // 2]


def _said(rate: _Rate, currency: str, tenant: Tenant) -> str:
    return f"{currency} 1 counts as {tenant.home_currency or 'home currency'} {_shown(rate)}"


def _shown(rate: _Rate) -> str:
    return plain(Context(prec=6).create_decimal(rate.value))
