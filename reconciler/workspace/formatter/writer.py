"""Writes declarations as text that `fmt` would leave as it is."""

import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TypeAlias

from reconciler.core.model.money import plain
from reconciler.core.model.resource import Value
from reconciler.workspace.formatter.formatter import format_text
from reconciler.workspace.json_schema import API_VERSION

Document: TypeAlias = tuple[str, Mapping[str, Value], Mapping[str, Value]]
"""The kind, the metadata and the spec of a declaration."""


def declarations_text(
    documents: Iterable[Document],
    *,
    minor_units: Callable[[str], int | None],
    home_currency: str = "",
) -> str:
    """The text of a file of declarations, in canonical form."""
    texts = (
        f"apiVersion: {API_VERSION}\nkind: {kind}\n"
        f"metadata: {_flow(metadata)}\nspec: {_flow(spec)}\n"
        for kind, metadata, spec in documents
    )
    return format_text("---\n".join(texts), minor_units=minor_units, home_currency=home_currency)


def _flow(value: Value) -> str:
    """A value between braces and brackets; JSON is YAML, and quotes keep text from being more."""
    if isinstance(value, Mapping):
        fields = (f"{json.dumps(name)}: {_flow(item)}" for name, item in value.items())
        return "{" + ", ".join(fields) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return plain(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
