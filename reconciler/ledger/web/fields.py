"""Fields of request bodies: tables of what may be sent, read to values or to reasons."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from .errors import INVALID_VALUE, MISSING_FIELD, UNKNOWN_FIELD, Reason

Reader = Callable[[Any], Any]
_NO_CUSTOM: Mapping[str, int] = MappingProxyType({})
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BadValue(Exception):
    """A value is not what the field takes; the message completes "<field> ..."."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field a request may carry.

    `read` turns the JSON value into ours or raises BadValue. Null means absent, except where the
    field is `clearable`: there null and empty text both ask for the value to be removed.
    """

    name: str
    read: Reader
    required: bool = False
    clearable: bool = False


def read_fields(
    value: object,
    fields: Sequence[Field],
    *,
    at: str = "",
    custom: Mapping[str, int] = _NO_CUSTOM,
    clearable: bool = False,
) -> tuple[dict[str, Any], dict[str, str | None], list[Reason]]:
    """The fields of an object, its custom fields, and every reason against them.

    `at` is the object's place in the body. `custom` holds the declared custom fields with their
    lengths; with `clearable` they may be cleared, otherwise a cleared one counts as absent.
    """
    if not isinstance(value, Mapping):
        return {}, {}, [Reason(INVALID_VALUE, f"{at or 'body'} must be an object")]
    prefix = f"{at}." if at else ""
    known = {field.name for field in fields} | set(custom)
    reasons = [
        Reason(UNKNOWN_FIELD, f"Unknown field: {prefix}{name[:100]}")
        for name in value
        if name not in known
    ]
    customs = [Field(name=name, read=text(size), clearable=True) for name, size in custom.items()]
    found = _read_each(value, fields, prefix, reasons)
    extra = _read_each(value, customs, prefix, reasons)
    if not clearable:
        extra = {name: written for name, written in extra.items() if written is not None}
    return found, extra, reasons


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
                found[field.name] = field.read(written)
            except BadValue as problem:
                reasons.append(Reason(INVALID_VALUE, f"{prefix}{field.name} {problem}"))
    return found


def text(maximum: int, *, minimum: int = 0) -> Reader:
    """Text of so many characters, counted as Unicode code points."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise BadValue("must be a string")
        if len(value) > maximum:
            raise BadValue(f"must have at most {maximum} characters")
        if len(value) < minimum:
            raise BadValue("must not be empty")
        return value

    return read


def choice(*values: str) -> Reader:
    """One of the given words, spelled exactly so."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in values:
            raise BadValue(f"must be one of {', '.join(values)}")
        return value

    return read


def calendar_date(value: object) -> str:
    """A day that exists, as YYYY-MM-DD."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            date.fromisoformat(value)
        except ValueError:
            raise BadValue("is not a day of the calendar") from None
        return value
    raise BadValue("must be a date such as 2026-01-31")


def integer(minimum: int, maximum: int) -> Reader:
    """A whole number within bounds, as a JSON number."""

    def read(value: object) -> int:
        if not isinstance(value, Decimal) or not minimum <= value <= maximum or value % 1 != 0:
            raise BadValue(f"must be a whole number from {minimum} to {maximum}")
        return int(value)

    return read


def array(maximum: int, *, minimum: int = 0) -> Reader:
    """A list of so many things; what they are is read by whoever uses it."""

    def read(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise BadValue("must be an array")
        if not minimum <= len(value) <= maximum:
            raise BadValue(f"must have {minimum} to {maximum} elements")
        return value

    return read
