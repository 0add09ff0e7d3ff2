"""The guards: what a plan as a whole may not do. They refuse, and never cut a plan short."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from reconciler.core.books import newly_posted, postings, taken_back
from reconciler.core.members import stands
from reconciler.core.money import ZERO, shown, total
from reconciler.core.plan import Action, Allowances, Change, Reason, Refusal
from reconciler.core.rules import PLAN_RULES
from reconciler.core.values import Value
from reconciler.core.world import World

SMALLEST_LIMIT = 3


def default_limit(recorded: int) -> int:
    """How many of so many recorded entries may go, or be gone, without a word: max(3, 10 %)."""
    return max(SMALLEST_LIMIT, recorded // 10)


def refusals(
    changes: Iterable[Change],
    world: World,
    *,
    allowances: Allowances,
    max_removals: int | None = None,
    max_money: Mapping[str, Decimal],
) -> tuple[Refusal, ...]:
    """Every guard that says no. `max_removals` is the policy's limit, `allowances` this run's.

    Removals count against the whole workspace, whatever part of it a plan looked at; what is
    missing in the ledger counts against what was looked for.
    """
    changes = tuple(changes)
    # A record that no change speaks of is of an entry that was cancelled and kept: it is done.
    spoken_of = {change.address for change in changes}
    sizes = {change.address: _size(change) for change in changes}
    owned = sum(
        sizes[item.address]
        for item in world.recorded.values()
        if item.address in spoken_of and (item.number is not None or item.leftovers)
    )
    elsewhere = tuple(
        item.address
        for item in world.recorded.values()
        if item.address not in world.selection and item.number is not None and not item.cancelled
    )
    # A blocked removal takes nothing away, but the entry is no longer declared all the same.
    undeclared = sum(
        sizes[change.address]
        for change in changes
        if change.wanted in (Action.REMOVE, Action.FORGET)
    ) + sum(1 for address in elsewhere if address not in world.declared)
    return (
        *_removals(
            sum(sizes[change.address] for change in changes if change.action is Action.REMOVE),
            undeclared=undeclared,
            owned=owned + len(elsewhere),
            allowed=allowances.max_removals,
            policy=max_removals,
        ),
        *_missing(changes, owned, allowances.max_missing),
        *_money(changes, max_money),
    )


def _removals(
    removals: int, *, undeclared: int, owned: int, allowed: int | None, policy: int | None
) -> Iterator[Refusal]:
    if allowed is not None:
        limit = allowed
    else:
        limit = policy if policy is not None else default_limit(owned)
    remedy = f"If it is meant, allow exactly this with --max-removals {removals}."
    if removals > limit:
        message = f"{removals} of {owned} recorded entries would be removed; the limit is {limit}"
        yield _refusal("too-many-removals", message, remedy)
    elif removals and undeclared >= owned and allowed != removals:
        message = f"none of {owned} recorded entries is declared, and {removals} would be removed"
        yield _refusal("all-entries-removed", message, remedy)


def _size(change: Change) -> int:
    """How many entries an address stands for: a journal run counts with all that it made."""
    return max(1, sum(1 for member in change.members if stands(member)))


def _missing(changes: tuple[Change, ...], owned: int, allowed: int | None) -> Iterator[Refusal]:
    missing = sum(1 for change in changes if change.reason is Reason.MISSING_IN_LEDGER)
    limit = default_limit(owned) if allowed is None else allowed
    if missing > limit:
        message = (
            f"{missing} of {owned} recorded entries are not in the ledger; the limit is {limit}"
        )
        remedy = f"Check the target. If it is meant, allow this with --max-missing {missing}."
        yield _refusal("missing-in-ledger", message, remedy)


def _money(changes: tuple[Change, ...], limits: Mapping[str, Decimal]) -> Iterator[Refusal]:
    moved: dict[str, list[Decimal]] = defaultdict(list)
    for change in changes:
        if change.action is Action.BLOCKED:
            continue
        for kind, spec in (*newly_posted(change), *taken_back(change)):
            for currency, amount in _debits(kind, spec):
                moved[currency].append(amount)
    for currency, limit in sorted(limits.items()):
        amount = total(moved.get(currency, ()))
        if amount > limit:
            message = (
                f"{currency} {shown(amount, currency)} would be posted or taken back; "
                f"the limit is {shown(limit, currency)}"
            )
            yield _refusal("money-limit", message, PLAN_RULES["money-limit"].remedy)


def _debits(kind: str, spec: Mapping[str, Value]) -> Iterator[tuple[str, Decimal]]:
    for posting in postings(kind, spec, None):
        if posting.debit > ZERO:
            yield posting.currency, posting.debit


def _refusal(rule: str, message: str, remedy: str) -> Refusal:
    return Refusal(rule=rule, message=message, remedy=remedy)
