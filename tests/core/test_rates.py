"""Home amounts are written by hand: a rate that is unlike others is told."""

import pytest
from builders import credit, debit, declared, entry, tenant_of

from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.rules.entries import check, check_together

PERIODS = tuple(
    AccountingPeriod(name=f"{name}-2026", start_date=f"2026-0{at}-01", end_date=f"2026-0{at}-28",
                     status="Open")
    for at, name in enumerate(("Jan", "Feb", "Mar"), 1)
)  # fmt: skip
TENANT = tenant_of(home_currency="USD", periods=PERIODS)


def of(name, worth, period="Jan", amount="100", currency="EUR", **more):
    lines = debit(amount, home=worth), credit(amount, home=worth)
    spec = entry(*lines, currency=currency, accountingPeriodName=f"{period}-2026")
    return declared(spec, name=name, **more)


def unusual(found):
    return {
        one.source.path.removeprefix("2026/").removesuffix(".yaml"): one.message
        for one in found
        if one.rule == "unusual-rate"
    }


A, B, C = of("a", "110"), of("b", "112"), of("c", "108")
FAR = "EUR 1 counts as USD 0.000000002, in other entries of Jan-2026 as 1.08"
TEN = of("ten", "1100")


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        pytest.param([of("x", "0.01", amount="5000000")], {}, id="the only one"),
        pytest.param([A, B, C, of("x", "0.01", amount="5000000")], ["x"], id="of its period"),
        pytest.param([A, TEN], ["a", "ten"], id="one of two"),
        pytest.param([A, of("x", "220")], [], id="twice"),
        pytest.param([A, of("x", "220.01", amount="100")], ["a", "x"], id="more than twice"),
        pytest.param([A, of("x", "11", "Feb"), of("y", "11", "Feb")], ["a", "x", "y"],
                     id="the nearest other period, where a change has a period of its own"),
        pytest.param([A, of("x", "210", "Feb"), of("y", "410", "Mar")], [], id="it moved slowly"),
        pytest.param([A, of("x", "9", currency="JPY")], [], id="another currency"),
        pytest.param([A, of("x", "100", currency="USD")], [], id="the home currency"),
        pytest.param([A, of("x", "0.05", amount="0.01")], [], id="a rounding"),
        pytest.param([A, of("x", "1.06", amount="0.01")], ["a", "x"], id="more than a rounding"),
        pytest.param([A, of("x", "0")], ["a", "x"], id="nothing at all"),
        pytest.param([of("x", "0"), of("y", "0")], [], id="nothing in all of them"),
        pytest.param([A, of("x", "5", amount="0")], [], id="home amounts alone"),
        pytest.param([A, of("x", "0.01", reverses="y")], [], id="a reversal, which is proved"),
    ],
)  # fmt: skip
def test_a_rate_is_compared_with_those_of_other_entries(entries, told):
    assert sorted(unusual(check_together(entries, TENANT))) == sorted(told)


def test_the_message_names_both_rates():
    far = of("x", "0.01", amount="5000000")
    assert unusual(check_together([A, B, C, far], TENANT))["x"] == FAR


def test_a_line_is_compared_with_its_entry():
    lines = debit("100", home="110"), debit("100", home="0.01"), credit("200", home="110.01")
    found = unusual(check(declared(entry(*lines, currency="EUR")), TENANT))
    assert list(found.values()) == ["on line 2 EUR 1 counts as USD 0.0001, in its entry as 0.55005"]
