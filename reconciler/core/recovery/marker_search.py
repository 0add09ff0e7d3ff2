"""The search by marker: when to search the ledger, the query, and what follows from its result.

A marker in a live entry proves its owner. So entries are found even if the daybook was lost or
restored from an older copy, and they are not posted twice.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from datetime import timedelta
from types import MappingProxyType

from reconciler.core.model.canonical import value_text
from reconciler.core.model.finding import Refusal, counted, listed
from reconciler.core.model.history import NOTHING_DROPPED, Dropped, Recorded
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import IN_NOTES, marker_in, marker_of, split_marker
from reconciler.core.model.plan import CANCELLED, Action, Change, Reason
from reconciler.core.model.resource import Address, Declared, Live, Value
from reconciler.core.planning.kept import with_reads
from reconciler.core.planning.renames import previous_of
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.rules.catalog import refusal
from reconciler.values import dataclass

MOST_NAMES = 200
"""The most names in one query, which can use an index; above it, the query asks for all."""

LAG = timedelta(hours=4)
"""A query sees an entry late (API facts 6.1), by an unknown time (10, no. 12): minutes as far as is
known. A read lags less."""

_MARK = "\\"

UNREAD_POSTING = "unread-posting"
"""The rule that asks for proof that an entry is gone, before it counts as gone."""

_GONE = (Reason.MISSING_IN_LEDGER, Reason.CANCELLED_IN_LEDGER)


class UnexpectedRows(ValueError):
    """A query returned rows without a number or status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The result of a search for the workspace's markers.

    `numbers` were not cancelled at the time of the query; only a read proves their state now.
    `everything`: all names were searched. `failure`: why the search failed, or empty. `first` and
    `last`: the numbers that were probed one by one, `instead_of` a query that failed.
    """

    numbers: Mapping[Address, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    everything: bool = False
    failure: str = ""
    first: str = ""
    last: str = ""
    instead_of: str = ""

    @property
    def probed(self) -> str:
        """The range of the probed numbers, in words; empty when none was probed."""
        return f"{self.first} to {self.last}" if self.first else ""


def statement_of(kind: Kind, workspace: str, place: str, names: Iterable[str] = ()) -> str:
    """The query for a workspace's markers: those of some names, or all.

    In notes the marker follows other text, so only a pattern without an index finds it.
    """
    columns = f"number AS number, status AS status, {place} AS marker"
    select = f"SELECT {columns} FROM {kind.name}"  # noqa: S608 - the schemas hold both to a word
    names = tuple(names)
    if names and place != IN_NOTES:
        markers = (quoted(marker_of(workspace, Address(kind.name, name))) for name in names)
        return f"{select} WHERE {place} IN ({', '.join(markers)})"
    before = "%[reconciler:" if place == IN_NOTES else ""
    pattern = f"{before}{_escaped(workspace)}/%"
    return f"{select} WHERE {place} LIKE {quoted(pattern)} ESCAPE '{_MARK}'"


def statement_of_numbers(kind: Kind, numbers: Iterable[str], place: str) -> str:
    """The query for some numbers. The column `deleted` includes deleted rows (API facts 6.1)."""
    marker = f", {place} AS marker" if kind.carries_marker else ""
    columns = f"number AS number, deleted AS deleted{marker}"
    wanted = ", ".join(map(quoted, numbers))
    return f"SELECT {columns} FROM {kind.name} WHERE number IN ({wanted})"  # noqa: S608 - as above


def shown_deleted(rows: Iterable[Mapping[str, Value]], place: str) -> Mapping[str, str | None]:
    """The numbers that rows show as deleted, each with its marker."""
    return {
        number: marker_in({place: row.get("marker")}, place)
        for row in rows
        if isinstance(number := row.get("number"), str) and value_text(row.get("deleted")) == "true"
    }


def statement_of_entries(kind: Kind, periods: Iterable[str], column: str) -> str:
    """The query for the entries of accounting periods, with one more column."""
    columns = "e.number AS number, e.status AS status, e.transactionType AS transactionType"
    return (
        f"SELECT {columns}, {column} FROM {kind.name} e "  # noqa: S608 - the schemas hold both to a word, and the periods are quoted
        "JOIN AccountingPeriod p ON e.accountingPeriodId = p.id "
        f"WHERE p.name IN ({', '.join(map(quoted, periods))})"
    )


def quoted(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def _escaped(value: str) -> str:
    """A text as a pattern that matches only this text."""
    for special in (_MARK, "%", "_"):
        value = value.replace(special, _MARK + special)
    return value


def numbered(rows: Iterable[Mapping[str, Value]]) -> Iterator[tuple[str, str, Mapping[str, Value]]]:
    """The number and the status of every row, and the row. Raises UnexpectedRows."""
    for row in rows:
        number, status = row.get("number"), row.get("status")
        if not isinstance(number, str) or not isinstance(status, str):
            raise UnexpectedRows("a row of the result has no number or no status")
        yield number, status, row


def matches(
    kind: Kind, rows: Iterable[Mapping[str, Value]], *, workspace: str, place: str
) -> Iterator[tuple[Address, str]]:
    """The address and number of every row that is not cancelled. Raises UnexpectedRows."""
    for number, status, row in numbered(rows):
        address = address_in(kind, {place: row.get("marker")}, workspace, place)
        # An unknown status counts: the read of the entry decides.
        if address is not None and status != CANCELLED:
            yield address, number


def address_in(
    kind: Kind, fields: Mapping[str, Value], workspace: str, place: str
) -> Address | None:
    """The address in the marker of some fields; None when it is not of this workspace."""
    _, marker = split_marker(fields, place)
    owner, _, name = (marker or "").partition("/")
    return Address(kind.name, name) if owner == workspace and name else None


def addresses_to_search(
    changes: Iterable[Change],
    recorded: Mapping[Address, Recorded],
    *,
    complete: bool,
    posting: bool,
) -> tuple[Address, ...]:
    """The addresses that may be posted although the daybook has no posted entry for them.

    With an incomplete daybook, or before `posting`, these are all entries that would be posted.
    Otherwise they are recorded entries that are missing or cancelled in the ledger.
    """
    return tuple(
        change.address
        for change in changes
        if KINDS[change.address.kind].carries_marker
        and _needs_search(change, recorded.get(change.address), everything=posting or not complete)
    )


def with_previous(
    doubts: Iterable[Address], declared: Mapping[Address, Declared]
) -> tuple[Address, ...]:
    """The addresses with their previous addresses."""
    names = {*doubts}
    asking = (declared[address] for address in names if address in declared)
    before = {previous_of(one) for one in asking if one.previous_name is not None}
    return tuple(sorted(names | before))


def _needs_search(change: Change, state: Recorded | None, *, everything: bool) -> bool:
    if change.reason in _GONE:
        return True
    if change.reason is Reason.RENAMED and change.number_posted:
        return False
    if change.wanted is Action.ADOPT:
        # It may have been adopted and replaced already, or another entry may be posted.
        return True
    if change.number_posted:
        return False
    known = state is not None and state.incarnation > 0
    return change.posts and (everything or known)


def contradicts(snapshot: Snapshot, dropped: Dropped) -> bool:
    """Whether the ledger and the daybook cannot both be up to date.

    A recorded number is missing, or is not ours any more; or a number that was deleted is posted.
    """
    for address, state in snapshot.records_by_current_name.items():
        if state.number is None or state.number not in snapshot.live:
            continue
        if state.number in snapshot.unread:
            # It was found to be ours when it was read, and did not change since.
            continue
        live = snapshot.live[state.number]
        before = snapshot.renames.get(address, address)
        if live is None:
            if not state.cancelled:
                return True
        elif live.status != CANCELLED and not any(
            snapshot.names.is_posted_as(name, live) for name in (address, before)
        ):
            return True
    return bool(dropped.numbers and posted_again(snapshot, dropped))


def posted_again(snapshot: Snapshot, dropped: Dropped) -> Mapping[str, Address]:
    """The numbers that the daybook records as removed or missing, and that are posted as ours."""
    posted = {one.number for one in snapshot.recorded.values() if not one.cancelled}
    return {
        number: address
        for number, address in dropped.numbers.items()
        if number not in posted
        and (live := snapshot.live.get(number)) is not None
        and live.status in KINDS[address.kind].posted_states
        and snapshot.names.is_posted_as(address, live)
    }


def with_found(  # noqa: PLR0913 - keywords: whose entries they are, and what was dropped
    snapshot: Snapshot,
    search: Search,
    live: Mapping[str, Live | None],
    *,
    workspace: str,
    place: str,
    dropped: Dropped = NOTHING_DROPPED,
) -> Snapshot:
    """The snapshot with the found entries whose reads confirm status and marker."""
    snapshot = with_reads(snapshot, live)
    again = posted_again(snapshot, dropped)
    numbers = {address: {*found} for address, found in search.numbers.items()}
    for number, address in again.items():
        if KINDS[address.kind].carries_marker:
            numbers.setdefault(address, set()).add(number)
    found = {
        address: confirmed
        for address, each in numbers.items()
        if (
            confirmed := tuple(
                n
                for n in sorted(each)
                if is_posted_with_marker(address, snapshot.live[n], workspace, place)
            )
        )
    }
    return replace(snapshot, found=found, again=again)


def is_posted_with_marker(address: Address, live: Live | None, workspace: str, place: str) -> bool:
    """Whether a read shows an entry that is not cancelled, with the marker of an address."""
    kind = KINDS[address.kind]
    return (
        live is not None
        and live.status != CANCELLED
        and address_in(kind, live.fields, workspace, place) == address
    )


def untracked(snapshot: Snapshot) -> tuple[tuple[Address, str], ...]:
    """Found entries of this workspace that are neither declared nor recorded."""
    return tuple(
        (address, number)
        for address, number in _found_unrecorded(snapshot)
        if address not in snapshot.declared and address not in snapshot.renames.values()
    )


def unrecorded(snapshot: Snapshot) -> tuple[tuple[Address, str], ...]:
    """Found entries that are not recorded, except possible results of an open create.

    If a complete daybook lacks them, it is an older copy.
    """
    return tuple(
        (address, number)
        for address, number in _found_unrecorded(snapshot)
        if not ((state := snapshot.recorded.get(address)) and state.unsettled)
    )


def _found_unrecorded(snapshot: Snapshot) -> Iterator[tuple[Address, str]]:
    known = recorded_numbers(snapshot.recorded.values()) | snapshot.again.keys()
    for address, numbers in sorted(snapshot.found.items()):
        yield from ((address, number) for number in numbers if number not in known)


def all_recorded(found: Mapping[Address, tuple[str, ...]], recorded: Iterable[Recorded]) -> bool:
    """Whether the daybook records every found entry."""
    known = recorded_numbers(recorded)
    return all(number in known for numbers in found.values() for number in numbers)


def recorded_numbers(recorded: Iterable[Recorded]) -> frozenset[str]:
    """Every number that the daybook records, including cancelled and retired entries."""
    return frozenset(
        number
        for state in recorded
        for number in (state.number, *state.leftovers, *state.retired)
        if number is not None
    )


def contradicted(changes: Iterable[Change]) -> tuple[Address, ...]:
    """The addresses to post whose recorded entry is missing or cancelled in the ledger.

    The daybook may be an older copy, and the entry may have been replaced.
    """
    return tuple(
        change.address
        for change in changes
        if change.posts and KINDS[change.address.kind].carries_marker and change.reason in _GONE
    )


def unread_postings(
    changes: Iterable[Change], snapshot: Snapshot, search: Search, dropped: Dropped
) -> tuple[str, ...]:
    """The numbers of what would be posted or dropped that a query shows and a read does not find.

    What the daybook records as dropped is gone, and a late query may still show it.
    """
    names = {one.address for one in changes if _takes_for_gone(one)}
    names |= {snapshot.renames[one] for one in names if one in snapshot.renames}
    return tuple(
        number
        for address, numbers in sorted(search.numbers.items())
        for number in numbers
        if address in names and snapshot.live[number] is None and number not in dropped.numbers
    )


def missing_numbers(changes: Iterable[Change]) -> Mapping[str, tuple[str, ...]]:
    """The recorded numbers, by kind, whose entries no read finds and that a plan takes for gone."""
    missing: dict[str, tuple[str, ...]] = {}
    for change in changes:
        name, missed = change.address.kind, change.reason is Reason.MISSING_IN_LEDGER
        if change.number and missed and _takes_for_gone(change):
            missing[name] = (*missing.get(name, ()), change.number)
    return missing


def _takes_for_gone(change: Change) -> bool:
    return change.action is Action.FORGET or (change.posts and change.action is not Action.BLOCKED)


def unread_posting(shown: tuple[str, ...], unproved: tuple[str, ...]) -> Iterator[Refusal]:
    """The refusals to take entries for gone only because no read finds them."""
    if shown:
        yield refusal(
            UNREAD_POSTING, f"a query shows as posted what no read finds: {listed(shown)}"
        )
    if unproved := tuple(number for number in unproved if number not in shown):
        yield refusal(
            UNREAD_POSTING,
            f"no read finds what is recorded as posted, and no query shows it as deleted: "
            f"{listed(unproved)}",
        )


def unsearched(doubts: int, failure: str, *, new: bool) -> Refusal:
    """The refusal to post when the daybook may lack entries and the search failed."""
    entries = counted(doubts, "entry", "entries")
    why = "the daybook is new" if new else "the daybook may be an older copy"
    message = (
        f"{why}, the ledger cannot be searched, and {entries} would be posted that may be "
        f"in it already: {failure}"
    )
    return refusal("unsearched-ledger", message)


def unproved(doubts: int, search: Search) -> Refusal:
    """The refusal to post with a new daybook what probing did not find."""
    entries = counted(doubts, "entry", "entries")
    message = (
        f"the daybook is new, and {entries} would be posted that may be in the ledger already. "
        f"The ledger cannot be searched ({search.instead_of}). Probing {search.probed} found no "
        "marker, which is inconclusive: deleted numbers leave gaps"
    )
    remedy = (
        "Look in the ledger for what would be posted. Adopt what is posted there with "
        "`metadata.adopts`. If none of it is, confirm that: add --first-apply to --probe-from."
    )
    return refusal("unsearched-ledger", message, remedy)
