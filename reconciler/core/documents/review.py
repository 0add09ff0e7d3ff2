"""Whether a plan made now is within the one that was reviewed, and what moved when it is not."""

from collections.abc import Iterator

from reconciler.core.documents.plan_comparison import (
    Difference,
    PlanDiff,
    balance_moved,
    difference,
    impact_moved,
)
from reconciler.core.documents.plan_json import bound_change
from reconciler.core.model.canonical import exact, json_bytes
from reconciler.core.model.plan import Action, Basis, Change, Plan, Reason


def unreviewed(reviewed: Plan, now: Plan, *, interrupted: bool) -> tuple[str, ...]:
    """What the plan made now holds that was not reviewed; empty when it may be applied.

    When a run of the reviewed plan was `interrupted`, what is left of it is within the review: a
    change that is gone because it is done, or one whose last steps remain.
    """
    if now.digest == reviewed.digest:
        return ()
    found = differences(reviewed, now, interrupted=interrupted)
    texts = (*found.whole, *(f"{one.address.name}: {one.what}" for one in found.addresses))
    # Only what an interrupted run did can change the digest without being a difference.
    return texts if texts or interrupted else ("the plan as a whole is another",)


def differences(reviewed: Plan, now: Plan, *, interrupted: bool = False) -> PlanDiff:
    """All that the plan made now does otherwise than the one that was reviewed."""
    return PlanDiff(
        whole=tuple(_of_the_whole(reviewed, now)),
        addresses=tuple(_of_addresses(reviewed, now, interrupted=interrupted)),
        impact=tuple(impact_moved(reviewed, now)),
        balance=tuple(balance_moved(reviewed, now)),
    )


def _of_the_whole(reviewed: Plan, now: Plan) -> Iterator[str]:
    if _scope(reviewed) != _scope(now):
        yield "the workspace, the ledger or what is allowed is another"
    if reviewed.scope != now.scope:
        yield "another part of the workspace was looked at, or not in the same way"
    if not _continues(reviewed.basis, now.basis):
        yield "the daybook is another, or an older copy of the one that was reviewed with"


def _of_addresses(reviewed: Plan, now: Plan, *, interrupted: bool) -> Iterator[Difference]:
    before = {change.address: change for change in reviewed.pending}
    after = {change.address: change for change in now.pending}
    homes = reviewed.basis.home_currency, now.basis.home_currency
    for address in sorted({*before, *after}):
        old, new = before.get(address), after.get(address)
        what = _what_moved(old, new, homes, interrupted=interrupted)
        if what:
            yield difference(old, new, what=what)


def _what_moved(
    old: Change | None,
    new: Change | None,
    homes: tuple[str | None, str | None],
    *,
    interrupted: bool,
) -> str:
    """What is different about one address; empty when nothing is, or a review covers it."""
    if new is None:
        return "" if interrupted else f"{_word(old)} was reviewed, and nothing is to be done now"
    if old is None:
        return f"{_word(new)} was not reviewed"
    if interrupted and _rest_of(old, new):
        return ""
    if bound_change(old, homes[0]) == bound_change(new, homes[1]):
        return ""
    return f"{_word(old)} was reviewed; now {_moved(old, new)}"


def _scope(plan: Plan) -> tuple[object, ...]:
    """What is sent depends on the home currency and on the marker's place too."""
    basis = plan.basis
    return (
        (basis.workspace, basis.tenant_id or basis.host, basis.entity_id),
        (basis.home_currency, basis.marker_place),
        plan.allowances,
    )


def _continues(old: Basis, new: Basis) -> bool:
    """Whether a daybook is the same one later; before the first apply there is none (I-41)."""
    return not old.lineage or (old.lineage == new.lineage and old.serial <= new.serial)


def _rest_of(old: Change, new: Change) -> bool:
    """Whether a change is the end of a reviewed one that an earlier run began."""
    return (
        new.reason is Reason.RESUMED
        and new.action is not Action.BLOCKED
        and old.steps[len(old.steps) - len(new.steps) :] == new.steps
        and _content(old) == _content(new)
    )


def _content(change: Change) -> bytes:
    """The declaration; a number and its digits as text are two things to send."""
    return json_bytes([exact(change.after), change.protect])


def _word(change: Change | None) -> str:
    return "nothing" if change is None else change.action.value


def _moved(old: Change, new: Change) -> str:
    if old.action != new.action:
        return f"it is {new.action.value}"
    if _content(old) != _content(new):
        return "the file asks for something else"
    if old.number != new.number:
        return f"it is about {new.number or 'no entry'}, not {old.number or 'none'}"
    if old.fingerprint != new.fingerprint or old.members != new.members:
        return f"{new.number or 'the live entry'} is not what it was"
    same_calls = old.steps == new.steps and old.comparison == new.comparison
    return "its circumstances are others" if same_calls else "its calls are others"
