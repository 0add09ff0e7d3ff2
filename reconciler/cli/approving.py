"""Finds the approvals that a plan requires, before anything of it is applied."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.whereabouts import Whereabouts
from reconciler.core.approval import Assessment, Missing, Review, assess
from reconciler.core.policy import Evidence
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.cli.wiring import Desk
    from reconciler.core.plan import Requirement
    from reconciler.forge.place import Place


def assessment_of(
    desk: "Desk", requirement: "Requirement", digest: str, whereabouts: Whereabouts
) -> Assessment:
    """How a plan with this digest stands against what the workspace's policy requires of it.

    The policy is the one of the files that are applied. Raises a ReconcilerError when the forge
    or git cannot be asked; what is asked and found wanting is in the assessment.
    """
    from reconciler.cli.place import STATE_DIRECTORY
    from reconciler.git.evidence import flaws_of, merge_flaws_of, review_of
    from reconciler.git.repository import Repository

    if not requirement.approvals:
        return Assessment(requirement=requirement)
    repository = Repository(desk.books.root)
    from_git = requirement.evidence is Evidence.GIT
    place = None if from_git else whereabouts.place()
    said = whereabouts.commit if place is None else place.commit
    commit = said or repository.head() or ""
    flaws = tuple(flaws_of(repository, commit, except_for=STATE_DIRECTORY))
    if not commit:
        review = Review(change="the change", commit="")
    elif place is None:
        review = review_of(repository, commit, signers=_signers(desk))
    else:
        review = _on_forge(whereabouts, place, commit)
        flaws += tuple(merge_flaws_of(repository, commit, review.commit))
    return assess(requirement, replace(review, flaws=(*flaws, *review.flaws)), digest=digest)


def _on_forge(whereabouts: Whereabouts, place: "Place", commit: str) -> Review:
    with whereabouts.open_forge(place) as forge:
        change = place.change or forge.change_of(commit)
        if change is not None:
            return forge.review(change, commit=commit, branch=place.branch, merged=not place.own)
    missing = Missing(
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
