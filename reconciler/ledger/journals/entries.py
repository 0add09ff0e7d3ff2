"""Create, cancel and delete journal entries."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import BindParameter, Connection, RowMapping, bindparam, insert, select

from ..reference_data.tenant_settings import Settings, settings_of
from ..storage import tables
from ..storage.author import Author
from ..storage.sequences import next_number
from ..web.call import Call
from ..web.errors import BUSINESS_RULE, refusal, refuse_any
from .allocation import release_entry
from .creation import Line, NewEntry, read_entry
from .rules import RuleContext, closed_reason, violations
from .view import find_entry

KIND = "JournalEntry"
UNCANCELLABLE_STATES = ("Yes", "Processing")
"""The transfer states in which an entry cannot be cancelled (API facts 3.7)."""

_TENANT: BindParameter[str] = bindparam("tenant")
_ENTRY, _CODE = tables.journal_entries.c, tables.accounting_codes.c
_PERIODS = select(tables.accounting_periods).where(tables.accounting_periods.c.tenant_id == _TENANT)
_PERIOD = _PERIODS.where(tables.accounting_periods.c.id == bindparam("id"))
_PERIOD_NAMED = _PERIODS.where(tables.accounting_periods.c.name == bindparam("name"))
_CODES_NAMED = select(tables.accounting_codes).where(
    _CODE.tenant_id == _TENANT, _CODE.name.in_(bindparam("names", expanding=True))
)
_AGGREGATED_OTHERWISE = (
    select(_ENTRY.id)
    .where(
        _ENTRY.tenant_id == _TENANT,
        _ENTRY.accounting_period_id == bindparam("period"),
        _ENTRY.aggregate_currency != bindparam("aggregate"),
        _ENTRY.deleted.is_(False),
    )
    .limit(1)
)
_SAME = [each.name for each in fields(NewEntry) if each.name in _ENTRY]
_SAME_OF_LINE = [each.name for each in fields(Line) if each.name in tables.journal_entry_items.c]
"""Columns that store the requested value unchanged."""
_ADD_ENTRY, _ADD_ITEMS = insert(tables.journal_entries), insert(tables.journal_entry_items)


def create(call: Call) -> Mapping[str, object]:
    """Post a manual entry and answer its number (API facts 3.2, 3.3)."""
    settings = settings_of(call.tx, call.tenant_id)
    entry = read_entry(call.body, settings)
    context = _rule_context(call, entry, settings)
    refuse_any(violations(entry, context))
    assert context.period is not None  # checked by a rule
    columns = {name: getattr(entry, name) for name in _SAME}
    columns |= transfer(call, entry.transferred_to_accounting)
    row = new_entry(call.author, settings, context.period, **columns)
    items = list(_item_rows(entry, context, row))
    call.tx.execute(_ADD_ENTRY, row)
    call.tx.execute(_ADD_ITEMS, items)
    call.author.record("create", KIND, row["number"], {"entry": row, "items": items})
    return {"journalEntryNumber": row["number"]}


def cancel(call: Call) -> Mapping[str, object]:
    """Cancel an entry that is not transferred, in a period that is not closed (API facts 3.7)."""
    entry = find_entry(call)
    if entry["status"] != "Created":
        raise refusal(BUSINESS_RULE, f"{entry['number']} is already cancelled")
    state = entry["transferred_to_accounting"]
    if state in UNCANCELLABLE_STATES:
        raise refusal(
            BUSINESS_RULE, f"{entry['number']} has transferredToAccounting {state}: not cancellable"
        )
    values = {"tenant": call.tenant_id, "id": entry["accounting_period_id"]}
    period = call.tx.execute(_PERIOD, values).mappings().one()
    closed = closed_reason(period, call.caller.permissions)
    if closed is not None:
        raise refusal(BUSINESS_RULE, closed)
    call.author.change(tables.journal_entries, entry, {"status": "Cancelled"})
    release_entry(call.tx, entry)
    call.author.record("cancel", KIND, entry["number"], {})
    return {}


def delete(call: Call) -> Mapping[str, object]:
    """Delete a cancelled entry. Its row remains, marked as deleted; its number is not reused."""
    entry = find_entry(call)
    if entry["status"] != "Cancelled":
        raise refusal(BUSINESS_RULE, f"{entry['number']} must be cancelled before it is deleted")
    call.author.change(tables.journal_entries, entry, {"deleted": True})
    call.author.record("delete", KIND, entry["number"], {})
    return {}


def _rule_context(call: Call, entry: NewEntry, settings: Settings) -> RuleContext:
    values = {"tenant": call.tenant_id, "name": entry.accounting_period_name}
    period = call.tx.execute(_PERIOD_NAMED, values).mappings().one_or_none()
    return RuleContext(
        settings=settings,
        period=period,
        codes=_codes_named(call, {line.accounting_code_name for line in entry.lines}),
        permissions=call.caller.permissions,
        organizations=call.caller.organization_names,
        mixes_aggregation=period is not None
        and mixes_aggregation(call.tx, period, settings.aggregate_currency),
    )


def _codes_named(call: Call, names: set[str]) -> dict[str, list[RowMapping]]:
    values = {"tenant": call.tenant_id, "names": sorted(names)}
    found: dict[str, list[RowMapping]] = {}
    for code in call.tx.execute(_CODES_NAMED, values).mappings():
        found.setdefault(code["name"], []).append(code)
    return found


def mixes_aggregation(tx: Connection, period: RowMapping, aggregate: bool) -> bool:
    """Whether the period has entries with the other aggregation setting (API facts 8.3)."""
    values = {"tenant": period["tenant_id"], "period": period["id"], "aggregate": aggregate}
    return tx.execute(_AGGREGATED_OTHERWISE, values).first() is not None


def new_entry(
    author: Author, settings: Settings, period: RowMapping, **columns: Any
) -> dict[str, Any]:
    """The row of an entry under the next number."""
    return {
        **author.made(),
        "number": next_number(author.tx, author.tenant_id, "JE"),
        "status": "Created",
        "accounting_period_id": period["id"],
        "home_currency": settings.home_currency,
        "aggregate_currency": settings.aggregate_currency,
        "deleted": False,
        **columns,
    }


def transfer(call: Call, state: str) -> dict[str, str | None]:
    """The columns of a transfer state. Time and user are set only for Yes."""
    yes = state == "Yes"
    return {
        "transferred_to_accounting": state,
        "transfer_date_time": call.author.happened_on if yes else None,
        "transferred_by": call.caller.user_id if yes else None,
    }


def _item_rows(
    entry: NewEntry, context: RuleContext, row: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    for position, line in enumerate(entry.lines):
        code = context.code_of(line)
        assert code is not None  # checked by a rule
        columns = {name: getattr(line, name) for name in _SAME_OF_LINE}
        yield new_item(row, position, code["id"], **columns)


def new_item(
    entry: Mapping[str, Any], position: int, code_id: str, **columns: Any
) -> dict[str, Any]:
    return {
        "tenant_id": entry["tenant_id"],
        "id": uuid.uuid4().hex,
        "journal_entry_id": entry["id"],
        "position": position,
        "accounting_code_id": code_id,
        **columns,
    }
