"""Scenarios of trust: without its evidence, a promise becomes a refusal that names it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "journey"))
sys.path.insert(0, str(Path(__file__).parents[1] / "forge"))

from books_fixtures import (  # noqa: F401 - fixtures are found by their names here
    billing,
    empty,
    empty_template,
    opened,
    plain_environment,
    served_small,
    small,
    small_template,
)
from books_harness import EMBEDDED


@pytest.fixture
def place():
    return EMBEDDED
