"""`reconciler show`: shows a saved plan, or how it differs from another."""

import html
import os
from pathlib import Path

import click

from reconciler.app.files.text_files import read_text
from reconciler.cli.options import FILE, file_option, flag_option, given_options, output_options
from reconciler.cli.terminal import out, out_text, path_prefix
from reconciler.core.documents.plan_comparison import differences
from reconciler.core.documents.plan_file import plan_of
from reconciler.core.model.command import completed_plan
from reconciler.core.model.plan import Plan
from reconciler.errors import UsageError
from reconciler.render import RENDERERS
from reconciler.render.markdown import plan_markdown
from reconciler.render.plan_comparison import plan_diff_lines
from reconciler.render.styled_text import line
from reconciler.render.text import overview_lines

SUMMARY_LIMIT = 250_000
"""Characters: a job summary holds 1 MiB, and one of them may take four bytes."""

summary_option = flag_option(
    "--summary", text="Show only verdict, dangers, impact and balance, without the entries."
)


@click.command()
@click.argument("planfile", type=FILE)
@file_option("--diff", "earlier", text="Show how the plan differs from this earlier saved plan.")
@summary_option
@output_options(*RENDERERS)
def show(planfile: Path, earlier: Path | None, summary: bool, style: str) -> int:
    """Show a saved plan, or how it differs from another. Reads nothing but the files."""
    require_text(style, summary=summary)
    made = plan_of(read_text(planfile))
    if earlier is None:
        print_plan(made, style, summary=summary)
        return 0
    if style != "text":
        raise UsageError("--diff supports the text format only", remedy="Omit --format.")
    _print_difference(plan_of(read_text(earlier)), made)
    return 0


def _print_difference(earlier: Plan, made: Plan) -> None:
    if earlier.digest == made.digest:
        out([line(f"Both plans make the same changes: {made.digest}")])
    else:
        out(plan_diff_lines(earlier, made, differences(earlier, made)))


def require_text(style: str, *, summary: bool) -> None:
    if summary and style != "text":
        raise UsageError("--summary supports the text format only", remedy="Omit one of the two.")


def print_plan(made: Plan, style: str, *, summary: bool = False) -> None:
    prefix = path_prefix(given_options().workspace)
    # A document of JSON is a plan to be applied, and not only shown.
    made = made if style == "json" else completed_plan(made, given_options().completed)
    drawing = overview_lines(made) if summary else RENDERERS[style](made, prefix)
    if isinstance(drawing, str):
        out_text(with_workspace(drawing, made, style))
    else:
        out(drawing)
    if style == "github":
        _summarize(made)


def with_workspace(drawing: str, made: Plan, style: str) -> str:
    """A document whose command to apply the plan names the workspace, where somebody named it."""
    command = f"reconciler apply --plan-digest {made.digest}"
    whole = given_options().completed(f"`{command}`").strip("`")
    return drawing.replace(command, html.escape(whole) if style == "html" else whole)


def _summarize(made: Plan) -> None:
    """Add the plan to the summary of a job, if the runner names a file for it."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if name:
        with Path(name).open("a", encoding="utf-8") as summary:
            drawing = plan_markdown(made, limit=SUMMARY_LIMIT)
            summary.write(with_workspace(drawing, made, "markdown"))
