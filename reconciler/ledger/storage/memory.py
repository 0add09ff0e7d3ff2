"""SQLite in memory: one connection, for one thread at a time, gone with its process."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from .backend import Access

DRIVER = "pysqlite"
BEGIN_READING = "BEGIN"


def prepare(url: URL) -> URL:
    """The URL itself: there is no file."""
    return url


def engines(_: URL) -> Mapping[Access, Engine]:
    """The same connection for every access: nobody else can see or lock it."""
    made = create_engine(
        f"sqlite+{DRIVER}://",
        poolclass=StaticPool,
        connect_args={"isolation_level": None, "check_same_thread": False},
        hide_parameters=True,
    )

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(BEGIN_READING)

    return dict.fromkeys(Access, made)


def file(_: URL) -> Path | None:
    """None: nothing is on disk."""
    return None


def initialize(_: Engine) -> None:
    """Nothing has to be prepared."""


def back_up(_url: URL, _version: str) -> None:
    """A new database is never migrated."""


def is_busy(_: OperationalError) -> bool:
    """No other process can lock it."""
    return False
