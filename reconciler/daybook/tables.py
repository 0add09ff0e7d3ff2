"""The tables of a daybook and the statements on them, the same on every database."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from reconciler import __version__
from reconciler.daybook.events import FORMAT, Damaged, Event
from reconciler.daybook.transaction import Transaction

_META = """CREATE TABLE meta (
    "key" VARCHAR(40) NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY ("key")
)"""
"""In every format, so that every version recognizes it: `format`, `lineage`, `written_with`."""

_EVENTS = """CREATE TABLE events (
    seq INTEGER NOT NULL,
    at VARCHAR(40) NOT NULL,
    type VARCHAR(20) NOT NULL,
    content TEXT NOT NULL,
    hash VARCHAR(64) NOT NULL,
    PRIMARY KEY (seq)
)"""
"""The events. Rows are added, never changed or deleted."""

_HEAD = """CREATE TABLE head (
    id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    serial INTEGER NOT NULL,
    hash VARCHAR(64) NOT NULL,
    fence INTEGER NOT NULL,
    lease VARCHAR(36),
    holder TEXT,
    since VARCHAR(40),
    until VARCHAR(40),
    PRIMARY KEY (id)
)"""
"""One row: the last event, and the lease. Only the holder of the highest fence may write."""


_AT_ONCE = 1000
"""Events in memory at a time, beside the state that follows from them."""


class Head(NamedTuple):
    """The row of the table `head`. The last four are None while nobody holds the daybook."""

    seq: int
    serial: int
    hash: str
    fence: int
    lease: str | None
    holder: str | None
    since: str | None
    until: str | None


def make_tables(transaction: Transaction) -> None:
    for statement in (_META, _EVENTS, _HEAD):
        transaction.change(statement)


def fill(transaction: Transaction, *, lineage: str, first: Event) -> None:
    """Fill new tables with a daybook of one event, held by nobody."""
    rows = {"format": FORMAT, "lineage": lineage, "written_with": __version__}
    transaction.change_each('INSERT INTO meta ("key", value) VALUES (?, ?)', rows.items())
    add_events(transaction, [first])
    statement = "INSERT INTO head (id, seq, serial, hash, fence) VALUES (1, ?, 0, ?, 0)"
    transaction.change(statement, first.seq, first.hash)


def add_events(transaction: Transaction, chain: Sequence[Event]) -> None:
    """Add events, in as few exchanges with a server as there can be."""
    statement = "INSERT INTO events (seq, at, type, content, hash) VALUES (?, ?, ?, ?, ?)"
    if len(chain) == 1:
        transaction.change(statement, *chain[0])
    else:
        transaction.change_each(statement, chain)


def events_after(transaction: Transaction, seq: int) -> Iterator[Event]:
    """The events after the one with this number, as they are stored, in their order."""
    query = "SELECT seq, at, type, content, hash FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
    while found := transaction.rows(query, seq, _AT_ONCE):
        yield from map(Event._make, found)
        seq = found[-1][0]


def meta_of(transaction: Transaction) -> dict[Any, Any]:
    """The format, lineage and version of a daybook of any format."""
    return dict(transaction.rows('SELECT "key", value FROM meta'))


def head_of(transaction: Transaction, *, lock: bool = False) -> Head:
    """The head; with `lock` no other transaction changes it meanwhile. Raises Damaged."""
    query = "SELECT seq, serial, hash, fence, lease, holder, since, until FROM head"
    found = [Head(*row) for row in transaction.rows(query, lock=lock)]
    # A damaged file may hold other types than its tables declare.
    numbers = [number for head in found for number in (head.seq, head.serial, head.fence)]
    if len(found) != 1 or not all(isinstance(number, int) for number in numbers):
        raise Damaged("it does not record where its events end")
    return found[0]


MOVE = "UPDATE head SET seq = ?, serial = ?, hash = ? WHERE fence = ? AND seq = ? AND hash = ?"
"""Moves the head, if it still is what a writer has read.

So it takes effect only for the holder of the highest fence who read every event (I-41, I-42).
"""
