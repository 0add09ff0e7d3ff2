"""Which tests name what they prove: an invariant, as I-03, or a scenario of trust, as T-08.

A test names it in its name (`test_i03_...`), in its docstring, in the ids of its cases or in the
docstring of its module. Sweeps that the default suite leaves out do not count.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from checkout import ROOT

TESTS = ROOT / "tests"
SWEEPS = re.compile(r"^pytest\.mark\.(?:long|faults)$")
SHOWN = 6
"""Tests that are listed for a name; of those over it the number is given."""


def naming_tests(names: Iterable[str], *folders: str) -> dict[str, list[str]]:
    """The tests that name each of some names, such as I-03; only those below some folders."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for path in _modules(folders):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        where = path.relative_to(TESTS).as_posix()
        for name in _in_words(ast.get_docstring(tree) or "") & found.keys():
            found[name].append(f"`{where}`")
        tables = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for test in _cases_of(tree):
            for name in _named_by(test, tables) & found.keys():
                found[name].append(f"`{where}::{test.name}`")
    return found


def _modules(folders: Iterable[str]) -> Iterator[Path]:
    for folder in folders or ("",):
        yield from sorted((TESTS / folder).rglob("test_*.py"))


def _in_words(text: str) -> set[str]:
    return set(re.findall(r"\b[IT]-\d\d\b", text))


def _cases_of(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        if not any(SWEEPS.match(ast.unparse(one)) for one in node.decorator_list):
            yield node


def _named_by(test: ast.FunctionDef, tables: dict[str, ast.expr]) -> set[str]:
    """What a test names: in its name, its docstring, or the ids of its table."""
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
    in_name = (
        f"{kind.upper()}-{number}" for kind, number in re.findall(r"_([it])(\d\d)(?=_)", test.name)
    )
    return {*in_name}.union(*map(_in_words, words))


def table_of(found: dict[str, list[str]], heading: str) -> str:
    """The names with their tests, as Markdown."""
    lines = [f"| {heading} | tests of the default suite |", "| --- | --- |"]
    for name, tests in found.items():
        # A test says more than a whole module does.
        first = sorted(tests, key=lambda test: ("::" not in test, test))
        more = f" and {len(tests) - SHOWN} more" if len(tests) > SHOWN else ""
        lines.append(f"| {name} | {', '.join(first[:SHOWN])}{more} |")
    return "\n".join(lines) + "\n"


def check_table(page: str, mark: str, table: str, request: pytest.FixtureRequest) -> None:
    """Hold a generated table of a page to what it is now; with `--bless`, renew it."""
    document = ROOT / "docs" / page
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->\n"
    before, rest = document.read_text(encoding="utf-8").split(begin)
    held, after = rest.split(end)
    wanted = f"\n{table}\n"
    if request.config.getoption("--bless"):
        document.write_text(f"{before}{begin}{wanted}{end}{after}", encoding="utf-8")
    else:
        assert held == wanted, f"run pytest --bless {request.node.nodeid.partition('::')[0]}"
