"""What every test may use: golden files, and examples that are the same in every run."""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from postgresql_server import PostgreSQL, running
from statements import compile_once

from reconciler.core.model.variables import BUILD_SERVERS

# A run that decides about a change must not fail by chance; a sweep is there to find what it can.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("random", deadline=None, print_blob=True, max_examples=1000)

MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3
"""Bytes that must be free in memory before the files of the tests go there."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="rewrite golden files")
    parser.addoption(
        "--ledger-database",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="what the ledger's tests run on; some run on both by default",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Examples are repeatable in the default suite, or where HYPOTHESIS_PROFILE asks for it."""
    compile_once()
    keep_files_in_memory()
    # A ledger is never assumed in a CI job, and these tests may be one.
    for name in BUILD_SERVERS:
        os.environ.pop(name, None)
    # Most of what a test makes is let go with its last name, as in the command line.
    gc.set_threshold(200_000, 20, 50)
    usual = "repeatable" if "not long" in config.getoption("markexpr") else "random"
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", usual))


def pytest_collection_finish() -> None:
    """Nothing of what was collected becomes garbage, so that nothing looks at it again."""
    gc.freeze()


def keep_files_in_memory() -> None:
    """Put the files of all tests into memory where there is room, so that no sync waits for a disk.

    Those that the product, PostgreSQL and git make for themselves go there too. What must reach a
    disk is proved from the system calls, never from the disk itself. Whoever sets the variable
    decides for themselves.
    """
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("TMPDIR", str(MEMORY))
        tempfile.tempdir = None


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with `golden/NAME` beside the test, or writes it there under `--bless`."""
    folder = Path(request.path).parent / "golden"

    def check(name: str, text: str) -> None:
        file = folder / name
        if request.config.getoption("--bless"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        assert file.exists(), f"no golden file {file}: run pytest --bless, and review it"
        assert file.read_bytes().decode() == text

    return check


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server for all tests of this process; each makes a database of its own."""
    with running() as server:
        yield server
