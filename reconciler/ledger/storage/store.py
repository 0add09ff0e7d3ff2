"""Transactions on the ledger's database: who may write when, and how durable a commit is."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from ..failures import LedgerUnusable
from . import tables

LOCK_WAIT = 20
"""Seconds a writer waits for another process before the request is answered with contention."""


class Contention(Exception):
    """Another process kept the database busy for too long. Nothing was changed."""


class Store:
    """One database, open. Threads and processes may share it.

    `reading` sees one consistent state; `writing` runs alone and is on disk when it returns;
    `noting` also runs alone, and its commit survives a crash of the process but perhaps not a
    power loss. Leaving a block by an exception undoes everything done in it.
    """

    def __init__(self, url: URL) -> None:
        self._durable = _engine(url, synchronous="FULL")
        self._relaxed = _engine(url, synchronous="NORMAL")
        # SQLite has one writer at a time. Threads queue here, fairly and without polling; only
        # other processes are waited for in SQLite's own busy handler.
        self._turn = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with _contention(), self._durable.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._turn, _contention(), _immediate(self._durable) as connection:
            yield connection

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        with self._turn, _contention(), _immediate(self._relaxed) as connection:
            yield connection

    def close(self) -> None:
        self._durable.dispose()
        self._relaxed.dispose()


def open_store(database_url: str) -> Store:
    """Open the database at an SQLAlchemy URL, creating file and tables when they are missing.

    A new SQLite file is readable by its owner only. Raises LedgerUnusable when the URL is not one
    of a SQLite file, or the file cannot be used.
    """
    url = _checked(database_url)
    path = Path(str(url.database))
    try:
        _create_file(path)
        store = Store(url)
    except OSError as error:
        raise LedgerUnusable(f"database {path}: {error.strerror or error}") from error
    try:
        _ensure_tables(store)
    except (SQLAlchemyError, Contention) as error:
        store.close()
        cause = getattr(error, "orig", None) or error
        raise LedgerUnusable(f"database {path}: {cause}") from error
    except LedgerUnusable:
        store.close()
        raise
    return store


def _checked(database_url: str) -> URL:
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise LedgerUnusable(
            "the database URL is not understood; write sqlite:////absolute/path.db"
        ) from error
    if url.get_backend_name() != "sqlite":
        raise LedgerUnusable(
            f"the ledger runs on SQLite, not on {url.get_backend_name()}; "
            "write sqlite:////absolute/path.db"
        )
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise LedgerUnusable("the ledger needs a file; write sqlite:////absolute/path.db")
    return url.set(drivername="sqlite+pysqlite")


def _create_file(path: Path) -> None:
    """An owner-only file, before SQLite would make one with the mode of the umask."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if not path.is_file():
            raise LedgerUnusable(f"database {path}: not a file") from None


def _engine(url: URL, *, synchronous: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=8,
        max_overflow=-1,  # a waiting thread already holds its turn; it must not wait for a pool
        connect_args={"isolation_level": None, "timeout": LOCK_WAIT},
        hide_parameters=True,  # an error message must not carry what a request contained
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA synchronous={synchronous}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("ledger_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


@contextmanager
def _immediate(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as plain:
        connection = plain.execution_options(ledger_writes=True)
        with connection.begin():
            yield connection


@contextmanager
def _contention() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if _is_busy(error):
            raise Contention from error
        raise


def _is_busy(error: OperationalError) -> bool:
    code: int = getattr(error.orig, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _ensure_tables(store: Store) -> None:
    if _version(store) is None:
        _use_write_ahead_log(store)
        with store.writing() as tx:
            # Another process may have been first while this one waited for its turn.
            if not tx.dialect.has_table(tx, tables.ledger_schema.name):
                tables.METADATA.create_all(tx)
                tx.execute(tables.ledger_schema.insert().values(version=tables.SCHEMA_VERSION))
    version = _version(store)
    if version != tables.SCHEMA_VERSION:
        raise LedgerUnusable(
            f"the database has schema version {version}, this ledger writes version "
            f"{tables.SCHEMA_VERSION}; start with a new file"
        )


def _version(store: Store) -> int | None:
    with store.reading() as tx:
        if not tx.dialect.has_table(tx, tables.ledger_schema.name):
            return None
        version: int | None = tx.execute(select(tables.ledger_schema.c.version)).scalar()
        return version


def _use_write_ahead_log(store: Store) -> None:
    """Switch the file to a write-ahead log, for good.

    The switch needs the file alone and does not wait for that, so it is asked for again.
    """
    deadline = time.monotonic() + LOCK_WAIT
    while True:
        raw = store._durable.raw_connection()  # noqa: SLF001 - must run outside a transaction
        try:
            raw.cursor().execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise LedgerUnusable(f"database: {error}") from error
            time.sleep(0.01)
        finally:
            raw.close()
