"""Writes a table of entries as CSV or as an Excel workbook. No cell becomes a formula."""

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

from reconciler.core.model.enumerations import Side
from reconciler.core.model.money import written
from reconciler.core.model.resource import Value
from reconciler.core.model.sheets.entry_table import DATE, EntryTable
from reconciler.workspace.spreadsheet.cells import DIGITS, guarded


def csv_text(table: EntryTable) -> str:
    """The table as CSV. A text that a program would take for a formula begins with `'`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(guarded, table.columns))
    for row in table.rows:
        texts = (_as_text(value, table.currency_of(row, at)) for at, value in enumerate(row))
        writer.writerow(
            guarded(text) if isinstance(value, str) else text
            for value, text in zip(row, texts, strict=True)
        )
    return text.getvalue()


def _as_text(value: Value, currency: str) -> str:
    if isinstance(value, Decimal):
        return written(value, currency)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def workbook_bytes(table: EntryTable) -> bytes:
    """The table as a workbook: the entries, and a sheet with totals."""
    import openpyxl  # noqa: PLC0415  an extra, and slow to load
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Entries"
    sheet.append(list(table.columns))
    for number, row in enumerate(table.rows, start=2):
        for at, value in enumerate(row):
            currency = table.currency_of(row, at)
            _fill(sheet.cell(number, at + 1), value, currency=currency, day=at == DATE)
    totals = book.create_sheet("Totals")
    totals.append(["Currency", "Debits", "Credits", "Entries", "Lines"])
    for number, (currency, sums) in enumerate(table.totals.items(), start=2):
        totals.cell(number, 1).value = currency
        for column, side in enumerate(Side, start=2):
            _fill(totals.cell(number, column), sums[side], currency=currency)
    totals.cell(2, 4).value, totals.cell(2, 5).value = table.entries, len(table.rows)
    for one in book.worksheets:
        one.freeze_panes = "A2"
        for column in range(1, one.max_column + 1):
            header = one.cell(1, column)
            header.font = Font(bold=True)
            width = max(12, len(str(header.value)) + 2)
            one.column_dimensions[get_column_letter(column)].width = width
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _fill(cell: Any, value: Value, *, currency: str, day: bool = False) -> None:
    """Write a value: a number if a number cell holds it exactly, a date, or a text."""
    if value is None:
        return
    if isinstance(value, Decimal) and len(value.as_tuple().digits) <= DIGITS:
        decimals = len(written(value, currency).partition(".")[2])
        cell.value = value
        cell.number_format = "#,##0" + (f".{'0' * decimals}" if decimals else "")
    elif day:
        cell.value = date.fromisoformat(str(value))
        cell.number_format = "yyyy-mm-dd"
    else:
        cell.value = _as_text(value, currency)
        # Set after the value: a text that begins with = would become a formula.
        cell.data_type = "s"
