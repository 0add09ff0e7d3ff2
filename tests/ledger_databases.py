"""Databases for ledgers under test: files of SQLite, or databases of a PostgreSQL server."""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import psycopg
from postgresql_server import PostgreSQL
from psycopg.rows import dict_row

SQLITE, POSTGRESQL = "sqlite", "postgresql"
LOCK = 0x6C6564676572  # the one that writers take
_NUMBERS = count(1)
"""For names of databases, of which a server has one each."""


class Database(Protocol):
    """A database that a ledger is opened on. `folder` is for the files of a test."""

    url: str
    folder: Path
    kind: str
    errors: type[Exception]
    without_triggers: Sequence[str]

    def truth(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows read behind the server's back; values stand for question marks."""

    def snapshot(self, *queries: str) -> list[list[dict[str, Any]]]:
        """The rows of each query, all of them as they were at one moment."""

    def run(self, *statements: str) -> None:
        """Change rows behind the server's back. Raises the driver's own error."""

    def held(self) -> contextlib.AbstractContextManager[None]:
        """Another process writes while the block runs."""

    def remove(self) -> None: ...


class SqliteFile:
    kind = SQLITE
    errors = sqlite3.Error
    without_triggers = (
        "DROP TRIGGER audit_events_no_update",
        "DROP TRIGGER audit_events_no_delete",
    )

    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, path.parent
        self.url = f"sqlite:///{path}"

    def truth(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    def snapshot(self, *queries: str) -> list[list[dict[str, Any]]]:
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            return [[dict(row) for row in connection.execute(query)] for query in queries]

    def run(self, *statements: str) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def remove(self) -> None:
        """Pytest removes its folders itself."""


class PostgresDatabase:
    kind = POSTGRESQL
    errors = psycopg.Error
    without_triggers = ("DROP TRIGGER audit_events_append_only ON audit_events",)

    def __init__(self, server: PostgreSQL, name: str, folder: Path) -> None:
        self.server, self.name, self.folder = server, name, folder
        self.url = server.url(name)

    def truth(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with self._connected() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.replace("?", "%s"), values).fetchall()

    def snapshot(self, *queries: str) -> list[list[dict[str, Any]]]:
        with self._connected() as connection, connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            return [cursor.execute(query).fetchall() for query in queries]

    def run(self, *statements: str) -> None:
        with self._connected() as connection, connection.transaction():
            for statement in statements:
                connection.execute(statement)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        with self._connected() as other:
            other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            yield

    def remove(self) -> None:
        self.server.drop(self.name)

    def _connected(self) -> psycopg.Connection:
        return self.server.connect(self.name)


class Databases:
    """Makes databases of one kind, empty or as copies of a seeded template."""

    def __init__(self, kind: str, server: Callable[[], PostgreSQL], seed: Callable[[str], None]):
        self.kind = kind
        self._server = server
        self._seed = seed
        self._template: Database | None = None

    def new(self, folder: Path) -> Database:
        return self._made(folder, template=None)

    def copy(self, folder: Path) -> Database:
        """A database seeded with the tests' reference."""
        if self._template is None:
            self._template = self.new(folder)
            self._seed(self._template.url)
            if isinstance(self._template, SqliteFile):
                kept = folder.parent / f"template-{folder.name}.db"
                shutil.move(self._template.path, kept)
                self._template = SqliteFile(kept)
        return self._made(folder, template=self._template)

    def clone(self, prepared: Database, folder: Path) -> Database:
        """A copy of a database that nobody has open."""
        return self._made(folder, template=prepared)

    def _made(self, folder: Path, *, template: Any) -> Database:
        number = next(_NUMBERS)
        if self.kind == SQLITE:
            path = folder / f"ledger-{number}.db"
            if template is not None:
                shutil.copy(template.path, path)
            return SqliteFile(path)
        server, name = self._server(), f"ledger_{number}"
        server.make(name, template="template0" if template is None else template.name)
        return PostgresDatabase(server, name, folder)


def kinds_for(asked: str, marks: Collection[str]) -> Sequence[str]:
    """What a test with these marks runs on, when the whole run is asked to be on one."""
    if "only_postgresql" in marks:
        return (POSTGRESQL,)
    if "both_databases" in marks and "only_sqlite" not in marks and asked == SQLITE:
        return (SQLITE, POSTGRESQL)
    return (asked,)
