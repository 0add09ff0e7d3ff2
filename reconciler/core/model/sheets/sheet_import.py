"""What an import of a spreadsheet finds and declares, for its caller to show."""

from collections.abc import Mapping
from decimal import Decimal

from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class CellFinding:
    """What is wrong at a place of a spreadsheet, such as `Accruals!D14`, and what to do."""

    row: int
    column: int
    place: str
    rule: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFindings:
    """What is wrong in a spreadsheet: the first findings, and how many there are."""

    findings: tuple[CellFinding, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetSummary:
    """What a sheet holds: rows and entries, of them new and changed ones, debits by currency.

    `zero_rows` are places of rows without an amount, `controlled` those of equal control totals.
    """

    sheet: str
    rows: int
    entries: int
    new: int
    changed: int
    zero_rows: tuple[str, ...]
    debits: Mapping[str, Decimal]
    controlled: tuple[str, ...]
