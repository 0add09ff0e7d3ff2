"""One transaction, from the connection it takes to the moment it is surely over."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from .backend import WAIT


class Transaction:
    """A transaction that has begun. Raises when it cannot be.

    A writing one waits for other processes until `wait` seconds are over; by default LOCK_WAIT.
    """

    def __init__(self, engine: Engine, *, wait: float | None = None) -> None:
        self.connection = engine.connect()
        try:
            if wait is not None:
                self.connection.execution_options(**{WAIT: wait})
            self._begun = self.connection.begin()
        except BaseException:
            self.connection.close()
            raise

    def end(self, *, commit: bool) -> None:
        """Commit or undo it, and give the connection back.

        Where that raises, the database connection is closed for good: the library would take it
        for one that is free, though its transaction, and the lock with it, may still be there.
        """
        try:
            if commit:
                self._begun.commit()
            else:
                self._begun.rollback()
        except BaseException:
            self.connection.invalidate()
            raise
        finally:
            self.connection.close()


@contextmanager
def transaction(engine: Engine, *, wait: float | None = None) -> Iterator[Connection]:
    """A transaction around a block: committed when it is left, undone when it raises."""
    begun = Transaction(engine, wait=wait)
    try:
        yield begun.connection
    except BaseException:
        begun.end(commit=False)
        raise
    begun.end(commit=True)
