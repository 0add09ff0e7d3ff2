"""Which entries that a search finds are proved to be this workspace's own."""

from collections.abc import Iterable, Iterator

from reconciler.core.model.history import Recorded
from reconciler.core.model.plan import Action, Change
from reconciler.core.planning.snapshot import Snapshot


def unproved(changes: Iterable[Change], snapshot: Snapshot) -> Iterator[Change]:
    """The changes that take over an entry because of its marker alone.

    The marker names the workspace and the declaration. Another repository may use the same two
    names. Proof is a record of this daybook, or a file that names the number.
    """
    without_record = {
        number
        for address, numbers in snapshot.found.items()
        for number in numbers
        if number not in snapshot.again and not _proves(snapshot.recorded.get(address), number)
    }
    for change in changes:
        if change.action is Action.BLOCKED or change.number not in without_record:
            continue
        declared = snapshot.declared.get(change.address)
        if declared is None or declared.adopts != change.number:
            yield change


def _proves(state: Recorded | None, number: str) -> bool:
    """Whether a record ties a number to its address.

    A record of an entry that stands, or of a create without an answer, is one of an older daybook:
    the entry was replaced since. A record of an entry that was deleted says nothing of another one.
    """
    if state is None:
        return False
    known = (*state.leftovers, *state.retired)
    return state.number is not None or state.unsettled or number in known
