"""Loads entries and runs of another ledger as they were read there, with their numbers.

No rule is checked, because they are posted already. This is no operation of the API.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, Table, insert, select

from ..errors import LedgerUnusable
from ..reference_data.code_types import type_of
from ..storage import tables
from ..storage.author import Author
from .entries import new_item
from .fields import ENTRY, ITEM

Document = Mapping[str, Any]
"""An entry or a run as a read shows it: fields by their API names, amounts as Decimal."""

_NUMBER = re.compile(r"([A-Z]+)-([0-9]+)")
_MADE_BELOW = frozenset({"accounting_period_name", "segments", "transferred_to_accounting"})
_COLUMNS = {
    field.name: field.column
    for field in ENTRY
    if field.column in tables.journal_entries.c and field.column not in _MADE_BELOW
}
_ITEM_COLUMNS = {
    field.name: field.column for field in ITEM if field.column in tables.journal_entry_items.c
}


def load_snapshot(
    author: Author, entries: Iterable[Document], runs: Iterable[Document] = ()
) -> None:
    """Store entries and runs under the numbers that they have.

    An entry of a run names it in `journalRunNumber`. The next new number follows the highest one.
    Raises LedgerUnusable if the tenant lacks a period or an accounting code of an entry.
    """
    run_rows = [_run(author, run) for run in runs]
    by_number = {row["number"]: row["id"] for row in run_rows}
    periods = {row["name"]: row["id"] for row in _all(author, tables.accounting_periods)}
    codes: dict[str, dict[str, str]] = {}
    for row in _all(author, tables.accounting_codes):
        codes.setdefault(row["name"], {})[row["type"]] = row["id"]
    rows: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    for entry in entries:
        rows.append(_entry(author, entry, periods, by_number, position=len(rows) + 1))
        items.extend(_items(entry, rows[-1], codes))
    for table, found in (
        (tables.journal_runs, run_rows),
        (tables.journal_entries, rows),
        (tables.journal_entry_items, items),
    ):
        if found:
            author.tx.execute(insert(table), found)
    _count_on(author, [row["number"] for row in (*run_rows, *rows)])


def _all(author: Author, table: Table) -> Sequence[RowMapping]:
    query = select(table).where(table.c.tenant_id == author.tenant_id)
    return author.tx.execute(query).mappings().all()


def _run(author: Author, run: Document) -> dict[str, Any]:
    labels = run.get("organizationLabels")
    return {
        **author.made(),
        "deleted": False,
        "number": run["number"],
        "status": run["status"],
        "journal_entry_date": run.get("journalEntryDate") or run["targetEndDate"],
        "target_start_date": run["targetStartDate"],
        "target_end_date": run["targetEndDate"],
        "transaction_types": [item["type"] for item in run.get("transactionTypes") or ()],
        "segmentation_rule": run.get("segmentationRuleName"),
        "aggregate_currency": bool(run.get("aggregateCurrency")),
        "executed_on": run.get("executedOn"),
        "organizations": [item["organizationName"] for item in labels] if labels else None,
    }


def _entry(
    author: Author,
    entry: Document,
    periods: Mapping[str, str],
    runs: Mapping[str, str],
    *,
    position: int,
) -> dict[str, Any]:
    period = str(entry["accountingPeriodName"])
    if period not in periods:
        raise LedgerUnusable(f"{entry['number']}: there is no accounting period {period!r}")
    run = runs.get(str(entry.get("journalRunNumber")))
    return {
        **author.made(),
        "deleted": False,
        **{column: entry.get(name) for name, column in _COLUMNS.items()},
        "aggregate_currency": bool(entry.get("aggregateCurrency")),
        "accounting_period_id": periods[period],
        "journal_run_id": run,
        "run_position": position if run else None,
        "organization": entry.get("organizationLabel"),
        "segments": [
            [item["segmentName"], item["segmentValue"]] for item in entry.get("segments") or ()
        ],
        "transferred_to_accounting": entry.get("transferredToAccounting") or "No",
        "custom_fields": _custom(entry),
    }


def _items(
    entry: Document, row: Mapping[str, Any], codes: Mapping[str, Mapping[str, str]]
) -> Iterable[dict[str, Any]]:
    for position, item in enumerate(entry["journalEntryItems"]):
        known = codes.get(str(item["accountingCodeName"]), {})
        kind = type_of(str(item.get("accountingCodeType")))
        found = known.get(kind or "") or (next(iter(known.values())) if len(known) == 1 else None)
        if found is None:
            name = item["accountingCodeName"]
            raise LedgerUnusable(f"{entry['number']}: there is no accounting code {name!r}")
        columns = {column: item.get(name) for name, column in _ITEM_COLUMNS.items()}
        yield new_item(row, position, found, **columns, custom_fields=_custom(item))


def _custom(document: Document) -> dict[str, Any]:
    """The custom fields that have a value, as text: what a read shows of them."""
    return {
        name: str(value)
        for name, value in document.items()
        if name.endswith("__c") and value is not None
    }


def _count_on(author: Author, numbers: Sequence[str]) -> None:
    """The next new number with a prefix follows the highest one."""
    found = filter(None, map(_NUMBER.fullmatch, numbers))
    highest = dict(sorted((number[1], int(number[2])) for number in found))  # the last one counts
    if highest:
        rows = [
            {"tenant_id": author.tenant_id, "name": prefix, "value": value}
            for prefix, value in highest.items()
        ]
        author.tx.execute(insert(tables.counters), rows)
