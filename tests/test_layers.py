"""Rules about the code itself, over the whole tree: layers, circles, names, sizes, no float.

Each rule is one test that lists every breach. docs/architecture.md draws the layers.
"""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "reconciler"

STDLIB = frozenset(sys.stdlib_module_names)
EFFECTS = frozenset(
    {"asyncio", "ctypes", "glob", "http", "io", "locale", "logging", "multiprocessing", "os"}
    | {"pathlib", "platform", "random", "secrets", "select", "shutil", "signal", "socket"}
    | {"sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib", "uuid"}
    | {"zoneinfo"}
)
"""What reaches outside: files, network, clock, environment, chance. Not for the pure layers."""


@dataclass(frozen=True, kw_only=True)
class Module:
    """A module of the package: its path below it, as `core/model/kinds/kind.py`, and its tree."""

    name: str
    tree: ast.Module
    lines: int

    @property
    def dotted(self) -> str:
        """`reconciler.core.model.kinds`."""
        parts = ["reconciler", *self.name.removesuffix(".py").split("/")]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def folder(self) -> str:
        """`core/model/kinds`; empty for the root of the package."""
        return self.name.rpartition("/")[0]

    @cached_property
    def imports(self) -> tuple[tuple[str, int], ...]:
        """Every imported name with its line, those inside functions and TYPE_CHECKING included.

        A name that is imported from a package of ours counts with the package: it may be a module.
        """
        return tuple(self._imports())

    def _imports(self) -> Iterator[tuple[str, int]]:
        package = ["reconciler", *filter(None, self.folder.split("/"))]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else []
                module = ".".join([*base, *filter(None, [node.module])])
                for alias in node.names:
                    whole = f"{module}.{alias.name}"
                    yield (whole if whole in dotted_names() else module), node.lineno


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package, each read and parsed once."""
    return tuple(parsed(path, below=PACKAGE) for path in sorted(PACKAGE.rglob("*.py")))


def parsed(path: Path, *, below: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(
        name=path.relative_to(below).as_posix(),
        tree=ast.parse(text, filename=str(path)),
        lines=len(text.splitlines()),
    )


@cache
def dotted_names() -> frozenset[str]:
    return frozenset(module.dotted for module in modules())


def outside_ledger() -> tuple[Module, ...]:
    return tuple(module for module in modules() if not module.name.startswith("ledger/"))


def below(*folders: str) -> tuple[Module, ...]:
    return tuple(
        module
        for module in modules()
        if any(module.name.startswith(f"{folder}/") for folder in folders)
    )


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What the modules of a folder may import: of ours, and of others beside the stdlib."""

    ours: frozenset[str]
    others: frozenset[str]
    pure: bool


def layer(ours: str = "", others: str = "", *, pure: bool = False) -> Layer:
    return Layer(ours=frozenset(ours.split()), others=frozenset(others.split()), pure=pure)


LAYERS: Mapping[str, Layer] = {
    "errors.py": layer(),
    "values.py": layer("", "msgspec", pure=True),
    "core/model": layer("errors.py values.py", "msgspec", pure=True),
    "core/rules": layer("core/model", pure=True),
    "core/planning": layer("core/rules", "deepdiff", pure=True),
    "core/documents": layer("core/planning", "msgspec", pure=True),
    "core/recovery": layer("core/planning", pure=True),
    "core/planner.py": layer("core/documents", pure=True),
    "core": layer("core/planner.py core/recovery", pure=True),
    "workspace": layer("core", "openpyxl yaml jsonschema_rs msgspec"),
    "http_client": layer("core/model", "certifi httpcore"),
    "zuora": layer("http_client"),
    "forge": layer("http_client"),
    "git": layer("core/model"),
    "daybook": layer("core/model", "certifi msgspec psycopg"),
    "engine": layer("core daybook"),
    "render": layer("core", "jinja2 rich", pure=True),
    "ledger": layer(
        "",
        "alembic click falcon jinja2 msgspec psycopg sqlalchemy sqlglot waitress yaml",
    ),
    "app": layer("engine zuora forge git workspace ledger", "msgspec"),
    "cli": layer("app render", "click rich"),
}
"""By folder or module, from the inside out. A layer may import those it names, and what those may.

The ledger is written as if by somebody else, and imports nothing of ours.
"""


def layer_of(place: str) -> str:
    """The longest row of the table that a path lies in; empty when there is none."""
    rows = [row for row in LAYERS if place == row or place.startswith(f"{row}/")]
    return max(rows, key=len, default="")


def reachable(row: str) -> frozenset[str]:
    """A layer with all the layers that it may import."""
    return frozenset({row}).union(*map(reachable, LAYERS[row].ours))


def place_of(dotted: str) -> str:
    """Where a dotted name of ours lies below the package: `core/planner.py`, `core/model`."""
    path = "/".join(dotted.split(".")[1:])
    return f"{path}.py" if (PACKAGE / f"{path}.py").is_file() else path


def test_imports_point_inward():
    breaches = []
    for module in modules():
        row = layer_of(module.name)
        if not row:
            continue
        for imported, line in module.imports:
            top = imported.partition(".")[0]
            if top == "reconciler":
                target = layer_of(place_of(imported))
                allowed = imported == "reconciler" or target in reachable(row)
            elif top in STDLIB:
                allowed = not (LAYERS[row].pure and top in EFFECTS)
            else:
                allowed = top in LAYERS[row].others
            if not allowed:
                breaches.append(f"{module.name}:{line}: {imported}")
    assert breaches == []


def test_every_module_has_a_layer():
    """The root of the package holds no logic: a version, and what starts the command line."""
    outside = {module.name for module in modules() if not layer_of(module.name)}
    assert outside == {"__init__.py", "__main__.py"}


EMBEDDED = {"app/connection.py", "app/rehearsing.py", "cli/ledger.py"}
"""The modules that may import the embedded ledger: to use it, to rehearse on one, to serve it."""


def test_the_embedded_ledger_is_opened_in_three_places():
    importing = {
        module.name
        for module in outside_ledger()
        if any(name.startswith("reconciler.ledger") for name, _ in module.imports)
    }
    assert importing <= EMBEDDED


EDGES = {"workspace", "http_client", "zuora", "forge", "git", "daybook", "engine"}
"""What the command line reaches through the application layer alone."""


def test_the_command_line_opens_no_edge():
    breaches = [
        f"{module.name}:{line}: {name}"
        for module in below("cli")
        for name, line in module.imports
        if name.startswith("reconciler.") and name.split(".")[1] in EDGES
    ]
    assert breaches == []


Graph: TypeAlias = Mapping[str, frozenset[str]]


def circles_in(graph: Graph) -> list[str]:
    """Every group of nodes that reach each other, each as one line."""
    reach: dict[str, frozenset[str]] = {}

    def reached(start: str) -> frozenset[str]:
        if start not in reach:
            seen: set[str] = set()
            ahead = [*graph.get(start, ())]
            while ahead:
                node = ahead.pop()
                if node not in seen:
                    seen.add(node)
                    ahead += graph.get(node, ())
            reach[start] = frozenset(seen)
        return reach[start]

    groups = {
        frozenset(other for other in reached(node) if node in reached(other))
        for node in graph
        if node in reached(node)
    }
    return sorted(" <-> ".join(sorted(group)) for group in groups)


def graph_of(node_of: Callable[[Module], str]) -> Graph:
    """Which groups of modules import which others. A package is what its `__init__` holds."""
    by_name = {module.dotted: module for module in modules()}
    graph: dict[str, set[str]] = defaultdict(set)
    for module in modules():
        for imported, _ in module.imports:
            target = by_name.get(imported)
            if target is not None and node_of(target) != node_of(module):
                graph[node_of(module)].add(node_of(target))
    return {node: frozenset(targets) for node, targets in graph.items()}


def test_modules_do_not_import_each_other_in_circles():
    assert circles_in(graph_of(lambda module: module.name)) == []


def test_folders_do_not_import_each_other_in_circles():
    """A folder below another is a part of it, but for the rooms of core and of the ledger."""

    def folder(module: Module) -> str:
        first, _, rest = module.name.partition("/")
        if first in ("core", "ledger") and "/" in rest:
            return f"{first}/{rest.partition('/')[0]}"
        return module.name if first in ("core", "ledger") else first

    assert circles_in(graph_of(folder)) == []


COMPILED = (
    *("app/session.py", "engine/observe.py", "http_client/", "ledger/", "values.py"),
    *("zuora/calls.py", "zuora/pagination.py"),
)
"""Where dataclasses are those of the standard library: they have a base or are one, or msgspec is
not loaded.
"""


def test_a_dataclass_is_not_compiled_when_it_is_loaded():
    assert [
        module.name
        for module in modules()
        if "dataclasses.dataclass" in dict(module.imports) and not module.name.startswith(COMPILED)
    ] == []


SAME_SUBJECT = {
    "apply": {"engine", "app", "cli"},
    "approvals": {"core/planning", "git", "app", "render"},
    "plan_comparison": {"core/documents", "render"},
    "comment": {"app", "render", "cli"},
    "daybook": {"daybook", "app", "cli"},
    "connection": {"zuora", "app"},
    "doctor": {"app", "cli"},
    "errors": {"", "zuora"},
    "explain": {"app", "cli"},
    "journal_runs": {"core/rules", "render"},
    "open_calls": {"core/recovery", "render"},
    "plan": {"core/model", "app", "cli"},
    "report": {"core/model", "render"},
    "sheet_import": {"core/model/sheets", "render"},
    "tenant": {"core/model", "core/rules"},
}
"""One subject in several layers has one name in each. Whatever else shares a name is a mistake."""


def repeated(names: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """The names that stand in more than one place, with their places."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, place in names:
        found[name].add(place)
    return {name: places for name, places in found.items() if len(places) > 1}


def test_a_module_has_a_name_of_its_own():
    stems = (
        (module.name.rpartition("/")[2].removesuffix(".py"), module.folder)
        for module in outside_ledger()
        if not module.name.endswith("__init__.py")
    )
    breaches = (
        f"{name}: {', '.join(sorted(places))}"
        for name, places in repeated(stems).items()
        if not places <= SAME_SUBJECT.get(name, set())
    )
    assert sorted(breaches) == []


def test_a_public_class_has_a_name_of_its_own():
    classes = (
        (node.name, module.name)
        for module in outside_ledger()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    breaches = (f"{name}: {', '.join(sorted(at))}" for name, at in repeated(classes).items())
    assert sorted(breaches) == []


METAPHORS = {
    "pen", "sight", "door", "doors", "heart", "desk", "world", "whereabouts", "house", "tongue",
    "book", "books", "carry", "carrying", "rescue", "rescuing", "patience", "word", "words",
}  # fmt: skip
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "base"}


def test_a_name_is_a_term_of_the_field():
    """No module, folder, class or function is named by a metaphor, or by nothing at all."""
    breaches = []
    for module in modules():
        names = {*module.name.removesuffix(".py").split("/")}
        names |= {
            node.name
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
        }
        for name in sorted(names):
            parts = {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
            if parts & METAPHORS or name.lower() in VAGUE:
                breaches.append(f"{module.name}: {name}")
    assert sorted(breaches) == []


WRITES = {
    "print", "click.echo", "click.secho", "sys.stdout", "sys.stderr", "sys.__stdout__",
    "sys.__stderr__", "logging.StreamHandler", "logging.basicConfig", "traceback.print_exc",
    "os.write", "Console",
}  # fmt: skip
WRITERS = {
    "cli/streams.py": WRITES,
    "cli/__init__.py": {"os.write"},
    "engine/spill.py": {"os.write"},
    "http_client/in_process.py": {"sys.stderr"},
}
"""The only writer to stdout and stderr, and what is none.

One writes a fixed text, one writes to its own file, and one hands a stream to a WSGI application.
"""


def test_one_module_writes_to_the_standard_streams():
    """Whatever leaves the process passes its encoder and its redactor."""
    breaches = [
        f"{module.name}:{node.lineno}: {name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name | ast.Attribute)
        and (name := ast.unparse(node)) in WRITES - WRITERS.get(module.name, set())
    ]
    assert breaches == []


def test_a_module_is_read_in_a_sitting():
    """The aim is 300 lines."""
    assert {module.name: module.lines for module in modules() if module.lines > 400} == {}


def test_a_folder_is_looked_through_at_a_glance():
    sizes: dict[str, int] = defaultdict(int)
    for module in modules():
        sizes[module.folder] += not module.name.endswith("__init__.py")
    assert {folder: size for folder, size in sizes.items() if size > 22} == {}


def test_the_package_does_not_grow_without_reason():
    """Raise the limit in the commit that needs it, and say there what for."""
    assert sum(module.lines for module in modules()) <= 61_385


def test_the_command_line_imports_late_only_what_is_heavy():
    late = [
        f"{module.name}:{node.lineno}"
        for module in below("cli")
        for function in ast.walk(module.tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert len(late) <= 16, late


def test_a_module_opens_with_one_sentence():
    breaches = []
    for module in modules():
        opening = (ast.get_docstring(module.tree) or "").split("\n\n")[0]
        if module.lines and not opening.endswith("."):
            breaches.append(f"{module.name}: {opening}")
    assert breaches == []


DISTRIBUTIONS = {
    "jsonschema_rs": "jsonschema-rs",
    "yaml": "pyyaml",
}
"""Packages that are imported under another name than they are installed by."""

SCRIPTS = ("demo/*.py", "docs/examples/*.py", "tests/platforms/run_*.py")
"""What runs where the product is installed, without the tools of development."""


def test_what_is_imported_is_declared():
    """A package that only comes along with another may go when that one no longer needs it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    used = (extras[name] for name in ("ledger", "postgresql", "xlsx"))
    items = [*project["dependencies"], *chain.from_iterable(used)]
    stated = {re.match(r"[A-Za-z0-9._-]+", item)[0].lower() for item in items}
    scripts = [path for pattern in SCRIPTS for path in ROOT.glob(pattern)]
    imported = (
        {
            name.partition(".")[0]
            for module in (*modules(), *(parsed(path, below=ROOT) for path in scripts))
            for name, _ in module.imports
        }
        - STDLIB
        - {"reconciler"}
    )
    undeclared = {name for name in imported if DISTRIBUTIONS.get(name, name) not in stated}
    assert undeclared == set()


KINDS = {"JournalEntry", "JournalRun"}


def kinds_named_in(tree: ast.Module) -> Iterator[int]:
    """Lines that compare something with the name of a kind, or look it up by one."""
    for node in ast.walk(tree):
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


def test_only_core_kinds_names_a_kind():
    assert [
        f"{module.name}:{line}"
        for module in outside_ledger()
        if not module.name.startswith("core/model/kinds/")
        for line in kinds_named_in(module.tree)
    ] == []


def floats_in(module: Module) -> Iterator[int]:
    for node in ast.walk(module.tree):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        called = isinstance(node, ast.Call) and (
            isinstance(node.func, ast.Name) and node.func.id == "float"
        )
        divided = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
        # A path is joined with the same sign; core has none, so there it is arithmetic.
        if literal or called or (divided and module.name.startswith("core/")):
            yield node.lineno


def test_i53_there_is_no_float_where_money_is():
    assert [
        f"{module.name}:{line}"
        for module in below("core", "workspace")
        for line in floats_in(module)
    ] == []


def float_parsers_in(module: Module) -> Iterator[str]:
    """Calls that would read a JSON number as a float."""
    for node in ast.walk(module.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        named = {keyword.arg for keyword in node.keywords}
        if owner == "json" and node.func.attr in ("load", "loads") and "parse_float" not in named:
            yield f"{module.name}:{node.lineno}: json.{node.func.attr} without parse_float"


def test_i53_json_numbers_are_read_with_all_their_digits():
    assert [
        breach
        for module in below("core", "workspace", "zuora", "http_client")
        for breach in float_parsers_in(module)
    ] == []
