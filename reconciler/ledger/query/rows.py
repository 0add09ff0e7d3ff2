"""The rows a query is about: read from the ledger's tables in documented columns.

Every statement here binds the tenant, and nothing else of the database is within a query's reach.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Label,
    Select,
    Table,
    and_,
    false,
    func,
    null,
    select,
)

from ..storage.tables import (
    accounting_codes,
    accounting_periods,
    journal_entries,
    journal_entry_items,
    journal_runs,
    source_transactions,
)
from .functions import canonical
from .past import Past
from .schema import DELETED, Kind, QueryTable, segment_column

ORGANIZATION = "organization"
"""A column beside the documented ones: whose the row is, where that limits who sees it."""
CHUNK = 500
"""Names asked for at once: databases bound the parameters of a statement."""
_BATCH = 1000

Values = tuple[object, ...]

_STAMPS = {
    "createdbyid": "created_by",
    "createddate": "created_on",
    "updatedbyid": "updated_by",
    "updateddate": "updated_on",
}
_ENTRY = {
    **{name: name for name in ("id", "number", "status", "currency", "notes")},
    "accountingperiodid": "accounting_period_id",
    "journalrunid": "journal_run_id",
    "journalentrydate": "journal_entry_date",
    "homecurrency": "home_currency",
    "aggregatecurrency": "aggregate_currency",
    "transactiontype": "transaction_type",
    "timeperiodstart": "time_period_start",
    "timeperiodend": "time_period_end",
    "transferredtoaccounting": "transferred_to_accounting",
    "transferdate": "transfer_date_time",
    "transferredby": "transferred_by",
    **_STAMPS,
    DELETED: "deleted",
    ORGANIZATION: "organization",
}
_ITEM = {
    **{name: name for name in ("id", "type", "amount")},
    "accountingcodeid": "accounting_code_id",
    "amounthomecurrency": "home_currency_amount",
}
_ITEM_OF_ENTRY = {
    "journalentryid": "id",
    **{
        name: _ENTRY[name]
        for name in ("journalrunid", "accountingperiodid", "currency", "homecurrency")
    },
    **_STAMPS,
    DELETED: "deleted",
    ORGANIZATION: "organization",
}
_RUN = {
    **{name: name for name in ("id", "number", "status")},
    "journalentrydate": "journal_entry_date",
    "targetstartdate": "target_start_date",
    "targetenddate": "target_end_date",
    "aggregatecurrency": "aggregate_currency",
    "segmentationrulename": "segmentation_rule",
    "executedon": "executed_on",
    **_STAMPS,
    DELETED: "deleted",
}
_PERIOD = {
    **{name: name for name in ("id", "name", "status", "notes")},
    "startdate": "start_date",
    "enddate": "end_date",
    "fiscalyear": "fiscal_year",
    "fiscalquarter": "fiscal_quarter",
    **_STAMPS,
}
_CODE = {
    **{name: name for name in ("id", "name", "type", "status", "notes")},
    "glaccountname": "gl_account_name",
    "glaccountnumber": "gl_account_number",
    **_STAMPS,
}


def _columns(table: Table, names: Mapping[str, str]) -> list[ColumnElement[Any]]:
    return [table.c[column].label(name) for name, column in names.items()]


_E, _I, _T = journal_entries.c, journal_entry_items.c, source_transactions.c
# An entry without a run has no transactions, and the database need not look for them.
_TIED = (
    select(func.count())
    .select_from(source_transactions)
    .where(
        _T.tenant_id == _E.tenant_id,
        _T.journal_run_id == _E.journal_run_id,
        _T.journal_entry_id == _E.id,
    )
    .scalar_subquery()
)
_NO_SEGMENTS: Label[Any] = null().label("segments")
_NO_CUSTOM_FIELDS: Label[Any] = null().label("custom_fields")
_NO_ORGANIZATION: Label[Any] = null().label(ORGANIZATION)
_NEVER_DELETED = false().label(DELETED)
_OF_ENTRY = and_(_I.tenant_id == _E.tenant_id, _I.journal_entry_id == _E.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the rows of one query table come from.

    `rows` gives the columns by their documented names, then custom fields and segments. `kind` is
    the object type of the events that say that a row changed, and `called` what they call it by;
    None where all of the rows are read again. `found_by` are columns worth an index.
    """

    table: Table
    rows: Select[Any]
    kind: str
    called: ColumnElement[Any] | None = None
    found_by: tuple[str, ...] = ("id",)

    @property
    def plain(self) -> tuple[str, ...]:
        """The columns that every tenant has."""
        return tuple(column.name for column in self.rows.selected_columns)[:-2]

    def read(
        self, tx: Connection, tenant_id: str, shape: "Shape", names: Sequence[str] | None = None
    ) -> Iterator[Values]:
        """The rows of a tenant, or those its events call by these names."""
        query = self.rows.where(self.table.c.tenant_id == tenant_id)
        if names is not None:
            assert self.called is not None
            query = query.where(self.called.in_(names))
        for *values, custom, segments in tx.execute(query.execution_options(yield_per=_BATCH)):
            yield shape.row(values, custom, segments)


SOURCES = {
    "journalentry": Source(
        table=journal_entries,
        rows=select(
            *_columns(journal_entries, _ENTRY),
            _TIED.label("transactioncount"),
            _E.custom_fields,
            _E.segments,
        ),
        kind="JournalEntry",
        called=_E.number,
        found_by=("id", "number", "updateddate"),
    ),
    "journalentryitem": Source(
        table=journal_entry_items,
        rows=select(
            *_columns(journal_entry_items, _ITEM),
            *_columns(journal_entries, _ITEM_OF_ENTRY),
            _I.custom_fields,
            _NO_SEGMENTS,
        ).join(journal_entries, _OF_ENTRY),
        kind="JournalEntry",
        called=_E.number,
        found_by=("journalentryid",),
    ),
    "journalrun": Source(
        table=journal_runs,
        rows=select(
            *_columns(journal_runs, _RUN), _NO_ORGANIZATION, _NO_CUSTOM_FIELDS, _NO_SEGMENTS
        ),
        kind="JournalRun",
        called=journal_runs.c.number,
        found_by=("id", "number", "updateddate"),
    ),
    "accountingperiod": Source(
        table=accounting_periods,
        rows=select(
            *_columns(accounting_periods, _PERIOD),
            _NEVER_DELETED,
            _NO_ORGANIZATION,
            _NO_CUSTOM_FIELDS,
            _NO_SEGMENTS,
        ),
        kind="AccountingPeriod",
    ),
    "accountingcode": Source(
        table=accounting_codes,
        rows=select(
            *_columns(accounting_codes, _CODE),
            _NEVER_DELETED,
            _NO_ORGANIZATION,
            accounting_codes.c.custom_fields,
            _NO_SEGMENTS,
        ),
        kind="AccountingCode",
    ),
}
"""By the lower-case names of the query tables."""


class Shape:
    """The columns in which the rows of a table are kept: those of its source, then the tenant's."""

    def __init__(self, source: Source, table: QueryTable) -> None:
        plain = source.plain
        self._more = tuple(name for name in table.columns if name not in plain)
        self._decimals = tuple(
            place for place, name in enumerate(plain) if table.columns.get(name) is Kind.DECIMAL
        )
        self._plain = plain
        self.columns = (*plain, *self._more)

    def row(
        self,
        values: list[Any],
        custom: Mapping[str, object] | None,
        segments: Iterable[Sequence[str]] | None,
    ) -> Values:
        """The values of a row, from those of its source."""
        for place in self._decimals:
            values[place] = _amount(values[place])
        if not self._more:
            return tuple(values)
        found = {name.lower(): value or None for name, value in custom.items()} if custom else {}
        found.update((segment_column(name), value) for name, value in segments or ())
        return (*values, *map(found.get, self._more))

    def past(self, name: str, was: Past) -> Iterator[Values]:
        """The rows that an entry or a run had in the table of this name."""
        for found, custom, segments in _PAST[name](was):
            yield self.row([found.get(column) for column in self._plain], custom, segments)


_Found = tuple[Mapping[str, object], Mapping[str, object] | None, Iterable[Sequence[str]] | None]


def _named(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, object]:
    return {name: row.get(column) for name, column in names.items()}


def _past_entry(was: Past) -> Iterator[_Found]:
    found = {**_named(was.row, _ENTRY), "transactioncount": was.transactions}
    yield found, was.row["custom_fields"], was.row["segments"]


def _past_items(was: Past) -> Iterator[_Found]:
    of_entry = _named(was.row, _ITEM_OF_ENTRY)
    for item in was.items:
        yield {**_named(item, _ITEM), **of_entry}, item["custom_fields"], None


def _past_run(was: Past) -> Iterator[_Found]:
    yield _named(was.row, _RUN), None, None


_PAST = {
    "journalentry": _past_entry,
    "journalentryitem": _past_items,
    "journalrun": _past_run,
}


def _amount(value: Decimal | str | None) -> str | None:
    return None if value is None else canonical(value)
