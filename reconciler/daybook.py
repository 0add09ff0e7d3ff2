"""The daybook: what was intended and what came of it, durable before and after every call."""

import fcntl
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from reconciler.core.history import Result
from reconciler.core.recorded import Recorded
from reconciler.core.values import Address
from reconciler.daybook_tables import (
    TABLES,
    Intent,
    Tried,
    intents,
    meta,
    outcomes,
    read_last_number,
    read_recorded,
    read_tried,
    read_unsettled,
    runs,
    write_intent,
    write_outcome,
)
from reconciler.errors import DaybookError

__all__ = ["FORMAT", "Daybook", "Intent", "Tried", "open_daybook"]

FORMAT = "1"

_WRITER = "writer"
"""The fence: how often the daybook was opened for writing. Only the last opener may write."""

_COMPLETE = "complete"

_RESTORE = "Restore it from a copy; do not remove it: it knows which entries are yours."


def open_daybook(
    path: Path, *, write: bool, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> "Daybook":
    """Open a workspace's daybook.

    For reading, a daybook that does not exist yet is an empty one, and no file is made. For
    writing, the file is created with mode 0600 and locked against a second writer until close.
    Raises DaybookError when it cannot be used.
    """
    if not write and not path.exists():
        return Daybook(_empty(), clock=clock)
    lock = _lock(path) if write else None
    engine: Engine | None = None
    try:
        if write and not path.exists():
            _found(path)
        _require_content(path)
        engine = create_engine(f"sqlite:///{path}")
        event.listen(engine, "connect", _durable if write else _patient)
        return Daybook(engine, clock=clock, lock=lock)
    except (SQLAlchemyError, OSError, DaybookError) as error:
        if engine is not None:
            engine.dispose()
        if lock is not None:
            os.close(lock)
        if isinstance(error, DaybookError):
            raise
        raise DaybookError(f"the daybook {path} cannot be read", remedy=_RESTORE) from error


class Daybook:
    """An open daybook. Every method may be called from several threads.

    Each of them raises DaybookError when the file cannot be read or written, when it is not as it
    was written, or when another process took the right to write over.
    """

    def __init__(
        self, engine: Engine, *, clock: Callable[[], datetime], lock: int | None = None
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._lock_file = lock
        self._mutex = threading.Lock()
        self._run = str(uuid.uuid4())
        self._fence: str | None = None
        with engine.begin() as connection:
            known = {row.key: row.value for row in connection.execute(select(meta))}
            if known.get("format") != FORMAT:
                raise DaybookError(
                    f"the daybook has format {known.get('format')}; this version knows {FORMAT}",
                    remedy="Use the version of reconciler that wrote it, or a newer one.",
                )
            if lock is not None:
                self._fence = str(int(known[_WRITER]) + 1)
                values = {"value": self._fence}
                connection.execute(update(meta).where(meta.c.key == _WRITER).values(values))
        self.lineage: str = known["lineage"]
        self.tenant: str | None = known.get("tenant")
        self.complete = _COMPLETE in known
        """Whether it is known to hold all that was ever posted under the workspace's name."""

    @property
    def serial(self) -> int:
        """How many intents and outcomes were ever written: it rises with every write."""
        with self._reading() as connection:
            return sum(
                connection.execute(select(func.coalesce(func.max(table.c.seq), 0))).scalar_one()
                for table in (intents, outcomes)
            )

    def recorded(self) -> Mapping[Address, Recorded]:
        """What is remembered of every address."""
        with self._reading() as connection:
            return read_recorded(connection)

    def unsettled(self) -> tuple[Intent, ...]:
        """Intents of calls that have no definite outcome, oldest first."""
        with self._reading() as connection:
            return read_unsettled(connection)

    def tried(self, seq: int) -> Tried | None:
        """One intent by its sequence number, with what is known of it; None when there is none."""
        with self._reading() as connection:
            return read_tried(connection, seq)

    def last_number(self, kind: str, *, before: Intent | None = None) -> str | None:
        """The highest number of a kind that is known, or was when the run of an intent began."""
        with self._reading() as connection:
            return read_last_number(connection, kind, before=before.seq if before else None)

    def bind(self, tenant: str) -> None:
        """Remember whose ledger this daybook belongs to; it is bound once, at the first apply."""
        if self.tenant is None:
            with self._writing() as connection:
                connection.execute(insert(meta).values(key="tenant", value=tenant))
            self.tenant = tenant

    def vouch(self) -> None:
        """Remember that nothing stands in the ledger under the workspace's name but what is here.

        A search of the ledger proved it, or somebody gave his word for it.
        """
        if not self.complete:
            with self._writing() as connection:
                connection.execute(insert(meta).values(key=_COMPLETE, value="yes"))
            self.complete = True

    def begin(self, plan_digest: str) -> None:
        """Write that a run of a plan begins."""
        with self._writing() as connection:
            connection.execute(
                insert(runs).values(
                    run=self._run, plan=plan_digest, began=self._clock().isoformat()
                )
            )

    def end(self) -> None:
        """Write that the run carried out all that its plan allowed."""
        with self._writing() as connection:
            connection.execute(
                update(runs).where(runs.c.run == self._run).values(ended=self._clock().isoformat())
            )

    def interrupted(self, plan_digest: str) -> bool:
        """Whether the last run of a plan did not carry it out."""
        of_plan = select(runs.c.ended).where(runs.c.plan == plan_digest)
        with self._reading() as connection:
            last = connection.execute(of_plan.order_by(runs.c.seq.desc()).limit(1)).first()
        return last is not None and last.ended is None

    def intend(self, intent: Intent) -> Intent:
        """Write an intent before its call; it is durable when this returns (I-04)."""
        with self._writing() as connection:
            seq = write_intent(connection, intent, run=self._run, at=self._clock())
        return replace(intent, seq=seq)

    def conclude(
        self, intent: Intent, result: Result, *, number: str | None = None, detail: str = ""
    ) -> None:
        """Write an outcome of an intent; it is durable when this returns.

        Of several outcomes of one intent the last one counts.
        """
        with self._writing() as connection:
            write_outcome(
                connection, intent, result, number=number, detail=detail, at=self._clock()
            )

    def close(self) -> None:
        """Release the file and the writer's lock."""
        self._engine.dispose()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._mutex, self._engine.begin() as connection:
                yield connection
                # After the write, so that it is asked inside the one transaction that can write.
                self._check_fence(connection)
        except SQLAlchemyError as error:
            raise DaybookError(
                "the daybook cannot be written",
                remedy="Check that its disk has room and that you may write there, then run the "
                "command again: it settles what is open.",
            ) from error

    def _check_fence(self, connection: Connection) -> None:
        fence = connection.execute(
            select(meta.c.value).where(meta.c.key == _WRITER)
        ).scalar_one_or_none()
        if self._fence is None or fence != self._fence:
            raise DaybookError(
                "another apply took the daybook over, so nothing more is written",
                remedy="Wait until it has ended, then run the command again: it settles what is "
                "open. Never remove the lock of a daybook.",
            )

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, ValueError) as error:
            raise DaybookError(
                f"the daybook {self._engine.url.database} is damaged", remedy=_RESTORE
            ) from error


def _require_content(path: Path) -> None:
    """A daybook is made whole, under another name: an empty one was cut off later."""
    if not path.stat().st_size:
        raise DaybookError(f"the daybook {path} is empty", remedy=_RESTORE)


def _empty() -> Engine:
    """A daybook in memory, of a workspace that was never applied."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        TABLES.create_all(connection)
        _fill(connection, lineage="")
    return engine


def _found(path: Path) -> None:
    """Make a new daybook, whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    engine = create_engine(f"sqlite:///{draft}")
    try:
        with engine.begin() as connection:
            TABLES.create_all(connection)
            _fill(connection, lineage=str(uuid.uuid4()))
    finally:
        engine.dispose()
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _fill(connection: Connection, *, lineage: str) -> None:
    rows = {"format": FORMAT, "lineage": lineage, _WRITER: "0"}
    connection.execute(insert(meta), [{"key": key, "value": rows[key]} for key in rows])


def _lock(path: Path) -> int:
    """Take the writer's lock; the kernel gives it back when the process ends, however it ends."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DaybookError(
            f"the daybook {path} cannot be opened for writing: {error.strerror}",
            remedy="Check the path and its permissions.",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise DaybookError(
            f"another apply is writing to the daybook {path}",
            remedy="Wait until it has ended, then run the command again.",
        ) from error
    return lock


def _durable(connection: Any, record: object) -> None:
    """An acknowledged write must survive a power loss, so every commit is synced in full."""
    _set(connection, "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
    _patient(connection, record)


def _patient(connection: Any, _: object) -> None:
    """Another process may hold the file for the moment of a commit."""
    _set(connection, "busy_timeout=10000")


def _set(connection: Any, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
