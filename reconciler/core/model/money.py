"""Exact money: sums without rounding, digits as text, minor units of currencies."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import (
    ROUND_DOWN,
    ROUND_UP,
    Context,
    Decimal,
    Inexact,
    InvalidOperation,
    Overflow,
    Rounded,
)
from typing import Final

ZERO = Decimal(0)

# The default context silently rounds to 28 digits.
_EXACT = Context(prec=60, traps=[Inexact, Rounded, InvalidOperation, Overflow])
_WIDE = Context(prec=60)

_LISTED = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL "
    "GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR "
    "LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD "
    "PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC "
    "SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG "
    "YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""Decimal places of the currencies in ISO 4217, as amended at the end of 2025.

Codes that have none are left out: metals, funds, tests. A test compares with the table itself.
"""

_WITHDRAWN = {
    0: "ADP BEF BYB BYR ESP GRD ITL LUF MGF PTE ROL TPE TRL",
    2: "AFA ANG ATS AYM AZM BGL BGN CSD CUC CYP DEM EEK FIM FRF GHC GWP HRK IEP LTL LVL MRO MTL "
    "MZM NLG RUR SDD SIT SKK SLL SRG STD TMM USS VEB VEF YUM ZMK ZWD ZWL ZWN ZWR",
}
WITHDRAWN: Final[Mapping[str, int]] = {
    code: units for units, codes in _WITHDRAWN.items() for code in codes.split()
}
"""Decimal places of the currencies that ISO 4217 withdrew since 1999, as they were.

ISO's list of withdrawn codes gives none. The digits are those of the last list that had the code,
as the currency data of OpenJDK keeps them.
"""

_UNITS: Mapping[str, int] = {
    **{code: units for units, codes in _LISTED.items() for code in codes.split()},
    **WITHDRAWN,
}


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum. Raises decimal.Inexact instead of rounding."""
    result = ZERO
    for amount in amounts:
        result = _EXACT.add(result, amount)
    return result


def at_rate(amount: Decimal, rate: Decimal, currency: str) -> Decimal:
    """The amount at a rate, rounded up to the minor units of the currency that it is then in."""
    product = _WIDE.multiply(amount, rate)
    unit = Decimal(1).scaleb(-(minor_units(currency) or 0))
    return product.quantize(unit, ROUND_UP, _WIDE)


def rate_of(amount: Decimal, other: Decimal) -> Decimal:
    """How much of another amount is for each unit of this one, which is not zero. It is rounded."""
    return _WIDE.divide(other, amount)


def difference(left: Decimal, right: Decimal) -> Decimal:
    """`left` less `right`, exactly."""
    return _EXACT.subtract(left, right)


def plain(amount: Decimal) -> str:
    """The canonical digits of an amount: no exponent, no trailing zeros (`400.9`).

    Raises ValueError for NaN and the infinities, which are not amounts (I-53).
    """
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount")
    text = format(amount, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def written(amount: Decimal, currency: str) -> str:
    """The digits of an amount with at least the currency's minor units (`400.90`)."""
    whole, _, fraction = plain(amount).partition(".")
    units = minor_units(currency) or 0
    return f"{whole}.{fraction.ljust(units, '0')}" if fraction or units else whole


def shown(amount: Decimal, currency: str) -> str:
    """An amount with minor units and thousands separators (`12,500.00`)."""
    whole, point, fraction = written(amount, currency).partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}{point}{fraction}"


def written_decimals(amount: Decimal) -> int:
    """The number of decimal places as written, zeros included: 400.90 has two."""
    return len(format(amount, "f").partition(".")[2])


def with_decimals(amount: Decimal, places: int) -> tuple[Decimal, ...]:
    """The amount with this many decimal places; the one below and the one above if none is equal.

    Zero is no amount, so it is never among them.
    """
    unit = Decimal(1).scaleb(-places)
    nearest = (amount.quantize(unit, how, _WIDE) for how in (ROUND_DOWN, ROUND_UP))
    return tuple(found for found in dict.fromkeys(nearest) if found != ZERO)


def cumulative(amount: Decimal, reached: Sequence[int], whole: int, places: int) -> list[Decimal]:
    """The amount over time: how much is due up to each part, half up, at these decimal places.

    `reached` are the weights up to each part, rising to at most `whole`, the weight of all. So a
    part, the difference of two neighbours, does not depend on those after it. Parts are never
    negative, and sum up to the amount when `whole` is reached.
    """
    units = _in_units(amount, places)
    due = ((2 * units * weight + whole) // (2 * whole) for weight in reached)
    return [_EXACT.scaleb(Decimal(one), -places) for one in due]


def largest_remainder(
    amount: Decimal, shares: Sequence[Decimal | int], places: int
) -> list[Decimal]:
    """The amount over targets, in proportion to their shares, at these decimal places.

    Each target gets its exact part rounded down, then the largest remainders get one minor unit
    more each; of equal ones, the first. A share of zero gets nothing. The shares are not negative,
    and one is above zero.
    """
    most = max(-int(Decimal(share).as_tuple().exponent) for share in shares)
    weights = [_in_units(Decimal(share), max(0, most)) for share in shares]
    units, whole = _in_units(amount, places), sum(weights)
    parts = [units * weight // whole for weight in weights]
    ranked = sorted(range(len(parts)), key=lambda at: -(units * weights[at] % whole))
    for at in ranked[: units - sum(parts)]:
        parts[at] += 1
    return [_EXACT.scaleb(Decimal(one), -places) for one in parts]


def _in_units(amount: Decimal, places: int) -> int:
    """The amount in minor units. Raises ValueError if it has more decimal places than that."""
    units = _EXACT.scaleb(amount, places)
    if units != int(units):
        raise ValueError(f"{plain(amount)} has more than {places} decimal places")
    return int(units)


def minor_units(currency: str) -> int | None:
    """Decimal places of an ISO 4217 currency, withdrawn ones too; None if unknown or undefined."""
    return _UNITS.get(currency)
