"""How amounts are written in files, and what is wrong with another spelling."""

import re
from typing import Final

from reconciler.core.model.resource import Value
from reconciler.workspace.spellings import amounts_meant, is_negative

# The first that fits is the reason told.
_FLAWS: Final = tuple(
    (re.compile(pattern), flaw)
    for pattern, flaw in (
        (r"\s*\Z", "is empty"),
        (r"-", "is negative; the type of the line says its side"),
        (r"[0.]+\Z", "is zero; a line without an amount says nothing"),
        (r".*\s", "holds a space or a line break"),
        (r"\+", "begins with `+`"),
        (r"[0-9][0-9.]*[eE]", "is written with an exponent"),
        (r"0[xob]", "is not written in decimal digits"),
        (r".*[,_']", "holds a separator between digits"),
        (r".*[^\x00-\x7f]", "holds a character that is no plain digit"),
        (r"0[0-9]", "begins with a zero that other readers take for octal"),
        (r"[0-9]{16}", "has more than 15 digits before the decimal point"),
        (r"[0-9]+\.[0-9]{7}", "has more than 6 decimals"),
    )
)


def amount_flaw(text: str) -> str:
    """What keeps the text from being an amount; the sentence lacks only its subject."""
    fits = (flaw for pattern, flaw in _FLAWS if pattern.match(text))
    return next(fits, "is not written as a plain decimal")


def amount_remedy(text: str, *, side: Value) -> str:
    """What to write instead; empty if the text does not tell."""
    meant = amounts_meant(text)
    if re.fullmatch(r"-?[0.]+", text):
        return "Write the amount, or remove the line."
    if not meant:
        return ""
    remedy = f"Write {meant[0]}"
    if len(meant) > 1:
        remedy += f", or {meant[1]} if the sign between the digits is a decimal point"
    other = {"Debit": "Credit", "Credit": "Debit"}.get(str(side))
    if is_negative(text):
        remedy += f" and swap the side: `type: {other}`" if other else " and swap the side"
    return f"{remedy}."
