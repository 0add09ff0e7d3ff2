"""The effect of a plan: impact by period, code and currency, and balance (I-51)."""

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

from reconciler.core.model.plan import Impact

HOME = tenant_of(home_currency="USD")


def rows(plan):
    """Period, code, currency and net change."""
    return [(row.period, row.code, row.currency, str(row.net_change)) for row in plan.impact]


PLAIN = [
    ("Jan-2026", "Deferred Revenue", "USD", "400.90"),
    ("Jan-2026", "Subscription Revenue", "USD", "-400.90"),
]


@pytest.mark.parametrize(
    ("declared_spec", "live_spec", "expected"),
    [
        pytest.param(entry(), None, PLAIN, id="a new entry"),
        pytest.param(
            None,
            entry(),
            [(*row[:3], str(-Decimal(row[3]))) for row in PLAIN],
            id="a removed entry",
        ),
        pytest.param(entry(), entry(), [], id="nothing"),
        pytest.param(entry(notes="b"), entry(), [], id="notes alone"),
        pytest.param(entry(debit(Team__c="b"), credit()), entry(), [], id="a field of a line"),
        pytest.param(
            entry(journalEntryDate="2026-01-01"),
            entry(),
            [],
            id="a replacement that moves no money",
        ),
        pytest.param(
            entry(debit("401.00"), credit("401.00")),
            entry(),
            [(*row[:3], "0.10" if row[3][0] != "-" else "-0.10") for row in PLAIN],
            id="a replacement shows the net",
        ),
        pytest.param(
            entry(debit(code="Cash"), credit()),
            entry(),
            [
                ("Jan-2026", "Cash", "USD", "400.90"),
                ("Jan-2026", "Deferred Revenue", "USD", "-400.90"),
            ],
            id="another code",
        ),
        pytest.param(
            entry(accountingPeriodName="Feb-2026"),
            entry(),
            [
                ("Jan-2026", "Deferred Revenue", "USD", "-400.90"),
                ("Jan-2026", "Subscription Revenue", "USD", "400.90"),
                ("Feb-2026", "Deferred Revenue", "USD", "400.90"),
                ("Feb-2026", "Subscription Revenue", "USD", "-400.90"),
            ],
            id="another period: in the order of the calendar",
        ),
        pytest.param(
            entry(debit("1", code="Cash"), credit("1", code="Cash")),
            None,
            [("Jan-2026", "Cash", "USD", "0")],
            id="both sides of one code move, though the net does not",
        ),
        pytest.param(entry(debit("1"), credit("2")), None, [], id="blocked: nothing is posted"),
        pytest.param(
            entry(accountingPeriodName="Dec-2025"), entry(), [], id="blocked: nothing is replaced"
        ),
    ],
)
def test_impact(declared_spec, live_spec, expected):
    assert rows(plan_of(declared_spec, live_spec)) == expected


def test_impact_counts_all_entries_of_a_row_and_names_only_rows_that_move():
    other = entry(debit("100", code="Cash"), credit("100"))
    plan = plan_for(
        snapshot(
            [declared(name="new"), declared(other, name="old")],
            [recorded(other, name="old")],
            [live(other, name="old")],
        )
    )
    assert plan.impact == (
        Impact(
            period="Jan-2026",
            code="Deferred Revenue",
            currency="USD",
            debit_before=Decimal(0),
            credit_before=Decimal(0),
            debit_after=Decimal("400.90"),
            credit_after=Decimal(0),
        ),
        Impact(
            period="Jan-2026",
            code="Subscription Revenue",
            currency="USD",
            debit_before=Decimal(0),
            credit_before=Decimal(100),
            debit_after=Decimal(0),
            credit_after=Decimal("500.90"),
        ),
    )
    assert [(str(row.net_before), str(row.net_after)) for row in plan.impact] == [
        ("0", "400.90"),
        ("-100", "-500.90"),
    ]


def test_impact_of_a_cancelled_entry_that_is_posted_again_is_the_whole_entry():
    plan = plan_for(snapshot([declared()], [recorded()], [live(status="Cancelled")]))
    assert rows(plan) == PLAIN


def test_deleting_a_cancelled_entry_moves_nothing():
    plan = plan_for(snapshot([], [recorded()], [live(status="Cancelled")]))
    assert (plan.impact, plan.balance) == ((), ())


def test_codes_that_share_a_name_have_rows_of_their_own():
    def spec(kind):
        return entry(debit(code="Suspense", accountingCodeType=kind), credit())

    plan = plan_of(spec("OtherLiabilities"), spec("OtherAssets"))
    assert rows(plan) == [
        ("Jan-2026", "Suspense (OtherAssets)", "USD", "-400.90"),
        ("Jan-2026", "Suspense (OtherLiabilities)", "USD", "400.90"),
    ]


def test_two_spellings_of_a_code_type_are_one_row():
    spec = entry(
        debit("1", code="On Account", accountingCodeType="OnAccountReceivable"), credit("1")
    )
    assert rows(plan_of(spec, entry(debit("1", code="On Account"), credit("1"), notes="x"))) == []


EUR = entry(debit(home="370"), credit(home="370"), currency="EUR")


@pytest.mark.parametrize(
    ("declared_spec", "live_spec", "tenant", "home"),
    [
        pytest.param(entry(), None, HOME, ["400.90", "-400.90"], id="in the home currency"),
        pytest.param(EUR, None, HOME, ["370", "-370"], id="M9 in a foreign currency"),
        pytest.param(
            entry(debit(home="371"), credit(home="371"), currency="EUR"),
            EUR,
            HOME,
            ["1", "-1"],
            id="home amounts alone move",
        ),
        pytest.param(entry(), None, tenant_of(), [None, None], id="no home currency"),
    ],
)
def test_impact_in_the_home_currency(declared_spec, live_spec, tenant, home):
    plan = plan_of(declared_spec, live_spec, tenant=tenant)
    found = [None if row.home_change is None else str(row.home_change) for row in plan.impact]
    assert found == home


def test_home_impact_is_unknown_when_one_amount_of_it_is():
    plan = plan_for(
        snapshot(
            [declared(EUR), declared(entry(currency="EUR"), name="old")],
            [recorded(entry(currency="EUR"), name="old")],
            [live(entry(currency="EUR"), name="old")],
            tenant=HOME,
        )
    )
    assert [row.home_change for row in plan.impact] == [None, None]


def sums(plan):
    """Currency, whether home, and the four sums."""
    return [
        (
            row.currency,
            row.home,
            *map(str, (row.posted_debit, row.posted_credit, row.removed_debit, row.removed_credit)),
        )
        for row in plan.balance
    ]


@pytest.mark.parametrize(
    ("declared_spec", "live_spec", "tenant", "expected"),
    [
        pytest.param(
            entry(), None, tenant_of(), [("USD", False, "400.90", "400.90", "0", "0")], id="posted"
        ),
        pytest.param(
            None,
            entry(),
            tenant_of(),
            [("USD", False, "0", "0", "400.90", "400.90")],
            id="taken back",
        ),
        pytest.param(
            entry(debit("1"), credit("1")),
            entry(),
            tenant_of(),
            [("USD", False, "1", "1", "400.90", "400.90")],
            id="replaced",
        ),
        pytest.param(entry(notes="b"), entry(), tenant_of(), [], id="updated"),
        pytest.param(entry(debit("1"), credit("2")), None, tenant_of(), [], id="blocked"),
        pytest.param(
            EUR,
            entry(),
            HOME,
            [
                ("EUR", False, "400.90", "400.90", "0", "0"),
                ("USD", False, "0", "0", "400.90", "400.90"),
                ("USD", True, "370", "370", "400.90", "400.90"),
            ],
            id="per currency, and at home",
        ),
    ],
)
def test_a_plan_proves_the_balance(declared_spec, live_spec, tenant, expected):
    plan = plan_of(declared_spec, live_spec, tenant=tenant)
    assert sums(plan) == expected
    assert all(row.holds for row in plan.balance)


def test_a_live_entry_out_of_balance_is_not_smoothed_over():
    (row,) = plan_of(None, entry(debit("1"), credit("1.01"))).balance
    assert not row.holds


AMOUNTS = st.lists(st.integers(1, 10**17), min_size=1, max_size=20)


@given(AMOUNTS)
def test_the_balance_of_any_entry_is_exact(cents):
    lines = [debit(str(Decimal(value).scaleb(-2))) for value in cents]
    whole = str(Decimal(sum(cents)).scaleb(-2))
    (row,) = plan_of(entry(*lines, credit(whole)), None).balance
    assert row.holds
    assert row.posted_debit == Decimal(whole)


def test_a_negative_live_amount_keeps_all_its_digits():
    """The minus operator would round to 28 digits."""
    long = "1234567890123456789012345678.123456"
    tenant = tenant_of(home_currency="USD")
    plan = plan_of(None, entry(debit("1", home=long), credit("1", home=long)), tenant=tenant)
    assert [str(row.home_change) for row in plan.impact] == [f"-{long}", long]
