"""The two laws by which an amount is divided: over time, and over targets."""

from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.model.money import ZERO, cumulative, largest_remainder, total

UNITS = st.integers(0, 10**17)
PLACES = st.sampled_from([0, 2, 3])
WEIGHTS = st.lists(st.integers(0, 400), min_size=1, max_size=60).filter(any)
SHARES = st.lists(
    st.decimals(0, 10**6, places=2, allow_nan=False, allow_infinity=False), min_size=1, max_size=40
).filter(any)


def parts_of(due):
    return [one - before for before, one in zip([ZERO, *due], due, strict=False)]


@pytest.mark.parametrize(
    ("amount", "parts", "places", "expected"),
    [
        pytest.param("10000.00", 12, 2, ["833.33", "833.34", "833.33"] * 4, id="a year"),
        pytest.param("0.02", 4, 2, ["0.01", "0.00", "0.01", "0.00"], id="less than a cent a part"),
        pytest.param("100", 3, 0, ["33", "34", "33"], id="yen"),
        pytest.param("0.005", 2, 3, ["0.003", "0.002"], id="dinar, half up"),
    ],
)
def test_an_amount_over_time(amount, parts, places, expected):
    due = cumulative(Decimal(amount), range(1, parts + 1), parts, places)
    assert list(map(str, parts_of(due))) == expected


@pytest.mark.parametrize(
    ("amount", "shares", "expected"),
    [
        pytest.param("0.05", [24, 18, 0], ["0.03", "0.02", "0.00"], id="zero takes not a cent"),
        pytest.param("0.01", [1, 1, 1], ["0.01", "0.00", "0.00"], id="of equal ones, the first"),
        pytest.param("100.00", [1, 1, 1], ["33.34", "33.33", "33.33"], id="a third"),
        pytest.param("1.00", ["0.5", "2.5"], ["0.17", "0.83"], id="the largest remainder"),
        pytest.param("7.77", [5], ["7.77"], id="one target"),
    ],
)
def test_an_amount_over_targets(amount, shares, expected):
    parts = largest_remainder(Decimal(amount), list(map(Decimal, shares)), 2)
    assert list(map(str, parts)) == expected


def check_over_time(units, weights, places):
    amount = Decimal(units).scaleb(-places)
    reached = list(accumulate(weights))
    due = cumulative(amount, reached, reached[-1], places)
    parts = parts_of(due)
    assert total(parts) == amount
    assert min(parts) >= ZERO
    for at, one in enumerate(due):
        exact = Fraction(amount) * reached[at] / reached[-1]
        assert abs(Fraction(one) - exact) * 2 * 10**places <= 1
    # A part does not depend on what comes after it.
    shorter = max(1, len(reached) // 2)
    assert cumulative(amount, reached[:shorter], reached[-1], places) == due[:shorter]


def check_over_targets(units, shares, places):
    amount = Decimal(units).scaleb(-places)
    parts = largest_remainder(amount, shares, places)
    assert total(parts) == amount
    whole = sum(map(Fraction, shares))
    for part, share in zip(parts, shares, strict=True):
        exact = Fraction(amount) * Fraction(share) / whole
        assert abs(Fraction(part) - exact) * 10**places < 1
        assert part >= ZERO
        assert share or not part


@given(UNITS, WEIGHTS, PLACES)
def test_parts_over_time_are_exact(units, weights, places):
    check_over_time(units, weights, places)


@given(UNITS, SHARES, PLACES)
def test_parts_over_targets_are_exact(units, shares, places):
    check_over_targets(units, shares, places)


@pytest.mark.long
@settings(max_examples=50_000)
@given(UNITS, WEIGHTS, PLACES)
def test_parts_over_time_are_exact_in_fifty_thousand_cases(units, weights, places):
    check_over_time(units, weights, places)


@pytest.mark.long
@settings(max_examples=50_000)
@given(UNITS, SHARES, PLACES)
def test_parts_over_targets_are_exact_in_fifty_thousand_cases(units, shares, places):
    check_over_targets(units, shares, places)


def test_an_amount_with_more_places_than_its_currency_is_refused():
    with pytest.raises(ValueError, match="more than 2 decimal places"):
        cumulative(Decimal("1.005"), [1], 1, 2)
