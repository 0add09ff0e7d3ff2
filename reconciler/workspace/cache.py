"""Keeps what earlier runs read, in a file that may be deleted at any time.

Nothing here is evidence. A file that is damaged, or that is of another version, is removed. Then
the run reads everything, as without it.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from reconciler.core.model.canonical import json_bytes
from reconciler.core.model.resource import Address, Live, Value
from reconciler.core.planning.kept import EntryStamp, Kept

FORMAT = "1"

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE kept (
    kind TEXT, name TEXT, number TEXT NOT NULL, status TEXT NOT NULL, updated TEXT NOT NULL,
    transferred TEXT NOT NULL, live BLOB NOT NULL, read_at TEXT NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
"""
_COLUMNS = "kind, name, number, status, updated, transferred, live, read_at, digest"


class Cache:
    """The cache of one workspace. `generation` names all that its content depends on.

    No method raises for a file that cannot be used: it holds nothing, and keeps nothing.
    """

    def __init__(self, path: Path, *, generation: Iterable[str]) -> None:
        self.path = path
        self.damage = ""
        """Why an earlier file was thrown away; empty where none was."""
        parts = json.dumps([FORMAT, *generation])
        self._generation = hashlib.sha256(parts.encode()).hexdigest()

    def kept(self) -> Mapping[Address, Kept]:
        """Every entry that an earlier run kept; nothing where the file cannot be trusted."""
        if not self.path.is_file():
            return {}
        if self.path.is_symlink() or self.path.stat().st_mode & 0o022:
            self._throw_away("others can write it")
            return {}
        try:
            with closing(_connected(self.path)) as database:
                if _generation_of(database) != self._generation:
                    return {}
                rows = database.execute(f"SELECT {_COLUMNS} FROM kept").fetchall()  # noqa: S608
            return dict(map(_read, rows))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode in _UNAVAILABLE:
                # Another run writes, or the file cannot be read: it is not damaged.
                return {}
            self._throw_away(str(error))
        except (sqlite3.Error, ValueError, TypeError, ArithmeticError) as error:
            self._throw_away(str(error))
        return {}

    def keep(
        self, kept: Mapping[Address, Kept], *, known: Iterable[Address], since: datetime
    ) -> None:
        """Add entries, or replace them. Those that are not `known` go, and those read before.

        Keeps nothing while another run writes, or where the file cannot be written.
        """
        with suppress(sqlite3.Error, OSError):
            if not self.path.exists():
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            with closing(_connected(self.path)) as database:
                self._write(database, kept, known, since)

    def forget(self) -> None:
        """Drop everything that is kept."""
        with suppress(OSError):
            for end in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + end).unlink(missing_ok=True)

    def _write(
        self,
        database: sqlite3.Connection,
        kept: Mapping[Address, Kept],
        known: Iterable[Address],
        since: datetime,
    ) -> None:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN IMMEDIATE")
        if _generation_of(database) != self._generation:
            for table in ("kept", "meta"):
                database.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in filter(str.strip, _TABLES.split(";")):
                database.execute(statement)
            database.execute("INSERT INTO meta VALUES ('generation', ?)", (self._generation,))
        there = database.execute("SELECT kind, name, read_at FROM kept").fetchall()
        names, first = {(one.kind, one.name) for one in known}, _text(since)
        gone = [(kind, name) for kind, name, at in there if (kind, name) not in names or at < first]
        database.executemany("DELETE FROM kept WHERE kind = ? AND name = ?", gone)
        row = f"INSERT OR REPLACE INTO kept ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        database.executemany(row, [_written(one, each) for one, each in kept.items()])
        database.execute("COMMIT")

    def _throw_away(self, why: str) -> None:
        self.damage = why
        self.forget()


_UNAVAILABLE = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
)


def _connected(path: Path) -> sqlite3.Connection:
    # A run does not wait for another one: it works without the cache.
    database = sqlite3.connect(path, timeout=0, isolation_level=None)
    database.execute("PRAGMA trusted_schema = OFF")
    return database


def _generation_of(database: sqlite3.Connection) -> str:
    """What the content depends on; empty in a new file."""
    tables = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'"
    if database.execute(tables).fetchone() is None:
        return ""
    row = database.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
    return str(row[0]) if row else ""


_Row = tuple[Any, ...]


def _written(address: Address, kept: Kept) -> _Row:
    body = json_bytes([kept.live.status, _plain(kept.live.fields)])
    stamp = (kept.stamp.status, kept.stamp.updated, kept.stamp.transferred)
    told = (address.kind, address.name, kept.live.number, *stamp, body, _text(kept.read_at))
    return (*told, _digest(told))


def _read(row: _Row) -> tuple[Address, Kept]:
    """A row as it was written. Raises ValueError for any other."""
    *told, digest = row
    if _digest(tuple(told)) != digest:
        raise ValueError("a row is not as it was written")
    kind, name, number, status, updated, transferred, body, read_at = told
    seen, fields = json.loads(body, parse_float=Decimal, parse_int=Decimal)
    live = Live(number=number, status=seen, fields=_sealed(fields))
    stamp = EntryStamp(status=status, updated=updated, transferred=transferred)
    return Address(kind, name), Kept(
        live=live, stamp=stamp, read_at=datetime.fromisoformat(read_at)
    )


def _digest(told: _Row) -> bytes:
    """Eight bytes over a row: SQLite does not notice a page that was written in part."""
    state = hashlib.blake2b(digest_size=8)
    for part in told:
        data = part if isinstance(part, bytes) else str(part).encode()
        state.update(len(data).to_bytes(4))
        state.update(data)
    return state.digest()


def _text(moment: datetime) -> str:
    """A time that sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _plain(value: Value) -> object:
    """A value for the JSON writer, with every number exact."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _sealed(value: Any) -> Any:
    """A value as a read gives it: lists are tuples."""
    if type(value) is list:
        return tuple(_sealed(item) for item in value)
    if type(value) is dict:
        return {name: _sealed(item) for name, item in value.items()}
    return value
