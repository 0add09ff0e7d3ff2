"""The ledger shares nothing with the rest of the project, and costs nothing until it is used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import reconciler.ledger

ROOT = Path(reconciler.ledger.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))


def imported(path):
    """The absolute names of everything a module imports."""
    package = ["reconciler", "ledger", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *([node.module] if node.module else [])])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_ledger_imports_nothing_else_of_ours(path):
    names = list(imported(path))
    ours = [name for name in names if name.split(".")[0] == "reconciler"]
    assert [name for name in ours if name.split(".")[:2] != ["reconciler", "ledger"]] == []
    assert "httpx" not in names  # a server that needs a client is no server


def test_importing_the_package_loads_nothing():
    script = (
        "import sys, reconciler.ledger\n"
        "heavy = {'falcon', 'sqlalchemy', 'waitress', 'yaml', 'msgspec', 'iso4217'}\n"
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
