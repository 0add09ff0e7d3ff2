"""Which differences between ledger and files no change answers, and what to do about each.

A difference that no action answers is still a difference. Every verdict counts these.
"""

from collections.abc import Iterable, Iterator, Sequence

from reconciler.core.model.enumerations import TransferState
from reconciler.core.model.finding import MOST_NAMED, PlanWarning, UnansweredDifference
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.marker import MARKER
from reconciler.core.model.plan import CANCELLED, GONE, LEDGER_MOVED, Action, Change, Drift
from reconciler.core.model.resource import Address, Declared, header_of, text_of
from reconciler.core.planning.run_members import (
    MEMBERS,
    LostEntries,
    is_posted,
    lost_entries,
    missing_entries,
    transfer_of,
)
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.rules.plan_warnings import ACKNOWLEDGED, DIFFERENCE_RULES, warning

ACCEPTABLE = (CANCELLED, GONE, TransferState.ERROR.value)
"""The states that a file may acknowledge: each is one exact state, unlike a changed field."""


def unanswered_of(
    changes: Iterable[Change], drift: Iterable[Drift], snapshot: Snapshot
) -> tuple[UnansweredDifference, ...]:
    """The differences that a person has to answer, in the order of the plan."""
    changes, moved = tuple(changes), {one.address: one for one in drift}
    found: list[UnansweredDifference] = []
    for change in changes:
        drifted = moved.get(change.address)
        if drifted is not None or change.block is not None:
            found += _of_change(change, drifted, snapshot)
        # Of a transfer that did not fail, only an entry that is kept may differ from its file.
        transfer = change.transferred == TransferState.ERROR or change.action is Action.KEEP
        if (transfer or change.members) and not (change.cancels and change.block is None):
            found += _transfers(change, snapshot.declared.get(change.address))
    if any(change.reverses for change in changes):
        found += _reversals_alone(changes, snapshot)
    changed = {change.address for change in changes}
    # What no file declares may have no change at all.
    left = (one for address, one in moved.items() if address not in changed)
    return (*found, *(_moved(one, snapshot) for one in left))


def _reversals_alone(
    changes: Sequence[Change], snapshot: Snapshot
) -> Iterator[UnansweredDifference]:
    """The posted reversals whose original is not posted, and which this plan leaves so."""
    by_name = {one.address.name: one for one in changes if KINDS[one.address.kind].reversible}
    for change in changes:
        if not change.reverses or not change.number_posted or change.cancels:
            continue
        original = by_name.get(change.reverses)
        if original is None:
            number, live = change.reverses, snapshot.live.get(change.reverses)
            gone = change.reverses in snapshot.live and (live is None or live.status == CANCELLED)
        else:
            number = original.number or original.address.name
            restored = original.posts and original.block is None
            gone = not original.number_posted and not restored
        if gone:
            name, declared = change.address.name, snapshot.declared.get(change.address)
            fact = f"{number} is not posted, and {name}, which reverses it, is"
            remedy = DIFFERENCE_RULES["reversal-alone"].remedy.format(name)
            yield _difference(
                change.address, declared, change.number or "", "reversal-alone", fact, remedy
            )


def _of_change(
    change: Change, moved: Drift | None, snapshot: Snapshot
) -> Iterator[UnansweredDifference]:
    declared = snapshot.declared.get(change.address)
    if change.block is not None:
        other = change.block.rule == "stored-otherwise"
        if moved is not None or change.left_by_ledger or other:
            state = change.status or (GONE if change.number else "")
            # What is not posted can be accepted as it is; a changed field cannot.
            accepts = declared is not None and change.reason in LEDGER_MOVED and state in ACCEPTABLE
            or_accept = f" {_accept([(change.number or '', state)])}" if accepts else ""
            yield _difference(
                change.address,
                declared,
                change.number or "",
                change.block.rule,
                change.block.message,
                change.block.remedy + or_accept,
            )
    elif moved is not None and not _answers(change, moved):
        yield _moved(moved, snapshot)


def _answers(change: Change, moved: Drift) -> bool:
    """Whether an apply of the change ends the drift."""
    if change.action is Action.KEEP:
        return False
    names = {field.name for field in moved.comparison.fields}
    if MEMBERS in names and not change.cancels:
        return False
    return MARKER not in names or bool(change.steps)


def _moved(moved: Drift, snapshot: Snapshot) -> UnansweredDifference:
    """A difference that drift shows and no change answers."""
    declared = snapshot.declared.get(moved.address)
    names = {field.name for field in moved.comparison.fields}
    if MEMBERS in names and (lost := lost_entries(snapshot, moved.address)) is not None:
        fact = _lost_fact(lost, moved.number)
        remedy = _RUN_AGAIN + _accept(lost.states)
        return _difference(moved.address, declared, moved.number, "cancelled-in-part", fact, remedy)
    if MARKER in names:
        return _difference(
            moved.address,
            declared,
            moved.number,
            "marker-lost",
            f"{moved.number} does not carry the marker of {moved.address.name}",
        )
    kind = KINDS[moved.address.kind]
    states = {CANCELLED: "is cancelled", GONE: "was not found"}
    what = "differs from what was applied" if moved.status in kind.posted_states else ""
    what = what or states.get(moved.status, f'has the status "{moved.status}"')
    return _difference(
        moved.address, declared, moved.number, "changed-in-ledger", f"{moved.number} {what}"
    )


def _lost_fact(lost: LostEntries, number: str) -> str:
    made = f"of {lost.of} entries of {number}"
    gone = f"{'was' if len(lost.gone) == 1 else 'were'} not found"
    if not lost.cancelled:
        return f"{len(lost.gone)} {made} {gone}"
    also = f", and {len(lost.gone)} {gone}" if lost.gone else ""
    return f"{len(lost.cancelled)} {made} are cancelled{also}"


def _transfers(change: Change, declared: Declared | None) -> Iterator[UnansweredDifference]:
    """Transfers to the general ledger that failed, or that were reset."""
    kind = KINDS[change.address.kind]
    failed = [
        (member.number, f"{member.number} of {change.number}")
        for member in change.members
        if is_posted(member) and transfer_of(member) == TransferState.ERROR
    ]
    if change.number_posted and change.number and change.transferred != TransferState.YES:
        stated = text_of(*header_of(declared.spec, kind.transfer)) if declared else None
        if change.transferred == TransferState.ERROR and stated != change.transferred:
            failed.append((change.number, change.number))
        elif stated == TransferState.YES and change.action is Action.KEEP:
            fact = f"{change.number} was transferred, and its transfer state is now "
            fact += change.transferred or TransferState.NO
            yield _difference(change.address, declared, change.number, "transfer-reset", fact)
    for number, what in failed:
        if not acknowledges(declared, number, TransferState.ERROR):
            remedy = DIFFERENCE_RULES["transfer-error"].remedy.format(number)
            if declared is not None:
                remedy += f" {_accept([(number, TransferState.ERROR.value)])}"
            fact = f"the transfer of {what} to the general ledger failed"
            yield _difference(change.address, declared, number, "transfer-error", fact, remedy)


def _difference(  # noqa: PLR0913, PLR0917 - the facts of one difference
    address: Address,
    declared: Declared | None,
    number: str,
    rule: str,
    message: str,
    remedy: str = "",
) -> UnansweredDifference:
    return UnansweredDifference(
        kind=address.kind,
        name=address.name,
        number=number,
        rule=rule,
        message=message,
        remedy=remedy or DIFFERENCE_RULES[rule].remedy.format(number),
        path=declared.source.path if declared is not None else "",
        line=declared.source.line if declared is not None else 1,
    )


_RUN_AGAIN = (
    "Declare the run that takes its place, and apply it: it includes the transactions of the "
    "cancelled entries. "
)


def _accept(states: Sequence[tuple[str, str]]) -> str:
    """How a file accepts these states, each a number and a status."""
    items = ", ".join(
        f'{{number: {number}, status: {status}, reason: "…"}}'
        for number, status in states[:MOST_NAMED]
    )
    accept = f"To accept the state, write `acknowledges: [{items}]` into the metadata of the file"
    left = len(states) - MOST_NAMED
    return (
        f"{accept}, and such an item for each of the {left} others." if left > 0 else f"{accept}."
    )


def acknowledges(declared: Declared | None, number: str, status: str) -> bool:
    """Whether a file accepts that a number has a status."""
    accepted = declared.acknowledges if declared is not None else ()
    return any(item.number == number and item.status == status for item in accepted)


def acknowledged_states(changes: Iterable[Change], snapshot: Snapshot) -> Iterator[PlanWarning]:
    """Each state that a file accepts; a warning if the ledger does not have it."""
    for change in changes:
        one = snapshot.declared.get(change.address)
        if one is None or not one.acknowledges:
            continue
        status = change.status or GONE
        states = {(change.number, status)} if status in ACCEPTABLE else set()
        states |= {(change.number, change.transferred)} - {(change.number, "No")}
        for member in change.members:
            states |= {(member.number, member.status), (member.number, transfer_of(member))}
        states |= {(number, GONE) for number in missing_entries(snapshot, change.address)}
        for item in one.acknowledges:
            fact = f"{one.address.name} acknowledges that {item.number} is {item.status}"
            if (item.number, item.status) not in states:
                text = f"{fact}, which it is not"
                yield warning("acknowledges-unused", text, place=str(one.source))
            elif not (change.posts or change.cancels):
                yield warning(ACKNOWLEDGED, f"{fact}: {item.reason}", place=str(one.source))
