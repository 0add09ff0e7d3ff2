"""A daybook on PostgreSQL, for runners that share one: a schema for each workspace."""

import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event
from typing import Any

from sqlalchemy import Connection, create_engine, event

from reconciler.daybook.postgresql_url import destination_of
from reconciler.daybook.store import WRITING, Transactions
from reconciler.daybook.tables import TABLES
from reconciler.errors import DaybookError

LEASE_SECONDS = 60
"""Duration of a lease in seconds, by the clock of the server."""

_CONNECT = {
    "application_name": "reconciler daybook",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    "tcp_user_timeout": 30_000,  # milliseconds until a server that is gone is given up
}

_LONGEST_NAME = 63
"""Longest identifier; PostgreSQL silently truncates longer ones."""

_LIMITS = (
    # A process that hangs in a transaction must not block others.
    "SET LOCAL idle_in_transaction_session_timeout = '10s'",
    # Shorter than the client's own limits, so that its error names the cause.
    "SET LOCAL statement_timeout = '25s'",
    "SET LOCAL lock_timeout = '20s'",
)
_DURABLE = (
    # `on` or stronger, whatever the server's default is.
    "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
    "WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)"
)


class PostgresStore(Transactions):
    """The daybook of one workspace, in a schema of its own."""

    remedy = (
        "Check that the server can be reached, that its certificate is valid for its name, and "
        "that you may use the database. PGSSLROOTCERT names the file of a private authority; the "
        "password comes from PGPASSWORD or ~/.pgpass."
    )

    def __init__(self, url: str, workspace: str, *, hurry: Event | None = None) -> None:
        self.lease_seconds: int | None = LEASE_SECONDS
        self.schema = schema_of(workspace)
        _require_driver()
        from reconciler.daybook.server_wait import TimeLimits, WatchedConnection  # noqa: PLC0415

        limits = TimeLimits(hurry)

        def connect(_: object, __: object, args: Any, options: Any) -> WatchedConnection:
            return limits.connect(lambda: WatchedConnection.connect(*args, **options))

        destination = destination_of(url, os.environ)
        self.place = destination.place
        self.engine = create_engine(
            destination.address,
            pool_size=2,  # one for the writer, one for the renewal of its lease
            pool_pre_ping=True,  # a connection may have died while a person was asked
            connect_args={**_CONNECT, **destination.parameters},
            use_native_hstore=False,
            hide_parameters=True,
        )
        event.listen(self.engine, "do_connect", connect)
        event.listen(self.engine, "connect", _unwrapped)
        event.listen(self.engine, "begin", self._begun)

    def _begun(self, connection: Connection) -> None:
        """Send all settings of a transaction in one message."""
        writing = connection.get_execution_options().get(WRITING)
        mode = "READ COMMITTED READ WRITE" if writing else "REPEATABLE READ READ ONLY"
        path = f'SET LOCAL search_path = "{self.schema}"'
        parts = [f"BEGIN ISOLATION LEVEL {mode}", path, *_LIMITS]
        connection.exec_driver_sql("; ".join([*parts, *([_DURABLE] if writing else [])]))

    def exists(self) -> bool:
        with self.reader() as connection:
            return self._has_tables(connection)

    def _has_tables(self, connection: Connection) -> bool:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname = %s"
        return bool(connection.exec_driver_sql(query, (self.schema,)).scalar_one())

    def lock(self) -> None:
        """Do nothing: the lease in the database decides who may write."""

    def replace_lock(self) -> None:
        """Do nothing: there is no lock."""

    def create(self, fill: Callable[[Connection], None]) -> None:
        """Create the schema and its tables in one transaction, unless another process just did."""
        key = int.from_bytes(hashlib.sha256(self.schema.encode()).digest()[:8], signed=True)
        with self.writer() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (key,))
            if self._has_tables(connection):
                return
            query = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
            # If the schema was prepared, we may lack the right to create schemas.
            if connection.exec_driver_sql(query, (self.schema,)).one_or_none() is None:
                connection.exec_driver_sql(f'CREATE SCHEMA "{self.schema}"')
            TABLES.create_all(connection, checkfirst=False)
            fill(connection)

    def now(self, connection: Connection) -> datetime:
        """The server's time, which all runners share."""
        now: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return now.astimezone(UTC)

    def close(self) -> None:
        self.engine.dispose()


def schema_of(workspace: str) -> str:
    """The name of a workspace's schema, unique for each workspace."""
    name = f"reconciler_{workspace}"
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(workspace.encode()).hexdigest()[:16]
    # No workspace name contains a tilde.
    return f"{name[: _LONGEST_NAME - 17]}~{digest}"


def _require_driver() -> None:
    try:
        import psycopg  # noqa: F401, PLC0415 - asked for only where it is needed
    except ImportError as error:
        raise DaybookError(
            "a daybook on PostgreSQL needs the package psycopg",
            remedy="Install it with the extra: pip install 'journal-reconciler[postgresql]'.",
        ) from error


def _unwrapped(connection: Any, _: object) -> None:
    connection.autocommit = True  # transactions begin above
