"""The schemas of requests and answers, from their tables of fields (API facts 2 to 6, 7.1)."""

from ..journals import fields as journals
from ..journals import organization_scope
from ..query import request as query
from ..query.jobs import ATTEMPTS, Status
from ..reference_data import accounting_codes, accounting_periods
from ..runs import creation as new_run
from ..runs import operations as runs
from ..web.fields import Schema, choice, items, nullable, schema_of, text
from ..web.resource import described

_NAMED = text(minimum=1).schema
_COUNT: Schema = {"type": "integer", "minimum": 0}


def reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _closed(always: dict[str, Schema], sometimes: dict[str, Schema] | None = None) -> Schema:
    """An object with the first fields, optionally the others, and nothing else."""
    return {
        "type": "object",
        "properties": {**always, **(sometimes or {})},
        "required": list(always),
        "additionalProperties": False,
    }


def _answered(always: dict[str, Schema], sometimes: dict[str, Schema] | None = None) -> Schema:
    """A resource in an answer, which may have custom fields."""
    return {**_closed(always, sometimes), "patternProperties": {"__c$": nullable(text().schema)}}


def _done(always: dict[str, Schema], sometimes: dict[str, Schema] | None = None) -> Schema:
    """The answer to a successful request."""
    return _answered({"success": {"const": True}, **always}, sometimes)


def _page(name: str, resource: Schema) -> Schema:
    return _done({name: items(resource, 300)}, {"nextPage": _NAMED})


_ENTRY = {
    **described(journals.ENTRY),
    "journalEntryItems": {"type": "array", "items": _answered(described(journals.ITEM))},
}
_MULTI_ORG = described((journals.ORGANIZATION,))
_CODE = described(accounting_codes.CODE)
_PERIOD = {
    **described(accounting_periods.PERIOD),
    **{name: {"type": "null"} for name in accounting_periods.NEVER_SET},
}
_RUN = {
    **described(runs.RUN),
    "totalJournalEntryCount": _COUNT,
    "organizationLabels": items(
        _closed({field.name: field.type.schema for field in organization_scope.LABEL_FIELDS}), 300
    ),
}
_DIGEST = text(64, minimum=64).schema
_QUERY_JOB: dict[str, Schema] = {
    "id": _DIGEST,
    "createdBy": _DIGEST,
    "query": _NAMED,
    "sourceData": query.SOURCE.schema,
    "useIndexJoin": {"type": "boolean"},
    "queryStatus": choice(*Status).schema,
    "remainingRetries": {**_COUNT, "maximum": ATTEMPTS},
    "updatedOn": {
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
    },
}
_QUERY_RESULT = {"outputRows": _COUNT, "dataFile": _NAMED, "errorMessage": _NAMED}
_REASON = _closed({"code": {"type": "integer"}, "message": _NAMED})

SCHEMAS: dict[str, Schema] = {
    "Failure": _closed(
        {
            "success": {"const": False},
            "processId": {"type": "string", "pattern": "^[0-9A-F]{16}$"},
            "requestId": text(36, minimum=36).schema,
            "reasons": items(_REASON, 10_000, 1),
        }
    ),
    "Complaint": _closed({"message": _NAMED}, {"code": {"type": "integer"}}),
    "Done": _done({}),
    "TokenRequest": {
        "type": "object",
        "properties": {
            "client_id": text(36, minimum=36).schema,
            "client_secret": text(42, minimum=1).schema,
            "grant_type": {"const": "client_credentials"},
        },
        "required": ["client_id", "client_secret", "grant_type"],
    },
    "Token": _closed(
        {
            "access_token": _NAMED,
            "token_type": {"const": "bearer"},
            "expires_in": {"type": "integer", "minimum": 1},
            "scope": _NAMED,
            "jti": _NAMED,
        }
    ),
    "NewJournalEntry": schema_of(journals.ENTRY_FIELDS, custom=True),
    "JournalEntryMade": _done({"journalEntryNumber": _NAMED}),
    "JournalEntry": _done(_ENTRY, _MULTI_ORG),
    "JournalEntries": _page("journalEntries", _answered(_ENTRY, _MULTI_ORG)),
    "BasicInformation": schema_of(journals.UPDATE_FIELDS, custom=True),
    "NewJournalRun": schema_of(new_run.FIELDS),
    "JournalRunMade": _done({"journalRunNumber": _NAMED}),
    "JournalRun": _done(_RUN, {"errorMessage": _NAMED}),
    "NewAccountingCode": schema_of(accounting_codes.FIELDS, custom=True),
    "Made": _done({"id": _NAMED}),
    "AccountingCode": _done(_CODE),
    "AccountingCodes": _page("accountingCodes", _answered(_CODE)),
    "NewAccountingPeriod": schema_of(accounting_periods.FIELDS),
    "AccountingPeriod": _done(_PERIOD),
    "AccountingPeriods": _page("accountingPeriods", _answered(_PERIOD)),
    "NewQueryJob": schema_of(query.FIELDS),
    "QueryJob": _closed({"data": reference("QueryJobFound")}),
    "QueryJobs": _closed({"data": items(reference("QueryJobFound"), 10_000)}),
    "QueryJobFound": _closed(_QUERY_JOB, _QUERY_RESULT),
}
