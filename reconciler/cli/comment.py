"""`reconciler comment`: one comment on a change, which shows the plan and what it still needs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.files import read_text
from reconciler.cli.options import common_options, forge_options
from reconciler.cli.terminal import err, note, out_text
from reconciler.errors import ForgeError
from reconciler.forge.ci_context import ChangeOptions, CiContext
from reconciler.render.styled_text import line

if TYPE_CHECKING:
    from reconciler.core.model.plan import Plan
    from reconciler.core.model.review import Assessment
    from reconciler.forge.protocol import Forge


@click.command(short_help="Show a saved plan as a comment on its pull request.")
@click.argument("planfile", type=click.Path(path_type=Path, dir_okay=False))
@forge_options
@click.option(
    "--environment",
    default="",
    metavar="NAME",
    help="What the plan is for, where one change has several plans, such as production.",
)
@click.option("--dry-run", is_flag=True, help="Print the comment, and ask no forge.")
@common_options
def comment(*, planfile: Path, environment: str, dry_run: bool, **options: Any) -> int:
    """Keep one comment on the pull request or merge request, for each workspace and environment.

    Reads nothing but PLANFILE, so that a job with a token needs no checkout. The token is
    GITHUB_TOKEN or GITLAB_TOKEN.
    """
    from reconciler.core.documents.plan_file import plan_of
    from reconciler.forge.access import open_forge
    from reconciler.forge.sticky_comment import put
    from reconciler.render.comment import Frame, comment_body, marker_of

    plan = plan_of(read_text(planfile))
    whereabouts = ChangeOptions.from_options(options)
    if dry_run:
        from reconciler.forge.github import LIMIT

        frame = Frame(environment=environment, commit=whereabouts.commit or "")
        out_text(comment_body(plan, frame, before="", limit=LIMIT))
        return 0
    place = whereabouts.context()
    if place.change is None:
        raise ForgeError(
            "nothing says which pull request or merge request to comment on",
            remedy="Name it with --pr, or run this in a job about one.",
        )
    with open_forge(place, whereabouts.environment) as forge:
        assessment, unread = _assessed(plan, place, forge, place.change)
        frame = Frame(
            environment=environment, commit=place.commit, assessment=assessment, unread=unread
        )
        placed = put(
            forge,
            place.change,
            marker=marker_of(plan.basis.workspace, environment),
            body=lambda before: comment_body(plan, frame, before=before, limit=forge.limit),
        )
        what = "Commented" if placed.made else "Updated the comment"
        doubles = f", and removed {placed.removed} more" if placed.removed else ""
        note(f"{what} on {forge.name_of(place.change)}{doubles}.")
    return 0


def _assessed(
    plan: "Plan", place: CiContext, forge: "Forge", change: int
) -> "tuple[Assessment | None, str]":
    """What is there of what the plan requires; a forge that does not tell stops no comment."""
    from reconciler.core.model.policy import Evidence
    from reconciler.core.planning.approvals import assess

    requirement = plan.requirement
    if not requirement.approvals or requirement.evidence is Evidence.GIT:
        return None, ""
    try:
        review = forge.review(change, commit=None)
    except ForgeError as error:
        err([line(("Approvals were not read: ", "warning"), error.message), line(error.remedy)])
        return None, error.message
    return assess(requirement, review, digest=plan.digest), ""
