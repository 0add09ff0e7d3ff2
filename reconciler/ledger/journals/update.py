"""Update of basic information: notes, transfer state, custom fields (API facts 3.5, 3.6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, update

from ..auth.permissions import Permission
from ..reference_data.tenant_settings import Settings, settings_of
from ..storage.tables import journal_entries, journal_entry_items
from ..web.call import Call
from ..web.errors import BUSINESS_RULE, INVALID_VALUE, PERMISSION, Reason, refusal, refuse_any
from ..web.fields import read_fields, read_items, without_cleared
from .entries import KIND, transfer
from .fields import ENTRY, ITEM, ORGANIZATION, TRANSFER_STATES, UPDATE_FIELDS, UPDATE_ITEM_FIELDS
from .view import find_entry, items_of

_FIXED = "cannot be changed; cancel the entry and create a new one"
FIXED = dict.fromkeys((field.name for field in (*ENTRY, ORGANIZATION)), _FIXED)
ITEM_FIXED = dict.fromkeys((field.name for field in ITEM), _FIXED)


def basic_information(call: Call) -> Mapping[str, object]:
    """Change the fields that are sent; other fields keep their values."""
    settings = settings_of(call.tx, call.tenant_id)
    found, custom, lines = _read(call.body, settings)
    entry = find_entry(call)
    state = found.get("transferredToAccounting")
    if state is not None:
        _check_transfer(call, entry, state)
    addressed = _address(items_of(call.tx, call.tenant_id, [entry["id"]])[entry["id"]], lines)
    values = _changed(entry, found, custom)
    if state is not None and state != entry["transferred_to_accounting"]:
        values |= transfer(call, state)
    call.author.change(journal_entries, entry, values)
    row = journal_entry_items.c
    for item, (_at, fields, own) in addressed:
        if changed := _changed(item, fields, own):
            mine = row.tenant_id == call.tenant_id, row.id == item["id"]
            call.tx.execute(update(journal_entry_items).where(*mine).values(**changed))
    call.author.record("update", KIND, entry["number"], call.body)
    return {}


_Wanted = tuple[str, dict[str, Any], dict[str, str | None]]
"""A requested change of a line: path in the body, fields, custom fields."""


def _read(
    body: Mapping[str, Any], settings: Settings
) -> tuple[dict[str, Any], dict[str, str | None], list[_Wanted]]:
    found, custom, reasons = read_fields(
        body, UPDATE_FIELDS, custom=settings.fields_of("JournalEntry"), not_taken=FIXED
    )
    if body.get("transferredToAccounting", "No") is None:
        # Null is neither a state nor "no change", so it is refused.
        states = ", ".join(TRANSFER_STATES)
        reasons.append(Reason(INVALID_VALUE, f"transferredToAccounting must be one of {states}"))
    items = read_items(
        found.get("journalEntryItems", ()),
        UPDATE_ITEM_FIELDS,
        reasons,
        at="journalEntryItems",
        custom=settings.fields_of("JournalEntryItem"),
        not_taken=ITEM_FIXED,
    )
    lines = list(items)
    refuse_any(reasons)
    return found, custom, lines


def _check_transfer(call: Call, entry: RowMapping, state: str) -> None:
    if entry["status"] == "Cancelled":
        raise refusal(
            BUSINESS_RULE, "transferredToAccounting of a cancelled entry cannot be changed"
        )
    leaves = entry["transferred_to_accounting"] == "Yes" and state != "Yes"
    if leaves and Permission.OVERRIDE_TRANSFERRED not in call.caller.permissions:
        raise refusal(
            PERMISSION,
            "Changing transferredToAccounting from Yes needs the permission "
            f"{Permission.OVERRIDE_TRANSFERRED}",
        )


def _address(
    items: Sequence[RowMapping], lines: Sequence[_Wanted]
) -> list[tuple[RowMapping, _Wanted]]:
    """The one line that each item addresses by code name, side and, if sent, code type."""
    addressed: list[tuple[RowMapping, _Wanted]] = []
    reasons = []
    for wanted in lines:
        at, fields, _custom = wanted
        meant = [item for item in items if _is_meant(item, fields)]
        if len(meant) != 1:
            count = "no item" if not meant else f"{len(meant)} items"
            name, side = fields["accountingCodeName"], fields["type"]
            message = f"{at}: the entry has {count} with the code {name!r} on the {side} side"
            reasons.append(Reason(BUSINESS_RULE, message))
        elif any(item["id"] == meant[0]["id"] for item, _wanted in addressed):
            reasons.append(Reason(BUSINESS_RULE, f"{at}: the same item is addressed twice"))
        else:
            addressed.append((meant[0], wanted))
    refuse_any(reasons)
    return addressed


def _is_meant(item: RowMapping, fields: Mapping[str, Any]) -> bool:
    return (
        item["accounting_code_name"] == fields["accountingCodeName"]
        and item["type"] == fields["type"]
        and fields.get("accountingCodeType") in (None, item["accounting_code_type"])
    )


def _changed(
    row: RowMapping, fields: Mapping[str, Any], custom: Mapping[str, str | None]
) -> dict[str, object]:
    """The columns of an entry or a line that the fields of a request change."""
    values: dict[str, object] = {"notes": fields["notes"]} if "notes" in fields else {}
    if custom:
        values["custom_fields"] = without_cleared({**row["custom_fields"], **custom})
    return values
