"""What the ledger needs of a database system."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import OperationalError

LOCK_WAIT = 20.0
"""Seconds a writer waits, for threads and for other processes together."""


class Access(StrEnum):
    READING = "reading"
    WRITING = "writing"
    RELAXED = "relaxed"


OPTION = "ledger_access"
"""The execution option with the Access of a connection's transactions."""
WAIT = "ledger_wait"
"""The execution option with the seconds of LOCK_WAIT that are left."""


class TransactionLost(Exception):
    """The database ended the transaction by itself. Nothing of it was stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One database system.

    `driver` is the only supported one; a URL may omit it. `engines` connects for each Access:
    WRITING and RELAXED exclude every other writer from the start, READING sees one state. Commits
    and savepoints raise TransactionLost if the database has ended the transaction. `begin_reading`
    begins a transaction that only reads, of one state. `prepare` checks a URL, and gives the one to
    connect to. `file` is that of the database, if it is one, and `make_file` makes it if it is
    missing. `initialize` runs once on an empty database. `back_up` copies the database before a
    migration, where that is cheap. `is_busy` recognizes lock timeouts.
    """

    driver: str
    engines: Callable[[URL], Mapping[Access, Engine]]
    begin_reading: str
    prepare: Callable[[URL], URL] = lambda url: url
    file: Callable[[URL], Path | None] = lambda _url: None
    make_file: Callable[[Path], None] = lambda _path: None
    initialize: Callable[[Engine], None] = lambda _made: None
    back_up: Callable[[URL, str], None] = lambda _url, _version: None
    is_busy: Callable[[OperationalError], bool] = lambda _error: False


def access_of(connection: Connection) -> Access:
    return Access(connection.get_execution_options().get(OPTION, Access.READING))


def wait_of(connection: Connection) -> float:
    """Seconds that the next transaction may wait for other processes."""
    left: float = connection.get_execution_options().get(WAIT, LOCK_WAIT)
    return left


def display_name(url: URL) -> str:
    """The name of a database in messages, without password and options."""
    at = f" at {url.host}" if url.host else ""
    return f"database {url.database}{at}"
