"""The audit chain: one event for each change, with the hash of the event before it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from .tables import audit_events

GENESIS = "0" * 64

_LAST = (
    select(audit_events.c.sequence, audit_events.c.hash)
    .where(audit_events.c.tenant_id == bindparam("tenant"))
    .order_by(audit_events.c.sequence.desc())
    .limit(1)
)
_APPEND = insert(audit_events)


def append(tx: Connection, tenant_id: str, details: object, **columns: str | None) -> None:
    """Append an event in the caller's transaction: change and event are committed together."""
    last = tx.execute(_LAST, {"tenant": tenant_id}).one_or_none()
    event: dict[str, Any] = {
        "tenant_id": tenant_id,
        "sequence": 1 if last is None else last.sequence + 1,
        **columns,
        "details": json.dumps(details, sort_keys=True, separators=(",", ":"), default=str),
        "previous_hash": GENESIS if last is None else last.hash,
    }
    tx.execute(_APPEND, {**event, "hash": _hash_of(event)})


def verify(tx: Connection, tenant_id: str) -> int | None:
    """The sequence of the first event that was altered, removed or inserted; None if intact.

    Events removed at the end leave no trace in the chain; store the last hash elsewhere.
    """
    row = audit_events.c
    previous, expected = GENESIS, 1
    events = tx.execute(
        select(audit_events).where(row.tenant_id == tenant_id).order_by(row.sequence)
    ).mappings()
    for event in events:
        sealed = {name: value for name, value in event.items() if name != "hash"}
        linked = event["sequence"] == expected and event["previous_hash"] == previous
        if not linked or event["hash"] != _hash_of(sealed):
            return int(event["sequence"])
        previous, expected = event["hash"], expected + 1
    return None


def count(tx: Connection, tenant_id: str) -> int:
    mine = audit_events.c.tenant_id == tenant_id
    return int(tx.execute(select(func.count()).where(mine)).scalar_one())


def _hash_of(event: Mapping[str, Any]) -> str:
    text = json.dumps(dict(event), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
