"""Guards: limits for a whole plan. They refuse a plan, and never shorten it."""

from collections.abc import Iterable, Iterator, Sequence

from reconciler.core.model.finding import Refusal, counted, listed
from reconciler.core.model.history import Recorded
from reconciler.core.model.marker import marker_in
from reconciler.core.model.money import ZERO, plain, shown
from reconciler.core.model.plan import Action, Allowances, Change, Reason
from reconciler.core.model.policy import Policy
from reconciler.core.planning.limits.money_moved import money_moved
from reconciler.core.planning.run_members import is_posted
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.rules.catalog import refusal

SMALLEST_LIMIT = 3


def default_limit(recorded: int) -> int:
    """How many recorded entries may be removed or missing by default: max(3, 10 %)."""
    return max(SMALLEST_LIMIT, recorded // 10)


def refusals(
    changes: Iterable[Change], snapshot: Snapshot, allowances: Allowances
) -> tuple[Refusal, ...]:
    """The refusals of all guards. `allowances` are those of this run.

    Removals count against the whole workspace, whatever the scope. Missing entries count against
    the entries in scope.
    """
    changes = tuple(changes)
    # A record without a change is of an entry that was cancelled and kept: it does not count.
    changed = {change.address for change in changes}
    # A journal run counts with its posted entries.
    sizes = {one.address: max(1, sum(map(is_posted, one.members))) for one in changes}
    owned = sum(
        sizes[item.address]
        for item in snapshot.records_by_current_name.values()
        if item.address in changed
        and (item.number is not None or item.leftovers or item.address in snapshot.again.values())
    )
    elsewhere = tuple(
        item.address
        for item in snapshot.records_by_current_name.values()
        if item.address not in snapshot.selection and item.number is not None and not item.cancelled
    )
    moving = tuple(change for change in changes if change.posts or change.cancels)
    # A blocked removal removes nothing, but its entry is undeclared nevertheless.
    undeclared = sum(
        sizes[change.address]
        for change in changes
        if change.wanted in (Action.REMOVE, Action.FORGET)
    ) + sum(1 for address in elsewhere if address not in snapshot.declared)
    return (
        *(_left_out(changes, snapshot.left_out) if snapshot.left_out else ()),
        *_removals(
            sum(sizes[change.address] for change in changes if change.action is Action.REMOVE),
            undeclared=undeclared,
            owned=owned + len(elsewhere),
            allowed=allowances.max_removals,
            policy=snapshot.policy.max_removals,
        ),
        *_missing(
            sum(1 for change in changes if change.reason is Reason.MISSING_IN_LEDGER),
            owned=owned,
            allowed=allowances.max_missing,
        ),
        *(_equal(changes, snapshot, allowances.allow_equal or 0) if snapshot.equal else ()),
        *(_found(changes, snapshot, allowances.adopt_found or 0) if snapshot.found else ()),
        *_money(moving, snapshot.policy, snapshot.tenant.home_currency),
        *_changes(
            sum(sizes[change.address] for change in changes if change.steps and change.is_feasible),
            owned=owned + len(elsewhere),
            policy=snapshot.policy,
        ),
    )


def _left_out(changes: Iterable[Change], names: Sequence[str]) -> Iterator[Refusal]:
    """The refusal to remove an entry whose file may be one that is not checked out."""
    gone = sum(1 for one in changes if one.action in (Action.REMOVE, Action.FORGET))
    if not gone:
        return
    message = (
        f"{counted(gone, 'entry', 'entries')} would be removed, but may be declared in files that "
        f"git keeps out of the work tree: {listed(names)}"
    )
    yield refusal("files-left-out", message)


def _removals(
    removals: int, *, undeclared: int, owned: int, allowed: int | None, policy: int | None
) -> Iterator[Refusal]:
    stated = [limit for limit in (allowed, policy) if limit is not None]
    limit = min(stated, default=default_limit(owned))
    remedy = f"If this is intended, allow exactly this with --max-removals {removals}."
    if removals > limit:
        if policy is not None and removals > policy:
            # The policy was reviewed; an option of one run was not.
            remedy = "If this is intended, raise policy.limits.removals in a separate change."
        message = f"{removals} of {owned} recorded entries would be removed; the limit is {limit}"
        yield refusal("too-many-removals", message, remedy)
    elif removals and undeclared >= owned and allowed != removals:
        message = f"none of {owned} recorded entries is declared, and {removals} would be removed"
        yield refusal("all-entries-removed", message, remedy)


def _missing(missing: int, *, owned: int, allowed: int | None) -> Iterator[Refusal]:
    limit = default_limit(owned) if allowed is None else allowed
    if missing > limit:
        message = (
            f"{missing} of {owned} recorded entries are not in the ledger; the limit is {limit}"
        )
        remedy = f"Check the target. If this is intended, allow it with --max-missing {missing}."
        yield refusal("missing-in-ledger", message, remedy)


def equal_postings(changes: Iterable[Change], snapshot: Snapshot) -> Iterator[str]:
    """What is posted although the ledger has an equal entry, each named with that entry."""
    for change in changes:
        if change.posts and not change.number_posted and change.address in snapshot.equal:
            live = snapshot.equal[change.address][0]
            marker = marker_in(live.fields, snapshot.tenant.marker)
            carried = f'marker "{marker}"' if marker else "no marker"
            yield f"{change.address.name} as {live.number} ({carried})"


def _equal(changes: Iterable[Change], snapshot: Snapshot, allowed: int) -> Iterator[Refusal]:
    named = tuple(equal_postings(changes, snapshot))
    count = len(named)
    if count <= allowed:
        return
    message = (
        f"the daybook is new, and {count} of what would be posted is in the ledger already, with "
        f"the same period, date, currency and lines: {listed(named)}"
    )
    remedy = (
        "If this workspace posted it under another name, or with its marker in another field, "
        "restore `metadata.name`, `identity.marker` and `daybook` in reconciler.yaml. If an entry "
        "without a marker is the declared one, write its number into `metadata.adopts`. If these "
        f"are different postings, post them with --allow-equal {count}."
    )
    yield refusal("equal-entries", message, remedy)


def _found(changes: Iterable[Change], snapshot: Snapshot, allowed: int) -> Iterator[Refusal]:
    """The refusal of changes that take over an entry because of its marker alone.

    The marker names the workspace and the declaration. Another repository may use the same two
    names. Proof is a record of this daybook, or a file that names the number.
    """
    without_record = {
        number
        for address, numbers in snapshot.found.items()
        for number in numbers
        if number not in snapshot.again and not _proves(snapshot.recorded.get(address), number)
    }
    taken = [
        f"{change.number} ({change.address.name})"
        for change in changes
        if change.action is not Action.BLOCKED
        and change.number in without_record
        and ((one := snapshot.declared.get(change.address)) is None or one.adopts != change.number)
    ]
    if len(taken) > allowed:
        yield unproved_entries(taken, snapshot.tenant.workspace)


def _proves(state: Recorded | None, number: str) -> bool:
    """Whether a record ties a number to its address.

    A record of an entry that stands, or of a create without an answer, is one of an older daybook:
    the entry was replaced since. A record of an entry that was deleted says nothing of another one.
    """
    if state is None:
        return False
    known = (*state.leftovers, *state.retired)
    return state.number is not None or state.unsettled or number in known


def unproved_entries(named: Sequence[str], workspace: str) -> Refusal:
    """The refusal to adopt entries, each named with its address, because of their marker alone."""
    have = counted(len(named), "entry in the ledger has", "entries in the ledger have")
    message = (
        f"{have} the marker of this workspace, and no record says who posted them: {listed(named)}"
    )
    remedy = (
        "If the daybook was lost or is an older copy, restore it. If it cannot be restored, and "
        f"the workspace {workspace} of this repository posted all of them, adopt them with "
        f"--adopt-found {len(named)}. If another repository uses the workspace name {workspace}, "
        "write another `metadata.name` into reconciler.yaml."
    )
    return refusal("unproved-entries", message, remedy)


def _money(
    changes: tuple[Change, ...], policy: Policy, home_currency: str | None
) -> Iterator[Refusal]:
    limits = policy.max_money
    if not limits:
        return
    moved = money_moved(changes, home_currency, policy.rates)
    for currency in moved.unmeasured(limits):
        message = (
            f"{moved.said(currency)} would be posted or cancelled, and policy.limits.money names "
            f"no limit for {currency}, nor policy.rates a rate"
        )
        remedy = (
            f"Have a limit for {currency} set in policy.limits.money, or a rate in policy.rates, "
            "and apply that change alone first."
        )
        yield refusal("money-limit", message, remedy)
    for currency, limit in sorted(limits.items()):
        amount = moved.amounts.get(currency, ZERO)
        if amount > limit:
            message = (
                f"{moved.said(currency)} would be posted or cancelled; "
                f"the limit is {shown(limit, currency)}"
            )
            yield refusal("money-limit", message)


def _changes(count: int, *, owned: int, policy: Policy) -> Iterator[Refusal]:
    most, percent = policy.max_changes, policy.max_percent
    if most is not None and count > most:
        message = f"{count} entries would be changed; the limit is {most}"
        yield refusal("change-limit", message)
    # Without recorded entries there is no percentage: only the count limits the first apply.
    if percent is not None and owned and 100 * count > percent * owned:
        message = f"{count} changes for {owned} recorded entries; the limit is {plain(percent)} %"
        yield refusal("change-limit", message)
