"""The tables of Data Query: documented columns, their types, and the ledger's columns.

The columns are those of API facts 6.1, the declared custom fields, and a column `NAME__s`
for each segment. Names are not case-sensitive.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Integer, func, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from ..reference_data.tenant_settings import Settings
from ..storage import tables
from ..storage.columns import Amount, DateText, TimestampText


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


_E, _I, _R = tables.journal_entries.c, tables.journal_entry_items.c, tables.journal_runs.c
_P, _C, _T = tables.accounting_periods.c, tables.accounting_codes.c, tables.source_transactions.c
Columns = Mapping[str, ColumnElement[Any]]
TableColumns = ReadOnlyColumnCollection[str, Column[Any]]

TRANSACTIONS = "transactioncount"
# The comparison of runs saves a search for manual entries, which have no transactions.
_COUNT = (
    select(func.count())
    .select_from(tables.source_transactions)
    .where(
        _T.tenant_id == _E.tenant_id,
        _T.journal_run_id == _E.journal_run_id,
        _T.journal_entry_id == _E.id,
    )
    .scalar_subquery()
)


def _same(columns: TableColumns, names: str) -> Columns:
    """Columns with the ledger's name, without underscores."""
    return {name.replace("_", ""): columns[name] for name in names.split()}


def _changes(columns: TableColumns) -> Columns:
    """Who created and last changed a row, and when."""
    return {
        "createdbyid": columns.created_by,
        "createddate": columns.created_on,
        "updatedbyid": columns.updated_by,
        "updateddate": columns.updated_on,
    }


COLUMNS: dict[str, Columns] = {
    "JournalEntry": {
        **_same(_E, "id number status accounting_period_id journal_run_id journal_entry_date"),
        **_same(_E, "currency home_currency aggregate_currency transaction_type"),
        TRANSACTIONS: _COUNT,
        **_same(_E, "time_period_start time_period_end notes transferred_to_accounting"),
        "transferdate": _E.transfer_date_time,
        **_same(_E, "transferred_by"),
        **_changes(_E),
    },
    "JournalEntryItem": {
        **_same(_I, "id"),
        "journalentryid": _E.id,
        **_same(_E, "journal_run_id accounting_period_id"),
        **_same(_I, "accounting_code_id type"),
        **_same(_E, "currency"),
        **_same(_I, "amount"),
        **_same(_E, "home_currency"),
        "amounthomecurrency": _I.home_currency_amount,
        **_changes(_E),
    },
    "JournalRun": {
        **_same(_R, "id number status journal_entry_date target_start_date target_end_date"),
        **_same(_R, "aggregate_currency"),
        "segmentationrulename": _R.segmentation_rule,
        **_same(_R, "executed_on"),
        **_changes(_R),
    },
    "AccountingPeriod": {
        **_same(_P, "id name start_date end_date fiscal_year fiscal_quarter status notes"),
        **_changes(_P),
    },
    "AccountingCode": {
        **_same(_C, "id name type status gl_account_name gl_account_number notes"),
        **_changes(_C),
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
