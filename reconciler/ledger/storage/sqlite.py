"""SQLite: one file, one writer at a time, commits on disk; or in memory, gone with its process."""

import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from ..errors import LedgerUnusable
from . import backend
from .backend import Access, Backend, TransactionLost, access_of, wait_of

_DRIVER = "pysqlite"
_BEGIN_READING = "BEGIN"

_WRITE = "Write sqlite:////absolute/path.db."


def _prepare(url: URL) -> URL:
    name = url.database or ""
    if not name or name == ":memory:" or name.startswith("file:"):
        raise LedgerUnusable("the ledger needs a file", remedy=_WRITE)
    if url.query:
        raise LedgerUnusable("a SQLite URL takes no options", remedy=_WRITE)
    return url.set(drivername=f"sqlite+{_DRIVER}")


def _make_file(path: Path) -> None:
    """Make the file, if it is missing, readable by its owner only: not by the umask's mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if not path.is_file():
            raise LedgerUnusable(f"database {path}: not a file", remedy=_WRITE) from None
    except OSError as error:
        raise LedgerUnusable(
            f"database {path}: {error.strerror or error}",
            remedy="Name a file in a directory that exists, and where you may write.",
        ) from error


def _engines(url: URL) -> Mapping[Access, Engine]:
    """Commits of WRITING survive a power loss, those of RELAXED a crash of the process."""
    durable, relaxed = _engine(url, "FULL"), _engine(url, "NORMAL")
    return {Access.READING: durable, Access.WRITING: durable, Access.RELAXED: relaxed}


def _engine(url: URL, synchronous: str) -> Engine:
    made = create_engine(
        url,
        pool_size=8,
        max_overflow=-1,  # a thread with the turn must not wait for the pool
        connect_args={"isolation_level": None, "timeout": backend.LOCK_WAIT},
        hide_parameters=True,  # error messages must not contain data of requests
    )

    @event.listens_for(made, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA synchronous={synchronous}")

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        if access_of(connection) is Access.READING:
            connection.exec_driver_sql(_BEGIN_READING)
            return
        raw: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        raw.execute(_busy_timeout(wait_of(connection)))
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            raw.execute(_busy_timeout(backend.LOCK_WAIT))

    @event.listens_for(made, "commit")
    @event.listens_for(made, "savepoint")
    def _go_on(connection: Connection, *_: object) -> None:
        # After some errors, such as a full disk, SQLite rolls back by itself.
        raw: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        if not raw.in_transaction:
            raise TransactionLost

    return made


def _busy_timeout(seconds: float) -> str:
    return f"PRAGMA busy_timeout={round(seconds * 1000)}"


def _initialize(made: Engine) -> None:
    """Switch a new file to write-ahead logging. SQLite does not wait for its turn to do so."""
    deadline = time.monotonic() + backend.LOCK_WAIT
    while True:
        raw = made.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        finally:
            raw.close()


def _back_up(url: URL, version: str) -> None:
    """Copy the file, which the caller has locked, to `ledger.db.before-2`, for its owner only."""
    path = Path(str(url.database))
    copy = path.with_name(f"{path.name}.before-{int(version)}")
    draft = copy.with_name(f"{copy.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(draft)) as target:
            source.backup(target)
        draft.replace(copy)
    except OSError as error:
        raise LedgerUnusable(
            f"copy {copy}: {error.strerror or error}",
            remedy="Free space on its disk, or allow writing in its directory.",
        ) from error


def _is_busy(error: OperationalError) -> bool:
    code: int = getattr(error.orig, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _engines_in_memory(url: URL) -> Mapping[Access, Engine]:
    """One connection for every access, used by one thread at a time: nobody else sees or locks."""
    made = create_engine(
        url,
        poolclass=StaticPool,
        connect_args={"isolation_level": None, "check_same_thread": False},
        hide_parameters=True,
    )

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(_BEGIN_READING)

    return dict.fromkeys(Access, made)


MEMORY = Backend(driver=_DRIVER, engines=_engines_in_memory, begin_reading=_BEGIN_READING)
SQLITE = Backend(
    driver=_DRIVER,
    engines=_engines,
    begin_reading=_BEGIN_READING,
    prepare=_prepare,
    file=lambda url: Path(str(url.database)).absolute(),
    make_file=_make_file,
    initialize=_initialize,
    back_up=_back_up,
    is_busy=_is_busy,
)
