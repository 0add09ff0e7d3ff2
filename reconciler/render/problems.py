"""A problem for people: its place, severity, rule and fact, then the remedy."""

from typing import Final

from reconciler.core.model.finding import Problem
from reconciler.render.escaping import escaped

_REMEDY: Final = "    To fix: "


def problem_lines(problem: Problem) -> tuple[str, ...]:
    """`path:line:col: severity[rule]: message`, then the remedy indented, when there is one.

    Each element is one line: control characters and line breaks of a file are escaped.
    """
    place = f"{problem.path}:{problem.line}:{problem.column}"
    fact = escaped(f"{place}: {problem.severity}[{problem.rule}]: {problem.message}")
    return (fact, f"{_REMEDY}{escaped(problem.remedy)}") if problem.remedy else (fact,)
