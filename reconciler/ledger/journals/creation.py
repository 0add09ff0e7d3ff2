"""A new entry, read from the body of a request (API facts 3.2, 3.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..reference_data.tenant_settings import Settings
from ..web.errors import refuse_any
from ..web.fields import read_fields, read_items, without_cleared
from ..web.resource import columns_of
from .fields import ENTRY, ENTRY_FIELDS, ITEM, ITEM_FIELDS, ORGANIZATION, SEGMENT_FIELDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A requested line, by columns. `at` is its path in the request body."""

    at: str
    accounting_code_name: str
    accounting_code_type: str | None
    type: str
    amount: Decimal
    home_currency_amount: Decimal | None
    gl_string: str | None
    notes: str | None
    custom_fields: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """A requested entry, by columns, with valid fields. `segments` are names with values."""

    accounting_period_name: str
    currency: str
    journal_entry_date: str
    notes: str | None
    segments: list[list[str]]
    transferred_to_accounting: str
    transaction_type: str | None
    organization: str | None
    custom_fields: Mapping[str, str | None]
    lines: tuple[Line, ...]


_GIVEN = "is set by the ledger"
GIVEN = dict.fromkeys((field.name for field in ENTRY), _GIVEN)
GIVEN_OF_ITEM = dict.fromkeys((field.name for field in ITEM), _GIVEN)


def read_entry(body: Mapping[str, Any], settings: Settings) -> NewEntry:
    """The entry of a request body. Raises Refusal with the reasons against all fields."""
    found, custom, reasons = read_fields(
        body, ENTRY_FIELDS, custom=settings.fields_of("JournalEntry"), not_taken=GIVEN
    )
    items = read_items(
        found.get("journalEntryItems", ()),
        ITEM_FIELDS,
        reasons,
        at="journalEntryItems",
        custom=settings.fields_of("JournalEntryItem"),
        not_taken=GIVEN_OF_ITEM,
    )
    lines = tuple(
        Line(at=at, custom_fields=without_cleared(extra), **columns_of(ITEM, item))
        for at, item, extra in items
    )
    segments = [
        [segment["segmentName"], segment["segmentValue"]]
        for _at, segment, _custom in read_items(
            found.get("segments", ()), SEGMENT_FIELDS, reasons, at="segments"
        )
    ]
    refuse_any(reasons)
    return NewEntry(
        **{**columns_of(ENTRY, found), "segments": segments},
        organization=found.get(ORGANIZATION.name),
        custom_fields=without_cleared(custom),
        lines=lines,
    )
