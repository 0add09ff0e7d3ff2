"""The transfers to the general ledger, as a row for each accounting period that is not through."""

from collections import Counter
from collections.abc import Iterable, Mapping

from reconciler.core.model.enumerations import TransferState
from reconciler.core.model.finding import cut
from reconciler.core.model.plan import Transfers

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
        return tuple((row.period, _row(row)) for row in transfers)
    together: Counter[str] = sum((Counter(row.counts) for row in ended), Counter())
    rest = ((row.period, _row(row)) for row in transfers if row not in ended)
    return (f"{len(ended)} periods", _counts(together)), *rest


def _row(row: Transfers) -> str:
    if not row.failed:
        return _counts(row.counts)
    named = [f"{number} {name}" for number, name in row.failed.items()]
    return f"{_counts(row.counts)}: {', '.join(cut(named, _MOST_FAILED))}"


def _counts(counts: Mapping[str, int]) -> str:
    """`27 Yes, 2 Processing, 1 Error`; the failed ones are last."""
    words = sorted(counts, key=lambda word: (_ORDER.index(word) if word in _ORDER else 0, word))
    return ", ".join(f"{counts[word]:,} {word}" for word in words)
