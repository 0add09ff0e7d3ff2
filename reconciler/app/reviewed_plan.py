"""What an apply is held to: the plan that was reviewed, by its file or by its digest."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import click

from reconciler.app.provenance import committed
from reconciler.app.session import Desk, basis_of
from reconciler.cli.terminal import err, note
from reconciler.core.documents.plan_file import refusals_of, remarks_on
from reconciler.core.model.plan import Allowances, Plan
from reconciler.core.model.scope import WHOLE, Scope
from reconciler.errors import Refused, StalePlan
from reconciler.render.styled_text import Line, line


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What was approved: a saved plan, a digest, everything, or nothing yet."""

    saved: Plan | None = None
    digest: str | None = None
    everything: bool = False

    @property
    def given(self) -> bool:
        """Whether nobody has to be asked."""
        return self.everything or self.digest is not None or self.saved is not None


def asked_for(saved: Plan | None, allowances: Allowances, scope: Scope) -> tuple[Allowances, Scope]:
    """What the plan made now may do and is about: what was said, or what was reviewed.

    Raises UsageError when a saved plan and the command line differ, and Refused for a plan that
    was made offline.
    """
    if saved is None:
        return allowances, scope
    if allowances not in (Allowances(), saved.allowances):
        raise click.UsageError("A saved plan has its own --max-removals and --max-missing.")
    if scope not in (WHOLE, saved.scope):
        raise click.UsageError(
            "A saved plan has its own --target, --exclude, --period and --select."
        )
    if saved.scope.offline:
        raise Refused(
            "offline-plan: the plan was made without asking the ledger, so it says nothing of "
            "what would be found there",
            remedy="Make it anew with `reconciler plan --out FILE`, without --offline.",
        )
    return saved.allowances, saved.scope


def require_valid(desk: Desk, saved: Plan) -> None:
    """A saved plan must still be good for these books, before anything is done on its account.

    Raises StalePlan, which says what is not as it was.
    """
    at = desk.client.server_time() or datetime.now(UTC)
    refused = tuple(refusals_of(saved.basis, basis_of(desk), at=at))
    if refused:
        raise StalePlan(
            f"{'; '.join(refused)}; nothing was applied",
            remedy="Make the plan anew with `reconciler plan --out FILE`, and have it reviewed.",
        )


def _remark(desk: Desk, saved: Plan, plan: Plan) -> None:
    """Say what is not as it was at the review, and changes nothing of what is done."""
    origin = committed(plan.basis.origin, desk.books.root)
    for remark in remarks_on(saved.basis, replace(plan.basis, origin=origin)):
        note(f"Note: {remark}.")


def require_reviewed(desk: Desk, consent: Consent, plan: Plan) -> None:
    """The plan made now must be the one that was reviewed, or what is left of it.

    Raises StalePlan, after saying what moved.
    """
    from reconciler.core.documents.plan_comparison import differences, unreviewed
    from reconciler.render.plan_comparison import plan_diff_lines

    saved = consent.saved
    reviewed = consent.digest or (saved.digest if saved else None)
    if reviewed is None or plan.digest == reviewed:
        if saved is not None:
            _remark(desk, saved, plan)
        return
    begun = desk.daybook.interrupted(reviewed)
    if saved is not None:
        if not unreviewed(saved, plan, interrupted=begun):
            return
        err([line("The reviewed plan and the plan made now differ:")])
        err(plan_diff_lines(saved, plan, differences(saved, plan, interrupted=begun)))
    else:
        err(_known_of(plan, begun=begun))
    raise StalePlan(
        f"the plan made now has the digest {plan.digest}, not the reviewed {reviewed}; "
        "nothing was applied",
        remedy="Plan again, and have the new plan reviewed.",
    )


def _known_of(plan: Plan, *, begun: bool) -> Iterator[Line]:
    """What can be said where a digest is all there is of the review."""
    from reconciler.render.plan_view import counts_of

    if begun:
        yield line("A run of the reviewed plan was begun and did not carry it out.")
        yield line("To finish it, apply its file, which tells what is left of it.", indent=4)
    yield line(f"Made now: {counts_of(plan)} A digest does not tell what was reviewed.")
    yield line("With the file of the reviewed plan, apply shows what moved.", indent=4)
