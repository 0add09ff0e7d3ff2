"""Execution of a translated query on a copy of the rows.

The copy holds neither the ledger's database nor another tenant. An authorizer refuses everything
except reads of the permitted tables.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import decimal_functions
from .schema import Kind

MAX_ROWS = 500_000
"""Output rows of a query on live data (API facts 6.1)."""
MAX_CELLS = 5_000_000
MAX_SECONDS = 30
"""Seconds that a query may take; the request that polls it waits for it."""
_LOOK_EVERY = 5_000

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 2,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_FUNCTIONS = decimal_functions.NAMES | frozenset(
    {"abs", "coalesce", "count", "length", "like", "max", "min", "nullif", "substr", "substring"}
    | {"sum", "trim"}
)


class QueryFailed(Exception):
    """The query is valid and could not be executed."""


class QueryCancelled(Exception):
    """The caller cancelled the query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """SQL for the copy, and what it reads: tables, and deleted rows too if it names `deleted`."""

    sql: str
    tables: frozenset[str]
    columns: tuple[tuple[str, Kind], ...]
    deleted_too: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The rows of a result; each value has the type of its column, or is None."""

    columns: tuple[tuple[str, Kind], ...]
    rows: Sequence[tuple[object, ...]]


class Interruption:
    """Ends a query that is cancelled, or takes too long once it has started."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled
        self._deadline: float | None = None

    def start(self) -> None:
        self._deadline = time.monotonic() + MAX_SECONDS

    def interrupts(self) -> bool:
        return self._cancelled() or self._late()

    def check(self) -> None:
        """Raise QueryCancelled, or QueryFailed after the time limit."""
        if self._cancelled():
            raise QueryCancelled
        if self._late():
            raise QueryFailed(f"The query takes more than {MAX_SECONDS} seconds")

    def _late(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline


def execute(
    translation: Translation,
    copy: sqlite3.Connection,
    *,
    reached: frozenset[str],
    interruption: Interruption,
) -> Output:
    """Execute a query on its own connection. Raises QueryFailed and QueryCancelled."""
    for limit, bound in _LIMITS.items():
        copy.setlimit(limit, bound)
    decimal_functions.register(copy)
    copy.execute("PRAGMA case_sensitive_like=ON")
    copy.execute("PRAGMA query_only=ON")
    copy.set_authorizer(_authorizer(reached))
    copy.set_progress_handler(interruption.interrupts, _LOOK_EVERY)
    interruption.start()
    try:
        found = _fetch(copy, translation)
    except (sqlite3.Error, sqlite3.Warning) as error:
        interruption.check()
        raise QueryFailed(f"The query cannot be executed: {error}") from error
    return Output(columns=translation.columns, rows=found)


def _authorizer(tables: frozenset[str]) -> Callable[..., int]:
    def authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        allowed = (
            action == sqlite3.SQLITE_SELECT
            or (action == sqlite3.SQLITE_READ and first in {*tables, ""})
            or (action == sqlite3.SQLITE_FUNCTION and second in _FUNCTIONS)
        )
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    return authorize


def _fetch(copy: sqlite3.Connection, translation: Translation) -> list[tuple[object, ...]]:
    kinds = [kind for _name, kind in translation.columns]
    found: list[tuple[object, ...]] = []
    most = min(MAX_ROWS, MAX_CELLS // len(kinds))
    for row in copy.execute(translation.sql):
        if len(found) == most:
            raise QueryFailed(
                f"The query returns more than {most} rows; add a condition or a LIMIT"
            )
        found.append(tuple(map(_checked, row, kinds)))
    return found


def _checked(value: object, kind: Kind) -> object:
    """A value of the column's type. Raises QueryFailed for any other, such as a float."""
    if value is None:
        return None
    if kind is Kind.BOOLEAN and value in (0, 1):
        return bool(value)
    if type(value) is not (int if kind is Kind.INTEGER else str):
        raise QueryFailed(f"The query has a value that is not {kind}: a number is out of range")
    return value
