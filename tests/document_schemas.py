"""Holds what the tool writes to the schemas it ships: strictly, so that no key goes undescribed."""

import json
from functools import cache
from typing import Any

import jsonschema_rs

from reconciler.workspace import schema_text


def closed(schema: Any) -> Any:
    """A schema that refuses every key it does not describe.

    What is shipped is open, because a minor version of a format adds keys.
    """
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(item) for name, item in schema.items()}
    if inner.get("type") == "object" and "properties" in inner:
        inner["additionalProperties"] = False
    return inner


@cache
def _strict(name: str) -> Any:
    return jsonschema_rs.Draft202012Validator(closed(json.loads(schema_text(name))))


def findings(name: str, text: str) -> list[str]:
    """What keeps a document from being just what its schema describes."""
    return [
        f"{'/'.join(map(str, error.instance_path))}: {error.message}"
        for error in _strict(name).iter_errors(json.loads(text))
    ]


def must_fit(name: str, text: str) -> None:
    """Fails when a document has a key too many, one too few, or another value than described."""
    assert findings(name, text) == []
