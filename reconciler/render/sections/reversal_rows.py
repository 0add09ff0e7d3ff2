"""The reversals of a plan: each pair of entries in words, and its net on each accounting code."""

from collections.abc import Container, Iterable
from typing import TypeAlias

from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.plan import Action, Change
from reconciler.core.model.reversal_pair import ReversalNet, ReversalPair
from reconciler.render.phrases import sided

MOST_PAIRS = 50
"""The most pairs that are shown; the rest are counted."""

PairRows: TypeAlias = tuple[str, tuple[tuple[str, ...], ...]]
"""A pair in words, and the cells of a row for each code."""


def reversal_rows(pairs: Iterable[ReversalPair], changes: Iterable[Change]) -> tuple[PairRows, ...]:
    """Each pair with its rows: code, currency, original, reversal and what is left."""
    unposted = {
        one.address.name
        for one in changes
        if one.address.kind == JOURNAL_ENTRY.name
        and (one.action, one.number_posted) == (Action.BLOCKED, False)
        and one.after is not None
    }
    return tuple((_title(pair, unposted), tuple(map(_row, pair.nets))) for pair in pairs)


_BLOCKED = "(blocked, not posted)"


def net_text(row: tuple[str, ...]) -> str:
    """A row as a sentence: `Cash USD 1.00 Dr, reversed by 1.00 Cr, leaves 0.00`."""
    code, currency, original, _, reversal, _, left = (cell.strip() for cell in row)
    return f"{code} {currency} {original}, reversed by {reversal}, leaves {left}"


def _title(pair: ReversalPair, unposted: Container[str]) -> str:
    number = pair.number if pair.number != pair.original else ""
    blocked = _BLOCKED if pair.original in unposted else ""
    original = " ".join(filter(None, (pair.original, number, blocked, pair.period)))
    made = _BLOCKED if pair.reversed_by in unposted else pair.reversal_number or "(new)"
    title = f"{original} reversed by {pair.reversed_by} {made} {pair.reversal_period}"
    return title if pair.nets else f"{title}: the original is not known without the ledger"


def _row(net: ReversalNet) -> tuple[str, ...]:
    where = f" ({', '.join(net.dimensions)})" if net.dimensions else ""
    amounts = (sided(amount, net.currency) for amount in (net.original, net.reversal, net.left))
    before, after, left = amounts
    return net.code + where, net.currency, before, "+", after, "=", left
