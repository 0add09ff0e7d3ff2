"""Writes a daybook down in format 1, as the version that had it would have left it."""

import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, create_engine, insert

from reconciler.daybook.events import Event, What
from reconciler.daybook.format_one import (
    _SEALED_INTENT,
    _SEALED_OUTCOME,
    TABLES,
    intents,
    outcomes,
    runs,
)
from reconciler.daybook.tables import meta

_INTENT = ("number", "key", "track_id", "payload", "server_at", "spec")
"""What an event may leave out, and a row may not."""


def write_format_one(path: Path, chain: Iterable[Event], *, lineage: str) -> None:
    """Make a new file of format 1 that tells what a chain of events of format 2 tells."""
    said = {"format": "1", "lineage": lineage, "writer": "1"}
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        TABLES.create_all(connection)
        meta.create(connection)
        for event in chain:
            content = json.loads(event.content)
            if event.what == What.BOUND.value:
                said["tenant"] = content["tenant"]
            elif event.what == What.VOUCHED.value:
                said["complete"] = "yes"
            else:
                _write(connection, event, content)
        rows = [{"key": key, "value": value} for key, value in said.items()]
        connection.execute(insert(meta), rows)
    engine.dispose()


def _write(connection: Connection, event: Event, content: dict[str, Any]) -> None:
    match What(event.what):
        case What.RUN_BEGUN:
            connection.execute(insert(runs).values(**content, began=event.at))
        case What.RUN_ENDED:
            ended = runs.update().where(runs.c.run == content["run"])
            connection.execute(ended.values(ended=event.at))
        case What.INTENT:
            row = {"incarnation": 0, "attempt": 0, "protect": False, **dict.fromkeys(_INTENT)}
            row |= content
            if "spec" in content:
                # The very text, in which amounts keep their digits.
                start = event.content.index('"spec":') + len('"spec":')
                row["spec"] = event.content[start:-1]
            sealed = _seal(row, _SEALED_INTENT)
            connection.execute(insert(intents).values(**row, seq=event.seq, at=event.at, **sealed))
        case What.OUTCOME:
            row = {"number": None, "detail": "", **content}
            sealed = _seal(row, _SEALED_OUTCOME)
            connection.execute(insert(outcomes).values(**row, at=event.at, **sealed))
        case _:
            """Leases are no matter of format 1, and the founding is in what it says of itself."""


def _seal(row: dict[str, Any], columns: Iterable[Column[Any]]) -> dict[str, int]:
    text = "\x1f".join(str(row[column.name]) for column in columns)
    return {"seal": zlib.crc32(text.encode())}
