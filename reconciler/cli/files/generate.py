"""`reconciler generate`: writes the entries of schedules, and reversals that entries ask for."""

from typing import Any

import click

from reconciler.app.files.file_changes import WritingOptions
from reconciler.app.files.generating import GenerateOptions, generate_files
from reconciler.cli.options import (
    completing,
    flag_option,
    given_options,
    json_output,
    take,
    writing_options,
)
from reconciler.cli.printer import Printer
from reconciler.cli.terminal import out, out_json
from reconciler.core.documents.plain_fields import written_fields
from reconciler.core.model.money import plain
from reconciler.core.planning.schedules.summary import ScheduleSummary
from reconciler.render.schedules import schedule_lines


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=completing("source"))
@click.option(
    "--through",
    metavar="PERIOD",
    shell_complete=completing("period"),
    help="Write parts up to this accounting period, and keep it in reconciler.yaml. [default: "
    "spec.generate.through, else every period of the Reference]",
)
@flag_option("--restate", text="Change entries that are posted already.")
@writing_options
@json_output
def generate(**given: Any) -> int:
    """Write the entries of schedules, and the reversals of entries with `reverseOn`.

    Each file has its entries in FILE.generated.yaml beside it. With NAME, only those of these
    schedules and entries. Nothing is posted: plan and apply see ordinary entries.
    """
    given["writing"] = take(WritingOptions, given)
    options = take(GenerateOptions, given)

    def show(found: tuple[ScheduleSummary, ...], through: str) -> None:
        out_json({"through": through, "schedules": [_row(one) for one in found]})
        out(schedule_lines(found, through, writing=options.writing == WritingOptions()))

    return generate_files(given_options().workspace, options, tell=Printer(), show=show)


def _row(found: ScheduleSummary) -> dict[str, object]:
    return {**written_fields(found), "waiting": found.waiting, "left": plain(found.left)}
