"""The fields of an entry, of its lines and of its segments (API facts 3.2, 3.3, 3.4)."""

from ..reference_data.code_types import CODE_TYPE
from ..web.fields import BOOLEAN, DATE, Field, array, choice, text
from ..web.resource import DATE_TIME, ResourceField, create_fields, optional, required
from .amounts import AMOUNT

NOTES = text(2000)
ITEM_NOTES = text(1000)
MAX_ITEMS = 100
SIDE = choice("Credit", "Debit")
TRANSFER_STATES = ("No", "Processing", "Yes", "Error", "Ignore")
TRANSFER_STATE = choice(*TRANSFER_STATES)

SEGMENT_FIELDS = (
    Field(name="segmentName", type=text(100, minimum=1), required=True),
    Field(name="segmentValue", type=text(255, minimum=1), required=True),
)
ENTRY = (
    ResourceField("number", "number", text()),
    ResourceField("status", "status", choice("Created", "Cancelled")),
    required("accountingPeriodName", "accounting_period_name", text(100, minimum=1)),
    ResourceField("aggregateCurrency", "aggregate_currency", BOOLEAN),
    required("currency", "currency", text(3, minimum=3)),
    ResourceField("homeCurrency", "home_currency", text(3, minimum=3), nullable=True),
    required("journalEntryDate", "journal_entry_date", DATE),
    optional("notes", "notes", NOTES),
    ResourceField(
        "segments",
        "segments",
        array(50, of=SEGMENT_FIELDS),
        sent="optional",
        default=[],
        answered=lambda segments: [
            {"segmentName": name, "segmentValue": value} for name, value in segments
        ],
    ),
    ResourceField("timePeriodStart", "time_period_start", DATE, nullable=True),
    ResourceField("timePeriodEnd", "time_period_end", DATE, nullable=True),
    optional("transactionType", "transaction_type", text(255, minimum=1)),
    ResourceField("transferDateTime", "transfer_date_time", DATE_TIME, nullable=True),
    ResourceField("transferredBy", "transferred_by", text(), nullable=True),
    ResourceField(
        "transferredToAccounting",
        "transferred_to_accounting",
        TRANSFER_STATE,
        sent="optional",
        default="No",
    ),
)
ORGANIZATION = optional("organizationLabel", "organization", text(255))
"""A field of entries of Multi-Org tenants."""
ITEM = (
    required("accountingCodeName", "accounting_code_name", text(100, minimum=1)),
    ResourceField("accountingCodeType", "accounting_code_type", CODE_TYPE, sent="optional"),
    required("amount", "amount", AMOUNT),
    optional("homeCurrencyAmount", "home_currency_amount", AMOUNT),
    required("type", "type", SIDE),
    ResourceField("glAccountName", "gl_account_name", text(255), nullable=True),
    ResourceField("glAccountNumber", "gl_account_number", text(255), nullable=True),
    optional("glString", "gl_string", text(350)),
    # Stored, but in no answer.
    ResourceField("notes", "notes", ITEM_NOTES, sent="optional", answered=None),
)
ITEM_FIELDS = create_fields(ITEM)
ENTRY_FIELDS = (
    *create_fields((*ENTRY, ORGANIZATION)),
    Field(
        name="journalEntryItems",
        type=array(MAX_ITEMS, of=ITEM_FIELDS, minimum=1, custom=True),
        required=True,
    ),
)
UPDATE_ITEM_FIELDS = (
    # An empty name addresses a line with a blank code, so it is required but may be empty.
    Field(name="accountingCodeName", type=text(100), required=True),
    Field(name="accountingCodeType", type=CODE_TYPE),
    Field(name="type", type=SIDE, required=True),
    Field(name="notes", type=ITEM_NOTES, clearable=True),
)
UPDATE_FIELDS = (
    Field(name="notes", type=NOTES, clearable=True),
    Field(name="transferredToAccounting", type=TRANSFER_STATE),
    Field(name="journalEntryItems", type=array(MAX_ITEMS, of=UPDATE_ITEM_FIELDS, custom=True)),
)
