"""SQLite in memory: one connection, for one thread at a time, gone with its process."""

from collections.abc import Mapping

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from .backend import Access, Backend


def _engines(url: URL) -> Mapping[Access, Engine]:
    """The same connection for every access: nobody else can see or lock it."""
    made = create_engine(
        url,
        poolclass=StaticPool,
        connect_args={"isolation_level": None, "check_same_thread": False},
        hide_parameters=True,
    )

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return dict.fromkeys(Access, made)


MEMORY = Backend(driver="pysqlite", engines=_engines, begin_reading="BEGIN")
