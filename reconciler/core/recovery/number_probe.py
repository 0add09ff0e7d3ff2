"""The fallback of the search by marker: numbers are probed one by one from a given one.

Numbers rise, so later entries have higher numbers. A marker is proof. No marker is proof only for
the probed range: a gap of missing numbers counts as the end.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from itertools import chain, count, islice

from reconciler.core.model.kinds.kind import Kind, order_of
from reconciler.core.model.plan import CANCELLED
from reconciler.core.model.resource import Address, Live
from reconciler.core.recovery.marker_search import Search, address_in
from reconciler.values import dataclass

GAP = 50
"""The number of consecutive missing numbers that count as the end. Deleted entries and requests in
flight leave gaps."""

MOST_PROBED = 2000
"""The most numbers to probe: each costs a call."""


@dataclass(slots=True, kw_only=True)
class Probe:
    """One probe. Read each `batch` and `record` it, until the probe is `finished`."""

    kind: Kind
    begin: str
    workspace: str
    place: str
    last: str = ""
    probed: int = 0
    missing: int = 0
    numbers: dict[Address, tuple[str, ...]] = field(default_factory=dict)

    @property
    def reached_gap(self) -> bool:
        """Whether a gap was reached that counts as the end."""
        return self.missing >= GAP

    @property
    def finished(self) -> bool:
        return self.reached_gap or self.probed >= MOST_PROBED

    def batch(self) -> tuple[tuple[Kind, str], ...]:
        """The next numbers to read."""
        first = () if self.last else (self.begin,)
        numbers = chain(first, numbers_after(self.last or self.begin))
        # At most up to the next possible gap.
        return tuple((self.kind, one) for one in islice(numbers, GAP - self.missing))

    def record(self, batch: Mapping[str, Live | None]) -> None:
        """Record the live entries of a batch."""
        for number, live in sorted(batch.items(), key=lambda item: order_of(item[0])):
            self.last, self.probed = number, self.probed + 1
            self.missing = self.missing + 1 if live is None else 0
            if live is None or live.status == CANCELLED:
                continue
            address = address_in(self.kind, live.fields, self.workspace, self.place)
            if address is not None:
                self.numbers[address] = (*self.numbers.get(address, ()), number)

    def search(self, why: str) -> Search:
        """The result of the probe in place of a search, which failed because of `why`."""
        found = Search(
            numbers=self.numbers,
            everything=self.reached_gap,
            first=self.begin,
            last=self.last,
            instead_of=why,
        )
        if self.reached_gap:
            return found
        fact = f"{why}; {found.probed} were probed instead, and there are more numbers"
        return replace(found, failure=fact)


def inconclusive(search: Search, numbers: Iterable[str]) -> str:
    """Why a search may have missed entries that were posted beside these; empty when it has not.

    A query shows all entries. A probe shows those in its range, so it must reach beyond both ends.
    """
    if search.failure or not search.probed:
        return search.failure
    first, last = order_of(search.first), order_of(search.last)
    outside = [one for one in numbers if not first <= order_of(one) <= last]
    if outside:
        return f"{search.instead_of}; probing {search.probed} did not cover {', '.join(outside)}"
    return ""


def numbers_after(number: str) -> Iterator[str]:
    """The numbers that follow one, in the order of the ledger."""
    prefix, _, digits = number.partition("-")
    return (f"{prefix}-{at:0{len(digits)}}" for at in count(int(digits) + 1))
