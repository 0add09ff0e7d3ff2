"""A place for a daybook, and what differs between the databases that it may be kept in."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar

from reconciler.daybook.events import Damaged
from reconciler.daybook.sqlite_reading import is_damage
from reconciler.daybook.transaction import Connections, Transaction
from reconciler.errors import DaybookError

RESTORE = "Restore it from a copy. Do not delete it: it records which entries are yours."


class Store(ABC):
    """A place for a daybook, in one database system.

    `place` names it in messages, without a password. `lease_seconds` is how long a lease lasts
    unless it is renewed; None where the operating system ends the lock with its process.
    `failures` are the exceptions of its driver.
    """

    remedy: ClassVar[str]
    failures: tuple[type[Exception], ...]
    lease_seconds: int | None = None

    def __init__(self, place: str, connections: Connections) -> None:
        self.place = place
        self._connections = connections

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is a daybook, of any format."""

    @abstractmethod
    def create(self, fill: Callable[[Transaction], None]) -> None:
        """Create the tables and fill them: everything or nothing."""

    @abstractmethod
    def now(self, transaction: Transaction) -> datetime:
        """The time that all users of the daybook share."""

    def lock(self) -> None:  # noqa: B027 - by default there is nothing to do
        """Keep other processes from writing until `close`. Raises BlockingIOError.

        Without a lock the lease in the database decides who may write.
        """

    def replace_lock(self) -> None:  # noqa: B027 - by default there is nothing to do
        """Free the lock for another process, whoever holds it."""

    def is_replaced(self) -> bool:
        """Whether another database took the place of the one that is written."""
        return False

    def discard(self) -> None:  # noqa: B027 - by default there is nothing to do
        """Remove a new daybook that records nothing, unless somebody may have read of it."""

    def close(self) -> None:
        """Release the file and the connections, then the lock."""
        self._connections.close()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A transaction with one consistent view. Raises DaybookError."""
        with self.readable(), self._connections.transaction(write=False) as transaction:
            yield transaction

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Turn errors of the database and of the file system into DaybookError."""
        try:
            yield
        except Damaged as error:
            raise self.damaged(error) from error
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from error
        except self.failures as error:
            if is_damage(error):
                raise self.damaged(Damaged(_cause_of(error))) from error
            raise self._unreadable(_cause_of(error)) from error

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction that locks out other writers: all or nothing, on disk at its end."""
        try:
            with self._connections.transaction(write=True) as transaction:
                yield transaction
        except Damaged as error:
            raise self.damaged(error) from error
        except self.failures as error:
            raise DaybookError(
                f"the daybook cannot be written: {_cause_of(error)}",
                remedy="Check free disk space, the connection and your permissions. Then run the "
                "command again: it settles open calls.",
            ) from error

    def _unreadable(self, cause: str) -> DaybookError:
        return DaybookError(f"the daybook {self.place} cannot be read: {cause}", remedy=self.remedy)

    def damaged(self, error: Damaged) -> DaybookError:
        return DaybookError(f"the daybook {self.place} is damaged: {error}", remedy=RESTORE)


def _cause_of(error: Exception) -> str:
    """The first line of what a driver says, unless it may repeat a password."""
    said = str(error).strip().partition("\n")[0]
    if said.startswith(_CONNECTING) and not said.endswith("Connection refused"):
        return "the server cannot be reached, or refuses the connection"
    return said


_CONNECTING = ("connection failed", "connection to server", "Multiple connection attempts")
"""How the messages of the driver begin that end with words of a server."""
