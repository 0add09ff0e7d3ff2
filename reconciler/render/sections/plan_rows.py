"""Rows of a plan in words and cells: its reversals, its transfers, and what waits."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import TypeAlias

from reconciler.core.model.enumerations import TransferState
from reconciler.core.model.finding import counted, cut
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.money import shown
from reconciler.core.model.plan import Action, Change, Transfers
from reconciler.core.model.reversal_pair import ReversalNet, ReversalPair
from reconciler.core.model.schedule import SCHEDULE, WaitingParts
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


_ENDED = frozenset({TransferState.YES.value, TransferState.IGNORE.value})
_ORDER = tuple(TransferState[name].value for name in ("YES", "IGNORE", "PROCESSING", "NO", "ERROR"))
_MOST_FAILED = 10


def transfer_rows(transfers: Iterable[Transfers]) -> tuple[tuple[str, str], ...]:
    """Each period with the number of entries in each state, and the failed ones by name.

    Several periods in which every transfer has ended are one row, the first. There is no row before
    any transfer began.
    """
    transfers = tuple(transfers)
    if all({*row.counts} <= {TransferState.NO.value} for row in transfers):
        return ()
    ended = [row for row in transfers if {*row.counts} <= _ENDED]
    if len(ended) < 2:
        return tuple((row.period, _states(row)) for row in transfers)
    together: Counter[str] = sum((Counter(row.counts) for row in ended), Counter())
    rest = ((row.period, _states(row)) for row in transfers if row not in ended)
    return (f"{len(ended)} periods", _counts(together)), *rest


def _states(row: Transfers) -> str:
    if not row.failed:
        return _counts(row.counts)
    named = [f"{number} {name}" for number, name in row.failed.items()]
    return f"{_counts(row.counts)}: {', '.join(cut(named, _MOST_FAILED))}"


def _counts(counts: Mapping[str, int]) -> str:
    """`27 Yes, 2 Processing, 1 Error`; the failed ones are last."""
    words = sorted(counts, key=lambda word: (_ORDER.index(word) if word in _ORDER else 0, word))
    return ", ".join(f"{counts[word]:,} {word}" for word in words)


MOST_WAITING = 20
"""The most sources that are shown; the rest are counted."""

WAITING_TITLES = ("Source", "Not posted yet", "Debits", "First period")


def waiting_rows(waiting: Iterable[WaitingParts]) -> tuple[tuple[str, str, str, str], ...]:
    """The cells under WAITING_TITLES."""
    return tuple(
        (one.name, _what(one), f"{one.currency} {shown(one.amount, one.currency)}", one.awaited)
        for one in waiting
    )


def _what(one: WaitingParts) -> str:
    if one.dropped:
        return "dropped by an amendment"
    if one.kind != SCHEDULE:
        return "its reversal"
    if one.parts is None or one.whole is None:
        return "parts by days"
    return f"{one.parts:,} of {counted(one.whole, 'part')}"
