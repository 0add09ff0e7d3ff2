"""Operations on accounting codes (API facts 4.1, 4.2)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping, insert, or_, select

from ..storage.tables import accounting_codes, journal_entry_items, source_transactions
from ..web.call import Call
from ..web.errors import BUSINESS_RULE, refusal, refuse_any
from ..web.fields import choice, read_fields, text, without_cleared
from ..web.resource import (
    CHANGES,
    ResourceField,
    answer_of,
    columns_of,
    create_fields,
    optional,
    required,
)
from .code_types import CATEGORIES, CODE_TYPE
from .tenant_settings import settings_of

KIND = "AccountingCode"

CODE = (
    ResourceField("id", "id", text()),
    required("name", "name", text(100, minimum=1)),
    required("type", "type", CODE_TYPE),
    ResourceField(
        "category",
        "type",
        choice(*sorted(set(CATEGORIES.values()))),
        answered=CATEGORIES.__getitem__,
    ),
    ResourceField("status", "status", choice("Active", "Inactive")),
    optional("glAccountName", "gl_account_name", text(255)),
    optional("glAccountNumber", "gl_account_number", text(255)),
    optional("notes", "notes", text(2000)),
    *CHANGES,
)
FIELDS = create_fields(CODE)


def listing(call: Call) -> Mapping[str, object]:
    rows, following = call.page(accounting_codes, accounting_codes.c.name, accounting_codes.c.type)
    declared = settings_of(call.tx, call.tenant_id).fields_of(KIND)
    return {"accountingCodes": [answer_of(CODE, code, declared) for code in rows], **following}


def read(call: Call) -> Mapping[str, object]:
    declared = settings_of(call.tx, call.tenant_id).fields_of(KIND)
    return answer_of(CODE, call.find(accounting_codes), declared)


def create(call: Call) -> Mapping[str, object]:
    """Create an active code. Its name and type together must be new."""
    declared = settings_of(call.tx, call.tenant_id).fields_of(KIND)
    found, custom, reasons = read_fields(call.body, FIELDS, custom=declared)
    refuse_any(reasons)
    row = accounting_codes.c
    same = (row.name == found["name"], row.type == found["type"])
    query = select(row.id).where(row.tenant_id == call.tenant_id, *same)
    if call.tx.execute(query).first() is not None:
        raise refusal(
            BUSINESS_RULE, f"There is an accounting code {found['name']!r} of this type already"
        )
    values = {
        **call.author.made(),
        "status": "Active",
        **columns_of(CODE, found),
        "custom_fields": without_cleared(custom),
    }
    call.tx.execute(insert(accounting_codes), values)
    _record(call, "create", values)
    return {"id": values["id"]}


def activate(call: Call) -> Mapping[str, object]:
    return _set_status(call, call.find(accounting_codes), "Active")


def deactivate(call: Call) -> Mapping[str, object]:
    """Deactivate a code that is not used. AccountsReceivable codes cannot be deactivated."""
    code = call.find(accounting_codes)
    if code["type"] == "AccountsReceivable":
        raise refusal(BUSINESS_RULE, "A code of type AccountsReceivable cannot be deactivated")
    item, source = journal_entry_items.c, source_transactions.c
    in_items = select(item.id).where(
        item.tenant_id == call.tenant_id, item.accounting_code_id == code["id"]
    )
    in_transactions = select(source.id).where(
        source.tenant_id == call.tenant_id,
        or_(source.debit_code_id == code["id"], source.credit_code_id == code["id"]),
    )
    if any(call.tx.execute(query.limit(1)).first() for query in (in_items, in_transactions)):
        raise refusal(BUSINESS_RULE, f"The accounting code {code['name']!r} is in use")
    return _set_status(call, code, "Inactive")


def _set_status(call: Call, code: RowMapping, status: str) -> Mapping[str, object]:
    call.author.change(accounting_codes, code, {"status": status})
    _record(call, "update", {"name": code["name"], "type": code["type"], "status": status})
    return {}


def _record(call: Call, action: str, values: Mapping[str, Any]) -> None:
    call.author.record(action, KIND, f"{values['name']} ({values['type']})", values)
