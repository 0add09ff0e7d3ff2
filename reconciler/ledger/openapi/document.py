"""The OpenAPI document, built from operations and schemas."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..query.endpoint import PREFIX
from ..query.jobs import Status
from ..web.fields import choice, items, text
from ..web.headers import DEFAULT_VERSION
from ..web.responses import encode
from .schemas import SCHEMAS, reference

_JSON = "application/json"
_NUMBER = {"type": "integer", "minimum": 0}


def _header(description: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"description": description, "schema": schema, "required": required}


_SAID = {
    "Zuora-Request-Id": _header(
        "The id of the request.", text(36, minimum=36).schema, required=True
    ),
    "Zuora-Track-Id": _header("The Zuora-Track-Id of the request.", text(64).schema),
    "RateLimit-Limit": _header("The nearest window, then all.", text().schema),
    "RateLimit-Remaining": _header("Requests left in the nearest window.", _NUMBER),
    "RateLimit-Reset": _header("Seconds until it ends.", _NUMBER),
    "Concurrency-Limit-Type": _header("The type of operation.", {"const": "Default"}),
    "Concurrency-Limit-Limit": _header("Requests at once.", _NUMBER),
    "Concurrency-Limit-Remaining": _header("Requests left, sampled once a second.", _NUMBER),
}
_WAIT = {"Retry-After": _header("Seconds to wait.", _NUMBER, required=True)}


def _response(
    description: str, *names: str, headers: dict[str, Any] | None = None
) -> dict[str, Any]:
    schemas = [reference(name) for name in names]
    return {
        "description": description,
        "headers": headers if headers is not None else _SAID,
        "content": {_JSON: {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}},
    }


_REFUSALS = {
    "400": _response("Refused: a value, a field or a rule.", "Failure"),
    "401": _response("No token, or an invalid one.", "Complaint"),
    "403": _response(
        "A permission, an entity or an organization is missing.", *("Failure", "Complaint")
    ),
    "404": _response("Not found.", "Failure"),
    "409": _response("Busy with another request, or with the same key.", "Failure"),
    "413": _response("The body is too large.", "Failure"),
    "415": _response("The content type is not supported.", "Failure"),
    "422": _response("The Idempotency-Key was used for another request.", "Failure"),
    "429": _response("Too many requests.", "Failure", headers=_SAID | _WAIT),
    "500": _response("The ledger failed.", "Failure"),
}


_PLAIN_REFUSALS = {
    status: _response(
        _REFUSALS[status]["description"],
        "Complaint",
        # How long a full queue of jobs stays full is unknown.
        headers=_SAID | {"Retry-After": {**_WAIT["Retry-After"], "required": False}},
    )
    for status in _REFUSALS
}


def _parameter(name: str, place: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "description": description,
        "required": place == "path",
        "schema": schema,
    }


_HEADERS = (
    _parameter("Zuora-Version", "header", "The minor version.", {"type": "string"}),
    _parameter(
        "Zuora-Track-Id",
        "header",
        "Echoed in the answer.",
        {"type": "string", "pattern": r"^[ !#-&(-9<-~]{1,64}$"},
    ),
    _parameter(
        "Zuora-Entity-Ids", "header", "The entity, if the tenant has several.", text().schema
    ),
    _parameter(
        "Zuora-Org-Ids", "header", "The organizations, in a Multi-Org tenant.", text().schema
    ),
)
_DONE = "Done; in versions before 2024-05-20 also refused."
_KEY = _parameter(
    "Idempotency-Key",
    "header",
    "Makes the request safe to repeat within 24 hours.",
    {"type": "string", "pattern": "^[ -~]{1,254}$"},
)
_PAGES = (
    _parameter("page", "query", "From 1.", {"type": "integer", "minimum": 1, "maximum": 999999999}),
    _parameter(
        "pageSize", "query", "At most 300.", {"type": "integer", "minimum": 1, "maximum": 300}
    ),
)
_STATES = _parameter(
    "queryStatus", "query", "Only jobs in these states.", items(choice(*Status).schema, len(Status))
)


@dataclass(frozen=True, slots=True)
class Described:
    """The summary of an operation, the schemas of its body and answer, and its parameters."""

    summary: str
    answer: str = "Done"
    body: str | None = None
    paged: bool = False
    by_status: bool = False


_ENTRIES, _RUNS = "/v1/journal-entries", "/v1/journal-runs"
_CODES, _PERIODS = "/v1/accounting-codes", "/v1/accounting-periods"
_ENTRY, _RUN = f"{_ENTRIES}/{{number}}", f"{_RUNS}/{{number}}"
_CODE, _PERIOD = f"{_CODES}/{{id}}", f"{_PERIODS}/{{id}}"
_JOBS = f"{PREFIX}jobs"
_JOB = f"{PREFIX}jobs/{{job_id}}"

OPERATIONS = {
    ("POST", _ENTRIES): Described(
        "Post a manual entry", "JournalEntryMade", body="NewJournalEntry"
    ),
    ("GET", _ENTRY): Described("Read an entry", "JournalEntry"),
    ("DELETE", _ENTRY): Described("Delete a cancelled entry"),
    ("PUT", f"{_ENTRY}/basic-information"): Described(
        "Change the basic information of an entry", "Done", body="BasicInformation"
    ),
    ("PUT", f"{_ENTRY}/cancel"): Described("Cancel an entry"),
    ("GET", f"{_ENTRIES}/journal-runs/{{number}}"): Described(
        "List the entries of a journal run", "JournalEntries", paged=True
    ),
    ("POST", _RUNS): Described("Queue a journal run", "JournalRunMade", body="NewJournalRun"),
    ("GET", _RUN): Described("Read a journal run", "JournalRun"),
    ("PUT", f"{_RUN}/cancel"): Described("Accept the cancellation of a journal run"),
    ("DELETE", _RUN): Described("Accept the deletion of a cancelled journal run"),
    ("GET", _CODES): Described("List the accounting codes", "AccountingCodes", paged=True),
    ("POST", _CODES): Described("Add an accounting code", "Made", body="NewAccountingCode"),
    ("GET", _CODE): Described("Read an accounting code", "AccountingCode"),
    ("PUT", f"{_CODE}/activate"): Described("Activate an accounting code"),
    ("PUT", f"{_CODE}/deactivate"): Described("Deactivate an accounting code"),
    ("GET", _PERIODS): Described("List the accounting periods", "AccountingPeriods", paged=True),
    ("POST", _PERIODS): Described("Add an accounting period", "Made", body="NewAccountingPeriod"),
    ("GET", _PERIOD): Described("Read an accounting period", "AccountingPeriod"),
    ("PUT", f"{_PERIOD}/pending-close"): Described("Set an accounting period to pending close"),
    ("PUT", f"{_PERIOD}/close"): Described("Close an accounting period"),
    ("PUT", f"{_PERIOD}/reopen"): Described("Reopen an accounting period"),
    ("POST", _JOBS): Described("Submit a query", "QueryJob", body="NewQueryJob"),
    ("GET", _JOBS): Described("List the caller's query jobs", "QueryJobs", by_status=True),
    ("GET", _JOB): Described("Poll a query job, and execute it if it waits", "QueryJob"),
    ("DELETE", _JOB): Described("Cancel a query job that has not ended", "QueryJob"),
}


@cache
def document() -> bytes:
    paths: dict[str, dict[str, Any]] = {"/oauth/token": {"post": _TOKEN}}
    for (method, path), described in OPERATIONS.items():
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, described)
    return encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Embedded ledger",
                "version": DEFAULT_VERSION,
                "description": "Summary journal entries, journal runs and reference data. "
                "Callers of versions before 2024-05-20 get refusals with status 200.",
            },
            "paths": paths,
            "components": {
                "schemas": SCHEMAS,
                "securitySchemes": {
                    "token": {
                        "type": "oauth2",
                        "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
                    }
                },
            },
            "security": [{"token": []}],
        }
    )


def _operation(method: str, path: str, described: Described) -> dict[str, Any]:
    plain = path.startswith(PREFIX)  # Data Query has no envelope
    named = [
        _parameter(name, "path", "Given by the server.", text(minimum=1).schema)
        for name in re.findall(r"{(\w+)}", path)
    ]
    return {
        "summary": described.summary,
        "tags": [path.split("/")[2]],
        "parameters": [
            *named,
            *_HEADERS,
            *(_PAGES if described.paged else ()),
            *((_STATES,) if described.by_status else ()),
            *((_KEY,) if method == "POST" and not plain else ()),
        ],
        **(_body(_JSON, described.body) if described.body is not None else {}),
        "responses": (
            {"200": _response("Done.", described.answer), **_PLAIN_REFUSALS}
            if plain
            else {"200": _response(_DONE, described.answer, "Failure"), **_REFUSALS}
        ),
    }


def _body(media: str, name: str) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media: {"schema": reference(name)}}}}


_TOKEN_LIMITS = {
    "X-RateLimit-Limit-minute": _header("Token requests a minute.", _NUMBER),
    "X-RateLimit-Remaining-minute": _header("How many are left.", _NUMBER),
}
_TOKEN = {
    "summary": "Get a token",
    "tags": ["oauth"],
    "security": [],
    **_body("application/x-www-form-urlencoded", "TokenRequest"),
    "responses": {
        "200": _response("A token.", "Token", headers=_TOKEN_LIMITS),
        "429": _response("Too many requests.", "Complaint", headers=_TOKEN_LIMITS | _WAIT),
        **{
            status: _response("Refused.", "Complaint", headers={})
            for status in ("400", "401", "403", "415", "500")
        },
    },
}
