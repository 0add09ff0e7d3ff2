"""One transaction, from its connection to its certain end."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from .backend import WAIT


class Transaction:
    """A transaction that has begun. A writing one waits for others for up to `wait` seconds."""

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
        """Commit or roll back. If that fails, a lock may remain, so the connection is closed."""
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
    """A transaction around a block: committed at its end, rolled back after an exception."""
    begun = Transaction(engine, wait=wait)
    try:
        yield begun.connection
    except BaseException:
        begun.end(commit=False)
        raise
    begun.end(commit=True)
