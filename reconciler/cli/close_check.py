"""`reconciler close-check`: shows whether accounting periods are ready to be closed."""

from typing import Any

import click

from reconciler.app.closing.checking import check_periods
from reconciler.app.session import Access
from reconciler.cli.inputs import checked_workspace
from reconciler.cli.options import (
    completing,
    flag_option,
    given_options,
    ledger_options,
    output_options,
    take,
)
from reconciler.cli.terminal import out, out_text, progress
from reconciler.core.rules.close_rules import CLOSE_ITEMS
from reconciler.errors import ExpectationFailed
from reconciler.render import CLOSE_RENDERERS


@click.command("close-check")
@click.argument(
    "periods", nargs=-1, required=True, metavar="PERIOD...", shell_complete=completing("period")
)
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    type=click.Choice([*CLOSE_ITEMS]),
    help="Show this item, but do not fail because of it. Repeatable.",
)
@flag_option(
    "--managed-only",
    text="Do not search for entries that nobody declares. For a ledger without Data Query.",
)
@ledger_options
@output_options(*CLOSE_RENDERERS)
def close_check(
    *,
    periods: tuple[str, ...],
    allowed: tuple[str, ...],
    managed_only: bool,
    style: str,
    **given: Any,
) -> int:
    """Show whether accounting periods are ready to be closed. Changes nothing.

    Exits 7 if one is not. Closing a period stays with people.
    """
    report = check_periods(
        checked_workspace(),
        tuple(dict.fromkeys(periods)),
        take(Access, given),
        allowed=dict.fromkeys(allowed, "--allow"),
        managed_only=managed_only,
        progress=progress,
    ).with_commands(given_options().completed)
    drawing = CLOSE_RENDERERS[style](report)
    if isinstance(drawing, str):
        out_text(drawing)
    else:
        out(drawing)
    return 0 if report.ready else ExpectationFailed.exit_code
