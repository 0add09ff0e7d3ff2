"""Fields of a resource: one table to read, store, answer and describe them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .fields import Field, FieldType, Schema, nullable, text


@dataclass(frozen=True, slots=True)
class ResourceField:
    """A field: its name in the API, its column, and whether a create request has it.

    `default` is stored if a request omits the field. `answered` converts the stored value for an
    answer; None means that no answer has the field. `nullable` is about answers.
    """

    name: str
    column: str
    type: FieldType
    sent: Literal["never", "optional", "required"] = "never"
    default: Any = None
    nullable: bool = False
    answered: Callable[[Any], Any] | None = lambda value: value


def required(name: str, column: str, type_: FieldType, *, nullable: bool = False) -> ResourceField:
    """A field that a create request must have."""
    return ResourceField(name, column, type_, "required", nullable=nullable)


def optional(name: str, column: str, type_: FieldType) -> ResourceField:
    """A field that a create request may have; null in answers without it."""
    return ResourceField(name, column, type_, "optional", nullable=True)


def create_fields(table: Iterable[ResourceField]) -> tuple[Field, ...]:
    return tuple(
        Field(name=field.name, type=field.type, required=field.sent == "required")
        for field in table
        if field.sent != "never"
    )


def columns_of(table: Iterable[ResourceField], found: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a new resource, from a request. Empty text is stored as null."""
    return {
        field.column: None if found.get(field.name) == "" else found.get(field.name, field.default)
        for field in table
        if field.sent != "never"
    }


def answer_of(
    table: Iterable[ResourceField], row: Mapping[Any, Any], custom: Iterable[str] = ()
) -> dict[str, object]:
    """The answer for a stored resource, with all declared custom fields."""
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
"""A UTC time in an answer."""
CHANGES = (
    ResourceField("createdBy", "created_by", text()),
    ResourceField("createdOn", "created_on", DATE_TIME),
    ResourceField("updatedBy", "updated_by", text()),
    ResourceField("updatedOn", "updated_on", DATE_TIME),
)
"""Who created and last changed a resource, and when."""
