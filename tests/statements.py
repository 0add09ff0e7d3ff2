"""Statements are compiled once for the databases of all tests, not once for each of them.

SQLAlchemy keeps what it compiled with an engine, and nearly every test opens databases of its own:
a sixth of the time of the suite went into the same statements, over and over. The ledger keeps its
prepared reads in the same way.
"""

from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

from reconciler.ledger.storage import prepared


class Compiled(dict[Any, Any]):
    """What was compiled, by statement and by the kind of database instead of by engine."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


def compile_once() -> None:
    """Have every engine on SQLite share what it compiles; servers of PostgreSQL may differ."""
    compiled = Compiled()

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Connection) -> None:
        if connection.dialect.name == "sqlite":
            connection.execution_options(compiled_cache=compiled)

    prepared_once: dict[Any, Any] = {}
    make = prepared._Statement.of

    def of(select: Any, dialect: Any) -> Any:
        if dialect.name != "sqlite":
            return make(select, dialect)
        if select not in prepared_once:
            prepared_once[select] = make(select, dialect)
        return prepared_once[select]

    prepared._Statement.of = of
