"""What differs between the databases that a daybook may be kept in."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.daybook.events import Damaged
from reconciler.daybook.sqlite_reading import is_damage
from reconciler.errors import DaybookError

RESTORE = "Restore it from a copy. Do not delete it: it records which entries are yours."


class Store(Protocol):
    """A place for a daybook, in one database system.

    `place` names it in messages, without a password. `lease_seconds` is how long a lease lasts
    unless it is renewed; None where the operating system ends the lock with its process.
    """

    place: str
    remedy: str
    lease_seconds: int | None

    def exists(self) -> bool:
        """Whether there is a daybook, of any format."""

    def lock(self) -> None:
        """Keep other processes from writing until `close`. Raises BlockingIOError."""

    def create(self, fill: Callable[[Connection], None]) -> None:
        """Create the tables and fill them: everything or nothing."""

    def reader(self) -> AbstractContextManager[Connection]:
        """A transaction with one consistent view."""

    def writer(self) -> AbstractContextManager[Connection]:
        """A transaction that locks out other writers, and is on disk when it ends."""

    def now(self, connection: Connection) -> datetime:
        """The time that all users of the daybook share."""

    def replace_lock(self) -> None:
        """Free the lock for another process, whoever holds it."""

    def close(self) -> None:
        """Release the lock, the file and the connections."""


WRITING = "daybook_writing"
"""The execution option of a transaction that writes."""


class Transactions:
    """The transactions of a store. Its engine begins those that write in another way."""

    engine: Engine

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """A transaction with one consistent view."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writer(self) -> Iterator[Connection]:
        """A transaction that locks out other writers at its start, or at its first update."""
        begun = self.engine.connect().execution_options(**{WRITING: True})
        with begun as connection, connection.begin():
            yield connection


@contextmanager
def reading(store: Store) -> Iterator[Connection]:
    """Read a daybook. Raises DaybookError."""
    try:
        with store.reader() as connection:
            yield connection
    except Damaged as error:
        raise damaged(store, error) from error
    except SQLAlchemyError as error:
        raise unreadable(store, error) from error


@contextmanager
def writing(store: Store) -> Iterator[Connection]:
    """Write to a daybook: everything or nothing. Raises DaybookError."""
    try:
        with store.writer() as connection:
            yield connection
    except Damaged as error:
        raise damaged(store, error) from error
    except SQLAlchemyError as error:
        raise DaybookError(
            f"the daybook cannot be written: {cause_of(error)}",
            remedy="Check free disk space, the connection and your permissions. Then run the "
            "command again: it settles open calls.",
        ) from error


class GivenUp(Exception):
    """The server of a daybook did not answer in time. The text is not the server's."""


def unreadable(store: Store, error: SQLAlchemyError) -> DaybookError:
    """The error for a daybook that a database cannot read, or reads and finds damaged."""
    if is_damage(error):
        return damaged(store, Damaged(cause_of(error)))
    return DaybookError(
        f"the daybook {store.place} cannot be read: {cause_of(error)}", remedy=store.remedy
    )


def damaged(store: Store, error: Damaged) -> DaybookError:
    """The error for a daybook that failed a check."""
    return DaybookError(f"the daybook {store.place} is damaged: {error}", remedy=RESTORE)


def cause_of(error: SQLAlchemyError) -> str:
    """The message of a driver, without statements and values.

    What a server says while it is connected to may repeat what it was sent, such as a password.
    """
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0]
    if said.startswith(_CONNECTING) and not said.endswith("Connection refused"):
        return "the server cannot be reached, or refuses the connection"
    return said


_CONNECTING = ("connection failed", "connection to server", "Multiple connection attempts")
"""How the messages of the driver begin that end with words of a server."""
