"""Searches the ledger for the workspace's own entries, and plans with what that finds."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from reconciler.core.model.finding import Refusal
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import Plan
from reconciler.core.model.resource import Address, Live
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.recovery.marker_search import (
    MOST_NAMES,
    Search,
    UnexpectedRows,
    addresses_to_search,
    all_recorded,
    contradicted,
    matches,
    statement_of,
    unproved,
    unsearched,
    with_found,
    with_previous,
)
from reconciler.core.recovery.number_probe import Probe
from reconciler.engine.ports import CompletenessLog, Searchable
from reconciler.errors import LedgerError

Read = Callable[[tuple[tuple[Kind, str], ...]], Mapping[str, Live | None]]
"""Reads numbers, each with its kind: what is live under every one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPolicy:
    """When a plan searches the ledger, besides for what the daybook knows and the ledger lacks.

    `complete` says that the daybook knows all that was ever posted. `posting`, that whatever is to
    be posted anew is searched for, because it is posted next; `asked`, that everything is.
    `first_apply` is the user's word that nothing of this workspace was ever posted. `probe_from` is
    the number from which a ledger that cannot be searched is looked at, None when none is known.
    """

    complete: bool
    posting: bool = False
    asked: bool = False
    first_apply: bool = False
    probe_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedPlan:
    """A plan, the world it was made from, and the search it was made with; None when none was."""

    plan: Plan
    world: Snapshot
    search: Search | None = None
    doubts: int = 0


def plan_with_search(
    world: Snapshot,
    make: Callable[[Snapshot], Plan],
    *,
    ledger: Searchable,
    read: Read,
    finding: SearchPolicy,
) -> SearchedPlan:
    """Plan, search for what may stand in the ledger already, and plan again with what is found.

    A sound daybook and nothing to post cost no search.
    """
    plan = make(world)
    doubts = addresses_to_search(
        plan.changes, world.recorded, complete=finding.complete, posting=finding.posting
    )
    if not doubts and not finding.asked:
        return SearchedPlan(plan=plan, world=world)
    everything = finding.asked or not finding.complete
    workspace, place = world.tenant.workspace, world.tenant.marker
    names = () if everything else with_previous(doubts, world.declared)
    search = search_ledger(ledger, workspace, place, names=names)
    if search.failure and finding.probe_from is not None:
        search = probe_ledger(read, finding.probe_from, workspace, place, why=search.failure)
    unread = tuple(
        (KINDS[address.kind], number)
        for address, numbers in sorted(search.numbers.items())
        for number in numbers
        if number not in world.live
    )
    world = with_found(world, search, read(unread), workspace=workspace, place=place)
    plan = make(world) if world.found else plan
    if finding.posting and not finding.first_apply:
        refusals = _refusals(plan, search, doubts, complete=finding.complete)
        plan = replace(plan, refusals=(*plan.refusals, *refusals))
    return SearchedPlan(plan=plan, world=world, search=search, doubts=len(doubts))


def _refusals(
    plan: Plan, search: Search, doubts: tuple[Address, ...], *, complete: bool
) -> Iterator[Refusal]:
    """Why nothing is posted: neither the daybook nor a search tells what stands already."""
    outdated = contradicted(plan.changes)
    if search.failure and doubts and (outdated or not complete):
        yield unsearched(len(outdated or doubts), search.failure, new=not complete)
    elif search.probed and not search.failure and not complete:
        anew = {one.address for one in plan.changes if one.posts and not one.number_posted}
        if missed := anew.intersection(doubts):
            yield unproved(len(missed), search)


def mark_complete(daybook: CompletenessLog, found: SearchedPlan, *, first_apply: bool) -> None:
    """Tell the daybook that it is complete, where a search or the user's word says so.

    Until then every plan that posts searches first: a run that was broken off while it took back
    what a lost daybook knew must not post the rest.
    """
    search = found.search
    if search is None:
        return
    if search.failure or search.probed:
        # A look at one number after the other ends at a gap, and above it may be more.
        proved = first_apply
    else:
        known = daybook.recorded().values()
        proved = search.everything and all_recorded(found.world.found, known)
    if proved:
        daybook.mark_complete()


def search_ledger(
    ledger: Searchable, workspace: str, place: str, *, names: Iterable[Address] = ()
) -> Search:
    """Search for the markers of some addresses, or of the whole workspace when none is given.

    What stops a search is part of its result: a tenant may lack Data Query or the permission.
    """
    wanted = tuple(names)
    some = wanted if len(wanted) <= MOST_NAMES else ()
    numbers: dict[Address, tuple[str, ...]] = {}
    for kind in KINDS.values():
        asked = tuple(sorted({address.name for address in some if address.kind == kind.name}))
        if not kind.carries_marker or (some and not asked):
            continue
        try:
            rows = ledger.query(statement_of(kind, workspace, place, asked))
            for address, number in matches(kind, rows, workspace=workspace, place=place):
                if number not in numbers.get(address, ()):
                    numbers[address] = (*numbers.get(address, ()), number)
        except LedgerError as error:
            return Search(failure=error.message.rstrip("."))
        except UnexpectedRows as error:
            return Search(failure=str(error))
    found = {address: tuple(sorted(each)) for address, each in numbers.items()}
    return Search(numbers=MappingProxyType(found), everything=not some)


def probe_ledger(read: Read, begin: str, workspace: str, place: str, *, why: str) -> Search:
    """Look upward from a number until nothing more stands there. Raises LedgerError.

    Only entries are looked for, for nothing else carries a marker. `why` says what made it
    necessary.
    """
    kind = next(kind for kind in KINDS.values() if kind.carries_marker)
    probe = Probe(kind=kind, begin=begin, workspace=workspace, place=place)
    while not probe.over:
        probe.take(read(probe.batch()))
    return probe.search(why)
