"""The schemas of all kinds of document, and whether a document is valid under its own."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import jsonschema_rs

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.resource import Value
from reconciler.core.model.schedule import ALLOCATION_KEY, SCHEDULE

API_VERSION = "journal.reconciler/v1"
WORKSPACE = "Workspace"
REFERENCE = "Reference"

SUPPORTING: Mapping[str, str] = {
    SCHEDULE: "journal-schedule.schema.json",
    ALLOCATION_KEY: "allocation-key.schema.json",
    "SpreadsheetMapping": "spreadsheet-mapping.schema.json",
}
"""The kinds that verbs read and that are never posted, each with the file name of its schema."""

SCHEMAS: Mapping[str, str] = {
    **{kind.name: kind.schema for kind in KINDS.values()},
    WORKSPACE: "workspace.schema.json",
    REFERENCE: "reference.schema.json",
    **SUPPORTING,
}
"""The file name of the schema of every kind of document."""

DOCUMENTS: Mapping[str, str] = {
    "plan": "plan.schema.json",
    "report": "report.schema.json",
    "apply-event": "apply-event.schema.json",
    "close-check": "close-check.schema.json",
    "output": "output.schema.json",
}
"""The same for what the tool writes, and others read."""

_PACKAGE = Path(__file__).resolve().parent.parent
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
# A wheel carries the schemas inside the package; a checkout keeps them beside it. A workspace is
# never asked: the files under review must not bring the schema they are judged by.
_HOMES = (_PACKAGE / "schemas", _PACKAGE.parent / "schemas")


@cache
def schema_text(kind: str) -> str:
    """The JSON Schema of a kind, or of one of DOCUMENTS, as it is shipped; else KeyError."""
    name = SCHEMAS.get(kind) or DOCUMENTS[kind]
    home = next(home for home in _HOMES if (home / name).is_file())
    return (home / name).read_text(encoding="utf-8")


@cache
def schema_of(kind: str) -> Any:
    """The JSON Schema of a kind as a value, with exact numbers."""
    return json.loads(schema_text(kind), parse_float=Decimal)


def is_valid(kind: str, document: Value) -> bool:
    """True when the document fits the schema of its kind; amounts are compared exactly."""
    return _validator(kind).is_valid(document)


def errors_of(kind: str, document: Value) -> Iterator[jsonschema_rs.ValidationError]:
    """What keeps a document from being valid."""
    return _validator(kind).iter_errors(document)


def is_date(text: str) -> bool:
    """True for a day of the calendar written YYYY-MM-DD, in ASCII digits."""
    if not _DATE(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@cache
def _validator(kind: str) -> jsonschema_rs.Draft202012Validator:
    return validator(schema_text(kind))


def validator(schema: str | dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """A validator that knows the days of the calendar."""
    return jsonschema_rs.Draft202012Validator(
        schema,
        validate_formats=True,
        formats={"date": is_date},
        retriever=fetch_nothing,
    )


def fetch_nothing(address: str) -> NoReturn:
    """A retriever that fetches no schema."""
    raise LookupError(f"a schema refers to {address}, and no schema is fetched")
