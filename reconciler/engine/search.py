"""Searches the ledger for the workspace's own entries, and plans with what that finds."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from reconciler.core.documents.plan_digest import with_refusals
from reconciler.core.model.finding import Refusal
from reconciler.core.model.history import NOTHING_DROPPED, Dropped
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import Action, Plan
from reconciler.core.model.resource import Address, Live
from reconciler.core.planning.kept import touched, with_reads
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.recovery.equal_entries import (
    MOST_READ,
    candidates,
    first_posts,
    statement_of_periods,
    with_equal,
)
from reconciler.core.recovery.marker_search import (
    LAG,
    MOST_NAMES,
    Search,
    UnexpectedRows,
    addresses_to_search,
    all_recorded,
    contradicted,
    contradicts,
    matches,
    missing_numbers,
    shown_deleted,
    statement_of,
    statement_of_numbers,
    unproved,
    unread_posting,
    unread_postings,
    unrecorded,
    unsearched,
    with_found,
    with_previous,
)
from reconciler.core.recovery.number_probe import MOST_PROBED, Probe
from reconciler.daybook import Daybook, DaybookReader
from reconciler.engine.ports import LedgerReader
from reconciler.errors import LedgerError
from reconciler.values import dataclass

Read = Callable[[tuple[tuple[Kind, str], ...]], Mapping[str, Live | None]]
"""Reads numbers with their kinds, and returns the live object of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPolicy:
    """When a plan searches the ledger, in addition to recorded entries that the ledger lacks.

    `complete` says that the daybook records everything that was ever posted, `new` that it never
    did. With `posting`, new postings are searched for, because they are posted next; with `asked`,
    everything.
    `first_apply` is the user's statement that nothing of this workspace was ever posted.
    `probe_from` is the first number to probe without a search; None when none is known. `dropped`
    are the numbers that the daybook records as deleted. `ages` tells for numbers how
    long ago the daybook recorded their last call; it omits those for which that is unknown.
    """

    complete: bool
    new: bool = False
    posting: bool = False
    asked: bool = False
    first_apply: bool = False
    probe_from: str | None = None
    dropped: Dropped = NOTHING_DROPPED
    ages: Callable[[Collection[str]], Mapping[str, timedelta]] = lambda numbers: {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedPlan:
    """A plan, its snapshot, and its search; None when there was none.

    `lacking`: the ledger shows that the daybook may lack entries. That is marked there before a run
    records some of them, which hides that it lacks the others. `probe_from`: the first number to
    probe if a search after posting fails.
    """

    plan: Plan
    snapshot: Snapshot
    search: Search | None = None
    doubts: int = 0
    lacking: bool = False
    probe_from: str | None = None


def plan_with_search(
    snapshot: Snapshot,
    make: Callable[[Snapshot], Plan],
    *,
    ledger: LedgerReader,
    read: Read,
    finding: SearchPolicy,
) -> SearchedPlan:
    """Plan, search for entries that may be posted already, and plan again with those found.

    With a complete daybook and nothing to post there is no search. If ledger and daybook contradict
    each other, the whole workspace is searched, and what was dropped is read again.
    """
    dropped = finding.dropped
    snapshot, plan = _made(snapshot, make, read)
    doubts = addresses_to_search(
        plan.changes, snapshot.recorded, complete=finding.complete, posting=finding.posting
    )
    doubtful = contradicts(snapshot, dropped)
    if not doubts and not finding.asked and not doubtful:
        return SearchedPlan(plan=plan, snapshot=snapshot, probe_from=finding.probe_from)
    everything = finding.asked or not finding.complete or doubtful
    workspace, place = snapshot.tenant.workspace, snapshot.tenant.marker
    names = () if everything else with_previous(doubts, snapshot.declared)
    search = search_ledger(ledger, workspace, place, names=names)
    if search.failure and finding.probe_from is not None:
        search = probe_ledger(read, finding.probe_from, workspace, place, why=search.failure)
    snapshot = _with_found(snapshot, search, read, dropped, doubtful=doubtful)
    if snapshot.found or snapshot.again:
        snapshot, plan = _made(snapshot, make, read)
    if finding.new and not search.failure and not search.probed:
        snapshot, failure = _with_equal(snapshot, plan, ledger, read)
        search = replace(search, failure=failure)
        if snapshot.equal:
            snapshot, plan = _made(snapshot, make, read)
    shown = unread_postings(plan.changes, snapshot, search, dropped)
    unproved = _unproved(missing_numbers(plan.changes), ledger, finding, place)
    refusals = tuple(unread_posting(shown, unproved))
    if finding.posting and not finding.first_apply:
        refusals += tuple(_refusals(plan, search, doubts, finding, doubtful=doubtful))
    if refusals:
        plan = with_refusals(plan, refusals)
    return SearchedPlan(
        plan=plan,
        snapshot=snapshot,
        search=search,
        doubts=len(doubts),
        lacking=bool(unrecorded(snapshot)) or (doubtful and bool(search.failure)),
        probe_from=finding.probe_from,
    )


def _with_found(
    snapshot: Snapshot, search: Search, read: Read, dropped: Dropped, *, doubtful: bool
) -> Snapshot:
    """The snapshot with what a search found, which is read; with `doubtful`, what was dropped too.

    A search that finds an entry under another name contradicts its last read.
    """
    wanted = {number: one for one, numbers in search.numbers.items() for number in numbers}
    if doubtful:
        wanted |= dict(tuple(dropped.numbers.items())[:MOST_PROBED])
    holders = {state.number: one for one, state in snapshot.recorded.items()}
    unread = tuple(
        (KINDS[address.kind], number)
        for number, address in sorted(wanted.items())
        if number not in snapshot.live
        or (number in snapshot.unread and holders.get(number) != address)
    )
    workspace, place = snapshot.tenant.workspace, snapshot.tenant.marker
    return with_found(
        snapshot, search, read(unread), workspace=workspace, place=place, dropped=dropped
    )


def _made(
    snapshot: Snapshot, make: Callable[[Snapshot], Plan], read: Read
) -> tuple[Snapshot, Plan]:
    """A plan in which everything that is not simply kept was read for it, and its snapshot."""
    plan = make(snapshot)
    while snapshot.unread and (numbers := touched(plan, snapshot)):
        live = read(numbers)
        snapshot = with_reads(snapshot, live)
        plan = make(snapshot)
    return snapshot, plan


def _with_equal(
    snapshot: Snapshot, plan: Plan, ledger: LedgerReader, read: Read
) -> tuple[Snapshot, str]:
    """The snapshot with the entries that equal what would be posted; and why it is not known."""
    wanted = first_posts(plan.changes, snapshot)
    live: dict[str, Live | None] = {}
    for kind in {one.address.kind: KINDS[one.address.kind] for one in wanted}.values():
        own = tuple(one for one in wanted if one.address.kind == kind.name)
        try:
            numbers = candidates(kind, ledger.query(statement_of_periods(kind, own)), own)
        except LedgerError as error:
            return snapshot, error.message.rstrip(".")
        except UnexpectedRows as error:
            return snapshot, str(error)
        if len(numbers) > MOST_READ:
            return snapshot, f"{len(numbers)} entries of these periods are too many to compare"
        live |= read(tuple((kind, number) for number in numbers))
    return with_equal(snapshot, wanted, live), ""


def _refusals(
    plan: Plan,
    search: Search,
    doubts: tuple[Address, ...],
    finding: SearchPolicy,
    *,
    doubtful: bool,
) -> Iterator[Refusal]:
    """Why nothing is posted: neither daybook nor search shows what is posted already."""
    outdated = contradicted(plan.changes)
    forgotten = {one.address for one in plan.changes if one.action is Action.FORGET}
    doubts = tuple(address for address in doubts if address not in forgotten)
    if search.failure and doubts and (outdated or doubtful or not finding.complete):
        yield unsearched(len(outdated or doubts), search.failure, new=finding.new)
    elif search.probed and not search.failure and finding.new:
        posting = {one.address for one in plan.changes if one.posts and not one.number_posted}
        if missed := posting.intersection(doubts):
            yield unproved(len(missed), search)


def mark_complete(
    daybook: Daybook,
    search: Search | None,
    found: Mapping[Address, tuple[str, ...]],
    *,
    first_apply: bool,
) -> None:
    """Mark the daybook as complete, if a search or the user's statement says so.

    `found` are the posted numbers that the search found for addresses.

    Until then every plan that posts searches first. An interrupted run that recorded only some
    entries of a lost daybook must not post the others.
    """
    if search is None:
        return
    proved = first_apply
    # A probe ends at a gap, and there may be entries above it that a new daybook lacks.
    if not search.failure and not (search.probed and daybook.new):
        known = daybook.recorded().values()
        proved = search.everything and all_recorded(found, known)
    if proved:
        daybook.mark_complete()


def was_deleted(ledger: LedgerReader, kind: Kind, number: str, *, marker: str, place: str) -> bool:
    """Whether a query proves that the object of a number carried a marker, and is deleted.

    A read that does not find a number proves less: a ledger may show a new object late.
    """
    found = _deleted(ledger, kind, (number,), place)
    return number in found and (not kind.carries_marker or found[number] == marker)


def ages(
    ledger: LedgerReader, daybook: DaybookReader, numbers: Collection[str]
) -> Mapping[str, timedelta]:
    """How long ago the last call on each number was recorded, by the ledger's clock."""
    last, now = daybook.last_calls(numbers), ledger.server_time()
    return {number: now - at for number, at in last.items()} if now else {}


def _unproved(
    missing: Mapping[str, tuple[str, ...]], ledger: LedgerReader, finding: SearchPolicy, place: str
) -> tuple[str, ...]:
    """The missing numbers that may be posted: no query shows them as deleted, and reads may lag."""
    unproved: list[str] = []
    for name, numbers in missing.items():
        ages = finding.ages(numbers)
        late = [one for one in numbers if one not in ages or ages[one] < LAG]
        while late:
            asked, late = late[:MOST_NAMES], late[MOST_NAMES:]
            gone = _deleted(ledger, KINDS[name], asked, place)
            unproved += (number for number in asked if number not in gone)
    return tuple(unproved)


def _deleted(
    ledger: LedgerReader, kind: Kind, numbers: Iterable[str], place: str
) -> Mapping[str, str | None]:
    """The numbers that a query shows as deleted, each with its marker."""
    try:
        return shown_deleted(ledger.query(statement_of_numbers(kind, numbers, place)), place)
    except LedgerError:
        return {}


def search_ledger(
    ledger: LedgerReader, workspace: str, place: str, *, names: Iterable[Address] = ()
) -> Search:
    """Search for the markers of some addresses, or of the whole workspace when none is given.

    The result includes a failure: a tenant may lack Data Query or the permission.
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


def search_or_probe(
    ledger: LedgerReader, search: Search, begin: str | None, workspace: str, place: str
) -> Search:
    """A search, or a probe from `begin` if it failed and there is a first number."""
    if begin is None or not search.failure:
        return search

    def read(wanted: tuple[tuple[Kind, str], ...]) -> Mapping[str, Live | None]:
        return {number: ledger.read(kind, number) for kind, number in wanted}

    return probe_ledger(read, begin, workspace, place, why=search.failure)


def probe_ledger(read: Read, begin: str, workspace: str, place: str, *, why: str) -> Search:
    """Probe numbers from `begin` upward until nothing more is found. Raises LedgerError.

    Only entries carry a marker, so only entries are probed. `why` is the failure of the search.
    """
    kind = next(kind for kind in KINDS.values() if kind.carries_marker)
    probe = Probe(kind=kind, begin=begin, workspace=workspace, place=place)
    while not probe.finished:
        probe.record(read(probe.batch()))
    return probe.search(why)
