"""The entries of a journal run: which are cancelled or gone, and which prevent its cancel."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from reconciler.core.model.enumerations import TransferState
from reconciler.core.model.finding import listed
from reconciler.core.model.kinds import RUN_ENTRY_KIND
from reconciler.core.model.plan import CANCELLED, GONE, FieldChange
from reconciler.core.model.resource import Address, Live, Value, text_of
from reconciler.core.planning.snapshot import AddressState, Snapshot
from reconciler.values import dataclass

MEMBERS = "entries"
"""The name of a run's entries in drift."""

TRANSFER_REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        TransferState.YES: "Restore the file, and post a reversing entry in an open period.",
        TransferState.PROCESSING: "Wait until the transfer has ended, then plan again.",
    }
)
"""The transfer states that prevent a cancel (API facts 3.6), the final one first, each with its
remedy."""

_UNPROTECT = "Declare the entry with `protect: false` and apply it; then remove its file."


def transfer_of(member: Live) -> str:
    """The transfer state of an entry; `No` when the ledger states none (API facts 3.6)."""
    return (
        text_of(member.fields.get(RUN_ENTRY_KIND.transfer))
        or RUN_ENTRY_KIND.defaults[RUN_ENTRY_KIND.transfer]
    )


def is_posted(member: Live) -> bool:
    return member.status in RUN_ENTRY_KIND.posted_states


def blocks_run_cancel(member: Live) -> bool:
    """Whether an entry stays posted when its run is cancelled (API facts 5.4)."""
    return is_posted(member) and transfer_of(member) in TRANSFER_REMEDIES


def numbers_text(members: tuple[Live, ...]) -> str:
    """Entries with their transfer state, for a message."""
    return listed([f"{member.number} ({transfer_of(member)})" for member in members])


PARTIAL_CANCEL_REMEDY = (
    "Restore the file: the run keeps its other entries. A new run includes the transactions of the "
    "cancelled ones. Correct transferred entries with reversing entries."
)
"""The remedy for a run that was cancelled in part."""


def numbers_of(members: Iterable[Live]) -> tuple[str, ...]:
    return tuple(member.number for member in members)


def unposted_numbers(members: tuple[Live, ...]) -> frozenset[str]:
    return frozenset(member.number for member in members if not is_posted(member))


_GONE = "outOfTheBooks"


def unposted_note(members: tuple[Live, ...]) -> Mapping[str, Value] | None:
    """The record of unposted entries for the intent of a cancel; None when all are posted."""
    gone = unposted_numbers(members)
    return {_GONE: tuple(sorted(gone))} if gone else None


def noted_unposted(spec: Mapping[str, Value] | None) -> frozenset[str]:
    """The entries that were not posted before a cancel, according to its intent."""
    noted = (spec or {}).get(_GONE)
    numbers = noted if isinstance(noted, tuple) else ()
    return frozenset(number for number in numbers if isinstance(number, str))


def cancelled_in_part(live: Live, *, gone: frozenset[str] = frozenset()) -> str:
    """The result of a cancel of only some entries of a run, as text; else empty.

    Entries that were `gone` before do not count.
    """
    members = tuple(member for member in live.members if member.number not in gone)
    left = tuple(member for member in members if is_posted(member))
    taken = len(members) - len(left)
    if live.status == CANCELLED or not taken or not left:
        return ""
    stay = "remains posted" if len(left) == 1 else "remain posted"
    verb = "is" if taken == 1 else "are"
    return (
        f"{live.number} was cancelled in part: {taken} of {len(members)} entries {verb} cancelled, "
        f"and {numbers_text(left)} {stay}"
    )


def missing_entries(snapshot: Snapshot, address: Address) -> tuple[str, ...]:
    """The recorded entries of a run that the ledger no longer has: they were deleted.

    Without a ledger nothing is known of them.
    """
    recorded = snapshot.records_by_current_name.get(address)
    if recorded is None or not recorded.entries or snapshot.selection.scope.offline:
        return ()
    live = snapshot.live.get(recorded.number or "")
    if live is None:
        return ()
    listed_now = {member.number for member in live.members}
    return tuple(number for number in recorded.entries if number not in listed_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class LostEntries:
    """The entries of a run that are cancelled or gone, and that no file accepts.

    `of` counts all entries that the run made.
    """

    cancelled: tuple[str, ...]
    gone: tuple[str, ...]
    of: int

    @property
    def states(self) -> tuple[tuple[str, str], ...]:
        """Each number with its state."""
        cancelled = ((number, CANCELLED) for number in self.cancelled)
        return (*cancelled, *((number, GONE) for number in self.gone))


def lost_entries(snapshot: Snapshot, address: Address) -> LostEntries | None:
    """What a run lost without a cancel of the run; None for nothing.

    An entry that has a file of its own is told under that name.
    """
    recorded = snapshot.records_by_current_name.get(address)
    live = snapshot.live.get(recorded.number or "") if recorded is not None else None
    if live is None:
        return None
    missing = missing_entries(snapshot, address)
    cancelled = tuple(member.number for member in live.members if member.status == CANCELLED)
    if not (cancelled or missing):
        return None
    declared = snapshot.declared.get(address)
    items = declared.acknowledges if declared is not None else ()
    answered = {(item.number, item.status) for item in items}
    answered.update(
        (number, state) for number in _declared_numbers(snapshot) for state in (CANCELLED, GONE)
    )
    lost = LostEntries(
        cancelled=tuple(number for number in cancelled if (number, CANCELLED) not in answered),
        gone=tuple(number for number in missing if (number, GONE) not in answered),
        of=len(live.members) + len(missing),
    )
    return lost if lost.states else None


def _declared_numbers(snapshot: Snapshot) -> Iterator[str]:
    """The recorded numbers of entries in the scope of the plan that have a file."""
    for address in snapshot.declared:
        recorded = snapshot.records_by_current_name.get(address)
        if recorded is not None and recorded.number and address in snapshot.selection:
            yield recorded.number


def entries_drift(state: AddressState) -> FieldChange | None:
    """The drift of a run whose entries are not all posted; else None."""
    lost = lost_entries(state.snapshot, state.address)
    if lost is None:
        return None
    blocking = tuple(filter(blocks_run_cancel, state.live.members if state.live else ()))
    counts = ((len(lost.cancelled), CANCELLED.lower()), (len(lost.gone), GONE))
    before = ", ".join(f"{count} of {lost.of} {word}" for count, word in counts if count)
    before += f"; blocked by {numbers_text(blocking)}" if blocking else ""
    return FieldChange(name=MEMBERS, before=before, after="none cancelled", in_place=True)


def member_obstacles(state: AddressState) -> Iterator[tuple[str, str, str]]:
    """Why a run cannot be cancelled completely: rule, fact and remedy."""
    members = state.live.members if state.live else ()
    blocking = tuple(filter(blocks_run_cancel, members))
    if blocking:
        transfers = {transfer_of(member) for member in blocking}
        remedy = next(TRANSFER_REMEDIES[one] for one in TRANSFER_REMEDIES if one in transfers)
        if any(member.status == CANCELLED for member in members):
            remedy = PARTIAL_CANCEL_REMEDY
        fact = f"{len(blocking)} of {len(members)} entries of {state.number} would stay posted"
        fact += f" because of transferredToAccounting: {numbers_text(blocking)}"
        yield "transferred", fact, remedy
    numbers = {member.number for member in members if is_posted(member)}
    for recorded in state.snapshot.records_by_current_name.values():
        if recorded.protect and recorded.number in numbers:
            fact = f"{recorded.number} of {state.number} is protected as {recorded.address.name}"
            yield "protected", fact, _UNPROTECT
    claimed = tuple(
        f"{member.number} ({address.name})"
        for member in members
        if is_posted(member)
        for address in state.snapshot.claims.get(member.number, ())
    )
    if claimed:
        fact = f"entries of {state.number} are declared: {listed(claimed)}"
        yield "run-entries-declared", fact, ""
