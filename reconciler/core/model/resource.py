"""The values that flow from files and ledger to a plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias, cast

Value: TypeAlias = str | bool | Decimal | tuple["Value", ...] | Mapping[str, "Value"] | None
"""What a document holds: text, exact numbers, booleans, null, lists as tuples, mappings."""

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands inside a document: keys and zero-based list positions."""

EMPTY: Mapping[str, Value] = MappingProxyType({})


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """The identity of a declaration: its kind and name, never a path or a number."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """The place in the workspace a document starts at: a relative path and a line from 1."""

    path: str
    line: int = 1
    index: int = 0
    """The zero-based position of the document in its file."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a file asks for. `spec` has the API's own field names; amounts are Decimal."""

    address: Address
    spec: Mapping[str, Value]
    source: Source
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    protect: bool = False
    adopts: str | None = None
    """The number under which it stands in the ledger already, so that it is never created."""
    made_by: str | None = None
    """The journal run that made the adopted entry: only its basic information is managed."""
    previous_name: str | None = None
    """The name it had before, whose entry becomes its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the ledger holds under a number, as read: server-filled fields included.

    `members` are the entries that a journal run made, in the order of their numbers.
    """

    number: str
    status: str
    fields: Mapping[str, Value]
    members: tuple["Live", ...] = ()


def mapping_of(value: Value | None) -> Mapping[str, Value]:
    """The value as a mapping; empty when it is absent or of another sort."""
    return value if isinstance(value, Mapping) else EMPTY


def rows_of(value: Value | None) -> tuple[Mapping[str, Value], ...]:
    """The value as a list of mappings; empty when it is absent."""
    if not isinstance(value, tuple):
        return ()
    if all(type(item) is dict for item in value):
        # Almost always so, and a list is asked for many times: no copy, no abstract type check.
        return cast("tuple[Mapping[str, Value], ...]", value)
    return tuple(item for item in value if isinstance(item, Mapping))


def text_of(value: Value | None) -> str | None:
    """The value as text; None when it is absent."""
    return None if value is None else str(value)


def texts_of(value: Value | None) -> tuple[str, ...]:
    """The value as a list of texts; empty when it is absent."""
    return tuple(str(item) for item in value) if isinstance(value, tuple) else ()


Line: TypeAlias = Mapping[str, Value]


Key: TypeAlias = tuple[Value, ...]
