"""Reads JSON strictly: exact numbers, no duplicate key, bounded depth and digits."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NoReturn

from reconciler.core.model.resource import Value

DEPTH = 32
"""Responses nest three levels. The limit is far below that of the interpreter."""

DIGITS = 64
"""Longest number, in characters: more than the 18 digits that the ledger can hold."""

MAGNITUDE = 40
"""Largest power of ten, positive or negative, so that plain digits stay short."""

_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class Unreadable(ValueError):
    """A body cannot be read. The text says why, without quoting the body."""


def read_object(body: bytes) -> Mapping[str, Value]:
    """The JSON object in a body: numbers as plain Decimal, lists as tuples, read-only mappings.

    Raises Unreadable for anything else: invalid UTF-8 or JSON, a duplicate key, NaN or Infinity,
    a number or a depth out of bounds, half a surrogate pair, a value that is no object.
    """
    document = read_value(body)
    if not isinstance(document, Mapping):
        raise Unreadable("the body is not a JSON object")
    return document


def read_value(body: bytes) -> Value:
    """The JSON value in a body, read as strictly as an object."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("the body is not UTF-8") from None
    if _too_deep(text):
        raise Unreadable(f"the body has more than {DEPTH} levels")
    try:
        return _frozen(
            json.loads(
                text,
                object_pairs_hook=_mapping,
                parse_int=_number,
                parse_float=_number,
                parse_constant=_refuse_constant,
            )
        )
    except json.JSONDecodeError as error:
        raise Unreadable(f"the body is not complete JSON ({error.msg})") from None


def _too_deep(text: str) -> bool:
    depth = 0
    for token in _STRUCTURE.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            if depth > DEPTH:
                return True
        elif first in "]}":
            depth -= 1
    return False


def _mapping(pairs: list[tuple[str, Any]]) -> Mapping[str, Value]:
    members: dict[str, Value] = {}
    for key, value in pairs:
        name = _text(key)
        if name in members:
            raise Unreadable("the body has a duplicate key")
        members[name] = _frozen(value)
    return MappingProxyType(members)


def _frozen(value: Any) -> Value:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value  # type: ignore[no-any-return]


def _text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Unreadable("the body has half a surrogate pair") from None
    return value


def _number(text: str) -> Decimal:
    if len(text) > DIGITS:
        raise Unreadable(f"the body has a number of more than {DIGITS} characters")
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise Unreadable("the body has a number out of bounds") from None
    if not number.is_finite() or abs(number.adjusted()) > MAGNITUDE:
        raise Unreadable("the body has a number out of bounds")
    # 1E+3 and 1000 are the same amount.
    return Decimal(format(number, "f"))


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable(f"the body has {name} in place of a number")
