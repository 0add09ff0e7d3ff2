"""The rules of verbs that write files, read spreadsheets or rehearse, which `explain` prints."""

from collections.abc import Mapping

from reconciler.core.model.finding import Rule, warning_rule

WRITING_RULES: Mapping[str, Rule] = {
    "file-modified": Rule(
        summary="A verb does not overwrite edits that no commit holds.",
        why="The edits would be lost, because nothing else has them.",
        remedy="Commit the edits, or discard them with `git restore`.",
    ),
    "reversal-period": Rule(
        summary="A reversal is posted in an open period.",
        why="A date is never moved into a period that nobody chose. Without an open period after "
        "that of the entry there is none to propose.",
        remedy="Create or reopen a period and write it into the Reference. Or name the period "
        "with --period.",
    ),
    "reversal-name": Rule(
        summary="A name has at most 63 characters.",
        why="The marker of a live entry holds the name, and its field is short.",
        remedy="Choose a shorter name with --name.",
    ),
}

SHEET_RULES: Mapping[str, Rule] = {
    "sheet-column": Rule(
        summary="The header row has each column of the mapping, once.",
        why="A column that is missing or named twice would be guessed.",
        remedy="Correct the header of the sheet, or the mapping.",
    ),
    "sheet-row": Rule(
        summary="Every row with a value is part of an entry.",
        why="A row that is left out is money that is not posted, and nobody would notice.",
        remedy="Complete the row, or remove it. Name the cells of a totals row in `controlTotals`.",
    ),
    "sheet-amount": Rule(
        summary="An amount is exact, positive, and on one side.",
        why="A number cell is a binary double with 15 digits for certain. A rounded amount is "
        "another amount.",
        remedy="Round the amount in the sheet, or format the cell as text and type it again.",
    ),
    "sheet-date": Rule(
        summary="A date is a date cell, or a text in the order that the mapping states.",
        why="03/04/2026 is a day of March or of April. The number of a day is a date only by its "
        "format.",
        remedy="Format the cell as a date, or set `dates` in the mapping.",
    ),
    "sheet-entry": Rule(
        summary="All rows of an entry state the same fields of the entry.",
        why="An entry has one date, one currency and one text of notes.",
        remedy="Write the same in all rows of an entry, or give a row another key.",
    ),
    "sheet-key": Rule(
        summary="Each key of a sheet becomes a name of its own.",
        why="Two entries with one name would be one entry.",
        remedy="Make the texts differ in more than signs and capitals.",
    ),
    "sheet-total": Rule(
        summary="The control totals of a sheet equal its rows.",
        why="A total that differs shows a row that is missing, added or changed.",
        remedy="Correct the rows or the total.",
    ),
    "import-changed": Rule(
        summary="A declaration that a sheet would change is changed on request only.",
        why="The declaration may be posted. A change of an amount cancels the entry and posts it "
        "again.",
        remedy="Read the difference. Then add --update.",
    ),
    "import-vanished": warning_rule(
        summary="A declaration that came from a sheet still has its key there.",
        why="A key that is gone may be a row that was removed by mistake. Its file stays.",
        remedy="Restore the rows, or remove the file of the declaration.",
    ),
}

REHEARSAL_RULES: Mapping[str, Rule] = {
    "rehearsal-refused": Rule(
        summary="The scratch ledger accepts every change of a plan that is rehearsed.",
        why="What the scratch ledger refuses, the real one refuses too, or does so for a client "
        "with these permissions.",
        remedy="Correct the declaration, or name the permissions of the real client with "
        "--rehearse-as. Then rehearse the plan again.",
    ),
    "rehearsal-differs": Rule(
        summary="The trial balance of the scratch ledger is that of the plan's impact.",
        why="The ledger shares no code with the plan, so a difference means that one of them is "
        "wrong.",
        remedy="Do not apply the plan. Make it again, and compare the rows with the entries of the "
        "period.",
    ),
}
