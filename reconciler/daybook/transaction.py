"""A transaction on the database of a daybook, and the connections that carry such transactions."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

# Connections are those of the Python database interface (PEP 249), of either driver.
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What statements differ in: how values are marked, and how rows are locked that are read."""

    value: str
    for_update: str


class Transaction:
    """An open transaction. In its statements `?` stands for a value, and there is no `%`."""

    def __init__(self, connection: Any, dialect: Dialect) -> None:
        self._connection = connection
        self._dialect = dialect

    def rows(
        self, statement: str, *values: str | int | None, lock: bool = False
    ) -> list[tuple[Any, ...]]:
        """The rows that a query finds. With `lock` no other transaction changes them meanwhile."""
        query = self._spelled(statement + (self._dialect.for_update if lock else ""))
        found: list[tuple[Any, ...]] = self._connection.execute(query, values).fetchall()
        return found

    def change(self, statement: str, *values: str | int | None) -> int:
        """Execute a statement, and return the number of rows that it changed."""
        changed: int = self._connection.execute(self._spelled(statement), values).rowcount
        return changed

    def change_each(self, statement: str, rows: Iterable[tuple[str | int | None, ...]]) -> None:
        cursor = self._connection.cursor()
        cursor.executemany(self._spelled(statement), list(rows))
        cursor.close()

    def _spelled(self, statement: str) -> str:
        return statement.replace("?", self._dialect.value)


class Connections:
    """Connections to one database, each for one transaction at a time. Threads may share them.

    `connect` opens one, outside of any transaction. `begin` begins a transaction on one, `write`
    says of which sort. `is_lost` tells whether a connection has ended.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        connect: Callable[[], Any],
        begin: Callable[[Transaction, bool], None],
        is_lost: Callable[[Any], bool] = lambda connection: False,
    ) -> None:
        self._dialect = dialect
        self._connect, self._begin, self._is_lost = connect, begin, is_lost
        self._idle: list[Any] = []

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Transaction]:
        """A transaction: committed when the block ends, undone when anything is raised in it."""
        connection = self._begun(write)
        try:
            yield Transaction(connection, self._dialect)
            self._commit(connection)
        except BaseException:
            self._undo(connection)
            raise
        self._idle.append(connection)

    def _begun(self, write: bool) -> Any:
        while True:
            try:
                connection, reused = self._idle.pop(), True
            except IndexError:
                connection, reused = self._connect(), False
            try:
                self._begin(Transaction(connection, self._dialect), write)
            except BaseException as error:
                # It may have died while a person was asked. Nothing was done on it yet.
                again = reused and isinstance(error, Exception) and self._is_lost(connection)
                _end(connection)
                if not again:
                    raise
            else:
                return connection

    def _commit(self, connection: Any) -> None:
        connection.commit()

    def _undo(self, connection: Any) -> None:
        """Undo a transaction. A connection on which that fails is closed."""
        try:
            connection.rollback()
        except BaseException as error:
            _end(connection)
            if not isinstance(error, Exception):
                raise
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close the connections that carry no transaction."""
        while self._idle:
            _end(self._idle.pop())


def _end(connection: Any) -> None:
    # Whatever a driver says of a connection that is given up, nothing is lost with it.
    with suppress(Exception):
        connection.close()
