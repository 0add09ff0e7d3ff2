"""Writes declarations as text that `fmt` would leave as it is."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TypeAlias

from reconciler.core.model.money import plain
from reconciler.core.model.resource import Declared, ReverseOn, Value
from reconciler.core.model.schedule import NEXT_PERIOD
from reconciler.core.model.tenant import Tenant
from reconciler.workspace.encoding import flaw_of_value
from reconciler.workspace.formatter.formatter import FormatRefused, format_text
from reconciler.workspace.formatter.scalars import is_date
from reconciler.workspace.json_schema import API_VERSION

Document: TypeAlias = tuple[str, Mapping[str, Value], Mapping[str, Value]]
"""The kind, the metadata and the spec of a declaration."""


def declarations_text(documents: Iterable[Document], tenant: Tenant) -> str:
    """The text of a file of declarations, in canonical form. Raises FormatRefused.

    A text of the ledger may hold what no file may.
    """
    documents = tuple(documents)
    for _, metadata, spec in documents:
        if flaw := flaw_of_text(spec):
            raise FormatRefused(f"{metadata['name']} cannot be declared: {flaw}", remedy=LIVE_TEXT)
    texts = (
        f"apiVersion: {API_VERSION}\nkind: {kind}\n"
        f"metadata: {_flow(metadata)}\nspec: {_flow(spec)}\n"
        for kind, metadata, spec in documents
    )
    return format_text("---\n".join(texts), tenant)


LIVE_TEXT = "Correct this text in the ledger, then run the command again."


def flaw_of_text(value: Value, field: str = "") -> str:
    """The first text that no file may hold, with its field and the reason; empty without one."""
    if isinstance(value, str):
        flaw = flaw_of_value(value)
        return f"{field}: {flaw[1]}" if flaw else ""
    items: Iterable[tuple[str, Value]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, tuple):
        items = ((field, item) for item in value)
    return next(filter(None, (flaw_of_text(item, name) for name, item in items)), "")


def metadata_of(declared: Declared) -> dict[str, Value]:
    """The metadata of a declaration as its file states it."""
    fields: dict[str, Value] = {
        "name": declared.address.name,
        "labels": declared.labels,
        "protect": declared.protect,
        "adopts": declared.adopts,
        "journalRun": declared.made_by,
        "previousName": declared.previous_name,
        "reverses": declared.reverses,
        "reverseOn": _reversal(declared.reverse_on),
        "generatedBy": str(declared.generated_by) if declared.generated_by else None,
        "acknowledges": tuple(
            {"number": item.number, "status": item.status, "reason": item.reason}
            for item in declared.acknowledges
        ),
    }
    return {name: value for name, value in fields.items() if value}


def _reversal(on: ReverseOn | None) -> Value:
    if on is None or not on.period:
        return NEXT_PERIOD if on else None
    return {"period": on.period, "date": on.date} if on.date else {"period": on.period}


def _flow(value: Value, field: str = "") -> str:
    """A value between braces and brackets; JSON is YAML, and quotes keep text from being more.

    A field of a date is plain, as dates are all over the format.
    """
    if isinstance(value, Mapping):
        fields = (f"{json.dumps(name)}: {_flow(item, name)}" for name, item in value.items())
        return "{" + ", ".join(fields) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str) and field.endswith("Date") and is_date(value):
        return value
    return plain(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
