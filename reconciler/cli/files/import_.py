"""`reconciler import`: declares entries of the ledger and adopts them, or declares a sheet."""

from collections.abc import Mapping
from typing import Any

import click

from reconciler.app.apply import Interaction
from reconciler.app.files.file_changes import WritingOptions
from reconciler.app.files.importing import ImportOptions, PeriodImport, import_objects
from reconciler.app.files.spreadsheet_import import SpreadsheetOptions, import_spreadsheet
from reconciler.app.session import Access, ReadSession, WriteSession, open_session
from reconciler.cli.inputs import asking, checked_workspace, require_terminal
from reconciler.cli.options import (
    adopt_found_option,
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
from reconciler.cli.terminal import note, out, out_json, progress
from reconciler.errors import UsageError
from reconciler.render.styled_text import line, span

MOST_SHOWN = 50
"""The most entries that are listed as not imported; the rest are counted."""


@click.command("import")
@click.argument("numbers", nargs=-1, metavar="[NUMBER]...")
@click.option("--run", metavar="JR-NUMBER", help="All entries that a journal run created.")
@click.option(
    "--period",
    metavar="NAME",
    shell_complete=completing("period"),
    help="All entries of an accounting period that no journal run created and no "
    "workspace manages.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="COUNT",
    help="Import at most COUNT entries of --period; run the command again for the next ones.",
)
@click.option(
    "--name",
    callback=sound_name,
    help="The name of the declaration, for a single NUMBER. [default: the number]",
)
@file_option("--to", text="The file to write, inside the workspace. [default: imported/NAME.yaml]")
@flag_option(
    "--write-only",
    text="Write the files and adopt nothing. The plan of a pull request then shows the "
    "adoption, and the next apply carries it out.",
)
@flag_option("--auto-approve", "--yes", "-y", text="Import a --period without confirmation.")
@file_option(
    "--from", "file", text="Declare the journals of a .csv or .xlsx file instead. Needs --mapping."
)
@click.option(
    "--mapping",
    metavar="NAME",
    shell_complete=completing("mapping"),
    help="The SpreadsheetMapping of the workspace that says what each column is.",
)
@click.option("--sheet", metavar="NAME", help="The sheet of the workbook. [default: the mapping's]")
@flag_option("--update", text="Change declarations that differ from the spreadsheet.")
@writing_options
@adopt_found_option
@ca_bundle_option
@json_output
def import_(*, write_only: bool, auto_approve: bool, ca_bundle: str | None, **given: Any) -> int:
    """Declare entries and journal runs that are already in the ledger, and adopt them.

    Each NUMBER gets a declaration, and its live entry gets this workspace's marker. No amount
    changes. Of the entries of a journal run, only the basic information is managed.

    With --from, declare the journals of a spreadsheet. Nothing is posted until an apply. --dry-run
    and --check are for --from alone.
    """
    writing = take(WritingOptions, given)
    sheet = {name: given.pop(name) for name in ("file", "mapping", "sheet", "update")}
    options = take(ImportOptions, given)
    if sheet["file"] is not None:
        _require_sheet_only(options, sheet, other=write_only or auto_approve)
        chosen = SpreadsheetOptions(writing=writing, **sheet)
        return import_spreadsheet(checked_workspace(), chosen, tell=Printer())
    if writing != WritingOptions() or any(sheet.values()):
        raise UsageError(
            "--mapping, --sheet, --update, --dry-run and --check are for --from FILE",
            remedy="Omit them, or name the spreadsheet with --from.",
        )
    _require_fitting(options)
    ask = options.period is not None and not (auto_approve or write_only)
    if ask:
        require_terminal("Add --auto-approve, or --write-only.")

    def agree(found: PeriodImport) -> bool:
        _show(found)
        if not found.imports:
            note("There is nothing to import.")
            return True
        return not ask or interaction.confirm(len(found.imports), None)

    workspace = checked_workspace()
    interaction = Interaction(
        tell=Printer(), progress=progress, confirm=asking("Import", "imported", "entry", "entries")
    )
    kind, access = ReadSession if write_only else WriteSession, Access(ca_bundle=ca_bundle)
    with open_session(kind, workspace, access, command="import") as session:
        return import_objects(session, options, interaction, agree=agree)


def _require_sheet_only(options: ImportOptions, sheet: Mapping[str, Any], *, other: bool) -> None:
    if options != ImportOptions(numbers=()) or other:
        raise UsageError(
            "--from cannot be combined with what imports from the ledger",
            remedy="Omit --from, or the options for the ledger.",
        )
    if sheet["mapping"] is None:
        raise UsageError("--from needs a SpreadsheetMapping", remedy="Name it with --mapping.")


def _require_fitting(options: ImportOptions) -> None:
    named = bool(options.numbers) or options.run is not None
    if not named and options.period is None:
        raise UsageError(
            "nothing is named that could be imported",
            remedy="Name the numbers to import, a journal run with --run, an accounting period "
            "with --period, or a spreadsheet with --from.",
        )
    if options.adopt_found is not None and options.period is None:
        raise UsageError(
            "--adopt-found is for --period", remedy="Omit it: a number is proof by itself."
        )
    if options.period is not None and (named or options.name or options.to):
        raise UsageError(
            "--period cannot be combined with numbers, --run, --name or --to",
            remedy="Omit --period, or all of these.",
        )
    if options.name is not None and (len(options.numbers) != 1 or options.run is not None):
        raise UsageError(
            "--name is for exactly one number", remedy="Name one number, or omit --name."
        )


def _show(found: PeriodImport) -> None:
    out_json(
        {
            "period": found.period,
            "imports": [
                {"number": one.live.number, "address": str(one.address)} for one in found.imports
            ],
            "not_imported": [{"number": number, "message": why} for number, why in found.left],
            "left_for_later": found.waiting,
        }
    )
    out([line(("Import of ", ""), span(found.period, "strong"))])
    for item in found.imports:
        where = str(item.path) if item.path is not None else "already declared, adopted now"
        out([line("  ", span("=", "adopt"), f" {item.live.number}  {item.address.name}  {where}")])
    for number, why in found.left[:MOST_SHOWN]:
        out([line("  ", span(f"not imported: {number}", "faint"), f"  {why}")])
    if (more := len(found.left) - MOST_SHOWN) > 0:
        out([line("  ", span(f"not imported: {more} more", "faint"))])
    if found.waiting:
        how = "run the command again, or raise --limit"
        out([line("  ", f"{found.waiting} more can be imported: {how}.")])
