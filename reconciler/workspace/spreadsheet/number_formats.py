"""What the format of a number cell says of its value: a currency, or another size."""

import re
import unicodedata
from collections.abc import Iterator, Mapping

_LITERAL = re.compile(r'"(?P<quoted>[^"]*)"|\[\$(?P<symbol>[^\]-]*)[^\]]*\]|\\(?P<escaped>.)|[_*].')
"""Texts of a format, and the signs that fill a cell or leave a space."""

_SCALED = re.compile(r"[0#?],+(?![0#?,])")
_DOLLAR = re.compile(r"(?<![A-Za-z])(AU|CA|HK|NZ|US)\$")
_CODE = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")

_DOLLARS = (
    "ARS AUD BBD BMD BND BRL BSD BZD CAD CLP COP CVE DOP FJD GYD HKD JMD KYD LRD MXN NAD NIO NZD "
    "SBD SGD SRD TTD TWD USD UYU XCD"
)
_SYMBOLS: Mapping[str, frozenset[str]] = {
    symbol: frozenset(codes.split())
    for symbol, codes in {
        "$": _DOLLARS,
        "€": "EUR",
        "£": "EGP FKP GBP GIP LBP SDG SHP SSP SYP",
        "¥": "CNY JPY",
        "￥": "CNY JPY",
        "₹": "INR",
        "₩": "KRW",
        "₽": "RUB",
        "₺": "TRY",
        "₴": "UAH",
        "₪": "ILS",
        "₫": "VND",
        "฿": "THB",
        "₱": "PHP",
        "₦": "NGN",
        "₡": "CRC",
        "₸": "KZT",
        "₼": "AZN",
        "₾": "GEL",
    }.items()
}
"""The currencies that have a symbol. Of another symbol nobody knows whose it is."""


def other_currency(number_format: str, currency: str) -> str:
    """A currency that a format shows and that is not the given one; empty if there is none."""
    for shown in _texts(number_format):
        codes = _CODE.findall(shown)
        if codes and currency not in codes:
            return str(codes[0])
        if (dollar := _DOLLAR.search(shown)) and not currency.startswith(dollar[1]):
            return dollar[0]
        for sign in shown:
            money = unicodedata.category(sign) == "Sc"
            if money and not codes and currency not in _SYMBOLS.get(sign, ()):
                return sign
    return ""


def is_scaled(number_format: str) -> bool:
    """Whether a format shows the thousandth or the millionth part of a number."""
    return _SCALED.search(_LITERAL.sub("", number_format)) is not None


def _texts(number_format: str) -> Iterator[str]:
    """The texts that a format shows beside the digits."""
    for found in _LITERAL.finditer(number_format):
        yield found["quoted"] or found["symbol"] or found["escaped"] or ""
    yield "".join(
        sign for sign in _LITERAL.sub("", number_format) if unicodedata.category(sign) == "Sc"
    )
