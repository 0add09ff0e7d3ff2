"""Templates and their filters: exact amounts, visible characters, counted nouns."""

import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import falcon

from .access import Viewer
from .view import Page, View

if TYPE_CHECKING:
    import jinja2

HTML = "text/html; charset=utf-8"
_HERE = Path(__file__).parent
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_HARMLESS = frozenset("\n\t\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}\N{SOFT HYPHEN}")
"""Invisible characters that some languages need."""
STATIC = {"style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}


def render(template: str, values: Mapping[str, Any]) -> str:
    """The HTML of a page. A missing value is an error."""
    return _environment().get_template(template).render(values)


def write(
    response: falcon.Response, page: Page, *, viewer: Viewer | None = None, view: View | None = None
) -> None:
    link: Callable[..., str] = (lambda path, **_: path) if view is None else view.link
    frame = {"page": page, "viewer": viewer, "view": view, "link": link}
    response.text = render(page.template, {**page.values, **frame})
    response.content_type = HTML


def static(name: str) -> bytes:
    return (_HERE / name).read_bytes()


def money(
    amount: Decimal | None, currency: str | None, units_of: Callable[[str], int | None]
) -> str:
    """An amount with all its digits, at least the currency's decimals, and grouped thousands."""
    if amount is None:
        return ""
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int)
    units = units_of(currency) if currency is not None else None
    decimals = max(units or 0, -exponent)
    return f"{amount:,.{decimals}f}"


def _money(context: Mapping[str, Any], amount: Decimal | None, currency: str | None) -> str:
    """An amount with the decimals that the tenant of the page states of its currency."""
    return money(amount, currency, context["view"].settings.minor_units)


def visible(text: object) -> str:
    """Text with invisible and direction-changing characters replaced by their codes."""
    return "".join(
        f"[U+{ord(character):04X}]"
        if unicodedata.category(character) in _INVISIBLE and character not in _HARMLESS
        else character
        for character in str(text)
    )


def counted(number: int, word: str) -> str:
    """`1 entry`, `1,200 entries`."""
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number:,} {word if number == 1 else plural}"


@cache
def _environment() -> "jinja2.Environment":
    import jinja2  # noqa: PLC0415 - loaded for the first page

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "money": jinja2.pass_context(_money),
        "visible": visible,
        "counted": counted,
    }
    return environment
