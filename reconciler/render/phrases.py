"""How values and actions read in a sentence."""

from collections.abc import Mapping
from types import MappingProxyType

from reconciler.core.model.plan import Action
from reconciler.core.model.resource import Value

PARTICIPLES: Mapping[Action, str] = MappingProxyType(
    {
        Action.CREATE: "created",
        Action.UPDATE: "updated",
        Action.REPLACE: "replaced",
        Action.REMOVE: "removed",
        Action.ADOPT: "adopted",
        Action.FORGET: "forgotten",
    }
)


def value_text(value: Value) -> str:
    """A field's value: absence in brackets, text with spaces in quotes."""
    if value is None or value == "":
        return "(none)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_pair(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) and " " in value else str(value)


def _pair(item: Value) -> str:
    if isinstance(item, Mapping):
        return "=".join(str(value) for value in item.values())
    return str(item)
