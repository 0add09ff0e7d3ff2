"""Places for daybooks: files, or workspaces in one database of one PostgreSQL server."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest
from postgresql_server import PostgreSQL

from reconciler.daybook import Daybook, open_daybook, unlock
from reconciler.daybook.lease import Lease
from reconciler.daybook.postgresql import schema_of

_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a workspace's daybook is, and a way to its rows behind the tool's back."""

    place: Path | str
    workspace: str = "books"

    @property
    def is_file(self) -> bool:
        return isinstance(self.place, Path)

    @contextlib.contextmanager
    def opened(self, *, write: bool = True, **options) -> Iterator[Daybook]:
        book = open_daybook(self.place, write=write, workspace=self.workspace, **options)
        try:
            yield book
        finally:
            book.close()

    def unlock(self, lease: str) -> Lease:
        return unlock(self.place, lease, workspace=self.workspace)

    def sql(self, statement: str) -> None:
        if self.is_file:
            with contextlib.closing(sqlite3.connect(self.place)) as connection:
                connection.execute(statement)
                connection.commit()
        else:
            with psycopg.connect(self.place, autocommit=True) as connection:
                connection.execute(f'SET search_path = "{schema_of(self.workspace)}"')
                connection.execute(statement)


@pytest.fixture(scope="session")
def shared_database(postgresql: PostgreSQL) -> tuple[PostgreSQL, str]:
    postgresql.make("daybooks")
    return postgresql, postgresql.url_of_daybook("daybooks")


@pytest.fixture
def on_postgresql(shared_database) -> Place:
    """A new workspace in the database that all of these tests share."""
    return Place(place=shared_database[1], workspace=f"books-{next(_numbers)}")


@pytest.fixture
def in_a_file(tmp_path) -> Place:
    return Place(place=tmp_path / "books" / "daybook.db")


@pytest.fixture(params=["in_a_file", "on_postgresql"])
def home(request) -> Place:
    place: Callable[..., Place] | Place = request.getfixturevalue(request.param)
    return place
