"""Format 1 of a daybook: read as events without being changed, or brought to format 2."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

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
    delete,
    select,
    update,
)

from reconciler.daybook.events import (
    NO_SPEC,
    Bound,
    Concluded,
    Content,
    Damaged,
    Event,
    Intended,
    Migrated,
    RunBegun,
    RunEnded,
    Vouched,
    What,
)
from reconciler.daybook.state import DaybookState
from reconciler.daybook.tables import TABLES as NEW_TABLES
from reconciler.daybook.tables import fill, head, meta, meta_of

TABLES = MetaData()

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
"""What of an intent anything is ever decided from, and therefore has a checksum."""

_SEALED_OUTCOME = (outcomes.c.intent, outcomes.c.result, outcomes.c.number)


def migrate(connection: Connection, *, at: str) -> None:
    """Bring a daybook to format 2, in the caller's transaction. Raises Damaged."""
    said = meta_of(connection)
    chain = list(chain_of(connection, at=at))
    TABLES.drop_all(connection)
    connection.execute(delete(meta))
    NEW_TABLES.create_all(connection)
    serial = DaybookState().serial_after(chain)
    fill(connection, lineage=said["lineage"], chain=chain, serial=serial)
    # A writer that was paused in the older format finds its tables gone, and its fence passed.
    connection.execute(update(head).values(fence=int(said["writer"])))


def chain_of(connection: Connection, *, at: str) -> Iterator[Event]:
    """Everything that the daybook holds, as the events of format 2. Raises Damaged."""
    known = DaybookState()
    for when, what, content in _contents(connection, known, at):
        (event,) = known.sealed([(what, content)], at=when)
        # Counted before the next content is made, which may name the event by its number.
        known.seq, known.hash = event.seq, event.hash
        yield event


_Made: TypeAlias = Iterator[tuple[str, What, Content]]


def _contents(connection: Connection, known: DaybookState, at: str) -> _Made:
    said = meta_of(connection)
    try:
        fence = int(said["writer"])
        yield at, What.MIGRATED, Migrated(lineage=said["lineage"], format="1", fence=fence)
    except (KeyError, ValueError) as error:
        raise Damaged("it does not say whose it is") from error
    if "tenant" in said:
        yield at, What.BOUND, Bound(tenant=said["tenant"])
    if "complete" in said:
        yield at, What.VOUCHED, Vouched()
    yield from _history(connection, known)


def _history(connection: Connection, known: DaybookState) -> _Made:
    """Runs, intents, and behind each intent its outcomes: none comes before what it is about.

    Where outcomes came in another order than their intents, each still says when.
    """
    outcomes_of = _outcomes(connection)
    waiting = list(connection.execute(select(runs).order_by(runs.c.seq)))
    begun = None
    for row in connection.execute(select(intents).order_by(intents.c.seq)):
        while any(run.run == row.run for run in waiting):
            yield from _ended(begun)
            begun = waiting.pop(0)
            yield begun.began, What.RUN_BEGUN, RunBegun(run=begun.run, plan=begun.plan)
        _require_seal(row, row, _SEALED_INTENT)
        yield row.at, What.INTENT, _intended(row)
        intent = known.seq
        for outcome in outcomes_of.pop(row.seq, ()):
            _require_seal(row, outcome, _SEALED_OUTCOME)
            yield outcome.at, What.OUTCOME, _concluded(outcome, intent)
    yield from _ended(begun)
    for run in waiting:
        yield run.began, What.RUN_BEGUN, RunBegun(run=run.run, plan=run.plan)
        yield from _ended(run)
    if outcomes_of:
        raise Damaged(f"row {min(outcomes_of)} of its intents is missing")


def _ended(run: Any) -> _Made:
    if run is not None and run.ended is not None:
        yield run.ended, What.RUN_ENDED, RunEnded(run=run.run)


def _outcomes(connection: Connection) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in connection.execute(select(outcomes).order_by(outcomes.c.seq)):
        found.setdefault(row.intent, []).append(row)
    return found


def _require_seal(intent: Any, row: Any, sealed: Iterable[Column[Any]]) -> None:
    """One changed letter in a name would post an entry a second time."""
    text = "\x1f".join(str(getattr(row, column.name)) for column in sealed)
    if row.seal != zlib.crc32(text.encode()):
        raise Damaged(f"row {intent.seq} is not as it was written")


def _intended(row: Any) -> Intended:
    return Intended(
        run=row.run,
        kind=row.kind,
        name=row.name,
        act=row.act,
        number=row.number,
        incarnation=row.incarnation,
        attempt=row.attempt,
        key=row.key,
        track_id=row.track_id,
        payload=row.payload,
        protect=row.protect,
        server_at=row.server_at,
        spec=NO_SPEC if row.spec is None else msgspec.Raw(row.spec.encode()),
    )


def _concluded(row: Any, intent: int) -> Concluded:
    return Concluded(intent=intent, result=row.result, number=row.number, detail=row.detail)
