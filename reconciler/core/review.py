"""Whether a plan made now is within the one that was reviewed, and what moved when it is not."""

from collections.abc import Iterator

from reconciler.core.canonical import exact, json_bytes
from reconciler.core.plan import Action, Basis, Change, Plan, Reason
from reconciler.core.plan_document import bound_change


def unreviewed(reviewed: Plan, now: Plan, *, interrupted: bool) -> tuple[str, ...]:
    """What the plan made now holds that was not reviewed; empty when it may be applied.

    When a run of the reviewed plan was `interrupted`, what is left of it is within the review: a
    change that is gone because it is done, or one whose last steps remain.
    """
    if now.digest == reviewed.digest:
        return ()
    found = tuple(_differences(reviewed, now, interrupted=interrupted))
    # Only what an interrupted run did can change the digest without being a difference.
    return found if found or interrupted else ("the plan as a whole is another",)


def _differences(reviewed: Plan, now: Plan, *, interrupted: bool) -> Iterator[str]:
    if _scope(reviewed) != _scope(now):
        yield "the workspace, the ledger or what is allowed is another"
    if not _continues(reviewed.basis, now.basis):
        yield "the daybook is another, or an older copy of the one that was reviewed with"
    before = {change.address: change for change in reviewed.pending}
    after = {change.address: change for change in now.pending}
    for address in sorted({*before, *after}):
        old, new = before.get(address), after.get(address)
        if new is None:
            if not interrupted:
                yield f"{address.name}: {_word(old)} was reviewed, and nothing is to be done now"
        elif old is None:
            yield f"{address.name}: {_word(new)} was not reviewed"
        elif not (interrupted and _rest_of(old, new)):
            home = reviewed.basis.home_currency, now.basis.home_currency
            if bound_change(old, home[0]) != bound_change(new, home[1]):
                yield f"{address.name}: {_word(old)} was reviewed; now {_moved(old, new)}"


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
