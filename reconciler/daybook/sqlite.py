"""A daybook in an SQLite file, with a file lock that ends with its process."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from reconciler.daybook.fsync import sync
from reconciler.daybook.sqlite_reading import connect_to_read
from reconciler.daybook.store import RESTORE, WRITING, Transactions
from reconciler.daybook.tables import TABLES
from reconciler.errors import DaybookError

BUSY = 10_000
"""Milliseconds to wait for another process that locks the file."""


class SqliteStore(Transactions):
    """A database file, and beside it the file that the writer locks."""

    lease_seconds: int | None = None
    remedy = "Check the path, its permissions and its disk. Do not delete the file."

    def __init__(self, path: Path, *, write: bool, clock: Callable[[], datetime]) -> None:
        self.place = str(path)
        self.engine = _engine(path, durable=write)
        self._path = path
        self._clock = clock
        self._lock: int | None = None

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
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.stat().st_ino == os.fstat(lock).st_ino:
                return lock
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)
        return None

    @property
    def _lock_path(self) -> Path:
        return self._path.with_name(self._path.name + ".lock")

    def replace_lock(self) -> None:
        """Replace the lock file: a process that hangs keeps its lock on the old file."""
        new = self._path.with_name(self._path.name + ".lock.new")
        os.close(os.open(new, os.O_RDWR | os.O_CREAT, 0o600))
        new.replace(self._lock_path)

    def create(self, fill: Callable[[Connection], None]) -> None:
        """Create a file under another name, and rename it when it is complete."""
        draft = self._path.with_name(f"{self._path.name}.new")
        with _draft(draft, self._path):
            engine = create_engine(URL.create("sqlite", database=str(draft)))
            try:
                with engine.begin() as connection:
                    TABLES.create_all(connection)
                    fill(connection)
            finally:
                engine.dispose()

    def now(self, connection: Connection) -> datetime:
        """The time of this host, which all users of the file share."""
        return self._clock()

    def close(self) -> None:
        """Close the file, then release the lock."""
        self.engine.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _engine(path: Path, *, durable: bool) -> Engine:
    url = URL.create("sqlite", database=str(path))
    how: dict[str, Any] = {} if durable else {"creator": lambda: connect_to_read(path)}
    engine = create_engine(url, hide_parameters=True, **how)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin below
        # Another process may lock the file during a commit.
        pragmas = [f"busy_timeout={BUSY}"]
        if durable:
            # An acknowledged write must survive a power loss, so every commit is synced in full.
            pragmas += ["journal_mode=WAL", "synchronous=FULL"]
        with closing(connection.cursor()) as cursor:
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        immediate = " IMMEDIATE" if connection.get_execution_options().get(WRITING) else ""
        connection.exec_driver_sql(f"BEGIN{immediate}")

    return engine


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
