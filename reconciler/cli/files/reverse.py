"""`reconciler reverse`: writes the reversal of posted entries."""

import datetime
from typing import Any

import click

from reconciler.app.files.file_changes import WritingOptions
from reconciler.app.files.reversing import MENDED, ReversalOptions, reverse_entries
from reconciler.app.session import Access
from reconciler.cli.inputs import checked_workspace
from reconciler.cli.options import (
    ca_bundle_option,
    completing,
    file_option,
    flag_option,
    json_output,
    sound_name,
    take,
    writing_options,
)
from reconciler.cli.printer import Printer
from reconciler.errors import UsageError


def _day(ctx: click.Context, param: click.Parameter, value: str) -> str:
    try:
        return value and datetime.date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise click.BadParameter("Write the date as YYYY-MM-DD.") from error


@click.command()
@click.argument(
    "names", nargs=-1, required=True, metavar="NAME|JE-NUMBER...", shell_complete=completing("name")
)
@click.option(
    "--period",
    shell_complete=completing("period"),
    default="",
    metavar="NAME",
    help="The period of the reversal. [default: that of the entry while it is open, else the "
    "earliest open one after it]",
)
@click.option(
    "--date",
    default="",
    metavar="YYYY-MM-DD",
    callback=_day,
    help="The date of the reversal. [default: that of the entry in the same period, else the "
    "first day of the period]",
)
@flag_option(
    "--rebook",
    text="Declare the corrected entry too: the edited file moves there, and the file of the entry "
    "becomes what was posted again.",
)
@flag_option(
    "--rebook-only", text="Declare the corrected entry alone; the reversal is declared already."
)
@click.option("--reason", default="", metavar="TEXT", help="Why, for the notes of the reversal.")
@click.option(
    "--name",
    callback=sound_name,
    help="The name of the new entry, for a single NAME. [default: NAME-reversal]",
)
@file_option(
    "--to", text="The file to write, inside the workspace. [default: beside the file of the entry]"
)
@flag_option(
    "--offline", text="Take what is posted from the daybook, without a connection to the ledger."
)
@writing_options
@ca_bundle_option
@json_output
def reverse(*, ca_bundle: str | None, **given: Any) -> int:
    """Write the reversal of posted entries, which cancels them out exactly.

    The reversal is an ordinary declaration with the sides swapped: review it, then plan and
    apply. The posted entry stays as it is.
    """
    writing = take(WritingOptions, given)
    options = take(ReversalOptions, given)
    if options.rebook and options.rebook_only:
        raise UsageError(
            "--rebook cannot be combined with --rebook-only", remedy="Omit one of the two."
        )
    if options.name and len(options.names) != 1:
        raise UsageError("--name is for exactly one NAME", remedy="Name one entry, or omit --name.")
    workspace, access = checked_workspace(mends=MENDED), Access(ca_bundle=ca_bundle)
    return reverse_entries(workspace, options, writing, access, tell=Printer())
