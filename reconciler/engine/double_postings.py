"""Finds declarations for which more than one entry is posted in the ledger.

Two applies with different daybooks may post one declaration at the same time. Whoever searches last
sees both entries, so each apply searches after it posted.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import field, replace
from types import MappingProxyType

from reconciler.core.model.finding import joined
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import order_of
from reconciler.core.model.plan import CANCELLED, Basis, Verb
from reconciler.core.model.report import Applied, Outcome
from reconciler.core.model.resource import Address
from reconciler.core.recovery.marker_search import Search, is_posted_with_marker
from reconciler.core.recovery.number_probe import inconclusive
from reconciler.core.rules.catalog import PLAN_RULES
from reconciler.daybook import Intent
from reconciler.engine.ports import PostingLedger
from reconciler.engine.search import SearchedPlan, search_ledger, search_or_probe
from reconciler.errors import LedgerError, PostedByAnother
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The numbers that are posted with the marker of each address; `failure`: why it is unknown.

    `unseen`: known numbers that the search does not show yet, so it may not show others either.
    """

    numbers: Mapping[Address, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    failure: str = ""
    unseen: tuple[str, ...] = ()


def standing(
    ledger: PostingLedger,
    basis: Basis,
    known: Mapping[Address, tuple[str, ...]],
    *,
    probe_from: str | None = None,
) -> Standing:
    """Search for the markers of some addresses, and read what is found beside the `known` numbers.

    A query may be late, so only reads count (API facts 6.1), and what is known was read before. If
    it fails, numbers are probed from `probe_from`, which must cover what is known.
    """
    asked = [address for address in known if KINDS[address.kind].carries_marker]
    if not asked:
        return Standing()
    workspace, place = basis.workspace, basis.marker_place
    own = [number for address in asked for number in known[address]]
    numbers = {}
    try:
        search = search_ledger(ledger, workspace, place, names=asked)
        search = search_or_probe(ledger, search, probe_from, workspace, place)
        if failure := inconclusive(search, own):
            return Standing(failure=failure)
        for address in asked:
            found, kind = search.numbers.get(address, ()), KINDS[address.kind]
            alone = {*found}.issubset(known[address])
            numbers[address] = tuple(
                one
                for one in (found if alone else sorted({*found, *known[address]}))
                if alone or is_posted_with_marker(address, ledger.read(kind, one), workspace, place)
            )
    except LedgerError as error:
        return Standing(failure=error.message.rstrip("."))
    unseen = {*own}.difference(*search.numbers.values())
    return Standing(numbers=numbers, unseen=tuple(sorted(unseen, key=order_of)))


def posted_under_key(found: Standing, intent: Intent, marker: str) -> PostedByAnother:
    """The error of a create whose key the ledger knows from a request with another body.

    `found` is what is posted for its address.
    """
    numbers = found.numbers.get(intent.address, ())
    if numbers:
        fact = f"{joined(numbers)} is posted for it"
        remedy = "Plan again: the plan shows what differs."
    else:
        why = found.failure or "no search finds its entry"
        fact = f"its entry is not known: {why}"
        remedy = (
            f'Look in the ledger for an entry with the marker "{marker}". If there is '
            "none, it was cancelled and deleted: apply again when the key is 24 hours old."
        )
    return PostedByAnother(
        "another apply posted this declaration with other values under the same key, so "
        f"nothing was posted; {fact}",
        remedy=f"{remedy} Let all jobs of a workspace share one daybook.",
        track_id=intent.track_id or "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingCheck:
    """What a search after a run found.

    `failed`: the results that fail, because another entry of their declaration is posted as well.
    `failure`: why that is unknown. `unseen`: posted numbers that the search does not show yet.
    """

    failed: tuple[Applied, ...] = ()
    failure: str = ""
    unseen: tuple[str, ...] = ()


def check_posted(  # noqa: PLR0913 - keywords: how the run was, and how it ended
    applied: Iterable[Applied],
    ledger: PostingLedger,
    basis: Basis,
    *,
    probe_from: str | None,
    first_apply: bool,
    stopped: str = "",
) -> PostingCheck:
    """Search for other entries of the declarations that a run posted, unless it was `stopped`.

    No entry is cancelled: equal values do not tell who made an entry, and the plan that was
    approved names no cancellation. If the ledger cannot be searched, numbers are probed from
    `probe_from`. On a `first_apply` nothing was posted before, so the first own number will do.
    """
    # A search can find these.
    posted = {
        item.change.address: item
        for item in applied
        if item.number is not None
        and KINDS[item.change.address.kind].carries_marker
        and any(step.verb is Verb.CREATE for step in item.steps)
    }
    if not posted or stopped:
        return PostingCheck(failure=stopped if posted else "")
    known = {address: (str(item.number),) for address, item in posted.items()}
    if probe_from is None and first_apply:
        probe_from = min((number for (number,) in known.values()), key=order_of, default=None)
    found = standing(ledger, basis, known, probe_from=probe_from)
    failed = tuple(
        _posted_twice(posted[address], numbers)
        for address, numbers in found.numbers.items()
        if len(numbers) > 1
    )
    return PostingCheck(failed=failed, failure=found.failure, unseen=found.unseen)


def check_earlier(unchecked: Collection[str], found: SearchedPlan) -> PostingCheck:
    """Whether the search of a plan covers what earlier runs posted without a search after it."""
    search, live = found.search or Search(failure="it was not searched"), found.snapshot.live
    if failure := inconclusive(search, unchecked):
        return PostingCheck(failure=failure)
    posted = {number for number, one in live.items() if one and one.status != CANCELLED}
    unseen = posted.intersection(unchecked).difference(*search.numbers.values())
    return PostingCheck(unseen=tuple(sorted(unseen, key=order_of)))


_REMEDY = (
    f"This apply posted {{own}}. {PLAN_RULES['doubled'].remedy} Let all jobs of a workspace share "
    "one daybook."
)


def _posted_twice(item: Applied, numbers: tuple[str, ...]) -> Applied:
    error = PostedByAnother(
        f"{joined(numbers)} are posted for this declaration: another apply, with another "
        "daybook, posted it as well",
        remedy=_REMEDY.format(own=item.number),
    )
    return replace(
        item, outcome=Outcome.FAILED, message=error.message, remedy=error.remedy, error=error
    )
