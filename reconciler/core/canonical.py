"""One form for a document, so that equal contents compare equal and hash to the same digest."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal

from reconciler.core.kinds.kind import Kind
from reconciler.core.money import plain
from reconciler.core.values import Live, Value, rows_of


def header(kind: Kind, fields: Mapping[str, Value]) -> dict[str, Value]:
    """The fields of an entry without its lines, in comparable form.

    Null, empty text and the server's default equal absence; segments compare by name, since no
    document says that their order survives a read (API facts 10, item 8).
    """
    return {
        name: _comparable(value)
        for name, value in fields.items()
        if name != kind.lines and not is_absent(kind, name, value)
    }


def is_absent(kind: Kind, name: str, value: Value) -> bool:
    """Whether a field's value means the same as leaving it out."""
    return value is None or value in ("", ()) or kind.defaults.get(name) == value


def _comparable(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(sorted(value, key=canonical_json))
    # A custom field may come back as text though it was sent as a number, or the other way round.
    return plain(value) if isinstance(value, Decimal) else value


def lines(kind: Kind, fields: Mapping[str, Value]) -> tuple[Mapping[str, Value], ...]:
    """The lines of an entry in their order."""
    return rows_of(fields.get(kind.lines))


def declarable(kind: Kind, fields: Mapping[str, Value]) -> dict[str, Value]:
    """A live entry as a declaration would state it: without what only the server writes."""
    kept: dict[str, Value] = {
        name: value
        for name, value in fields.items()
        if name not in kind.filled and value not in (None, "", ())
    }
    if kind.lines in kept:
        kept[kind.lines] = tuple(
            {
                name: value
                for name, value in line.items()
                if name not in kind.filled and value not in (None, "")
            }
            for line in lines(kind, fields)
        )
    return kept


def fingerprint(live: Live) -> str:
    """The digest of everything a read showed, so that any later move is seen (I-31)."""
    fields = {
        name: _comparable(value) if isinstance(value, tuple) else value
        for name, value in live.fields.items()
    }
    return digest(canonical_json({"number": live.number, "status": live.status, "is": fields}))


def canonical_json(value: Value) -> str:
    """The one JSON text of a value: keys sorted, decimals as text in their plain spelling."""
    return json.dumps(jsonable(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def jsonable(value: Value) -> object:
    """A value as the standard library's JSON writer takes it; decimals become plain text."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return {name: jsonable(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [jsonable(item) for item in value]
    return value


def digest(text: str) -> str:
    """`sha256:` and the hexadecimal digest of a text."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
