"""The accounting rules for a new entry (API facts 8)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import RowMapping

from ..auth.permissions import Permission
from ..reference_data.tenant_settings import Settings
from ..web.errors import BUSINESS_RULE, INVALID_VALUE, MISSING_FIELD, Reason
from .amounts import too_fine, total
from .creation import Line, NewEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """What the rules use: settings, the named period, codes by name, permissions.

    `organizations` are the caller's, by name; None without Multi-Org. `mixes_aggregation` means
    that the period has entries with the other aggregation setting.
    """

    settings: Settings
    period: RowMapping | None
    codes: Mapping[str, Sequence[RowMapping]]
    permissions: frozenset[str]
    organizations: frozenset[str] | None
    mixes_aggregation: bool

    def code_of(self, line: Line) -> RowMapping | None:
        """The code of a line, or None if there is none or several match."""
        found = [
            code
            for code in self.codes.get(line.accounting_code_name, ())
            if line.accounting_code_type in (None, code["type"])
        ]
        return found[0] if len(found) == 1 else None


def violations(entry: NewEntry, context: RuleContext) -> Iterator[Reason]:
    for rule in RULES:
        yield from rule(entry, context)


def closed_reason(period: RowMapping, held: frozenset[str]) -> str | None:
    """Why a caller cannot post or cancel in a period, or None (API facts 4.3)."""
    if period["status"] == "Closed":
        return f"The accounting period {period['name']!r} is closed"
    if period["status"] == "PendingClose" and Permission.MANAGE_CLOSE not in held:
        return (
            f"The accounting period {period['name']!r} is pending close; posting in it needs the "
            f"permission {Permission.MANAGE_CLOSE}"
        )
    return None


def _period(entry: NewEntry, context: RuleContext) -> Iterator[Reason]:
    if context.period is None:
        yield Reason(
            INVALID_VALUE, f"There is no accounting period {entry.accounting_period_name!r}"
        )
        return
    closed = closed_reason(context.period, context.permissions)
    if closed is not None:
        yield Reason(BUSINESS_RULE, closed)
    if context.mixes_aggregation:
        yield Reason(
            BUSINESS_RULE, "The period holds entries with the other setting of currency aggregation"
        )


def _currency(entry: NewEntry, context: RuleContext) -> Iterator[Reason]:
    settings = context.settings
    if entry.currency not in settings.currencies:
        yield Reason(INVALID_VALUE, f"The currency {entry.currency!r} is not active")
    if settings.aggregate_currency and entry.currency != settings.home_currency:
        yield Reason(
            BUSINESS_RULE,
            f"Currencies are aggregated: the currency must be {settings.home_currency}",
        )


def _organization(entry: NewEntry, context: RuleContext) -> Iterator[Reason]:
    if context.organizations is None:
        if entry.organization is not None:
            yield Reason(BUSINESS_RULE, "organizationLabel needs a Multi-Org tenant")
    elif entry.organization is None:
        yield Reason(MISSING_FIELD, "organizationLabel is required in a Multi-Org tenant")
    elif entry.organization not in context.organizations:
        message = f"The request has no organization {entry.organization!r}"
        yield Reason(INVALID_VALUE, message)


def _codes(entry: NewEntry, context: RuleContext) -> Iterator[Reason]:
    for line in entry.lines:
        at, name, kind = line.at, line.accounting_code_name, line.accounting_code_type
        code = context.code_of(line)
        if code is not None:
            if code["status"] != "Active":
                yield Reason(BUSINESS_RULE, f"{at}: the accounting code {name!r} is not active")
        elif name not in context.codes:
            yield Reason(INVALID_VALUE, f"{at}: there is no accounting code {name!r}")
        elif kind is None:
            yield Reason(MISSING_FIELD, f"{at}: several codes are named {name!r}: give the type")
        else:
            yield Reason(INVALID_VALUE, f"{at}: {name!r} has no code of type {kind!r}")


def _sides(entry: NewEntry, context: RuleContext) -> Iterator[Reason]:
    for side in ("Debit", "Credit"):
        if not any(line.type == side for line in entry.lines):
            yield Reason(BUSINESS_RULE, f"The entry has no {side} item")


def _decimals(entry: NewEntry, context: RuleContext) -> Iterator[Reason]:
    settings = context.settings
    home = settings.home_currency
    for line in entry.lines:
        wrong = too_fine(line.amount, entry.currency, settings)
        if wrong is not None:
            yield Reason(INVALID_VALUE, f"{line.at}.amount {wrong}")
        if line.home_currency_amount is not None and home is not None:
            wrong = too_fine(line.home_currency_amount, home, settings)
            if wrong is not None:
                yield Reason(INVALID_VALUE, f"{line.at}.homeCurrencyAmount {wrong}")


def _home_amounts(entry: NewEntry, context: RuleContext) -> Iterator[Reason]:
    home = context.settings.home_currency
    for line in entry.lines:
        field = f"{line.at}.homeCurrencyAmount"
        if home is None:
            if line.home_currency_amount is not None:
                yield Reason(BUSINESS_RULE, f"{field} must not be sent: no home currency is set")
        elif line.home_currency_amount is None:
            yield Reason(MISSING_FIELD, f"{field} is required, the home currency is {home}")
        elif entry.currency == home and line.home_currency_amount != line.amount:
            yield Reason(BUSINESS_RULE, f"{field} must equal the amount, both are {home}")


def _balance(entry: NewEntry, context: RuleContext) -> Iterator[Reason]:
    yield from _difference("amount", entry.currency, entry.lines, "amount")
    home = context.settings.home_currency
    given = [line.home_currency_amount for line in entry.lines]
    if home is not None and entry.currency != home and None not in given:
        yield from _difference("homeCurrencyAmount", home, entry.lines, "home_currency_amount")


def _difference(
    field: str, currency: str, lines: Sequence[Line], attribute: str
) -> Iterator[Reason]:
    def side(name: str) -> Decimal:
        return total(getattr(line, attribute) for line in lines if line.type == name)

    debits, credits_ = side("Debit"), side("Credit")
    if debits != credits_:
        yield Reason(
            BUSINESS_RULE,
            f"The entry is out of balance in {field}: "
            f"debits {debits:f} {currency}, credits {credits_:f} {currency}",
        )


def _segments(entry: NewEntry, context: RuleContext) -> Iterator[Reason]:
    if not entry.segments:
        return
    if context.settings.segments is None:
        yield Reason(BUSINESS_RULE, "segments must not be sent: no segmentation rule is active")
    elif tuple(name for name, _value in entry.segments) != context.settings.segments:
        expected = ", ".join(context.settings.segments)
        yield Reason(BUSINESS_RULE, f"segments must be all of the rule, in its order: {expected}")


RULES = (
    _period,
    _currency,
    _organization,
    _codes,
    _sides,
    _decimals,
    _home_amounts,
    _balance,
    _segments,
)
