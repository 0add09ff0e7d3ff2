"""Ledgers seeded once and copied for each test."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from apply_harness import (
    REFERENCE,
    Bench,
)
from apply_runs import load

from reconciler.daybook import Daybook
from reconciler.engine.spill import SpillingDaybook
from reconciler.errors import DaybookError
from reconciler.ledger import open_ledger


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "ledger.db"
    open_ledger(f"sqlite:///{path}", REFERENCE).close()
    return path


@pytest.fixture
def make_bench(template: Path, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Makes benches, each with a ledger and a daybook of its own."""
    made: list[Bench] = []

    def make(**options: Any) -> Bench:
        root = tmp_path / f"bench-{len(made)}"
        root.mkdir()
        shutil.copy(template, root / "ledger.db")
        made.append(Bench(root, **options))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """A bench in process."""
    return make_bench()


@pytest.fixture(
    params=[
        pytest.param(False, id="in process"),
        pytest.param(True, id="on a socket", marks=pytest.mark.long),
    ]
)
def either(request: pytest.FixtureRequest, make_bench: Callable[..., Bench]) -> Bench:
    """A bench in process, and one on a socket."""
    return make_bench(over_socket=request.param)


@pytest.fixture
def books(bench, tmp_path):
    """The ledger of the documents' worked example: a run over it makes ten entries."""
    load(bench, tmp_path)
    return bench


@pytest.fixture
def copied(bench):
    """Takes a copy of the daybook, and puts it back."""

    def take():
        shutil.copy(bench.daybook_path, bench.root / "copy.db")

    def restore():
        for path in bench.root.glob("daybook.db*"):
            path.unlink()
        shutil.copy(bench.root / "copy.db", bench.daybook_path)

    return take, restore


@pytest.fixture
def without_room(bench, monkeypatch):
    """A block in which the daybook takes no outcome, so that the spill file gets all of them."""
    path = bench.root / "daybook.db.rescue"

    @contextlib.contextmanager
    def block():
        def conclude(book, intent, outcome):
            def full(*_, **__):
                raise DaybookError("the disk is full", remedy="")

            with monkeypatch.context() as patch:
                patch.setattr(book, "record_outcome", full, raising=False)
                SpillingDaybook(book, path, show=print).record_outcome(intent, outcome)

        with monkeypatch.context() as patch:
            patch.setattr(Daybook, "record_outcome", conclude)
            yield

    return path, block
