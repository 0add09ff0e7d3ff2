"""Differences inside nested values are named by their path."""

from decimal import Decimal

import pytest
from builders import KIND

from reconciler.core.planning.diff import Difference, differences, inside


def part(name, value, **more):
    return {"segmentName": name, "segmentValue": value, **more}


F, E = part("Department", "Finance"), part("Region", "EMEA")


@pytest.mark.parametrize(
    ("name", "before", "after", "found"),
    [
        pytest.param(
            "segments",
            (F, E),
            (E, part("Department", "Sales")),
            [("Department", "Finance", "Sales")],
            id="a value",
        ),
        pytest.param("segments", (F, E), (F,), [("Region", "EMEA", None)], id="a part fewer"),
        pytest.param("segments", None, (F,), [("Department", None, "Finance")], id="a part more"),
        pytest.param(
            "segments",
            (part("Region", "EMEA", code=Decimal("1.0")),),
            (part("Region", "EMEA", code=Decimal(2)),),
            [("Region.code", "1", "2")],
            id="one of several fields of a part",
        ),
        pytest.param("segments", (F, F), (F,), [], id="names that are not unique name nothing"),
        pytest.param("notes", "a", "b", [], id="a field without parts"),
    ],
)
def test_parts_are_named(name, before, after, found):
    assert [
        (item.path, item.before, item.after) for item in inside(KIND, name, before, after)
    ] == found


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param(
            {"a": [1, 1, 2]}, {"a": [1, 2, 2]}, [("a.1", "1", "2")], id="repetition is not lost"
        ),
        pytest.param({"a": None}, {"a": "x"}, [("a", None, "x")], id="from nothing"),
        pytest.param({}, {"a": {"b": True}}, [("a", None, '{"b":true}')], id="a whole mapping"),
        pytest.param(
            {"b": "1", "a": "1"},
            {"a": "2", "b": "2"},
            [("a", "1", "2"), ("b", "1", "2")],
            id="order",
        ),
        pytest.param({"a": Decimal("1.5")}, {"a": "1.5"}, [("a", "1.5", "1.5")], id="another sort"),
    ],
)
def test_places_are_named_in_order(before, after, found):
    assert differences(before, after) == tuple(
        Difference(path=path, before=was, after=now) for path, was, now in found
    )
