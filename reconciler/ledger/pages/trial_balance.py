"""The trial balance of an accounting period: the total of each code by currency."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, select

from ..journals.amounts import total
from ..storage.tables import (
    accounting_codes,
    accounting_periods,
    journal_entries,
    journal_entry_items,
)
from .entries import periods_of
from .listing import visible_entries
from .view import Page, View

_ENTRY, _ITEM = journal_entries.c, journal_entry_items.c
_PERIOD, _CODE = accounting_periods.c, accounting_codes.c
_AT_ONCE = 2000
"""Lines read at a time: a period may have more than fit into memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A debit and a credit total, and their difference."""

    debit: Decimal
    credit: Decimal

    @property
    def net(self) -> Decimal:
        """The difference, never negative; `side` is its side."""
        return abs(total((self.debit, self.credit.copy_negate())))

    @property
    def side(self) -> str:
        return "" if self.debit == self.credit else "Dr" if self.debit > self.credit else "Cr"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """The total of an accounting code."""

    name: str
    type: str
    amounts: Sides
    home: Sides | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The trial balance in one currency; `home` is None where there is no home currency."""

    currency: str
    home_currency: str | None
    rows: Sequence[CodeRow]
    amounts: Sides
    home: Sides | None


_Key = tuple[str, str | None]
"""Currency and home currency; amounts of different ones are never added."""
_Sum = dict[str, list[Decimal]]
"""By accounting code: debit, credit, and both in home currency."""


def page(view: View) -> Page:
    """The trial balance of the requested period, by default the latest that has postings."""
    periods = periods_of(view)
    asked = view.query.get("period") or _newest_period(view)
    period = asked if asked in periods else None
    found = [] if period is None else balances(view, period)
    currency = view.query.get("currency", "")
    shown = [one for one in found if currency in ("", one.currency)]
    return Page(
        template="trial_balance.html",
        title="Trial balance",
        section="trial-balance",
        values={
            "periods": periods,
            "period": period,
            "asked": asked,
            "currency": currency,
            "currencies": sorted({one.currency for one in found} | {currency} - {""}),
            "balances": shown,
            "home": _home_totals(shown),
        },
    )


def _newest_period(view: View) -> str | None:
    """The latest period in which anything is posted that the viewer may see."""
    posted = select(_ENTRY.id).where(
        *visible_entries(view),
        _ENTRY.status == "Created",
        _ENTRY.accounting_period_id == _PERIOD.id,
    )
    query = select(_PERIOD.name).where(_PERIOD.tenant_id == view.tenant_id, posted.exists())
    name: str | None = view.tx.execute(
        query.order_by(_PERIOD.start_date.desc()).limit(1)
    ).scalar_one_or_none()
    return name


def balances(view: View, period: str) -> list[Balance]:
    """The trial balance of a period, one for each currency and home currency."""
    codes = select(accounting_codes).where(_CODE.tenant_id == view.tenant_id)
    known = {row["id"]: row for row in view.tx.execute(codes).mappings()}
    found = _sums(view, period)
    return [_balance(key, found[key], known) for key in sorted(found, key=str)]


def _sums(view: View, period: str) -> dict[_Key, _Sum]:
    """Exact sums of the lines of the period's entries that are not cancelled.

    They are calculated here: a database without decimals would use floats.
    """
    query = (
        select(
            _ENTRY.currency,
            _ENTRY.home_currency,
            _ITEM.accounting_code_id,
            _ITEM.type,
            _ITEM.amount,
            _ITEM.home_currency_amount,
        )
        .join(
            journal_entry_items,
            (_ITEM.tenant_id == _ENTRY.tenant_id) & (_ITEM.journal_entry_id == _ENTRY.id),
        )
        .join(
            accounting_periods,
            (_PERIOD.tenant_id == _ENTRY.tenant_id) & (_PERIOD.id == _ENTRY.accounting_period_id),
        )
        .where(*visible_entries(view), _ENTRY.status == "Created", _PERIOD.name == period)
    )
    found: dict[_Key, _Sum] = {}
    result = view.tx.execute(query, execution_options={"yield_per": _AT_ONCE})
    for rows in result.partitions():
        for (currency, home, code, side), amounts in _by_side(rows).items():
            four = found.setdefault((currency, home), {}).setdefault(code, [Decimal(0)] * 4)
            at = 0 if side == "Debit" else 1
            four[at] = total((four[at], *amounts[0]))
            four[at + 2] = total((four[at + 2], *amounts[1]))
    return found


def _by_side(rows: Iterable[Sequence[Any]]) -> dict[Any, tuple[list[Decimal], list[Decimal]]]:
    """Amounts and home amounts of lines that agree in everything else."""
    found: dict[Any, tuple[list[Decimal], list[Decimal]]] = {}
    for *same, amount, home_amount in rows:
        amounts, home_amounts = found.setdefault(tuple(same), ([], []))
        amounts.append(amount)
        if home_amount is not None:
            home_amounts.append(home_amount)
    return found


def _balance(key: _Key, sums: _Sum, codes: Mapping[str, RowMapping]) -> Balance:
    currency, home = key
    rows = [
        CodeRow(
            name=codes[code]["name"],
            type=codes[code]["type"],
            amounts=Sides(debit=four[0], credit=four[1]),
            home=None if home is None else Sides(debit=four[2], credit=four[3]),
        )
        for code, four in sums.items()
    ]
    return Balance(
        currency=currency,
        home_currency=home,
        rows=sorted(rows, key=lambda row: (row.name, row.type)),
        amounts=_together(row.amounts for row in rows),
        home=None if home is None else _together(row.home for row in rows if row.home),
    )


def _home_totals(balances: Sequence[Balance]) -> list[tuple[str, Sides]]:
    """Totals of all currencies in home currency, if there are several."""
    found: dict[str, list[Sides]] = {}
    for balance in balances:
        if balance.home_currency is not None and balance.home is not None:
            found.setdefault(balance.home_currency, []).append(balance.home)
    return [(home, _together(sides)) for home, sides in found.items() if len(sides) > 1]


def _together(sides: Iterable[Sides]) -> Sides:
    every = list(sides)
    return Sides(debit=total(one.debit for one in every), credit=total(one.credit for one in every))
