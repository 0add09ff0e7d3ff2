"""Prepared reads: selects that are compiled once, and executed without the library.

The library binds, executes and wraps each statement again, which costs more than the database does.
A prepared select still has one spelling, that of the library: its text for the database system, its
parameters and the conversions of its columns are taken from there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Engine, PoolProxiedConnection, Select
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import DBAPIError

Convert = Callable[[Any], Any]


class PreparedReads:
    """The connections that prepared selects are executed on. Threads may share it.

    There are as many as threads read at the same time. `begin` is the statement that begins a
    transaction of one consistent state.
    """

    def __init__(self, engine: Engine, begin: str) -> None:
        self._engine = engine
        self._begin = begin
        self._errors = engine.dialect.loaded_dbapi.Error
        self._statements: dict[Select[Any], _Statement] = {}
        self._idle: list[PoolProxiedConnection] = []

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that only reads.

        Of a connection it can `execute` a select with its values, if the select is a constant of a
        module, and its result answers `mappings`.
        """
        held, raw = self._begun()
        try:
            yield cast(Connection, _Reader(raw, self._statement))
        except self._errors as error:
            self._discard(held)
            raise self._named(error) from error
        except BaseException:
            self._end(held, raw)
            raise
        self._end(held, raw)

    def close(self) -> None:
        """Return every connection. Nothing may be read any more."""
        while self._idle:
            self._idle.pop().close()

    def _begun(self) -> tuple[PoolProxiedConnection, Any]:
        """A connection in a transaction. One that a restarted server has ended is replaced."""
        while True:
            try:
                held, kept = self._idle.pop(), True
            except IndexError:
                held, kept = self._engine.raw_connection(), False
            raw: Any = held.driver_connection
            try:
                raw.execute(self._begin)
            except self._errors as error:
                self._discard(held)
                if not kept:
                    raise self._named(error) from error
            else:
                return held, raw

    def _end(self, held: PoolProxiedConnection, raw: Any) -> None:
        try:
            raw.execute("ROLLBACK")
        except self._errors:
            self._discard(held)  # everything has been read
        else:
            self._idle.append(held)

    def _discard(self, held: PoolProxiedConnection) -> None:
        with suppress(self._errors):
            held.invalidate()

    def _named(self, error: Exception) -> BaseException:
        """The error of the driver under the library's name for it, without values."""
        return DBAPIError.instance("a prepared read", None, error, self._errors)

    def _statement(self, select: Select[Any]) -> "_Statement":
        known = self._statements.get(select)
        if known is None:
            known = self._statements[select] = _Statement.of(select, self._engine.dialect)
        return known


@dataclass(slots=True, kw_only=True)
class _Statement:
    """A select in the words of one database system."""

    text: str
    positions: Sequence[str] | None
    stated: Mapping[str, Any]
    names: Sequence[str]
    processors: Sequence[Callable[[Any], Convert | None]]
    conversions: Sequence[tuple[str, Convert]] | None = None

    @classmethod
    def of(cls, select: Select[Any], dialect: Dialect) -> "_Statement":
        compiled = select.compile(dialect=dialect)
        columns = list(select.selected_columns)

        def processor(column: Any) -> Callable[[Any], Convert | None]:
            kind = column.type.dialect_impl(dialect)
            return lambda code: cast(Convert | None, kind.result_processor(dialect, code))

        return cls(
            text=str(compiled),
            positions=compiled.positiontup if compiled.positional else None,
            stated={name: value for name, value in compiled.params.items() if value is not None},
            names=[column.name for column in columns],
            processors=[processor(column) for column in columns],
        )

    def rows(self, raw: Any, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The rows by column name, converted as the library would."""
        given = {**self.stated, **values}
        sent = given if self.positions is None else [given[name] for name in self.positions]
        cursor = raw.execute(self.text, sent)
        if self.conversions is None:
            # Which conversion a column needs may depend on the type that the driver reports.
            found = zip(self.names, self.processors, cursor.description, strict=True)
            chosen = ((name, processor(column[1])) for name, processor, column in found)
            self.conversions = [(name, convert) for name, convert in chosen if convert is not None]
        rows = [dict(zip(self.names, row, strict=True)) for row in cursor]
        for row in rows:
            for name, convert in self.conversions:
                row[name] = convert(row[name])
        return rows


@dataclass(frozen=True, slots=True)
class _Reader:
    raw: Any
    statement: Callable[[Select[Any]], _Statement]

    def execute(self, select: Select[Any], values: Mapping[str, Any]) -> "_Found":
        return _Found(self.statement(select).rows(self.raw, values))


@dataclass(frozen=True, slots=True)
class _Found:
    rows: list[dict[str, Any]]

    def mappings(self) -> "_Found":
        return self

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def one_or_none(self) -> dict[str, Any] | None:
        if len(self.rows) > 1:
            raise ValueError(f"{len(self.rows)} rows where one was asked for")
        return self.rows[0] if self.rows else None

    def one(self) -> dict[str, Any]:
        (row,) = self.rows
        return row
