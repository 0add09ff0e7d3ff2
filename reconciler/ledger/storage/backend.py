"""What the ledger needs of a database system."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol

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


class Backend(Protocol):
    """One database system: the module of its name.

    `DRIVER` is the only supported one; a URL may omit it. `BEGIN_READING` begins a transaction that
    only reads, of one state. `prepare` makes a database ready to
    connect to. `engines` connects for each Access: WRITING and RELAXED exclude every other writer
    from the start, READING sees one state. Commits and savepoints raise TransactionLost if the
    database has ended the transaction. `file` is that of the database, if it is one.
    `initialize` runs once on an empty database. `back_up` copies the database before a migration,
    where that is cheap. `is_busy` recognizes lock timeouts.
    """

    DRIVER: str
    BEGIN_READING: str

    def prepare(self, url: URL) -> URL: ...
    def engines(self, url: URL) -> Mapping[Access, Engine]: ...
    def file(self, url: URL) -> Path | None: ...
    def initialize(self, made: Engine) -> None: ...
    def back_up(self, url: URL, version: str) -> None: ...
    def is_busy(self, error: OperationalError) -> bool: ...


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
