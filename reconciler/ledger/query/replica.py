"""A copy of an entity's rows on which queries are executed, kept up to date.

The copy is a SQLite database in a directory of its own, without other tenants' data. A table is
copied when a query first names it. Later the audit events since the last update tell which rows to
read again, so a query costs what has changed. If the chain of events does not continue, or has an
unknown type of event, the copy is made again.

A copy beside a database file is kept for the next process, which continues from its last event.
"""

import logging
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, select

from ..storage.audit import GENESIS
from ..storage.store import Store
from ..storage.tables import audit_events, tenants
from . import kept_note
from .copy_files import DATABASE, CopyDirectory, kept_for, remove_left, remove_others
from .rows import CHUNK, SOURCES, RowLayout, RowValues
from .schema import QueryTable

log = logging.getLogger(__name__)

MAX_REPLICAS = 16
"""Copies that an app keeps, those used last."""
_BATCH = 1_000
_WAIT = 0.1

AFFECTED: dict[str, tuple[str, ...]] = {
    "JournalEntry": ("journalentry", "journalentryitem"),
    "JournalRun": ("journalrun",),
    "AccountingPeriod": ("accountingperiod",),
    "AccountingCode": ("accountingcode",),
    "Reference": ("accountingperiod", "accountingcode"),
    "Client": (),
    "Transactions": (),
}
"""By object type of an event, the tables whose rows it may have changed."""

CheckInterrupt = Callable[[], None]
"""Called regularly during long work; raises to end it."""

_EVENT = audit_events.c
_EVENTS = select(_EVENT.sequence, _EVENT.hash, _EVENT.object_type, _EVENT.object_name)


def copied_table(name: str) -> str:
    """The name of a copied table. Queries cannot name it; their views have documented names."""
    return f"{name} rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A connection that sees one state of a copy, and the layouts of its tables."""

    copy: sqlite3.Connection
    layouts: Mapping[str, RowLayout]


class Replicas:
    """The copies of an app, by tenant. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._replicas: dict[str, Replica] = {}
        remove_left(None if store.file is None else store.file.parent)
        if store.file is not None and kept_for(store.file):
            with store.reading() as tx:
                remove_others(store.file, tx.execute(select(tenants.c.tenant_id)).scalars().all())
        store.closing.add(self)

    def of(self, tenant_id: str) -> "Replica":
        """The copy of a tenant, empty at first."""
        with self._lock:
            replica = self._replicas.pop(tenant_id, None) or Replica(self._store, tenant_id)
            self._replicas[tenant_id] = replica
            if len(self._replicas) > MAX_REPLICAS:
                # Threads that use it keep it; its files are removed with it.
                del self._replicas[next(iter(self._replicas))]
        return replica

    def close(self) -> None:
        """Keep the files of all copies, or remove them where they are not beside the database."""
        with self._lock:
            for replica in self._replicas.values():
                replica.keep()
            self._replicas.clear()


class Replica:
    """The copy of an entity's rows. Thread-safe; its files are removed with it."""

    def __init__(self, store: Store, tenant_id: str) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._turn = threading.Lock()
        self._files: weakref.finalize[Any, Any] | None = None
        self._directory: CopyDirectory | None = None
        self._path = ""
        self._layouts: dict[str, RowLayout] = {}
        self._begin({})

    @contextmanager
    def locked(self, check_interrupt: CheckInterrupt) -> Iterator[Connection]:
        """A reading transaction in which no other thread changes the copy.

        It begins after the previous one has ended, so the copy is never newer than the transaction.
        """
        while not self._turn.acquire(timeout=_WAIT):
            check_interrupt()
        try:
            with self._store.reading() as tx:
                yield tx
        finally:
            self._turn.release()

    @contextmanager
    def updated(
        self,
        tx: Connection,
        schema: Mapping[str, QueryTable],
        tables: Iterable[str],
        check_interrupt: CheckInterrupt,
    ) -> Iterator[Snapshot]:
        """The named tables as they are in the transaction of `locked`.

        The snapshot remains valid whatever happens to the copy.
        """
        try:
            self._update(tx, schema, tables, check_interrupt)
        except BaseException:
            self._begin({})  # an incomplete update is dropped
            raise
        with closing(self._connected()) as copy:
            copy.execute("BEGIN")
            copy.execute("SELECT count(*) FROM sqlite_master").fetchone()  # begins the snapshot
            yield Snapshot(copy=copy, layouts=dict(self._layouts))

    def remove(self) -> None:
        """Remove the files. Readers still have them open."""
        if self._files is not None:
            self._files()
        self._files = self._directory = None

    def keep(self) -> None:
        """Leave the files to the next process, or remove them if they are in use or incomplete."""
        database, directory = self._store.file, self._directory
        idle = self._turn.acquire(blocking=False)
        try:
            if database is not None and directory is not None and idle and self._on_disk():
                note = kept_note.written(self._schema, self._layouts, self._position)
                self._let_go()
                directory.keep(database, self._tenant_id, note)
        except (OSError, sqlite3.Error):
            log.warning("a copy for queries is not kept", exc_info=True)
        finally:
            self.remove()
            if idle:
                self._turn.release()

    def _on_disk(self) -> bool:
        """Bring the copy to the disk, in one file; False if a reader prevents it."""
        with closing(self._connected()) as copy:
            copy.execute("PRAGMA synchronous=FULL")
            busy: int = copy.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        handle = os.open(self._path, os.O_RDWR)  # Windows syncs no other
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        return not busy

    def _adopt(self, schema: Mapping[str, QueryTable]) -> None:
        """Take over the copy that an earlier process kept, if it is one of this code and schema."""
        database = self._store.file
        found = None if database is None else CopyDirectory.kept(database, self._tenant_id)
        if found is None:
            return
        self._hold(found[0])
        try:
            kept = self._usable(found[1], schema)
        except (OSError, ValueError, KeyError, TypeError, sqlite3.Error):
            kept = None
        if kept is None:
            self._begin(schema)
        else:
            self._schema, (self._layouts, self._position) = schema, kept

    def _usable(
        self, note: bytes, schema: Mapping[str, QueryTable]
    ) -> tuple[dict[str, RowLayout], tuple[int, str]] | None:
        """The layouts and the last event of a copy that was kept; None if it is of no use."""
        found = kept_note.read(note, schema)
        if found is None:
            return None
        tables, position = found
        with closing(self._connected()) as copy:
            sound = copy.execute("PRAGMA quick_check").fetchone() == ("ok",)
            there = {name for (name,) in copy.execute("SELECT name FROM sqlite_master")}
        if not sound or not there.issuperset(map(copied_table, tables)):
            return None
        return {name: RowLayout(SOURCES[name].plain, schema[name]) for name in tables}, position

    def _hold(self, directory: CopyDirectory) -> None:
        self._directory = directory
        self._files = weakref.finalize(self, directory.remove)
        self._path = str(directory.path / DATABASE)

    def _let_go(self) -> None:
        """Leave the files as they are."""
        if self._files is not None:
            self._files.detach()
        self._files = self._directory = None

    def _begin(self, schema: Mapping[str, QueryTable]) -> None:
        """Drop the copy."""
        self.remove()
        self._schema = schema
        self._layouts = {}
        self._position = (0, GENESIS)

    def _update(
        self,
        tx: Connection,
        schema: Mapping[str, QueryTable],
        tables: Iterable[str],
        check_interrupt: CheckInterrupt,
    ) -> None:
        if self._files is None:
            self._adopt(schema)
        events: Sequence[Row[Any]] = self._events(tx) if self._files is not None else ()
        if not events or schema != self._schema or not self._follow(events):
            self._begin(schema)
            last = self._of_tenant(_EVENTS).order_by(_EVENT.sequence.desc()).limit(1)
            events = tx.execute(last).all()
        missing = sorted({*tables} - {*self._layouts})
        changed = _changed(events[1:], self._layouts)
        if missing or changed:
            with closing(self._connected()) as copy:
                copy.execute("BEGIN IMMEDIATE")
                for name, called in changed.items():
                    self._read_again(tx, copy, name, called, check_interrupt)
                for name in missing:
                    self._fill(tx, copy, name, check_interrupt)
                copy.execute("COMMIT")
        if events:
            self._position = (events[-1].sequence, events[-1].hash)

    def _events(self, tx: Connection) -> Sequence[Row[Any]]:
        """The last event that is in the copy, if it still exists, and those after it."""
        query = _EVENTS.where(_EVENT.sequence >= self._position[0]).order_by(_EVENT.sequence)
        return tx.execute(self._of_tenant(query)).all()

    def _follow(self, events: Sequence[Row[Any]]) -> bool:
        """Whether the events continue the known chain and have known types."""
        known = (events[0].sequence, events[0].hash) == self._position
        return known and all(event.object_type in AFFECTED for event in events[1:])

    def _of_tenant(self, query: Any) -> Any:
        return query.where(_EVENT.tenant_id == self._tenant_id)

    def _fill(
        self, tx: Connection, copy: sqlite3.Connection, name: str, check_interrupt: CheckInterrupt
    ) -> None:
        """Copy a table. Its columns have no affinity, so values keep their types."""
        source = SOURCES[name]
        shape = RowLayout(source.plain, self._schema[name])
        columns = ", ".join(f'"{column}"' for column in shape.columns)
        copy.execute(f'CREATE TABLE "{copied_table(name)}" ({columns})')
        insert(
            copy,
            copied_table(name),
            shape,
            source.read(tx, self._tenant_id, shape),
            check_interrupt,
        )
        for column in source.found_by:
            copy.execute(
                f'CREATE INDEX "{name} by {column}" ON "{copied_table(name)}" ("{column}")'
            )
        self._layouts[name] = shape

    def _read_again(
        self,
        tx: Connection,
        copy: sqlite3.Connection,
        name: str,
        called: set[str],
        check_interrupt: CheckInterrupt,
    ) -> None:
        """Read the changed rows again, or all rows if events do not name them.

        Rows are never removed from the ledger's tables, so all of them are found.
        """
        source, shape = SOURCES[name], self._layouts[name]
        if source.called is None:
            copy.execute(f'DELETE FROM "{copied_table(name)}"')  # noqa: S608 - our names
            found = source.read(tx, self._tenant_id, shape)
            insert(copy, copied_table(name), shape, found, check_interrupt)
            return
        names = sorted(called)
        place = shape.columns.index(source.found_by[0])
        remove = f'DELETE FROM "{copied_table(name)}" WHERE "{source.found_by[0]}" = ?'  # noqa: S608
        for start in range(0, len(names), CHUNK):
            chunk = names[start : start + CHUNK]
            again = list(source.read(tx, self._tenant_id, shape, chunk))
            copy.executemany(remove, {(row[place],) for row in again})
            insert(copy, copied_table(name), shape, again, check_interrupt)

    def _connected(self) -> sqlite3.Connection:
        """A connection to the copy, which is created if it does not exist."""
        if self._files is None:
            database = self._store.file
            self._hold(CopyDirectory.new(None if database is None else database.parent))
        copy = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        # Readers continue during updates. A copy that is kept is synced first.
        copy.execute("PRAGMA journal_mode=WAL")
        copy.execute("PRAGMA synchronous=OFF")
        return copy


def insert(
    copy: sqlite3.Connection,
    table: str,
    shape: RowLayout,
    rows: Iterable[RowValues],
    check_interrupt: CheckInterrupt,
) -> None:
    """Add rows to a table of a copy."""
    marks = ", ".join("?" * len(shape.columns))
    source = iter(rows)
    while batch := list(islice(source, _BATCH)):
        copy.executemany(f'INSERT INTO "{table}" VALUES ({marks})', batch)  # noqa: S608 - our names
        check_interrupt()


def _changed(events: Iterable[Row[Any]], tables: Iterable[str]) -> dict[str, set[str]]:
    """The names in events of changed rows, by table."""
    changed: dict[str, set[str]] = {}
    for event in events:
        for name in AFFECTED[event.object_type]:
            if name in tables:
                changed.setdefault(name, set()).add(event.object_name)
    return changed
