"""Plans, reports and problems as text. Pure.

`RENDERERS` is the only list of the formats of a plan. Each loads its modules when it is called.
"""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from reconciler.core.model.plan import Plan
    from reconciler.render.styled_text import Line

Drawing: TypeAlias = "str | Iterable[Line]"
"""A document as it is, or lines for a screen to paint."""

Renderer: TypeAlias = "Callable[[Plan, str], Drawing]"
"""Draws a plan. The second argument is the path from the repository to the workspace."""


def _loaded(module: str, function: str, *, prefixed: bool = False) -> Renderer:
    def draw(plan: "Plan", prefix: str) -> Drawing:
        found: Callable[..., Drawing] = getattr(import_module(f"reconciler.{module}"), function)
        return found(plan, prefix) if prefixed else found(plan)

    return draw


RENDERERS: Mapping[str, Renderer] = MappingProxyType(
    {
        "text": _loaded("render.text", "plan_lines"),
        "markdown": _loaded("render.markdown", "plan_markdown"),
        "html": _loaded("render.html.document", "plan_html"),
        "json": _loaded("core.documents.plan_file", "plan_text"),
        "github": _loaded("render.annotations", "plan_annotations", prefixed=True),
        "junit": _loaded("render.junit", "plan_junit", prefixed=True),
        "csv": _loaded("render.spreadsheet", "plan_csv"),
    }
)
"""The name of a `--format`, and the function that draws it."""
