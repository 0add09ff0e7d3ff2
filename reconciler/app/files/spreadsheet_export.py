"""The declared entries of a workspace as a spreadsheet."""

from reconciler.app.workspace import CheckedWorkspace, require_valid
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.sheets.entry_table import entry_table
from reconciler.errors import UsageError
from reconciler.workspace.spreadsheet.writing import csv_text, workbook_bytes


def exported(
    workspace: CheckedWorkspace, style: str, *, periods: tuple[str, ...], labels: tuple[str, ...]
) -> bytes:
    """The entries as `csv` or `xlsx`: all, or those of these periods with one of these labels.

    Raises FilesRefused for a workspace with problems, and UsageError if no entry matches.
    """
    require_valid(workspace)
    chosen = [
        declared
        for address, declared in sorted(workspace.declared.items())
        if address.kind == JOURNAL_ENTRY.name
        and (not periods or declared.spec.get(JOURNAL_ENTRY.period) in periods)
        and (
            not labels or any(f"{name}={text}" in labels for name, text in declared.labels.items())
        )
    ]
    if not chosen:
        raise UsageError(
            "no declared entry matches, so nothing was exported",
            remedy="Check --period and --select.",
        )
    table = entry_table(chosen, home_currency=workspace.tenant.home_currency or "")
    return csv_text(table).encode() if style == "csv" else workbook_bytes(table)
