"""The history of an entry or a run, from its audit events."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from ..journals.entries import KIND as ENTRY
from ..runs.operations import KIND as RUN
from ..storage.tables import audit_events
from .access import users_of
from .view import View

_EVENT = audit_events.c
NEWEST = 200
"""Events shown; an entry has a few."""


def history(view: View, kind: str, number: str) -> list[dict[str, object]]:
    """The events of an entry or run, newest first. `kind` is their object type."""
    names = {row["id"]: row["name"] for row in users_of(view.tx, view.viewer.tenant_id)}
    query = (
        select(audit_events)
        .where(
            _EVENT.tenant_id == view.tenant_id,
            _EVENT.object_type == kind,
            _EVENT.object_name == number,
        )
        .order_by(_EVENT.sequence.desc())
        .limit(NEWEST)
    )
    return [
        {
            "sequence": event["sequence"],
            "when": event["happened_on"],
            "who": names.get(event["actor"], event["actor"]),
            "what": _WHAT.get((kind, event["action"]), event["action"]),
            "said": _said(event["action"], event["details"]),
        }
        for event in view.tx.execute(query).mappings()
    ]


_WHAT = {
    (ENTRY, "create"): "Created",
    (ENTRY, "update"): "Updated",
    (ENTRY, "cancel"): "Cancelled",
    (RUN, "create"): "Created",
    (RUN, "start"): "Processing began",
    (RUN, "complete"): "Completed",
    (RUN, "fail"): "Ended in Error",
    (RUN, "cancel"): "Cancellation accepted",
    (RUN, "cancelled"): "Cancellation done",
    (RUN, "delete"): "Deletion accepted",
}
_NAMED = {
    "transactions": "Source transactions",
    "entries": "Entries made",
    "journalRun": "By journal run",
    "reason": "Reason",
    "before": "Status before",
    "status": "Status",
}


def _said(action: str, details: str) -> tuple[tuple[str, str], ...]:
    found: Mapping[str, Any] = json.loads(details, parse_float=Decimal)
    if action == "create":
        items = found.get("items", ())
        lines = (("Lines", str(len(items))),) if items else ()
        count = found.get("transactions")
        return (*lines, *((("Source transactions", str(count)),) if count is not None else ()))
    plain = [
        (_NAMED.get(name, name), _text(value))
        for name, value in found.items()
        if name != "journalEntryItems"
    ]
    changed = [
        (f"{item.get('type')} {item.get('accountingCodeName')}: {name}", _text(value))
        for item in found.get("journalEntryItems") or ()
        for name, value in item.items()
        if name not in ("type", "accountingCodeName", "accountingCodeType")
    ]
    return (*plain, *changed)


def _text(value: object) -> str:
    return "cleared" if value in (None, "") else str(value)
