"""Column types with the same values on every database."""

import json
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Dialect, Numeric, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

_POSTGRESQL = "postgresql"


class _Plain(UserDefinedType[str]):
    """Text of PostgreSQL, ordered by code points in every locale.

    It has no length: the rules of the API check lengths, with better messages. The library's own
    type would add the collation to every value, which some expressions do not accept.
    """

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return 'TEXT COLLATE "C"'


_PLAIN = _Plain()


def text_type(length: int | None = None) -> TypeEngine[str]:
    """Text, ordered by code points. `length` is information for readers."""
    plain = Text() if length is None else String(length)
    return plain.with_variant(_PLAIN, _POSTGRESQL)


class DateText(String):
    """A day, like `2026-01-31`."""


class TimestampText(String):
    """A moment in UTC, like `2026-01-31 22:05:12`."""


DATE_TEXT = DateText(10).with_variant(_PLAIN, _POSTGRESQL)
TIMESTAMP_TEXT = TimestampText(19).with_variant(_PLAIN, _POSTGRESQL)


class Amount(TypeDecorator[Decimal]):
    """An exact decimal. SQLite stores text, because its NUMERIC would round."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Numeric() if dialect.name == _POSTGRESQL else Text())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == _POSTGRESQL:
            return value
        return format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Json(TypeDecorator[Any]):
    """A small document, stored as canonical JSON text."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(_PLAIN if dialect.name == _POSTGRESQL else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value == "{}":  # the custom fields of nearly every row
            return {}
        return None if value is None else _parsed(value)


def _parsed(text: str) -> Any:
    """The value of a stored document. Half a surrogate pair is read by the slow parser alone."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return json.loads(text)
