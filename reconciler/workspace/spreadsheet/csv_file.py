"""Reads a CSV file as a sheet: every cell is text."""

import csv
import io
from pathlib import Path

from reconciler.workspace.spreadsheet.cells import (
    Cell,
    Sheet,
    SpreadsheetRefused,
    place_of,
    unguarded,
)

MAX_ROWS = 200_000
MAX_BYTES = 50 * 1024 * 1024


def read_csv(path: Path, *, delimiter: str = ",", encoding: str = "utf-8") -> Sheet:
    """The file as a sheet of its own name. Raises SpreadsheetRefused and OSError.

    A byte order mark is left out.
    """
    data = path.read_bytes()
    if len(data) > MAX_BYTES:
        raise SpreadsheetRefused("the file is longer than 50 MiB", remedy="Split the file.")
    try:
        text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeError as error:
        raise SpreadsheetRefused(
            f"the file is not text in {encoding}",
            remedy="Save it as UTF-8, or set `csv.encoding` in the mapping.",
        ) from error
    rows: dict[int, dict[int, Cell]] = {}
    widths: dict[int, int] = {}
    try:
        for number, texts in enumerate(
            csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), start=1
        ):
            if number > MAX_ROWS:
                raise SpreadsheetRefused(
                    f"the file has more than {MAX_ROWS:,} rows", remedy="Split the file."
                )
            widths[number] = len(texts)
            rows[number] = {
                column: Cell(place=place_of(path.name, number, column), value=unguarded(found))
                for column, found in enumerate(map(str.strip, texts), start=1)
                if found
            }
    except csv.Error as error:
        raise SpreadsheetRefused(
            f"row {len(rows) + 1} cannot be read: {error}",
            remedy="Save the sheet as CSV again. A quote inside a cell is doubled.",
        ) from error
    return Sheet(name=path.name, rows=rows, widths=widths)
