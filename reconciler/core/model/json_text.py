"""JSON text read strictly: exact numbers, no duplicate key, bounded depth and digits."""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from sys import intern
from types import MappingProxyType
from typing import Any, NoReturn

import msgspec

from reconciler.core.model.resource import Value

DEPTH = 32
"""Documents nest a few levels. The limit is far below that of the interpreter."""

DIGITS = 64
"""Longest number, in characters: more than the 18 digits that the ledger can hold."""

MAGNITUDE = 40
"""Largest power of ten, positive or negative, so that plain digits stay short."""

_SMALL = 18
"""The digits of whole numbers that every JSON writer can hold."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
"""Without one in the text, no value has half a surrogate pair."""

_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class Unreadable(ValueError):
    """A text cannot be read. The message says why, without quoting it; `key` is a repeated key."""

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.key = key


def read_json(
    text: str,
    *,
    what: str = "the document",
    whole: Callable[[Decimal], Any] | None = None,
    seal: Callable[[dict[str, Any]], Any] = dict,
) -> Any:
    """The value of a JSON text. Fractions are Decimal; mappings are what `seal` makes of them.

    Whole numbers are int if they are short, or what `whole` makes of them. Raises Unreadable for
    incomplete JSON, a duplicate key, NaN or Infinity, a number or a depth out of bounds, and half
    a surrogate pair. `what` is the subject of the message.
    """

    def number(written: str) -> Decimal:
        return exact_number(written, what)

    def short(written: str) -> Any:
        if whole is not None:
            return whole(number(written))
        return number(written) if len(written) > _SMALL else int(written)

    def mapping(pairs: list[tuple[str, Any]]) -> Any:
        members = dict(pairs)
        if len(members) != len(pairs):
            names = [name for name, _ in pairs]
            key = next(name for name in names if names.count(name) > 1)
            raise Unreadable(f"{what} has a duplicate key", key=key)
        if has_surrogates:
            _require_text(pairs, what)
        return seal(members)

    def constant(name: str) -> NoReturn:
        raise Unreadable(f"{what} has {name} in place of a number")

    has_surrogates = _SURROGATE.search(text) is not None
    if text.count("[") + text.count("{") > DEPTH and _too_deep(text):
        raise Unreadable(f"{what} has more than {DEPTH} levels")
    try:
        value = json.loads(
            text,
            object_pairs_hook=mapping,
            parse_int=short,
            parse_float=number,
            parse_constant=constant,
        )
    except json.JSONDecodeError as error:
        raise Unreadable(f"{what} is not complete JSON ({error.msg})") from None
    if has_surrogates:
        _require_text(value, what)
    return value


def read_object(body: bytes) -> Mapping[str, Value]:
    """The JSON object in a body: numbers as plain Decimal, lists as tuples, read-only mappings.

    Raises Unreadable for anything else, such as what `read_json` refuses.
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
    return _frozen(read_json(text, what="the body", whole=lambda number: number, seal=_frozen))


def _frozen(value: Any) -> Value:
    """The value, which cannot be changed. Texts recur in each entry, and are held once."""
    if type(value) is str:
        return intern(value)
    if type(value) is list:
        return tuple(map(_frozen, value))
    if type(value) is dict:
        return MappingProxyType({intern(name): _frozen(item) for name, item in value.items()})
    return value  # type: ignore[no-any-return]


Texts = tuple[str | None, ...]


def plain_texts(lines: bytes, names: tuple[str, ...]) -> tuple[Texts, ...] | None:
    """The values of these names in each line: an object that has them alone, and texts alone.

    None for anything else, which only `read_json` reads or refuses.
    """
    # The quick decoder lets a key twice pass. Without an escape, each name stands once a line.
    if b"\\" in lines:
        return None
    try:
        found = _reader_of_texts(names).decode_lines(lines)
    except msgspec.MsgspecError:
        return None
    if any(lines.count(b'"%b"' % name.encode()) != len(found) for name in names):
        return None
    return tuple(map(msgspec.structs.astuple, found))


@cache
def _reader_of_texts(names: tuple[str, ...]) -> Any:
    fields = [(name, str | None) for name in names]
    return msgspec.json.Decoder(msgspec.defstruct("Texts", fields, forbid_unknown_fields=True))


def _tuples(mapping: dict[str, Any]) -> dict[str, Any]:
    for name, value in mapping.items():
        if type(value) is list:
            mapping[name] = _tuple(value)
    return mapping


def _tuple(values: list[Any]) -> tuple[Any, ...]:
    return tuple(_tuple(value) if type(value) is list else value for value in values)


own_json = json.JSONDecoder(object_hook=_tuples, parse_float=Decimal, parse_int=Decimal)
"""Decodes an object that this tool wrote itself. Lists are tuples, numbers Decimal."""


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


def _require_text(value: Any, what: str) -> None:
    """Refuse half a surrogate pair, in lists too. Mappings are checked when they are read."""
    if isinstance(value, str):
        if not value.isascii():
            try:
                value.encode("utf-8")
            except UnicodeEncodeError:
                raise Unreadable(f"{what} has half a surrogate pair") from None
    elif isinstance(value, list | tuple):
        for item in value:
            _require_text(item, what)


def exact_number(text: str, what: str) -> Decimal:
    """The number of a JSON literal in plain digits. Raises Unreadable for one out of bounds."""
    if len(text) < MAGNITUDE and "e" not in text and "E" not in text:
        return Decimal(text)
    if len(text) > DIGITS:
        raise Unreadable(f"{what} has a number of more than {DIGITS} characters")
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise Unreadable(f"{what} has a number out of bounds") from None
    if not number.is_finite() or abs(number.adjusted()) > MAGNITUDE:
        raise Unreadable(f"{what} has a number out of bounds")
    # 1E+3 and 1000 are the same amount.
    return Decimal(format(number, "f"))
