"""A copy of an entity's rows on which queries are executed, kept up to date.

The copy is a SQLite database in a directory of its own, without other tenants' data. A table is
copied when a query first names it. Later the audit events since the last update tell which rows to
read again, so a query costs what has changed. If the chain of events does not continue, or has an
unknown type of event, the copy is made again.

A copy beside a database file is kept for the next process, which continues from its last event.
"""

import hashlib
import json
import logging
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from ..storage.audit import GENESIS
from ..storage.store import Store
from ..storage.tables import audit_events, tenants
from .copy_files import DATABASE, CopyDirectory, kept_for, remove_left, remove_others, sync
from .rows import CHUNK, SOURCES, RowLayout, RowValues
from .schema import QueryTable

log = logging.getLogger(__name__)

MAX_REPLICAS = 16
"""Copies that an app keeps, those used last."""
_BATCH = 1_000
_WAIT = 0.1
CODE = ("replica.py", "rows.py", "schema.py", "decimal_functions.py", "../storage/tables.py")
"""The files that decide what a copy holds: one that other code made is not used."""

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
class Reading:
    """What is read for a query: the tables of a tenant, in one transaction."""

    tx: Connection
    tenant_id: str
    schema: Mapping[str, QueryTable]
    check_interrupt: CheckInterrupt


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
        self._copy: _Copy | None = None

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
    def updated(self, reading: Reading, tables: Iterable[str]) -> Iterator[Snapshot]:
        """The named tables as of the transaction of `locked`, whatever happens to the copy."""
        try:
            copy = self._update(reading, tables)
        except BaseException:
            self._drop()  # an incomplete update
            raise
        with closing(copy.connected()) as connection:
            connection.execute("BEGIN")
            # This begins the snapshot.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            yield Snapshot(copy=connection, layouts=dict(copy.layouts))

    def keep(self) -> None:
        """Leave the files to the next process, or remove them if they are in use or incomplete."""
        database, copy = self._store.file, self._copy
        idle = self._turn.acquire(blocking=False)
        try:
            if database is not None and copy is not None and idle and copy.on_disk():
                copy.keep(database, self._tenant_id)
        except (OSError, sqlite3.Error):
            log.warning("a copy for queries is not kept", exc_info=True)
        finally:
            self._drop()
            if idle:
                self._turn.release()

    def _drop(self) -> None:
        """Drop the copy. Readers still have its files open."""
        if self._copy is not None:
            self._copy.remove()
        self._copy = None

    def _update(self, reading: Reading, tables: Iterable[str]) -> "_Copy":
        database = self._store.file
        of_tenant: Select[Any] = _EVENTS.where(_EVENT.tenant_id == self._tenant_id)
        if self._copy is None and database is not None:
            self._copy = _adopted(database, self._tenant_id, reading.schema)
        copy = self._copy
        events: Sequence[Row[Any]] = ()
        if copy is not None:
            later = of_tenant.where(_EVENT.sequence >= copy.position[0]).order_by(_EVENT.sequence)
            events = reading.tx.execute(later).all()
        if copy is None or copy.schema != reading.schema or not copy.followed_by(events):
            self._drop()
            directory = CopyDirectory.new(None if database is None else database.parent)
            copy = self._copy = _Copy(directory, reading.schema)
            last = of_tenant.order_by(_EVENT.sequence.desc()).limit(1)
            events = reading.tx.execute(last).all()
        missing = sorted({*tables} - {*copy.layouts})
        changed = _changed(events[1:], copy.layouts)
        if missing or changed:
            with closing(copy.connected()) as connection:
                connection.execute("BEGIN IMMEDIATE")
                for name, called in changed.items():
                    _read_again(reading, connection, name, copy.layouts[name], called)
                for name in missing:
                    copy.layouts[name] = _fill(reading, connection, name)
                connection.execute("COMMIT")
        if events:
            copy.position = (events[-1].sequence, events[-1].hash)
        return copy


class _Copy:
    """The files of a copy, and what they hold: its schema, its tables and its last event."""

    def __init__(self, directory: CopyDirectory, schema: Mapping[str, QueryTable]) -> None:
        self.schema = schema
        self.layouts: dict[str, RowLayout] = {}
        self.position = (0, GENESIS)
        self.remove = weakref.finalize(self, directory.remove)
        self._directory = directory

    def connected(self) -> sqlite3.Connection:
        path = self._directory.path / DATABASE
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # Readers continue during updates. A copy that is kept is synced first.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    def followed_by(self, events: Sequence[Row[Any]]) -> bool:
        """Whether these begin with the last event of the copy, and the others have known types."""
        if not events or (events[0].sequence, events[0].hash) != self.position:
            return False
        return all(event.object_type in AFFECTED for event in events[1:])

    def on_disk(self) -> bool:
        """Bring the copy to the disk, in one file; False if a reader prevents it."""
        with closing(self.connected()) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        sync(self._directory.path / DATABASE, os.O_RDWR)  # Windows syncs no other
        return not busy

    def keep(self, database: Path, tenant_id: str) -> None:
        held = {"tables": [*self.layouts], "position": self.position}
        note = json.dumps({**self._origin(), **held}).encode()
        self.remove.detach()
        self._directory.keep(database, tenant_id, note)

    def takes(self, note: bytes) -> bool:
        """Whether the files are sound and hold what a note says, by this code and schema."""
        found, origin = json.loads(note), self._origin()
        if {name: found[name] for name in origin} != origin:
            return False
        tables, (sequence, last_hash) = found["tables"], found["position"]
        self.position = sequence, last_hash
        with closing(self.connected()) as connection:
            sound = connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        self.layouts = {name: RowLayout(SOURCES[name].plain, self.schema[name]) for name in tables}
        return sound and there.issuperset(map(copied_table, tables))

    def _origin(self) -> dict[str, str]:
        """What the content of a copy depends on beside the events: its code and its schema."""
        columns = [
            (name, table.name, [*table.columns.items()]) for name, table in self.schema.items()
        ]
        return {"code": _code(), "schema": hashlib.sha256(repr(columns).encode()).hexdigest()}


@cache
def _code() -> str:
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in CODE)).hexdigest()


def _adopted(database: Path, tenant_id: str, schema: Mapping[str, QueryTable]) -> _Copy | None:
    """The copy that an earlier process kept, if it is of use."""
    found = CopyDirectory.kept(database, tenant_id)
    if found is None:
        return None
    directory, note = found
    copy = _Copy(directory, schema)
    with suppress(OSError, ValueError, KeyError, TypeError, sqlite3.Error):
        if copy.takes(note):
            return copy
    copy.remove()
    return None


def _fill(reading: Reading, copy: sqlite3.Connection, name: str) -> RowLayout:
    """Copy a table. Its columns have no affinity, so values keep their types."""
    source, table = SOURCES[name], copied_table(name)
    layout = RowLayout(source.plain, reading.schema[name])
    columns = ", ".join(f'"{column}"' for column in layout.columns)
    copy.execute(f'CREATE TABLE "{table}" ({columns})')
    rows = source.read(reading.tx, reading.tenant_id, layout)
    insert(copy, table, layout, rows, reading.check_interrupt)
    for column in source.found_by:
        copy.execute(f'CREATE INDEX "{name} by {column}" ON "{table}" ("{column}")')
    return layout


def _read_again(
    reading: Reading, copy: sqlite3.Connection, name: str, layout: RowLayout, called: set[str]
) -> None:
    """Read the changed rows again, or all rows if events do not name them. None is ever removed."""
    source, table = SOURCES[name], copied_table(name)
    if source.called is None:
        copy.execute(f'DELETE FROM "{table}"')  # noqa: S608 - our names
        rows = source.read(reading.tx, reading.tenant_id, layout)
        insert(copy, table, layout, rows, reading.check_interrupt)
        return
    names = sorted(called)
    place = layout.columns.index(source.found_by[0])
    remove = f'DELETE FROM "{table}" WHERE "{source.found_by[0]}" = ?'  # noqa: S608
    for start in range(0, len(names), CHUNK):
        chunk = names[start : start + CHUNK]
        again = list(source.read(reading.tx, reading.tenant_id, layout, chunk))
        copy.executemany(remove, {(row[place],) for row in again})
        insert(copy, table, layout, again, reading.check_interrupt)


def insert(
    copy: sqlite3.Connection,
    table: str,
    layout: RowLayout,
    rows: Iterable[RowValues],
    check_interrupt: CheckInterrupt,
) -> None:
    marks = ", ".join("?" * len(layout.columns))
    source = iter(rows)
    while batch := list(islice(source, _BATCH)):
        copy.executemany(f'INSERT INTO "{table}" VALUES ({marks})', batch)  # noqa: S608 - our names
        check_interrupt()


def _changed(events: Iterable[Row[Any]], tables: Iterable[str]) -> dict[str, set[str]]:
    changed: dict[str, set[str]] = {}
    for event in events:
        for name in AFFECTED[event.object_type]:
            if name in tables:
                changed.setdefault(name, set()).add(event.object_name)
    return changed
