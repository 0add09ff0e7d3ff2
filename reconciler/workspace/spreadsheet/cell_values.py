"""What a cell says as an amount, a text or a date; exact, or refused with a reason."""

import re
from collections.abc import Mapping, Set
from datetime import date
from decimal import Decimal

from reconciler.core.model.finding import joined
from reconciler.core.model.money import ZERO, plain, written_decimals
from reconciler.core.model.tenant import Tenant
from reconciler.workspace.json_schema import is_date
from reconciler.workspace.spreadsheet.cells import DIGITS, Cell
from reconciler.workspace.spreadsheet.mapping import SpreadsheetMapping, TextSource
from reconciler.workspace.spreadsheet.number_formats import other_currency

_NO_AMOUNT = frozenset({"-", "\u2013", "\u2014"})
"""How accounting formats show a zero."""


_GROUP_SIGNS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"})
"""What programs write between groups: no-break and thin spaces, and a typographic apostrophe."""


class CellRefused(Exception):
    """Why a cell is not used: rule, message and remedy."""

    def __init__(self, rule: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.rule, self.message, self.remedy = rule, message, remedy


def amount_in(
    cell: Cell, mapping: SpreadsheetMapping, *, currency: str, units: int | None
) -> Decimal | None:
    """The amount with its sign, None for an empty cell. Raises CellRefused.

    `units` are the decimals of the currency; with None they are not checked here. Brackets around
    an amount mean that it is negative.
    """
    if cell.flaw:
        raise CellRefused("sheet-amount", cell.flaw, cell.remedy)
    if cell.value is None or cell.value in _NO_AMOUNT:
        return None
    if isinstance(cell.value, date):
        message = f"the cell holds the date {cell.value}, not an amount"
        raise CellRefused("sheet-amount", message, "Format the cell as a number.")
    if currency and (other := other_currency(cell.number_format, currency)):
        raise CellRefused(
            "sheet-amount",
            f"the format of the cell shows `{other}`, and the currency is {currency}",
            "Correct the currency, or the format of the cell.",
        )
    number = isinstance(cell.value, Decimal)
    amount = cell.value if isinstance(cell.value, Decimal) else _from_text(cell.value, mapping)
    if number:
        # Zeros behind the point mean nothing in a number cell, but are evidence in a text.
        amount = Decimal(plain(amount))
    if units is not None and written_decimals(amount) > units:
        raise CellRefused(
            "sheet-amount",
            f"{currency} has {units} decimals, and the cell holds {plain(amount)}"
            if number
            else f"{currency} has {units} decimals, and the cell holds `{cell.value}`",
            f"Round it in the sheet, for example `=ROUND(…, {units})`."
            if number
            else f"Write at most {units} decimals.",
        )
    if number and len(str(abs(int(amount)))) + (units or 0) > DIGITS:
        raise CellRefused(
            "sheet-amount",
            f"a number cell holds {DIGITS} digits for certain, and this amount needs more",
            "Format the cell as text, and type the amount again.",
        )
    return amount


def _from_text(text: str, mapping: SpreadsheetMapping) -> Decimal:
    inner = text
    negative = inner.startswith("(") and inner.endswith(")")
    if negative:
        inner = inner[1:-1].strip()
    elif inner[0] in "-\u2212":
        negative, inner = True, inner[1:].strip()
    group, point = mapping.group_sign, mapping.decimal_sign
    if group:
        inner = inner.translate(_GROUP_SIGNS)
        whole = rf"[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}})+|[0-9]+"
    else:
        whole = "[0-9]+"
    if not re.fullmatch(rf"(?:{whole})(?:{re.escape(point)}[0-9]+)?", inner, re.ASCII):
        signs = f"decimals after `{point}`" + (
            f", groups with `{group}`" if group else ", no groups"
        )
        raise CellRefused(
            "sheet-amount",
            f"`{text}` is no amount with {signs}",
            "Correct the cell, or set `numbers` in the mapping.",
        )
    digits = inner.replace(group, "") if group else inner
    amount = Decimal(digits.replace(point, "."))
    return amount.copy_negate() if negative and amount != ZERO else amount


def text_in(cell: Cell) -> str:
    """The text of a cell; a whole number is text too. Raises CellRefused."""
    if cell.flaw:
        raise CellRefused("sheet-row", cell.flaw, cell.remedy)
    if cell.value is None:
        return ""
    if isinstance(cell.value, date):
        message = f"the cell holds the date {cell.value}, not a text"
        raise CellRefused("sheet-row", message, _AS_TEXT)
    if isinstance(cell.value, Decimal):
        text = plain(cell.value)
        if "." in text or len(text) > DIGITS:
            message = f"the cell holds the number {text}, not a text"
            raise CellRefused("sheet-row", message, _AS_TEXT)
        return text
    return cell.value


_AS_TEXT = "Format the cell as text, and type it again."


def date_in(cell: Cell, order: str) -> date | None:
    """The day in a cell, None if it is empty. `order` is how a text is written. CellRefused."""
    if cell.flaw:
        raise CellRefused("sheet-date", cell.flaw, cell.remedy)
    if cell.value is None or isinstance(cell.value, date):
        return cell.value
    if isinstance(cell.value, Decimal):
        raise CellRefused(
            "sheet-date",
            f"the cell holds the number {plain(cell.value)}, not a date",
            "Format the cell as a date.",
        )
    pattern = re.escape(order)
    for word in ("YYYY", "MM", "DD"):
        pattern = pattern.replace(word, f"(?P<{word}>[0-9]{{{len(word)}}})")
    found = re.fullmatch(pattern, cell.value, re.ASCII)
    day = f"{found['YYYY']}-{found['MM']}-{found['DD']}" if found else ""
    if not is_date(day):
        raise CellRefused(
            "sheet-date",
            f"`{cell.value}` is no date written {order}",
            "Correct the cell, or set `dates` in the mapping.",
        )
    return date.fromisoformat(day)


def period_containing(day: date, tenant: Tenant) -> str:
    """The period that a date cell means: programs turn a text such as Mar-2026 into a date."""
    names = [
        period.name
        for period in tenant.periods
        if period.end_date and period.start_date <= day.isoformat() <= period.end_date
    ]
    if len(names) != 1:
        message = f"{len(names)} periods contain the date {day}"
        raise CellRefused("sheet-row", message, "Format the cell as text, and name the period.")
    return names[0]


def meaning_of(text: str, source: TextSource, accounts: Mapping[str, Set[str]]) -> str:
    """What a text of a column means; `accounts` has the codes of each general ledger account.

    Raises CellRefused.
    """
    if not text:
        return text
    if source.by_gl_account:
        names = accounts.get(text, frozenset())
        if len(names) != 1:
            which = joined(sorted(names)) if names else "no accounting code"
            have = "have" if len(names) > 1 else "has"
            message = f"{which} {have} the general ledger account `{text}`"
            remedy = "Map the column to names of accounting codes with `map`."
            if not names:
                remedy = "Correct the cell, or `glAccountNumber` in the Reference."
            raise CellRefused("sheet-row", message, remedy)
        return next(iter(names))
    if source.meanings is None:
        return text
    if text not in source.meanings:
        message = f"`map` of the mapping does not have `{text}`"
        raise CellRefused("sheet-row", message, "Correct the cell, or add the text to `map`.")
    return source.meanings[text]
