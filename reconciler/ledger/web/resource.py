"""Fields of a resource of the API: one table to read, store, answer and describe them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from .fields import Field, FieldType, Schema, nullable, text


class Sent(Enum):
    """Whether the request that creates a resource carries a field."""

    NEVER = auto()
    OPTIONAL = auto()
    REQUIRED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceField:
    """A field by its name in the API, and the column that holds it.

    `default` is stored where a request leaves the field out. `answered` turns the stored value into
    the one that is answered; None means that no answer has the field. `nullable` is for answers.
    """

    name: str
    column: str
    type: FieldType
    sent: Sent = Sent.NEVER
    default: Any = None
    nullable: bool = False
    answered: Callable[[Any], Any] | None = lambda value: value


def required(name: str, column: str, type_: FieldType, *, nullable: bool = False) -> ResourceField:
    """A field that the request to create a resource must carry."""
    return ResourceField(
        name=name, column=column, type=type_, sent=Sent.REQUIRED, nullable=nullable
    )


def optional(name: str, column: str, type_: FieldType) -> ResourceField:
    """A field that the request to create a resource may carry; null in answers without it."""
    return ResourceField(name=name, column=column, type=type_, sent=Sent.OPTIONAL, nullable=True)


def create_fields(table: Iterable[ResourceField]) -> tuple[Field, ...]:
    """The fields of the request that creates a resource."""
    return tuple(
        Field(name=field.name, type=field.type, required=field.sent is Sent.REQUIRED)
        for field in table
        if field.sent is not Sent.NEVER
    )


def columns_of(table: Iterable[ResourceField], found: Mapping[str, Any]) -> dict[str, Any]:
    """By column, what a request says of a new resource. Empty text is stored as null."""
    return {
        field.column: None if found.get(field.name) == "" else found.get(field.name, field.default)
        for field in table
        if field.sent is not Sent.NEVER
    }


def answer_of(
    table: Iterable[ResourceField], row: Mapping[Any, Any], custom: Iterable[str] = ()
) -> dict[str, object]:
    """The fields of a stored resource, with the custom ones that are declared, null or not."""
    answer: dict[str, object] = {
        field.name: field.answered(row[field.column])
        for field in table
        if field.answered is not None
    }
    return answer | {name: row["custom_fields"].get(name) for name in custom}


def described(table: Iterable[ResourceField]) -> dict[str, Schema]:
    """The schemas of what `answer_of` answers, without custom fields."""
    found = {}
    for field in table:
        if field.answered is not None:
            schema = field.type.answer or field.type.schema
            found[field.name] = nullable(schema) if field.nullable else schema
    return found


DATE_TIME = FieldType(
    read=lambda value: value,
    schema={
        "type": "string",
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$",
    },
)
"""A moment in UTC, as answers have it."""
CHANGES = (
    ResourceField(name="createdBy", column="created_by", type=text()),
    ResourceField(name="createdOn", column="created_on", type=DATE_TIME),
    ResourceField(name="updatedBy", column="updated_by", type=text()),
    ResourceField(name="updatedOn", column="updated_on", type=DATE_TIME),
)
"""Who made a resource and changed it last, and when."""
