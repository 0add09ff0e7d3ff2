"""Money is exact: sums, spellings and decimal places (I-50, I-52, I-53; M3, M5)."""

from decimal import Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from reconciler.core.model.money import (
    _LISTED,
    WITHDRAWN,
    difference,
    minor_units,
    plain,
    shown,
    total,
    with_decimals,
    written,
    written_decimals,
)
from reconciler.ledger.reference_data.currencies import minor_units as ledger_units

CENTS = st.integers(min_value=-(10**17), max_value=10**17)


def amount(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


@given(st.lists(CENTS, max_size=100))
def test_a_sum_of_amounts_is_the_sum_of_their_cents(cents):
    assert total(map(amount, cents)) == amount(sum(cents))


@given(CENTS, CENTS)
def test_a_difference_of_amounts_is_the_difference_of_their_cents(left, right):
    assert difference(amount(left), amount(right)) == amount(left - right)


def test_m3_ten_thousand_lines_add_up_exactly():
    cents = [(at * 7919) % 10**15 for at in range(10_000)]
    assert total(map(amount, cents)) == amount(sum(cents))


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        pytest.param(["0.10", "0.20"], "0.30", id="a tenth and two tenths"),
        pytest.param(["0.1"] * 10, "1.0", id="ten tenths"),
        pytest.param(["90071992547409.92", "0.01"], "90071992547409.93", id="beyond 2^53 cents"),
        pytest.param(["999999999999999.999999"] * 100, "99999999999999999.9999", id="the largest"),
        pytest.param([], "0", id="nothing"),
    ],
)
def test_sums_that_floats_get_wrong(amounts, expected):
    assert total(map(Decimal, amounts)) == Decimal(expected)


def test_a_sum_that_would_have_to_round_is_refused():
    with pytest.raises(Inexact):
        total([Decimal("1e40"), Decimal("1e-40")])


def test_the_default_context_does_not_matter():
    with localcontext(prec=3):
        assert total([Decimal("1234.56"), Decimal("0.01")]) == Decimal("1234.57")
        assert plain(Decimal("-1234.5670")) == "-1234.567"
        assert shown(Decimal("-1234567.8"), "USD") == "-1,234,567.80"
        assert written_decimals(Decimal("1234.5670")) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("400.9", "400.9"),
        ("400.90", "400.9"),
        ("400", "400"),
        ("400.00", "400"),
        ("1000", "1000"),
        ("1E+3", "1000"),
        ("1E-6", "0.000001"),
        ("0.00", "0"),
        ("-0.00", "0"),
        ("-0.10", "-0.1"),
        ("999999999999999.999999", "999999999999999.999999"),
    ],
)
def test_an_amount_has_one_plain_spelling(text, expected):
    assert plain(Decimal(text)) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_the_plain_spelling_keeps_the_value_and_never_looks_like_a_float(value):
    text = plain(value)
    assert Decimal(text) == value
    assert not set(text) & set("eE+")
    assert not ("." in text and text.endswith("0"))


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_m8_what_is_no_number_has_no_spelling(text):
    with pytest.raises(ValueError, match="is not an amount"):
        plain(Decimal(text))


@pytest.mark.parametrize(
    ("text", "currency", "expected"),
    [
        pytest.param("400.9", "USD", "400.90", id="two decimals"),
        pytest.param("400", "USD", "400.00", id="none written"),
        pytest.param("400", "JPY", "400", id="none at all"),
        pytest.param("1.5", "KWD", "1.500", id="three"),
        pytest.param("1.2345", "CLF", "1.2345", id="four"),
        pytest.param("1.234567", "USD", "1.234567", id="more than the currency has are kept"),
        pytest.param("1.5", "XXX", "1.5", id="a currency without decimals of its own"),
        pytest.param("1.5", "", "1.5", id="no currency known"),
    ],
)
def test_an_amount_is_written_with_the_minor_units_of_its_currency(text, currency, expected):
    assert written(Decimal(text), currency) == expected


@pytest.mark.parametrize(
    ("text", "currency", "expected"),
    [
        ("12500", "USD", "12,500.00"),
        ("-12500.5", "USD", "-12,500.50"),
        ("-0.5", "USD", "-0.50"),
        ("999", "JPY", "999"),
        ("1000", "JPY", "1,000"),
        ("999999999999999.99", "USD", "999,999,999,999,999.99"),
    ],
)
def test_an_amount_is_shown_with_separators(text, currency, expected):
    assert shown(Decimal(text), currency) == expected


@given(CENTS)
def test_what_is_shown_is_the_amount(cents):
    assert Decimal(shown(amount(cents), "USD").replace(",", "")) == amount(cents)


@pytest.mark.parametrize(
    ("currency", "units"),
    [
        *((code, 0) for code in ("CLP", "ISK", "JPY", "KRW", "VND")),
        *((code, 2) for code in ("CHF", "EUR", "GBP", "INR", "USD")),
        *((code, 3) for code in ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")),
        *((code, 4) for code in ("CLF", "UYW")),
        *((code, 2) for code in ("BGN", "DEM", "EEK", "HRK", "LTL", "VEF", "ZWL")),
        *((code, 0) for code in ("BYR", "ESP", "ITL", "TRL")),
        *((code, None) for code in ("XAU", "XTS", "XXX", "AAA", "usd", "", "US")),
    ],
)
def test_m5_minor_units_are_those_of_iso_4217(currency, units):
    assert minor_units(currency) == units


# The codes with decimal places that ISO 4217 listed in January 2026, and those withdrawn before.
# A code that a later list drops must move to the withdrawn ones, not disappear.
ONCE_LISTED = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
    CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
    GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR
    KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN
    MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
    USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""


def test_the_decimal_places_are_those_of_the_table_that_iso_publishes():
    """The package `iso4217` carries the table. A newer one is compared when the lock is renewed."""
    published = {item.code: item.exponent for item in Currency if item.exponent is not None}
    listed = {code: units for units, codes in _LISTED.items() for code in codes.split()}
    assert listed == published


def test_no_currency_loses_its_decimal_places():
    assert [code for code in (*ONCE_LISTED.split(), *WITHDRAWN) if minor_units(code) is None] == []


def test_the_embedded_ledger_knows_the_same_decimal_places():
    codes = [*(item.code for item in Currency), *ONCE_LISTED.split(), *WITHDRAWN, "AAA"]
    assert {code: ledger_units(code) for code in codes} == {
        code: minor_units(code) for code in codes
    }


@pytest.mark.parametrize(
    ("text", "places", "expected"),
    [
        ("1.000", 2, ["1.00"]),
        ("0.105", 2, ["0.10", "0.11"]),
        ("0.001", 2, ["0.01"]),
        ("100.5", 0, ["100", "101"]),
        (
            "123456789012345678901234567890.5",
            0,
            ["123456789012345678901234567890", "123456789012345678901234567891"],
        ),
    ],
)
def test_the_nearest_amounts_with_fewer_decimal_places(text, places, expected):
    assert [f"{near:f}" for near in with_decimals(Decimal(text), places)] == expected
