"""Every invariant is named by a test of the default suite; docs/reliability.md lists which."""

from functools import cache

import pytest
from named_tests import check_table, naming_tests, table_of

SERIES = ((1, 12), (20, 26), (30, 34), (40, 46), (50, 56), (60, 70), (80, 81))
INVARIANTS = tuple(f"I-{number:02}" for first, last in SERIES for number in range(first, last + 1))


@cache
def proofs() -> dict[str, list[str]]:
    """The tests that name an invariant, by invariant."""
    return naming_tests(INVARIANTS)


def test_every_invariant_is_proved_by_a_test() -> None:
    assert [name for name, tests in proofs().items() if not tests] == []


def test_the_list_of_proofs_is_current(request: pytest.FixtureRequest) -> None:
    check_table("reliability.md", "proofs", table_of(proofs(), "invariant"), request)
