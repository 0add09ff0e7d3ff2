"""What differs between the databases that a daybook may be kept in."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.daybook.events import Damaged
from reconciler.errors import DaybookError

RESTORE = "Restore it from a copy; do not remove it: it knows which entries are yours."


class Store(Protocol):
    """A place for a daybook, in one database system.

    `place` names it in messages, never with a password. `lease_seconds` is how long a lease lasts
    unless it is renewed; None where the operating system tells that its holder is gone.
    """

    place: str
    remedy: str
    lease_seconds: int | None

    def exists(self) -> bool:
        """Whether there is a daybook, of whatever format."""

    def lock(self) -> None:
        """Keep other processes from writing until `close`. Raises BlockingIOError."""

    def create(self, fill: Callable[[Connection], None]) -> None:
        """Make the tables and let them be filled: all of it or nothing."""

    def reader(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one state."""

    def writer(self) -> AbstractContextManager[Connection]:
        """A transaction that keeps others from writing, and is on disk once it has ended."""

    def now(self, connection: Connection) -> datetime:
        """The time that every process using this daybook agrees on."""

    def replace_lock(self) -> None:
        """Let another process have the guard, whoever has it."""

    def close(self) -> None:
        """Give back everything."""


@contextmanager
def reading(store: Store) -> Iterator[Connection]:
    """Read a daybook. Raises DaybookError."""
    try:
        with store.reader() as connection:
            yield connection
    except Damaged as error:
        raise damaged(store, error) from error
    except SQLAlchemyError as error:
        raise DaybookError(
            f"the daybook {store.place} cannot be read: {cause_of(error)}", remedy=store.remedy
        ) from error


@contextmanager
def writing(store: Store) -> Iterator[Connection]:
    """Write to a daybook: all of it or nothing. Raises DaybookError."""
    try:
        with store.writer() as connection:
            yield connection
    except Damaged as error:
        raise damaged(store, error) from error
    except SQLAlchemyError as error:
        raise DaybookError(
            f"the daybook cannot be written: {cause_of(error)}",
            remedy="Check that its disk has room, that it can be reached and that you may write "
            "there, then run the command again: it settles what is open.",
        ) from error


def damaged(store: Store, error: Damaged) -> DaybookError:
    """What stops the work when a check of the daybook failed."""
    return DaybookError(f"the daybook {store.place} is damaged: {error}", remedy=RESTORE)


def cause_of(error: SQLAlchemyError) -> str:
    """What a driver says of an error, without statements and values."""
    said = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return said.strip().partition("\n")[0]
