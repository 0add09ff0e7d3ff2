"""Finds the reversal of what a plan cancels, and keeps an original whose reversal stays. Pure.

The daybook does not record the link. Once the file of a reversal is gone, the lines prove it: an
entry that was posted later cancels the original out exactly.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TypeAlias

from reconciler.core.model.command import suggested
from reconciler.core.model.finding import PlanWarning, Refusal
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.kinds.kind import order_of
from reconciler.core.model.plan import CANCELLED, Action, Change
from reconciler.core.model.resource import Address, Value, text_of
from reconciler.core.model.scope import Selection
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.run_members import is_posted
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.rules.catalog import refusal
from reconciler.core.rules.plan_warnings import warning
from reconciler.core.rules.reversals import net_by_code, remainders
from reconciler.values import dataclass

_Nets: TypeAlias = frozenset[tuple[object, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Posting:
    """A posted entry that a change cancels: its own, or one of a journal run."""

    change: Change
    number: str
    content: Mapping[str, Value]
    name: str
    """What reverses it names this: the name of its file, or the number of an entry of a run."""


def with_reversals(
    changes: Iterable[Change], outside: Iterable[Change], tenant: Tenant, selected: Selection
) -> tuple[Change, ...]:
    """The changes, each removed reversal with its original, and each original with its reversal.

    An original is blocked if its reversal stays posted, and would no longer cancel it out. A
    removed reversal is blocked if its original stays. `outside` are removals that this plan does
    not make, because they are out of its scope.
    """
    changes, outside = tuple(changes), tuple(outside)
    cancels = any(one.cancels for one in changes)
    pairs = _removed_pairs(changes, outside, tenant) if cancels else {}
    linked = [
        replace(one, reverses=pairs[one.address].name) if one.address in pairs else one
        for one in changes
    ]
    reversals = {one.reverses: one for one in linked if one.reverses}
    reversals |= {pairs[one.address].name: one for one in outside if one.address in pairs}
    if not reversals:
        return changes
    return tuple(
        _with_original(one, pairs[one.address], selected)
        if one.address in pairs
        else _with_reversal(one, reversals, selected, tenant)
        for one in linked
    )


def _with_reversal(
    change: Change,
    reversals: Mapping[str, Change],
    selected: Selection,
    tenant: Tenant,
) -> Change:
    """A change with the name of its reversal, and blocked if that one stays and needs it."""
    if change.address.kind != JOURNAL_ENTRY.name:
        return _with_reversals_of_members(change, reversals, selected)
    named = change.address.name, change.number or ""
    reversal = next((reversals[one] for one in named if one in reversals), None)
    if reversal is None:
        return change
    change = replace(change, reversed_by=reversal.address.name)
    if not _stays(reversal, selected) or not _cancels_an_entry(change):
        return change
    if change.after is not None and not remainders(change.after, reversal.before or {}, tenant):
        return change
    return _waiting(change, reversal, "reverses it", selected)


def _with_reversals_of_members(
    change: Change, reversals: Mapping[str, Change], selected: Selection
) -> Change:
    """A journal run, blocked if it is cancelled and the reversal of one of its entries stays."""
    for number in cancelled_numbers(change):
        if number in reversals and _stays(reversals[number], selected):
            return _waiting(change, reversals[number], f"reverses {number}", selected)
    return change


def _with_original(change: Change, original: _Posting, selected: Selection) -> Change:
    """A removed reversal, blocked if what it reverses stays."""
    if not _stays(original.change, selected):
        return change
    of_run = original.change.address.kind != JOURNAL_ENTRY.name
    which = f"made {original.number}" if of_run else "it reverses"
    return _waiting(change, original.change, which, selected)


def cancelled_numbers(change: Change) -> Iterator[str]:
    """The numbers that a change cancels if it is made: a journal run takes its entries along."""
    if change.cancels and change.action is not Action.BLOCKED:
        yield from (one for one in (change.number, *(one.number for one in change.members)) if one)


def _stays(change: Change, selected: Selection) -> bool:
    """Whether an entry is posted, and stays as it is."""
    cancelled = change.cancels and change.block is None and change.address in selected
    return change.number_posted and not cancelled


def _waiting(change: Change, other: Change, which: str, selected: Selection) -> Change:
    """A change, blocked because the other entry of its pair stays; an earlier block remains."""
    name = other.address.name
    if change.block is not None:
        return change
    if other.block is not None:
        return change.blocked_by(with_reversal(name, other.block, which))
    if other.address in selected:
        why = "this plan keeps it"
        remedy = f"Remove {name} in the same change, or restore this file."
    else:
        why = "its removal is not selected"
        remedy = f"Select {name} too: {suggested(*selected.command(change.address.name, name))}."
    fact = f"{name}, which {which}, stays posted: {why}"
    return change.blocked_by(refusal("reversal-order", fact, remedy))


def with_reversal(name: str, cause: Refusal, which: str = "reverses it") -> Refusal:
    """Why one entry of a pair is not cancelled: the removal of the other, `name`, is blocked."""
    fact = f"{name}, which {which}, stays posted: it is blocked by {cause.rule}"
    remedy = f"Restore the files of both. Or resolve what blocks {name} first."
    return refusal("reversal-order", fact, remedy)


def _postings(change: Change) -> Iterator[_Posting]:
    """What a change cancels, or would cancel if it was not blocked."""
    if _cancels_an_entry(change):
        number, content, name = change.number or "", change.before or {}, change.address.name
        yield _Posting(change=change, number=number, content=content, name=name)
    for one in filter(is_posted, change.members if change.cancels else ()):
        yield _Posting(change=change, number=one.number, content=one.fields, name=one.number)


def _cancels_an_entry(change: Change) -> bool:
    return change.address.kind == JOURNAL_ENTRY.name and change.cancels and change.number_posted


def originals_alone(removals: Iterable[Change], snapshot: Snapshot) -> Iterator[PlanWarning]:
    """A warning about each removed entry whose reversal is cancelled already.

    An earlier apply was to cancel both. Until the entry is cancelled too, it posts its amounts.
    """
    cancelled = {
        one.reversed: one
        for address, one in snapshot.recorded.items()
        if one.reversed and address not in snapshot.declared
    }
    for posting in (one for change in removals for one in _postings(change)):
        reversal = cancelled.get(posting.name)
        if reversal is None:
            continue
        number = reversal.number or reversal.last or ""
        live = snapshot.live.get(number)
        stands = live is not None and live.status != CANCELLED
        if stands or order_of(posting.number) > order_of(number):
            continue
        change, name = posting.change, posting.change.address.name
        ends = f"this plan leaves {name} posted" if change.block else f"this plan cancels {name}"
        fact = f"{posting.number} of {name} is posted, and an earlier apply cancelled its reversal"
        yield warning("original-alone", f"{fact} {reversal.address.name} ({number}): {ends}")


def _removed_pairs(
    changes: Iterable[Change], outside: Iterable[Change], tenant: Tenant
) -> Mapping[Address, _Posting]:
    """The original of each removed reversal.

    An entry reverses the latest one before it that it cancels out, or the one that its name or
    its notes name. No entry is in two pairs.
    """
    removals = {one.address for one in changes if one.wanted is Action.REMOVE}
    removals |= {one.address for one in outside}
    waiting: dict[_Nets, list[_Posting]] = {}
    found: dict[Address, _Posting] = {}
    postings = (posting for one in (*changes, *outside) for posting in _postings(one))
    for one in sorted(postings, key=lambda one: order_of(one.number)):
        nets = net_by_code(one.content)
        opposite = frozenset((place, net.copy_negate()) for place, net in nets.items())
        removed = one.change.address in removals and not one.change.members
        same = waiting.get(opposite, []) if removed else []
        originals = [other for other in same if not remainders(other.content, one.content, tenant)]
        if originals:
            original = next((other for other in originals if _names(one, other)), originals[-1])
            same.remove(original)
            found[one.change.address] = original
        elif nets:
            waiting.setdefault(frozenset(nets.items()), []).append(one)
    return found


def _names(reversal: _Posting, original: _Posting) -> bool:
    notes = text_of(reversal.content.get("notes")) or ""
    return original.number in notes or reversal.name.startswith(original.name)
