"""docs/architecture.md tells the truth: its tree is the package, and what it names is there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import ROOT

DOCUMENT = ROOT / "docs" / "architecture.md"
PACKAGE = ROOT / "reconciler"
BEGIN, END = "<!-- tree: begin -->\n", "<!-- tree: end -->\n"
NAME = re.compile(r"`((?:[a-z_]+\.)+[A-Za-z_]+(?:\.[A-Za-z_]+)?)(?:\(\))?`")
"""A function or a class, by its module below the package: `app.plan.plan_with_search`."""
PATH = re.compile(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`")
"""A folder or a module, by its path below the package or the checkout: `core/planning/`."""


def opening(path: Path) -> str:
    """The first sentence of a module: what it knows or decides."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.split("\n\n")[0].replace("\n", " ")


def tree() -> str:
    """Every folder with its modules, each with its first sentence."""
    lines: list[str] = []
    for folder in sorted({path.parent for path in PACKAGE.rglob("*.py")}):
        modules = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
        if "versions" in folder.parts or not modules:
            continue
        name = folder.relative_to(ROOT).as_posix()
        lines += [f"### `{name}/`", "", opening(folder / "__init__.py"), ""]
        lines += [f"- `{path.name}`: {opening(path)}" for path in modules if opening(path)]
        lines.append("")
    return "\n".join(lines)


def test_the_tree_is_the_package(request: pytest.FixtureRequest) -> None:
    before, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
    drawn, after = rest.split(END)
    wanted = f"\n{tree()}\n"
    if request.config.getoption("--bless"):
        DOCUMENT.write_text(f"{before}{BEGIN}{wanted}{END}{after}", encoding="utf-8")
    else:
        assert drawn == wanted, "run pytest --bless tests/project/test_architecture.py"


def prose() -> str:
    """The page without its tree and its drawings."""
    before, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
    return re.sub(r"^```.*?^```", "", before + rest.split(END)[1], flags=re.S | re.M)


def defined_in(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield node.name
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}"
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def exists(name: str) -> bool:
    """Whether some module of the package defines what a dotted name says."""
    parts = name.split(".")
    for cut in range(1, len(parts)):
        path = PACKAGE.joinpath(*parts[:cut]).with_suffix(".py")
        if path.is_file():
            found = defined_in(ast.parse(path.read_text(encoding="utf-8")))
            return ".".join(parts[cut:]) in found
    return False


def test_every_function_that_is_named_exists() -> None:
    names = NAME.findall(prose())
    assert len(names) >= 20, "the walk was not found"
    assert [name for name in names if not exists(name)] == []


def test_every_path_that_is_named_exists() -> None:
    paths = PATH.findall(prose())
    assert len(paths) >= 12, "the rooms were not found"
    missing = [
        path for path in paths if not (PACKAGE / path).exists() and not (ROOT / path).exists()
    ]
    assert missing == []
