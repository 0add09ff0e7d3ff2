"""Fields of request bodies: how they are read, and their JSON schema."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from .errors import INVALID_VALUE, MISSING_FIELD, UNKNOWN_FIELD, Reason

Schema = dict[str, Any]
"""A JSON schema."""
_NOTHING: Mapping[str, Any] = {}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BadValue(Exception):
    """A value is not what the field takes; the message completes "<field> ..."."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """How a value is read, or BadValue raised, and its schema; `answer` is a narrower one."""

    read: Callable[[Any], Any]
    schema: Schema
    answer: Schema | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a request. Null is absent; null or empty text removes a `clearable` value."""

    name: str
    type: FieldType
    required: bool = False
    clearable: bool = False


Found = tuple[dict[str, Any], dict[str, str | None], list[Reason]]
"""The fields of an object, its custom fields, and every reason against them."""


def read_fields(
    value: object,
    fields: Sequence[Field],
    *,
    at: str = "",
    custom: Mapping[str, int] = _NOTHING,
    not_taken: Mapping[str, str] = _NOTHING,
) -> Found:
    """Read the fields of an object. `at` is its path in the body.

    `custom` are the declared custom fields with their maximum lengths. A cleared one is None.
    `not_taken` says of fields of the resource why this request does not take them.
    """
    if not isinstance(value, Mapping):
        return {}, {}, [Reason(INVALID_VALUE, f"{at or 'body'} must be an object")]
    prefix = f"{at}." if at else ""
    known = {field.name for field in fields} | set(custom)
    reasons = [
        Reason(
            UNKNOWN_FIELD,
            f"{prefix}{name} {not_taken[name]}"
            if name in not_taken
            else f"Unknown field: {prefix}{name[:100]}",
        )
        for name in value
        if name not in known
    ]
    customs = [Field(name=name, type=text(size), clearable=True) for name, size in custom.items()]
    found = _read_each(value, fields, prefix, reasons)
    return found, _read_each(value, customs, prefix, reasons), reasons


def without_cleared(custom: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: value for name, value in custom.items() if value is not None}


def read_items(  # noqa: PLR0913 - keywords, half of them with a default
    items: Sequence[Any],
    fields: Sequence[Field],
    reasons: list[Reason],
    *,
    at: str,
    custom: Mapping[str, int] = _NOTHING,
    not_taken: Mapping[str, str] = _NOTHING,
) -> Iterator[tuple[str, dict[str, Any], dict[str, str | None]]]:
    """Read the objects of an array; yields path, fields and custom fields of each valid one.

    Reasons against the others are added to `reasons`. `at` is the path of the array.
    """
    for index, item in enumerate(items):
        place = f"{at}[{index}]"
        found, extra, wrong = read_fields(
            item, fields, at=place, custom=custom, not_taken=not_taken
        )
        reasons.extend(wrong)
        if not wrong:
            yield place, found, extra


def _read_each(
    value: Mapping[str, Any], fields: Sequence[Field], prefix: str, reasons: list[Reason]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields:
        written = value.get(field.name)
        if field.clearable and field.name in value and written in (None, ""):
            found[field.name] = None
        elif written is None:
            if field.required:
                reasons.append(Reason(MISSING_FIELD, f"{prefix}{field.name} is required"))
        else:
            try:
                found[field.name] = field.type.read(written)
            except BadValue as problem:
                reasons.append(Reason(INVALID_VALUE, f"{prefix}{field.name} {problem}"))
    return found


def schema_of(fields: Sequence[Field], *, custom: bool = False) -> Schema:
    """The schema of an object with these fields and no others; `custom` adds custom fields."""
    return {
        "type": "object",
        "properties": {field.name: _schema_of(field) for field in fields},
        "required": [field.name for field in fields if field.required],
        **({"patternProperties": {"__c$": nullable(text().schema)}} if custom else {}),
        "additionalProperties": False,
    }


def _schema_of(field: Field) -> Schema:
    if field.required:
        return field.type.schema
    return nullable(field.type.schema, *([{"const": ""}] if field.clearable else []))


def nullable(*schemas: Schema) -> Schema:
    return {"anyOf": [*schemas, {"type": "null"}]}


def text(maximum: int | None = None, *, minimum: int = 0) -> FieldType:
    """Text, limited in Unicode code points."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise BadValue("must be a string")
        if maximum is not None and len(value) > maximum:
            raise BadValue(f"must have at most {maximum} characters")
        if len(value) < minimum:
            raise BadValue("must not be empty")
        return value

    bounds = {"minLength": minimum or None, "maxLength": maximum}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    return FieldType(read=read, schema={"type": "string", **given})


def choice(*values: str) -> FieldType:
    """One of the given words, spelled exactly so."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in values:
            raise BadValue(f"must be one of {', '.join(values)}")
        return value

    return FieldType(read=read, schema={"type": "string", "enum": list(values)})


def integer(minimum: int, maximum: int) -> FieldType:
    """A whole number within bounds, as a JSON number."""

    def read(value: object) -> int:
        if not isinstance(value, Decimal) or not minimum <= value <= maximum or value % 1 != 0:
            raise BadValue(f"must be a whole number from {minimum} to {maximum}")
        return int(value)

    schema = {"type": "integer", "minimum": minimum, "maximum": maximum}
    return FieldType(read=read, schema=schema)


def array(
    maximum: int, *, of: Sequence[Field] = (), minimum: int = 0, custom: bool = False
) -> FieldType:
    """A list of objects with the fields `of`, which `read_items` reads."""

    def read(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise BadValue("must be an array")
        if not minimum <= len(value) <= maximum:
            raise BadValue(f"must have {minimum} to {maximum} elements")
        return value

    return FieldType(read=read, schema=items(schema_of(of, custom=custom), maximum, minimum))


def items(schema: Schema, maximum: int, minimum: int = 0) -> Schema:
    return {"type": "array", "items": schema, "minItems": minimum, "maxItems": maximum}


def _read_date(value: object) -> str:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            date.fromisoformat(value)
        except ValueError:
            raise BadValue("is not a day of the calendar") from None
        return value
    raise BadValue("must be a date such as 2026-01-31")


def _read_boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadValue("must be true or false")
    return value


DATE = FieldType(
    read=_read_date, schema={"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
)
"""A day that exists, as YYYY-MM-DD."""
BOOLEAN = FieldType(read=_read_boolean, schema={"type": "boolean"})
