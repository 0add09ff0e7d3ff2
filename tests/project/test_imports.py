"""Every module imports by itself, and light commands load nothing heavy."""

import re
import sys
from pathlib import Path

import pytest
from checkout import ROOT, Run

PACKAGE = ROOT / "reconciler"
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in PACKAGE.rglob("*.py")
    # The migration library runs its own file, and has none imported.
    if file.name not in ("__main__.py", "env.py")
)

HTTP = {"httpx", "httpcore", "falcon", "waitress", "reconciler.ledger", "reconciler.zuora"}
DATABASE = {"sqlalchemy", "reconciler.daybook"}
FILES = {"yaml", "jsonschema", "jsonschema_rs", "deepdiff"}


def imported(run: Run, cwd: Path, *arguments: str) -> set[str]:
    """Every module that a command line imports, and the packages they are in."""
    ended = run(sys.executable, "-X", "importtime", "-m", "reconciler", *arguments, cwd=cwd)
    assert ended.returncode == 0, ended.stderr
    names = re.findall(r"^import time: +\d+ \| +\d+ \| *(\S+)$", ended.stderr, re.MULTILINE)
    assert "reconciler.cli.main" in names, "the listing of imports was not understood"
    return {
        ".".join(name.split(".")[: end + 1]) for name in names for end in range(name.count(".") + 1)
    }


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        pytest.param(["--help"], HTTP | DATABASE | FILES, id="help"),
        pytest.param(["version"], HTTP | DATABASE | FILES, id="version"),
        pytest.param(["validate"], HTTP | DATABASE | {"deepdiff"}, id="validate"),
        pytest.param(["fmt", "--check", "reconciler.yaml"], HTTP | DATABASE, id="fmt"),
        pytest.param(["schema", "JournalEntry"], HTTP | DATABASE, id="schema"),
        pytest.param(["explain", "lines-balance"], HTTP | DATABASE, id="explain"),
    ],
)
def test_light_commands_stay_light(
    run: Run, books: Path, arguments: list[str], forbidden: set[str]
) -> None:
    assert imported(run, books, *arguments) & forbidden == set()


def test_what_is_forbidden_is_known_by_these_names(run: Run, books: Path) -> None:
    """Otherwise a renamed module would pass the test above for ever."""
    every = imported(run, books, "plan") | imported(run, books, "validate")
    assert every >= (HTTP | DATABASE) - {"waitress"}


@pytest.mark.long
def test_every_module_imports_by_itself(run: Run) -> None:
    """Each in an interpreter without the others, so that no module lives off another's imports."""
    script = """
import importlib, sys
clean = set(sys.modules)
for name in sys.argv[1:]:
    for loaded in set(sys.modules) - clean:
        if loaded.partition(".")[0] == "reconciler":
            del sys.modules[loaded]
    importlib.import_module(name)
"""
    ended = run(sys.executable, "-W", "error", "-c", script, *MODULES)
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def books(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A starter workspace."""
    directory = tmp_path_factory.mktemp("books")
    ended = run("reconciler", "init", ".", cwd=directory)
    assert ended.returncode == 0, ended.stderr
    return directory
