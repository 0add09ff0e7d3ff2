"""A daybook on PostgreSQL, for runners that share one: a schema for each workspace."""

import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event
from typing import Any

from reconciler.daybook.postgresql_url import destination_of
from reconciler.daybook.store import Store
from reconciler.daybook.tables import make_tables
from reconciler.daybook.transaction import Connections, Dialect, Transaction
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

_DIALECT = Dialect(value="%s", for_update=" FOR UPDATE")


class PostgresStore(Store):
    """The daybook of one workspace, in a schema of its own.

    An empty schema is kept: another runner may have read of it already.
    """

    remedy = (
        "Check that the server can be reached, that its certificate is valid for its name, and "
        "that you may use the database. PGSSLROOTCERT names the file of a private authority; the "
        "password comes from PGPASSWORD or ~/.pgpass."
    )

    def __init__(self, url: str, workspace: str, *, hurry: Event | None = None) -> None:
        self.lease_seconds = LEASE_SECONDS
        self.schema = schema_of(workspace)
        _require_driver()
        import psycopg  # noqa: PLC0415 - asked for only where it is needed

        from reconciler.daybook.server_wait import TimeLimits, WatchedConnection  # noqa: PLC0415

        self.failures = (psycopg.Error,)
        limits = TimeLimits(hurry)
        destination = destination_of(url, os.environ)
        options: dict[str, Any] = {**_CONNECT, **destination.parameters, "autocommit": True}

        def connect() -> WatchedConnection:
            return limits.connect(lambda: WatchedConnection.connect(**options))

        connections = Connections(
            _DIALECT, connect=connect, begin=self._begin, is_lost=lambda each: bool(each.closed)
        )
        super().__init__(destination.place, connections)

    def _begin(self, transaction: Transaction, write: bool) -> None:
        """Send all settings of a transaction in one message."""
        mode = "READ COMMITTED READ WRITE" if write else "REPEATABLE READ READ ONLY"
        path = f'SET LOCAL search_path = "{self.schema}"'
        parts = [f"BEGIN ISOLATION LEVEL {mode}", path, *_LIMITS]
        transaction.change("; ".join([*parts, *([_DURABLE] if write else [])]))

    def exists(self) -> bool:
        with self.reading() as transaction:
            return self._has_tables(transaction)

    def _has_tables(self, transaction: Transaction) -> bool:
        query = "SELECT 1 FROM pg_tables WHERE schemaname = ?"
        return bool(transaction.rows(query, self.schema))

    def create(self, fill: Callable[[Transaction], None]) -> None:
        """Create the schema and its tables in one transaction, unless another process just did."""
        key = int.from_bytes(hashlib.sha256(self.schema.encode()).digest()[:8], signed=True)
        with self._connections.transaction(write=True) as transaction:
            transaction.rows("SELECT pg_advisory_xact_lock(?)", key)
            if self._has_tables(transaction):
                return
            # If the schema was prepared, we may lack the right to create schemas.
            if not transaction.rows("SELECT 1 FROM pg_namespace WHERE nspname = ?", self.schema):
                transaction.change(f'CREATE SCHEMA "{self.schema}"')
            make_tables(transaction)
            fill(transaction)

    def now(self, transaction: Transaction) -> datetime:
        """The server's time, which all runners share."""
        now: datetime = transaction.rows("SELECT clock_timestamp()")[0][0]
        return now.astimezone(UTC)


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
