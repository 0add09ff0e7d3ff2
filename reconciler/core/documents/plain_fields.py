"""Values of plain fields as JSON objects, and back: the names and types are those of the fields."""

from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from decimal import Decimal
from typing import Any, ClassVar, Protocol, TypeVar, cast

from msgspec import convert

from reconciler.core.documents.plan_schema import Document
from reconciler.core.model.canonical import MONEY_FIELDS
from reconciler.core.model.money import plain
from reconciler.core.model.resource import Value


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


_Read = TypeVar("_Read", bound=_Dataclass)


def written_fields(value: _Dataclass, **renamed: str) -> Document:
    """A value of plain fields as JSON, under the same names except those `renamed`."""
    return {
        renamed.get(field.name, field.name): _json(getattr(value, field.name))
        for field in fields(value)
    }


def _json(value: object) -> object:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return {name: _json(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return written_fields(value)
    return value


def read_fields(kind: type[_Read], row: Document, **named: object) -> _Read:
    """A value of plain fields from JSON: each must be present and have its type."""
    row = {**row, **named}
    return convert({field.name: row[field.name] for field in fields(kind)}, kind)


def read_values(row: Document) -> Mapping[str, Value]:
    """The fields of an entry from JSON."""
    return {name: read_value(value, name) for name, value in row.items()}


def read_value(value: Any, name: str = "") -> Value:
    """A JSON value as a Value; amounts become Decimal."""
    if name in MONEY_FIELDS and value is not None:
        return Decimal(value)
    if isinstance(value, dict):
        return read_values(value)
    if isinstance(value, list):
        return tuple(read_value(item) for item in value)
    return Decimal(value) if type(value) is int else cast("Value", value)
