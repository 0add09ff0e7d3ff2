"""Every module imports by itself, and a command loads only what it needs."""

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

FILES = "click jsonschema_rs msgspec yaml"
DATABASE = "sqlalchemy"
HTTP = "anyio certifi h11 httpcore httpx idna"
LEDGER = "falcon"

COMMANDS = [
    ("--help", ""),
    ("--version", ""),
    ("version", "click"),
    ("schema JournalEntry", FILES),
    ("explain lines-balance", FILES),
    ("validate", FILES),
    ("fmt --check reconciler.yaml", FILES),
    ("plan --offline", f"{FILES} {DATABASE}"),
    ("show plan.json", "click msgspec"),
    ("daybook show", f"{FILES} {DATABASE}"),
    ("plan", f"{FILES} {DATABASE} {LEDGER}"),
]
"""Command lines, and all packages of others that each may load: no more, and no fewer."""

ALONG = {"_distutils_hack", "_virtualenv", "typing_extensions", "mypy_extensions"}
"""What an environment loads by itself, and what others load where it happens to be installed."""

SCRIPT = """
import sys
try:
    exec(sys.argv.pop(1))
finally:
    for name, module in sys.modules.items():
        if "." not in name and "site-packages" in str(getattr(module, "__file__", "")):
            sys.stderr.write(f"loaded {name}\\n")
"""


def loaded(run: Run, cwd: Path, code: str, *arguments: str) -> set[str]:
    """The packages of others that are loaded when code has run, as with these arguments."""
    ended = run(sys.executable, "-c", SCRIPT, code, *arguments, cwd=cwd)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return set(re.findall(r"^loaded (\S+)$", ended.stderr, re.MULTILINE)) - ALONG


@pytest.mark.parametrize(("arguments", "packages"), COMMANDS, ids=[row[0] for row in COMMANDS])
def test_a_command_loads_what_it_needs(
    run: Run, books: Path, arguments: str, packages: str
) -> None:
    main = "from reconciler.cli import main; main()"
    assert loaded(run, books, main, *arguments.split()) == set(packages.split())


def test_a_call_over_a_socket_loads_no_more_than_the_client_needs(run: Run, books: Path) -> None:
    code = "from reconciler.http_client import transport"
    assert loaded(run, books, code) == set(HTTP.split())


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
    """A starter workspace that was applied, and a saved plan with nothing to do."""
    directory = tmp_path_factory.mktemp("books")
    for words in ("init .", "apply --auto-approve", "plan --out plan.json"):
        ended = run("reconciler", *words.split(), cwd=directory)
        assert ended.returncode == 0, ended.stderr
    return directory
