"""A close check: each item with what fails it and what to do, as lines and as JSON."""

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.core.planning.closing.readiness import CloseCheck, CloseItem
from reconciler.render.styled_text import BLANK, Line, line, span

_SHOWN = 10
"""The most names in a line; the rest are counted. JSON has all."""


def close_lines(checks: Iterable[CloseCheck]) -> Iterator[Line]:
    """The check of each period, ready or not."""
    for at, check in enumerate(checks):
        if at:
            yield BLANK
        failing = sum(item.fails for item in check.items)
        ready = (
            ("ready", "good")
            if check.ready
            else (f"not ready: {failing} of {len(check.items)} checks", "bad")
        )
        yield line(span(check.period.name, "strong"), f" ({check.period.status})  ", ready)
        for item in check.items:
            yield from _item(item)
        yield line(f"  not checked: {', '.join(check.not_checked)}")


def _item(item: CloseItem) -> Iterator[Line]:
    word, style = ("FAIL", "bad") if item.fails else ("ok  ", "good")
    if item.found and item.allowed:
        word, style = "allowed", "warning"
    more = len(item.found) - _SHOWN
    names = ", ".join(item.found[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    count = f"  {len(item.found)}: {names}" if item.found else ""
    yield line("  ", span(word, style), f"  {item.item}{count}")
    if item.fails:
        yield line(("To fix: ", "strong"), item.remedy, indent=8)


def close_document(checks: Iterable[CloseCheck]) -> dict[str, Any]:
    """The checks as plain JSON values."""
    return {
        "format_version": "1.0",
        "periods": [
            {
                "period": check.period.name,
                "status": check.period.status,
                "ready": check.ready,
                "items": [
                    {
                        "item": item.item,
                        "found": list(item.found),
                        "allowed": item.allowed,
                        "fails": item.fails,
                        "remedy": item.remedy if item.fails else "",
                    }
                    for item in check.items
                ],
                "not_checked": list(check.not_checked),
            }
            for check in checks
        ],
    }
