"""What an author probably meant by a date, an amount or a word that is spelt in another way."""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from reconciler.core.model.money import plain
from reconciler.core.model.similar_names import folded

_AMOUNT: Final = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?").fullmatch
_UNSIGNED: Final = re.compile(r"[0-9]*\.?[0-9]*(?:e\+?[0-9]{1,2})?").fullmatch
_AROUND: Final = re.compile(r"\A(?:[a-z]{3}\b|[$€£¥])|(?:\b[a-z]{3}|[$€£¥])\Z")
_GROUPS: Final = re.compile(r"[0-9]{1,3}(?:[,.][0-9]{3})+").fullmatch
_SEPARATORS: Final = str.maketrans("", "", " '_\N{RIGHT SINGLE QUOTATION MARK}")

_DAY_ZERO: Final = date(1899, 12, 30)
"""The day that spreadsheets number 0."""
_SERIALS: Final = range(20_000, 80_000)
"""The numbers of days from 1954 to 2119."""
_MONTHS: Final = "janfebmaraprmayjunjulaugsepoctnovdec"


def amounts_meant(text: str) -> tuple[str, ...]:
    """The amounts that a text may stand for, without a sign: two where a separator is ambiguous."""
    digits = unicodedata.normalize("NFKC", text).strip().casefold()
    digits = digits.strip("()+-\N{MINUS SIGN}").strip()
    digits = _AROUND.sub("", digits).strip(" +-").translate(_SEPARATORS)
    found = [one for one in map(_amount_in, _decimal_points(digits)) if one]
    return tuple(dict.fromkeys(found))


def is_negative(text: str) -> bool:
    """True for an amount with a minus sign before or after it, or in parentheses."""
    plainly = text.replace("\N{MINUS SIGN}", "-").strip()
    return plainly.startswith(("-", "(")) or plainly.endswith("-")


def _decimal_points(digits: str) -> Iterator[str]:
    """The readings of the separators in a number as decimal points."""
    commas, points = digits.count(","), digits.count(".")
    if commas and points:
        comma_is_last = digits.rindex(",") > digits.rindex(".")
        grouping, point = (".", ",") if comma_is_last else (",", ".")
        yield digits.replace(grouping, "").replace(point, ".")
    elif commas or points > 1:
        if _GROUPS(digits):
            yield digits.replace(",", "").replace(".", "")
        if commas == 1:
            point = digits.replace(",", ".")
            yield point.rstrip("0").rstrip(".") if _GROUPS(digits) else point
    else:
        yield digits


def _amount_in(digits: str) -> str:
    if not _UNSIGNED(digits) or not any(map(str.isdigit, digits)) or digits.startswith("e"):
        return ""
    amount = Decimal(digits)
    # Decimals as they were written, unless an exponent was.
    text = plain(amount) if "e" in digits else f"{amount:f}"
    return text if amount and _AMOUNT(text) else ""


def dates_meant(text: str) -> tuple[str, ...]:
    """The days that a text may stand for, as YYYY-MM-DD: two where day and month may be swapped."""
    words = re.findall(r"[0-9]+|[a-z]+", folded(text))
    if len(words) == 1 and words[0].isdigit():
        return tuple(_days_of_number(words[0]))
    numbers = [_month(word) or word for word in words[:3]]
    if len(numbers) < 3 or not all(map(str.isdigit, numbers)):
        return ()
    first, second, third = numbers
    if len(first) == 4:
        return tuple(_days([(first, second, third)]))
    year = third if len(third) == 4 else f"20{third:0>2}"
    orders = [(year, second, first), (year, first, second)]
    if any(_month(word) for word in words[:3]):
        named = next(at for at, word in enumerate(words[:3]) if _month(word))
        orders = [(year, numbers[named], numbers[1 - named])] if named < 2 else []
    elif len(third) < 3:
        orders.append((f"20{first:0>2}", second, third))
    return tuple(_days(orders))


def last_day(text: str) -> str:
    """The last day of a month written YYYY-MM-DD with a day that it does not have, or nothing."""
    year, month = int(text[:4]), int(text[5:7])
    if year < 1 or not 1 <= month <= 12:
        return ""
    return f"{text[:7]}-{monthrange(year, month)[1]:02}"


def _days_of_number(digits: str) -> Iterator[str]:
    if len(digits) == 8:
        yield from _days([(digits[:4], digits[4:6], digits[6:])])
    elif int(digits[:9]) in _SERIALS:
        yield (_DAY_ZERO + timedelta(days=int(digits))).isoformat()


def _days(orders: list[tuple[str, str, str]]) -> Iterator[str]:
    for year, month, day in dict.fromkeys(orders):
        try:
            yield date(int(year), int(month), int(day)).isoformat()
        except ValueError:
            continue


def _month(word: str) -> str:
    at = _MONTHS.find(word[:3]) if len(word) > 2 else -1
    return str(at // 3 + 1) if at >= 0 and at % 3 == 0 else ""


def fitting(text: str, fits: Callable[[str], bool]) -> str:
    """The text in the letters, case or signs that its field takes; empty if none of them fit."""
    seen = "".join(one for one in text if unicodedata.category(one) != "Cf")
    seen = " ".join(unicodedata.normalize("NFKC", seen).split())
    dashed = re.sub(r"[^a-z0-9._-]+", "-", folded(text)).strip("-._")
    tried = (seen, seen.upper(), folded(text), folded(text).upper(), dashed)
    return next((one for one in tried if one and one != text and fits(one)), "")
