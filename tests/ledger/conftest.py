"""Ledgers for tests: copies of one seeded database, in process and over a socket.

Where the way to the ledger tells nothing new, the socket is left to the long sweep.

`--ledger-database` says what they run on. Tests marked `both_databases` run on PostgreSQL as well
in the default suite; those marked `only_sqlite` say something about files, those marked
`only_postgresql` about connections to a server.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ledger_databases import SQLITE, Database, Databases, kinds_for
from ledger_harness import PROCESS, REFERENCE, SOCKET, Bench
from postgresql_server import PostgreSQL

from reconciler.ledger import open_ledger


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "databases" in metafunc.fixturenames:
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        kinds = kinds_for(metafunc.config.getoption("--ledger-database"), marks)
        if kinds != (SQLITE,):
            metafunc.parametrize("databases", kinds, indirect=True, scope="session")


WIRE = frozenset(
    f"test_ledger_{name}" for name in ("access", "envelope", "idempotency", "lifecycle", "limits")
)
"""Modules about headers, bodies and connections: they go over a socket in the default suite too."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        params = getattr(item, "callspec", None) and item.callspec.params.values()
        if params and SOCKET in params and item.path.stem not in WIRE:
            item.add_marker(pytest.mark.long)
    if config.getoption("--ledger-database") != SQLITE:
        for item in items:
            if any(item.iter_markers("only_sqlite")):
                item.add_marker(pytest.mark.skip(reason="says something about files of SQLite"))


@pytest.fixture(scope="session")
def made_databases() -> dict[str, Databases]:
    """What makes databases, by their kind: what a test asks for changes between tests."""
    return {}


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, made_databases: dict[str, Databases]) -> Databases:
    """Makes databases of the kind that a test runs on; a server is started when one is needed."""
    kind = getattr(request, "param", SQLITE)

    def seed(url: str) -> None:
        open_ledger(url, REFERENCE).close()

    def server() -> PostgreSQL:
        return request.getfixturevalue("postgresql")

    return made_databases.setdefault(kind, Databases(kind, server, seed))


@pytest.fixture
def make_database(databases: Databases, tmp_path: Path) -> Iterator[Callable[..., Database]]:
    """Makes databases of the test's own: seeded, or `empty`."""
    made: list[Database] = []

    def make(*, empty: bool = False) -> Database:
        made.append(databases.new(tmp_path) if empty else databases.copy(tmp_path))
        return made[-1]

    yield make
    for database in made:
        database.remove()


@pytest.fixture
def database(make_database: Callable[..., Database]) -> Database:
    """An empty database."""
    return make_database(empty=True)


@pytest.fixture
def seeded(make_database: Callable[..., Database]) -> Database:
    """A database seeded with the tests' reference."""
    return make_database()


@pytest.fixture(params=[PROCESS, SOCKET])
def bench(request: pytest.FixtureRequest, seeded: Database) -> Iterator[Bench]:
    """A ledger of the test's own, in process and over a socket."""
    bench = Bench(seeded, mode=request.param)
    yield bench
    bench.close()


@pytest.fixture
def make_bench(make_database: Callable[..., Database]) -> Iterator[Callable[..., Bench]]:
    """Makes ledgers with options of the app, on seeded databases or with a `reference`."""
    made: list[Bench] = []

    def make(*, reference: Any = None, **options: Any) -> Bench:
        database = make_database(empty=reference is not None)
        made.append(Bench(database, reference=reference, **options))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture(scope="module", params=[PROCESS, SOCKET])
def shared(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """A ledger for a module's tables of cases that do not disturb each other."""
    bench = Bench(databases.copy(tmp_path_factory.mktemp("shared")), mode=request.param)
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def caller(shared: Bench) -> Any:
    """A client of the shared ledger with the standard permissions."""
    return shared.client()
