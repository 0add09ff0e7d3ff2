"""Reads a JSON object the way money wants it: exact numbers, no key twice, nothing unbounded."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NoReturn

from reconciler.core.model.resource import Value

DEPTH = 32
"""Answers nest three levels; far below the interpreter's own limit, so that one is never met."""

DIGITS = 64
"""Longest number accepted, in characters: beyond the 18 digits the ledger can hold."""

MAGNITUDE = 40
"""Largest power of ten a number may reach either way, so that plain digits stay short."""

_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class Unreadable(ValueError):
    """A body is not what was promised. The text says why, without quoting the body."""


def read_object(body: bytes) -> Mapping[str, Value]:
    """The JSON object a body holds: numbers as plain Decimal, lists as tuples, read-only mappings.

    Raises Unreadable for anything else: broken UTF-8 or JSON, a key twice, NaN or Infinity, a
    number or a nesting out of bounds, text that no encoding can carry, another value than an
    object.
    """
    document = read_value(body)
    if not isinstance(document, Mapping):
        raise Unreadable("the body is not a JSON object")
    return document


def read_value(body: bytes) -> Value:
    """The JSON value a body holds, read as strictly as an object."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("the body is not UTF-8") from None
    if _too_deep(text):
        raise Unreadable(f"the body nests deeper than {DEPTH} levels")
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
            raise Unreadable("the body has a key twice")
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
    # An exponent is a spelling of the wire: 1E+3 and 1000 are one amount from here on.
    return Decimal(format(number, "f"))


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable(f"the body has {name} where a number belongs")
