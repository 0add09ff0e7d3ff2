"""The tables a query may name, with their columns and the Trino types these have.

The columns are those of API facts 6.1, the custom fields the tenant has declared, and a column
`NAME__s` for each segment of its rule. Names are matched without regard to case.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..reference_data.tenant_settings import Settings


class Kind(StrEnum):
    """What a value is, by the name `SHOW COLUMNS` gives the type."""

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


DELETED = "deleted"
"""A column of every table that `*` leaves out: naming it brings back deleted rows as well."""

_STAMPS = {
    "createdbyid": Kind.TEXT,
    "createddate": Kind.TIMESTAMP,
    "updatedbyid": Kind.TEXT,
    "updateddate": Kind.TIMESTAMP,
}
_TABLES = (
    QueryTable(
        name="JournalEntry",
        columns={
            "id": Kind.TEXT,
            "number": Kind.TEXT,
            "status": Kind.TEXT,
            "accountingperiodid": Kind.TEXT,
            "journalrunid": Kind.TEXT,
            "journalentrydate": Kind.DATE,
            "currency": Kind.TEXT,
            "homecurrency": Kind.TEXT,
            "aggregatecurrency": Kind.BOOLEAN,
            "transactiontype": Kind.TEXT,
            "transactioncount": Kind.INTEGER,
            "timeperiodstart": Kind.DATE,
            "timeperiodend": Kind.DATE,
            "notes": Kind.TEXT,
            "transferredtoaccounting": Kind.TEXT,
            "transferdate": Kind.TIMESTAMP,
            "transferredby": Kind.TEXT,
            **_STAMPS,
        },
    ),
    QueryTable(
        name="JournalEntryItem",
        columns={
            "id": Kind.TEXT,
            "journalentryid": Kind.TEXT,
            "journalrunid": Kind.TEXT,
            "accountingperiodid": Kind.TEXT,
            "accountingcodeid": Kind.TEXT,
            "type": Kind.TEXT,
            "currency": Kind.TEXT,
            "amount": Kind.DECIMAL,
            "homecurrency": Kind.TEXT,
            "amounthomecurrency": Kind.DECIMAL,
            **_STAMPS,
        },
    ),
    QueryTable(
        name="JournalRun",
        columns={
            "id": Kind.TEXT,
            "number": Kind.TEXT,
            "status": Kind.TEXT,
            "journalentrydate": Kind.DATE,
            "targetstartdate": Kind.DATE,
            "targetenddate": Kind.DATE,
            "aggregatecurrency": Kind.BOOLEAN,
            "segmentationrulename": Kind.TEXT,
            "executedon": Kind.TIMESTAMP,
            **_STAMPS,
        },
    ),
    QueryTable(
        name="AccountingPeriod",
        columns={
            "id": Kind.TEXT,
            "name": Kind.TEXT,
            "startdate": Kind.DATE,
            "enddate": Kind.DATE,
            "fiscalyear": Kind.INTEGER,
            "fiscalquarter": Kind.INTEGER,
            "status": Kind.TEXT,
            "notes": Kind.TEXT,
            **_STAMPS,
        },
    ),
    QueryTable(
        name="AccountingCode",
        columns={
            "id": Kind.TEXT,
            "name": Kind.TEXT,
            "type": Kind.TEXT,
            "status": Kind.TEXT,
            "glaccountname": Kind.TEXT,
            "glaccountnumber": Kind.TEXT,
            "notes": Kind.TEXT,
            **_STAMPS,
        },
    ),
)


def schema_of(settings: Settings) -> dict[str, QueryTable]:
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
    """The column of a segment: its name, with `_` for what no plain identifier has."""
    return re.sub(r"\W", "_", name, flags=re.ASCII).lower() + "__s"
