"""SQLite as the ledger uses it: one file, one writer at a time, commits on disk."""

import os
import sqlite3
import time
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from ..failures import LedgerUnusable

LOCK_WAIT = 20
"""Seconds a writer waits for another process before the request is answered with contention."""


def prepare(url: URL) -> URL:
    """The URL to connect to, once its file exists. A new file is readable by its owner only."""
    name = url.database or ""
    if not name or name == ":memory:" or name.startswith("file:"):
        raise LedgerUnusable("the ledger needs a file; write sqlite:////absolute/path.db")
    path = Path(name)
    try:
        # Made here, because SQLite would give it the mode of the umask.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if not path.is_file():
            raise LedgerUnusable(f"database {path}: not a file") from None
    except OSError as error:
        raise LedgerUnusable(f"database {path}: {error.strerror or error}") from error
    return url.set(drivername="sqlite+pysqlite")


def engine(url: URL, *, durable: bool) -> Engine:
    """Connections whose commits survive a power loss, or only the end of the process."""
    made = create_engine(
        url,
        pool_size=8,
        max_overflow=-1,  # a waiting thread already holds its turn; it must not wait for a pool
        connect_args={"isolation_level": None, "timeout": LOCK_WAIT},
        hide_parameters=True,  # an error message must not carry what a request contained
    )

    @event.listens_for(made, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("ledger_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return made


def settle_in(made: Engine) -> None:
    """Switch a new file to a write-ahead log, for good.

    The switch needs the file alone and does not wait for that, so it is asked for again.
    """
    deadline = time.monotonic() + LOCK_WAIT
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


def is_busy(error: OperationalError) -> bool:
    """Whether another process held the database for longer than LOCK_WAIT."""
    code: int = getattr(error.orig, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
