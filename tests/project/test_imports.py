"""Every module imports by itself, and a command loads only what it needs."""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import DEVNULL

import pytest
from checkout import ROOT, Run
from program import Program, clean_environment
from socket_server import on_a_socket

from reconciler.ledger import create_app, open_ledger
from reconciler.workspace.cache.program_identity import program_identity

PACKAGE = ROOT / "reconciler"
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in PACKAGE.rglob("*.py")
    # The migration library runs its own file, and has none imported.
    if file.name not in ("__main__.py", "env.py")
)

FILES = "click jsonschema_rs msgspec yaml"
DATABASE = "sqlalchemy"
HTTP = "certifi h11 httpcore"
LEDGER = "falcon"

COMMANDS = [
    ("--help", ""),
    ("--version", ""),
    ("version", "click msgspec"),
    ("schema JournalEntry", FILES),
    ("explain lines-balance", FILES),
    ("validate", FILES),
    ("fmt --check reconciler.yaml", FILES),
    ("plan --offline", FILES),
    ("show plan.json", "click msgspec"),
    ("daybook show", FILES),
    ("plan", f"{FILES} {DATABASE} {LEDGER}"),
]
"""Command lines, and all packages of others that each may load: no more, and no fewer."""

ALONG = {"_distutils_hack", "_virtualenv", "anyio", "typing_extensions", "mypy_extensions"}
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

MAIN = "from reconciler.cli import main; main()"


def loaded(
    run: Run, cwd: Path, code: str, *arguments: str, env: Mapping[str, str] | None = None
) -> set[str]:
    """The packages of others that are loaded when code has run, as with these arguments."""
    ended = run(sys.executable, "-c", SCRIPT, code, *arguments, cwd=cwd, env=env)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return set(re.findall(r"^loaded (\S+)$", ended.stderr, re.MULTILINE)) - ALONG


def reconciler(*words: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """A command that prepares something, as a fork: what it loads is not the subject."""
    with Program(words, cwd=cwd, env=clean_environment() | dict(env or {}), stdout=DEVNULL) as it:
        pass
    assert it.returncode == 0


@pytest.mark.parametrize(("arguments", "packages"), COMMANDS, ids=[row[0] for row in COMMANDS])
def test_a_command_loads_what_it_needs(
    run: Run, books: Path, arguments: str, packages: str
) -> None:
    assert loaded(run, books, MAIN, *arguments.split()) == set(packages.split())


def test_a_call_over_a_socket_loads_no_more_than_the_client_needs(run: Run, books: Path) -> None:
    code = "from reconciler.http_client import transport"
    assert loaded(run, books, code) == set(HTTP.split())


@pytest.mark.parametrize(
    ("arguments", "calls"),
    [("validate", False), ("plan", True), ("apply --auto-approve", True), ("drift", True)],
)
def test_a_client_of_a_tenant_loads_no_database_library(
    run: Run, tenant: tuple[Path, Mapping[str, str]], arguments: str, calls: bool
) -> None:
    """The daybook is in a file, as everywhere without a shared one, and the ledger on a socket."""
    books, keys = tenant
    found = loaded(run, books, MAIN, *arguments.split(), env=keys)
    assert ("httpcore" in found) is calls
    assert not found & {DATABASE, LEDGER}


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """A starter workspace, and what a job needs to reach its ledger, which is on a socket."""
    directory = tmp_path_factory.mktemp("job")
    reconciler("init", ".", cwd=directory)
    settings = directory / "reconciler.yaml"
    settings.write_text(settings.read_text().replace("  target: embedded\n", ""))
    database = f"sqlite:///{tmp_path_factory.mktemp('tenant') / 'ledger.db'}"
    with open_ledger(database, directory / "reference.yaml") as ledger:
        client, secret = ledger.issue_client("job")
        with on_a_socket(create_app(ledger)) as url:
            names = ("ZUORA_BASE_URL", "ZUORA_CLIENT_ID", "ZUORA_CLIENT_SECRET")
            keys = dict(zip(names, (url, client, secret), strict=True))
            reconciler("apply", "--auto-approve", cwd=directory, env=keys)
            yield directory, keys


def test_nothing_is_searched_for_garbage_when_a_command_ends(run: Run, books: Path) -> None:
    """It took a sixth of the processor time of a command."""
    watched = f"import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count())); {MAIN}"
    ended = run(sys.executable, "-c", watched, "version", cwd=books)
    assert int(ended.stdout.split()[-1]) > 10_000


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
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A starter workspace that was applied, and a saved plan with nothing to do."""
    directory = tmp_path_factory.mktemp("books")
    for words in ("init .", "apply --auto-approve", "plan --out plan.json"):
        reconciler(*words.split(), cwd=directory)
    return directory


def test_a_cache_depends_on_the_native_code_of_libraries() -> None:
    """It reads and judges, and to load the metadata of packages takes long."""
    counted = "\n".join(program_identity())
    for native in ("yaml/_yaml.", "jsonschema_rs/jsonschema_rs.", "msgspec/_core."):
        assert native in counted
