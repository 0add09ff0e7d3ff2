"""Which entries need no read, because nothing moved them since they were read last. Pure.

A query never supplies content. Its rows only say whether an entry moved since a single read.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from reconciler.core.model.canonical import fingerprint, spec_digest
from reconciler.core.model.history import Recorded, other_adopted_number
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import Action, LiveState, Plan
from reconciler.core.model.resource import Address, Declared, Live
from reconciler.core.planning.absence import unread_witnesses
from reconciler.core.planning.snapshot import Snapshot
from reconciler.values import dataclass

MARGIN = 2
"""Seconds between a stamp and a read after it. A stamp has whole seconds, and clocks differ."""

ZONE = 15 * 60
"""Seconds. Every time zone in use differs from UTC by a multiple of them."""

PROVED_AT_LEAST = 20
PROVED_PART = 100
"""Each plan reads one in a hundred of the entries that need no read, longest ago first."""


class EntryStamp(NamedTuple):
    """What a query says of an entry. `updated` is the time of its last change, as written."""

    status: str
    updated: str
    transferred: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An entry as a single read showed it when it equalled file and record.

    `stamp` is what a query before that read said. `read_at` is the ledger's time, not after the
    read. `spec` is the digest of what the file declared then.
    """

    live: Live
    stamp: EntryStamp
    read_at: datetime
    spec: str


Stamps = Mapping[str, EntryStamp | None]
"""What a query says of each number; None where it says two things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query of stamps. `at` is the ledger's time of its result, before any later read."""

    stamps: Stamps
    at: datetime
    max_age: timedelta
    """How long ago a read may be that still holds."""


def statement_of_stamps(kind: Kind) -> str:
    """The query for what moved: every entry of the tenant, without its content."""
    columns = f"status AS status, updateddate AS updated, {kind.transfer} AS transferred"
    return f"SELECT number AS number, {columns} FROM {kind.name}"  # noqa: S608 - our own words


STAMP_COLUMNS = ("number", *EntryStamp._fields)
"""The columns of the query, each under its own name."""


def stamps_of(rows: Iterable[Sequence[str | None]]) -> Stamps:
    """The stamps in the rows of a query, by columns. A row without a number says nothing."""
    found: dict[str, EntryStamp | None] = {}
    for number, status, updated, transferred in rows:
        if number:
            stamp = EntryStamp(status or "", updated or "", transferred or "")
            found[number] = None if number in found else stamp
    return found


def still_holds(
    state: Recorded, declared: Declared | None, kept: Kept | None, asked: Asked
) -> bool:
    """Whether the last read of a record's entry still holds, so that it needs no other one."""
    return (
        KINDS[state.address.kind].carries_marker
        and is_settled(state, declared)
        and kept is not None
        and kept.live.number == state.number
        and declared is not None
        and kept.spec == spec_digest(declared.spec)
        and _is_unmoved(kept, asked)
    )


def _is_unmoved(kept: Kept, asked: Asked) -> bool:
    # Without a row in the result of the query, or with two, nobody knows.
    stamp = asked.stamps.get(kept.live.number)
    return (
        stamp is not None
        and stamp == kept.stamp
        and is_before(stamp.updated, kept.read_at)
        and timedelta(0) <= asked.at - kept.read_at <= asked.max_age
    )


def is_settled(state: Recorded, declared: Declared | None) -> bool:
    """Whether file and record say the same of one entry, and no call or adoption is open."""
    return (
        declared is not None
        and state.number is not None
        and not (state.cancelled or state.unsettled or state.from_run)
        and not (state.leftovers or state.retired)
        and declared.made_by is None
        and other_adopted_number(declared, state) is None
        and declared.protect == state.protect
        and declared.spec == state.spec
    )


def known_settled(
    declared: Mapping[Address, Declared], recorded: Mapping[Address, Recorded]
) -> frozenset[str]:
    """The numbers of which file and record say the same, for a plan that reads nothing."""
    return frozenset(
        state.number
        for one, state in recorded.items()
        if state.number is not None
        and KINDS[one.kind].carries_marker
        and is_settled(state, declared.get(one))
    )


@lru_cache(maxsize=10_000)
def is_before(stamp: str, read_at: datetime) -> bool:
    """Whether a stamp is surely older than a read, so that no later change can have the same one.

    Stamps have no zone (API facts 6.1). Whatever the zone, the seconds within a quarter of an hour
    are those of UTC. So an age of at least `MARGIN` within the quarter is one of at least that.
    """
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return False
    if moment.tzinfo is not None:
        return (read_at - moment).total_seconds() >= MARGIN
    age = (read_at - moment.replace(tzinfo=UTC)).total_seconds() % ZONE
    return MARGIN <= age <= ZONE - MARGIN


def unmoved(
    recorded: Mapping[Address, Recorded],
    declared: Mapping[Address, Declared],
    kept: Mapping[Address, Kept],
    asked: Asked,
) -> Mapping[str, Kept]:
    """The numbers that need no read, each as it was read last."""
    return {
        kept[one].live.number: kept[one]
        for one, state in recorded.items()
        if still_holds(state, declared.get(one), kept.get(one), asked)
    }


def to_prove(unread: Mapping[str, Kept]) -> frozenset[str]:
    """Those that are read all the same: whatever a stamp fails to show is found in time."""
    order = sorted(unread, key=lambda number: (unread[number].read_at, number))
    return frozenset(order[: max(PROVED_AT_LEAST, -(-len(order) // PROVED_PART))])


def touched(plan: Plan, snapshot: Snapshot) -> tuple[tuple[Kind, str], ...]:
    """The unread numbers that a plan does not simply keep. It must be made again with reads."""
    if not snapshot.unread:
        return ()
    addresses = {change.address for change in plan.changes if change.action is not Action.KEEP}
    addresses.update(one.address for one in plan.drift)
    addresses.update(Address(one.kind, one.name) for one in plan.unanswered)
    if witnesses := unread_witnesses(snapshot, plan.changes):
        addresses.update(
            one for one, state in snapshot.recorded.items() if state.number in witnesses
        )
    for one in tuple(addresses):
        declared = snapshot.declared.get(one)
        if declared is not None and declared.reverses is not None:
            # A reversal is judged together with what it reverses.
            addresses.add(Address(one.kind, declared.reverses))
        if one in snapshot.renames:
            addresses.add(snapshot.renames[one])
    numbers = {
        (one.kind, state.number)
        for one in addresses
        if (state := snapshot.recorded.get(one)) is not None and state.number in snapshot.unread
    }
    numbers.update((one.kind, one.number) for one in plan.unanswered)
    unread = ((kind, number) for kind, number in numbers if number in snapshot.unread)
    return tuple((KINDS[kind], number) for kind, number in sorted(unread) if number is not None)


def with_reads(snapshot: Snapshot, live: Mapping[str, Live | None]) -> Snapshot:
    """The snapshot with what was read for it."""
    unread = snapshot.unread - live.keys()
    return replace(snapshot, live={**snapshot.live, **live}, unread=unread)


def newly_kept(plan: Plan, snapshot: Snapshot, asked: Asked) -> Mapping[Address, Kept]:
    """What the next plan may keep: entries that were read after the query, and are as recorded."""
    moved = {one.address for one in plan.drift}
    found = {}
    for change in plan.changes:
        state = snapshot.recorded.get(change.address)
        number = change.number if change.action is Action.KEEP else None
        if number is None or number in snapshot.unread or change.address in moved:
            continue
        live, stamp = snapshot.live.get(number), asked.stamps.get(number)
        declared = snapshot.declared.get(change.address)
        settled = state is not None and state.number == number and is_settled(state, declared)
        if (
            settled
            and declared is not None
            and live is not None
            and stamp is not None
            and agrees(stamp, live, KINDS[change.address.kind])
        ):
            digest = spec_digest(declared.spec)
            found[change.address] = Kept(live=live, stamp=stamp, read_at=asked.at, spec=digest)
    return found


def live_state_of(snapshot: Snapshot, asked: Asked) -> LiveState:
    """How the live state of a snapshot is known, after a query."""
    return LiveState(
        asked_at=asked.at.astimezone(UTC).isoformat(timespec="seconds"),
        by_query=len(snapshot.unread),
        by_read=len(snapshot.live) - len(snapshot.unread),
    )


def agrees(stamp: EntryStamp, live: Live, kind: Kind) -> bool:
    """Whether a row of a query says of a posted entry what its read says."""
    transferred = live.fields.get(kind.transfer) or kind.defaults.get(kind.transfer)
    said = kind.canonical_spelling(kind.transfer, stamp.transferred)
    return (
        live.status in kind.posted_states
        and kind.canonical_spelling("status", stamp.status) == live.status
        and (said or kind.defaults.get(kind.transfer)) == transferred
    )


def disproved(kept: Mapping[str, Kept], live: Mapping[str, Live | None]) -> Collection[str]:
    """The numbers that a read shows otherwise than the last read, although no stamp moved."""
    return sorted(
        number
        for number, one in kept.items()
        if number in live and fingerprint(one.live) != fingerprint(live[number])
    )
