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
    scope_options,
)
from reconciler.cli.terminal import (
    err,
    note,
    out,
    out_text,
    path_prefix,
    problem_spans,
    progress,
)
from reconciler.errors import ExpectationFailed, Refused
from reconciler.render import RENDERERS
from reconciler.render.styled_text import line

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.app.workspace import CheckedWorkspace
    from reconciler.core.model.plan import Allowances, Plan
    from reconciler.core.model.scope import Scope

CHANGES_PENDING = 2

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
    "--expires",
    "hours",
    type=click.IntRange(1, 24 * 366),
    default=24 * 7,
    show_default=True,
    metavar="HOURS",
    help="How long the saved plan may be applied.",
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 2 when changes are pending, 0 when there are none.",
)
@click.option("--expect-no-changes", is_flag=True, help="Exit 7 when changes are pending.")
@click.option(
    "--offline",
    is_flag=True,
    help="Plan from files and daybook alone: no connection, no credentials, nothing to apply.",
)
@scope_options
@allowance_options
@find_option
@probe_option
@parallelism_option
@click.option(
    "--summary",
    is_flag=True,
    help="Verdict, dangers, impact and balance alone, without every entry.",
)
@format_option(*RENDERERS)
@common_options
def plan(
    *,
    save_to: Path | None,
    hours: int,
    detailed_exitcode: bool,
    expect_no_changes: bool,
    offline: bool,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    periods: tuple[str, ...],
    labels: tuple[str, ...],
    max_removals: int | None,
    max_missing: int | None,
    find: bool,
    probe_from: str | None,
    parallelism: int,
    summary: bool,
    style: str,
) -> int:
    """Read files and ledger, and print what apply would do. Changes nothing.

    --target, --exclude, --period and --select narrow a plan, which then says that it is partial.
    """
    from reconciler.app.provenance import issued, plan_key
    from reconciler.app.scoping import scope_of
    from reconciler.app.workspace import read_books
    from reconciler.core.documents.plan_file import plan_text
    from reconciler.core.model.plan import Allowances

    _require_text(style, summary=summary)
    if offline and find:
        raise click.UsageError("--find searches the ledger, which --offline does not ask.")
    allowances = Allowances(max_removals=max_removals, max_missing=max_missing)
    scope = scope_of(
        targets=targets, excludes=excludes, periods=periods, labels=labels, offline=offline
    )
    books = read_books(common().workspace)
    err(problem_spans(books.errors, books.root))
    if offline:
        from reconciler.app.offline import plan_offline

        made, at = plan_offline(books, allowances, scope), None
    else:
        made, at = _plan_live(
            books, allowances, scope, find=find, probe_from=probe_from, parallelism=parallelism
        )
    if save_to is not None:
        made = issued(made, books.root, at=at, hours=hours)
        write_text(save_to, plan_text(made, key=plan_key()))
    _print(made, style, summary=summary)
    if save_to is not None:
        apply_it = f" To apply exactly this: reconciler apply {save_to}"
        note(f"Saved to {save_to}.{'' if offline else apply_it}")
    if made.refusals:
        return Refused.exit_code
    if made.pending and expect_no_changes:
        return ExpectationFailed.exit_code
    return CHANGES_PENDING if made.pending and detailed_exitcode else 0


def _plan_live(
    books: "CheckedWorkspace",
    allowances: "Allowances",
    scope: "Scope",
    *,
    find: bool,
    probe_from: str | None,
    parallelism: int,
) -> "tuple[Plan, datetime | None]":
    """The plan of files and ledger, with the time by the ledger's clock where it is known."""
    from reconciler.app.session import open_desk, plan_and_find_desk
    from reconciler.app.warnings import probe_begin
    from reconciler.engine.search import SearchPolicy

    with open_desk(books, write=False, parallelism=parallelism) as desk:
        finding = SearchPolicy(
            complete=desk.daybook.complete,
            asked=find,
            probe_from=probe_begin(desk, probe_from),
        )
        found = plan_and_find_desk(desk, allowances, finding, progress=progress, scope=scope)
        return found.plan, desk.client.server_time()


@click.command()
@click.argument("planfile", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--diff",
    "earlier",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Show what is different from another saved plan, an earlier one.",
)
@click.option(
    "--summary",
    is_flag=True,
    help="Verdict, dangers, impact and balance alone, without every entry.",
)
@format_option(*RENDERERS)
@common_options
def show(planfile: Path, earlier: Path | None, summary: bool, style: str) -> int:
    """Draw a saved plan, or what moved since another. Reads nothing but the files."""
    from reconciler.core.documents.plan_file import plan_of

    _require_text(style, summary=summary)
    made = plan_of(read_text(planfile))
    if earlier is None:
        _print(made, style, summary=summary)
        return 0
    if style != "text":
        raise click.UsageError("--diff draws text only.")
    _print_difference(plan_of(read_text(earlier)), made)
    return 0


def _print_difference(earlier: "Plan", made: "Plan") -> None:
    """What moved from one plan to the next as a result."""
    from reconciler.core.documents.plan_comparison import differences
    from reconciler.render.plan_comparison import plan_diff_lines

    if earlier.digest == made.digest:
        out([line(f"Both plans do the same: {made.digest}")])
    else:
        out(plan_diff_lines(earlier, made, differences(earlier, made)))


def _require_text(style: str, *, summary: bool) -> None:
    if summary and style != "text":
        raise click.UsageError("--summary draws text only.")


def _print(made: "Plan", style: str, *, summary: bool = False) -> None:
    """A plan as a result, in the form that was asked for."""
    from reconciler.render.text import overview_lines

    prefix = path_prefix(common().workspace)
    drawing = overview_lines(made) if summary else RENDERERS[style](made, prefix)
    if isinstance(drawing, str):
        out_text(drawing)
    else:
        out(drawing)
    if style == "github":
        _summarize(made)


def _summarize(made: "Plan") -> None:
    """Add the plan to the summary of a job, where the runner named a file for it."""
    from reconciler.render.markdown import plan_markdown

    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if name:
        with Path(name).open("a", encoding="utf-8") as summary:
            summary.write(plan_markdown(made, limit=SUMMARY_LIMIT))
