"""The tables of Data Query: documented columns, their types, and the ledger's columns.

The columns are those of API facts 6.1, the declared custom fields, and a column `NAME__s`
for each segment. Names are not case-sensitive.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, Table, func, select

from ..reference_data.tenant_settings import Settings
from ..storage.columns import Amount, DateText, TimestampText
from ..storage.tables import (
    accounting_codes,
    accounting_periods,
    journal_entries,
    journal_entry_items,
    journal_runs,
    source_transactions,
)


class Kind(StrEnum):
    """The type of a value, as `SHOW COLUMNS` names it."""

    TEXT = "varchar"
    DECIMAL = "decimal(18,6)"
    INTEGER = "bigint"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTable:
    """A table by its documented name. `columns` are lower-case, in the order `*` gives them."""

    name: str
    columns: Mapping[str, Kind]


ORGANIZATION = "organization"
"""A hidden column: the organization of a row, for visibility."""
DELETED = "deleted"
"""A column that `*` omits: a query that names it reads deleted rows too."""


_E, _I, _T = journal_entries.c, journal_entry_items.c, source_transactions.c
Columns = Mapping[str, ColumnElement[Any]]

TRANSACTIONS = "transactioncount"
# The comparison of runs saves a search for manual entries, which have no transactions.
_COUNT = (
    select(func.count())
    .select_from(source_transactions)
    .where(
        _T.tenant_id == _E.tenant_id,
        _T.journal_run_id == _E.journal_run_id,
        _T.journal_entry_id == _E.id,
    )
    .scalar_subquery()
)


def _same(table: Table, *names: str) -> Columns:
    """Columns with the ledger's name, without underscores."""
    return {name.replace("_", ""): table.c[name] for name in names}


def _changes(table: Table) -> Columns:
    """Who created and last changed a row, and when."""
    return {
        "createdbyid": table.c.created_by,
        "createddate": table.c.created_on,
        "updatedbyid": table.c.updated_by,
        "updateddate": table.c.updated_on,
    }


COLUMNS: dict[str, Columns] = {
    "JournalEntry": {
        **_same(journal_entries, "id", "number", "status", "accounting_period_id"),
        **_same(journal_entries, "journal_run_id", "journal_entry_date", "currency"),
        **_same(journal_entries, "home_currency", "aggregate_currency", "transaction_type"),
        TRANSACTIONS: _COUNT,
        **_same(journal_entries, "time_period_start", "time_period_end", "notes"),
        **_same(journal_entries, "transferred_to_accounting"),
        "transferdate": _E.transfer_date_time,
        **_same(journal_entries, "transferred_by"),
        **_changes(journal_entries),
    },
    "JournalEntryItem": {
        **_same(journal_entry_items, "id"),
        "journalentryid": _E.id,
        **_same(journal_entries, "journal_run_id", "accounting_period_id"),
        **_same(journal_entry_items, "accounting_code_id", "type"),
        **_same(journal_entries, "currency"),
        **_same(journal_entry_items, "amount"),
        **_same(journal_entries, "home_currency"),
        "amounthomecurrency": _I.home_currency_amount,
        **_changes(journal_entries),
    },
    "JournalRun": {
        **_same(journal_runs, "id", "number", "status", "journal_entry_date"),
        **_same(journal_runs, "target_start_date", "target_end_date", "aggregate_currency"),
        "segmentationrulename": journal_runs.c.segmentation_rule,
        **_same(journal_runs, "executed_on"),
        **_changes(journal_runs),
    },
    "AccountingPeriod": {
        **_same(accounting_periods, "id", "name", "start_date", "end_date", "fiscal_year"),
        **_same(accounting_periods, "fiscal_quarter", "status", "notes"),
        **_changes(accounting_periods),
    },
    "AccountingCode": {
        **_same(accounting_codes, "id", "name", "type", "status", "gl_account_name"),
        **_same(accounting_codes, "gl_account_number", "notes"),
        **_changes(accounting_codes),
    },
}
"""By the documented name of a table, its columns in the order `*` gives them."""
_KINDS = (
    (Boolean, Kind.BOOLEAN),
    (Integer, Kind.INTEGER),
    (Amount, Kind.DECIMAL),
    (DateText, Kind.DATE),
    (TimestampText, Kind.TIMESTAMP),
)


def _kind(column: ColumnElement[Any]) -> Kind:
    return next((kind for type_, kind in _KINDS if isinstance(column.type, type_)), Kind.TEXT)


_TABLES = tuple(
    QueryTable(name=name, columns={column: _kind(source) for column, source in columns.items()})
    for name, columns in COLUMNS.items()
)


def query_tables(settings: Settings) -> dict[str, QueryTable]:
    """The tables of a tenant by their lower-case names."""
    found = {}
    for table in _TABLES:
        columns = dict(table.columns)
        for name in settings.fields_of(table.name):
            columns.setdefault(name.lower(), Kind.TEXT)
        if table.name == "JournalEntry":
            for name in settings.segments or ():
                columns.setdefault(segment_column(name), Kind.TEXT)
        found[table.name.lower()] = QueryTable(name=table.name, columns=columns)
    return found


def segment_column(name: str) -> str:
    """The column of a segment: its name, with `_` for other characters than letters and digits."""
    return re.sub(r"\W", "_", name, flags=re.ASCII).lower() + "__s"
