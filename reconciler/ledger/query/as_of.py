"""Entries and runs as they were at an earlier time, rebuilt from audit events.

Rows hold the present state. The event of a creation holds the whole row, and later events hold the
columns they set. Applied in order up to a time, they give the row as it was.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from ..reference_data.code_types import type_of
from ..storage.tables import accounting_codes, audit_events, clients

_EVENT = audit_events.c
_CHUNK = 500
"""Names in one query: databases limit the parameters of a statement."""


@dataclass(slots=True, kw_only=True)
class PastState:
    row: dict[str, Any] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    transactions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that events use: users by client, codes by name and type."""

    users: Mapping[str, str]
    codes: Mapping[str, tuple[str, str]]


def as_of(  # noqa: PLR0913 - keywords, each with its own meaning
    tx: Connection, tenant_id: str, kind: str, numbers: Iterable[str], *, until: str, owner_id: str
) -> dict[str, PastState]:
    """The entries or runs with these numbers at a time, by number, if they existed.

    `kind` is the object type of their events. `owner_id` is the tenant of the users, which differs
    from `tenant_id` for further entities. Exact to the second.
    """
    names = _names(tx, tenant_id, owner_id)
    found: dict[str, PastState] = {}
    wanted = sorted(numbers)
    for start in range(0, len(wanted), _CHUNK):
        query = (
            select(audit_events)
            .where(
                _EVENT.tenant_id == tenant_id,
                _EVENT.object_type == kind,
                _EVENT.object_name.in_(wanted[start : start + _CHUNK]),
                _EVENT.happened_on <= until,
            )
            .order_by(_EVENT.sequence)
        )
        for event in tx.execute(query).mappings():
            past = found.setdefault(event["object_name"], PastState())
            details = json.loads(event["details"])
            _apply(past, event, details, names)
            if event["action"] != "create":
                past.row["updated_on"] = event["happened_on"]
                past.row["updated_by"] = names.users.get(event["actor"], event["actor"])
    return found


def _names(tx: Connection, tenant_id: str, owner_id: str) -> Names:
    client, code = clients.c, accounting_codes.c
    users = select(client.id, client.user_id).where(client.tenant_id == owner_id)
    codes = select(code.id, code.name, code.type).where(code.tenant_id == tenant_id)
    return Names(
        users={row.id: row.user_id for row in tx.execute(users)},
        codes={row.id: (row.name, row.type) for row in tx.execute(codes)},
    )


def _apply(past: PastState, event: RowMapping, details: Any, names: Names) -> None:
    """Change an entry or a run as an event says."""
    match event["object_type"], event["action"]:
        case "JournalEntry", "create":
            past.row, past.items = dict(details["entry"]), [dict(item) for item in details["items"]]
            past.transactions = details.get("transactions", 0)
        case "JournalEntry", "update":
            _update_entry(past, event, details, names)
        case "JournalEntry", "cancel":
            past.row["status"] = "Cancelled"
            past.transactions = 0  # released
        case "JournalRun", "create":
            past.row = dict(details)
        case "JournalRun", "start":
            past.row |= {"status": "Processing", "executed_on": event["happened_on"]}
        case "JournalRun", "cancelled":
            past.row["status"] = details["status"]
        case other:
            past.row |= _SETS[other]


_SETS: dict[tuple[str, str], dict[str, object]] = {
    ("JournalEntry", "delete"): {"deleted": True},
    ("JournalRun", "complete"): {"status": "Completed"},
    ("JournalRun", "fail"): {"status": "Error"},
    ("JournalRun", "cancel"): {"status": "CancelInprogress"},
    ("JournalRun", "delete"): {"status": "DeleteInprogress"},
    ("JournalRun", "deleted"): {"deleted": True},
}
"""The columns that other events set. A new action must be added here, else it is a KeyError."""


def _update_entry(past: PastState, event: RowMapping, details: Any, names: Names) -> None:
    row = past.row
    state = details.get("transferredToAccounting")
    if state is not None and state != row["transferred_to_accounting"]:
        yes = state == "Yes"
        row["transferred_to_accounting"] = state
        row["transfer_date_time"] = event["happened_on"] if yes else None
        row["transferred_by"] = names.users.get(event["actor"]) if yes else None
    if "notes" in details:
        row["notes"] = details["notes"] or None
    _merge_custom(row, details)
    for change in details.get("journalEntryItems") or ():
        _merge_custom(_addressed(past, change, names), change)


def _addressed(past: PastState, change: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """The item that an update addressed; the ledger accepts only one that is unique."""
    kind = change.get("accountingCodeType")
    return next(
        item
        for item in past.items
        if item["type"] == change["type"]
        and names.codes[item["accounting_code_id"]][0] == change["accountingCodeName"]
        and (kind is None or names.codes[item["accounting_code_id"]][1] == type_of(kind))
    )


def _merge_custom(row: dict[str, Any], details: Mapping[str, Any]) -> None:
    changed = {name: value for name, value in details.items() if name.endswith("__c")}
    row["custom_fields"] = {**row["custom_fields"], **changed}
