"""Lines of text with styles, for a terminal to paint."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from reconciler.render.escaping import escaped

Span: TypeAlias = tuple[str, str]
"""A text, safe to show, and its style: empty, or a word of `STYLES`."""

Line: TypeAlias = tuple[Span, ...]

STYLES = (
    "strong",
    "faint",
    "create",
    "update",
    "replace",
    "remove",
    "adopt",
    "forget",
    "blocked",
    "good",
    "warning",
    "bad",
)
"""Every style. The text has the meaning, so that nothing is lost without colour."""


def span(text: str, style: str = "") -> Span:
    """A span of text from anywhere: what could harm a terminal is shown escaped (I-80)."""
    return escaped(text), style


def line(*parts: Span | str, indent: int = 0) -> Line:
    """A line of spans; all of their text is escaped, which does nothing to what already is."""
    spans = tuple(span(part) if isinstance(part, str) else span(*part) for part in parts)
    return ((" " * indent, ""), *spans) if indent else spans


BLANK: Line = ()


def plain_text(lines: Iterable[Line]) -> str:
    """The lines without their styles."""
    return "".join("".join(text for text, _ in spans).rstrip() + "\n" for spans in lines)


def table(
    rows: Sequence[Sequence[str]],
    *,
    right: frozenset[int] = frozenset(),
    header: bool = False,
    indent: int = 0,
    styles: Sequence[str] = (),
) -> tuple[Line, ...]:
    """Rows as aligned columns, two spaces apart; `right` names the columns set flush right.

    `styles` has one style a row; the first row is strong when it is a header.
    """
    safe = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in safe) for at in range(len(safe[0]))] if safe else []
    lines = []
    for number, row in enumerate(safe):
        cells = (
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        style = styles[number] if styles else ("strong" if header and number == 0 else "")
        lines.append(((" " * indent, ""), ("  ".join(cells).rstrip(), style)))
    return tuple(lines)
