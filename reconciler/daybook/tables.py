"""The tables of a daybook, the same on every database."""

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, Text, insert, select

from reconciler import __version__
from reconciler.daybook.events import FORMAT, Event

TABLES = MetaData()

meta = Table(
    "meta",
    TABLES,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)
"""In every format, so that every version recognizes it: `format`, `lineage`, `written_with`."""

events = Table(
    "events",
    TABLES,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("type", String(20), nullable=False),
    Column("content", Text, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""The events. Rows are added, never changed or deleted."""

head = Table(
    "head",
    TABLES,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("serial", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("lease", String(36)),
    Column("holder", Text),
    Column("since", String(40)),
    Column("until", String(40)),
)
"""One row: the last event, and the lease. Only the holder of the highest fence may write."""

EVENT_COLUMNS = (events.c.seq, events.c.at, events.c.type, events.c.content, events.c.hash)


def fill(connection: Connection, *, lineage: str, first: Event) -> None:
    """Fill new tables with a daybook of one event, held by nobody."""
    rows = {"format": FORMAT, "lineage": lineage, "written_with": __version__}
    connection.execute(insert(meta), [{"key": key, "value": rows[key]} for key in rows])
    add_events(connection, [first])
    values = {"id": 1, "seq": first.seq, "serial": 0, "hash": first.hash, "fence": 0}
    connection.execute(insert(head).values(values))


def add_events(connection: Connection, chain: list[Event]) -> None:
    names = [column.name for column in EVENT_COLUMNS]
    rows = [{name: getattr(event, name) for name in names} for event in chain]
    connection.execute(insert(events), rows)


def meta_of(connection: Connection) -> dict[str, str]:
    """The format, lineage and version of a daybook of any format."""
    return {row.key: row.value for row in connection.execute(select(meta))}
