"""Transactions on the ledger's database: who may write when, and how durable a commit is."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Protocol
from weakref import WeakSet

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from ..errors import LedgerUnusable
from . import schema_version
from .backend import OPTION, Access, Backend, display_name
from .group_commit import GroupCommit, WriteTurnTimeout
from .postgresql import POSTGRESQL
from .prepared import PreparedReads
from .sqlite import MEMORY, SQLITE
from .transaction import transaction


class Contention(Exception):
    """Other writers kept the database locked for too long. Nothing was changed."""


_BACKENDS = {"sqlite": SQLITE, "postgresql": POSTGRESQL, "postgres": POSTGRESQL}
_EXAMPLES = "sqlite:////absolute/path.db or postgresql://user@host/database"


class Closing(Protocol):
    """What has files of its own as long as the database is open."""

    def close(self) -> None: ...


class Store:
    """An open database. Threads and processes may share it.

    `reading` and `reading_prepared` see one consistent state. `writing` excludes other writers and
    is on disk when it returns. `writing_relaxed` excludes them too; its commit survives a crash of
    the process, but perhaps not a power loss. An exception rolls a block back. All raise
    Contention.
    """

    def __init__(self, backend: Backend, url: URL) -> None:
        self._backend = backend
        self._engines: Mapping[Access, Engine] = {
            access: engine.execution_options(**{OPTION: access})
            for access, engine in backend.engines(url).items()
        }
        self._writers = GroupCommit()
        self._prepared = PreparedReads(self._engines[Access.READING], backend.begin_reading)
        self.file = backend.file(url)
        """The file of the database; None if it is on a server."""
        self.closing: WeakSet[Closing] = WeakSet()
        """What is closed with it."""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._contention(), transaction(self._engines[Access.READING]) as connection:
            yield connection

    @contextmanager
    def reading_prepared(self) -> Iterator[Connection]:
        """For selects that are constants of a module, and read as mappings; see `prepared`."""
        with self._contention(), self._prepared.transaction() as connection:
            yield connection

    @contextmanager
    def writing(self, *, alone: bool = False) -> Iterator[Connection]:
        """Threads that write at the same time share a commit; long work is `alone`."""
        write = self._writers.exclusive if alone else self._writers.shared
        with self._contention(), write(self._engines[Access.WRITING]) as connection:
            yield connection

    @contextmanager
    def writing_relaxed(self) -> Iterator[Connection]:
        note: AbstractContextManager[Connection] = self._writers.exclusive(
            self._engines[Access.RELAXED], unless_open=True
        )
        with self._contention(), note as connection:
            yield connection

    def close(self) -> None:
        for item in tuple(self.closing):
            item.close()
        self._prepared.close()
        for engine in self._engines.values():
            engine.dispose()

    @contextmanager
    def _contention(self) -> Iterator[None]:
        try:
            yield
        except WriteTurnTimeout as error:
            raise Contention("other writers keep the database busy") from error
        except OperationalError as error:
            if self._backend.is_busy(error):
                raise Contention("another process keeps the database busy") from error
            raise


def open_store(database_url: str) -> Store:
    """Open the database at an SQLAlchemy URL, or create it. Raises LedgerUnusable."""
    backend, url = _known(database_url)
    if (file := backend.file(url)) is not None:
        backend.make_file(file)
    return _opened(backend, url)


def is_new(database_url: str) -> bool:
    """Whether a database holds no ledger yet. Creates nothing. Raises LedgerUnusable."""
    backend, url = _known(database_url)
    file = backend.file(url)
    if file is not None and not file.exists():
        return True
    with _usable(url), closing(Store(backend, url)) as store, store.reading() as tx:
        return schema_version.version_of(tx) is None


def open_memory() -> Store:
    return _opened(MEMORY, make_url("sqlite://"))


def _known(database_url: str) -> tuple[Backend, URL]:
    """The database system of a URL, and the URL to connect to."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):
        # Not chained: the library's message may contain the URL with its password.
        raise LedgerUnusable(
            "the database URL is not understood", remedy=f"Write {_EXAMPLES}."
        ) from None
    backend = _BACKENDS.get(url.get_backend_name())
    if backend is None:
        raise LedgerUnusable(
            f"the ledger runs on sqlite and postgresql, not on {url.get_backend_name()}",
            remedy=f"Write {_EXAMPLES}.",
        )
    driver = url.drivername.partition("+")[2]
    if driver not in ("", backend.driver):
        raise LedgerUnusable(
            f"the ledger uses the driver {backend.driver}, not {driver}",
            remedy=f"Write {_EXAMPLES}.",
        )
    return backend, backend.prepare(url)


def _opened(backend: Backend, url: URL) -> Store:
    store = Store(backend, url)
    try:
        with _usable(url):
            schema_version.make_ready(store, backend, url)
    except BaseException:
        store.close()
        raise
    return store


@contextmanager
def _usable(url: URL) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, Contention) as error:
        raise LedgerUnusable(
            f"{display_name(url)}: {cause_of(error)}",
            remedy="Check the database URL, and whether its server answers and accepts the user.",
        ) from error


def cause_of(error: Exception) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())
