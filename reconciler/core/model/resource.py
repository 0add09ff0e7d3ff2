"""Declarations, live entries, and the values in them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast, get_type_hints

from msgspec import convert

from reconciler.values import dataclass

Value: TypeAlias = str | bool | Decimal | tuple["Value", ...] | Mapping[str, "Value"] | None
"""A value in a document: text, exact number, boolean, null, list as tuple, or mapping."""

Path: TypeAlias = tuple[str | int, ...]
"""The path of a value in a document: keys and zero-based list positions."""

EMPTY: Mapping[str, Value] = {}


class Address(NamedTuple):
    """The identity of a declaration: kind and name, never a path or a number.

    A tuple is compared and looked up faster than a dataclass, and a plan does little else.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where a document starts: a relative path in the workspace and a line from 1."""

    path: str
    line: int = 1
    index: int = 0
    """The zero-based position of the document in its file."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A file accepts that a number has a status: exactly that state is no difference."""

    number: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseOn:
    """When an entry is reversed: at the start of the next period unless `period` names one.

    Without `date` it is the first day of the period.
    """

    period: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFrom:
    """Where a declaration came from: a sheet of a file, its key there, and the mapping."""

    file: str
    sheet: str
    key: str
    mapping: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A declaration in a file. `spec` has the field names of the API; amounts are Decimal."""

    address: Address
    spec: Mapping[str, Value]
    source: Source
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    protect: bool = False
    adopts: str | None = None
    """The number of the existing entry to adopt; the declaration is never created."""
    made_by: str | None = None
    """The journal run of the adopted entry: only its basic information is managed."""
    previous_name: str | None = None
    """The previous name of the declaration, which keeps its entry."""
    acknowledges: tuple[Acknowledgement, ...] = ()
    imported_from: ImportedFrom | None = None
    reverses: str | None = None
    """The entry that this one reverses: a name, or the number of an entry that no file declares."""
    reverse_on: ReverseOn | None = None
    generated_by: Address | None = None
    """The document that the entry was computed from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportingDocument:
    """A document of a kind that verbs read and that is never posted, such as a mapping."""

    address: Address
    value: Mapping[str, Value]
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """An entry or a run as read from the ledger, including server-filled fields.

    `members` are the entries of a journal run, ordered by number.
    """

    number: str
    status: str
    fields: Mapping[str, Value]
    members: tuple["Live", ...] = ()


class LateFields(Mapping[str, Value]):
    """Fields that are made when they are asked for: of a plan, most never are."""

    # No dataclass: the JSON writer would write its attributes in place of the fields.
    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: Mapping[str, Value] | None = None

    @property
    def fields(self) -> Mapping[str, Value]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def header(self, *names: str) -> tuple[Value, ...]:
        """Some fields of the header, None for what is absent; lines are not made for them."""
        if self._made is None:
            return self._some(names)
        return tuple(map(self._made.get, names))

    def _make(self) -> Mapping[str, Value]:
        raise NotImplementedError

    def _some(self, names: tuple[str, ...]) -> tuple[Value, ...]:
        raise NotImplementedError

    def __getitem__(self, name: str) -> Value:
        return self.fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self.fields)!r})"


def header_of(fields: Mapping[str, Value], *names: str) -> tuple[Value, ...]:
    """Some fields of the header, None for what is absent, without making any others."""
    if isinstance(fields, LateFields):
        return fields.header(*names)
    return tuple(map(fields.get, names))


def mapping_of(value: Value | None) -> Mapping[str, Value]:
    """The value as a mapping; empty if it is absent or of another type."""
    return value if isinstance(value, Mapping) else EMPTY


_ROWS = frozenset({dict, MappingProxyType})


def rows_of(value: Value | None) -> tuple[Mapping[str, Value], ...]:
    """The value as a list of mappings; empty if it is absent."""
    if not isinstance(value, tuple):
        return ()
    if _ROWS.issuperset(map(type, value)):
        # The usual case, on a hot path: no copy, no abstract type check.
        return cast("tuple[Mapping[str, Value], ...]", value)
    return tuple(item for item in value if isinstance(item, Mapping))


def text_of(value: Value | None) -> str | None:
    """The value as text; None if it is absent."""
    return None if value is None else str(value)


def whole_of(value: Value | None) -> int | None:
    """The value as a whole number; None if it is absent or of another type."""
    return int(value) if isinstance(value, Decimal) else None


def texts_of(value: Value | None) -> tuple[str, ...]:
    """The value as a list of texts; empty if it is absent."""
    return tuple(str(item) for item in value) if isinstance(value, tuple) else ()


_Made = TypeVar("_Made")


def made_of(kind: Callable[..., _Made], row: Mapping[str, Value], **named: Any) -> _Made:
    """A dataclass from a part of a document that fits its schema, whose names are in camel case.

    `named` are the fields that are not there under their own name. Absent ones have their default.
    """
    found = {
        field: convert(int(value) if whole and isinstance(value, Decimal) else value, hint)
        for field, (key, hint, whole) in _places(kind).items()
        if field not in named and (value := row.get(key)) is not None
    }
    return kind(**found, **named)


def all_made_of(kind: Callable[..., _Made], rows: Value) -> tuple[_Made, ...]:
    """A dataclass from each part of a list; none if the list is absent."""
    return tuple(made_of(kind, row) for row in rows_of(rows))


@cache
def _places(kind: Any) -> Mapping[str, tuple[str, Any, bool]]:
    """By field: its name in documents, its type, and whether it is a whole number."""
    found = {}
    for name, hint in get_type_hints(kind).items():
        first, *rest = name.split("_")
        found[name] = "".join((first, *map(str.title, rest))), hint, hint in (int, int | None)
    return found


Line: TypeAlias = Mapping[str, Value]


Key: TypeAlias = tuple[Value, ...]
