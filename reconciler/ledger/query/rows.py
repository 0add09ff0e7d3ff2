"""The rows a query sees: those of one tenant, as they are or as they were, in documented columns.

Every statement here binds the tenant, and nothing else of the database is within a query's reach.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table, func, select

from ..storage.tables import (
    accounting_codes,
    accounting_periods,
    journal_entries,
    journal_entry_items,
    journal_runs,
    source_transactions,
)
from ..web.call import stamp
from .functions import canonical
from .past import as_of
from .schema import DELETED, Kind, QueryTable, segment_column

KEPT_FOR = timedelta(days=30)
"""How long deleted rows can be queried (API facts 1)."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one query sees. `until` is the stamp of its moment, None for the present.

    `live` and `deleted` say which rows; a deleted one is gone KEPT_FOR after its deletion.
    """

    tx: Connection
    tenant_id: str
    now: datetime
    until: str | None
    live: bool
    deleted: bool

    def shows(self, row: Row) -> bool:
        """Whether a row, as it is or was, is in sight."""
        if not row["deleted"]:
            return self.live
        return self.deleted and str(row["updated_on"]) >= stamp(self.now - KEPT_FOR)

    def of_tenant(self, table: Table) -> Iterator[Row]:
        query = select(table).where(table.c.tenant_id == self.tenant_id)
        if "deleted" in table.c and not self.deleted and self.until is None:
            query = query.where(table.c.deleted.is_(False))
        found = self.tx.execute(query.execution_options(yield_per=1000))
        names = tuple(found.keys())
        for row in found:
            yield dict(zip(names, row, strict=True))  # quicker than a mapping of each row


class Rows:
    """The rows of the tables of one view. Entries are read once, whatever tables need them."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._entries: dict[str, Row] | None = None
        self._past_items: dict[str, Sequence[Row]] = {}
        self._transactions: dict[str, int] = {}

    def of(self, name: str, table: QueryTable) -> Iterator[tuple[object, ...]]:
        """The rows of a table by its lower-case name: its columns in order, then `deleted`."""
        names = (*table.columns, DELETED)
        decimals = [kind is Kind.DECIMAL for kind in (*table.columns.values(), Kind.BOOLEAN)]
        for row in _TABLES[name](self):
            yield tuple(
                _amount(row.get(column)) if exact else row.get(column)
                for column, exact in zip(names, decimals, strict=True)
            )

    def entries(self) -> Iterator[Row]:
        found = self._found_entries()
        counts = {**self._tied(), **self._transactions}
        for entry in found.values():
            yield {
                **_custom(entry),
                **{segment_column(name): value for name, value in entry["segments"]},
                **_same(entry, "id number status currency notes"),
                "accountingperiodid": entry["accounting_period_id"],
                "journalrunid": entry.get("journal_run_id"),
                "journalentrydate": entry["journal_entry_date"],
                "homecurrency": entry["home_currency"],
                "aggregatecurrency": entry["aggregate_currency"],
                "transactiontype": entry.get("transaction_type"),
                "transactioncount": counts.get(entry["id"], 0),
                "timeperiodstart": entry.get("time_period_start"),
                "timeperiodend": entry.get("time_period_end"),
                "transferredtoaccounting": entry["transferred_to_accounting"],
                "transferdate": entry.get("transfer_date_time"),
                "transferredby": entry.get("transferred_by"),
                DELETED: entry["deleted"],
                **_stamps(entry),
            }

    def items(self) -> Iterator[Row]:
        entries = self._found_entries()
        present = (
            item
            for item in self._view.of_tenant(journal_entry_items)
            if item["journal_entry_id"] not in self._past_items
        )
        past = (item for items in self._past_items.values() for item in items)
        for item in chain(past, present):
            entry = entries.get(item["journal_entry_id"])
            if entry is None:
                continue
            yield {
                **_custom(item),
                **_same(item, "id type amount"),
                "journalentryid": entry["id"],
                "journalrunid": entry.get("journal_run_id"),
                "accountingperiodid": entry["accounting_period_id"],
                "accountingcodeid": item["accounting_code_id"],
                "currency": entry["currency"],
                "homecurrency": entry["home_currency"],
                "amounthomecurrency": item["home_currency_amount"],
                DELETED: entry["deleted"],
                **_stamps(entry),
            }

    def runs(self) -> Iterator[Row]:
        rows, _past = self._as_of(journal_runs, "JournalRun")
        for run in rows:
            yield {
                **_same(run, "id number status"),
                "journalentrydate": run["journal_entry_date"],
                "targetstartdate": run["target_start_date"],
                "targetenddate": run["target_end_date"],
                "aggregatecurrency": run["aggregate_currency"],
                "segmentationrulename": run.get("segmentation_rule"),
                "executedon": run.get("executed_on"),
                DELETED: run["deleted"],
                **_stamps(run),
            }

    def periods(self) -> Iterator[Row]:
        for period in self._reference(accounting_periods):
            yield {
                **_same(period, "id name status notes"),
                "startdate": period["start_date"],
                "enddate": period["end_date"],
                "fiscalyear": period["fiscal_year"],
                "fiscalquarter": period["fiscal_quarter"],
                DELETED: False,
                **_stamps(period),
            }

    def codes(self) -> Iterator[Row]:
        for code in self._reference(accounting_codes):
            yield {
                **_custom(code),
                **_same(code, "id name type status notes"),
                "glaccountname": code["gl_account_name"],
                "glaccountnumber": code["gl_account_number"],
                DELETED: False,
                **_stamps(code),
            }

    def _reference(self, table: Table) -> Iterable[Row]:
        """Periods and codes, always as they are now; none of them is ever deleted."""
        return self._view.of_tenant(table) if self._view.live else ()

    def _found_entries(self) -> dict[str, Row]:
        if self._entries is None:
            rows, past = self._as_of(journal_entries, "JournalEntry")
            self._entries = {row["id"]: row for row in rows}
            for was in past.values():
                self._past_items[was.row["id"]] = was.items
                self._transactions[was.row["id"]] = was.transactions
        return self._entries

    def _as_of(self, table: Table, kind: str) -> tuple[list[Row], Mapping[str, Any]]:
        """The rows in sight, and those among them that are not what they were."""
        view, until = self._view, self._view.until
        rows = list(view.of_tenant(table))
        if until is None:
            return [row for row in rows if view.shows(row)], {}
        rows = [row for row in rows if row["created_on"] <= until]
        changed = {row["number"] for row in rows if row["updated_on"] > until}
        past = as_of(view.tx, view.tenant_id, kind, changed, until=until) if changed else {}
        kept = (past[row["number"]].row if row["number"] in changed else row for row in rows)
        return [row for row in kept if view.shows(row)], past

    def _tied(self) -> dict[str, int]:
        """How many source transactions each entry summarises."""
        column = source_transactions.c
        query = (
            select(column.journal_entry_id, func.count())
            .where(
                column.tenant_id == self._view.tenant_id,
                column.journal_entry_id.is_not(None),
            )
            .group_by(column.journal_entry_id)
        )
        return {row[0]: row[1] for row in self._view.tx.execute(query)}


_TABLES: dict[str, Callable[[Rows], Iterator[Row]]] = {
    "journalentry": Rows.entries,
    "journalentryitem": Rows.items,
    "journalrun": Rows.runs,
    "accountingperiod": Rows.periods,
    "accountingcode": Rows.codes,
}


def _amount(value: Decimal | str | None) -> str | None:
    return None if value is None else canonical(value)


def _custom(row: Row) -> dict[str, object]:
    return {name.lower(): value or None for name, value in row["custom_fields"].items()}


def _same(row: Row, names: str) -> dict[str, object]:
    return {name: row.get(name) for name in names.split()}


def _stamps(row: Row) -> dict[str, object]:
    return {
        "createdbyid": row["created_by"],
        "createddate": row["created_on"],
        "updatedbyid": row["updated_by"],
        "updateddate": row["updated_on"],
    }
