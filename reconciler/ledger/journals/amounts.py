"""Amounts of journal lines: exact, positive, no more decimals than the currency has."""

import re
from collections.abc import Iterable
from decimal import Context, Decimal, FloatOperation, Inexact, InvalidOperation, Rounded
from functools import reduce

from ..reference_data.currencies import MAX_DECIMALS
from ..reference_data.tenant_settings import Settings
from ..web.fields import BadValue, FieldType

INTEGER_DIGITS = 15
"""Digits before the point. The documents set no limit; with this one every sum is exact."""

_PLAIN = re.compile(r"(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?")
_EXACT = Context(prec=60, traps=[Inexact, Rounded, InvalidOperation, FloatOperation])


def _read_amount(value: object) -> Decimal:
    """A positive amount from a JSON number or a string of plain digits."""
    if isinstance(value, str):
        if not _PLAIN.fullmatch(value):
            raise BadValue("must be plain digits such as 400.90")
        number = Decimal(value)
    elif isinstance(value, Decimal):
        number = value
    else:
        raise BadValue("must be a number or a string of digits")
    if number <= 0:
        raise BadValue("must be greater than zero; the type says which side it is on")
    if number.adjusted() >= INTEGER_DIGITS:
        raise BadValue(f"must have at most {INTEGER_DIGITS} digits before the point")
    if -_exponent(number) > MAX_DECIMALS:
        raise BadValue(f"must have at most {MAX_DECIMALS} decimals")
    # A JSON number may say 1e3; what is stored and answered is 1000.
    return number.quantize(Decimal(1), context=_EXACT) if _exponent(number) > 0 else number


def too_fine(amount: Decimal, currency: str, settings: Settings) -> str | None:
    """The reason against an amount with too many decimals for its currency, or None."""
    units = settings.minor_units(currency)
    if units is None or -_exponent(amount) <= units:
        return None
    return f"must have at most {units} decimals in {currency}"


add = _EXACT.add
"""The exact sum of two amounts."""


def total(amounts: Iterable[Decimal]) -> Decimal:
    return reduce(add, amounts, Decimal(0))


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise BadValue("must be a finite number")
    return exponent


_NUMBER = {"type": "number", "exclusiveMinimum": 0}
AMOUNT = FieldType(
    read=_read_amount,
    schema={"anyOf": [_NUMBER, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}]},
    answer=_NUMBER,
)
"""A positive amount, exact."""
