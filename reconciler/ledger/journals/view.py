"""Entries as the API shows them: one by number, or page by page those of a run (API facts 3.4)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select

from ..reference.settings import Settings, settings_of
from ..storage.tables import (
    accounting_codes,
    accounting_periods,
    journal_entries,
    journal_entry_items,
    journal_runs,
)
from ..web.call import Call
from ..web.categories import NOT_FOUND, refusal
from ..web.paging import page_of
from .rules import Row

RUN_PAGE_SIZE = 8


def read(call: Call) -> Mapping[str, object]:
    """Every documented field of an entry; never item notes, never an internal id."""
    number = call.path["number"]
    query = _entries(call).where(journal_entries.c.number == number)
    found = call.tx.execute(query).mappings().one_or_none()
    if found is None:
        raise refusal(NOT_FOUND, f"Cannot find journal entry by key: {number[:40]!r}.")
    return _shown(call, [found])[0]


def list_of_run(call: Call) -> Mapping[str, object]:
    """The entries of one journal run, in the order of their numbers."""
    number = call.path["number"]
    run = journal_runs.c
    run_id = call.tx.execute(
        select(run.id).where(
            run.tenant_id == call.tenant_id, run.number == number, run.deleted.is_(False)
        )
    ).scalar_one_or_none()
    if run_id is None:
        raise refusal(NOT_FOUND, f"Cannot find journal run by key: {number[:40]!r}.")
    page = page_of(call.query, default=RUN_PAGE_SIZE, needs_size=True)
    query = (
        _entries(call)
        .where(journal_entries.c.journal_run_id == run_id)
        .order_by(journal_entries.c.number)
        .offset(page.offset)
        .limit(page.size + 1)
    )
    rows = call.tx.execute(query).mappings().all()
    return {
        "journalEntries": _shown(call, rows[: page.size]),
        **page.next_of(len(rows), call.url),
    }


def _entries(call: Call) -> Select[Any]:
    entry, period = journal_entries.c, accounting_periods.c
    return (
        select(journal_entries, period.name.label("accounting_period_name"))
        .join(
            accounting_periods,
            (period.tenant_id == entry.tenant_id) & (period.id == entry.accounting_period_id),
        )
        .where(entry.tenant_id == call.tenant_id, entry.deleted.is_(False))
    )


def _shown(call: Call, entries: Sequence[Row]) -> list[dict[str, object]]:
    settings = settings_of(call.tx, call.tenant_id)
    items = items_of(call, [entry["id"] for entry in entries])
    return [_entry(entry, items.get(entry["id"], []), settings) for entry in entries]


def items_of(call: Call, entry_ids: Sequence[str]) -> dict[str, list[Row]]:
    """The lines of entries with their codes, by entry, each in the order of creation."""
    item, code = journal_entry_items.c, accounting_codes.c
    query = (
        select(
            journal_entry_items,
            code.name.label("code_name"),
            code.type.label("code_type"),
            code.gl_account_name,
            code.gl_account_number,
        )
        .join(
            accounting_codes,
            (code.tenant_id == item.tenant_id) & (code.id == item.accounting_code_id),
        )
        .where(item.tenant_id == call.tenant_id, item.journal_entry_id.in_(entry_ids))
        .order_by(item.position)
    )
    found: dict[str, list[Row]] = {}
    for row in call.tx.execute(query).mappings():
        found.setdefault(row["journal_entry_id"], []).append(row)
    return found


def _entry(entry: Row, items: Sequence[Row], settings: Settings) -> dict[str, object]:
    return {
        "number": entry["number"],
        "status": entry["status"],
        "accountingPeriodName": entry["accounting_period_name"],
        "aggregateCurrency": entry["aggregate_currency"],
        "currency": entry["currency"],
        "homeCurrency": entry["home_currency"],
        "journalEntryDate": entry["journal_entry_date"],
        "notes": entry["notes"],
        "segments": [
            {"segmentName": name, "segmentValue": value} for name, value in entry["segments"]
        ],
        "timePeriodStart": entry["time_period_start"],
        "timePeriodEnd": entry["time_period_end"],
        "transactionType": entry["transaction_type"],
        "transferDateTime": entry["transfer_date_time"],
        "transferredBy": entry["transferred_by"],
        "transferredToAccounting": entry["transferred_to_accounting"],
        **_custom(entry, settings.fields_of("JournalEntry")),
        "journalEntryItems": [_item(item, settings) for item in items],
    }


def _item(item: Row, settings: Settings) -> dict[str, object]:
    return {
        "accountingCodeName": item["code_name"],
        "accountingCodeType": item["code_type"],
        "amount": item["amount"],
        "homeCurrencyAmount": item["home_currency_amount"],
        "type": item["type"],
        "glAccountName": item["gl_account_name"],
        "glAccountNumber": item["gl_account_number"],
        "glString": item["gl_string"],
        **_custom(item, settings.fields_of("JournalEntryItem")),
    }


def _custom(row: Row, declared: Mapping[str, int]) -> dict[str, object]:
    """Every declared custom field, null where the row has no value."""
    return {name: row["custom_fields"].get(name) for name in declared}
