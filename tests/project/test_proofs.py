"""Every invariant is named by a test of the default suite; docs/reliability.md lists which.

A test names an invariant in its name (`test_i03_...`), in its docstring, in the ids of its cases or
in the docstring of its module, as `I-03`. Sweeps that the default suite leaves out do not count.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from checkout import ROOT

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- proofs: begin -->\n", "<!-- proofs: end -->\n"
SERIES = ((1, 12), (20, 26), (30, 34), (40, 46), (50, 56), (60, 70), (80, 81))
INVARIANTS = tuple(f"I-{number:02}" for first, last in SERIES for number in range(first, last + 1))
IN_A_NAME = re.compile(r"_i(\d\d)(?=_)")
IN_WORDS = re.compile(r"\bI-(\d\d)\b")
SWEEPS = re.compile(r"^pytest\.mark\.(?:long|faults)$")
SHOWN = 6
"""Tests that are listed for an invariant; of those over it the number is given."""


@cache
def proofs() -> dict[str, list[str]]:
    """The tests that name an invariant, by invariant."""
    found: dict[str, list[str]] = {name: [] for name in INVARIANTS}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        where = path.relative_to(ROOT / "tests").as_posix()
        for number in sorted({*IN_WORDS.findall(ast.get_docstring(tree) or "")}):
            found.get(f"I-{number}", []).append(f"`{where}`")
        tables = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for test in cases_of(tree):
            for number in sorted(named_by(test, tables)):
                found.get(f"I-{number}", []).append(f"`{where}::{test.name}`")
    return found


def cases_of(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """The tests of a module that are no sweeps."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        if not any(SWEEPS.match(ast.unparse(one)) for one in node.decorator_list):
            yield node


def named_by(test: ast.FunctionDef, tables: dict[str, ast.expr]) -> set[str]:
    """The numbers a test names: in its name, its docstring, or the ids of its table."""
    words = [ast.get_docstring(test) or ""]
    for decorator in test.decorator_list:
        for node in ast.walk(decorator):
            table = tables.get(node.id) if isinstance(node, ast.Name) else node
            if table is not None and (table is not node or isinstance(node, ast.Constant)):
                words += [
                    str(one.value)
                    for one in ast.walk(table)
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                ]
    spoken = {number for text in words for number in IN_WORDS.findall(text)}
    return {*spoken, *IN_A_NAME.findall(test.name)}


def drawn(found: dict[str, list[str]]) -> str:
    """The table of the document."""
    lines = ["| invariant | tests of the default suite |", "| --- | --- |"]
    for name, tests in found.items():
        # A test says more than a whole module does.
        first = sorted(tests, key=lambda test: ("::" not in test, test))
        more = f" and {len(tests) - SHOWN} more" if len(tests) > SHOWN else ""
        lines.append(f"| {name} | {', '.join(first[:SHOWN])}{more} |")
    return "\n".join(lines) + "\n"


def test_every_invariant_is_proved_by_a_test() -> None:
    assert [name for name, tests in proofs().items() if not tests] == []


def test_the_list_of_proofs_is_current(request: pytest.FixtureRequest) -> None:
    before, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
    held, after = rest.split(END)
    wanted = f"\n{drawn(proofs())}\n"
    if request.config.getoption("--bless"):
        DOCUMENT.write_text(f"{before}{BEGIN}{wanted}{END}{after}", encoding="utf-8")
    else:
        assert held == wanted, "run pytest --bless tests/project/test_proofs.py"
