"""A problem as people read it: its place, severity, rule and fact, then the remedy."""

import re
from typing import Final

from reconciler.core.values import Problem

_REMEDY_INDENT: Final = "    "
# Controls, line and paragraph separators, marks that turn or hide text, and lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)


def problem_lines(problem: Problem) -> tuple[str, ...]:
    """`path:line:col: severity[rule]: message`, then the remedy indented, when there is one.

    Each element is one line: whatever came from a file and could move the cursor, break the line
    or turn its direction is shown escaped.
    """
    place = f"{problem.path}:{problem.line}:{problem.column}"
    fact = escaped(f"{place}: {problem.severity}[{problem.rule}]: {problem.message}")
    return (fact, f"{_REMEDY_INDENT}{escaped(problem.remedy)}") if problem.remedy else (fact,)


def escaped(text: str) -> str:
    """The text with every character that is not safe to show written as `\\x1b` or `\\u2028`."""
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
