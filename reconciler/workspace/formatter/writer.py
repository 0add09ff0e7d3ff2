"""Writes declarations as text that `fmt` would leave as it is."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TypeAlias

from reconciler.core.model.money import plain
from reconciler.core.model.resource import Declared, ReverseOn, Value
from reconciler.core.model.schedule import NEXT_PERIOD
from reconciler.core.model.tenant import Tenant
from reconciler.workspace.formatter.formatter import format_text
from reconciler.workspace.formatter.scalars import is_date
from reconciler.workspace.json_schema import API_VERSION

Document: TypeAlias = tuple[str, Mapping[str, Value], Mapping[str, Value]]
"""The kind, the metadata and the spec of a declaration."""


def declarations_text(documents: Iterable[Document], tenant: Tenant) -> str:
    """The text of a file of declarations, in canonical form."""
    texts = (
        f"apiVersion: {API_VERSION}\nkind: {kind}\n"
        f"metadata: {_flow(metadata)}\nspec: {_flow(spec)}\n"
        for kind, metadata, spec in documents
    )
    return format_text(
        "---\n".join(texts),
        minor_units=tenant.minor_units,
        home_currency=tenant.home_currency or "",
    )


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
