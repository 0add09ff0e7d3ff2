"""The books of the journeys, for tests of the command line."""

import shutil
import sys
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "journey"))

from books_fixtures import (  # noqa: F401 - fixtures are found by their names here
    empty,
    empty_template,
    opened,
    plain_environment,
    served_small,
    small,
    small_template,
)
from books_harness import ServedBooks


@pytest.fixture(scope="module")
def served_small_shared(small_template, tmp_path_factory):  # noqa: F811 - a fixture's name
    """Six applied entries on a served ledger, for a module's tests that change nothing."""
    root = shutil.copytree(small_template, tmp_path_factory.mktemp("shared") / "books")
    with closing(ServedBooks(Path(root))) as books:
        yield books
