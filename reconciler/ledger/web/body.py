"""Request bodies: limited in size and depth, read to exact values."""

import json
import zlib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import falcon

from .errors import INVALID_VALUE, MALFORMED, NOT_SUPPORTED, UNKNOWN_FIELD, Refusal, refusal

MAX_BYTES = 1024 * 1024
"""The largest body in bytes, also after decompression."""
MAX_DEPTH = 16
MAX_NUMBER = 64
"""The longest number in characters."""

_GZIP = 16 + zlib.MAX_WBITS


class _NotJson(Exception):
    """The text is not valid JSON for this ledger."""


def read_bytes(request: falcon.Request) -> bytes:
    """The decompressed body. Raises Refusal."""
    if (request.content_length or 0) > MAX_BYTES:
        raise _too_large()
    raw = request.bounded_stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise _too_large()
    encoding = (request.get_header("Content-Encoding") or "identity").strip().lower()
    if encoding == "identity" or not raw:
        return raw
    if encoding != "gzip":
        raise refusal(NOT_SUPPORTED, f"Content-Encoding {encoding!r} is not supported", status=415)
    return _inflate(raw)


def read_object(raw: bytes, content_type: str | None) -> dict[str, Any]:
    """The JSON object of a body. Numbers are Decimal. Raises Refusal."""
    media = (content_type or "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise refusal(NOT_SUPPORTED, "Content-Type must be application/json", status=415)
    value = _parse(raw)
    if not isinstance(value, dict):
        raise refusal(INVALID_VALUE, "The request body must be a JSON object")
    return value


def read_nothing(raw: bytes, content_type: str | None) -> None:
    """Refuse a body with fields, for a request that takes none."""
    if not raw.strip():
        return
    fields = read_object(raw, content_type)
    if fields:
        raise refusal(UNKNOWN_FIELD, f"Unknown field: {', '.join(sorted(fields))}")


def _too_large() -> Refusal:
    return refusal(INVALID_VALUE, f"The request body exceeds {MAX_BYTES} bytes", status=413)


def _inflate(raw: bytes) -> bytes:
    stream = zlib.decompressobj(_GZIP)
    try:
        inflated = stream.decompress(raw, MAX_BYTES + 1)
    except zlib.error:
        raise refusal(MALFORMED, "The request body is not gzip") from None
    if len(inflated) > MAX_BYTES:
        raise _too_large()
    if not stream.eof or stream.unused_data:
        raise refusal(MALFORMED, "The request body is not one complete gzip stream")
    return inflated


def _parse(raw: bytes) -> object:
    try:
        value: object = json.loads(
            raw.decode("utf-8"),
            parse_float=_number,
            parse_int=_number,
            parse_constant=_no_constant,
            object_pairs_hook=_without_duplicates,
        )
    except _NotJson as error:
        raise refusal(MALFORMED, f"Malformed JSON: {error}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise refusal(MALFORMED, f"Malformed JSON: {error.msg} at {where}") from None
    except UnicodeDecodeError:
        raise refusal(MALFORMED, "Malformed JSON: not UTF-8") from None
    except RecursionError:
        raise refusal(MALFORMED, f"Malformed JSON: nested deeper than {MAX_DEPTH}") from None
    check_texts(value)
    return value


def check_texts(value: object) -> None:
    """Refuse a value that is nested too deeply, or text that no database stores unchanged."""
    waiting: list[tuple[object, int]] = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise refusal(MALFORMED, f"Malformed JSON: nested deeper than {MAX_DEPTH}")
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, Mapping):
            waiting.extend((child, depth + 1) for child in (*item, *item.values()))
        elif isinstance(item, list):
            waiting.extend((child, depth + 1) for child in item)


def _number(text: str) -> Decimal:
    if len(text) > MAX_NUMBER:
        raise _NotJson(f"a number has more than {MAX_NUMBER} characters")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _NotJson("a number is out of range") from None


def _no_constant(text: str) -> object:
    raise _NotJson(f"{text} is not a JSON number")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotJson("a key appears twice in one object")
    return found


def _check_text(text: str) -> None:
    if text.isprintable():
        return
    for character in text:
        number = ord(character)
        if (number < 0x20 and character not in "\n\t") or 0x7F <= number < 0xA0:
            raise refusal(INVALID_VALUE, f"Control character U+{number:04X} is not allowed")
        if 0xD800 <= number < 0xE000:
            raise refusal(MALFORMED, "Malformed JSON: an unpaired surrogate")
