"""Lines of text with styles and tables, laid out for the width of a terminal."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from reconciler.render.escaping import escaped
from reconciler.values import dataclass

Span: TypeAlias = tuple[str, str]
"""A text, safe to show, and its style: empty, or the name that a screen knows a colour for.

The text has the meaning, so that nothing is lost without colour.
"""

Line: TypeAlias = tuple[Span, ...]

_WHOLE = frozenset({"strong", "place"})
"""The styles of headings, names and places in files, which are not broken at a blank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells in columns. `right` names the columns that are set flush right.

    The first row has the titles if `header` is true. `styles` has one style for each row.
    """

    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int]
    header: bool
    indent: int
    styles: tuple[str, ...]


Part: TypeAlias = Line | Table
"""What a screen shows: a line, or a table whose shape depends on the width."""


def span(text: str, style: str = "") -> Span:
    """A span of text from anywhere: what could harm a terminal is shown escaped (I-80)."""
    return escaped(text), style


def line(*parts: Span | str, indent: int = 0) -> Line:
    """A line of spans; all of their text is escaped, which does nothing to what already is."""
    spans = tuple(
        (escaped(part), "") if isinstance(part, str) else (escaped(part[0]), part[1])
        for part in parts
    )
    return ((" " * indent, ""), *spans) if indent else spans


BLANK: Line = ()


def table(
    rows: Sequence[Sequence[str]],
    *,
    right: frozenset[int] = frozenset(),
    header: bool = False,
    indent: int = 0,
    styles: Sequence[str] = (),
) -> tuple[Table, ...]:
    """Rows as a table, which is nothing without any; titles are strong if no style is given."""
    safe = tuple(tuple(map(escaped, row)) for row in rows)
    usual = ["strong" if header and number == 0 else "" for number in range(len(safe))]
    found = Table(
        rows=safe, right=right, header=header, indent=indent, styles=tuple(styles or usual)
    )
    return (found,) if safe else ()


def mapped(parts: Iterable[Part], change: Callable[[str], str]) -> Iterator[Part]:
    """The parts with each text changed."""
    for part in parts:
        if isinstance(part, Table):
            yield replace(part, rows=tuple(tuple(map(change, row)) for row in part.rows))
        else:
            yield tuple((change(text), style) for text, style in part)


def plain_text(parts: Iterable[Part], width: int | None = None) -> str:
    """The parts without their styles."""
    lines = laid_out(parts, width)
    return "".join("".join(text for text, _ in spans).rstrip() + "\n" for spans in lines)


def laid_out(parts: Iterable[Part], width: int | None = None) -> Iterator[Line]:
    """Lines of at most `width` columns; without a width, each line and row stays one line.

    No amount, date, quoted value, command or place is broken. A line is longer than `width` only
    if such a text alone is. A table that is too wide becomes a block for each row.
    """
    for part in parts:
        if isinstance(part, Table):
            yield from _table_lines(part, width)
        elif width is None:
            yield part
        else:
            yield from _folded(part, width)


def columns_of(text: str) -> int:
    """The columns that a terminal needs for a text: two for a wide character, none for a mark."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - only for text that needs its tables

    return cell_len(text)


_MOST_INDENTED = 12
_DEEPER = 4
"""Blanks before a continued line, beyond those of its first line."""

_PIECE = re.compile(r'(?:`[^`]*`|"[^"]*"|[A-Z]{3} (?=[\d,.]*\d)|\d (?:Dr\b|Cr\b|(?=[a-z]))|\S)+')
_WORD = re.compile(r"(?:[A-Z]{3} (?=[\d,.]*\d)|\d (?:Dr\b|Cr\b|(?=[a-z]))|\S)+")
"""What is not broken: a command, a value in quotes, an amount with its currency, a word."""


def _folded(spans: Line, width: int, *, cells: bool = False) -> Iterator[Line]:
    """A line as several, of which each after the first is set deeper; `cells` are not broken."""
    text = "".join(part for part, _ in spans)
    if columns_of(text) <= width:
        yield spans
        return
    indent = len(text) - len(text.lstrip())
    deeper = min(indent + _DEEPER, _MOST_INDENTED, width // 2)
    whole = [cells or style in _WHOLE for _, style in spans]
    pieces = list(_pieces(spans, whole, width - deeper))
    for start, end, room in _filled(text, pieces, width, deeper):
        cut = tuple(_cut(spans, start, end))
        yield cut if room == width else ((" " * deeper, ""), *cut)


def _filled(
    text: str, pieces: Sequence[tuple[int, int]], width: int, deeper: int
) -> Iterator[tuple[int, int, int]]:
    """Where each line begins and ends, and the columns that it has."""
    start, end, room = 0, pieces[0][1], width
    for begin, stop in pieces[1:]:
        if columns_of(text[start:stop]) > room:
            yield start, end, room
            start, room = begin, width - deeper
        end = stop
    yield start, end, room


def _pieces(spans: Line, whole: Sequence[bool], room: int) -> Iterator[tuple[int, int]]:
    """Where the texts begin and end that are not broken; one that needs more room has words."""
    pattern = text = "".join(part for part, _ in spans)
    at = 0
    for (part, _), one in zip(spans, whole, strict=True):
        inner = part.strip()
        if one and columns_of(inner) <= room:
            # The blanks inside are hidden, so that the span is one word.
            begin = at + part.index(inner)
            end = begin + len(inner)
            pattern = pattern[:begin] + inner.replace(" ", "_") + pattern[end:]
        at += len(part)
    for found in _PIECE.finditer(pattern):
        begin, end = found.span()
        if columns_of(text[begin:end]) <= room:
            yield begin, end
        else:
            yield from (word.span() for word in _WORD.finditer(pattern, begin, end))


def _cut(spans: Line, start: int, end: int) -> Iterator[Span]:
    """The part of a line from one character to another."""
    at = 0
    for text, style in spans:
        if cut := text[max(start - at, 0) : max(end - at, 0)]:
            yield cut, style
        at += len(text)


def _table_lines(found: Table, width: int | None) -> Iterator[Line]:
    aligned = tuple(_aligned(found))
    if width is None or _fit(aligned, width):
        yield from aligned
    elif found.header:
        yield from _blocks(found, width)
    else:
        for row, style in zip(found.rows, found.styles, strict=True):
            yield from _folded(_cells(row, style, found.indent), width, cells=True)


def _fit(rows: Iterable[Line], width: int) -> bool:
    return all(columns_of("".join(text for text, _ in row)) <= width for row in rows)


def _aligned(found: Table) -> Iterator[Line]:
    """Rows in columns, two blanks apart."""
    widths = [max(map(columns_of, column)) for column in zip(*found.rows, strict=True)]
    for row, style in zip(found.rows, found.styles, strict=True):
        cells = []
        for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
            blanks = " " * (width - columns_of(cell))
            cells.append(blanks + cell if at in found.right else cell + blanks)
        yield (" " * found.indent, ""), ("  ".join(cells).rstrip(), style)


def _blocks(found: Table, width: int) -> Iterator[Line]:
    """Each row as its names, and below them its amounts in columns.

    If these are too wide, or a row lacks some, each cell is a line with its title.
    """
    titles, *rows = found.rows
    first = min(found.right, default=len(titles))
    amounts = tuple(row[first:] for row in found.rows)
    if len(found.right) == len(titles) - first and all(map(all, amounts)):
        right = frozenset(range(len(found.right)))
        below = replace(found, rows=amounts, right=right, indent=found.indent + _DEEPER)
        if _fit(aligned := tuple(_aligned(below)), width):
            for row, style, drawn in zip(found.rows, found.styles, aligned, strict=True):
                yield from _folded(_cells(row[:first], style, found.indent), width, cells=True)
                yield drawn
            return
    labels = max((columns_of(title) for title in titles[first:]), default=0)
    room = max((columns_of(row[at]) for row in rows for at in found.right), default=0)
    for row, style in zip(found.rows, found.styles, strict=True):
        yield from _folded(_cells(row[:first], style, found.indent), width, cells=True)
        if row is titles:
            continue
        for at, (title, cell) in enumerate(zip(titles, row, strict=True)):
            if at < first or not cell.strip():
                continue
            label = title + " " * (labels - columns_of(title) + 2) if title else ""
            blanks = " " * (room - columns_of(cell)) * (at in found.right)
            text = f"{blanks}{cell}".rstrip()
            yield from _folded(line(label, (text, style), indent=found.indent + _DEEPER), width)


def _cells(row: Iterable[str], style: str, indent: int) -> Line:
    """Cells in one line, of which none is broken."""
    spans: list[Span] = []
    for cell in row:
        if text := cell.strip():
            spans += [("  ", ""), (text, style)] if spans else [(text, style)]
    return (" " * indent, ""), *spans
