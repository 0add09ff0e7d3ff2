"""The note of a copy that is kept: which code and schema made it, its tables, its last event."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from .schema import QueryTable

CODE = ("replica.py", "rows.py", "schema.py", "decimal_functions.py", "../storage/tables.py")
"""The files that decide what a copy holds: one that other code made is not used."""


def written(
    schema: Mapping[str, QueryTable], tables: Iterable[str], position: tuple[int, str]
) -> bytes:
    """The note of a copy with these tables, as they were after the event at `position`."""
    note = {**_origin(schema), "tables": [*tables], "position": position}
    return json.dumps(note).encode()


def read(
    note: bytes, schema: Mapping[str, QueryTable]
) -> tuple[tuple[str, ...], tuple[int, str]] | None:
    """The tables and the position in a note; None if the copy has another origin.

    Raises ValueError, KeyError or TypeError for what is no note.
    """
    found = json.loads(note)
    origin = _origin(schema)
    if {name: found[name] for name in origin} != origin:
        return None
    sequence, last_hash = found["position"]
    return tuple(found["tables"]), (sequence, last_hash)


def _origin(schema: Mapping[str, QueryTable]) -> dict[str, str]:
    columns = [(name, table.name, [*table.columns.items()]) for name, table in schema.items()]
    return {"code": _code(), "schema": hashlib.sha256(repr(columns).encode()).hexdigest()}


@cache
def _code() -> str:
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in CODE)).hexdigest()
