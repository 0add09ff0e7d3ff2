"""The request bodies of an entry: exact, and the same bytes for the same content."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from reconciler.core.compare import Comparison
from reconciler.core.kinds.kind import Kind
from reconciler.core.marker import IN_NOTES, with_marker
from reconciler.core.money import plain
from reconciler.core.values import Value, rows_of

# Sorted keys: a retry must repeat its bytes (I-05), and the digest of a body is part of its key.
_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")


def completed(
    kind: Kind, spec: Mapping[str, Value], home_currency: str | None
) -> Mapping[str, Value]:
    """A declaration with the home amounts that need no statement because both currencies are one.

    The ledger requires homeCurrencyAmount on every line once a home currency is set (API facts
    3.3); in the home currency it is the amount itself.
    """
    if home_currency is None or spec.get("currency") != home_currency:
        return spec
    rows = tuple(
        line if "homeCurrencyAmount" in line else {**line, "homeCurrencyAmount": line["amount"]}
        for line in rows_of(spec.get(kind.lines))
    )
    return {**spec, kind.lines: rows}


def create_body(
    kind: Kind,
    spec: Mapping[str, Value],
    *,
    home_currency: str | None,
    marker_place: str,
    marker: str,
) -> bytes:
    """The body that creates an entry. Amounts travel as text, digit for digit."""
    fields = with_marker(completed(kind, spec, home_currency), marker_place, marker)
    return encode({name: value for name, value in fields.items() if value is not None})


def update_body(
    kind: Kind,
    comparison: Comparison,
    *,
    after: Mapping[str, Value],
    marker_place: str,
    marker: str,
) -> bytes:
    """The body that changes basic information: only what changes; null clears a field."""
    body: dict[str, Value] = {change.name: change.after for change in comparison.fields}
    if marker_place == IN_NOTES and "notes" in body:
        body = {**body, **with_marker({"notes": after.get("notes")}, marker_place, marker)}
    if comparison.line_updates:
        names = (*kind.line_address, kind.line_address_type)
        body[kind.lines] = tuple(
            {**{name: update.line[name] for name in names if name in update.line}, **update.fields}
            for update in comparison.line_updates
        )
    return encode(body)


def encode(body: Mapping[str, Value]) -> bytes:
    """JSON bytes with sorted keys; money as text, other numbers as numbers with their digits."""
    return _encoder.encode(_wire(body))


_MONEY = frozenset({"amount", "homeCurrencyAmount"})


def _wire(value: Value, name: str = "") -> object:
    if isinstance(value, Decimal):
        # Text is exact in every JSON reader; the vendor's own client sends amounts as text.
        return plain(value) if name in _MONEY else Decimal(plain(value))
    if isinstance(value, Mapping):
        return {key: _wire(item, key) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_wire(item) for item in value]
    return value
