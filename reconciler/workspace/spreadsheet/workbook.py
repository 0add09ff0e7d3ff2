"""Reads a sheet of an Excel workbook: exact numbers, days, and what is wrong with a cell."""

import warnings
import zipfile
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.workspace.spreadsheet.cells import (
    Cell,
    Sheet,
    SpreadsheetRefused,
    number_of,
    place_of,
)
from reconciler.workspace.spreadsheet.csv_file import MAX_BYTES, MAX_ROWS
from reconciler.workspace.spreadsheet.number_formats import is_scaled

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet


def read_workbook(path: Path, *, sheet: str | None) -> Sheet:
    """A sheet of the workbook; its only one if none is named.

    No macro runs, no link is followed, no formula is computed: results are those that the
    spreadsheet program stored. Raises SpreadsheetRefused and OSError.
    """
    import openpyxl  # noqa: PLC0415  an extra, and slow to load

    _require_small(path)
    try:
        with warnings.catch_warnings():
            # It warns on stderr of what it cannot write again, such as a list of allowed values.
            warnings.simplefilter("ignore")
            # The second pass tells a formula without a stored result from an empty cell.
            values = openpyxl.load_workbook(path, data_only=True, keep_links=False)
            formulas = openpyxl.load_workbook(path, keep_links=False)
    except OSError:
        raise
    except Exception as error:  # whatever a damaged file makes the library raise
        raise SpreadsheetRefused(
            f"the file cannot be read as a workbook: {error}", remedy=_SAVE_AGAIN
        ) from error
    name = _chosen(values.sheetnames, sheet)
    return _sheet(values[name], formulas[name])


_SAVE_AGAIN = "Open it in a spreadsheet program, and save it as .xlsx again."


def _require_small(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
    except zipfile.BadZipFile as error:
        raise SpreadsheetRefused("the file is not an .xlsx workbook", remedy=_SAVE_AGAIN) from error
    if unpacked > MAX_BYTES:
        raise SpreadsheetRefused(
            "the workbook is longer than 50 MiB unpacked",
            remedy="Copy the sheet into a workbook of its own.",
        )


def _chosen(names: list[str], sheet: str | None) -> str:
    if sheet is None and len(names) == 1:
        return names[0]
    if sheet is None:
        raise SpreadsheetRefused(
            f"the workbook has {len(names)} sheets: {', '.join(names)}",
            remedy="Name one with `--sheet`, or as `sheet` in the mapping.",
        )
    if sheet not in names:
        raise SpreadsheetRefused(
            f"the workbook has no sheet `{sheet}`; it has {', '.join(names)}",
            remedy="Correct `--sheet`, or `sheet` in the mapping.",
        )
    return sheet


def _sheet(values: "Worksheet", formulas: "Worksheet") -> Sheet:
    if not hasattr(values, "merged_cells"):
        raise SpreadsheetRefused("the sheet is a chart", remedy="Name a sheet with cells.")
    if values.sheet_state != "visible":
        raise SpreadsheetRefused(
            f"the sheet `{values.title}` is hidden", remedy="Show it, or name another one."
        )
    if values.max_row > MAX_ROWS:
        raise SpreadsheetRefused(
            f"the sheet has more than {MAX_ROWS:,} rows", remedy="Split the sheet."
        )
    name = values.title
    rows: dict[int, dict[int, Cell]] = {}
    for number, row in enumerate(values.iter_rows(), start=1):
        for column, found in enumerate(row, start=1):
            formula = formulas.cell(number, column).data_type == "f"
            cell = _cell(place_of(name, number, column), found, formula=formula)
            if cell is not None:
                rows.setdefault(number, {})[column] = cell
    for merged in values.merged_cells.ranges:
        anchor = place_of(name, merged.min_row, merged.min_col)
        for number, column in merged.cells:
            place = place_of(name, number, column)
            if place != anchor:
                rows.setdefault(number, {})[column] = Cell(
                    place=place,
                    flaw=f"the cell is merged with {anchor}",
                    remedy="Unmerge the cells, and write the value into each of them.",
                )
    hidden = frozenset(
        number for number, dimension in values.row_dimensions.items() if dimension.hidden
    )
    # One element may be about several columns.
    columns = frozenset(
        column
        for dimension in values.column_dimensions.values()
        if dimension.hidden
        for column in range(dimension.min or 0, (dimension.max or 0) + 1)
    )
    return Sheet(name=name, rows=rows, hidden=hidden, hidden_columns=columns)


def _cell(place: str, found: Any, *, formula: bool) -> Cell | None:
    """What a cell holds, None if nothing. `formula`: the value is a stored result."""
    value, flaw, remedy, number_format = found.value, "", "", ""
    if isinstance(value, str):
        value = value.strip() or None
    if value is None and formula and found.data_type != "str":
        # A formula whose result is an empty text is stored with the type of a text.
        flaw = "the formula has no stored result"
        remedy = "Open and save the file in a spreadsheet program."
    elif found.data_type == "e":
        flaw, remedy = f"the cell holds the error {value}", "Correct the formula."
    elif isinstance(value, bool):
        flaw = f"the cell holds {str(value).upper()}"
        remedy = "Write a text or a number."
    elif isinstance(value, datetime) and value.time() == datetime.min.time():
        value = value.date()
    elif isinstance(value, datetime | time | timedelta):
        flaw, remedy = "the cell holds a time of day", "Write a date without a time."
    elif isinstance(value, int | float):
        value = Decimal(value) if isinstance(value, int) else number_of(value)
        number_format = found.number_format
        if "%" in number_format:
            flaw, remedy = "the cell holds a percentage", "Format the cell as a number."
        elif is_scaled(number_format):
            flaw = "the format of the cell shows a smaller number than the cell holds"
            remedy = "Format the cell as a number."
    if flaw:
        return Cell(place=place, flaw=flaw, remedy=remedy)
    if value is None:
        return None
    return Cell(place=place, value=value, number_format=number_format)
