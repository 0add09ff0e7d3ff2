"""What differs between the databases that a daybook may be kept in."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Protocol

from reconciler.daybook.events import Damaged
from reconciler.daybook.sqlite_reading import is_damage
from reconciler.daybook.transaction import Transaction
from reconciler.errors import DaybookError

RESTORE = "Restore it from a copy. Do not delete it: it records which entries are yours."


class Store(Protocol):
    """A place for a daybook, in one database system.

    `place` names it in messages, without a password. `lease_seconds` is how long a lease lasts
    unless it is renewed; None where the operating system ends the lock with its process.
    `failures` are the exceptions of its driver.
    """

    place: str
    remedy: str
    lease_seconds: int | None
    failures: tuple[type[Exception], ...]

    def exists(self) -> bool:
        """Whether there is a daybook, of any format."""

    def lock(self) -> None:
        """Keep other processes from writing until `close`. Raises BlockingIOError."""

    def create(self, fill: Callable[[Transaction], None]) -> None:
        """Create the tables and fill them: everything or nothing."""

    def reader(self) -> AbstractContextManager[Transaction]:
        """A transaction with one consistent view."""

    def writer(self) -> AbstractContextManager[Transaction]:
        """A transaction that locks out other writers, and is on disk when it ends."""

    def now(self, transaction: Transaction) -> datetime:
        """The time that all users of the daybook share."""

    def replace_lock(self) -> None:
        """Free the lock for another process, whoever holds it."""

    def discard(self) -> None:
        """Remove a new daybook that records nothing, while `lock` holds it."""

    def close(self) -> None:
        """Release the lock, the file and the connections."""


@contextmanager
def reading(store: Store) -> Iterator[Transaction]:
    """Read a daybook. Raises DaybookError."""
    try:
        with store.reader() as transaction:
            yield transaction
    except Damaged as error:
        raise damaged(store, error) from error
    except store.failures as error:
        raise unreadable(store, error) from error


@contextmanager
def writing(store: Store) -> Iterator[Transaction]:
    """Write to a daybook: everything or nothing. Raises DaybookError."""
    try:
        with store.writer() as transaction:
            yield transaction
    except Damaged as error:
        raise damaged(store, error) from error
    except store.failures as error:
        raise DaybookError(
            f"the daybook cannot be written: {cause_of(error)}",
            remedy="Check free disk space, the connection and your permissions. Then run the "
            "command again: it settles open calls.",
        ) from error


def unreadable(store: Store, error: Exception) -> DaybookError:
    """The error for a daybook that a database cannot read, or reads and finds damaged."""
    if is_damage(error):
        return damaged(store, Damaged(cause_of(error)))
    return DaybookError(
        f"the daybook {store.place} cannot be read: {cause_of(error)}", remedy=store.remedy
    )


def damaged(store: Store, error: Damaged) -> DaybookError:
    """The error for a daybook that failed a check."""
    return DaybookError(f"the daybook {store.place} is damaged: {error}", remedy=RESTORE)


def cause_of(error: Exception) -> str:
    """The first line of what a driver says.

    What a server says while it is connected to may repeat what it was sent, such as a password.
    """
    said = str(error).strip().partition("\n")[0]
    if said.startswith(_CONNECTING) and not said.endswith("Connection refused"):
        return "the server cannot be reached, or refuses the connection"
    return said


_CONNECTING = ("connection failed", "connection to server", "Multiple connection attempts")
"""How the messages of the driver begin that end with words of a server."""
