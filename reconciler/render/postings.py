"""The lines of an entry as a table of debits and credits, with all that they state besides."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from reconciler.core.kinds import KINDS
from reconciler.core.money import shown
from reconciler.core.plan import Action, Change
from reconciler.core.values import Value, rows_of, text_of
from reconciler.render.spans import Line, line, span, table
from reconciler.render.words import value_text


def posting_lines(change: Change, home: str) -> Iterator[Line]:
    """The debit and credit table: whole entries that come or go, changed lines of a replacement.

    A replacement whose lines stay as they are posts them anew, so they are shown whole.
    """
    comparison = change.comparison
    replaces = change.wanted is Action.REPLACE and change.posts
    if replaces and (comparison.lines_added or comparison.lines_removed):
        yield from _changed_lines(change, home)
    elif replaces or change.wanted in (Action.CREATE, Action.REMOVE):
        live = change.wanted is Action.REMOVE
        spec = change.before if live else change.after
        rows = rows_of((spec or {}).get(KINDS[change.address.kind].lines))
        yield from _money_table([("", row) for row in rows], change.currency, home, live=live)


def _changed_lines(change: Change, home: str) -> Iterator[Line]:
    comparison = change.comparison
    rows = [("-", row) for row in comparison.lines_removed]
    rows += [("+", row) for row in comparison.lines_added]
    yield from _money_table(rows, change.currency, home)
    kept = len(rows_of((change.after or {}).get(KINDS[change.address.kind].lines)))
    kept -= len(comparison.lines_added)
    if kept:
        yield line(span(f"({kept} unchanged lines)", "faint"), indent=8)


def _money_table(
    rows: list[tuple[str, Mapping[str, Value]]], currency: str, home: str, *, live: bool = False
) -> tuple[Line, ...]:
    foreign = currency != home and any("homeCurrencyAmount" in row for _, row in rows)
    shown_columns = [
        column
        for column, there in (
            (_SIGN, any(sign for sign, _ in rows)),
            (_CODE, True),
            (_DEBIT, True),
            (_CREDIT, True),
            (_HOME, foreign),
            (_REST, any(_rest(row, live=live or sign == "-") for sign, row in rows)),
        )
        if there
    ]
    titles = ["", "Accounting code", "Debit", "Credit", f"In {home}", ""]
    cells = [
        titles,
        *(
            _cells(sign, row, live=live or sign == "-", currency=currency, home=home)
            for sign, row in rows
        ),
    ]
    return table(
        [[row[at] for at in shown_columns] for row in cells],
        right=frozenset(
            place for place, at in enumerate(shown_columns) if at in (_DEBIT, _CREDIT, _HOME)
        ),
        indent=8,
        styles=["faint", *({"+": "create", "-": "remove"}.get(sign, "") for sign, _ in rows)],
    )


_SIGN, _CODE, _DEBIT, _CREDIT, _HOME, _REST = range(6)

_IN_COLUMNS = frozenset({"accountingCodeName", "type", "amount", "homeCurrencyAmount"})
_FILLED = frozenset({"accountingCodeType"}.union(*(kind.filled for kind in KINDS.values())))
"""What a live line holds because the ledger filled it."""


def _cells(
    sign: str, row: Mapping[str, Value], *, live: bool, currency: str, home: str
) -> list[str]:
    amount = _shown(row.get("amount"), currency)
    debit = row.get("type") == "Debit"
    return [
        sign,
        text_of(row.get("accountingCodeName")) or "",
        amount if debit else "",
        "" if debit else amount,
        _shown(row.get("homeCurrencyAmount"), home),
        _rest(row, live=live),
    ]


def _rest(row: Mapping[str, Value], *, live: bool) -> str:
    """What a line states besides its posting, so that nothing is posted unseen."""
    known = _IN_COLUMNS | _FILLED if live else _IN_COLUMNS
    stated = (
        f"{name}: {value_text(value)}"
        for name, value in row.items()
        if name not in known and value not in (None, "")
    )
    return ", ".join(stated)


def _shown(value: Value, currency: str) -> str:
    return shown(value, currency) if isinstance(value, Decimal) else ""
