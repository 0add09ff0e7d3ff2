"""`reconciler export`: entries as a spreadsheet, as declared or as posted."""

from pathlib import Path
from typing import Any

import click

from reconciler.app.files.spreadsheet_export import ExportOptions, exported, exported_live
from reconciler.app.files.text_files import require_writable, write_bytes
from reconciler.app.session import Access
from reconciler.cli.inputs import checked_workspace
from reconciler.cli.options import (
    common_options,
    file_option,
    flag_option,
    format_option,
    ledger_options,
    narrowing_options,
    take,
)
from reconciler.cli.printer import Printer
from reconciler.cli.terminal import note, out_text, progress
from reconciler.errors import UsageError


@click.command()
@narrowing_options
@flag_option("--live", text="Export what the ledger has of this workspace, not what files declare.")
@ledger_options
@format_option("csv", "xlsx")
@file_option(
    "--to", text="The file to write. It is replaced if it exists. [default: stdout, for csv]"
)
@common_options
def export(*, style: str, live: bool, to: Path | None, **given: Any) -> int:
    """Write the declared entries as a spreadsheet, one row for each line. Reads no ledger.

    With --live, write the posted entries instead, as the ledger has them. A workbook has a second
    sheet with the totals. The page docs/spreadsheets.md has the mapping that reads the spreadsheet
    again.
    """
    if style == "xlsx" and to is None:
        raise UsageError(
            "a workbook is not written to stdout", remedy="Name the file of the workbook with --to."
        )
    require_writable(to)
    options, workspace = take(ExportOptions, given), checked_workspace()
    if live:
        access = take(Access, given)
        data = exported_live(workspace, style, options, access, progress=progress, tell=Printer())
    else:
        data = exported(workspace, style, options)
    if to is None:
        out_text(data.decode())
    else:
        write_bytes(to, data, mode=0o644)
        note(f"wrote {to}")
    return 0
