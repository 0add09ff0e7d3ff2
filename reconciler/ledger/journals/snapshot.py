"""Loads entries and runs of another ledger as they were read there, with their numbers.

No rule is checked, because they are posted already. This is no operation of the API.
"""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from ..errors import LedgerUnusable
from ..reference_data.code_types import type_of
from ..storage.audit import AuditContext
from ..storage.tables import (
    accounting_codes,
    accounting_periods,
    counters,
    journal_entries,
    journal_entry_items,
    journal_runs,
)
from .fields import ENTRY, ITEM

Document = Mapping[str, Any]
"""An entry or a run as a read shows it: fields by their API names, amounts as Decimal."""

_NUMBER = re.compile(r"([A-Z]+)-([0-9]+)")
_MADE_BELOW = frozenset({"accounting_period_name", "segments", "transferred_to_accounting"})
_COLUMNS = {
    field.name: field.column
    for field in ENTRY
    if field.column in journal_entries.c and field.column not in _MADE_BELOW
}
_ITEM_COLUMNS = {
    field.name: field.column for field in ITEM if field.column in journal_entry_items.c
}


def load_snapshot(
    tx: Connection,
    act: AuditContext,
    entries: Iterable[Document],
    runs: Iterable[Document] = (),
) -> None:
    """Store entries and runs under the numbers that they have.

    An entry of a run names it in `journalRunNumber`. The next new number follows the highest one.
    Raises LedgerUnusable if the tenant lacks a period or an accounting code of an entry.
    """
    made = _Made(act)
    run_rows = [made.run(run) for run in runs]
    by_number = {row["number"]: row["id"] for row in run_rows}
    listed = tx.execute(select(accounting_periods).where(made.mine(accounting_periods)))
    periods = {row["name"]: row["id"] for row in listed.mappings()}
    codes = _codes(tx, made)
    rows: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    for entry in entries:
        row = made.entry(entry, periods, by_number, position=len(rows) + 1)
        rows.append(row)
        items.extend(made.items(entry, row["id"], codes))
    for table, found in (
        (journal_runs, run_rows),
        (journal_entries, rows),
        (journal_entry_items, items),
    ):
        if found:
            tx.execute(insert(table), found)
    _count_on(tx, act.tenant_id, [row["number"] for row in (*run_rows, *rows)])


class _Made:
    """Makes rows of documents, for one tenant."""

    def __init__(self, act: AuditContext) -> None:
        self._act = act

    def mine(self, table: Any) -> Any:
        """The condition on the rows of the tenant."""
        return table.c.tenant_id == self._act.tenant_id

    def _stamps(self) -> dict[str, Any]:
        by, on = self._act.actor, self._act.happened_on
        return {
            "tenant_id": self._act.tenant_id,
            "id": uuid.uuid4().hex,
            "created_by": by,
            "created_on": on,
            "updated_by": by,
            "updated_on": on,
            "deleted": False,
        }

    def run(self, run: Document) -> dict[str, Any]:
        """The row of a journal run."""
        labels = run.get("organizationLabels")
        return {
            **self._stamps(),
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

    def entry(
        self,
        entry: Document,
        periods: Mapping[str, str],
        runs: Mapping[str, str],
        *,
        position: int,
    ) -> dict[str, Any]:
        """The row of an entry. Raises LedgerUnusable for an unknown period."""
        period = str(entry["accountingPeriodName"])
        if period not in periods:
            raise LedgerUnusable(f"{entry['number']}: there is no accounting period {period!r}")
        run = runs.get(str(entry.get("journalRunNumber")))
        return {
            **self._stamps(),
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

    def items(
        self, entry: Document, entry_id: str, codes: Mapping[str, Mapping[str, str]]
    ) -> Iterable[dict[str, Any]]:
        """The rows of its lines. Raises LedgerUnusable for an unknown accounting code."""
        for position, item in enumerate(entry["journalEntryItems"]):
            known = codes.get(str(item["accountingCodeName"]), {})
            kind = type_of(str(item.get("accountingCodeType")))
            found = known.get(kind or "") or (
                next(iter(known.values())) if len(known) == 1 else None
            )
            if found is None:
                name = item["accountingCodeName"]
                raise LedgerUnusable(f"{entry['number']}: there is no accounting code {name!r}")
            yield {
                "tenant_id": self._act.tenant_id,
                "id": uuid.uuid4().hex,
                "journal_entry_id": entry_id,
                "position": position,
                "accounting_code_id": found,
                **{column: item.get(name) for name, column in _ITEM_COLUMNS.items()},
                "custom_fields": _custom(item),
            }


def _codes(tx: Connection, made: _Made) -> dict[str, dict[str, str]]:
    """The ids of accounting codes, by name and type."""
    found: dict[str, dict[str, str]] = {}
    for row in tx.execute(select(accounting_codes).where(made.mine(accounting_codes))).mappings():
        found.setdefault(row["name"], {})[row["type"]] = row["id"]
    return found


def _custom(document: Document) -> dict[str, Any]:
    """The custom fields that have a value, as text: what a read shows of them."""
    return {
        name: str(value)
        for name, value in document.items()
        if name.endswith("__c") and value is not None
    }


def _count_on(tx: Connection, tenant_id: str, numbers: Sequence[str]) -> None:
    highest: dict[str, int] = {}
    for number in numbers:
        if found := _NUMBER.fullmatch(number):
            prefix, value = found.group(1), int(found.group(2))
            highest[prefix] = max(value, highest.get(prefix, 0))
    if highest:
        rows = [
            {"tenant_id": tenant_id, "name": prefix, "value": value}
            for prefix, value in highest.items()
        ]
        tx.execute(insert(counters), rows)
