"""Cells of a spreadsheet: an exact value each, or what keeps the cell from being used."""

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from reconciler.values import dataclass

CellValue: TypeAlias = str | Decimal | date | None

DIGITS = 15
"""The significant digits that a number cell holds for certain: it is a binary double."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell at its place, such as `Accruals!D14`.

    `value` is the text without the spaces around it, the number, the day, or None if it is empty.
    A cell with a `flaw` has no value that can be relied on; `remedy` says what to do.
    `number_format` is how a workbook shows a number.
    """

    place: str
    value: CellValue = None
    number_format: str = ""
    flaw: str = ""
    remedy: str = ""

    @property
    def is_filled(self) -> bool:
        return self.value is not None or bool(self.flaw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet with its cells by row, then by column, both from 1. Empty cells are left out.

    `hidden` and `hidden_columns` are those that its author does not see. `widths` are the numbers
    of cells that a CSV file has in each row, empty ones too.
    """

    name: str
    rows: Mapping[int, Mapping[int, Cell]]
    hidden: frozenset[int] = field(default_factory=frozenset)
    hidden_columns: frozenset[int] = field(default_factory=frozenset)
    widths: Mapping[int, int] = field(default_factory=dict)

    def cell(self, row: int, column: int) -> Cell:
        """The cell; an empty one where nothing is written."""
        return self.rows.get(row, {}).get(column) or Cell(place=place_of(self.name, row, column))


class SpreadsheetRefused(Exception):
    """A file that cannot be read as a spreadsheet. Has a remedy."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


def place_of(sheet: str, row: int, column: int) -> str:
    """A cell as spreadsheet programs write it: `Accruals!D14`, quoted if the name has spaces."""
    name = sheet if re.fullmatch(r"[\w.]+", sheet) else "'" + sheet.replace("'", "''") + "'"
    return f"{name}!{column_letters(column)}{row}"


def column_letters(column: int) -> str:
    """`A` for the first column, `AA` for the 27th."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_and_row(cell: str) -> tuple[int, int]:
    """The column and the row of `D210`."""
    letters = cell.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column, int(cell[len(letters) :])


def number_of(value: float) -> Decimal:
    """The decimal that a number cell shows: its 15 significant digits.

    A cell is a binary double, which is never the decimal that was typed. Within 15 digits the
    typed decimal is the only one that the double stands for.
    """
    return Decimal(format(value, f".{DIGITS}g"))


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def guarded(text: str) -> str:
    """A text for a CSV file: with a quote before what a program would take for a formula."""
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith((*_FORMULA, "'")) else text
