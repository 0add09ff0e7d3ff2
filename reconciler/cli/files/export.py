"""`reconciler export`: the declared entries as a spreadsheet."""

from pathlib import Path

import click

from reconciler.app.files.spreadsheet_export import exported
from reconciler.app.text_files import write_bytes
from reconciler.cli.inputs import checked_workspace
from reconciler.cli.options import common_options, format_option, narrowing_options
from reconciler.cli.terminal import note, out_text


@click.command()
@narrowing_options
@format_option("csv", "xlsx")
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file to write. It is replaced if it exists. [default: stdout, for csv]",
)
@common_options
def export(
    *, periods: tuple[str, ...], labels: tuple[str, ...], style: str, to: Path | None
) -> int:
    """Write the declared entries as a spreadsheet, one row for each line. Reads no ledger.

    A workbook has a second sheet with the totals. The page docs/spreadsheets.md has the mapping
    that reads the spreadsheet again.
    """
    if style == "xlsx" and to is None:
        raise click.UsageError("Name the file of the workbook with --to.")
    data = exported(checked_workspace(), style, periods=periods, labels=labels)
    if to is None:
        out_text(data.decode())
    else:
        write_bytes(to, data, mode=0o644)
        note(f"wrote {to}")
    return 0
