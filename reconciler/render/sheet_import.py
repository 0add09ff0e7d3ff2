"""Draws what an import of a spreadsheet found: problems by cell, or what is declared."""

from collections.abc import Iterator

from reconciler.core.model.finding import counted
from reconciler.core.model.money import shown
from reconciler.core.model.sheets.sheet_import import SheetFindings, SheetSummary
from reconciler.render.styled_text import Line, line

_MOST_ROWS = 10


def finding_lines(found: SheetFindings) -> Iterator[Line]:
    """Each problem with its cell and what to do; the number of those that are not shown."""
    for one in found.findings:
        yield line((one.place, "strong"), (f": error[{one.rule}]", "bad"), f": {one.message}")
        yield line(f"To fix: {one.remedy}", indent=4)
    if more := found.count - len(found.findings):
        yield line((f"{counted(more, 'more problem')}.", "bad"))


def sheet_lines(summary: SheetSummary) -> Iterator[Line]:
    """The entries and totals of a sheet, and the rows that make no line."""
    same = summary.entries - summary.new - summary.changed
    counts = f"{summary.new} new, {summary.changed} changed, {same} unchanged"
    entries = counted(summary.entries, "entry", "entries")
    yield line(
        (summary.sheet, "strong"), f": {entries} of {counted(summary.rows, 'row')}: {counts}"
    )
    for currency, amount in summary.debits.items():
        yield line(f"Debits {currency} {shown(amount, currency)}", indent=2)
    for place in summary.controlled:
        yield line(f"Control total {place}: equal", indent=2)
    for place in summary.zero_rows[:_MOST_ROWS]:
        yield line(f"No line for {place}: its amount is zero", indent=2)
    if (more := len(summary.zero_rows) - _MOST_ROWS) > 0:
        rows = counted(more, "more row")
        yield line(f"No line for {rows} with the amount zero", indent=2)
