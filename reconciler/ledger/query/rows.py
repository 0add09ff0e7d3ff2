"""The rows a query is about: read from the ledger's tables in documented columns.

Every statement here binds the tenant, and nothing else of the database is within a query's reach.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Label,
    Select,
    Table,
    Text,
    and_,
    false,
    func,
    null,
    select,
    type_coerce,
)

from ..storage.columns import Amount, Json
from ..storage.tables import (
    accounting_codes,
    accounting_periods,
    journal_entries,
    journal_entry_items,
    journal_runs,
    source_transactions,
)
from .columns import CODE, ENTRY, ITEM, ITEM_OF_ENTRY, ORGANIZATION, PERIOD, RUN
from .schema import DELETED, segment_column
from .shape import Shape, Values

CHUNK = 500
"""Names asked for at once: databases bound the parameters of a statement."""
_BATCH = 1000


def _columns(table: Table, names: Mapping[str, str]) -> list[ColumnElement[Any]]:
    # Amounts and documents are left as the database has them: text, or a decimal.
    return [
        (type_coerce(each, Text) if isinstance(each.type, Amount | Json) else each).label(name)
        for name, each in ((name, table.c[column]) for name, column in names.items())
    ]


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

    `rows` gives the columns by their documented names, then custom fields and segments as JSON
    text. `kind` is the object type of the events that say that a row changed, and `called` the
    condition for those of a tenant that events call by these names; None where all of the rows
    are read again. `found_by` are columns worth an index.
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
        self, tx: Connection, tenant_id: str, shape: Shape, names: Sequence[str] | None = None
    ) -> Iterator[Values]:
        """The rows of a tenant, or those its events call by these names."""
        query = self.rows.where(self.table.c.tenant_id == tenant_id)
        if names is not None:
            assert self.called is not None
            query = query.where(self.called(tenant_id, names))
        found = tx.execute(query.execution_options(yield_per=_BATCH))
        for batch in found.partitions():
            for *values, custom, segments in batch:
                yield shape.row(values, _custom(custom), _segments(segments))


def _entries_called(tenant_id: str, names: Sequence[str]) -> ColumnElement[bool]:
    return _E.number.in_(names)


def _items_called(tenant_id: str, names: Sequence[str]) -> ColumnElement[bool]:
    # Not by the number of the joined entry: databases then begin with all of the tenant's items.
    entries = select(_E.id).where(_E.tenant_id == tenant_id, _E.number.in_(names))
    return and_(_I.tenant_id == tenant_id, _I.journal_entry_id.in_(entries))


def _runs_called(tenant_id: str, names: Sequence[str]) -> ColumnElement[bool]:
    return journal_runs.c.number.in_(names)


def _custom(text: str | None) -> Mapping[str, object]:
    found: Mapping[str, object] = {} if text in (None, "{}") else json.loads(text)
    return found


@lru_cache(maxsize=1024)
def _segments(text: str | None) -> Mapping[str, object]:
    """The columns of segments. Few combinations of values make up very many entries."""
    return {segment_column(name): value for name, value in json.loads(text or "[]")}


SOURCES = {
    "journalentry": Source(
        table=journal_entries,
        rows=select(
            *_columns(journal_entries, ENTRY),
            _TIED.label("transactioncount"),
            type_coerce(_E.custom_fields, Text).label("custom_fields"),
            type_coerce(_E.segments, Text).label("segments"),
        ),
        kind="JournalEntry",
        called=_entries_called,
        found_by=("id", "number", "updateddate"),
    ),
    "journalentryitem": Source(
        table=journal_entries,
        rows=select(
            *_columns(journal_entry_items, ITEM),
            *_columns(journal_entries, ITEM_OF_ENTRY),
            type_coerce(_I.custom_fields, Text).label("custom_fields"),
            _NO_SEGMENTS,
        ).join(journal_entries, _OF_ENTRY),
        kind="JournalEntry",
        called=_items_called,
        found_by=("journalentryid",),
    ),
    "journalrun": Source(
        table=journal_runs,
        rows=select(*_columns(journal_runs, RUN), _NO_CUSTOM_FIELDS, _NO_SEGMENTS),
        kind="JournalRun",
        called=_runs_called,
        found_by=("id", "number", "updateddate"),
    ),
    "accountingperiod": Source(
        table=accounting_periods,
        rows=select(
            *_columns(accounting_periods, PERIOD),
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
            *_columns(accounting_codes, CODE),
            _NEVER_DELETED,
            _NO_ORGANIZATION,
            type_coerce(accounting_codes.c.custom_fields, Text).label("custom_fields"),
            _NO_SEGMENTS,
        ),
        kind="AccountingCode",
    ),
}
"""By the lower-case names of the query tables."""
