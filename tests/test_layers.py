"""Rules about the code itself: imports point inward, kinds are data, money is no float."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "reconciler"
MODULES = sorted(PACKAGE.rglob("*.py"))

STDLIB = frozenset(sys.stdlib_module_names)
EFFECTS = frozenset(
    {"asyncio", "ctypes", "glob", "http", "io", "locale", "logging", "multiprocessing", "os"}
    | {"pathlib", "platform", "random", "secrets", "select", "shutil", "signal", "socket"}
    | {"sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib", "uuid"}
    | {"zoneinfo"}
)
"""What reaches outside: files, network, clock, environment, chance. Not for the pure layers."""

MAX_LINES = 400


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What the modules under a path may import: of ours, and of others beside the stdlib."""

    ours: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    pure: bool = False


def layer(ours: str = "", others: str = "", *, pure: bool = False) -> Layer:
    return Layer(ours=frozenset(ours.split()), others=frozenset(others.split()), pure=pure)


LAYERS = {
    "core": layer("core errors", "deepdiff iso4217 msgspec", pure=True),
    "render": layer("core render errors", "jinja2", pure=True),
    "workspace": layer("core workspace errors", "yaml jsonschema jsonschema_rs referencing"),
    "http_client": layer("core http_client errors", "certifi httpcore httpx"),
    "zuora": layer("core zuora errors http_client", "httpx"),
    "forge": layer("core errors forge http_client", "httpx"),
    "git": layer("core errors git"),
    "ledger": layer(
        "ledger",
        "alembic click falcon iso4217 jinja2 msgspec psycopg sqlalchemy sqlglot waitress yaml",
    ),
}
"""By folder. The ledger is written as if by somebody else, and imports nothing of ours."""

OUTWARD = {
    "errors": layer(),
    "daybook": layer("core daybook errors", "sqlalchemy msgspec psycopg"),
    "engine": layer("core daybook engine errors"),
}
"""What acts through protocols: the engine joins core to the daybook, and never reaches an edge."""


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    """`core/kinds/kind.py`."""
    return path.relative_to(PACKAGE).as_posix()


def part_of(path: Path) -> str:
    """The folder or the module a file belongs to: `core`, `apply`."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def absolute(path: Path, node: ast.ImportFrom) -> str:
    """The whole name of the module that is imported from."""
    if not node.level:
        return node.module or ""
    package = path.relative_to(ROOT).parts[: -node.level]
    return ".".join([*package, *filter(None, [node.module])])


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module with its line, those inside functions and TYPE_CHECKING included."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = absolute(path, node)
            yield module, node.lineno
            if module == "reconciler":
                yield from ((f"reconciler.{alias.name}", node.lineno) for alias in node.names)


def within(part: str) -> list[Path]:
    return [path for path in MODULES if part_of(path) == part]


def layered() -> list[Path]:
    return [path for path in MODULES if part_of(path) in (*LAYERS, *OUTWARD)]


@pytest.mark.parametrize("path", layered(), ids=name_of)
def test_imports_point_inward(path):
    rule = {**LAYERS, **OUTWARD}[part_of(path)]
    strangers = []
    for module, line in imports_of(path):
        top, _, rest = module.partition(".")
        ours = rest.partition(".")[0]
        if top == "reconciler":
            allowed = ours in ({"", "__version__", part_of(path)} | rule.ours)
        elif top in STDLIB:
            allowed = not (rule.pure and top in EFFECTS)
        else:
            allowed = top in rule.others
        if not allowed:
            strangers.append(f"{name_of(path)}:{line}: {module}")
    assert strangers == []


DISTRIBUTIONS = {
    "jsonschema_rs": "jsonschema-rs",
    "yaml": "pyyaml",
}
"""Packages that are imported under another name than they are installed by."""


def test_what_is_imported_is_declared():
    """A package that only comes along with another may go when that one no longer needs it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    items = [*project["dependencies"], *project["optional-dependencies"]["postgresql"]]
    stated = {re.match(r"[A-Za-z0-9._-]+", item)[0].lower() for item in items}
    imported = (
        {module.partition(".")[0] for path in MODULES for module, _ in imports_of(path)}
        - STDLIB
        - {"reconciler"}
    )
    undeclared = {name for name in imported if DISTRIBUTIONS.get(name, name) not in stated}
    assert undeclared == set()


def test_every_part_has_its_rule():
    """`cli` is where everything meets; whatever else there is keeps to a layer."""
    free = {"app", "cli", "__init__", "__main__"}
    assert {part_of(path) for path in MODULES} - free == {*LAYERS, *OUTWARD}


def test_nothing_imports_the_command_line():
    """But the command line itself, and the module that starts it."""
    importing = {
        name_of(path)
        for path in MODULES
        if part_of(path) not in ("app", "cli", "__main__")
        and any(module.startswith("reconciler.cli") for module, _ in imports_of(path))
    }
    assert importing == set()


KINDS = {"JournalEntry", "JournalRun"}


def kinds_named_in(path: Path) -> Iterator[int]:
    """Lines that compare something with the name of a kind, or look it up by one."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        else:
            continue
        flat = [
            item
            for part in parts
            for item in (part.elts if isinstance(part, ast.Tuple | ast.List | ast.Set) else [part])
        ]
        if any(isinstance(item, ast.Constant) and item.value in KINDS for item in flat):
            yield node.lineno


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if not name_of(path).startswith(("core/model/kinds/", "ledger/"))],
    ids=name_of,
)
def test_only_core_kinds_names_a_kind(path):
    assert [f"{name_of(path)}:{line}" for line in kinds_named_in(path)] == []


def floats_in(path: Path) -> Iterator[int]:
    for node in ast.walk(tree_of(path)):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        called = isinstance(node, ast.Call) and (
            isinstance(node.func, ast.Name) and node.func.id == "float"
        )
        divided = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
        # A path is joined with the same sign; core has none, so there it is arithmetic.
        if literal or called or (divided and part_of(path) == "core"):
            yield node.lineno


@pytest.mark.parametrize("path", [*within("core"), *within("workspace")], ids=name_of)
def test_i53_there_is_no_float_where_money_is(path):
    assert [f"{name_of(path)}:{line}" for line in floats_in(path)] == []


def float_parsers_in(path: Path) -> Iterator[str]:
    """Calls that would read a JSON number as a float."""
    for node in ast.walk(tree_of(path)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        named = {keyword.arg for keyword in node.keywords}
        if owner == "json" and node.func.attr in ("load", "loads") and "parse_float" not in named:
            yield f"{name_of(path)}:{node.lineno}: json.{node.func.attr} without parse_float"


@pytest.mark.parametrize(
    "path",
    [*within("core"), *within("workspace"), *within("zuora"), *within("http_client")],
    ids=name_of,
)
def test_i53_json_numbers_are_read_with_all_their_digits(path):
    assert list(float_parsers_in(path)) == []


VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "base"}


def test_no_module_has_a_name_that_says_nothing():
    vague = [
        name_of(path) for path in MODULES if VAGUE & {*path.relative_to(PACKAGE).parts, path.stem}
    ]
    assert vague == []


def test_a_module_is_read_in_a_sitting():
    """The aim is 300 lines."""
    sizes = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: size for name, size in sizes.items() if size > MAX_LINES} == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_opens_with_one_sentence(path):
    if not path.read_text(encoding="utf-8").strip():
        return
    docstring = ast.get_docstring(tree_of(path))
    assert docstring, f"{name_of(path)} has no docstring"
    opening = docstring.split("\n\n")[0]
    assert opening.endswith("."), opening
