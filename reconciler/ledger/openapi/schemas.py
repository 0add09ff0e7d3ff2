"""The shapes of what is sent and answered, by name (API facts 2 to 5, 7.1)."""

from typing import Any

from ..journals.creation import ITEM_NOTES_LENGTH, MAX_ITEMS, NOTES_LENGTH, TRANSFER_STATES
from ..reference_data.code_types import CATEGORIES
from ..reference_data.document import STATUSES
from ..runs.operations import AT_WORK, CANCELLABLE, DELETABLE
from ..runs.transaction_types import TRANSACTION_TYPES

Schema = dict[str, Any]

_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_STAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"
_CUSTOM = "__c$"


def text(maximum: int | None = None, *, minimum: int = 0) -> Schema:
    """Text of so many characters."""
    bounds = {"minLength": minimum or None, "maxLength": maximum}
    return {"type": "string", **{name: size for name, size in bounds.items() if size is not None}}


def choice(*words: str) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(words)}


def nullable(schema: Schema) -> Schema:
    """A schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def reference(name: str) -> Schema:
    """The schema of this name, wherever it is used."""
    return {"$ref": f"#/components/schemas/{name}"}


def items(schema: Schema, maximum: int, *, minimum: int = 0) -> Schema:
    """A list of so many."""
    return {"type": "array", "items": schema, "minItems": minimum, "maxItems": maximum}


def sent(required: dict[str, Schema], optional: dict[str, Schema], *, custom: bool) -> Schema:
    """What a request may carry and nothing else. Null stands for an absent field."""
    return {
        "type": "object",
        "properties": {
            **required,
            **{name: nullable(schema) for name, schema in optional.items()},
        },
        "required": list(required),
        **({"patternProperties": {_CUSTOM: nullable(text())}} if custom else {}),
        "additionalProperties": False,
    }


def answered(always: dict[str, Schema], sometimes: dict[str, Schema] | None = None) -> Schema:
    """What an answer has, besides custom fields, and nothing else."""
    return {
        "type": "object",
        "properties": {**always, **(sometimes or {})},
        "required": list(always),
        "patternProperties": {_CUSTOM: nullable(text())},
        "additionalProperties": False,
    }


def succeeded(always: dict[str, Schema], sometimes: dict[str, Schema] | None = None) -> Schema:
    """The answer to a request that was done."""
    return answered({"success": {"const": True}, **always}, sometimes)


_ANY, _DATE = text(), {"type": "string", "pattern": _DAY}
_TIME = {"type": "string", "pattern": _STAMP}
_AMOUNT = {"type": "number", "exclusiveMinimum": 0}
_SENT_AMOUNT = {"anyOf": [_AMOUNT, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}]}
_SIDE, _TRANSFER = choice("Credit", "Debit"), choice(*TRANSFER_STATES)
_CODE_TYPE = choice(*CATEGORIES)
# A published sample writes some types with spaces, so a request may; an answer never does.
_SENT_CODE_TYPE = text(minimum=1)
_TRACES = {"createdBy": _ANY, "createdOn": _TIME, "updatedBy": _ANY, "updatedOn": _TIME}
_NEXT = {"nextPage": text(minimum=1)}

_SEGMENT = {"segmentName": text(100, minimum=1), "segmentValue": text(255, minimum=1)}
_ENTRY: dict[str, Schema] = {
    "number": _ANY,
    "status": choice("Created", "Cancelled"),
    "accountingPeriodName": _ANY,
    "aggregateCurrency": {"type": "boolean"},
    "currency": text(3, minimum=3),
    "homeCurrency": nullable(text(3, minimum=3)),
    "journalEntryDate": _DATE,
    "notes": nullable(text(NOTES_LENGTH)),
    "segments": {"type": "array", "items": answered(_SEGMENT)},
    "timePeriodStart": nullable(_DATE),
    "timePeriodEnd": nullable(_DATE),
    "transactionType": nullable(_ANY),
    "transferDateTime": nullable(_TIME),
    "transferredBy": nullable(_ANY),
    "transferredToAccounting": _TRANSFER,
    "journalEntryItems": {"type": "array", "items": reference("JournalEntryItem")},
}
_MULTI_ORG = {"organizationLabel": nullable(text(100))}
_CODE = {
    "id": _ANY,
    "name": text(100, minimum=1),
    "type": _CODE_TYPE,
    "category": choice(*sorted(set(CATEGORIES.values()))),
    "status": choice("Active", "Inactive"),
    "glAccountName": nullable(text(255)),
    "glAccountNumber": nullable(text(255)),
    "notes": nullable(text(2000)),
    **_TRACES,
}
_PERIOD = {
    "id": _ANY,
    "name": text(100, minimum=1),
    "startDate": _DATE,
    "endDate": nullable(_DATE),
    "fiscalYear": nullable({"type": "integer"}),
    "fiscalQuarter": nullable({"type": "integer", "minimum": 1, "maximum": 4}),
    "status": choice(*STATUSES),
    "notes": nullable(text(255)),
    "runTrialBalanceStatus": {"type": "null"},
    "runTrialBalanceStart": {"type": "null"},
    "runTrialBalanceEnd": {"type": "null"},
    "runTrialBalanceErrorMessage": {"type": "null"},
    "fileIds": {"type": "null"},
    **_TRACES,
}
_TYPES = {"type": choice(*TRANSACTION_TYPES)}

SCHEMAS: dict[str, Schema] = {
    "Failure": {
        "type": "object",
        "properties": {
            "success": {"const": False},
            "processId": {"type": "string", "pattern": "^[0-9A-F]{16}$"},
            "requestId": text(36, minimum=36),
            "reasons": items(
                {
                    "type": "object",
                    "properties": {"code": {"type": "integer"}, "message": text(minimum=1)},
                    "required": ["code", "message"],
                    "additionalProperties": False,
                },
                10_000,
                minimum=1,
            ),
        },
        "required": ["success", "processId", "requestId", "reasons"],
        "additionalProperties": False,
    },
    "Complaint": {
        "type": "object",
        "properties": {"code": {"type": "integer"}, "message": text(minimum=1)},
        "required": ["message"],
        "additionalProperties": False,
    },
    "Done": succeeded({}),
    "TokenRequest": {
        "type": "object",
        "properties": {
            "client_id": text(36, minimum=36),
            "client_secret": text(42, minimum=1),
            "grant_type": {"const": "client_credentials"},
        },
        "required": ["client_id", "client_secret", "grant_type"],
    },
    "Token": {
        "type": "object",
        "properties": {
            "access_token": text(minimum=1),
            "token_type": {"const": "bearer"},
            "expires_in": {"type": "integer", "minimum": 1},
            "scope": text(minimum=1),
            "jti": text(minimum=1),
        },
        "required": ["access_token", "token_type", "expires_in", "scope", "jti"],
        "additionalProperties": False,
    },
    "Segment": sent(_SEGMENT, {}, custom=False),
    "NewJournalEntryItem": sent(
        {"accountingCodeName": text(100, minimum=1), "amount": _SENT_AMOUNT, "type": _SIDE},
        {
            "accountingCodeType": _SENT_CODE_TYPE,
            "homeCurrencyAmount": _SENT_AMOUNT,
            "glString": text(350),
            "notes": text(ITEM_NOTES_LENGTH),
        },
        custom=True,
    ),
    "NewJournalEntry": sent(
        {
            "accountingPeriodName": text(100, minimum=1),
            "currency": text(3, minimum=3),
            "journalEntryDate": _DATE,
            "journalEntryItems": items(reference("NewJournalEntryItem"), MAX_ITEMS, minimum=1),
        },
        {
            "notes": text(NOTES_LENGTH),
            "organizationLabel": text(255),
            "segments": items(reference("Segment"), 50),
            "transferredToAccounting": _TRANSFER,
            "transactionType": text(255, minimum=1),
        },
        custom=True,
    ),
    "JournalEntryMade": succeeded({"journalEntryNumber": text(minimum=1)}),
    "JournalEntryItem": answered(
        {
            "accountingCodeName": _ANY,
            "accountingCodeType": _CODE_TYPE,
            "amount": _AMOUNT,
            "homeCurrencyAmount": nullable(_AMOUNT),
            "type": _SIDE,
            "glAccountName": nullable(text(255)),
            "glAccountNumber": nullable(text(255)),
            "glString": nullable(text(350)),
        }
    ),
    "JournalEntry": succeeded(_ENTRY, _MULTI_ORG),
    "JournalEntries": succeeded(
        {"journalEntries": items(answered(_ENTRY, _MULTI_ORG), 300)}, _NEXT
    ),
    "BasicInformationItem": sent(
        {"accountingCodeName": text(100), "type": _SIDE},
        {"accountingCodeType": _SENT_CODE_TYPE, "notes": text(ITEM_NOTES_LENGTH)},
        custom=True,
    ),
    "BasicInformation": sent(
        {},
        {
            "notes": text(NOTES_LENGTH),
            "transferredToAccounting": _TRANSFER,
            "journalEntryItems": items(reference("BasicInformationItem"), MAX_ITEMS),
        },
        custom=True,
    ),
    "TransactionType": sent(_TYPES, {}, custom=False),
    "NewJournalRun": sent(
        {
            "journalEntryDate": _DATE,
            "transactionTypes": items(
                reference("TransactionType"), len(TRANSACTION_TYPES), minimum=1
            ),
        },
        {
            "accountingPeriodName": text(100),
            "targetStartDate": {"anyOf": [_DATE, {"const": ""}]},
            "targetEndDate": {"anyOf": [_DATE, {"const": ""}]},
            "organizationLabels": items(reference("SentOrganization"), 300),
        },
        custom=False,
    ),
    "SentOrganization": sent(
        {},
        {"organizationId": text(36, minimum=1), "organizationName": text(100, minimum=1)},
        custom=False,
    ),
    "Organization": answered({"organizationId": text(36), "organizationName": text(100)}),
    "JournalRunMade": succeeded({"journalRunNumber": text(minimum=1)}),
    "JournalRun": succeeded(
        {
            "number": _ANY,
            "status": choice(*dict.fromkeys((*AT_WORK, *CANCELLABLE, *DELETABLE))),
            "aggregateCurrency": {"type": "boolean"},
            "executedOn": nullable(_TIME),
            "journalEntryDate": _DATE,
            "segmentationRuleName": nullable(_ANY),
            "targetStartDate": _DATE,
            "targetEndDate": _DATE,
            "totalJournalEntryCount": {"type": "integer", "minimum": 0},
            "organizationLabels": items(reference("Organization"), 300),
            "transactionTypes": items(answered(_TYPES), len(TRANSACTION_TYPES), minimum=1),
        }
    ),
    "NewAccountingCode": sent(
        {"name": text(100, minimum=1), "type": _SENT_CODE_TYPE},
        {"glAccountName": text(255), "glAccountNumber": text(255), "notes": text(2000)},
        custom=True,
    ),
    "Made": succeeded({"id": text(minimum=1)}),
    "AccountingCode": succeeded(_CODE),
    "AccountingCodes": succeeded({"accountingCodes": items(answered(_CODE), 300)}, _NEXT),
    "NewAccountingPeriod": sent(
        {
            "name": text(100, minimum=1),
            "startDate": _DATE,
            "endDate": _DATE,
            "fiscalYear": {"type": "integer", "minimum": 1900, "maximum": 9999},
        },
        {
            "fiscalQuarter": {"type": "integer", "minimum": 1, "maximum": 4},
            "notes": text(255),
            "organizationLabels": items({}, 0),
        },
        custom=False,
    ),
    "AccountingPeriod": succeeded(_PERIOD),
    "AccountingPeriods": succeeded({"accountingPeriods": items(answered(_PERIOD), 300)}, _NEXT),
}
