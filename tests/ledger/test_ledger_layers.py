"""The ledger shares nothing with the rest of the project, and its parts import downward only."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import reconciler.ledger

ROOT = Path(reconciler.ledger.__file__).parent
PACKAGE = "reconciler.ledger"
LAYERS = (
    {"serve"},
    {"app", "scratch"},
    {"instance", "routes", "connections"},
    {"pages", "openapi"},
    {"query", "transactions"},
    {"runs"},
    {"journals"},
    {"reference_data"},
    {"web"},
    {"auth"},
    {"storage"},
    {"errors"},
)
"""Folders and modules of the ledger, the highest first. Each imports only from those below it."""


@cache
def imports() -> dict[str, set[str]]:
    """What every module imports, by absolute names, inside functions and for types too."""
    return {_name(path): set(_imported(path)) for path in sorted(ROOT.rglob("*.py"))}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([PACKAGE, *(part for part in parts if part != "__init__")])


def _imported(path: Path):
    package = [*PACKAGE.split("."), *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from . import jobs` names a module, `from .jobs import Job` something in one.
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def within() -> dict[str, set[str]]:
    """The modules of the ledger that each of them imports."""
    known = set(imports())
    return {
        name: {one for one in found if one in known - {PACKAGE, name}}
        for name, found in imports().items()
        if name != PACKAGE  # its names load their modules when they are asked for
    }


def part_of(module: str) -> str:
    """The folder or the single module right below the ledger."""
    return module.removeprefix(f"{PACKAGE}.").partition(".")[0]


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """What imports itself by way of others, each with those it does so with."""
    reached = {start: _reached(graph, start) for start in graph}
    found = {
        tuple(sorted(two for two in reached[one] if one in reached[two]))
        for one in graph
        if one in reached[one]
    }
    return [list(circle) for circle in sorted(found)]


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting.extend(new)
    return found


def test_the_ledger_imports_nothing_else_of_ours():
    ours = [
        f"{module} imports {name}"
        for module, names in imports().items()
        for name in sorted(names)
        if name.split(".")[0] == "reconciler" and name.split(".")[:2] != PACKAGE.split(".")
    ]
    assert ours == []


def test_the_ledger_imports_no_http_client():
    assert [module for module, names in imports().items() if "httpx" in names] == []


def test_every_part_imports_from_lower_layers_only():
    place = {part: depth for depth, layer in enumerate(LAYERS) for part in layer}
    breaches = [
        f"{module} imports {other}"
        for module, others in within().items()
        for other in sorted(others)
        if part_of(module) != part_of(other) and not place[part_of(module)] < place[part_of(other)]
    ]
    assert breaches == []


def test_no_modules_import_each_other():
    assert circles(within()) == []


def test_no_folders_import_each_other():
    folders: dict[str, set[str]] = {}
    for module, others in within().items():
        folders.setdefault(part_of(module), set()).update(map(part_of, others))
    folders = {folder: others - {folder} for folder, others in folders.items()}
    assert circles(folders) == []


def test_a_circle_would_be_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}
    assert circles(graph) == [["b", "c"]]


def test_importing_the_package_loads_nothing():
    script = (
        "import sys, reconciler.ledger\n"
        "heavy = {'falcon', 'sqlalchemy', 'waitress', 'yaml', 'msgspec'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_the_public_names_are_there():
    for name in reconciler.ledger.__all__:
        assert getattr(reconciler.ledger, name)
    with pytest.raises(AttributeError):
        _ = reconciler.ledger.nothing
