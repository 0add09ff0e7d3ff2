"""How far the entries are transferred to the general ledger, by accounting period."""

import pytest
from builders import declared, entry, live, plan_for, recorded, snapshot
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model.plan import Transfers
from reconciler.render.sections.plan_rows import transfer_rows

ELEVEN = {f"JE-{number:08}": f"e-{number}" for number in range(11)}

TEN = ", ".join(f"{number} {name}" for number, name in list(ELEVEN.items())[:10])


@pytest.mark.parametrize(
    ("transfers", "rows"),
    [
        pytest.param([], [], id="nothing is posted"),
        pytest.param([("Jan", {"No": 2})], [], id="no transfer began"),
        pytest.param([("Jan", {"Yes": 41})], [("Jan", "41 Yes")], id="a period that is through"),
        pytest.param(
            [("Jan", {"Yes": 41}), ("Feb", {"Yes": 1, "Ignore": 2}), ("Mar", {"No": 3})],
            [("2 periods", "42 Yes, 2 Ignore"), ("Mar", "3 No")],
            id="periods that are through are one row",
        ),
        pytest.param(
            [("Mar", {"Error": 1, "No": 3, "Processing": 2, "Yes": 1027}, {"JE-00000033": "pay"})],
            [("Mar", "1,027 Yes, 2 Processing, 3 No, 1 Error: JE-00000033 pay")],
            id="the failed ones are named",
        ),
        pytest.param(
            [("Mar", {"Error": 11}, ELEVEN)],
            [("Mar", f"11 Error: {TEN}, and 1 more")],
            id="ten of them at most",
        ),
    ],
)  # fmt: skip
def test_transfers_read_like_this(transfers, rows):
    made = [Transfers(period=one[0], counts=one[1], failed=(*one, {})[2]) for one in transfers]
    assert transfer_rows(made) == tuple(rows)


STATES = ("Yes", "No", "Processing", "Error", "Ignore", None)


@given(st.lists(st.tuples(st.sampled_from(STATES), st.sampled_from(["Created", "Cancelled"]))))
def test_every_posted_entry_counts_once(entries):
    named = [(f"e-{at}", f"JE-{at:08}", *one) for at, one in enumerate(entries)]
    plan = plan_for(
        snapshot(
            [declared(entry(), name=name) for name, *_ in named],
            [recorded(entry(), name=name, number=number) for name, number, *_ in named],
            [
                live(
                    entry(), name=name, number=number, status=status, transferredToAccounting=state
                )
                for name, number, state, status in named
            ],
        )
    )
    posted = [(number, state or "No") for _, number, state, status in named if status == "Created"]
    counts = plan.transfers[0].counts if posted else {}
    assert counts == {state: [one for _, one in posted].count(state) for _, state in posted}
    failed = {number for number, state in posted if state == "Error"}
    assert {number for row in plan.transfers for number in row.failed} == failed
