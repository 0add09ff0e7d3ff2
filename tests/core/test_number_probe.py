"""Probing number by number: what it finds, where it ends, what it reports."""

from itertools import islice

import pytest
from builders import MARKER, WORKSPACE, address, live

from reconciler.core.model.kinds import RUN_ENTRY_KIND
from reconciler.core.recovery.number_probe import GAP, MOST_PROBED, Probe, numbers_after, order_of


def number(at):
    return f"JE-{at:08}"


def look(stands, begin=100):
    """A look at a ledger where these numbers stand, each with the name in its marker."""
    probe = Probe(kind=RUN_ENTRY_KIND, begin=number(begin), workspace=WORKSPACE, place=MARKER)
    asked = []
    while not probe.finished:
        batch = [each for _, each in probe.batch()]
        asked += batch
        probe.record({each: stands.get(each) for each in batch})
    return probe.search("no Data Query"), asked


def marked(name, **fields):
    return live(marker=f"{WORKSPACE}/{name}", **fields)


@pytest.mark.parametrize(
    ("after", "following"),
    [
        ("JE-00000009", ["JE-00000010", "JE-00000011"]),
        ("JE-99999999", ["JE-100000000", "JE-100000001"]),
        ("JE-00000000", ["JE-00000001", "JE-00000002"]),
    ],
)
def test_numbers_rise_past_their_width(after, following):
    assert list(islice(numbers_after(after), 2)) == following
    assert sorted([*following, after], key=order_of) == [after, *following]


def test_what_carries_a_marker_is_found_wherever_it_stands():
    found, asked = look(
        {number(100): marked("a"), number(149): marked("b"), number(180): marked("c")}
    )
    assert {each.name: numbers for each, numbers in found.numbers.items()} == {
        "a": (number(100),),
        "b": (number(149),),
        "c": (number(180),),
    }
    assert (found.everything, found.failure) == (True, "")
    assert found.probed == f"{number(100)} to {asked[-1]}"
    assert len(set(asked)) == len(asked)


def test_a_gap_is_taken_for_the_end():
    beyond = number(100 + GAP + GAP)
    found, asked = look({beyond: marked("a")})
    assert (found.numbers, asked[-1]) == ({}, number(100 + GAP - 1))


def test_a_hole_is_none():
    found, _ = look({number(100 + GAP - 1): marked("a"), number(99 + 2 * GAP - 1): marked("b")})
    assert {each.name for each in found.numbers} == {"a", "b"}


@pytest.mark.parametrize(
    "stands",
    [
        pytest.param(marked("a", status="Cancelled"), id="cancelled"),
        pytest.param(live(marker="others/a"), id="of others"),
        pytest.param(live(marker=None), id="nobody's"),
    ],
)
def test_what_is_no_entry_of_the_workspace_is_passed_over(stands):
    found, asked = look({number(120): stands})
    assert found.numbers == {}
    assert asked[-1] >= number(120 + GAP)


def test_a_busy_ledger_is_not_read_for_ever_and_nothing_is_claimed():
    """I-11: however much stands there, and what is found on the way is found."""

    class Everything(dict):
        def get(self, key, default=None):
            return marked("a") if key == number(101) else live(marker=None)

    found, asked = look(Everything())
    assert len(asked) == MOST_PROBED
    assert (found.everything, found.numbers) == (False, {address("a"): (number(101),)})
    assert "there are more numbers" in found.failure
