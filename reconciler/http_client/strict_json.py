"""Reads the JSON of a response: every number is a Decimal, and no value can be changed."""

from collections.abc import Mapping
from sys import intern
from types import MappingProxyType
from typing import Any

from reconciler.core.model.json_text import Unreadable, read_json
from reconciler.core.model.resource import Value


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
