"""`reconciler comment`: shows a plan and its approvals in one comment on a change."""

from pathlib import Path
from typing import Any

import click

from reconciler.app.approvals import change_options
from reconciler.app.comment import DRY_RUN_LIMIT, ReviewState, post_comment
from reconciler.cli.inputs import saved_plan
from reconciler.cli.options import FILE, flag_option, forge_options, given_options, json_output
from reconciler.cli.show import with_workspace
from reconciler.cli.terminal import err, note, out_json, out_text
from reconciler.core.model.command import completed_plan
from reconciler.render.comment import Frame, comment_body, marker_of
from reconciler.render.escaping import host_of
from reconciler.render.styled_text import line

_LONGEST = 10
"""The most characters that one of a path becomes in a command."""


def _sound_address(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """A callback that refuses what cannot be a link."""
    if value and not host_of(value):
        raise click.BadParameter(
            "Give an https address with the name of a host, such as "
            "https://ci.example.com/jobs/7/plan.html."
        )
    return value


@click.command()
@click.argument("planfile", type=FILE)
@forge_options
@click.option(
    "--environment",
    default="",
    metavar="NAME",
    help="What the plan is for, such as production, if one change has several plans.",
)
@click.option(
    "--report-url",
    default="",
    metavar="URL",
    callback=_sound_address,
    help="The https address of the HTML report, which the comment links to.",
)
@flag_option("--dry-run", text="Print the comment and post nothing.")
@json_output
def comment(
    *,
    planfile: Path,
    environment: str,
    report_url: str,
    dry_run: bool,
    ca_bundle: str | None,
    **given: Any,
) -> int:
    """Keep one comment on the pull request or merge request, for each workspace and environment.

    Reads nothing but PLANFILE, so a job with a token needs no checkout. The token is GITHUB_TOKEN
    or GITLAB_TOKEN.
    """
    plan = completed_plan(saved_plan(planfile), given_options().completed)
    options = change_options(given, ca_bundle)
    if dry_run:
        commit = options.commit or ""
        frame = Frame(environment=environment, commit=commit, report_url=report_url)
        text = comment_body(plan, frame, before="", limit=DRY_RUN_LIMIT)
        drawing = with_workspace(text, plan, "markdown")
        out_json({"comment": drawing})
        if given_options().style == "text":
            out_text(drawing)
        return 0

    def body(state: ReviewState, before: str, limit: int) -> str:
        failure = state.failure
        frame = Frame(
            environment=environment,
            commit=state.commit,
            merged=state.merged,
            assessment=state.assessment,
            unread=failure.message if failure else "",
            job_url=state.job_url,
            report_url=report_url,
        )
        if failure is not None:
            fact = line(("Approvals were not read: ", "warning"), failure.message)
            err([fact, line(failure.remedy)])
        # Room for the option in the command that applies the plan, however it is quoted.
        limit -= _LONGEST * len(str(given_options().workspace))
        text = comment_body(plan, frame, before=before, limit=limit)
        return with_workspace(text, plan, "markdown")

    marker = marker_of(plan.basis.workspace, environment)
    change, placed = post_comment(plan, options, marker=marker, body=body)
    what = "Commented" if placed.made else "Updated the comment"
    doubles = f", and removed {placed.removed} more" if placed.removed else ""
    out_json({"change": str(change), "created": placed.made, "removed": placed.removed})
    note(f"{what} on {change}{doubles}.")
    return 0
