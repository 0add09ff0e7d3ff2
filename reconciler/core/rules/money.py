"""The checks of amounts: balance in both currencies, home amounts, decimal places."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from reconciler.core.model.known import LINES, Known
from reconciler.core.model.money import ZERO, decimals, difference, minor_units, plain, shown, total
from reconciler.core.model.resource import Declared, Finding, Path, rows_of
from reconciler.core.rules.catalog import finding


def _amounts(declared: Declared, name: str) -> Iterator[tuple[int, str, Decimal]]:
    for at, line in enumerate(rows_of(declared.spec.get(LINES))):
        amount = line.get(name)
        if amount is not None:
            # An amount that is no exact number would be left out of the sums in silence (I-53).
            assert isinstance(amount, Decimal)
            yield at, str(line.get("type")), amount


def _imbalance(declared: Declared, name: str, currency: str) -> tuple[str, str] | None:
    """The sentence and the remedy for unequal sides, or None when they are equal."""
    amounts = list(_amounts(declared, name))
    debited = total(amount for _, side, amount in amounts if side == "Debit")
    credited = total(amount for _, side, amount in amounts if side == "Credit")
    gap = difference(debited, credited)
    if gap == ZERO:
        return None
    more, less = ("debits", "credit") if gap > ZERO else ("credits", "debit")
    other = "credits" if gap > ZERO else "debits"
    size = shown(gap.copy_abs(), currency)
    return (
        f"{more} exceed {other} by {f'{currency} {size}'.strip()}",
        f"Add a {less} line of {size} or correct an amount; an entry is posted only in balance.",
    )


def _lines_balance(declared: Declared, known: Known) -> Iterator[Finding]:
    found = _imbalance(declared, "amount", str(declared.spec["currency"]))
    if found:
        yield finding(declared, "lines-balance", ("spec", LINES), *found)


def _home_balance(declared: Declared, known: Known) -> Iterator[Finding]:
    lines = rows_of(declared.spec.get(LINES))
    if not all("homeCurrencyAmount" in line for line in lines):
        return
    # Stated amounts balance whatever the home currency is, and when none is known yet.
    found = _imbalance(declared, "homeCurrencyAmount", known.facts.home_currency or "")
    if found:
        message, remedy = found
        yield finding(
            declared, "home-balance", ("spec", LINES), f"in the home currency, {message}", remedy
        )


def _home_amount(declared: Declared, known: Known) -> Iterator[Finding]:
    home, currency = known.facts.home_currency, declared.spec["currency"]
    for at, line in enumerate(rows_of(declared.spec.get(LINES))):
        amount = line.get("homeCurrencyAmount")
        path: Path = ("spec", LINES, at)
        if home is None:
            if known.complete and amount is not None:
                message = "homeCurrencyAmount is stated, but the tenant has no home currency"
                path = (*path, "homeCurrencyAmount")
                yield finding(declared, "home-amount", path, message, "Leave it out.")
        elif amount is None:
            if currency != home:
                message = f"homeCurrencyAmount is missing on a line in {currency}"
                remedy = f"Add homeCurrencyAmount: the amount in {home}."
                yield finding(declared, "home-amount", path, message, remedy)
        elif currency == home and amount != line.get("amount"):
            message = f"homeCurrencyAmount differs from amount, and both are in {home}"
            remedy = "Leave homeCurrencyAmount out, or make it equal to the amount."
            path = (*path, "homeCurrencyAmount")
            yield finding(declared, "home-amount", path, message, remedy)


def _minor_units(declared: Declared, known: Known) -> Iterator[Finding]:
    currency = str(declared.spec["currency"])
    if minor_units(currency) is None:
        message = f"{currency} is not a currency of ISO 4217 with known decimal places"
        yield finding(declared, "currency-code", ("spec", "currency"), message)
        return
    for name, code in (("amount", currency), ("homeCurrencyAmount", known.facts.home_currency)):
        units = minor_units(code) if code else None
        if units is None:
            continue
        for at, _, amount in _amounts(declared, name):
            if decimals(amount) > units:
                places = decimals(amount)
                word = "decimal place" if places == 1 else "decimal places"
                message = f"{plain(amount)} has {places} {word}; {code} has {units or 'none'}"
                yield finding(declared, "minor-units", ("spec", LINES, at, name), message)


MONEY_CHECKS: tuple[Callable[[Declared, Known], Iterator[Finding]], ...] = (
    _minor_units,
    _lines_balance,
    _home_amount,
    _home_balance,
)
