"""Plans, reports and problems as text. Pure.

`RENDERERS` is the only list of the formats of a plan. Each loads its modules when it is called.
"""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.core.model.plan import Plan
    from reconciler.core.planning.closing.readiness import CloseReport
    from reconciler.render.styled_text import Part

Drawing: TypeAlias = "str | Iterable[Part]"
"""A document as it is, or lines for a screen to paint."""

Renderer: TypeAlias = "Callable[[Plan, str], Drawing]"
"""Draws a plan. The second argument is the path from the repository to the workspace."""


def _loaded(module: str, function: str, *, prefixed: bool = False) -> "Callable[..., Drawing]":
    def draw(shown: object, prefix: str = "") -> Drawing:
        found: Callable[..., Drawing] = getattr(import_module(f"reconciler.{module}"), function)
        return found(shown, prefix) if prefixed else found(shown)

    return draw


RENDERERS: Mapping[str, Renderer] = {
    "text": _loaded("render.text", "plan_lines"),
    "markdown": _loaded("render.markdown", "plan_markdown"),
    "html": _loaded("render.html.document", "plan_html"),
    "json": _loaded("core.documents.plan_file", "plan_text"),
    "github": _loaded("render.annotations", "plan_annotations", prefixed=True),
    "junit": _loaded("render.junit", "plan_junit", prefixed=True),
    "csv": _loaded("render.spreadsheet", "plan_csv"),
}
"""The name of a `--format`, and the function that draws it."""


def render_plan(plan: "Plan", style: str = "text") -> str:
    """The plan as text in one of the formats of `RENDERERS`. Raises UsageError for another one."""
    if style not in RENDERERS:
        raise UsageError(f"a plan has no format {style}", remedy=f"Use {', '.join(RENDERERS)}.")
    drawn = RENDERERS[style](plan, "")
    if isinstance(drawn, str):
        return drawn
    text: str = import_module("reconciler.render.styled_text").plain_text(drawn)
    return text


CLOSE_RENDERERS: "Mapping[str, Callable[[CloseReport], Drawing]]" = {
    "text": _loaded("render.sections.closing", "close_lines"),
    "markdown": _loaded("render.sections.closing", "close_markdown"),
    "html": _loaded("render.html.document", "close_html"),
    "json": _loaded("core.documents.close_check_json", "close_text"),
    "junit": _loaded("render.sections.closing", "close_junit"),
}
"""The same for a close check."""
