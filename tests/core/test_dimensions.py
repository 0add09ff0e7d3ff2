"""The impact by dimension: a row is divided where it would hide a movement of money."""

from collections import defaultdict
from decimal import Decimal

import pytest
from builders import (
    credit,
    debit,
    declared,
    entry,
    live,
    plan_for,
    plan_of,
    recorded,
    snapshot,
    tenant_of,
)
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.documents import plan_file
from reconciler.core.documents.plan_file import plan_text
from reconciler.core.model.money import total
from reconciler.core.planner import make_plan
from reconciler.core.planning.dimensions import dividing
from reconciler.core.planning.impact import impact_of
from reconciler.render.plan_view import view_of

BY_TEAM = tenant_of(dimensions=("Team__c",), segments=None)
BY_BOTH = tenant_of(dimensions=("Team__c", "Project__c"), segments=("Region",))
CODE = "Deferred Revenue"


def team(*values):
    """An entry with a debit of 1 for each team."""
    lines = [debit("1", Team__c=value) if value else debit("1") for value in values]
    return entry(*lines, credit(str(len(values))))


def department(value, *lines):
    return entry(*lines, segments=({"segmentName": "Department", "segmentValue": value},))


def parts(plan, code=CODE):
    """The dimensions and the net change of the rows of a code."""
    return [
        ("/".join(row.dimensions.values()), str(row.net_change))
        for row in plan.impact
        if row.code == code
    ]


@pytest.mark.parametrize(
    ("new", "old", "tenant", "expected"),
    [
        pytest.param(team("a", "b"), None, BY_TEAM, [("", "2")], id="both rise: one row"),
        pytest.param(
            team("a", "b"), team("a", "c"), BY_TEAM, [("a", "0"), ("b", "1"), ("c", "-1")],
            id="replaced: from c to b",
        ),
        pytest.param(
            team("b"), team("a"), BY_TEAM, [("a", "-1"), ("b", "1")], id="updated in place"
        ),
        pytest.param(team("b"), team("a"), tenant_of(), [], id="no dimension of the workspace"),
        pytest.param(
            team("b"), team(None), BY_TEAM, [("", "-1"), ("b", "1")], id="from none to b"
        ),
        pytest.param(
            department("Sales"), department("Finance"), tenant_of(segments=("Department",)),
            [("Finance", "-400.90"), ("Sales", "400.90")], id="a segment always counts",
        ),
        pytest.param(
            entry(debit("1", Team__c="a", Project__c="y"), credit("1")),
            entry(debit("1", Team__c="a", Project__c="x"), credit("1")),
            BY_BOTH, [("x", "-1"), ("y", "1")], id="only the one that moves divides",
        ),
        pytest.param(
            entry(
                debit("1", Team__c="a", Project__c="y"), debit("1", Team__c="b", Project__c="x"),
                credit("2"), notes="n",
            ),
            entry(
                debit("1", Team__c="a", Project__c="x"), debit("1", Team__c="b", Project__c="y"),
                credit("2"),
            ),
            BY_BOTH, [("a/x", "-1"), ("a/y", "1"), ("b/x", "1"), ("b/y", "-1")],
            id="together they show what neither shows",
        ),
    ],
)  # fmt: skip
def test_a_row_is_divided_where_money_moves_between_values(new, old, tenant, expected):
    assert parts(plan_of(new, old, tenant=tenant)) == expected


def test_a_plan_is_divided_as_it_is_asked():
    plan = make_plan(
        snapshot([declared(team("a", "b"))], tenant=BY_TEAM),
        basis=plan_of(None, None).basis,
        allowances=plan_of(None, None).allowances,
        by=("Team__c",),
    )
    assert parts(plan) == [("a", "1"), ("b", "1")]


def test_a_plan_of_which_a_dimension_alone_changes_moves_amounts():
    view = view_of(plan_of(team("b"), team("a"), tenant=BY_TEAM))
    assert view.impact.none == ""
    assert [row[3] for row in view.impact.rows] == ["a", "b", "(sum)"]


VALUES = st.sampled_from(["", "a", "b", "c"])
LINES = st.lists(
    st.tuples(st.sampled_from(["Debit", "Credit"]), st.integers(1, 500), VALUES, VALUES), max_size=6
)


def spec_of(lines, region):
    """An entry with these lines, and with others that balance them."""
    rows = []
    for side, cents, one, other in lines:
        make = debit if side == "Debit" else credit
        named = {"Team__c": one, "Project__c": other}
        custom = {name: value for name, value in named.items() if value}
        rows.append(make(str(Decimal(cents).scaleb(-2)), CODE, **custom))
    net = sum((row["amount"] if row["type"] == "Debit" else -row["amount"]) for row in rows)
    if net:
        rows.append((credit if net > 0 else debit)(str(abs(net)), "Cash"))
    else:
        rows += [debit("1", "Cash"), credit("1", "Cash")]
    segments = ({"segmentName": "Region", "segmentValue": region},) if region else ()
    return entry(*rows, **({"segments": segments} if segments else {}))


BOOKS = st.lists(st.tuples(LINES, VALUES, LINES, VALUES), min_size=1, max_size=3)


def plan_of_books(books, tenant, **more):
    named = list(enumerate(books))
    return plan_for(
        snapshot(
            [declared(spec_of(*book[:2]), name=f"e-{at}") for at, book in named],
            [recorded(spec_of(*book[2:]), name=f"e-{at}", number=f"JE-{at:08}")
             for at, book in named],
            [live(spec_of(*book[2:]), name=f"e-{at}", number=f"JE-{at:08}") for at, book in named],
            tenant=tenant,
            max_removals=None,
        ),
        **more,
    )  # fmt: skip


SUMS = ("debit_before", "credit_before", "debit_after", "credit_after", "net_change")


@given(BOOKS)
def test_the_parts_of_a_row_add_up_to_the_row(books):
    """Whatever divides it, each sum of a row is that of the row that is not divided."""
    divided = plan_of_books(books, BY_BOTH)
    undivided = impact_of(divided.changes, None, divide=lambda *_: ())
    sums = defaultdict(list)
    for row in divided.impact:
        sums[row.period, row.code, row.currency].append(row)
    for row in undivided:
        added = sums[row.period, row.code, row.currency]
        for name in SUMS:
            assert total(getattr(one, name) for one in added) == getattr(row, name)


@given(BOOKS)
def test_no_part_hides_a_movement(books):
    """Of the lines behind one row no dimension has sums that move in opposite directions."""
    plan = plan_of_books(books, BY_BOTH)
    moves = defaultdict(Decimal)
    for new, to, old, of in books:
        for sign, lines, region in ((1, new, to), (-1, old, of)):
            for side, cents, *values in lines:
                moves[side, *values, region] += sign * Decimal(cents).scaleb(-2)
    shown = {(*row.dimensions.items(),) for row in plan.impact if row.code == CODE} or {()}
    for part in shown:
        named = dict(part)
        for side in ("Debit", "Credit"):
            found = [
                amount
                for (of_side, *values), amount in moves.items()
                if of_side == side
                and all(
                    named.get(name, value) == value
                    for name, value in zip(("Team__c", "Project__c", "Region"), values, strict=True)
                )
            ]
            assert not (found and min(found) < 0 < max(found)), (part, found)


@given(BOOKS)
def test_a_saved_plan_keeps_its_parts_and_agrees_with_itself(books):
    plan = plan_of_books(books, BY_BOTH)
    assert plan_file.plan_of(plan_text(plan)).impact == plan.impact


@given(
    st.lists(st.tuples(VALUES, VALUES), min_size=1, unique=True),
    st.data(),
)
def test_what_is_asked_for_divides_and_nothing_else_does_without_need(places, data):
    moves = {place: (Decimal(data.draw(st.integers(-3, 3))),) for place in places}
    names = ("one", "other")
    asked = dividing(names, ("other",), moves)
    assert "other" in asked
    if min(sums[0] for sums in moves.values()) >= 0:
        assert dividing(names, (), moves) == ()
        assert asked == ("other",)
