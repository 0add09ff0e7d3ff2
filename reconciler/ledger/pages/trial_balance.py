"""The trial balance of an accounting period: the total of each code by currency."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from ..journals.amounts import add
from ..storage import tables
from .entries import periods_of
from .listing import visible_entries
from .sides import Sides
from .view import Page, View

_ENTRY, _ITEM = tables.journal_entries.c, tables.journal_entry_items.c
_PERIOD, _CODE = tables.accounting_periods.c, tables.accounting_codes.c
_AT_ONCE = 2000
"""Lines read at a time: a period may have more than fit into memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
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
    codes = select(tables.accounting_codes).where(_CODE.tenant_id == view.tenant_id)
    known = {row["id"]: row for row in view.tx.execute(codes).mappings()}
    found: dict[tuple[str, str | None], list[CodeRow]] = {}
    for (currency, home, code), sides in _sums(view, period).items():
        amounts, in_home = (
            Sides(debit=debit, credit=credit)
            for debit, credit in zip(sides["Debit"], sides["Credit"], strict=True)
        )
        row = CodeRow(
            name=known[code]["name"],
            type=known[code]["type"],
            amounts=amounts,
            home=None if home is None else in_home,
        )
        found.setdefault((currency, home), []).append(row)
    return [
        Balance(
            currency=currency,
            home_currency=home,
            rows=sorted(rows, key=lambda row: (row.name, row.type)),
            amounts=Sides.together(row.amounts for row in rows),
            home=None if home is None else Sides.together(row.home for row in rows if row.home),
        )
        for (currency, home), rows in sorted(found.items(), key=lambda item: str(item[0]))
    ]


def _sums(view: View, period: str) -> dict[tuple[str, str | None, str], dict[str, list[Decimal]]]:
    """Exact sums of the lines of the period's entries that are not cancelled.

    By currency, home currency and code, the amount and the home amount of each side: amounts of
    different currencies are never added. They are calculated here: a database without decimals
    would use floats.
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
        .join(tables.journal_entry_items, tables.ITEM_OF_ENTRY)
        .join(tables.accounting_periods, tables.PERIOD_OF_ENTRY)
        .where(*visible_entries(view), _ENTRY.status == "Created", _PERIOD.name == period)
    )
    found: defaultdict[tuple[str, str | None, str], dict[str, list[Decimal]]] = defaultdict(
        lambda: {side: [Decimal(0), Decimal(0)] for side in ("Debit", "Credit")}
    )
    rows = view.tx.execute(query, execution_options={"yield_per": _AT_ONCE})
    for currency, home, code, side, amount, home_amount in rows:
        sums = found[currency, home, code][side]
        sums[0] = add(sums[0], amount)
        if home_amount is not None:
            sums[1] = add(sums[1], home_amount)
    return found


def _home_totals(balances: Sequence[Balance]) -> list[tuple[str, Sides]]:
    """Totals of all currencies in home currency, if there are several."""
    found: dict[str, list[Sides]] = {}
    for balance in balances:
        if balance.home_currency is not None and balance.home is not None:
            found.setdefault(balance.home_currency, []).append(balance.home)
    return [(home, Sides.together(sides)) for home, sides in found.items() if len(sides) > 1]
