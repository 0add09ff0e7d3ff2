"""`reconciler plan` and `reconciler show`: what will happen to the ledger, before it happens."""

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
    scope_options,
)
from reconciler.cli.screen import err, out, out_text, problem_spans, progress, said
from reconciler.errors import ExpectationFailed, Refused

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.cli.books import Books
    from reconciler.core.plan import Allowances, Plan
    from reconciler.core.scope import Scope

CHANGES_PENDING = 2


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
@parallelism_option
@format_option("text", "markdown", "html", "json")
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
    parallelism: int,
    style: str,
) -> int:
    """Read files and ledger, and print what apply would do. Changes nothing.

    --target, --exclude, --period and --select narrow a plan, which then says that it is partial.
    """
    from reconciler.cli.books import read_books
    from reconciler.cli.origin import issued, plan_key
    from reconciler.cli.scoping import scope_of
    from reconciler.core.plan import Allowances
    from reconciler.core.planfile import plan_text

    if offline and find:
        raise click.UsageError("--find searches the ledger, which --offline does not ask.")
    allowances = Allowances(max_removals=max_removals, max_missing=max_missing)
    scope = scope_of(
        targets=targets, excludes=excludes, periods=periods, labels=labels, offline=offline
    )
    books = read_books(common().workspace)
    err(problem_spans(books.errors, books.root))
    if offline:
        from reconciler.cli.offline import plan_offline

        made, at = plan_offline(books, allowances, scope), None
    else:
        made, at = _plan_live(books, allowances, scope, find=find, parallelism=parallelism)
    if save_to is not None:
        made = issued(made, books.root, at=at, hours=hours)
        write_text(save_to, plan_text(made, key=plan_key()))
    _print(made, style)
    if save_to is not None:
        apply_it = f" To apply exactly this: reconciler apply {save_to}"
        said(f"Saved to {save_to}.{'' if offline else apply_it}")
    if made.refusals:
        return Refused.exit_code
    if made.pending and expect_no_changes:
        return ExpectationFailed.exit_code
    return CHANGES_PENDING if made.pending and detailed_exitcode else 0


def _plan_live(
    books: "Books", allowances: "Allowances", scope: "Scope", *, find: bool, parallelism: int
) -> "tuple[Plan, datetime | None]":
    """The plan of files and ledger, with the time by the ledger's clock where it is known."""
    from reconciler.cli.wiring import open_desk, plan_and_find_desk
    from reconciler.find import Finding

    with open_desk(books, write=False, parallelism=parallelism) as desk:
        finding = Finding(complete=desk.daybook.complete, asked=find)
        found = plan_and_find_desk(desk, allowances, finding, progress=progress, scope=scope)
        return found.plan, desk.client.server_time()


@click.command()
@click.argument("planfile", type=click.Path(path_type=Path, dir_okay=False))
@format_option("text", "markdown", "html", "json")
@common_options
def show(planfile: Path, style: str) -> int:
    """Draw a saved plan. Reads nothing but the file."""
    from reconciler.core.planfile import plan_of

    _print(plan_of(read_text(planfile)), style)
    return 0


def _print(made: "Plan", style: str) -> None:
    """A plan as a result, in the form that was asked for."""
    from reconciler.core.planfile import plan_text
    from reconciler.render.html.document import plan_html
    from reconciler.render.markdown import plan_markdown
    from reconciler.render.text import plan_lines

    if style == "text":
        out(plan_lines(made))
    else:
        written = {"markdown": plan_markdown, "html": plan_html, "json": plan_text}
        out_text(written[style](made))
