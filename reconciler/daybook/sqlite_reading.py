"""Opens the file of a daybook to read it, also where its folder cannot be written."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

_NO_ACCESS = frozenset({"SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM"})
"""What SQLite says where it cannot make the files that a reader of a write-ahead log needs."""

_DAMAGED = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT"})


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that reads a daybook. Raises sqlite3.Error and OSError."""
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        return _probed(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        if _family(error) not in _NO_ACCESS or not path.is_file():
            raise
    # Says why, where the file itself cannot be read.
    with path.open("rb"):
        pass
    log = _beside(path, "-wal")
    if not log.exists() or not log.stat().st_size:
        # Whoever writes has a log, so nobody does: the file is complete.
        return _probed(_connected(path, "immutable=1"))
    return _from_copy(path, log)


def is_damage(error: Exception) -> bool:
    """Whether a database was read, and is none, or is damaged."""
    return isinstance(error, sqlite3.Error) and _family(error) in _DAMAGED


def _from_copy(path: Path, log: Path) -> sqlite3.Connection:
    """A connection to a copy of the file and of its log, which a process that died has left.

    The copy has no name from the first read on, so nothing of it stays behind.
    """
    if _beside(path, "-shm").exists():
        # Somebody writes, or its index is there to be read.
        return _probed(_connected(path, "mode=ro"))
    with tempfile.TemporaryDirectory(prefix="reconciler-daybook-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(log, _beside(copy, "-wal"))
        with closing(sqlite3.connect(copy)) as whole:
            # The log is taken into the file when its last connection closes.
            _probed(whole)
        memory = sqlite3.connect(":memory:", check_same_thread=False)
        with closing(sqlite3.connect(copy)) as whole:
            whole.backup(memory)
        return memory


def _connected(path: Path, how: str) -> sqlite3.Connection:
    address = f"file:{quote(str(path.absolute()))}?{how}"
    return sqlite3.connect(address, uri=True, check_same_thread=False)


def _probed(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _family(error: sqlite3.Error) -> str:
    """The primary code of an error: `SQLITE_CANTOPEN` of `SQLITE_CANTOPEN_ISDIR`."""
    name = getattr(error, "sqlite_errorname", "") or ""
    return "_".join(name.split("_")[:2])
