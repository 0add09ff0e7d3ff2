"""PostgreSQL: several server processes, one writer at a time.

A writer locks the whole database until its commit is on disk, so that nobody reads what a crash
could undo. The lock belongs to the transaction and the timeouts to the server, so a client that
dies or hangs keeps neither.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, create_engine, event

from ..errors import LedgerUnusable
from .backend import Access, Backend, TransactionLost, access_of, wait_of

if TYPE_CHECKING:
    import psycopg

_DRIVER = "psycopg"
IDLE_WAIT = 60.0
"""Seconds after which the server ends a transaction of an idle client."""
STATEMENT_WAIT = 300.0
"""Seconds after which the server ends a statement."""

_CONNECT = {
    "application_name": "reconciler ledger",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    "tcp_user_timeout": 30_000,  # milliseconds until a lost server is given up
}
"""Options of a connection, unless the URL sets them."""

_LOCK = 0x6C6564676572
"""The key of the writers' advisory lock: the word "ledger"."""
_BUSY = frozenset(
    {
        "55P03",  # the lock was not to be had within lock_timeout
        "40001",  # the server asks for the transaction to be repeated
        "40P01",  # a deadlock with manual locks
    }
)
# A writer must see what was committed while it waited for the lock. So each statement reads the
# latest state, which the lock protects; a snapshot would be older than the lock.
_BEGIN = {
    Access.READING: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    Access.WRITING: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    Access.RELAXED: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
}


def _prepare(url: URL) -> URL:
    """The URL to connect to. The database must exist."""
    try:
        import psycopg  # noqa: F401, PLC0415 - asked for only where it is needed
    except ImportError as error:
        raise LedgerUnusable(
            "a ledger on PostgreSQL needs the package psycopg",
            remedy="Run `pip install 'journal-reconciler[postgresql]'`.",
        ) from error
    if not url.database:
        raise LedgerUnusable(
            "the database URL names no database", remedy="Write postgresql://user@host/database."
        )
    return url.set(drivername=f"postgresql+{_DRIVER}")


def _engines(url: URL) -> Mapping[Access, Engine]:
    """One pool for all; each transaction sets how durable its commit is."""
    made = create_engine(
        url,
        pool_size=8,
        max_overflow=-1,  # a thread with the turn must not wait for the pool
        pool_pre_ping=True,  # detects a restarted server
        connect_args={name: value for name, value in _CONNECT.items() if name not in url.query},
        use_native_hstore=False,  # saves a query on each new connection
        hide_parameters=True,  # error messages must not contain data of requests
    )

    @event.listens_for(made, "connect")
    def _connect(connection: "psycopg.Connection", _record: object) -> None:
        connection.autocommit = True  # transactions begin below

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(_beginning(access_of(connection), wait_of(connection)))

    @event.listens_for(made, "commit")
    @event.listens_for(made, "savepoint")
    def _go_on(connection: Connection, *_: object) -> None:
        # PostgreSQL answers COMMIT after a failed statement with a rollback, and no error.
        from psycopg.pq import TransactionStatus  # noqa: PLC0415

        raw: psycopg.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        if raw.info.transaction_status != TransactionStatus.INTRANS:
            raise TransactionLost

    return dict.fromkeys(Access, made)


def _beginning(access: Access, wait: float) -> str:
    """All statements at the beginning of a transaction, in one message."""
    statements = [_BEGIN[access], _local("idle_in_transaction_session_timeout", IDLE_WAIT)]
    statements.append(_local("statement_timeout", STATEMENT_WAIT))
    if access is not Access.READING:
        durable = "on" if access is Access.WRITING else "off"
        statements.append(f"SET LOCAL synchronous_commit = {durable}")
        statements.append(_local("lock_timeout", wait))
        statements.append(f"SELECT pg_advisory_xact_lock({_LOCK})")
    return "; ".join(statements)


def _local(setting: str, seconds: float) -> str:
    return f"SET LOCAL {setting} = {max(1, round(seconds * 1000))}"


def _initialize(made: Engine) -> None:
    with made.connect() as connection, connection.begin():
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise LedgerUnusable(
            f"the database has the encoding {encoding}",
            remedy="Make another one with ENCODING 'UTF8'.",
        )


POSTGRESQL = Backend(
    driver=_DRIVER,
    engines=_engines,
    begin_reading=_beginning(Access.READING, 0),
    prepare=_prepare,
    initialize=_initialize,
    is_busy=lambda error: getattr(error.orig, "sqlstate", None) in _BUSY,
)
"""A migration is one transaction, and pg_dump makes copies: nothing is backed up."""
