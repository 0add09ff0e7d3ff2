"""Finds declarations for which more than one entry is posted in the ledger.

Two applies with different daybooks may post one declaration at the same time. Whoever searches last
sees both entries, so each apply searches after it posted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.marker import marker_of, split_marker
from reconciler.core.model.plan import CANCELLED, Basis, Verb
from reconciler.core.model.report import Applied, Outcome
from reconciler.core.model.resource import Address
from reconciler.core.rules.catalog import PLAN_RULES
from reconciler.engine.ports import PostingLedger
from reconciler.engine.search import search_ledger
from reconciler.errors import LedgerError, PostedByAnother


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The numbers that are posted with the marker of each address; `failure`: why it is unknown."""

    numbers: Mapping[Address, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    failure: str = ""


def standing(
    ledger: PostingLedger, basis: Basis, known: Mapping[Address, tuple[str, ...]]
) -> Standing:
    """Search for the markers of some addresses, and read each number that is found or `known`.

    A query may be late, so only the reads count (API facts 6.1).
    """
    asked = [address for address in known if KINDS[address.kind].carries_marker]
    if not asked:
        return Standing()
    place = basis.marker_place
    search = search_ledger(ledger, basis.workspace, place, names=asked)
    if search.failure:
        return Standing(failure=search.failure)
    numbers = {}
    try:
        for address in asked:
            found = search.numbers.get(address, ())
            own = known[address] if found and set(found) != {*known[address]} else ()
            numbers[address] = tuple(
                number
                for number in sorted({*found, *own})
                if _stands(ledger, basis, address, number)
            )
    except LedgerError as error:
        return Standing(failure=error.message.rstrip("."))
    return Standing(numbers=numbers)


def _stands(ledger: PostingLedger, basis: Basis, address: Address, number: str) -> bool:
    live = ledger.read(KINDS[address.kind], number)
    if live is None or live.status == CANCELLED:
        return False
    return split_marker(live.fields, basis.marker_place)[1] == marker_of(basis.workspace, address)


def check_posted(
    applied: Iterable[Applied], ledger: PostingLedger, basis: Basis
) -> tuple[tuple[Applied, ...], str]:
    """The results that fail because another entry of their declaration is posted as well.

    Also returns why the ledger could not be searched. No entry is cancelled: equal values do not
    tell who made an entry, and the plan that was approved names no cancellation.
    """
    posted = {
        item.change.address: item
        for item in applied
        if item.number is not None and any(step.verb is Verb.CREATE for step in item.steps)
    }
    found = standing(
        ledger, basis, {address: (str(item.number),) for address, item in posted.items()}
    )
    return (
        tuple(
            _posted_twice(posted[address], numbers)
            for address, numbers in found.numbers.items()
            if len(numbers) > 1
        ),
        found.failure,
    )


_REMEDY = (
    f"This apply posted {{own}}. {PLAN_RULES['doubled'].remedy} Let all jobs of a workspace share "
    "one daybook."
)


def _posted_twice(item: Applied, numbers: tuple[str, ...]) -> Applied:
    error = PostedByAnother(
        f"{' and '.join(numbers)} are posted for this declaration: another apply, with another "
        "daybook, posted it as well",
        remedy=_REMEDY.format(own=item.number),
    )
    return replace(
        item, outcome=Outcome.FAILED, message=error.message, remedy=error.remedy, error=error
    )
