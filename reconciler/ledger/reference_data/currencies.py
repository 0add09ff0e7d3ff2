"""Minor units of currencies: the decimals an amount may have (ISO 4217)."""

from functools import cache


@cache
def minor_units(code: str) -> int | None:
    """The minor units of a currency; None if it is unknown or has none, like gold."""
    from iso4217 import Currency  # noqa: PLC0415 - reads the ISO table, which takes a while

    try:
        exponent: int | None = Currency(code).exponent
    except ValueError:
        return None
    return exponent
