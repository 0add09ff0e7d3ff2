"""The laboratory's fixtures, and the count of what was reached, kept over all workers.

A test that injects faults carries `reaches(fault, *points)`. A run in which a test was selected
and one of its points was never reached fails, and names it.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fault_counts import FOLDER, Tally, record, table
from fault_words import WORDS
from laboratory import REFERENCE, Lab
from ledger_databases import POSTGRESQL, SQLITE, Databases
from preparations import Preparations, Shared
from processes import Processes

from reconciler.ledger import open_ledger

HERE = Path(__file__).parent
# The bench of the tests of apply, which runs client and ledger in one process.
sys.path.insert(0, str(HERE.parent / "apply"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record-faults",
        type=Path,
        metavar="FILE",
        help="write the table of faults into a document",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Workers inherit the folder of the process that started them.
    if FOLDER not in os.environ:
        folder = os.environ[FOLDER] = tempfile.mkdtemp(prefix="fault-tally-")
        config.add_cleanup(lambda: os.environ.pop(FOLDER, None))
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_finish(session: pytest.Session) -> None:
    tally = Tally(folder=Path(os.environ[FOLDER]))
    for item in session.items:
        for mark in item.iter_markers("reaches"):
            tally.declare(*mark.args)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if hasattr(session.config, "workerinput") or exitstatus:
        return
    if Tally(folder=Path(os.environ[FOLDER])).read().missed():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    counts = Tally(folder=Path(os.environ[FOLDER])).read()
    if not counts.faults:
        return
    terminalreporter.section("faults")
    terminalreporter.write(table(counts, WORDS))
    missed = counts.missed()
    for name in missed[:50]:
        terminalreporter.write_line(f"never reached: {name}")
    if len(missed) > 50:
        terminalreporter.write_line(f"never reached: {len(missed) - 50} more")
    document = terminalreporter.config.getoption("--record-faults")
    if document is not None:
        record(document, counts, datetime.now(UTC).date())


@pytest.fixture(scope="session")
def tally() -> Tally:
    return Tally(folder=Path(os.environ[FOLDER]))


@pytest.fixture(scope="session")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Processes:
    return Processes(tmp_path_factory.mktemp("processes"))


@pytest.fixture
def processes(launched: Processes) -> Iterator[Processes]:
    """Processes of a test, which end with it."""
    yield launched
    launched.end_all()


@pytest.fixture(scope="session")
def preparations(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    launched: Processes,
    tally: Tally,
) -> Callable[[str, str], Preparations]:
    """The prepared workspaces whose ledger, and whose daybook, is on a kind of database."""

    def seed(url: str) -> None:
        open_ledger(url, REFERENCE).close()

    @cache
    def databases(kind: str) -> Databases:
        return Databases(kind, lambda: request.getfixturevalue("postgresql"), seed)

    @cache
    def of(kind: str, daybook: str) -> Preparations:
        folder = tmp_path_factory.mktemp(f"prepared-{kind}-{daybook}")
        shared = Shared(databases(POSTGRESQL)) if daybook == POSTGRESQL else None
        return Preparations(folder, databases(kind), launched, tally, daybooks=shared)

    return of


@pytest.fixture
def make_lab(
    preparations: Callable[[str, str], Preparations], processes: Processes, tmp_path: Path
) -> Iterator[Callable[..., Lab]]:
    """Makes laboratories: `make_lab(name, prepare, kind="sqlite", daybook="sqlite")`."""
    made: list[Lab] = []
    numbers = count()

    def make(
        name: str, prepare: Callable[[Lab], None], *, kind: str = SQLITE, daybook: str = SQLITE
    ) -> Lab:
        folder = tmp_path / f"lab-{next(numbers)}"
        lab = preparations(kind, daybook).copy(name, prepare, folder)
        made.append(lab)
        return lab

    yield make
    processes.end_all()
    for lab in made:
        lab.database.remove()
        if lab.daybook is not None:
            lab.daybook.database.remove()
