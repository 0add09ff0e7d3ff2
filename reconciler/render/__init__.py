"""Plans, reports and problems as text. Pure.

`RENDERERS` is the only list of the formats of a plan. Each loads its modules when it is called.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from reconciler.core.model.plan import Plan
    from reconciler.render.styled_text import Line

Drawing: TypeAlias = "str | Iterable[Line]"
"""A document as it is, or lines for a screen to paint."""

Renderer: TypeAlias = "Callable[[Plan, str], Drawing]"
"""Draws a plan. The second argument is the path from the repository to the workspace."""


def _text(plan: "Plan", _prefix: str) -> Drawing:
    from reconciler.render.text import plan_lines

    return plan_lines(plan)


def _markdown(plan: "Plan", _prefix: str) -> Drawing:
    from reconciler.render.markdown import plan_markdown

    return plan_markdown(plan)


def _html(plan: "Plan", _prefix: str) -> Drawing:
    from reconciler.render.html.document import plan_html

    return plan_html(plan)


def _json(plan: "Plan", _prefix: str) -> Drawing:
    from reconciler.core.documents.plan_file import plan_text

    return plan_text(plan)


def _annotations(plan: "Plan", prefix: str) -> Drawing:
    from reconciler.render.annotations import plan_annotations

    return plan_annotations(plan, prefix)


def _junit(plan: "Plan", prefix: str) -> Drawing:
    from reconciler.render.junit import plan_junit

    return plan_junit(plan, prefix)


def _csv(plan: "Plan", _prefix: str) -> Drawing:
    from reconciler.render.spreadsheet import plan_csv

    return plan_csv(plan)


RENDERERS: Mapping[str, Renderer] = MappingProxyType(
    {
        "text": _text,
        "markdown": _markdown,
        "html": _html,
        "json": _json,
        "github": _annotations,
        "junit": _junit,
        "csv": _csv,
    }
)
"""The name of a `--format`, and the function that draws it."""
