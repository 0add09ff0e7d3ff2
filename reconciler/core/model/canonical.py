"""The canonical form of a document: equal contents compare equal and have the same digest."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from reconciler.core.model.json_text import own_json
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import split_marker
from reconciler.core.model.money import plain
from reconciler.core.model.resource import LateFields, Live, Value, header_of, rows_of, text_of

MONEY_FIELDS = frozenset({"amount", "homeCurrencyAmount"})
"""The fields that hold money, in files and in the API (API facts 3.3)."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")
_SENT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_BOOLEAN_TEXTS = {True: "true", False: "false"}

# A mapping of another type is one that the ledger answered.
_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number", enc_hook=dict)
_in_own_order = msgspec.json.Encoder(decimal_format="number")


def header(kind: Kind, fields: Mapping[str, Value]) -> dict[str, Value]:
    """The fields of an entry without its lines, in comparable form.

    Null, empty text and the server's default equal absence. Segments are sorted, because their
    order after a read is undocumented (API facts 10, item 8).
    """
    return {
        name: _in_order(value)
        for name, value in fields.items()
        if name != kind.lines and value not in (None, "", (), kind.defaults.get(name))
    }


def equal_values(left: Value, right: Value) -> bool:
    """Whether two values of one field are equal.

    A custom field sent as a number or a boolean may be read as text, or the other way round. Such
    values are equal; otherwise every plan would show a difference.
    """
    if isinstance(left, str) and not isinstance(right, str):
        left, right = right, left
    if isinstance(right, str) and isinstance(left, bool):
        return right == _BOOLEAN_TEXTS[left]
    if isinstance(right, str) and isinstance(left, Decimal):
        return _NUMBER.fullmatch(right) is not None and Decimal(right) == left
    # True == 1 in Python, but not in the ledger.
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def value_text(value: Value) -> str:
    """The value of a custom field as text: a number or a boolean as any answer may spell it."""
    if isinstance(value, bool):
        return _BOOLEAN_TEXTS[value]
    if isinstance(value, Decimal):
        return plain(value)
    text = text_of(value) or ""
    # Leading zeros are digits of a code, and no number that was sent has them.
    return plain(Decimal(text)) if _SENT.fullmatch(text) else text


def with_lines(
    kind: Kind, fields: Mapping[str, Value], rows: Iterable[Mapping[str, Value]]
) -> dict[str, Value]:
    """The fields with these lines; unchanged for a kind without lines."""
    return {**fields, kind.lines: tuple(rows)} if kind.lines else dict(fields)


def as_declaration(kind: Kind, fields: Mapping[str, Value]) -> dict[str, Value]:
    """A live entry as a declaration would have it: without fields that only the server writes."""
    rows = (_stated(kind, line) for line in rows_of(fields.get(kind.lines)))
    return with_lines(kind, _stated(kind, fields), rows)


def _stated(kind: Kind, fields: Mapping[str, Value]) -> dict[str, Value]:
    return {
        name: value
        for name, value in fields.items()
        if name not in kind.server_filled and value not in (None, "", ())
    }


def fingerprint(live: Live | None) -> str:
    """The digest of all that a read showed, to detect a later change (I-31); empty for nothing."""
    if live is None:
        return ""
    fields = {name: _in_order(value) for name, value in live.fields.items()}
    seen: dict[str, Value] = {"number": live.number, "status": live.status, "is": fields}
    if live.members:
        seen["members"] = tuple(fingerprint(member) for member in live.members)
    return digest(canonical_json(seen))


def content_of(kind: Kind, spec: Mapping[str, Value]) -> str:
    """A text that is equal for specs with equal values, in whatever order their lines are."""
    return canonical_json({**spec, kind.lines: _in_order(spec.get(kind.lines))})


def _in_order(value: Value) -> Value:
    return tuple(sorted(value, key=canonical_json)) if isinstance(value, tuple) else value


canonical_json = json.JSONEncoder(
    default=lambda value: plain(value) if isinstance(value, Decimal) else dict(value),
    sort_keys=True,
    ensure_ascii=False,
    separators=(",", ":"),
).encode
"""The canonical JSON of a value: keys sorted, decimals as plain text."""


def exact(value: Value, name: str = "") -> object:
    """A value for `json_bytes`: money as text, other numbers as numbers.

    Text is exact in every JSON reader, and Zuora's own client sends amounts as text. A custom
    field keeps its type, so that a saved plan sends the same bytes.
    """
    if isinstance(value, Decimal):
        return plain(value) if name in MONEY_FIELDS else Decimal(plain(value))
    if isinstance(value, Mapping):
        return {key: exact(item, key) for key, item in value.items()}
    if isinstance(value, tuple):
        return [exact(item) for item in value]
    return value


json_bytes = _encoder.encode
"""JSON with sorted keys and no spaces; numbers have the digits of their Decimal."""


def readable_json(document: object) -> str:
    """JSON for a reader: indented, keys in their own order, numbers with all their digits."""
    text = msgspec.json.format(_in_own_order.encode(document), indent=2).decode()
    return f"{harmless_json(text)}\n"


UNSAFE = (
    "\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200b"
    "\u200e\u200f\u2028-\u202f\u205f-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Controls, line and paragraph separators, marks that turn or hide text, lone surrogates, and what
looks like nothing or like a space: the characters of a pattern's set."""

_HARM = re.compile(rf"#(?=#\[)|(?!\n)[{UNSAFE}]")


def harmless_json(text: str) -> str:
    """The same JSON without what controls a terminal or the runner of a job that prints it.

    Such characters are inside of texts, where an escape has the same value.
    """
    if text.isascii() and "\x7f" not in text and "##[" not in text:
        return text
    return _HARM.sub(_as_units, text)


def _as_units(found: re.Match[str]) -> str:
    raw = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{raw[at : at + 2].hex()}" for at in range(0, len(raw), 2))


def short_digest(content: object) -> str:
    """A digest of texts, amounts, lists and mappings in their order of keys.

    Amounts of equal value have different digests if they are written otherwise.
    """
    return _digest_of(_encoder.encode(content))


def _digest_of(text: bytes | msgspec.Raw) -> str:
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def digest(text: str) -> str:
    """`sha256:` and the hexadecimal digest of a text."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def spec_text(spec: Mapping[str, Value]) -> msgspec.Raw:
    """The canonical text of a spec: fields in order, amounts with all their digits.

    Equal texts are equal specs. Equal specs may have other texts, such as 400.9 and 400.90.
    """
    return msgspec.Raw(_encoder.encode(spec))


def spec_digest(spec: Mapping[str, Value]) -> str:
    """A digest of the canonical text of a spec. Raises TypeError for a value that none has."""
    return spec.digest if isinstance(spec, StoredSpec) else short_digest(spec)


_NOTHING = object()


class StoredSpec(LateFields):
    """A spec from its JSON text. It equals what a dictionary of its fields equals.

    Most are only compared with what a file declares, which decodes nothing if the texts or the
    digests are equal.
    """

    __slots__ = ("_digest", "_equal", "_text")

    def __init__(self, text: msgspec.Raw, digest: str = "") -> None:
        """`digest` is the `spec_digest` of a text that is not canonical."""
        super().__init__()
        self._text = text
        self._digest = digest
        self._equal: object = _NOTHING
        """What it was last found equal to. Specs never change, and a plan compares them often."""

    @property
    def digest(self) -> str:
        """Specs of equal digests are equal. Equal specs may have other digests."""
        if not self._digest:
            self._digest = _digest_of(self._text)
        return self._digest

    def _make(self) -> Mapping[str, Value]:
        fields: dict[str, Value] = own_json.decode(bytes(self._text).decode())
        return fields

    def _some(self, names: tuple[str, ...]) -> tuple[Value, ...]:
        if (
            len(names) == 1
            and names[0].isidentifier()
            and names[0].encode() not in bytes(self._text)
        ):
            # A name without escapes that is nowhere in the text is that of an absent field.
            return (None,)
        found: tuple[Value, ...] = msgspec.structs.astuple(_header_reader(names).decode(self._text))
        # Most fields of a header are texts, which the quick decoder reads alike.
        if len(found) == len(names) and _TEXTS.issuperset(map(type, found)):
            return found
        return tuple(map(self.fields.get, names))

    def __eq__(self, other: object) -> bool:
        if other is self._equal:
            return True
        if not isinstance(other, Mapping):
            return NotImplemented
        if isinstance(other, StoredSpec):
            same = other.digest == self.digest
        else:
            # A given digest proves nothing to a spec from a file: the text itself has to equal it.
            try:
                same = bytes(spec_text(other)) == bytes(self._text)
            except (TypeError, ValueError):
                # It has a value that no spec in a daybook has.
                same = False
        if not same and dict(self.fields) != dict(other):
            return False
        self._equal = other
        return True

    __hash__ = None  # type: ignore[assignment]


_TEXTS = frozenset({str, type(None)})


@cache
def _header_reader(names: tuple[str, ...]) -> Any:
    """Reads the fields of these names, each once, in their order; None for what is absent."""
    places = {f"at{place}": name for place, name in enumerate(dict.fromkeys(names))}
    fields = [(place, Any, None) for place in places]
    return msgspec.json.Decoder(msgspec.defstruct("Header", fields, rename=places))


class LiveDeclaration(LateFields):
    """A live entry as a declaration would have it (`as_declaration`), without its marker."""

    __slots__ = ("_kind", "_live", "_place")

    def __init__(self, kind: Kind, live: Mapping[str, Value], place: str) -> None:
        super().__init__()
        self._kind, self._live, self._place = kind, live, place

    def _make(self) -> Mapping[str, Value]:
        return as_declaration(self._kind, split_marker(self._live, self._place)[0])

    def _some(self, names: tuple[str, ...]) -> tuple[Value, ...]:
        if self._place in names:
            return tuple(map(self.fields.get, names))
        found = dict(zip(names, header_of(self._live, *names), strict=True))
        return tuple(map(_stated(self._kind, found).get, names))
