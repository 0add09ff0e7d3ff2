"""Blocks a reversal whose original is not posted, or which does not cancel it out. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.core.model.command import suggested
from reconciler.core.model.finding import Refusal
from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import Action, Change
from reconciler.core.model.resource import Address, Declared, Live
from reconciler.core.planning.reversing.removals import cancelled_numbers
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.rules.catalog import refusal
from reconciler.core.rules.reversals import (
    Originals,
    is_number,
    remainders,
    uncancelled,
    written_again,
)


def originals_of(
    declared: Mapping[Address, Declared], recorded: Mapping[Address, Recorded]
) -> Mapping[Address, str]:
    """The original of every declared reversal: its name, or its number if no file declares it."""
    reversals = [one for one in declared.values() if one.reverses is not None]
    numbers = {one.number: one.address for one in recorded.values() if one.number is not None}
    entries = (one for one in declared.values() if one.address.kind == JOURNAL_ENTRY.name)
    originals = Originals(entries, numbers)
    return {
        one.address: original.address.name
        if (original := originals.of(one)) is not None
        else one.reverses or ""
        for one in reversals
    }


def undeclared_originals(
    declared: Iterable[Declared], wanted: Collection[tuple[Kind, str]]
) -> tuple[tuple[Kind, str], ...]:
    """The numbers that reversals name and that are to be read too."""
    numbers = {one.reverses for one in declared if one.reverses and is_number(one.reverses)}
    return tuple((JOURNAL_ENTRY, one) for one in sorted(numbers - {one for _, one in wanted}))


def with_originals(changes: Iterable[Change], snapshot: Snapshot) -> Iterator[Change]:
    """The changes, each reversal with its original, and blocked where it may not be posted."""
    originals = originals_of(snapshot.declared, snapshot.records_by_current_name)
    changes = tuple(changes)
    by_name = {one.address.name: one for one in changes if one.address.kind == JOURNAL_ENTRY.name}
    cancelled = {number for one in changes for number in cancelled_numbers(one)}
    for change in changes:
        named = originals.get(change.address, "")
        if not named:
            yield change
            continue
        reversal = replace(change, reverses=named)
        if not change.posts or change.action is Action.BLOCKED:
            yield reversal
        elif is_number(named):
            yield _against_number(reversal, snapshot, cancelled)
        else:
            original = by_name.get(named)
            yield reversal if original is None else _against_change(reversal, original, snapshot)


def _against_number(reversal: Change, snapshot: Snapshot, cancelled: Collection[str]) -> Change:
    number = reversal.reverses
    if number in cancelled:
        return _unjustified(reversal, f"this plan cancels {number}, which it reverses")
    if number not in snapshot.live:
        # Without the ledger nobody knows; a plan with it decides.
        return reversal
    live = snapshot.live[number]
    if live is None or live.status not in JOURNAL_ENTRY.posted_states:
        state = "not in the ledger" if live is None else live.status
        return _unjustified(reversal, f"{number}, which it reverses, is {state}")
    return _against_live(reversal, live, snapshot)


def _against_change(reversal: Change, original: Change, snapshot: Snapshot) -> Change:
    blocked = original.action is Action.BLOCKED
    if original.posts and not blocked:
        # The files prove the two, and the original is posted first.
        return reversal
    if original.number_posted and original.number is not None:
        live = snapshot.live.get(original.number)
        return reversal if live is None else _against_live(reversal, live, snapshot)
    name = original.address.name
    if blocked and original.block is not None:
        return reversal.blocked_by(without_original(name, original.block))
    state = original.status or "not in the ledger"
    return _unjustified(reversal, f"{name}, which it reverses, is {state}")


def _against_live(reversal: Change, live: Live, snapshot: Snapshot) -> Change:
    left = remainders(live.fields, reversal.after or {}, snapshot.tenant)
    if not left:
        return reversal
    fact = uncancelled(live.number, left)
    declared, original = snapshot.declared[reversal.address], reversal.reverses
    remedy = f"Run {written_again(declared, original)}: it writes the reversal again."
    if (source := declared.generated_by) is not None:
        # What it is computed from is not what is posted.
        remedy = f"Restore {source.name} and run {suggested('generate', source.name)}."
        if source.name == original:
            command = suggested("reverse", original, "--rebook-only")
            remedy = f"Run {command}: it restores {original}, and moves the edit."
    return reversal.blocked_by(refusal("reversal-nets", fact, remedy))


def without_original(name: str, cause: Refusal) -> Refusal:
    """Why a reversal is not posted: its original `name` is not, because of a block."""
    fact = f"{name}, which it reverses, is not posted, and is blocked by {cause.rule}"
    remedy = f"Resolve what blocks {name} first, or remove the reversal."
    return refusal("reversal-order", fact, remedy)


def _unjustified(reversal: Change, fact: str) -> Change:
    return reversal.blocked_by(refusal("reversal-cancelled", fact))
