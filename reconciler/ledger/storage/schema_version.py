"""The schema version of a database: created, current, or migrated."""

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import URL, Connection, inspect, select
from sqlalchemy.exc import DBAPIError

from ..errors import LedgerUnusable
from . import tables
from .backend import Backend

_VERSION = select(tables.ledger_version.c.version_num)


class Transactions(Protocol):
    def reading(self) -> AbstractContextManager[Connection]: ...

    def writing(self, *, alone: bool) -> AbstractContextManager[Connection]: ...


def make_ready(store: Transactions, backend: Backend, url: URL) -> None:
    """Create the tables of an empty database, or migrate those of an older ledger.

    If several processes start together, one does so and the others wait. Raises LedgerUnusable if
    the database has other tables, or those of a newer ledger.
    """
    if _is_newest(store):
        return
    with store.reading() as tx:
        version, engine = version_of(tx), tx.engine
    if version is None:
        backend.initialize(engine)
    elif version > tables.SCHEMA_VERSION:
        raise _newer(version)
    with store.writing(alone=True) as tx:
        # Another process may have been first.
        _bring_up(tx, backend, url)


def _is_newest(store: Transactions) -> bool:
    """Whether the version is current, found with one query."""
    with store.reading() as tx:
        try:
            with tx.begin_nested():
                return tx.execute(_VERSION).scalars().all() == [tables.SCHEMA_VERSION]
        except DBAPIError:
            return False  # no such table


def _bring_up(tx: Connection, backend: Backend, url: URL) -> None:
    version = version_of(tx)
    if version is None:
        tables.METADATA.create_all(tx, checkfirst=False)
        tx.execute(tables.ledger_version.insert().values(version_num=tables.SCHEMA_VERSION))
    elif version > tables.SCHEMA_VERSION:
        raise _newer(version)
    elif version < tables.SCHEMA_VERSION:
        # Loaded only for a migration, because it takes long.
        from .migrations import migrate  # noqa: PLC0415

        backend.back_up(url, tables.SCHEMA_VERSION)
        migrate(tx)


def version_of(tx: Connection) -> str | None:
    """The schema version; None for an empty database."""
    names = inspect(tx).get_table_names()
    if tables.ledger_version.name in names:
        version: str = tx.execute(_VERSION).scalar_one()
        return version
    if names:
        raise LedgerUnusable(
            f"the database holds other tables ({names[0]}, ...) and is no ledger",
            remedy="Name another one.",
        )
    return None


def _newer(version: str) -> LedgerUnusable:
    found, own = version.lstrip("0"), tables.SCHEMA_VERSION.lstrip("0")
    return LedgerUnusable(
        f"the database has schema version {found}, this ledger writes version {own}",
        remedy="Use the reconciler that wrote it, or a newer one.",
    )
