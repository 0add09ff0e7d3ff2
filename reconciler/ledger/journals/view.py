"""Read entries: one by number, or those of a run, page by page (API facts 3.4)."""

from collections.abc import Mapping, Sequence

from sqlalchemy import BindParameter, Connection, RowMapping, bindparam, select

from ..reference_data.tenant_settings import settings_of
from ..storage import tables
from ..web.call import Call
from ..web.errors import NOT_FOUND, refusal
from ..web.pagination import requested_page
from ..web.resource import answer_of
from .fields import ENTRY, ITEM, ORGANIZATION
from .organization_scope import may_see_run

RUN_PAGE_SIZE = 8

_ENTRY, _ITEM, _RUN = tables.journal_entries.c, tables.journal_entry_items.c, tables.journal_runs.c
_PERIOD, _CODE = tables.accounting_periods.c, tables.accounting_codes.c
_TENANT: BindParameter[str] = bindparam("tenant")
_ENTRIES = (
    select(tables.journal_entries, _PERIOD.name.label("accounting_period_name"))
    .join(tables.accounting_periods, tables.PERIOD_OF_ENTRY)
    .where(_ENTRY.tenant_id == _TENANT, _ENTRY.deleted.is_(False))
)
_BY_NUMBER = _ENTRIES.where(_ENTRY.number == bindparam("number"))
_OF_RUN = (
    _ENTRIES.where(_ENTRY.journal_run_id == bindparam("run"))
    .order_by(_ENTRY.run_position, _ENTRY.number)
    .offset(bindparam("skipped"))
    .limit(bindparam("wanted"))
)
_RUN_BY_NUMBER = select(tables.journal_runs).where(
    _RUN.tenant_id == _TENANT, _RUN.number == bindparam("number"), _RUN.deleted.is_(False)
)
_ITEM_ROWS = (
    select(
        tables.journal_entry_items,
        _CODE.name.label("accounting_code_name"),
        _CODE.type.label("accounting_code_type"),
        _CODE.gl_account_name,
        _CODE.gl_account_number,
    )
    .join(
        tables.accounting_codes,
        (_CODE.tenant_id == _ITEM.tenant_id) & (_CODE.id == _ITEM.accounting_code_id),
    )
    .where(_ITEM.tenant_id == _TENANT)
    .order_by(_ITEM.position)
)
_ITEMS = _ITEM_ROWS.where(_ITEM.journal_entry_id.in_(bindparam("entries", expanding=True)))
_ITEMS_OF_ONE = _ITEM_ROWS.where(_ITEM.journal_entry_id == bindparam("entry"))


def read(call: Call) -> Mapping[str, object]:
    """Every documented field of an entry, without item notes and internal ids."""
    return _shown(call, [find_entry(call)])[0]


def find_entry(call: Call) -> RowMapping:
    """The entry of the path. Raises Refusal if there is none of this number."""
    number = call.path["number"]
    values = {"tenant": call.tenant_id, "number": number}
    found = call.tx.execute(_BY_NUMBER, values).mappings().one_or_none()
    if found is None or not call.caller.may_see(found["organization"]):
        raise refusal(NOT_FOUND, f"Cannot find journal entry by key: {number[:40]!r}.")
    return found


def find_run(call: Call) -> RowMapping:
    """The journal run of the path. Raises Refusal if there is none of this number."""
    number = call.path["number"]
    values = {"tenant": call.tenant_id, "number": number}
    found = call.tx.execute(_RUN_BY_NUMBER, values).mappings().one_or_none()
    if found is None or not may_see_run(call.caller, found):
        raise refusal(NOT_FOUND, f"Cannot find journal run by key: {number[:40]!r}.")
    return found


def list_of_run(call: Call) -> Mapping[str, object]:
    """The entries of one journal run, in the order of their numbers."""
    run = find_run(call)
    page = requested_page(call.query, default=RUN_PAGE_SIZE, needs_size=True)
    bounds = {"run": run["id"], "skipped": page.offset, "wanted": page.size + 1}
    rows = call.tx.execute(_OF_RUN, {"tenant": call.tenant_id, **bounds}).mappings().all()
    return {
        "journalEntries": _shown(call, rows[: page.size]),
        **page.next_page(len(rows), call.url),
    }


def _shown(call: Call, entries: Sequence[RowMapping]) -> list[dict[str, object]]:
    settings = settings_of(call.tx, call.tenant_id)
    items = items_of(call.tx, call.tenant_id, [entry["id"] for entry in entries])
    multi_org = call.caller.organizations is not None
    fields = (*ENTRY, ORGANIZATION) if multi_org else ENTRY
    custom, of_items = (settings.fields_of(name) for name in ("JournalEntry", "JournalEntryItem"))
    return [
        {
            **answer_of(fields, entry, custom),
            "journalEntryItems": [
                answer_of(ITEM, item, of_items) for item in items.get(entry["id"], ())
            ],
        }
        for entry in entries
    ]


def items_of(
    tx: Connection, tenant_id: str, entry_ids: Sequence[str]
) -> dict[str, list[RowMapping]]:
    """The lines of entries with their codes, by entry, in the order of creation."""
    if len(entry_ids) == 1:
        asked = tx.execute(_ITEMS_OF_ONE, {"tenant": tenant_id, "entry": entry_ids[0]})
    else:
        asked = tx.execute(_ITEMS, {"tenant": tenant_id, "entries": list(entry_ids)})
    found: dict[str, list[RowMapping]] = {}
    for row in asked.mappings():
        found.setdefault(row["journal_entry_id"], []).append(row)
    return found
