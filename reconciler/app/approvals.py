"""Finds the approvals that a plan requires, before anything of it is applied."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.terminal import err
from reconciler.core.model.finding import Refusal
from reconciler.core.model.policy import Evidence
from reconciler.core.model.review import Assessment, Review
from reconciler.core.planning.approvals import assess
from reconciler.errors import ReconcilerError
from reconciler.forge.ci_context import ChangeOptions, CiContext

if TYPE_CHECKING:
    from reconciler.app.session import Desk
    from reconciler.core.model.plan import Plan, Requirement
    from reconciler.git.unapplied import Unapplied


def assessment_of(
    desk: "Desk", requirement: "Requirement", digest: str, whereabouts: ChangeOptions
) -> Assessment:
    """How a plan with this digest stands against what the workspace's policy requires of it.

    The policy is the one of the files that are applied. Raises a ReconcilerError when the forge
    or git cannot be asked; what is asked and found wanting is in the assessment.
    """
    from reconciler.app.state_directory import STATE_DIRECTORY
    from reconciler.git.approvals import flaws_of, merge_flaws_of, review_of
    from reconciler.git.repository import Repository
    from reconciler.git.unapplied import Unapplied, people_of, unapplied

    if not requirement.approvals:
        return Assessment(requirement=requirement)
    repository = Repository(desk.books.root)
    from_git = requirement.evidence is Evidence.GIT
    place = None if from_git else whereabouts.context()
    said = whereabouts.commit if place is None else place.commit
    commit = said or repository.head() or ""
    flaws = tuple(flaws_of(repository, commit, except_for=STATE_DIRECTORY))
    history = Unapplied()
    if commit and repository.head() is not None:
        history = unapplied(repository, commit, desk.daybook.applied_commit)
    if not commit:
        review = Review(change="the change", commit="")
    elif place is None:
        review = review_of(repository, commit, signers=_signers(desk))
        review = _written_by(review, people_of(history.written), history.flaws)
    else:
        review = _on_forge(whereabouts, place, commit, history)
        flaws += tuple(merge_flaws_of(repository, commit, review.commit))
    return assess(requirement, replace(review, flaws=(*flaws, *review.flaws)), digest=digest)


def may_send_again(desk: "Desk", whereabouts: ChangeOptions) -> bool:
    """Whether open creates may be sent again before there is a plan that could be approved.

    What they post is known from the daybook alone, so it takes what the highest tier asks for, of
    the plan whose run left them open.
    """
    from reconciler.core.model.history import Act
    from reconciler.core.model.plan import Requirement
    from reconciler.render.approvals import assessment_lines

    approvals = desk.settings.policy.approvals
    most = max((tier.required for tier in approvals.tiers), default=0)
    if not most or all(intent.act is not Act.CREATE for intent in desk.daybook.unsettled()):
        return True
    requirement = Requirement(
        approvals=most,
        because=("a call of an earlier run is open, and would be sent again",),
        approvers=approvals.approvers,
        evidence=approvals.evidence,
        bind_digest=approvals.bind_digest,
    )
    runs = desk.daybook.runs()
    found = assessment_of(desk, requirement, runs[-1].plan if runs else "", whereabouts)
    if not found.satisfied:
        err(assessment_lines(found))
    return found.satisfied


def policy_to_keep(desk: "Desk", digest: str, whereabouts: ChangeOptions) -> str:
    """The policy that counts from this run on, empty when that of the last one goes on to.

    One that asked for approvals gives way to another with those of its highest tier alone.
    """
    from reconciler.app.policy_history import policy_of_text, text_of_policy
    from reconciler.app.workspace import require_valid
    from reconciler.core.model.plan import Requirement

    new = text_of_policy(require_valid(desk.books).policy)
    old = policy_of_text(desk.daybook.policy)
    if old is None or not old.approvals.tiers or text_of_policy(old) == new:
        return new
    requirement = Requirement(
        approvals=max(tier.required for tier in old.approvals.tiers),
        because=("the policy changed",),
        approvers=old.approvals.approvers,
        evidence=old.approvals.evidence,
    )
    try:
        found = assessment_of(desk, requirement, digest, whereabouts)
    except ReconcilerError:
        # What cannot be asked leaves the policy as it was.
        return ""
    return new if found.satisfied else ""


def commit_of(desk: "Desk", plan: "Plan") -> str:
    """The commit that is applied as a whole when a plan was carried out; empty when none is."""
    from reconciler.app.state_directory import STATE_DIRECTORY
    from reconciler.git.repository import Repository, is_in_repository
    from reconciler.git.unapplied import applied_commit

    if plan.partial or plan.feasible != plan.pending or not is_in_repository(desk.books.root):
        return ""
    try:
        return applied_commit(Repository(desk.books.root), except_for=STATE_DIRECTORY)
    except ReconcilerError:
        # What git cannot tell is not remembered: the next apply asks for more approvals, not less.
        return ""


def _written_by(review: Review, people: Iterable[str], flaws: Iterable[Refusal]) -> Review:
    """A review of a change, with who wrote what is applied together with it."""
    authors = dict.fromkeys((*review.authors, *people))
    return replace(
        review, authors=tuple(authors), flaws=tuple(dict.fromkeys((*review.flaws, *flaws)))
    )


def _on_forge(
    whereabouts: ChangeOptions, place: CiContext, commit: str, history: "Unapplied"
) -> Review:
    from reconciler.forge.access import open_forge

    with open_forge(place, whereabouts.environment) as forge:
        change = place.change or forge.change_of(commit)
        if change is not None:
            review = forge.review(change, commit=commit, branch=place.branch, merged=not place.own)
            people, flaws = forge.writers(history.written, change=change)
            review = _written_by(review, people, (*history.flaws, *flaws))
            # A commit says who wrote it, in words of his own; its change says who pushed it.
            others = {forge.change_of(one) for one in history.brought} - {None, change}
            for other in sorted(filter(None, others)):
                review = _written_by(review, *forge.people_of(other))
            return review
    missing = Refusal(
        rule="approval-evidence",
        message=f"no pull request or merge request brought {commit[:10]}, so nobody approved it",
        remedy="Bring changes in by one, and apply what it was merged as; or name it with --pr.",
    )
    return Review(change=f"commit {commit[:10]}", commit=commit, flaws=(missing,))


def _signers(desk: "Desk") -> Path | None:
    """The file of keys that count, which is part of the workspace."""
    name = desk.settings.policy.approvals.allowed_signers
    if not name:
        return None
    root = desk.books.root.resolve()
    file = (root / name).resolve()
    if not file.is_relative_to(root) or not file.is_file():
        raise ReconcilerError(
            f"policy.approvals.allowedSigners names {name}, which is no file of the workspace",
            remedy="Add it, in the format of git's gpg.ssh.allowedSignersFile.",
        )
    return file
