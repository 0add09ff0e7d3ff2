"""The period, the date and the lines of a reversal."""

import pytest
from builders import credit, debit, entry, tenant_of
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model.policy import Freeze
from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.planning.reversing.reversal import Dating, dating_of, reversed_spec
from reconciler.core.rules.reversals import remainders

OPEN, CLOSING, CLOSED = "Open", "PendingClose", "Closed"
FEBRUARY = Freeze(periods=frozenset({"Feb-2026"}))


def periods(january, february="Open", march="Open", ended=True):
    days = [("Jan-2026", "01", "31"), ("Feb-2026", "02", "28"), ("Mar-2026", "03", "31")]
    made = [
        AccountingPeriod(
            name=name, start_date=f"2026-{month}-01", end_date=f"2026-{month}-{last}", status=status
        )
        for (name, month, last), status in zip(days, (january, february, march), strict=True)
    ]
    forever = AccountingPeriod(name="Open-Ended", start_date="2026-02-01", end_date=None)
    return [forever, *reversed(made)] if ended else [forever]


@pytest.mark.parametrize(
    ("known", "asked", "expected"),
    [
        pytest.param(periods(OPEN), {}, ("Jan-2026", "2026-01-31"), id="its own, while it is open"),
        pytest.param(periods(CLOSED), {}, ("Feb-2026", "2026-02-01"), id="else the next open one"),
        pytest.param(periods(CLOSING), {}, ("Feb-2026", "2026-02-01"), id="not one that closes"),
        pytest.param(
            periods(CLOSED, CLOSED), {}, ("Mar-2026", "2026-03-01"), id="however far it is"
        ),
        pytest.param(periods(CLOSED, CLOSED, CLOSED), {}, None, id="none is open"),
        pytest.param(
            periods(CLOSED), {"freeze": FEBRUARY}, ("Mar-2026", "2026-03-01"), id="not a frozen one"
        ),
        pytest.param(
            periods(OPEN),
            {"freeze": Freeze(periods=frozenset({"Jan-2026"}))},
            ("Feb-2026", "2026-02-01"),
            id="nor its own, if it is frozen",
        ),
        pytest.param(
            periods(CLOSED),
            {"freeze": FEBRUARY, "period": "Feb-2026"},
            ("Feb-2026", "2026-02-01"),
            id="unless it is asked for",
        ),
        pytest.param([], {}, None, id="its own is not known"),
        pytest.param(
            periods(CLOSED), {"period": "Mar-2026"}, ("Mar-2026", "2026-03-01"), id="the one asked"
        ),
        pytest.param(
            periods(CLOSED), {"date": "2026-02-14"}, ("Feb-2026", "2026-02-14"), id="the day asked"
        ),
        pytest.param(
            periods(CLOSED), {"period": "Jan-2026"}, ("Jan-2026", "2026-01-31"), id="even a closed"
        ),
        pytest.param(
            periods(OPEN), {"period": "May-2026"}, ("May-2026", "2026-01-31"), id="even another"
        ),
    ],
)  # fmt: skip
def test_a_reversal_is_dated(known, asked, expected):
    dating = dating_of(entry(), known, **asked)
    assert (dating and (dating.period, dating.date)) == expected


def test_everything_but_the_sides_is_copied():
    original = entry(
        debit("2", home="2.20", accountingCodeType="DeferredRevenue", Team__c="a", glString="1-2"),
        credit("2", home="2.20"),
        currency="EUR",
        segments=({"segmentName": "Region", "segmentValue": "EMEA"},),
        organizationLabel="North",
        Ticket__c="T-1",
        notes="typed",
        transferredToAccounting="Yes",
    )
    written = reversed_spec(original, Dating(period="Feb-2026", date="2026-02-01"), "undo")
    lines = original["journalEntryItems"]
    assert written == {
        **{name: value for name, value in original.items() if name != "transferredToAccounting"},
        "accountingPeriodName": "Feb-2026",
        "journalEntryDate": "2026-02-01",
        "notes": "undo",
        "journalEntryItems": (
            {**lines[0], "type": "Credit"},
            {**lines[1], "type": "Debit"},
        ),
    }


@given(st.lists(st.tuples(st.booleans(), st.decimals("0.01", "9999.99", places=2)), min_size=1))
def test_a_reversal_cancels_out_and_reverses_back(rows):
    lines = [(debit if side else credit)(str(amount)) for side, amount in rows]
    original, dating = entry(*lines), Dating(period="Jan-2026", date="2026-01-31")
    once = reversed_spec(original, dating, "n")
    assert remainders(original, once, tenant_of()) == ()
    assert reversed_spec(once, dating, "n")["journalEntryItems"] == original["journalEntryItems"]
