"""What a new entry may say: its fields as data, read from a request body (API facts 3.2, 3.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..reference_data.code_types import code_type
from ..reference_data.tenant_settings import Settings
from ..web.errors import Reason, refuse_any
from ..web.fields import Field, array, calendar_date, choice, read_fields, text
from .amounts import read_amount

TRANSFER_STATES = ("No", "Processing", "Yes", "Error", "Ignore")
NOTES_LENGTH = 2000
ITEM_NOTES_LENGTH = 1000
MAX_ITEMS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line as asked for. `at` is its place in the request body."""

    at: str
    code_name: str
    code_type: str | None
    type: str
    amount: Decimal
    home_amount: Decimal | None
    gl_string: str | None
    notes: str | None
    custom: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry as asked for. Every field has the right form; the books have not been asked yet."""

    period_name: str
    currency: str
    date: str
    lines: tuple[Line, ...]
    notes: str | None
    segments: tuple[tuple[str, str], ...]
    transfer_state: str
    transaction_type: str | None
    organization: str | None
    custom: Mapping[str, str | None]


ENTRY_FIELDS = (
    Field(name="accountingPeriodName", read=text(100, minimum=1), required=True),
    Field(name="currency", read=text(3, minimum=3), required=True),
    Field(name="journalEntryDate", read=calendar_date, required=True),
    Field(name="journalEntryItems", read=array(MAX_ITEMS, minimum=1), required=True),
    Field(name="notes", read=text(NOTES_LENGTH)),
    Field(name="organizationLabel", read=text(255)),
    Field(name="segments", read=array(50)),
    Field(name="transferredToAccounting", read=choice(*TRANSFER_STATES)),
    Field(name="transactionType", read=text(255, minimum=1)),
)

ITEM_FIELDS = (
    Field(name="accountingCodeName", read=text(100, minimum=1), required=True),
    Field(name="accountingCodeType", read=code_type),
    Field(name="amount", read=read_amount, required=True),
    Field(name="homeCurrencyAmount", read=read_amount),
    Field(name="type", read=choice("Credit", "Debit"), required=True),
    Field(name="glString", read=text(350)),
    Field(name="notes", read=text(ITEM_NOTES_LENGTH)),
)

SEGMENT_FIELDS = (
    Field(name="segmentName", read=text(100, minimum=1), required=True),
    Field(name="segmentValue", read=text(255, minimum=1), required=True),
)


def read_entry(body: Mapping[str, Any], settings: Settings) -> NewEntry:
    """The entry a body asks for. Raises Refusal with every field that is not as it must be."""
    found, custom, reasons = read_fields(
        body, ENTRY_FIELDS, custom=settings.fields_of("JournalEntry")
    )
    lines = _read_lines(found.get("journalEntryItems", ()), settings, reasons)
    segments = _read_segments(found.get("segments", ()), reasons)
    refuse_any(reasons)
    return NewEntry(
        period_name=found["accountingPeriodName"],
        currency=found["currency"],
        date=found["journalEntryDate"],
        lines=lines,
        notes=found.get("notes") or None,
        segments=segments,
        transfer_state=found.get("transferredToAccounting", "No"),
        transaction_type=found.get("transactionType"),
        organization=found.get("organizationLabel"),
        custom=custom,
    )


def _read_lines(
    items: Sequence[Any], settings: Settings, reasons: list[Reason]
) -> tuple[Line, ...]:
    declared = settings.fields_of("JournalEntryItem")
    lines = []
    for index, item in enumerate(items):
        at = f"journalEntryItems[{index}]"
        found, custom, wrong = read_fields(item, ITEM_FIELDS, at=at, custom=declared)
        reasons.extend(wrong)
        if not wrong:
            lines.append(
                Line(
                    at=at,
                    code_name=found["accountingCodeName"],
                    code_type=found.get("accountingCodeType"),
                    type=found["type"],
                    amount=found["amount"],
                    home_amount=found.get("homeCurrencyAmount"),
                    gl_string=found.get("glString") or None,
                    notes=found.get("notes") or None,
                    custom=custom,
                )
            )
    return tuple(lines)


def _read_segments(segments: Sequence[Any], reasons: list[Reason]) -> tuple[tuple[str, str], ...]:
    read = []
    for index, segment in enumerate(segments):
        found, _custom, wrong = read_fields(segment, SEGMENT_FIELDS, at=f"segments[{index}]")
        reasons.extend(wrong)
        if not wrong:
            read.append((found["segmentName"], found["segmentValue"]))
    return tuple(read)
