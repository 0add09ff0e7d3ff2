"""Minor units of currencies: the decimals an amount may have (ISO 4217)."""

from functools import cache

# ISO's own table drops the codes that it withdraws, but earlier entries stay in them.
_WITHDRAWN = {
    0: "ADP BEF BYB BYR ESP GRD ITL LUF MGF PTE ROL TPE TRL",
    2: "AFA ANG ATS AYM AZM BGL BGN CSD CUC CYP DEM EEK FIM FRF GHC GWP HRK IEP LTL LVL MRO MTL "
    "MZM NLG RUR SDD SIT SKK SLL SRG STD TMM USS VEB VEF YUM ZMK ZWD ZWL ZWN ZWR",
}


@cache
def minor_units(code: str) -> int | None:
    """The minor units of a currency; None if it is unknown or has none, like gold."""
    from iso4217 import Currency  # noqa: PLC0415 - reads the ISO table, which takes a while

    try:
        exponent: int | None = Currency(code).exponent
    except ValueError:
        withdrawn = (units for units, codes in _WITHDRAWN.items() if code in codes.split())
        return next(withdrawn, None)
    return exponent
