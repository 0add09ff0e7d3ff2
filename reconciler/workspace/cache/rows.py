"""Keeps what earlier runs read, in a file that may be deleted at any time.

Nothing here is evidence. A file that is damaged, or that is of another version, is removed. Then
the run reads everything, as without it.
"""

import hashlib
import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path

import msgspec

FORMAT = "6"

_TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE kept (
        key TEXT PRIMARY KEY, seen TEXT NOT NULL, body BLOB NOT NULL, checksum BLOB NOT NULL
    ) WITHOUT ROWID""",
)

Rows = Mapping[str, tuple[str, bytes]]
"""By key: when it was seen, as text that sorts by time, and its body."""


class Cache:
    """A cache in one file. `generation` names all that its content depends on.

    No method raises for a file that cannot be used: it holds nothing, and keeps nothing.
    """

    def __init__(self, path: Path, *, generation: Iterable[str]) -> None:
        self.path = path
        self.damage = ""
        """Why an earlier file was thrown away; empty where none was."""
        parts = json.dumps([FORMAT, *generation])
        self._generation = hashlib.sha256(parts.encode()).hexdigest()

    def rows(self) -> Rows:
        """Every row that an earlier run kept; nothing where the file cannot be trusted."""
        if not self.path.is_file():
            return {}
        # On Windows, the bits say nothing of others.
        if self.path.is_symlink() or (hasattr(os, "getuid") and self.path.stat().st_mode & 0o022):
            self.throw_away("others can write it")
            return {}
        try:
            with closing(_connected(self.path)) as database:
                if _generation_of(database) != self._generation:
                    return {}
                found = database.execute("SELECT key, seen, body, checksum FROM kept").fetchall()
            return {row[0]: (row[1], _checked(*row)) for row in found}
        except sqlite3.OperationalError as error:
            # Another run may write, or the file cannot be read: then it is not damaged.
            if error.sqlite_errorcode not in _UNAVAILABLE:
                self.throw_away(str(error))
        except (sqlite3.Error, ValueError, TypeError) as error:
            self.throw_away(str(error))
        return {}

    def keep(self, rows: Rows, *, stays: Callable[[str, str], bool]) -> None:
        """Add rows, or replace them. Of the others, those go whose key and time may not stay.

        Keeps nothing while another run writes, or where the file cannot be written.
        """
        with suppress(sqlite3.Error, OSError):
            if not self.path.exists():
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            with closing(_connected(self.path)) as database:
                self._write(database, rows, stays)

    def throw_away(self, why: str) -> None:
        """Drop everything, and remember why."""
        self.damage = why
        with suppress(OSError):
            for end in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + end).unlink(missing_ok=True)

    def _write(
        self, database: sqlite3.Connection, rows: Rows, stays: Callable[[str, str], bool]
    ) -> None:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN IMMEDIATE")
        if _generation_of(database) != self._generation:
            for table in ("kept", "meta"):
                database.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in _TABLES:
                database.execute(statement)
            database.execute("INSERT INTO meta VALUES ('generation', ?)", (self._generation,))
        there = database.execute("SELECT key, seen FROM kept").fetchall()
        gone = [(key,) for key, seen in there if not stays(key, seen)]
        database.executemany("DELETE FROM kept WHERE key = ?", gone)
        database.executemany(
            "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)",
            [(key, seen, body, _checksum(key, seen, body)) for key, (seen, body) in rows.items()],
        )
        database.execute("COMMIT")


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


def _checked(key: str, seen: str, body: bytes, checksum: bytes) -> bytes:
    if _checksum(key, seen, body) != checksum:
        raise ValueError("a row is not as it was written")
    return body


def _checksum(key: str, seen: str, body: bytes) -> bytes:
    """A checksum of a row: SQLite does not notice a page that was written in part."""
    head = f"{key}\0{seen}\0".encode()
    return zlib.crc32(body, zlib.crc32(head)).to_bytes(4)


def written(value: object) -> bytes:
    """A document in its own order, every number with all its digits."""
    return _encoder.encode(value)


_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=dict)
