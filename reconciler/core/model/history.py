"""What was tried on the ledger, in order, and the state of each address that follows from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.core.model.resource import Address, Value


class Act(StrEnum):
    """What an intent is about: a call to the ledger, or a note in the daybook alone."""

    CREATE = "create"
    UPDATE = "update"
    CANCEL = "cancel"
    DELETE = "delete"
    ADOPT = "adopt"
    """An entry that is live already becomes a declaration's: the update that marks it."""
    ADOPT_FROM_RUN = "adopt-run"
    """The same with an entry that a journal run made."""
    NOTE = "note"
    """The ledger already holds what the file says: remember it."""
    FORGET = "forget"
    """The number is gone from the ledger: drop it."""
    RETIRE = "retire"
    """The number stays in the ledger, marker and all, and is nobody's: remember it as that."""


ADOPTIONS = frozenset({Act.ADOPT, Act.ADOPT_FROM_RUN})

CALLS = frozenset({Act.CREATE, Act.UPDATE, Act.CANCEL, Act.DELETE, *ADOPTIONS})
"""What the ledger is asked for; the others are notes, and need nothing settled."""


class Result(StrEnum):
    """How a call ended. Only `done` had its effect; `unknown` may have had one."""

    DONE = "done"
    PARTLY = "partly"
    """A journal run was asked to go, and some of its entries stay."""
    REFUSED = "refused"
    UNSENT = "unsent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The state of one address after all recorded outcomes.

    `number` is the live entry's, None when none is known to exist. `spec` is what was last
    applied to it. `leftovers` are numbers of cancelled predecessors that were not deleted.
    `incarnation` counts finished creates, `attempt` the definite failures since; both are part of
    the next create's key; an adoption counts as a create. `cancelled` says that our own cancel of
    `number` succeeded. `unsettled` says that a create was sent whose outcome is not known.
    `adopted` is the number that it was adopted under, whatever it has now.
    `from_run` says that the entry was adopted from a journal run, so that it is never created,
    cancelled or replaced. `retired` are numbers that stay in the ledger with this address's marker
    and that nobody speaks of: they were forgotten, or left to their journal run.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHistory:
    """One intent and the last that is known of its outcome; None when no outcome was recorded.

    `number` is the entry acted on; for a create it is the new entry's, once known.
    """

    address: Address
    act: Act
    result: Result | None
    number: str | None = None
    spec: Mapping[str, Value] | None = None
    protect: bool = False


def fold(history: Iterable[CallHistory]) -> dict[Address, Recorded]:
    """The recorded state of every address, from everything that was ever tried, oldest first.

    A number is one address's: an adoption takes it from the name that had it, in the one outcome
    that says so, and no state lies between.
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
                states[before.address] = _gone(before, number)
                folded = _renamed(folded, before)
            for other in retired.pop((address.kind, number), ()):
                # What stands for an address is no retired entry of another one any more.
                states[other] = _not_retired(states[other], number)
        states[address] = folded
        if number is not None and number in folded.retired:
            retired.setdefault((address.kind, number), set()).add(address)
    return states


def _not_retired(state: Recorded, number: str) -> Recorded:
    return replace(state, retired=tuple(one for one in state.retired if one != number))


def _renamed(state: Recorded, before: Recorded) -> Recorded:
    """What a name goes on knowing of the entry that it takes over."""
    return replace(
        state,
        from_run=state.from_run or before.from_run,
        adopted=before.adopted or state.adopted,
    )


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
    """The state once an entry stands for the address; one that stood before is left behind."""
    # A number that comes a second time is the entry itself, and nothing that was left behind.
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
    )


def _update(state: Recorded, tried: CallHistory) -> Recorded:
    if tried.result is not Result.DONE:
        return state
    return replace(state, spec=tried.spec, protect=tried.protect)


def _cancel(state: Recorded, tried: CallHistory) -> Recorded:
    # Asked only of an entry that is found cancelled: then an unanswered cancel of ours did it.
    ours = tried.number == state.number and tried.result not in _WITHOUT_EFFECT
    return replace(state, cancelled=True) if ours else state


def _delete(state: Recorded, tried: CallHistory) -> Recorded:
    return _gone(state, tried.number) if tried.result is Result.DONE else state


def _forget(state: Recorded, tried: CallHistory) -> Recorded:
    return _gone(state, tried.number)


def _retire(state: Recorded, tried: CallHistory) -> Recorded:
    gone = _gone(state, tried.number)
    if tried.number is None or tried.number in gone.retired:
        return gone
    return replace(gone, retired=(*gone.retired, tried.number))


def _gone(state: Recorded, number: str | None) -> Recorded:
    if number == state.number:
        return replace(state, number=None, spec=None, protect=False, cancelled=False)
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
