"""The rules of spreadsheets, which `explain` prints. Each finding names a cell."""

from reconciler.core.model.finding import Rule, catalogue, warning_rule

SHEET_RULES = catalogue(
    Rule(
        id="sheet-column",
        summary="The header row has each column of the mapping, once.",
        why="A column that is missing or named twice would be guessed.",
        remedy="Correct the header of the sheet, or the mapping.",
    ),
    Rule(
        id="sheet-row",
        summary="Every row with a value is part of an entry.",
        why="A row that is left out is money that is not posted, and nobody would notice.",
        remedy="Complete the row, or remove it. Name the cells of a totals row in `controlTotals`.",
    ),
    Rule(
        id="sheet-amount",
        summary="An amount is exact, positive, and on one side.",
        why="A number cell is a binary double with 15 digits for certain. A rounded amount is "
        "another amount.",
        remedy="Round the amount in the sheet, or format the cell as text and type it again.",
    ),
    Rule(
        id="sheet-date",
        summary="A date is a date cell, or a text in the order that the mapping states.",
        why="03/04/2026 is a day of March or of April. The number of a day is a date only by its "
        "format.",
        remedy="Format the cell as a date, or set `dates` in the mapping.",
    ),
    Rule(
        id="sheet-entry",
        summary="All rows of an entry state the same fields of the entry.",
        why="An entry has one date, one currency and one text of notes.",
        remedy="Write the same in all rows of an entry, or give a row another key.",
    ),
    Rule(
        id="sheet-key",
        summary="Each key of a sheet becomes a name of its own.",
        why="Two entries with one name would be one entry.",
        remedy="Make the texts differ in more than signs and capitals.",
    ),
    Rule(
        id="sheet-total",
        summary="The control totals of a sheet equal its rows.",
        why="A total that differs shows a row that is missing, added or changed.",
        remedy="Correct the rows or the total.",
    ),
    Rule(
        id="import-changed",
        summary="A declaration that a sheet would change is changed on request only.",
        why="The declaration may be posted. A change of an amount cancels the entry and posts it "
        "again.",
        remedy="Read the difference. Then add --update.",
    ),
    warning_rule(
        id="import-vanished",
        summary="A declaration that came from a sheet still has its key there.",
        why="A key that is gone may be a row that was removed by mistake. Its file stays.",
        remedy="Restore the rows, or remove the file of the declaration.",
    ),
)
