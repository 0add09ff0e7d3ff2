"""The tables of a daybook, and their rows as values: sealed when written, checked when read."""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    insert,
    or_,
    select,
)

from reconciler.core.history import CALLS, Act, Attempted, Result, fold
from reconciler.core.recorded import Recorded
from reconciler.core.values import Address, Value

TABLES = MetaData()

meta = Table(
    "meta",
    TABLES,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

runs = Table(
    "runs",
    TABLES,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("run", String(36), nullable=False, unique=True),
    Column("plan", String(80), nullable=False),
    Column("began", String(40), nullable=False),
    Column("ended", String(40)),
    sqlite_autoincrement=True,
)

intents = Table(
    "intents",
    TABLES,
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
    Column("seal", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

outcomes = Table(
    "outcomes",
    TABLES,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("intent", Integer, ForeignKey("intents.seq"), nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("result", String(10), nullable=False),
    Column("number", String(40)),
    Column("detail", Text, nullable=False),
    Column("seal", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)


class Damaged(ValueError):
    """A row is not what was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One call as it is about to be made. `payload` is the exact body, `key` its idempotency key.

    `spec` is what the file asks for; of a cancel, what was out of the books before it.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An intent with the last that is known of it: `result` is None while there is no outcome."""

    intent: Intent
    result: Result | None = None
    number: str | None = None

    @property
    def open(self) -> bool:
        """Whether nobody knows what came of it."""
        return self.result in (None, Result.UNKNOWN)


_SEALED_INTENT = (
    intents.c.kind,
    intents.c.name,
    intents.c.act,
    intents.c.number,
    intents.c.incarnation,
    intents.c.attempt,
    intents.c.key,
    intents.c.track_id,
    intents.c.payload,
    intents.c.spec,
    intents.c.protect,
    intents.c.server_at,
)
"""What of an intent anything is ever decided from."""

_SEALED_OUTCOME = (outcomes.c.intent, outcomes.c.result, outcomes.c.number)

_latest = (
    select(outcomes.c.intent, func.max(outcomes.c.seq).label("seq"))
    .group_by(outcomes.c.intent)
    .subquery()
)

_history = (
    select(
        intents.c.seq,
        *_SEALED_INTENT,
        intents.c.seal,
        *(column.label(f"outcome_{column.name}") for column in _SEALED_OUTCOME),
        outcomes.c.seal.label("outcome_seal"),
    )
    .outerjoin(_latest, _latest.c.intent == intents.c.seq)
    .outerjoin(outcomes, outcomes.c.seq == _latest.c.seq)
    .order_by(intents.c.seq)
)
"""Every intent with the last outcome that was written for it, in the order they were intended."""

_open = _history.where(
    intents.c.act.in_(sorted(act.value for act in CALLS)),
    or_(outcomes.c.result.is_(None), outcomes.c.result == Result.UNKNOWN.value),
)

_FIRST, _LAST = 1, 1 + len(_SEALED_INTENT)


def write_intent(connection: Connection, intent: Intent, *, run: str, at: datetime) -> int:
    """Insert an intent; returns its sequence number."""
    values: dict[str, Any] = {
        "kind": intent.address.kind,
        "name": intent.address.name,
        "act": intent.act.value,
        "number": intent.number,
        "incarnation": intent.incarnation,
        "attempt": intent.attempt,
        "key": intent.key,
        "track_id": intent.track_id,
        "payload": intent.payload,
        "spec": None if intent.spec is None else _spec_text(intent.spec),
        "protect": intent.protect,
        "server_at": intent.server_at.isoformat() if intent.server_at else None,
    }
    seal = _seal(values[column.name] for column in _SEALED_INTENT)
    row = insert(intents).values(**values, run=run, at=at.isoformat(), seal=seal)
    written = connection.execute(row).inserted_primary_key
    assert written is not None
    return int(written[0])


def write_outcome(  # noqa: PLR0913 - keywords, one for each column
    connection: Connection,
    intent: Intent,
    result: Result,
    *,
    number: str | None,
    detail: str,
    at: datetime,
) -> None:
    """Insert an outcome of an intent."""
    values = {"intent": intent.seq, "result": result.value, "number": number}
    seal = _seal(values[column.name] for column in _SEALED_OUTCOME)
    row = insert(outcomes).values(**values, at=at.isoformat(), detail=detail, seal=seal)
    connection.execute(row)


def read_recorded(connection: Connection) -> Mapping[Address, Recorded]:
    """The recorded state of every address. Raises Damaged."""
    # Of all that was ever applied only the last is read, so the fold carries mere references.
    texts: dict[str, str] = {}

    def attempted(row: Any) -> Attempted:
        row = _checked(row)
        reference = None
        if row.spec is not None:
            reference = {"seq": str(row.seq)}
            texts[reference["seq"]] = row.spec
        return Attempted(
            address=Address(row.kind, row.name),
            act=Act(row.act),
            result=None if row.outcome_result is None else Result(row.outcome_result),
            number=row.outcome_number or row.number,
            spec=reference,
            protect=row.protect,
        )

    states = fold(attempted(row) for row in connection.execute(_history))
    return {
        address: state
        if state.spec is None
        else replace(state, spec=_spec(texts[str(state.spec["seq"])]))
        for address, state in states.items()
    }


def read_last_number(connection: Connection, kind: str, *, before: int | None) -> str | None:
    """The highest number of a kind that was ever written, or that runs before an intent's wrote."""
    rows = (
        select(func.coalesce(outcomes.c.number, intents.c.number).label("number"))
        .select_from(intents.outerjoin(outcomes, outcomes.c.intent == intents.c.seq))
        .where(intents.c.kind == kind)
    )
    if before is not None:
        run = select(intents.c.run).where(intents.c.seq == before).scalar_subquery()
        rows = rows.where(intents.c.seq < before, intents.c.run != run)
    number = rows.subquery().c.number
    ordered = select(number).where(number.is_not(None))
    ordered = ordered.order_by(func.length(number).desc(), number.desc()).limit(1)
    found: str | None = connection.execute(ordered).scalar_one_or_none()
    return found


def read_unsettled(connection: Connection) -> tuple[Intent, ...]:
    """Intents of calls without a definite outcome, oldest first. Raises Damaged."""
    return tuple(_intent(_checked(row)) for row in connection.execute(_open))


def read_tried(connection: Connection, seq: int) -> Tried | None:
    """One intent with its outcome, by its sequence number. Raises Damaged."""
    row = connection.execute(_history.where(intents.c.seq == seq)).first()
    if row is None:
        return None
    row = _checked(row)
    result = None if row.outcome_result is None else Result(row.outcome_result)
    return Tried(intent=_intent(row), result=result, number=row.outcome_number)


def _intent(row: Any) -> Intent:
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


def _checked(row: Any) -> Any:
    """A row whose seals fit. One changed letter in a name would post an entry a second time."""
    whole = row.seal == _seal(row[_FIRST:_LAST])
    if whole and row.outcome_seal is not None:
        outcome = (row.outcome_intent, row.outcome_result, row.outcome_number)
        whole = row.outcome_intent == row.seq and row.outcome_seal == _seal(outcome)
    if not whole:
        raise Damaged(f"row {row.seq} is not as it was written")
    return row


def _seal(values: Iterable[object]) -> int:
    """A checksum against damage of the disk, not against people."""
    return zlib.crc32("\x1f".join(map(str, values)).encode())


_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")


def _spec_text(spec: Mapping[str, Value]) -> str:
    return _encoder.encode(dict(spec)).decode()


def _tuples(mapping: dict[str, Any]) -> dict[str, Any]:
    for name, value in mapping.items():
        if type(value) is list:
            mapping[name] = _tuple(value)
    return mapping


def _tuple(values: list[Any]) -> tuple[Any, ...]:
    return tuple(_tuple(value) if type(value) is list else value for value in values)


_decoder = json.JSONDecoder(object_hook=_tuples, parse_float=Decimal, parse_int=Decimal)


def _spec(text: str) -> Mapping[str, Value]:
    value = _decoder.decode(text)
    assert isinstance(value, dict)
    return value
