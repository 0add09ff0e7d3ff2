"""Decides whether a name can be forgotten while its entry stays posted."""

from collections.abc import Iterator
from dataclasses import replace

from reconciler.core.model.finding import joined
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Action, Change, Reason
from reconciler.core.model.resource import Address
from reconciler.core.planning.snapshot import AddressState, Snapshot


def addresses_of(snapshot: Snapshot, name: str) -> tuple[Address, ...]:
    """The recorded or found addresses that match a name or `Kind/name`."""
    kind, _, rest = name.rpartition("/")
    kinds = (kind,) if kind else tuple(KINDS)
    named = (Address(one, rest) for one in kinds)
    return tuple(one for one in named if _is_known(snapshot, one))


def _is_known(snapshot: Snapshot, address: Address) -> bool:
    state = snapshot.recorded.get(address)
    known = state is not None and (state.number or state.leftovers or state.unsettled)
    return bool(known) or bool(unrecorded_numbers(snapshot, address))


def unrecorded_numbers(snapshot: Snapshot, address: Address) -> tuple[str, ...]:
    """The numbers that a search found for an address and the daybook does not record."""
    state = snapshot.recorded.get(address)
    known = (state.number, *state.retired, *state.leftovers) if state is not None else ()
    return tuple(number for number in snapshot.found.get(address, ()) if number not in known)


def retirement_of(snapshot: Snapshot, address: Address) -> Change:
    """The change that forgets an address: a daybook event without a call."""
    found = next(iter(unrecorded_numbers(snapshot, address)), "")
    state = AddressState.of(address, snapshot, found)
    return replace(state.change(Action.FORGET, Reason.RETIRED), steps=())


def retirement_obstacles(
    snapshot: Snapshot, address: Address, open_calls: frozenset[str] = frozenset()
) -> Iterator[tuple[str, str]]:
    """Why a name cannot be forgotten: fact and remedy.

    `open_calls` are the numbers of calls with an unknown outcome. A rename among them would record
    the forgotten entry again, under an undeclared name.
    """
    declared = snapshot.declared.get(address)
    if declared is not None:
        fact = f"{address.name} is declared at {declared.source}"
        yield fact, "Remove its file first: only an undeclared name can be forgotten."
    for one, source in snapshot.renames.items():
        if source == address:
            fact = f"{address.name} is the previous name of {one.name}, which is not applied yet"
            yield fact, "Apply the rename, or remove `previousName`."
    state = snapshot.recorded.get(address)
    if state is not None and state.unsettled:
        fact = f"an earlier create of {address.name} has no known outcome"
        yield fact, "Run `reconciler apply`: it settles open calls first."
    posted = {*unrecorded_numbers(snapshot, address)} | (
        {state.number} if state and state.number else set()
    )
    for number in sorted(posted & open_calls):
        fact = f"an earlier call on {number} has no known outcome"
        yield (
            fact,
            "Run `reconciler daybook recover`, then forget the name that has the entry afterwards.",
        )
    if len(posted) > 1:
        numbers = joined(sorted(posted))
        fact = f"{numbers} are posted for {address.name}"
        yield (
            fact,
            "Look at each in the ledger. Cancel all but one of those that this workspace posted.",
        )
