"""Decides the change of every address from its declared, recorded and live state. Pure."""

from collections.abc import Iterator, Set
from dataclasses import replace

from reconciler.core.model.finding import joined
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.marker import MARKER, split_marker
from reconciler.core.model.plan import (
    AGAIN,
    CANCELLED,
    GONE,
    UNCHANGED,
    Action,
    Change,
    Comparison,
    Drift,
    FieldChange,
    Reason,
    Verb,
)
from reconciler.core.model.resource import Address, Declared
from reconciler.core.planning.absence import with_known_absence
from reconciler.core.planning.adoption import adoption_of
from reconciler.core.planning.blockers import obstacles
from reconciler.core.planning.diff import PROTECT, compare
from reconciler.core.planning.renames import EqualEntries, previous_of
from reconciler.core.planning.reversing.proof import with_originals
from reconciler.core.planning.reversing.removals import with_reversals
from reconciler.core.planning.run_members import entries_drift
from reconciler.core.planning.snapshot import AddressState, Snapshot
from reconciler.core.planning.unanswered import acknowledges
from reconciler.core.rules.catalog import refusal


def decide_all(snapshot: Snapshot) -> tuple[tuple[Change, ...], tuple[Drift, ...]]:
    """One change for every declared or recorded address in scope, in order."""
    addresses = sorted(
        (
            one
            # Each is in order, which sorts them faster than a set of both.
            for one in {**snapshot.declared, **snapshot.records_by_current_name}
            if one in snapshot.selection
        ),
        key=lambda address: (KINDS[address.kind].rank, address),
    )
    changes, drift = [], []
    kept = _kept_as_before(snapshot) if snapshot.unread else frozenset[str]()
    for address in addresses:
        state = AddressState.of(address, snapshot)
        if state.recorded.number in kept:
            changes.append(state.change(Action.KEEP, Reason.UNCHANGED))
            continue
        change = _decide(state)
        if change is not None:
            changes.append(change)
        moved = _drift(state, change)
        if moved is not None:
            drift.append(moved)
    if any(one.reason is Reason.MISSING_IN_LEDGER for one in changes):
        changes = with_known_absence(snapshot, changes)
    if any(one.posts for one in changes):
        changes = [*_without_double_posting(snapshot, changes)]
    if any(one.reverses is not None for one in snapshot.declared.values()):
        changes = [*with_originals(changes, snapshot)]
    outside = _removals_out_of_scope(snapshot) if snapshot.selection.scope.partial else ()
    if any(one.cancels or one.reverses for one in changes):
        changes = [*with_reversals(changes, outside, snapshot.tenant, snapshot.selection)]
    return tuple(changes), tuple(drift)


def _kept_as_before(snapshot: Snapshot) -> Set[str]:
    """The numbers that need no decision: an earlier plan kept what was read, and had no drift.

    File, record and entry are the same since then. What the names or the policy say may not be.
    """
    if snapshot.policy.manage_transfer_state:
        return frozenset()
    moved = {*snapshot.renames, *snapshot.renames.values()}
    moved.update(snapshot.found, snapshot.again.values())
    held = (snapshot.recorded[one].number for one in moved if one in snapshot.recorded)
    return snapshot.unread.difference(number for number in held if number is not None)


def _removals_out_of_scope(snapshot: Snapshot) -> Iterator[Change]:
    for address in _undeclared(snapshot):
        if address not in snapshot.selection:
            change = _decide(AddressState.of(address, snapshot))
            if change is not None and change.wanted is Action.REMOVE:
                yield change


def _undeclared(snapshot: Snapshot) -> Iterator[Address]:
    """What is recorded and no file declares, under its own name or a new one."""
    renamed = frozenset(snapshot.renames.values())
    for one in snapshot.recorded:
        if one not in snapshot.declared and one not in renamed:
            yield one


def _without_double_posting(snapshot: Snapshot, changes: list[Change]) -> Iterator[Change]:
    """The changes, with creates blocked that would post an equal entry twice.

    A rename without `previousName` is a removal and a create. If the removal is blocked, both
    entries would be posted. Removals out of scope count too, as in a plan of everything. So does
    an entry that is dropped, and that may be posted, but not for this client.
    """
    # What posts an entry under a name that has none.
    new = {
        change.address: snapshot.declared[change.address]
        for change in changes
        if change.posts
        and change.action is not Action.BLOCKED
        and not change.number_posted
        and not change.renamed_from
    }
    if not new:
        yield from changes
        return
    removals = {change.address: change for change in changes}
    undeclared = dict.fromkeys(_undeclared(snapshot))
    alike = EqualEntries(snapshot.names, undeclared, missing=True)

    def staying(declared: Declared) -> Iterator[Change]:
        named = {previous_of(declared)}.intersection(undeclared)
        for source in (*named, *alike.equal_to(declared)):
            removal = removals.get(source)
            if removal is None and (decided := _decide(AddressState.of(source, snapshot))):
                (removal,) = with_known_absence(snapshot, [decided])
            if removal and removal.wanted in _REMOVALS and removal.action is Action.BLOCKED:
                yield removal

    for change in changes:
        found = next(staying(new[change.address]), None) if change.address in new else None
        if found is None:
            yield change
            continue
        fact, remedy = _REMOVALS[found.wanted]
        name = found.address.name
        yield change.blocked_by(refusal("posted-elsewhere", fact.format(name), remedy.format(name)))


_REMOVALS = {
    Action.REMOVE: (
        'it has the content of "{0}", whose entry cannot be cancelled',
        (
            "If it is a new name for that entry, add `previousName: {0}` to its metadata. If it is "
            "another entry, resolve the removal of {0} first, or restore its file."
        ),
    ),
    Action.FORGET: (
        '"{0}" may be its earlier name, and no proof shows that the entry of that name is gone',
        "Resolve the removal of {0} first.",
    ),
}
"""Why a create waits for a blocked removal, and the remedy."""


def _decide(state: AddressState) -> Change | None:
    if state.recorded.unsettled:
        wanted = Action.CREATE if state.declared else Action.REMOVE
        message = "an earlier create has no known outcome"
        return state.change(wanted, Reason.RESUMED).blocked_by(refusal("unsettled", message))
    decidable = state.kind.posted_states | state.kind.failed | {CANCELLED}
    if state.live is not None and state.live.status not in decidable:
        wanted, reason = (
            (Action.KEEP, Reason.UNCHANGED)
            if state.declared
            else (Action.REMOVE, Reason.UNDECLARED)
        )
        message = f'{state.live.number} has the status "{state.live.status}"'
        rule = "run-at-work" if state.live.status in state.kind.busy_states else "unknown-status"
        return state.change(wanted, reason).blocked_by(refusal(rule, message))
    change: Change | None
    if state.declared is not None:
        change = _declared_change(state, state.declared)
    elif state.found:
        verbs = (Verb.CANCEL, *state.delete)
        change = state.change(Action.REMOVE, Reason.POSTED_AGAIN, verbs)
    else:
        change = _undeclared_change(state)
    if change is not None and state.previous is not None and state.live is not None:
        change = _renamed(state, change)
    if change is not None and state.marked_numbers and (several := state.duplicates):
        fact = f"{joined(several)} are posted for one declaration"
        return change.blocked_by(refusal("doubled", fact))
    obstacle = next(obstacles(state, change), None) if change is not None else None
    return change if change is None or obstacle is None else change.blocked_by(refusal(*obstacle))


def _declared_change(state: AddressState, declared: Declared) -> Change:
    if state.adopts:
        return adoption_of(state, declared)
    if state.recorded.number is None:
        reason = Reason.RESUMED if state.recorded.leftovers else Reason.NEW
        return state.change(Action.CREATE, reason, (Verb.CREATE,))
    if state.posted:
        return _posted_change(state, declared)
    if _is_accepted(state) and not _declaration_changed(state, declared):
        return state.change(Action.KEEP, Reason.UNCHANGED)
    return _lost_change(state, declared)


def _lost_change(state: AddressState, declared: Declared) -> Change:
    """The change of a recorded entry that is not posted any more, or never was."""
    ours = state.recorded.cancelled
    if state.live is None:
        reason = Reason.RESUMED if ours else Reason.MISSING_IN_LEDGER
        return state.change(Action.CREATE, reason, (Verb.CREATE,))
    if state.live.status in state.kind.failed:
        verbs = (Verb.CANCEL, Verb.CREATE, *state.delete)
        return state.change(Action.REPLACE, Reason.FAILED_IN_LEDGER, verbs)
    reason = Reason.RESUMED if ours else Reason.CANCELLED_IN_LEDGER
    shown = Comparison(fields=_protection(state.recorded.protect, declared.protect))
    return state.change(Action.REPLACE, reason, (Verb.CREATE, *state.delete), shown)


def _posted_change(state: AddressState, declared: Declared) -> Change:
    managed, live = state.snapshot.policy.manage_transfer_state, state.live_fields
    applied = state.recorded.spec
    comparison = compare(state.kind, declared.spec, applied, live, manage_observed=managed)
    if state.marks.missing and state.marker_lost:
        comparison = _with_marker(state, comparison)
    protect = _protection(state.recorded.protect, declared.protect)
    shown = replace(comparison, fields=comparison.fields + protect) if protect else comparison
    declaration_changed = _declaration_changed(state, declared)
    # A marker in its former field shows that the settings changed, not the ledger.
    ours = declaration_changed or (state.marks.moved and not _drifted_fields(state))
    reason = Reason.CHANGED if ours else Reason.DRIFTED
    if comparison.forced_by:
        verbs = (Verb.CANCEL, Verb.CREATE, *state.delete)
        return state.change(Action.REPLACE, reason, verbs, shown)
    if comparison:
        return state.change(Action.UPDATE, reason, (Verb.UPDATE,), shown)
    if state.leftover_steps:
        return state.change(Action.REPLACE, Reason.RESUMED, (), shown)
    if shown or declaration_changed:
        return state.change(Action.UPDATE, Reason.RECORD_ONLY, (), shown)
    return state.change(Action.KEEP, Reason.UNCHANGED)


def _renamed(state: AddressState, change: Change) -> Change:
    """The change of an entry that is renamed, or is replaced under its new name.

    Its marker is written first: after an interruption the entry already has its new name.
    """
    marks = state.kind.carries_marker and state.marks.found != state.marks.own[0]
    if change.cancels:
        verbs = (*(Verb.UPDATE,) * marks, Verb.CANCEL, Verb.CREATE, *state.delete)
        return state.change(Action.REPLACE, Reason.RENAMED, verbs, change.comparison)
    updates = marks or any(step.verb is Verb.UPDATE for step in change.steps)
    return state.change(Action.ADOPT, Reason.RENAMED, (Verb.UPDATE,) * updates, change.comparison)


def _protection(before: bool, after: bool) -> tuple[FieldChange, ...]:
    """The change of `protect`, which only the daybook records; empty for none."""
    moved = FieldChange(name=PROTECT, before=before, after=after, in_place=True)
    return () if before == after else (moved,)


def _with_marker(state: AddressState, comparison: Comparison) -> Comparison:
    """The comparison with the marker, which the live entry lacks."""
    found, own = state.marks.found, state.marks.own[0]
    lost = FieldChange(name=MARKER, before=found, after=own, in_place=True)
    return replace(comparison, fields=(*comparison.fields, lost, *_cleared(state, comparison)))


def _cleared(state: AddressState, comparison: Comparison) -> Iterator[FieldChange]:
    """The field that held the marker at an earlier time, without it."""
    place, marker = state.marks.former
    if marker is None or any(one.name == place for one in comparison.fields):
        return
    before = state.live_fields.get(place)
    rest = split_marker({place: before}, place)[0].get(place)
    yield FieldChange(name=place, before=before, after=rest, in_place=True)


def _declaration_changed(state: AddressState, declared: Declared) -> bool:
    """Whether the file differs from what was last applied; true when that is unknown."""
    applied = state.recorded.spec
    if applied is None:
        return True
    if applied == declared.spec:
        return False
    # A managed transfer state counts even when the file states the default.
    managed = (
        state.kind.externally_written
        if state.snapshot.policy.manage_transfer_state
        else frozenset[str]()
    )
    if any((name in applied) != (name in declared.spec) for name in managed):
        return True
    return bool(compare(state.kind, declared.spec, applied, applied, manage_observed=True))


def _undeclared_change(state: AddressState) -> Change | None:
    if state.recorded.number is None:
        left = state.leftover_steps
        return state.change(Action.REMOVE, Reason.RESUMED) if left else None
    if state.live is None:
        # An entry that this tool cancelled is not missing.
        ours = state.recorded.cancelled
        return state.change(Action.FORGET, Reason.RESUMED if ours else Reason.MISSING_IN_LEDGER)
    if state.made_by_run:
        return state.change(Action.FORGET, Reason.LEFT_TO_RUN)
    if state.live.status != CANCELLED:
        return state.change(Action.REMOVE, Reason.UNDECLARED, (Verb.CANCEL, *state.delete))
    if state.snapshot.policy.delete_cancelled:
        reason = Reason.RESUMED if state.recorded.cancelled else Reason.CANCELLED_IN_LEDGER
        return state.change(Action.REMOVE, reason, (Verb.DELETE,))
    return None


def _drifted_fields(state: AddressState) -> Comparison:
    """What differs in the ledger from what was applied, apart from the marker."""
    applied, live = state.recorded.spec, state.live_fields
    if state.marks.moved:
        live, _ = split_marker(live, state.marks.former[0])
    if applied is None:
        return UNCHANGED
    managed = state.snapshot.policy.manage_transfer_state
    return compare(state.kind, applied, applied, live, manage_observed=managed)


def _drift(state: AddressState, change: Change | None) -> Drift | None:
    """What changed in the ledger since the last apply, whatever the file says now."""
    recorded, number = state.recorded, state.recorded.number
    if state.snapshot.again and (again := state.posted_again):
        return Drift(address=state.address, number=again, status=AGAIN)
    if number is None or recorded.unsettled or recorded.spec is None:
        return None
    # If a search found ours under another number, the recorded one is gone or somebody else's.
    live = state.snapshot.live[number]
    status = live.status if live is not None else GONE
    if number != state.number or not state.posted:
        lost = Drift(address=state.address, number=number, status=status)
        return None if _is_wanted(state, change, status) else lost
    # Most entries are kept as applied: `_decide` has compared them already.
    kept = change is not None and change.action is Action.KEEP and change.after == recorded.spec
    moved = UNCHANGED if kept else _drifted_fields(state)
    if not state.marks.owned and state.marks.former[1] not in state.marks.own:
        # The marker proves ownership: without it the entry could not be changed or found.
        moved = _with_marker(state, moved)
    if state.kind.members and (entries := entries_drift(state)):
        moved = replace(moved, fields=(*moved.fields, entries))
    if not moved:
        return None
    return Drift(address=state.address, number=number, status=status, comparison=moved)


def _is_accepted(state: AddressState) -> bool:
    """Whether the file accepts that its entry is not posted, which this tool did not do."""
    if state.recorded.cancelled:
        return False
    status = state.live.status if state.live is not None else GONE
    return acknowledges(state.declared, state.recorded.number or "", status)


def _is_wanted(state: AddressState, change: Change | None, status: str) -> bool:
    """Whether this tool, the file or the policy wants that a recorded entry is not posted."""
    if state.recorded.number != state.number:
        return state.recorded.cancelled
    if _is_accepted(state) or (state.recorded.cancelled and status in (CANCELLED, GONE)):
        return True
    # Without a change, a cancelled entry is what the policy leaves of a removed declaration.
    return change is None and status == CANCELLED
