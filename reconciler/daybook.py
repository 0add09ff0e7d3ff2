"""The daybook: what was intended and what came of it, durable before and after every call."""

import fcntl
import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from reconciler.core.history import Act, Attempted, Result, fold
from reconciler.core.recorded import Recorded
from reconciler.core.values import Address, Value
from reconciler.errors import DaybookError

FORMAT = "1"

_tables = MetaData()

_meta = Table(
    "meta",
    _tables,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

_runs = Table(
    "runs",
    _tables,
    Column("run", String(36), primary_key=True),
    Column("plan", String(80), nullable=False),
    Column("began", String(40), nullable=False),
    Column("ended", String(40)),
)

_intents = Table(
    "intents",
    _tables,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("run", String(36), nullable=False),
    Column("at", String(40), nullable=False),
    Column("server_at", String(40)),
    Column("kind", String(40), nullable=False),
    Column("name", String(63), nullable=False),
    Column("act", String(10), nullable=False),
    Column("number", String(40)),
    Column("incarnation", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("key", String(255)),
    Column("track_id", String(64)),
    Column("payload", Text),
    Column("spec", Text),
    Column("protect", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

_outcomes = Table(
    "outcomes",
    _tables,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("intent", Integer, ForeignKey("intents.seq"), nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("result", String(10), nullable=False),
    Column("number", String(40)),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)

_latest = (
    select(_outcomes.c.intent, func.max(_outcomes.c.seq).label("seq"))
    .group_by(_outcomes.c.intent)
    .subquery()
)

# Every intent with the last outcome that was written for it, in the order they were intended.
_history = (
    select(
        _intents,
        _outcomes.c.result.label("result"),
        _outcomes.c.number.label("found"),
    )
    .outerjoin(_latest, _latest.c.intent == _intents.c.seq)
    .outerjoin(_outcomes, _outcomes.c.seq == _latest.c.seq)
    .order_by(_intents.c.seq)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One call as it is about to be made. `payload` is the exact body, `key` its idempotency key.

    `server_at` is the ledger's own time when the intent was written: only the ledger's clock
    decides how long a key protects against a second entry.
    """

    address: Address
    act: Act
    number: str | None = None
    incarnation: int = 0
    attempt: int = 0
    key: str | None = None
    track_id: str | None = None
    payload: str | None = None
    spec: Mapping[str, Value] | None = None
    protect: bool = False
    server_at: datetime | None = None
    seq: int = 0


def open_daybook(
    path: Path, *, write: bool, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> "Daybook":
    """Open a workspace's daybook.

    For reading, a daybook that does not exist yet is an empty one, and no file is made. For
    writing, the file is created with mode 0600 and locked against a second writer until close.
    Raises DaybookError when it cannot be used.
    """
    if not write and not path.exists():
        engine = create_engine("sqlite://", poolclass=StaticPool)
        return Daybook(engine, clock=clock)
    lock = _lock(path) if write else None
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _durable)
    try:
        return Daybook(engine, clock=clock, lock=lock)
    except (SQLAlchemyError, DaybookError) as error:
        engine.dispose()
        if lock is not None:
            os.close(lock)
        if isinstance(error, DaybookError):
            raise
        raise DaybookError(
            f"the daybook {path} cannot be read",
            remedy="Restore it from a copy; do not remove it: it knows which entries are yours.",
        ) from error


class Daybook:
    """An open daybook. Every method may be called from several threads."""

    def __init__(
        self, engine: Engine, *, clock: Callable[[], datetime], lock: int | None = None
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._lock_file = lock
        self._mutex = threading.Lock()
        self._run = str(uuid.uuid4())
        with engine.begin() as connection:
            _tables.create_all(connection)
            meta = dict(connection.execute(select(_meta.c.key, _meta.c.value)).tuples().all())
            if not meta and lock is not None:
                meta = {"format": FORMAT, "lineage": str(uuid.uuid4())}
                rows = [{"key": key, "value": value} for key, value in meta.items()]
                connection.execute(insert(_meta), rows)
        if meta.get("format", FORMAT) != FORMAT:
            raise DaybookError(
                f"the daybook has format {meta['format']}; this version knows {FORMAT}",
                remedy="Use the version of reconciler that wrote it, or a newer one.",
            )
        self.lineage: str = meta.get("lineage", "")
        self.tenant: str | None = meta.get("tenant")

    @property
    def serial(self) -> int:
        """How many intents and outcomes were ever written: it rises with every write."""
        with self._reading() as connection:
            return sum(
                connection.execute(select(func.coalesce(func.max(table.c.seq), 0))).scalar_one()
                for table in (_intents, _outcomes)
            )

    def recorded(self) -> Mapping[Address, Recorded]:
        """What is remembered of every address."""
        with self._reading() as connection:
            return fold(_attempted(row) for row in connection.execute(_history))

    def unsettled(self) -> tuple[Intent, ...]:
        """Intents of calls that have no definite outcome, oldest first."""
        open_results = (None, Result.UNKNOWN.value)
        with self._reading() as connection:
            rows = connection.execute(_history).all()
        return tuple(_intent(row) for row in rows if row.result in open_results)

    def bind(self, tenant: str) -> None:
        """Remember whose ledger this daybook belongs to; it is bound once, at the first apply."""
        if self.tenant is None:
            with self._writing() as connection:
                connection.execute(insert(_meta).values(key="tenant", value=tenant))
            self.tenant = tenant

    def begin(self, plan_digest: str) -> None:
        """Write that a run of a plan begins."""
        with self._writing() as connection:
            connection.execute(
                insert(_runs).values(
                    run=self._run, plan=plan_digest, began=self._clock().isoformat()
                )
            )

    def end(self) -> None:
        """Write that the run carried out all that its plan allowed."""
        with self._writing() as connection:
            connection.execute(
                update(_runs)
                .where(_runs.c.run == self._run)
                .values(ended=self._clock().isoformat())
            )

    def interrupted(self, plan_digest: str) -> bool:
        """Whether the last run of a plan did not carry it out."""
        last = select(_runs.c.ended).where(_runs.c.plan == plan_digest).order_by(_runs.c.began)
        with self._reading() as connection:
            rows = connection.execute(last).all()
        return bool(rows) and rows[-1].ended is None

    def intend(self, intent: Intent) -> Intent:
        """Write an intent before its call; it is durable when this returns (I-04)."""
        with self._writing() as connection:
            written = connection.execute(
                insert(_intents).values(
                    run=self._run,
                    at=self._clock().isoformat(),
                    server_at=intent.server_at.isoformat() if intent.server_at else None,
                    kind=intent.address.kind,
                    name=intent.address.name,
                    act=intent.act.value,
                    number=intent.number,
                    incarnation=intent.incarnation,
                    attempt=intent.attempt,
                    key=intent.key,
                    track_id=intent.track_id,
                    payload=intent.payload,
                    spec=None if intent.spec is None else _spec_text(intent.spec),
                    protect=intent.protect,
                )
            ).inserted_primary_key
        assert written is not None
        return replace(intent, seq=int(written[0]))

    def conclude(
        self, intent: Intent, result: Result, *, number: str | None = None, detail: str = ""
    ) -> None:
        """Write an outcome of an intent; it is durable when this returns."""
        with self._writing() as connection:
            connection.execute(
                insert(_outcomes).values(
                    intent=intent.seq,
                    at=self._clock().isoformat(),
                    result=result.value,
                    number=number,
                    detail=detail,
                )
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
        except SQLAlchemyError as error:
            raise DaybookError(
                "the daybook cannot be written",
                remedy="Check that its disk has room and that you may write there, then run the "
                "command again: it settles what is open.",
            ) from error

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield connection


def _lock(path: Path) -> int:
    """Take the writer's lock; the kernel gives it back when the process ends, however it ends."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
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
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _attempted(row: Row[Any]) -> Attempted:
    return Attempted(
        address=Address(row.kind, row.name),
        act=Act(row.act),
        result=None if row.result is None else Result(row.result),
        number=row.found or row.number,
        spec=None if row.spec is None else _spec(row.spec),
        protect=row.protect,
    )


def _intent(row: Row[Any]) -> Intent:
    return Intent(
        address=Address(row.kind, row.name),
        act=Act(row.act),
        number=row.number,
        incarnation=row.incarnation,
        attempt=row.attempt,
        key=row.key,
        track_id=row.track_id,
        payload=row.payload,
        spec=None if row.spec is None else _spec(row.spec),
        protect=row.protect,
        server_at=None if row.server_at is None else datetime.fromisoformat(row.server_at),
        seq=row.seq,
    )


_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")


def _spec_text(spec: Mapping[str, Value]) -> str:
    return _encoder.encode(dict(spec)).decode()


def _spec(text: str) -> Mapping[str, Value]:
    value = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    assert isinstance(value, dict)
    return {name: _value(item) for name, item in value.items()}


def _value(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(_value(item) for item in value)
    if isinstance(value, dict):
        return {name: _value(item) for name, item in value.items()}
    assert value is None or isinstance(value, str | bool | Decimal)
    return value
