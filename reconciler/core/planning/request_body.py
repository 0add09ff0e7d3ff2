"""The request bodies of an entry: exact, and equal bytes for equal content.

A retry repeats its bytes (I-05).
"""

from collections.abc import Mapping

from reconciler.core.model.canonical import exact, json_bytes, with_lines
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import IN_NOTES, MARKER, with_marker
from reconciler.core.model.plan import Comparison
from reconciler.core.model.resource import Value, rows_of
from reconciler.core.planning.diff import PROTECT


def completed(
    kind: Kind, spec: Mapping[str, Value], home_currency: str | None
) -> Mapping[str, Value]:
    """A declaration with the home amounts that equal the amounts, if both currencies are equal.

    The ledger requires homeCurrencyAmount on every line once a home currency is set (API facts
    3.3); in the home currency it is the amount itself.
    """
    if not kind.currency or home_currency is None or spec.get(kind.currency) != home_currency:
        return spec
    rows = (
        {**line, "homeCurrencyAmount": line["amount"]}
        if line.get("homeCurrencyAmount") is None
        else line
        for line in rows_of(spec.get(kind.lines))
    )
    return with_lines(kind, spec, rows)


def create_body(
    kind: Kind,
    spec: Mapping[str, Value],
    *,
    home_currency: str | None,
    marker_place: str,
    marker: str,
) -> bytes:
    """The body that creates an entry. Amounts are exact text; null fields are omitted."""
    fields = completed(kind, spec, home_currency)
    if kind.carries_marker:
        fields = with_marker(fields, marker_place, marker)
    rows = (_stated(line) for line in rows_of(fields.get(kind.lines)))
    return json_bytes(exact(_stated(with_lines(kind, fields, rows))))


def _stated(fields: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in fields.items() if value is not None}


def update_body(  # noqa: PLR0913 - keywords: what to write, and whose it is
    kind: Kind,
    comparison: Comparison,
    *,
    after: Mapping[str, Value],
    marker_place: str,
    marker: str,
    adopts: bool = False,
) -> bytes:
    """The body that updates basic information: only changed fields; null clears a field.

    `after` is the whole declaration, or for an adoption at least the notes to keep: the marker may
    be part of the notes. An update that `adopts` an entry always writes the marker, and so does one
    of an entry that lost it.
    """
    moved = {change.name: change.after for change in comparison.fields}
    body = {name: after for name, after in moved.items() if name not in (PROTECT, MARKER)}
    if adopts or MARKER in moved or (marker_place == IN_NOTES and "notes" in body):
        notes = {"notes": after.get("notes")} if marker_place == IN_NOTES else {}
        body = {**body, **with_marker(notes, marker_place, marker)}
    if comparison.line_updates:
        names = (*kind.line_address, kind.line_address_type)
        body[kind.lines] = tuple(
            {**{name: update.line[name] for name in names if name in update.line}, **update.fields}
            for update in comparison.line_updates
        )
    return json_bytes(exact(body))
