"""Decides what happens to every address: declared, recorded and live in, a plan out. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.core.model.finding import Refusal
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import (
    CANCELLED,
    UNCHANGED,
    Action,
    Change,
    Comparison,
    Drift,
    FieldChange,
    Reason,
    Verb,
)
from reconciler.core.model.resource import Address, Declared, Value
from reconciler.core.planning.adoption import ADOPTS_ANOTHER, adoption_of, adopts_another
from reconciler.core.planning.blockers import obstacles
from reconciler.core.planning.diff import PROTECT, compare
from reconciler.core.planning.renames import Alike
from reconciler.core.planning.run_members import cancelled_members
from reconciler.core.planning.snapshot import AddressState, Snapshot
from reconciler.core.rules.catalog import PLAN_RULES

__all__ = ["GONE", "Snapshot", "decide_all"]

GONE = "gone"

MARKER = "marker"
"""How drift names the marker, wherever the tenant carries it."""


def decide_all(world: Snapshot) -> tuple[tuple[Change, ...], tuple[Drift, ...]]:
    """One change for every address in scope that is declared or recorded, in order."""
    addresses = sorted(
        (
            one
            for one in {*world.declared, *world.records_by_current_name}
            if one in world.selection
        ),
        key=lambda address: (KINDS[address.kind].rank, address),
    )
    changes, drift = [], []
    for address in addresses:
        case = AddressState.of(address, world)
        change = _decide(case)
        if change is not None:
            changes.append(change)
        moved = _drift(case, change)
        if moved is not None:
            drift.append(moved)
    return tuple(_not_posted_beside(world, changes)), tuple(drift)


def _not_posted_beside(world: Snapshot, changes: list[Change]) -> Iterator[Change]:
    """The changes, with no entry posted under a name while it has to stay under another one.

    A rename that does not say so is a removal and a new entry. Where the removal is blocked, the
    new entry would stand beside the old one, with the same lines. A removal out of scope counts
    with what it would be: a partial plan decides as the whole one does.
    """
    if not any(_posts_anew(change) for change in changes):
        yield from changes
        return
    removals = {change.address: change for change in changes if change.wanted is Action.REMOVE}
    taken = frozenset(world.renames.values())
    lost = (one for one in world.recorded if one not in world.declared and one not in taken)
    alike = Alike(world.names, lost)

    def stays(source: Address) -> bool:
        removal = removals.get(source) or _decide(AddressState.of(source, world))
        return removal is not None and _is_stuck(removal)

    for change in changes:
        declared = world.declared.get(change.address) if _posts_anew(change) else None
        same = alike.to(declared) if declared is not None else ()
        staying = [source.name for source in same if stays(source)]
        if not staying:
            yield change
            continue
        fact = f'it is what "{staying[0]}" posted, word for word, and that cannot be taken back'
        yield _blocked(change, "posted-elsewhere", fact, _SAY_SO.format(staying[0]))


_SAY_SO = (
    "If it is a new name for that entry, write `previousName: {0}` into its metadata. If it is "
    "another entry, see to the removal of {0} first, or restore its file."
)


def _posts_anew(change: Change) -> bool:
    """Whether a change is about to post what does not stand under its own name yet."""
    feasible = change.action is not Action.BLOCKED
    return feasible and change.posts and not change.number_posted and not change.renamed_from


def _is_stuck(change: Change) -> bool:
    return change.wanted is Action.REMOVE and change.action is Action.BLOCKED


def _decide(case: AddressState) -> Change | None:
    if case.recorded.unsettled:
        wanted = Action.CREATE if case.declared else Action.REMOVE
        message = "an earlier create has no known outcome"
        return _blocked(case.change(wanted, Reason.RESUMED), "unsettled", message)
    if case.live is not None and case.live.status not in _decidable(case):
        wanted, reason = (
            (Action.KEEP, Reason.UNCHANGED) if case.declared else (Action.REMOVE, Reason.UNDECLARED)
        )
        message = f'{case.live.number} has the status "{case.live.status}"'
        rule = "run-at-work" if case.live.status in case.kind.busy_states else "unknown-status"
        return _blocked(case.change(wanted, reason), rule, message)
    change = (
        _undeclared_change(case) if case.declared is None else _declared_change(case, case.declared)
    )
    if change is not None and case.previous is not None and case.live is not None:
        change = _renamed(case, change)
    if change is not None and case.duplicates:
        fact = f"{' and '.join(case.duplicates)} stand in the books for one declaration"
        return _blocked(change, "doubled", fact)
    if change is not None and (fact := adopts_another(case)):
        return _blocked(change, "adoption", fact, ADOPTS_ANOTHER)
    return None if change is None else _with_blocks(case, change)


def _decidable(case: AddressState) -> frozenset[str]:
    """The states that say whether something stands in the books."""
    return case.kind.posted_states | case.kind.failed | {CANCELLED}


def _declared_change(case: AddressState, declared: Declared) -> Change:
    ours = case.recorded.cancelled
    if case.adopts:
        return adoption_of(case, declared)
    if case.recorded.number is None:
        reason = Reason.RESUMED if case.recorded.leftovers else Reason.NEW
        return case.change(Action.CREATE, reason, (Verb.CREATE,))
    if case.live is None:
        reason = Reason.RESUMED if ours else Reason.MISSING_IN_LEDGER
        return case.change(Action.CREATE, reason, (Verb.CREATE,))
    if case.live.status in case.kind.failed:
        verbs = (Verb.CANCEL, Verb.CREATE, *case.delete)
        return case.change(Action.REPLACE, Reason.FAILED_IN_LEDGER, verbs)
    if not case.posted:
        reason = Reason.RESUMED if ours else Reason.CANCELLED_IN_LEDGER
        shown = _with_protection(case, declared, UNCHANGED)
        return case.change(Action.REPLACE, reason, (Verb.CREATE, *case.delete), shown)
    return _posted_change(case, declared)


def _posted_change(case: AddressState, declared: Declared) -> Change:
    comparison = _compare(case, declared.spec)
    shown = _with_protection(case, declared, comparison)
    recorded_otherwise = _recorded_otherwise(case, declared)
    reason = Reason.CHANGED if recorded_otherwise else Reason.DRIFTED
    if comparison.forced_by:
        verbs = (Verb.CANCEL, Verb.CREATE, *case.delete)
        return case.change(Action.REPLACE, reason, verbs, shown)
    if comparison:
        return case.change(Action.UPDATE, reason, (Verb.UPDATE,), shown)
    if case.leftover_steps():
        return case.change(Action.REPLACE, Reason.RESUMED, (), shown)
    if shown or recorded_otherwise:
        return case.change(Action.UPDATE, Reason.RECORD_ONLY, (), shown)
    return case.change(Action.KEEP, Reason.UNCHANGED)


def _renamed(case: AddressState, change: Change) -> Change:
    """The change of an entry that gets another name, or is replaced by one that has it.

    Its marker is written first of all: whatever is cut off later, the entry is the new name's.
    """
    marks = case.kind.carries_marker and case.marker != case.expected_marker
    if change.cancels:
        verbs = (*(Verb.UPDATE,) * marks, Verb.CANCEL, Verb.CREATE, *case.delete)
        return case.change(Action.REPLACE, Reason.RENAMED, verbs, change.comparison)
    updates = marks or any(step.verb is Verb.UPDATE for step in change.steps)
    return case.change(Action.ADOPT, Reason.RENAMED, (Verb.UPDATE,) * updates, change.comparison)


def _with_protection(case: AddressState, declared: Declared, comparison: Comparison) -> Comparison:
    """The comparison with a move of `protect`, which the daybook alone takes note of."""
    before, after = case.recorded.protect, declared.protect
    if before == after:
        return comparison
    moved = FieldChange(name=PROTECT, before=before, after=after, in_place=True)
    return replace(comparison, fields=(*comparison.fields, moved))


def _recorded_otherwise(case: AddressState, declared: Declared) -> bool:
    """Whether the file says something else than what was last applied, as far as is known."""
    applied = case.recorded.spec
    if applied is None:
        return True
    if applied == declared.spec:
        return False
    # Managed, a transfer state is a wish even when it states the default.
    managed = (
        case.kind.externally_written
        if case.snapshot.policy.manage_transfer_state
        else frozenset[str]()
    )
    if any((name in applied) != (name in declared.spec) for name in managed):
        return True
    return bool(compare(case.kind, declared.spec, applied, applied, manage_observed=True))


def _undeclared_change(case: AddressState) -> Change | None:
    if case.recorded.number is None:
        steps = case.leftover_steps()
        return case.change(Action.REMOVE, Reason.RESUMED) if steps else None
    if case.live is None:
        # An entry that we had cancelled ourselves is not missed.
        ours = case.recorded.cancelled
        return case.change(Action.FORGET, Reason.RESUMED if ours else Reason.MISSING_IN_LEDGER)
    if case.made_by_run:
        return case.change(Action.FORGET, Reason.LEFT_TO_RUN)
    if case.live.status != CANCELLED:
        return case.change(Action.REMOVE, Reason.UNDECLARED, (Verb.CANCEL, *case.delete))
    if case.snapshot.policy.delete_cancelled:
        reason = Reason.RESUMED if case.recorded.cancelled else Reason.CANCELLED_IN_LEDGER
        return case.change(Action.REMOVE, reason, (Verb.DELETE,))
    return None


def _compare(case: AddressState, wanted: Mapping[str, Value]) -> Comparison:
    return compare(
        case.kind,
        wanted,
        case.recorded.spec,
        case.held,
        manage_observed=case.snapshot.policy.manage_transfer_state,
    )


def _drift(case: AddressState, change: Change | None) -> Drift | None:
    """What moved in the ledger since it was last applied, whatever the file says now."""
    recorded, number = case.recorded, case.recorded.number
    if number is None or number != case.number or recorded.unsettled or recorded.spec is None:
        return None
    status = case.live.status if case.live is not None else GONE
    if not case.posted:
        cancelled_by_us = recorded.cancelled and status in (CANCELLED, GONE)
        return (
            None if cancelled_by_us else Drift(address=case.address, number=number, status=status)
        )
    # Most entries are kept as they were applied: then the comparison was made already.
    kept = change is not None and change.action is Action.KEEP and change.after == recorded.spec
    moved = UNCHANGED if kept else _compare(case, recorded.spec)
    if not case.owned:
        # The marker proves ownership: without it nothing could be changed, or found again.
        lost = FieldChange(
            name=MARKER, before=case.marker, after=case.expected_marker, in_place=True
        )
        moved = replace(moved, fields=(*moved.fields, lost))
    if gone := cancelled_members(case.live):
        moved = replace(moved, fields=(*moved.fields, gone))
    if not moved:
        return None
    return Drift(address=case.address, number=number, status=status, comparison=moved)


def _with_blocks(case: AddressState, change: Change) -> Change:
    for rule, message, remedy in obstacles(case, change):
        return _blocked(change, rule, message, remedy)
    return change


def _blocked(change: Change, rule: str, message: str, remedy: str = "") -> Change:
    block = Refusal(rule=rule, message=message, remedy=remedy or PLAN_RULES[rule].remedy)
    return replace(change, action=Action.BLOCKED, block=block)
