"""Ledgers for tests: copies of one seeded database, in process and over a socket."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ledger_bench import PROCESS, REFERENCE, SOCKET, Bench, url_of

from reconciler.ledger import open_ledger


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database seeded with the tests' reference, closed, to be copied."""
    path = tmp_path_factory.mktemp("template") / "ledger.db"
    open_ledger(url_of(path), REFERENCE).close()
    return path


@pytest.fixture(params=[PROCESS, SOCKET])
def bench(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Iterator[Bench]:
    """A ledger of the test's own, in process and over a socket."""
    bench = Bench(shutil.copy(template, tmp_path), mode=request.param)
    yield bench
    bench.close()


@pytest.fixture
def make_bench(template: Path, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Makes ledgers with options of the app, from the template or from a `reference`."""
    made: list[Bench] = []

    def make(*, reference: Any = None, **options: Any) -> Bench:
        path = tmp_path / f"ledger-{len(made)}.db"
        if reference is None:
            shutil.copy(template, path)
        made.append(Bench(path, reference=reference, **options))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture(scope="module", params=[PROCESS, SOCKET])
def shared(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """A ledger for a module's tables of cases that do not disturb each other."""
    bench = Bench(shutil.copy(template, tmp_path_factory.mktemp("shared")), mode=request.param)
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def caller(shared: Bench) -> Any:
    """A client of the shared ledger with the standard permissions."""
    return shared.client()
