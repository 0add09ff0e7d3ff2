"""Makes declarations of the rows of a sheet: one entry for each key, every value with its cell."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import date
from decimal import Decimal

from reconciler.core.model.enumerations import Side
from reconciler.core.model.finding import joined
from reconciler.core.model.money import ZERO, shown, total
from reconciler.core.model.resource import Path, Value
from reconciler.core.model.sheets.sheet_import import CellFinding
from reconciler.core.model.similar_names import KnownNames
from reconciler.core.model.tenant import Tenant
from reconciler.values import dataclass
from reconciler.workspace.spreadsheet.cell_values import (
    CellRefused,
    amount_in,
    date_in,
    meaning_of,
    period_containing,
    text_in,
)
from reconciler.workspace.spreadsheet.cells import (
    Sheet,
    column_and_row,
    column_letters,
    place_of,
)
from reconciler.workspace.spreadsheet.control_totals import (
    cells_of_totals,
    check_total,
    line_beside,
)
from reconciler.workspace.spreadsheet.mapping import AmountColumns, SpreadsheetMapping, TextSource

LINES = "journalEntryItems"

IN_MAPPING = 0, 0
"""In place of a row and a column, for what the mapping says itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetEntry:
    """An entry of a sheet: its name, its key, its spec, and the cell of every path in it."""

    name: str
    key: str
    spec: Mapping[str, Value]
    cells: Mapping[Path, tuple[int, int]]

    def cell_of(self, path: Path) -> tuple[int, int]:
        """The row and the column of what a path in the declaration leads to."""
        while path and path not in self.cells:
            path = path[:-1]
        return self.cells[path]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetEntries:
    """What a sheet holds: entries in the order of their first rows, or what is wrong with it.

    `zero_rows` are places of rows whose amount is zero: they make no line. `totals` are the debits
    by currency.
    """

    entries: tuple[SheetEntry, ...] = ()
    findings: tuple[CellFinding, ...] = ()
    rows: int = 0
    zero_rows: tuple[str, ...] = ()
    totals: Mapping[str, Decimal] = field(default_factory=dict)
    controlled: tuple[str, ...] = ()
    """The cells with control totals that were compared, and are equal."""


def entries_of(sheet: Sheet, mapping: SpreadsheetMapping, tenant: Tenant) -> SheetEntries:
    """The entries of a sheet. No row with a value is left out: it is used, or it is a finding."""
    reader = _Reader(sheet, mapping, tenant)
    entries = tuple(reader.entries())
    controlled = tuple(reader.compared_totals()) if not reader.findings else ()
    return SheetEntries(
        entries=entries,
        findings=tuple(sorted(set(reader.findings))),
        rows=reader.used,
        zero_rows=tuple(reader.zero_rows),
        totals={key: sums[Side.DEBIT] for key, sums in sorted(reader.sums.items())},
        controlled=controlled,
    )


class _Reader:
    """Reads a sheet row by row, and gathers what is wrong."""

    def __init__(self, sheet: Sheet, mapping: SpreadsheetMapping, tenant: Tenant) -> None:
        self.sheet, self.mapping, self.tenant = sheet, mapping, tenant
        self.findings: list[CellFinding] = []
        self.zero_rows: list[str] = []
        self.sums: dict[str, dict[Side, Decimal]] = {}
        self.used = 0
        self._accounts: dict[str, set[str]] = {}
        for code in tenant.codes:
            self._accounts.setdefault(code.gl_account_number, set()).add(code.name)
        self._columns = self._headers()

    def entries(self) -> Iterator[SheetEntry]:
        if self.findings:
            return
        groups: dict[tuple[str, ...], list[int]] = {}
        for row in self._rows():
            if (key := self._key(row)) is not None:
                groups.setdefault(key, []).append(row)
        names: dict[str, int] = {}
        for key, rows in groups.items():
            before = len(self.findings)
            name = self._name(rows)
            spec, cells = self._spec(rows)
            first = names.setdefault(name, rows[0])
            if first != rows[0]:
                where = place_of(self.sheet.name, first, self._columns[self.mapping.name_column])
                message = f"the name {name} is that of {where} too"
                remedy = "Make the texts differ in more than signs and capitals."
                self._find(rows[0], self.mapping.name_column, "sheet-key", message, remedy)
            if len(self.findings) == before and not spec[LINES]:
                message = f"every row of the entry `{' / '.join(key)}` has the amount zero"
                remedy = "Remove the rows, or write their amounts."
                self._find(rows[0], self.mapping.name_column, "sheet-entry", message, remedy)
            if len(self.findings) == before:
                yield SheetEntry(name=name, key=" / ".join(key), spec=spec, cells=cells)
        if not groups and not self.findings:
            message = "no row below the header has a value in a column of the mapping"
            remedy = "Check `sheet` and `headerRow` of the mapping."
            self._find(self.mapping.header_row, "", "sheet-row", message, remedy)

    def compared_totals(self) -> Iterator[str]:
        """The cells of the control totals, each compared with the rows."""
        for side, cell in self.mapping.control_totals.items():
            column, row = column_and_row(cell)
            try:
                check_total(self.sheet, self.mapping, self.tenant, self.sums, side)
            except CellRefused as refused:
                self._refuse(row, column, refused)
            else:
                yield place_of(self.sheet.name, row, column)

    def _headers(self) -> dict[str, int]:
        row = self.mapping.header_row
        found: dict[str, int] = {}
        texts = self.sheet.rows.get(row, {})
        wanted = self.mapping.columns
        for column, cell in sorted(texts.items()):
            name = " ".join(str(cell.value).split()) if cell.value is not None else ""
            if name in found and name in wanted:
                message = f"the column `{name}` is at {column_letters(found[name])}{row} too"
                self._found_at(row, column, "sheet-column", message, "Rename one of them.")
            if name in wanted and column in self.sheet.hidden_columns:
                message = f"the column `{name}` is hidden"
                self._found_at(row, column, "sheet-column", message, _SHOW)
            found.setdefault(name, column)
        known = KnownNames(name for name in found if name)
        for name in wanted:
            if name in found:
                continue
            close = known.nearest(name)
            remedy = f"Did you mean `{close}`?" if close else _OTHER_HEADER
            if len(found) == 1 and re.search("[;\t|,]", next(iter(found))):
                remedy = "The row is one cell: set `csv.delimiter` in the mapping."
            message = f"row {row} has no column `{name}`"
            self._found_at(row, 1, "sheet-column", message, remedy)
        return found

    def _rows(self) -> Iterator[int]:
        """The rows with a value in a column of the mapping."""
        totals = cells_of_totals(self.mapping)
        columns = [self._columns[name] for name in self.mapping.columns]
        width = self.sheet.widths.get(self.mapping.header_row, 0)
        for row in sorted(self.sheet.rows):
            if row <= self.mapping.header_row:
                continue
            if row in totals:
                if at := line_beside(self.sheet, self.mapping, self._columns, row):
                    where = place_of(self.sheet.name, row, min(totals[row]))
                    message = f"the row holds a line beside the control total at {where}"
                    self._found_at(row, at, "sheet-row", message, _OWN_ROW)
                continue
            if self.sheet.rows[row] and (cells := self.sheet.widths.get(row, 0)) > width:
                # An amount such as 1,234.50 without quotes is two cells.
                message = f"the row has {cells} cells, and the header has {width}"
                self._found_at(row, width + 1, "sheet-row", message, _QUOTES)
                continue
            at = next(
                (column for column in columns if self.sheet.cell(row, column).is_filled), None
            )
            if at is None:
                continue
            if row in self.sheet.hidden:
                message = "the row is hidden, but has values"
                self._found_at(row, at, "sheet-row", message, "Show the row, or remove it.")
                continue
            self.used += 1
            yield row

    def _key(self, row: int) -> tuple[str, ...] | None:
        key = []
        for name in self.mapping.group_by:
            before = len(self.findings)
            text = self._said(row, TextSource(column=name))
            if not text and len(self.findings) == before:
                remedy = "Write it in every row. For a row with totals, see `controlTotals`."
                self._find(row, name, "sheet-row", f"the row has no `{name}`", remedy)
            key.append(text)
        return tuple(key) if all(key) else None

    def _name(self, rows: list[int]) -> str:
        text, _ = self._same(rows, TextSource(column=self.mapping.name_column))
        return self.mapping.name_prefix + re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")

    def _spec(self, rows: list[int]) -> tuple[dict[str, Value], dict[Path, tuple[int, int]]]:
        mapping, cells = self.mapping, dict[Path, tuple[int, int]]()
        cells[()] = (rows[0], self._columns[mapping.name_column])
        spec: dict[str, Value] = {}
        for name, source in mapping.entry.items():
            text, at = self._same(rows, source, name)
            cells["spec", name] = at
            if text:
                spec[name] = text
            elif name in _REQUIRED:
                message = f"the entry has no `{source.column}`"
                self._found_at(*at, "sheet-row", message, "Write it in a row of the entry.")
        segments, stated = list[Value](), False
        for index, (name, source) in enumerate(mapping.segments):
            text, at = self._same(rows, source)
            segments.append({"segmentName": name, "segmentValue": text})
            stated = stated or bool(text)
            cells["spec", "segments", index] = at
        if stated:
            spec["segments"] = tuple(segments)
        lines: list[Value] = []
        currency = str(spec.get("currency", ""))
        for row in rows:
            line = self._line(row, currency, ("spec", LINES, len(lines)), cells)
            if line:
                lines.append(line)
        spec[LINES] = tuple(lines)
        return spec, cells

    def _line(
        self, row: int, currency: str, path: Path, cells: dict[Path, tuple[int, int]]
    ) -> dict[str, Value]:
        before = len(self.findings)
        found = self._amount(row, self.mapping.amount, currency)
        columns, home_currency = self.mapping.home_amount, self.tenant.home_currency or ""
        home = self._amount(row, columns, home_currency, optional=True) if columns else None
        if found is None:
            if home and home[1] and len(self.findings) == before:
                message = "the row has an amount in the home currency alone"
                self._found_at(row, home[2], "sheet-amount", message, _BOTH_AMOUNTS)
            return {}
        side, amount, at = found
        line: dict[str, Value] = {}
        for name, source in self.mapping.line.items():
            text = self._said(row, source)
            if text:
                line[name] = text
            cells[*path, name] = self._cell(row, source)
        line |= {"type": side.value, "amount": amount}
        cells[*path, "amount"] = cells[path] = (row, at)
        sums = self.sums.setdefault(currency, dict.fromkeys(Side, ZERO))
        sums[side] = total((sums[side], amount))
        if home:
            if not home[1]:
                message = "the amount in the home currency is zero, and the other is not"
                self._found_at(row, home[2], "sheet-amount", message, _NO_ZERO)
            elif home[0] is not side:
                message = f"the amount is a {side.lower()}, and its home amount is not"
                self._found_at(row, home[2], "sheet-amount", message, "Move one of them.")
            line["homeCurrencyAmount"] = home[1]
            cells[*path, "homeCurrencyAmount"] = (row, home[2])
        return line

    def _amount(
        self, row: int, columns: AmountColumns, currency: str, *, optional: bool = False
    ) -> tuple[Side, Decimal, int] | None:
        """The side, the amount and the column; None with a finding, or if the amount is zero.

        If it is `optional`, cells may be empty, and a zero is returned as an amount.
        """
        units = self.tenant.minor_units(currency) if currency else None
        filled: list[tuple[Side, Decimal, int]] = []
        zero = False
        for name in columns.names:
            column = self._columns[name]
            try:
                cell = self.sheet.cell(row, column)
                amount = amount_in(cell, self.mapping, currency=currency, units=units)
            except CellRefused as refused:
                self._refuse(row, column, refused)
                return None
            if amount is None or amount == ZERO:
                zero = zero or cell.value is not None
                continue
            side = Side.CREDIT if name == columns.credit else Side.DEBIT
            if name == columns.signed:
                other = Side.CREDIT if columns.positive is Side.DEBIT else Side.DEBIT
                side, amount = (columns.positive if amount > 0 else other), abs(amount)
            elif amount < 0:
                message = f"the cell holds {shown(amount, currency)}, a negative {side.lower()}"
                remedy = "Write it into the other column, or map `amount` with `positive`."
                self._found_at(row, column, "sheet-amount", message, remedy)
                return None
            filled.append((side, amount, column))
        if len(filled) == 1:
            return filled[0]
        at = self._columns[columns.names[0]]
        words = joined([f"`{name}`" for name in columns.names])
        if filled:
            message = f"{words} both have an amount"
            self._found_at(row, filled[1][2], "sheet-amount", message, "Write a row for each side.")
        elif optional:
            return (Side.DEBIT, ZERO, at) if zero else None
        elif zero:
            self.zero_rows.append(place_of(self.sheet.name, row, at))
        else:
            message = f"the row has no amount in {words}"
            self._found_at(row, at, "sheet-amount", message, "Write the amount, or remove the row.")
        return None

    def _same(
        self, rows: list[int], source: TextSource, name: str = ""
    ) -> tuple[str, tuple[int, int]]:
        """What rows of one entry say, which must be one text, and the cell that says it."""
        first = "", self._cell(rows[0], source)
        for row in rows:
            text, at = self._said(row, source, name), self._cell(row, source)
            if text and not first[0]:
                first = text, at
            elif text and text != first[0]:
                where = place_of(self.sheet.name, *first[1])
                message = f"`{source.column}` is `{text}`, and `{first[0]}` at {where}"
                remedy = "Write the same in all rows of an entry, or give the row another key."
                self._found_at(*at, "sheet-entry", message, remedy)
        return first

    def _cell(self, row: int, source: TextSource) -> tuple[int, int]:
        return (row, self._columns[source.column]) if source.column else IN_MAPPING

    def _said(self, row: int, source: TextSource, name: str = "") -> str:
        if not source.column:
            return source.fixed
        cell = self.sheet.cell(row, self._columns[source.column])
        try:
            if name == "journalEntryDate":
                day = date_in(cell, self.mapping.date_order)
                return "" if day is None else day.isoformat()
            if name == "accountingPeriodName" and isinstance(cell.value, date):
                return period_containing(cell.value, self.tenant)
            return meaning_of(text_in(cell), source, self._accounts)
        except CellRefused as refused:
            self._refuse(row, self._columns[source.column], refused)
            return ""

    def _find(self, row: int, name: str, rule: str, message: str, remedy: str) -> None:
        self._found_at(row, self._columns.get(name, 1), rule, message, remedy)

    def _refuse(self, row: int, column: int, refused: CellRefused) -> None:
        self._found_at(row, column, refused.rule, refused.message, refused.remedy)

    def _found_at(self, row: int, column: int, rule: str, message: str, remedy: str) -> None:
        self.findings.append(
            CellFinding(
                row=row,
                column=column,
                place=place_of(self.sheet.name, row, column),
                rule=rule,
                message=message,
                remedy=remedy,
            )
        )


_BOTH_AMOUNTS = "Write the amount in the currency of the entry too, or remove this one."
_NO_ZERO = "Write the amount, at least of the smallest unit. In the home currency, empty the cell."
_QUOTES = "Put quotes around a cell that holds the delimiter."
_OWN_ROW = (
    "Move the control total into a row without a line, and name its new cell in `controlTotals`."
)
_SHOW = "Show the column, or remove it from the mapping."
_OTHER_HEADER = "Correct the mapping, or `headerRow`."
_REQUIRED = frozenset({"accountingPeriodName", "journalEntryDate", "currency"})
