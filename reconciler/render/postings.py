"""The lines of an entry as a table of debits and credits, with their other fields."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from reconciler.core.model.finding import counted
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Action, Change
from reconciler.core.model.resource import Value, rows_of, text_of
from reconciler.render.phrases import amount_text, value_text
from reconciler.render.styled_text import Part, Table, line, span, table


def posting_lines(change: Change, home: str) -> Iterator[Part]:
    """The debit and credit table: all lines of a posted or cancelled entry, else changed lines.

    A replacement with unchanged lines reposts them, so all are shown. One in another currency
    shows all lines of both sides, because every amount differs.
    """
    if not KINDS[change.address.kind].lines:
        return
    comparison = change.comparison
    replaces = change.wanted is Action.REPLACE and change.posts
    before = change.before or {}
    was = text_of(before.get(KINDS[change.address.kind].currency)) or change.currency
    if replaces and change.cancels and was != change.currency:
        rows = [("-", row, was) for row in _rows(change, before)]
        rows += [("+", row, change.currency) for row in _rows(change, change.after)]
        yield from _money_table(rows, home, currencies=True)
    elif comparison.lines_added or comparison.lines_removed:
        yield from _changed_lines(change, home)
    elif replaces or change.wanted in (Action.CREATE, Action.REMOVE, Action.ADOPT):
        live = change.wanted is Action.REMOVE
        there = _rows(change, before if live else change.after)
        yield from _money_table([("", row, change.currency) for row in there], home, live=live)


def _rows(change: Change, spec: Mapping[str, Value] | None) -> Sequence[Mapping[str, Value]]:
    return rows_of((spec or {}).get(KINDS[change.address.kind].lines))


def _changed_lines(change: Change, home: str) -> Iterator[Part]:
    comparison = change.comparison
    rows = [("-", row, change.currency) for row in comparison.lines_removed]
    rows += [("+", row, change.currency) for row in comparison.lines_added]
    yield from _money_table(rows, home)
    if kept := len(_rows(change, change.after)) - len(comparison.lines_added):
        yield line(span(f"({counted(kept, 'unchanged line')})", "faint"), indent=8)


_Row: TypeAlias = tuple[str, Mapping[str, Value], str]
"""The sign of a line, the line, and the currency of its amount."""


def _money_table(
    rows: Sequence[_Row], home: str, *, live: bool = False, currencies: bool = False
) -> tuple[Table, ...]:
    foreign = any(currency != home and "homeCurrencyAmount" in row for _, row, currency in rows)
    shown_columns = [
        column
        for column, there in (
            (_SIGN, any(sign for sign, _, _ in rows)),
            (_CODE, True),
            (_CURRENCY, currencies),
            (_DEBIT, True),
            (_CREDIT, True),
            (_HOME, foreign),
            (_REST, any(rest_of(row, live=live or sign == "-") for sign, row, _ in rows)),
        )
        if there
    ]
    cells = [("", "Accounting code", "Currency", "Debit", "Credit", f"In {home}", "")]
    for sign, row, currency in rows:
        amounts = amounts_of(row, currency, home, live=live or sign == "-")
        code = text_of(row.get("accountingCodeName")) or ""
        cells.append((sign, code, currency, *amounts))
    return table(
        [[row[at] for at in shown_columns] for row in cells],
        right=frozenset(
            place for place, at in enumerate(shown_columns) if at in (_DEBIT, _CREDIT, _HOME)
        ),
        header=True,
        indent=8,
        styles=["faint", *({"+": "create", "-": "remove"}.get(sign, "") for sign, _, _ in rows)],
    )


_SIGN, _CODE, _CURRENCY, _DEBIT, _CREDIT, _HOME, _REST = range(7)

_IN_COLUMNS = frozenset({"accountingCodeName", "type", "amount", "homeCurrencyAmount"})
_FILLED = frozenset({"accountingCodeType"}.union(*(kind.server_filled for kind in KINDS.values())))
"""What the ledger fills in a live line."""


class LineAmounts(NamedTuple):
    """What a line posts, and its other fields."""

    debit: str
    credit: str
    home: str
    rest: str


def amounts_of(row: Mapping[str, Value], currency: str, home: str, *, live: bool) -> LineAmounts:
    """A line, declared or `live`, as cells."""
    amount = amount_text(row.get("amount"), currency)
    sides = (amount, "") if row.get("type") == "Debit" else ("", amount)
    in_home = amount_text(row.get("homeCurrencyAmount"), home)
    return LineAmounts(*sides, in_home, rest_of(row, live=live))


def rest_of(row: Mapping[str, Value], *, live: bool) -> str:
    """The other fields of a line, so that nothing is posted unseen.

    Those that the ledger fills are left out of a `live` one.
    """
    known = _IN_COLUMNS | _FILLED if live else _IN_COLUMNS
    stated = (
        f"{name}: {value_text(value)}"
        for name, value in row.items()
        if name not in known and value not in (None, "")
    )
    return ", ".join(stated)
