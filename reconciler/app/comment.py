"""Keeps one comment on a change, for each workspace and environment."""

from collections.abc import Callable
from dataclasses import replace

from reconciler.app.approvals import approvals_so_far
from reconciler.core.model.plan import Plan
from reconciler.core.model.policy import Evidence
from reconciler.core.model.review import Assessment
from reconciler.errors import ForgeError
from reconciler.forge.access import open_forge
from reconciler.forge.ci_context import ChangeOptions
from reconciler.forge.github import LIMIT
from reconciler.forge.protocol import Forge
from reconciler.forge.sticky_comment import StickyComment, put
from reconciler.values import dataclass

DRY_RUN_LIMIT = LIMIT
"""Characters of a comment where no forge is asked for its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewState:
    """The parts of the comment beside the plan: the commit, and the approvals or why they lack.

    `merged` is a merge of that commit, if the job checks out one.
    """

    commit: str
    merged: str = ""
    job_url: str = ""
    assessment: Assessment | None = None
    failure: ForgeError | None = None


def post_comment(
    plan: Plan, options: ChangeOptions, *, marker: str, body: Callable[[ReviewState, str, int], str]
) -> tuple[str, StickyComment]:
    """Create or update the comment that has this marker; returns the name of the change too.

    `body` makes its text from the state of the review, the comment so far and the forge's limit.
    Raises ForgeError.
    """
    context = options.context()
    change = context.change
    if change is None:
        raise ForgeError(
            "the pull request or merge request is not known",
            remedy="Name it with --pr, or run the command in a job of a pull request.",
        )
    with open_forge(context, options.environment) as forge:
        state = replace(
            _review_state(plan, forge, change, context.commit),
            merged=context.merged,
            job_url=context.job_url,
        )
        placed = put(
            forge, change, marker=marker, body=lambda before: body(state, before, forge.limit)
        )
        return forge.name_of(change), placed


def _review_state(plan: Plan, forge: Forge, change: int, commit: str) -> ReviewState:
    """Approvals that cannot be read do not stop the comment."""
    requirement = plan.requirement
    if not requirement.approvals or requirement.evidence is Evidence.GIT:
        return ReviewState(commit=commit)
    try:
        return ReviewState(commit=commit, assessment=approvals_so_far(plan, forge, change))
    except ForgeError as error:
        return ReviewState(commit=commit, failure=error)
