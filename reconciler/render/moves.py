"""How much money a change takes out of the books, and how much it posts."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import shown, total
from reconciler.core.model.plan import Change
from reconciler.core.planning.impact import Entry, newly_posted, postings, taken_back


def moves_text(change: Change) -> str:
    """What leaves the books and what comes, as `USD 400.90 leaves, USD 999.99 comes`.

    Empty for a change that takes nothing back, or is blocked.
    """
    if change.block is not None or not change.takes_back:
        return ""
    leaves = f"{_debits(taken_back(change)) or 'nothing'} leaves"
    if not change.posts:
        return leaves
    comes = _debits(newly_posted(change)) if KINDS[change.address.kind].lines else ""
    return f"{leaves}, {comes or 'what only the ledger will know'} comes"


def _debits(entries: Iterable[Entry]) -> str:
    """The debits of entries, one sum for each currency."""
    sums: dict[str, list[Decimal]] = defaultdict(list)
    for kind, spec in entries:
        for posting in postings(kind, spec, None):
            sums[posting.currency].append(posting.debit)
    return " and ".join(
        f"{currency} {shown(total(amounts), currency)}"
        for currency, amounts in sorted(sums.items())
    )
