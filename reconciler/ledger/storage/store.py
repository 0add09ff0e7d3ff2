"""Transactions on the ledger's database: who may write when, and how durable a commit is."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import URL, Connection, Engine, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from ..failures import LedgerUnusable
from . import sqlite, tables


class Contention(Exception):
    """Another process kept the database busy for too long. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What differs between databases.

    `prepare` makes a database ready to connect to, `engine` connects, `settle_in` runs once on an
    empty one, `is_busy` tells contention from other errors. A writing connection has the execution
    option `ledger_writes`; its transaction must exclude every other writer from the start.
    """

    prepare: Callable[[URL], URL]
    engine: Callable[..., Engine]
    settle_in: Callable[[Engine], None]
    is_busy: Callable[[OperationalError], bool]


BACKENDS = {
    "sqlite": Backend(
        prepare=sqlite.prepare,
        engine=sqlite.engine,
        settle_in=sqlite.settle_in,
        is_busy=sqlite.is_busy,
    ),
}


class Store:
    """One database, open. Threads and processes may share it.

    `reading` sees one consistent state; `writing` runs alone and is on disk when it returns;
    `noting` also runs alone, and its commit survives a crash of the process but perhaps not a
    power loss. Leaving a block by an exception undoes everything done in it. All three raise
    Contention.
    """

    def __init__(self, backend: Backend, url: URL) -> None:
        self._backend = backend
        self._durable = backend.engine(url, durable=True)
        self._relaxed = backend.engine(url, durable=False)
        # There is one writer at a time. Threads queue here, fairly and without polling; only
        # other processes are waited for inside the database.
        self._turn = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._contention(), self._durable.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._turn, self._contention(), _alone(self._durable) as connection:
            yield connection

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        with self._turn, self._contention(), _alone(self._relaxed) as connection:
            yield connection

    def make_tables(self) -> None:
        """Make the tables of an empty database; bring those of an older ledger up to date.

        Raises LedgerUnusable for a database that holds something else, or a newer ledger.
        """
        with self.reading() as tx:
            version = _version(tx)
        if version is None:
            self._backend.settle_in(self._durable)
            with self.writing() as tx:
                # Another process may have been first while this one waited for its turn.
                version = _version(tx) or _create(tx)
        elif version in tables.UPGRADES:
            with self.writing() as tx:
                version = _upgrade(tx)
        if version != tables.SCHEMA_VERSION:
            raise LedgerUnusable(
                f"the database has schema version {version}, this ledger writes version "
                f"{tables.SCHEMA_VERSION}; start with a new one"
            )

    def close(self) -> None:
        self._durable.dispose()
        self._relaxed.dispose()

    @contextmanager
    def _contention(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            if self._backend.is_busy(error):
                raise Contention("another process keeps the database busy") from error
            raise


def open_store(database_url: str) -> Store:
    """Open the database at an SQLAlchemy URL, making what is missing. Raises LedgerUnusable."""
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise LedgerUnusable(
            "the database URL is not understood; write sqlite:////absolute/path.db"
        ) from error
    backend = BACKENDS.get(url.get_backend_name())
    if backend is None:
        raise LedgerUnusable(
            f"the ledger runs on {', '.join(BACKENDS)}, not on {url.get_backend_name()}; "
            "write sqlite:////absolute/path.db"
        )
    store = Store(backend, backend.prepare(url))
    try:
        store.make_tables()
    except (SQLAlchemyError, sqlite3.Error, Contention) as error:
        store.close()
        cause = getattr(error, "orig", None) or error
        raise LedgerUnusable(f"database {url.database}: {cause}") from error
    except BaseException:
        store.close()
        raise
    return store


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as plain:
        connection = plain.execution_options(ledger_writes=True)
        with connection.begin():
            yield connection


def _version(tx: Connection) -> int | None:
    """The schema version of a ledger, None for an empty database."""
    names = inspect(tx).get_table_names()
    if tables.ledger_schema.name not in names:
        if names:
            raise LedgerUnusable(
                f"the database holds other tables ({names[0]}, ...) and is no ledger; "
                "name another one"
            )
        return None
    version: int = tx.execute(select(tables.ledger_schema.c.version)).scalar_one()
    return version


def _create(tx: Connection) -> int:
    tables.METADATA.create_all(tx)
    tx.execute(tables.ledger_schema.insert().values(version=tables.SCHEMA_VERSION))
    return tables.SCHEMA_VERSION


def _upgrade(tx: Connection) -> int:
    """Bring an older ledger up to date in one transaction; another process may have been first."""
    version = _version(tx) or 0
    while version in tables.UPGRADES:
        for statement in tables.UPGRADES[version]:
            tx.exec_driver_sql(statement)
        version += 1
    tables.METADATA.create_all(tx)
    tx.execute(tables.ledger_schema.update().values(version=version))
    return version
