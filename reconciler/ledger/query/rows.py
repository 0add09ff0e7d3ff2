"""Rows of a tenant for queries, read from the ledger's tables as documented columns."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    and_,
    false,
    null,
    select,
    type_coerce,
)

from ..storage import tables
from ..storage.columns import Amount, Json
from .as_of import PastState
from .decimal_functions import PLACES, canonical
from .schema import COLUMNS, DELETED, ORGANIZATION, TRANSACTIONS, Kind, QueryTable, segment_column

CHUNK = 500
"""Names in one query: databases limit the parameters of a statement."""
_BATCH = 1000

_E, _I, _R = tables.journal_entries.c, tables.journal_entry_items.c, tables.journal_runs.c
_NEVER, _NOTHING = false(), null()


def _rows(
    table: str,
    *,
    deleted: ColumnElement[Any] = _NEVER,
    organization: ColumnElement[Any] = _NOTHING,
    custom: ColumnElement[Any] = _NOTHING,
    segments: ColumnElement[Any] = _NOTHING,
) -> Select[Any]:
    """The columns of a table by their names, then what no query or not every tenant has."""
    more = {DELETED: deleted, ORGANIZATION: organization}
    last = {"custom_fields": custom, "segments": segments}
    # Amounts and documents are read as stored: text or a decimal.
    return select(
        *(
            (type_coerce(each, Text) if isinstance(each.type, Amount | Json) else each).label(name)
            for name, each in {**COLUMNS[table], **more, **last}.items()
        )
    )


RowValues = tuple[object, ...]


class RowLayout:
    """The columns of a copied table: those of its source, then the tenant's own."""

    def __init__(self, plain: tuple[str, ...], table: QueryTable) -> None:
        self._more = tuple(name for name in table.columns if name not in plain)
        self._decimals = tuple(
            place for place, name in enumerate(plain) if table.columns.get(name) is Kind.DECIMAL
        )
        self._plain = plain
        self.columns = (*plain, *self._more)

    def row(
        self, values: list[Any], custom: Mapping[str, object], segments: Mapping[str, object]
    ) -> RowValues:
        for place in self._decimals:
            values[place] = _amount(values[place])
        if not self._more:
            return tuple(values)
        found = {name.lower(): value or None for name, value in custom.items()}
        return (*values, *[segments.get(name) or found.get(name) for name in self._more])

    def past(self, name: str, was: PastState) -> Iterator[RowValues]:
        """The rows of an earlier entry or run in the table of this name."""
        for found, custom, segments in _PAST[name](was):
            yield self.row([found.get(column) for column in self._plain], custom, segments)


_Found = tuple[Mapping[str, object], Mapping[str, object], Mapping[str, object]]


def _past_values(table: str, row: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, object]:
    """The values of an earlier row, by documented names; `item` is its line."""
    items = tables.journal_entry_items
    found = {
        name: (item if getattr(column, "table", None) is items else row).get(str(column.key))
        for name, column in COLUMNS[table].items()
        if name != TRANSACTIONS
    }
    return found | {DELETED: row.get("deleted"), ORGANIZATION: row.get("organization")}


def _past_entry(was: PastState) -> Iterator[_Found]:
    found = {**_past_values("JournalEntry", was.row, {}), TRANSACTIONS: was.transactions}
    segments = {segment_column(name): value for name, value in was.row["segments"]}
    yield found, was.row["custom_fields"], segments


def _past_items(was: PastState) -> Iterator[_Found]:
    for item in was.items:
        yield _past_values("JournalEntryItem", was.row, item), item["custom_fields"], {}


def _past_run(was: PastState) -> Iterator[_Found]:
    names = was.row.get("organizations")
    whose = None if names is None else json.dumps(names, separators=(",", ":"))
    yield {**_past_values("JournalRun", was.row, {}), ORGANIZATION: whose}, {}, {}


_PAST = {"journalentry": _past_entry, "journalentryitem": _past_items, "journalrun": _past_run}


def _amount(value: Decimal | str | None) -> str | None:
    if type(value) is str and value.isascii():
        whole, _point, part = value.partition(".")
        if whole.isdigit() and len(part) <= PLACES and (part or "0").isdigit():
            return f"{whole}.{part.ljust(PLACES, '0')}"  # equals `canonical`, but faster
    return None if value is None else canonical(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The source of a query table.

    `rows` selects the columns by documented names, then custom fields and segments as JSON text.
    `kind` is the object type of events about its rows. `called` is the condition for rows with the
    names in events; None means that all rows are read again. `found_by` are indexed columns.
    """

    table: Table
    rows: Select[Any]
    kind: str
    called: Callable[[str, Sequence[str]], ColumnElement[bool]] | None = None
    found_by: tuple[str, ...] = ("id",)

    @property
    def plain(self) -> tuple[str, ...]:
        """The columns that every tenant has."""
        return tuple(column.name for column in self.rows.selected_columns)[:-2]

    def read(
        self, tx: Connection, tenant_id: str, layout: RowLayout, names: Sequence[str] | None = None
    ) -> Iterator[RowValues]:
        """The rows of a tenant, or those with the names in events."""
        query = self.rows.where(self.table.c.tenant_id == tenant_id)
        if names is not None:
            assert self.called is not None
            query = query.where(self.called(tenant_id, names))
        found = tx.execute(query.execution_options(yield_per=_BATCH))
        for batch in found.partitions():
            for *values, custom, segments in batch:
                fields = {} if custom in (None, "{}") else json.loads(custom)
                yield layout.row(values, fields, _segments(segments))


def _items_called(tenant_id: str, names: Sequence[str]) -> ColumnElement[bool]:
    # A join by number would make databases start with all items of the tenant.
    entries = select(_E.id).where(_E.tenant_id == tenant_id, _E.number.in_(names))
    return and_(_I.tenant_id == tenant_id, _I.journal_entry_id.in_(entries))


@lru_cache(maxsize=1024)
def _segments(text: str | None) -> Mapping[str, object]:
    """The columns of segments, cached because few combinations occur."""
    return {segment_column(name): value for name, value in json.loads(text or "[]")}


SOURCES = {
    "journalentry": Source(
        table=tables.journal_entries,
        rows=_rows(
            "JournalEntry",
            deleted=_E.deleted,
            organization=_E.organization,
            custom=_E.custom_fields,
            segments=_E.segments,
        ),
        kind="JournalEntry",
        called=lambda _tenant_id, names: _E.number.in_(names),
        found_by=("id", "number", "updateddate"),
    ),
    "journalentryitem": Source(
        table=tables.journal_entries,
        rows=_rows(
            "JournalEntryItem",
            deleted=_E.deleted,
            organization=_E.organization,
            custom=_I.custom_fields,
        ).join(tables.journal_entries, tables.ITEM_OF_ENTRY),
        kind="JournalEntry",
        called=_items_called,
        found_by=("journalentryid",),
    ),
    "journalrun": Source(
        table=tables.journal_runs,
        rows=_rows("JournalRun", deleted=_R.deleted, organization=_R.organizations),
        kind="JournalRun",
        called=lambda _tenant_id, names: _R.number.in_(names),
        found_by=("id", "number", "updateddate"),
    ),
    "accountingperiod": Source(
        table=tables.accounting_periods, rows=_rows("AccountingPeriod"), kind="AccountingPeriod"
    ),
    "accountingcode": Source(
        table=tables.accounting_codes,
        rows=_rows("AccountingCode", custom=tables.accounting_codes.c.custom_fields),
        kind="AccountingCode",
    ),
}
