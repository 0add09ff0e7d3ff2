"""`reconciler plan` and `reconciler show`: what will happen to the ledger, before it happens."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.files import read_text, write_text
from reconciler.cli.options import (
    allowance_options,
    common,
    common_options,
    find_option,
    format_option,
    parallelism_option,
    probe_option,
)
from reconciler.cli.screen import (
    err,
    out,
    out_text,
    path_prefix,
    problem_spans,
    progress,
    said,
)
from reconciler.errors import ExpectationFailed, Refused

if TYPE_CHECKING:
    from reconciler.core.plan import Plan

CHANGES_PENDING = 2

FORMATS = ("text", "markdown", "json", "github", "junit", "csv")

SUMMARY_LIMIT = 250_000
"""Characters: a job summary holds 1 MiB, and one of them may take four bytes."""


@click.command(short_help="Print what apply would do. Changes nothing.")
@click.option(
    "--out",
    "save_to",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the plan, for `apply FILE` and `show FILE`.",
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 2 when changes are pending, 0 when there are none.",
)
@click.option("--expect-no-changes", is_flag=True, help="Exit 7 when changes are pending.")
@allowance_options
@find_option
@probe_option
@parallelism_option
@format_option(*FORMATS)
@common_options
def plan(
    *,
    save_to: Path | None,
    detailed_exitcode: bool,
    expect_no_changes: bool,
    max_removals: int | None,
    max_missing: int | None,
    find: bool,
    probe_from: str | None,
    parallelism: int,
    style: str,
) -> int:
    """Read files and ledger, and print what apply would do. Changes nothing."""
    from reconciler.cli.books import read_books
    from reconciler.cli.finding import probe_begin
    from reconciler.cli.wiring import open_desk, plan_and_find_desk
    from reconciler.core.plan import Allowances
    from reconciler.core.planfile import plan_text
    from reconciler.find import Finding

    allowances = Allowances(max_removals=max_removals, max_missing=max_missing)
    books = read_books(common().workspace)
    err(problem_spans(books.errors, books.root))
    with open_desk(books, write=False, parallelism=parallelism) as desk:
        finding = Finding(
            complete=desk.daybook.complete,
            asked=find,
            probe_from=probe_begin(desk, probe_from),
        )
        made = plan_and_find_desk(desk, allowances, finding, progress=progress).plan
    if save_to is not None:
        write_text(save_to, plan_text(made))
    _print(made, style)
    if save_to is not None:
        said(f"Saved to {save_to}. To apply exactly this: reconciler apply {save_to}")
    if made.refusals:
        return Refused.exit_code
    if made.pending and expect_no_changes:
        return ExpectationFailed.exit_code
    return CHANGES_PENDING if made.pending and detailed_exitcode else 0


@click.command()
@click.argument("planfile", type=click.Path(path_type=Path, dir_okay=False))
@format_option(*FORMATS)
@common_options
def show(planfile: Path, style: str) -> int:
    """Draw a saved plan. Reads nothing but the file."""
    from reconciler.core.planfile import plan_of

    _print(plan_of(read_text(planfile)), style)
    return 0


def _print(made: "Plan", style: str) -> None:
    """A plan as a result, in the form that was asked for."""
    from reconciler.render.text import plan_lines

    if style == "text":
        out(plan_lines(made))
    else:
        out_text(_document(made, style))
    if style == "github":
        _summarize(made)


def _document(made: "Plan", style: str) -> str:
    match style:
        case "markdown":
            from reconciler.render.markdown import plan_markdown

            return plan_markdown(made)
        case "github":
            from reconciler.render.annotations import plan_annotations

            return plan_annotations(made, path_prefix(common().workspace))
        case "junit":
            from reconciler.render.junit import plan_junit

            return plan_junit(made, path_prefix(common().workspace))
        case "csv":
            from reconciler.render.spreadsheet import plan_csv

            return plan_csv(made)
    from reconciler.core.planfile import plan_text

    return plan_text(made)


def _summarize(made: "Plan") -> None:
    """Add the plan to the summary of a job, where the runner named a file for it."""
    from reconciler.render.markdown import plan_markdown

    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if name:
        with Path(name).open("a", encoding="utf-8") as summary:
            summary.write(plan_markdown(made, limit=SUMMARY_LIMIT))
