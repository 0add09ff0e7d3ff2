"""A daybook in an SQLite file, with a file lock that ends with its process."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib import import_module
from pathlib import Path

from reconciler.daybook.fsync import sync
from reconciler.daybook.sqlite_reading import connect_to_read
from reconciler.daybook.store import RESTORE, Store
from reconciler.daybook.tables import make_tables
from reconciler.daybook.transaction import Connections, Dialect, Transaction
from reconciler.errors import DaybookError

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows

    def _lock_file(descriptor: int) -> None:
        try:
            msvcrt = import_module("msvcrt")
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, error.strerror) from error

else:

    def _lock_file(descriptor: int) -> None:
        """Lock an open file. Raises BlockingIOError when another process has the lock."""
        flock(descriptor, LOCK_EX | LOCK_NB)


BUSY = 10_000
"""Milliseconds to wait for another process, which may lock the file during a commit."""

_DURABLE = ("journal_mode=WAL", "synchronous=FULL")
"""An acknowledged write must survive a power loss, so every commit is synced in full."""

_DIALECT = Dialect(value="?", for_update="")  # whoever writes has locked all rows

_PATIENT = f"busy_timeout={BUSY}"

_LOG = ("-wal", "-shm")
"""The log of a database: one that outlived it would be played into the next database."""


class SqliteStore(Store):
    """A database file, and beside it the file that the writer locks."""

    failures = (sqlite3.Error,)
    remedy = "Check the path, its permissions and its disk. Do not delete the file."

    def __init__(self, path: Path, *, write: bool, clock: Callable[[], datetime]) -> None:
        connections = (
            _connections(self._connect)
            if write
            else _connections(lambda: _set_up(connect_to_read(path), _PATIENT))
        )
        super().__init__(str(path), connections)
        self._path = path
        self._clock = clock
        self._lock: int | None = None
        self._made: tuple[Path, ...] = ()
        """The directories that were made for it, the innermost first."""
        self._created: tuple[int, int] | None = None
        """The file that this process created."""
        self._written: Mapping[str, tuple[int, int] | None] = {}
        """The files that this process writes, by the ends of their names."""

    def exists(self) -> bool:
        """Whether there is a daybook. Raises DaybookError for an empty file."""
        if not self._path.exists():
            return False
        # A new daybook is renamed into place when complete: an empty file was cut off later.
        if not self._path.stat().st_size:
            raise DaybookError(f"the daybook {self._path} is empty", remedy=RESTORE)
        return True

    def lock(self) -> None:
        """Take the lock; the kernel releases it when the process ends."""
        try:
            home = self._path.parent
            self._made = tuple(one for one in (home, *home.parents) if not one.exists())
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            while self._lock is None:
                self._lock = self._locked()
        except BlockingIOError:
            raise
        except OSError as error:
            raise DaybookError(
                f"the daybook {self._path} cannot be opened for writing: {error.strerror}",
                remedy="Check the path and its permissions.",
            ) from error

    def _locked(self) -> int | None:
        """The lock; None when its file was replaced before it was locked."""
        path = self._lock_path
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock_file(lock)
            if self._is_lock(lock):
                return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)
        return None

    def _is_lock(self, lock: int) -> bool:
        try:
            return self._lock_path.stat().st_ino == os.fstat(lock).st_ino
        except FileNotFoundError:
            return False

    @property
    def _lock_path(self) -> Path:
        return self._beside(".lock")

    def replace_lock(self) -> None:
        """Replace the lock file: a process that hangs keeps its lock on the old file."""
        new = self._beside(".lock.new")
        os.close(os.open(new, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            new.replace(self._lock_path)
        except PermissionError as error:  # Windows replaces no file that a process has open
            new.unlink(missing_ok=True)
            raise DaybookError(
                f"another process still has {self._lock_path} open",
                remedy="End that process. Then nothing has to be unlocked.",
            ) from error

    def create(self, fill: Callable[[Transaction], None]) -> None:
        """Create a file under another name, and rename it when it is complete."""
        draft = self._beside(".new")
        with _draft(draft, self._path):
            connections = _connections(lambda: _set_up(connect_to_write(draft)))
            try:
                with connections.transaction(write=True) as transaction:
                    make_tables(transaction)
                    fill(transaction)
            finally:
                connections.close()
        self._created = _identity(self._path)

    def now(self, transaction: Transaction) -> datetime:
        """The time of this host, which all users of the file share."""
        return self._clock()

    def _connect(self) -> sqlite3.Connection:
        # The first read makes the log.
        connection = _set_up(connect_to_write(self._path), _PATIENT, *_DURABLE, "schema_version")
        if not self.is_replaced():
            self._written = {end: _identity(self._beside(end)) for end in ("", *_LOG)}
        return connection

    def is_replaced(self) -> bool:
        """Whether the path leads to another file, as after a restore, or to none."""
        return bool(self._written) and _identity(self._path) != self._written[""]

    def _own_log(self) -> tuple[Path, ...]:
        """The log of this process, if it is still there: a restored file may have its own."""
        files = {self._beside(end): self._written.get(end) for end in _LOG}
        return tuple(file for file, own in files.items() if own and _identity(file) == own)

    def _beside(self, end: str) -> Path:
        return self._path.with_name(self._path.name + end)

    def discard(self) -> None:
        """Remove the file that was created, unless another took its place, then its lock."""
        if self._created is None:
            return
        replaced, log = _identity(self._path) != self._created, self._own_log()
        self._connections.close()
        _remove(*log, *(() if replaced else (self._path, self._lock_path)))
        self._written = {}
        for directory in self._made:
            with suppress(OSError):
                directory.rmdir()

    def close(self) -> None:
        log = self._own_log() if self.is_replaced() else ()
        super().close()
        if self._lock is not None:
            if self._is_lock(self._lock):
                _remove(*log)
            os.close(self._lock)
            self._lock = None


def _remove(*files: Path) -> None:
    for file in files:
        with suppress(OSError):
            file.unlink()


def _set_up(connection: sqlite3.Connection, *pragmas: str) -> sqlite3.Connection:
    connection.isolation_level = None  # a transaction begins where it is asked for
    try:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _connections(connect: Callable[[], sqlite3.Connection]) -> Connections:
    def begin(transaction: Transaction, write: bool) -> None:
        transaction.change("BEGIN IMMEDIATE" if write else "BEGIN")

    return Connections(_DIALECT, connect=connect, begin=begin)


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one at the same path; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def connect_to_write(path: Path) -> sqlite3.Connection:
    """A connection to a file, which is made if there is none."""
    return sqlite3.connect(path, check_same_thread=False)


@contextmanager
def _draft(draft: Path, path: Path) -> Iterator[None]:
    """A file that only its owner can read, renamed when it is complete and on disk."""
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield
        sync(draft)
        draft.replace(path)
        sync(path.parent)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
