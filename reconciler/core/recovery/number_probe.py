"""The finder's fallback: numbers looked at one by one, upward from the last one that is known.

Numbers rise, so what was posted since stands above. What carries a marker is found for certain.
That nothing is found says only that nothing stands between the first number and the last one looked
at: a gap of missing numbers is taken for the end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import CANCELLED
from reconciler.core.model.resource import Address, Live
from reconciler.core.recovery.marker_search import Search, address_in

GAP = 50
"""So many numbers in a row that nothing stands under are the end. Deleted entries leave holes, and
so do requests that others had in flight."""

MOST_PROBED = 2000
"""So many numbers are looked at, and no more: each costs a call, whoever's entry it is."""


@dataclass(slots=True, kw_only=True)
class Probe:
    """One look upward. Ask for `batch`, look, and `take` what was seen, until it is `over`."""

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
        """Whether the end was reached, as far as a gap tells."""
        return self.missing >= GAP

    @property
    def finished(self) -> bool:
        """Whether nothing more is to be looked at."""
        return self.reached_gap or self.probed >= MOST_PROBED

    def batch(self) -> tuple[tuple[Kind, str], ...]:
        """The numbers to look at next."""
        following = numbers_after(self.last) if self.last else _numbers_from(self.begin)
        # No more than may be the end.
        return tuple((self.kind, next(following)) for _ in range(GAP - self.missing))

    def record(self, batch: Mapping[str, Live | None]) -> None:
        """Take note of what stands under the numbers of a batch."""
        for number, live in sorted(batch.items(), key=lambda item: order_of(item[0])):
            self.last, self.probed = number, self.probed + 1
            self.missing = self.missing + 1 if live is None else 0
            if live is None or live.status == CANCELLED:
                continue
            address = address_in(self.kind, live.fields, self.workspace, self.place)
            if address is not None:
                self.numbers[address] = (*self.numbers.get(address, ()), number)

    def search(self, why: str) -> Search:
        """What the look came to, as the search that could not be made, `why` it could not."""
        words = f"{self.begin} to {self.last}"
        if self.reached_gap:
            return Search(numbers=self.numbers, everything=True, probed=words, instead_of=why)
        fact = f"{why}; {words} were probed instead, and there are more numbers"
        return Search(numbers=self.numbers, failure=fact, probed=words, instead_of=why)


def numbers_after(number: str) -> Iterator[str]:
    """The numbers after one, as the ledger counts them."""
    prefix, _, digits = number.partition("-")
    at = int(digits)
    while True:
        at += 1
        yield f"{prefix}-{at:0{len(digits)}}"


def order_of(number: str) -> tuple[int, str]:
    """What numbers of one kind are sorted by."""
    return len(number), number


def _numbers_from(number: str) -> Iterator[str]:
    yield number
    yield from numbers_after(number)
