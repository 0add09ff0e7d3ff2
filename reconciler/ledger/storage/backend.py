"""What differs between databases, as the ledger sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import OperationalError

LOCK_WAIT = 20.0
"""Seconds a writer waits for others before the request is answered with contention: for its turn
in this process and for other processes, both together."""


class Access(StrEnum):
    """What a transaction is for."""

    READING = "reading"
    WRITING = "writing"
    RELAXED = "relaxed"


OPTION = "ledger_access"
"""The execution option of a connection that says which Access its transactions have."""
WAIT = "ledger_wait"
"""The execution option that says how many seconds of LOCK_WAIT its next transaction has left."""


class TransactionLost(Exception):
    """The database gave the transaction up by itself. Nothing of it was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One database system.

    `driver` is the only one it is used with; a URL need not name it. `prepare` makes a database
    ready to connect to. `engines` connects, for each Access: WRITING and RELAXED exclude every
    other writer of the database from the start, READING sees one state. Commits and savepoints
    raise TransactionLost once the database has given a transaction up. `initialize` runs once on an
    empty database. `back_up` copies the database before it is migrated to a schema version, where
    that is cheap. `is_busy` tells contention from other errors.
    """

    driver: str
    prepare: Callable[[URL], URL]
    engines: Callable[[URL], Mapping[Access, Engine]]
    initialize: Callable[[Engine], None]
    back_up: Callable[[URL, str], None]
    is_busy: Callable[[OperationalError], bool]


def access_of(connection: Connection) -> Access:
    """What the next transaction of a connection is for."""
    return Access(connection.get_execution_options().get(OPTION, Access.READING))


def wait_of(connection: Connection) -> float:
    """How many seconds the next transaction of a connection may wait for other processes."""
    left: float = connection.get_execution_options().get(WAIT, LOCK_WAIT)
    return left


def display_name(url: URL) -> str:
    """A database as messages name it: never its password, nor options that may hold one."""
    at = f" at {url.host}" if url.host else ""
    return f"database {url.database}{at}"
