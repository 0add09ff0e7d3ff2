"""The calls made to the ledger in order, and the state of each address that follows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from enum import StrEnum
from types import MappingProxyType

from reconciler.core.model.resource import Address, Declared, Value
from reconciler.values import dataclass


class Act(StrEnum):
    """The action of an intent: a call to the ledger, or a note in the daybook alone."""

    CREATE = "create"
    UPDATE = "update"
    CANCEL = "cancel"
    DELETE = "delete"
    ADOPT = "adopt"
    """The update that adds the marker of a declaration to an existing entry."""
    ADOPT_FROM_RUN = "adopt-run"
    """The same for an entry of a journal run."""
    NOTE = "note"
    """Record the content of the file, which the ledger already has."""
    FORGET = "forget"
    """Drop a number that the ledger no longer has."""
    RETIRE = "retire"
    """Record that the number stays in the ledger with its marker, no longer managed."""


ADOPTIONS = frozenset({Act.ADOPT, Act.ADOPT_FROM_RUN})

CALLS = frozenset({Act.CREATE, Act.UPDATE, Act.CANCEL, Act.DELETE, *ADOPTIONS})
"""Calls to the ledger. The others are notes and need no settlement."""


class Result(StrEnum):
    """How a call ended. Only `done` took effect; `unknown` may have."""

    DONE = "done"
    PARTLY = "partly"
    """A journal run was cancelled, but not all of its entries."""
    REFUSED = "refused"
    UNSENT = "unsent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutcome:
    """How a call ended. `number` is its entry, `entries` are those that a journal run made."""

    result: Result
    number: str | None = None
    detail: str = ""
    entries: tuple[str, ...] = ()

    def with_entries(self, more: tuple[str, ...]) -> "CallOutcome":
        """The same outcome, with entries that another read listed."""
        return replace(self, entries=_all_of(self.entries, more))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The state of one address after all recorded outcomes.

    `number` is that of the live entry, None if none is known to exist. `spec` was last applied to
    it. `leftovers` are numbers of cancelled predecessors that were not deleted. `incarnation`
    counts finished creates and adoptions, `attempt` the definite failures since; both are part of
    the next create's key. `cancelled`: our own cancel of `number` succeeded. `unsettled`: the
    outcome of a create is unknown. `adopted` is the number under which the entry was adopted,
    even if it has another one now. `from_run`: the entry was adopted from a journal run, and is
    never created, cancelled or replaced. `retired` are numbers that stay in the ledger with the
    marker of this address, but are no longer managed. `last` is the number that the address had
    before it had none. `reversed` is the name of the entry that ours reversed until we cancelled
    it. `entries` are the entries that a journal run made, as far as reads listed them.
    """

    address: Address
    number: str | None = None
    spec: Mapping[str, Value] | None = None
    protect: bool = False
    cancelled: bool = False
    leftovers: tuple[str, ...] = ()
    incarnation: int = 0
    attempt: int = 0
    unsettled: bool = False
    from_run: bool = False
    adopted: str | None = None
    retired: tuple[str, ...] = ()
    last: str | None = None
    reversed: str = ""
    entries: tuple[str, ...] = ()
    otherwise: Mapping[str, tuple[str, str, int]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """By field: what was sent, what a read showed instead, and how often so."""


def standing(recorded: Iterable[Recorded]) -> int:
    """How many of what is recorded has an entry that was not cancelled."""
    return sum(1 for one in recorded if one.number is not None and not one.cancelled)


def numbered_record(
    address: Address, declared: Declared | None, record_of: Callable[[Address], Recorded | None]
) -> Recorded | None:
    """The record with the number of an address: under its name, else under its previous one."""
    names = (address.name, declared.previous_name if declared is not None else None)
    records = (record_of(Address(address.kind, name)) for name in names if name)
    return next((one for one in records if one is not None and one.number is not None), None)


def other_adopted_number(declared: Declared, recorded: Recorded | None) -> str | None:
    """The number that a file adopts although its name has another number; None without conflict.

    Numbers that the name had before do not conflict.
    """
    if recorded is None or recorded.number is None:
        return None
    own = (recorded.number, recorded.adopted, *recorded.leftovers)
    return None if declared.adopts in own else declared.adopts


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHistory:
    """One intent and its last known outcome; None if no outcome was recorded.

    `number` is the entry of the call; for a create it is the new entry, once known. `entries` are
    those of a journal run that a read listed then.
    """

    address: Address
    act: Act
    result: Result | None
    number: str | None = None
    spec: Mapping[str, Value] | None = None
    protect: bool = False
    reverses: str = ""
    entries: tuple[str, ...] = ()
    otherwise: Mapping[str, tuple[str, str]] = field(default_factory=lambda: MappingProxyType({}))


def fold(history: Iterable[CallHistory]) -> dict[Address, Recorded]:
    """The recorded state of every address, from all calls, oldest first.

    A number belongs to one address: the outcome of an adoption moves it from its previous name,
    in one step.
    """
    states: dict[Address, Recorded] = {}
    holders: dict[tuple[str, str], Address] = {}
    retired: dict[tuple[str, str], set[Address]] = {}
    for attempted in history:
        address, number = attempted.address, attempted.number
        folded = _FOLD[attempted.act](states.get(address) or Recorded(address=address), attempted)
        if number is not None and folded.number == number:
            before = states.get(holders.get((address.kind, number), address))
            holders[address.kind, number] = address
            if before is not None and before.address != address and attempted.act in ADOPTIONS:
                states[before.address] = _without_number(before, number)
                folded = _with_facts_of(folded, before)
            for other in retired.pop((address.kind, number), ()):
                # The current entry of an address is no longer a retired entry of another one.
                left = tuple(one for one in states[other].retired if one != number)
                states[other] = replace(states[other], retired=left)
        states[address] = folded
        if number is not None and number in folded.retired:
            retired.setdefault((address.kind, number), set()).add(address)
    return states


NEWEST = 10
"""How many of the newest deletions are read, if several calls may have run at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Numbers that were cancelled, deleted or missing, each with its address; newest first.

    `telling` are those that stand in a ledger that is older than the daybook but has every entry
    that is recorded as posted.
    """

    numbers: Mapping[str, Address] = field(default_factory=lambda: MappingProxyType({}))
    telling: tuple[str, ...] = ()


NOTHING_DROPPED = Dropped()


def dropped(history: Iterable[CallHistory]) -> Dropped:
    """The numbers that calls or notes dropped, from all calls, oldest first.

    A ledger that was restored to an earlier time has what was deleted after that time, and lacks
    what was created after it. So if no recorded entry is missing, the time is after the last create
    of an entry that is still recorded, and only later deletions can be undone. Of the entries that
    are older than that create, the last deleted one stands in every such ledger.
    """
    born: dict[tuple[str, str], int] = {}
    gone: dict[tuple[str, str], tuple[int, Address]] = {}
    for at, tried in enumerate(history):
        if tried.number is None or tried.result is not Result.DONE:
            continue
        key = tried.address.kind, tried.number
        if tried.act is Act.CREATE or tried.act in ADOPTIONS:
            born[key] = at
            gone.pop(key, None)
        elif tried.act in (Act.CANCEL, Act.DELETE, Act.FORGET):
            gone[key] = at, tried.address
    last = max((at for key, at in born.items() if key not in gone), default=-1)
    newest = sorted(gone, key=lambda key: gone[key], reverse=True)
    later = [key for key in newest if gone[key][0] > last]
    before = [key for key in later if born.get(key, -1) < last][:NEWEST]
    since = [key for key in later if born.get(key, -1) >= last]
    return Dropped(
        numbers=MappingProxyType({number: gone[kind, number][1] for kind, number in newest}),
        telling=tuple(number for _, number in (*before, *since)),
    )


def _with_facts_of(state: Recorded, before: Recorded) -> Recorded:
    """The new state with the facts about the entry that the previous name recorded."""
    return replace(
        state,
        from_run=state.from_run or before.from_run,
        adopted=before.adopted or state.adopted,
        entries=_all_of(before.entries, state.entries),
    )


def _all_of(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """The entries of a run that any read listed: one that a later read lacks is missing."""
    return tuple(sorted({*known, *more})) if more else known


def _create(state: Recorded, tried: CallHistory) -> Recorded:
    if tried.result is Result.REFUSED:
        # The answer is stored under the key for a day: only a new attempt can succeed.
        return replace(state, attempt=state.attempt + 1)
    if tried.result is Result.UNSENT:
        return state
    if tried.result is not Result.DONE:
        return replace(state, unsettled=True)
    return _with_number(state, tried)


def _adopt(state: Recorded, tried: CallHistory) -> Recorded:
    if tried.result is not Result.DONE:
        return state
    from_run = tried.act is Act.ADOPT_FROM_RUN
    return replace(_with_number(state, tried), adopted=tried.number, from_run=from_run)


def _with_number(state: Recorded, tried: CallHistory) -> Recorded:
    """The state with a new current entry; the previous one becomes a leftover."""
    # A number that is recorded again is the entry itself, not a leftover.
    before = (left for left in (*state.leftovers, state.number) if left != tried.number)
    return Recorded(
        address=state.address,
        number=tried.number,
        spec=tried.spec,
        protect=tried.protect,
        leftovers=tuple(left for left in before if left is not None),
        incarnation=state.incarnation + 1,
        unsettled=state.unsettled,
        adopted=state.adopted,
        retired=tuple(number for number in state.retired if number != tried.number),
        entries=_all_of(state.entries if state.number == tried.number else (), tried.entries),
        otherwise=state.otherwise,
    )


def _update(state: Recorded, tried: CallHistory) -> Recorded:
    if tried.result is not Result.DONE:
        return state
    entries = _all_of(state.entries, tried.entries if tried.number == state.number else ())
    told: dict[str, tuple[str, str, int]] = {}
    for name, (sent, read) in tried.otherwise.items():
        *before, times = state.otherwise.get(name, ("", "", 0))
        told[name] = (sent, read, times + 1 if before == [sent, read] else 1)
    return replace(state, spec=tried.spec, protect=tried.protect, entries=entries, otherwise=told)


def _cancel(state: Recorded, tried: CallHistory) -> Recorded:
    # Read only for an entry that is cancelled: then our cancel without a response did it.
    ours = tried.number == state.number and tried.result not in _WITHOUT_EFFECT
    return replace(state, cancelled=True, reversed=tried.reverses) if ours else state


def _delete(state: Recorded, tried: CallHistory) -> Recorded:
    return _without_number(state, tried.number) if tried.result is Result.DONE else state


def _forget(state: Recorded, tried: CallHistory) -> Recorded:
    return _without_number(state, tried.number)


def _retire(state: Recorded, tried: CallHistory) -> Recorded:
    rest = _without_number(state, tried.number)
    if tried.number is None or tried.number in rest.retired:
        return rest
    return replace(rest, retired=(*rest.retired, tried.number))


def _without_number(state: Recorded, number: str | None) -> Recorded:
    if number == state.number:
        state = replace(state, number=None, last=number or state.last)
        return replace(state, spec=None, protect=False, cancelled=False, entries=())
    return replace(state, leftovers=tuple(left for left in state.leftovers if left != number))


_WITHOUT_EFFECT = frozenset({Result.REFUSED, Result.UNSENT, Result.PARTLY})

_FOLD = {
    Act.ADOPT: _adopt,
    Act.ADOPT_FROM_RUN: _adopt,
    Act.CREATE: _create,
    Act.UPDATE: _update,
    Act.NOTE: _update,
    Act.CANCEL: _cancel,
    Act.DELETE: _delete,
    Act.FORGET: _forget,
    Act.RETIRE: _retire,
}
