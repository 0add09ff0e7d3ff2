"""Control totals of a sheet: where they are, and whether the rows come to the same amounts."""

from collections.abc import Mapping
from decimal import Decimal

from reconciler.core.model.enumerations import Side
from reconciler.core.model.money import shown
from reconciler.core.model.tenant import Tenant
from reconciler.workspace.spreadsheet.cell_values import CellRefused, amount_in
from reconciler.workspace.spreadsheet.cells import Sheet, column_and_row
from reconciler.workspace.spreadsheet.mapping import SpreadsheetMapping


def cells_of_totals(mapping: SpreadsheetMapping) -> Mapping[int, frozenset[int]]:
    """The rows with a control total, each with the columns of its totals."""
    cells = [column_and_row(cell) for cell in mapping.control_totals.values()]
    return {row: frozenset(column for column, of in cells if of == row) for _, row in cells}


def line_beside(
    sheet: Sheet, mapping: SpreadsheetMapping, columns: Mapping[str, int], row: int
) -> int | None:
    """The first cell of a line in a row with a control total; None without a key or a line.

    Such a row makes no line.
    """
    if not all(sheet.cell(row, columns[name]).is_filled for name in mapping.group_by):
        return None
    names = [source.column for source in mapping.line.values() if source.column]
    for amount in filter(None, (mapping.amount, mapping.home_amount)):
        names.extend(amount.names)
    cells = sorted({columns[name] for name in names} - cells_of_totals(mapping)[row])
    return next((column for column in cells if sheet.cell(row, column).is_filled), None)


def check_total(
    sheet: Sheet,
    mapping: SpreadsheetMapping,
    tenant: Tenant,
    sums: Mapping[str, Mapping[Side, Decimal]],
    side: Side,
) -> None:
    """Raises CellRefused if a cell does not state the total of one side of the rows."""
    if len(sums) != 1:
        message = f"the rows have {len(sums)} currencies, and the total has one"
        raise CellRefused("sheet-total", message, "Import each currency separately.")
    ((currency, found),) = sums.items()
    units = tenant.minor_units(currency)
    column, row = column_and_row(mapping.control_totals[side])
    amount = amount_in(sheet.cell(row, column), mapping, currency=currency, units=units)
    if amount is None or abs(amount) != found[side]:
        stated = "nothing" if amount is None else shown(amount, currency)
        sum_of_rows = shown(found[side], currency)
        message = f"the cell states {stated}, but the {side.lower()}s of the rows are {sum_of_rows}"
        raise CellRefused("sheet-total", message, "Correct the rows or the total.")
