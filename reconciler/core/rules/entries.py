"""The checks of journal entries."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from reconciler.core.model.canonical import short_digest, value_text
from reconciler.core.model.enumerations import PeriodStatus
from reconciler.core.model.finding import Finding
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.kinds.journal_run import JOURNAL_RUN
from reconciler.core.model.marker import IN_NOTES, marker_of, notes_suffix
from reconciler.core.model.money import (
    ZERO,
    difference,
    minor_units,
    shown,
    total,
    with_decimals,
    written,
    written_decimals,
)
from reconciler.core.model.resource import Declared, Path, Source, Value, rows_of
from reconciler.core.model.tenant import Tenant
from reconciler.core.rules.catalog import Check, finding, finding_at
from reconciler.core.rules.journal_runs import RUN_CHECKS, overlaps
from reconciler.core.rules.rates import Economics, check_rates, debits, unusual_line
from reconciler.core.rules.reversals import check_reversals, reversed_names
from reconciler.core.rules.tenant import LINES, TENANT_CHECKS, custom_fields

MAX_LINES = 100
MAX_NOTES = 2000

WORKSPACE_FILE = "reconciler.yaml"


def check(declared: Declared, tenant: Tenant) -> tuple[Finding, ...]:
    """Every finding in one declaration that fits its schema.

    An entry that a journal run made is never posted from here, so only fields that an update can
    change are checked.
    """
    return (*check_content(declared, tenant), *check_period(declared, tenant))


def check_content(declared: Declared, tenant: Tenant) -> tuple[Finding, ...]:
    """The findings of `check` that do not depend on the status of a period."""
    rules = _CHECKS[declared.address.kind] if declared.made_by is None else BASIC_CHECKS
    return tuple(finding for rule in rules for finding in rule(declared, tenant))


def check_period(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    """The other findings of `check`: the only ones that change from month to month."""
    if declared.made_by is not None or declared.address.kind != JOURNAL_ENTRY.name:
        return
    period = tenant.periods_by_name.get(str(declared.spec["accountingPeriodName"]))
    if period is not None and period.status == PeriodStatus.CLOSED:
        message = f"the accounting period {period.name} is closed"
        yield finding(declared, "open-period", ("spec", "accountingPeriodName"), message)


def check_marker(tenant: Tenant) -> Iterator[Finding]:
    """A finding if the tenant lacks the custom field for the marker."""
    if tenant.complete and tenant.marker != IN_NOTES and tenant.marker not in tenant.entry_fields:
        message = f"the tenant has no custom field {tenant.marker} on JournalEntry"
        path = ("spec", "identity", "marker")
        yield finding_at(Source(path=WORKSPACE_FILE), "marker-field", path, message)


def check_together(
    declarations: Iterable[Declared],
    tenant: Tenant,
    posting_of: Callable[[Declared], Economics] | None = None,
) -> Iterator[Finding]:
    """Findings about several declarations of one kind.

    `posting_of` gives what an entry posts where that is known.
    """
    entries: list[Declared] = []
    runs: list[Declared] = []
    for declared in declarations:
        is_run = declared.address.kind == JOURNAL_RUN.name
        (runs if is_run else entries).append(declared)
    posting_of = posting_of or (lambda entry: economics(entry.spec, tenant))
    reverses = any(one.reverses is not None for one in entries)
    yield from _same_economics(entries, posting_of, reversed_names(entries) if reverses else ())
    # A reversal has the rate of its original.
    own = [one for one in entries if one.reverses is None]
    yield from check_rates([(one.source, posting_of(one).debits) for one in own], tenant)
    if not (tenant.complete or tenant.home_currency):
        yield from _unknown_home_currency(entries)
    if reverses:
        yield from check_reversals(entries, tenant)
    yield from overlaps(runs, tenant)


def _same_economics(
    entries: Iterable[Declared], posting_of: Callable[[Declared], Economics], undone: Container[str]
) -> Iterator[Finding]:
    first: dict[str, Declared] = {}
    for declared in entries:
        if declared.address.name in undone:
            # Its reversal cancels it out, so an equal entry posts the amounts once.
            continue
        other = first.setdefault(posting_of(declared).digest, declared)
        # Two adopted entries are posted under two numbers already.
        if other is not declared and not (other.adopts and declared.adopts):
            yield finding(
                declared,
                "same-economics",
                ("spec", LINES),
                f"the same period, currency and lines as {other.address.name} ({other.source})",
            )


def _unknown_home_currency(entries: Iterable[Declared]) -> Iterator[Finding]:
    name = "homeCurrencyAmount"
    lines = ((entry, entry.spec.get(LINES)) for entry in entries)
    stated = [(entry, at) for entry, rows in lines for at, _, _ in _amounts(rows, name)]
    if stated:
        entry, at = stated[0]
        message = f"the decimal places of {name} are not checked: the home currency is unknown"
        yield finding(entry, "home-currency", ("spec", LINES, at, name), message)


def economics(spec: Mapping[str, Value], tenant: Tenant) -> Economics:
    """What an entry posts and where.

    For the digest the order of lines and trailing zeros do not count. Nor do date and notes, for a
    double posting often differs in them, nor home amounts.
    """
    lines = sorted(
        sorted((name, value_text(line[name])) for name in line if _counts(name, line, tenant))
        for line in rows_of(spec.get(LINES))
    )
    segments = {
        (str(segment.get("segmentName")), str(segment.get("segmentValue")))
        for segment in rows_of(spec.get("segments"))
    }
    header = [spec.get(name) for name in ("accountingPeriodName", "currency", "organizationLabel")]
    return Economics(
        digest=short_digest((header, sorted(segments), lines)),
        debits=debits(str(spec.get("currency")), str(header[0]), rows_of(spec.get(LINES)), tenant),
    )


def _counts(name: str, line: Mapping[str, Value], tenant: Tenant) -> bool:
    """Whether a field tells two lines apart. The type of a code may be omitted if it is clear."""
    if name == "accountingCodeType":
        return len(tenant.codes_by_name.get(str(line.get("accountingCodeName")), ())) > 1
    fields = ("accountingCodeName", "type", "amount")
    return name in fields or (name.endswith("__c") and line[name] is not None)


def _limits(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    count = len(rows_of(declared.spec.get(LINES)))
    if count > MAX_LINES:
        message = f"the entry has {count} lines; at most {MAX_LINES} are allowed"
        yield finding(declared, "line-limit", ("spec", LINES), message)
    notes = declared.spec.get("notes")
    room = MAX_NOTES
    if tenant.marker == IN_NOTES:
        # The suffix has its own line.
        room -= len(notes_suffix(marker_of(tenant.workspace, declared.address))) + 1
    if isinstance(notes, str) and len(notes) > room:
        message = f"the notes have {len(notes):,} characters; at most {room:,} are allowed"
        yield finding(declared, "notes-length", ("spec", "notes"), message)


def _amounts(lines: Value, name: str) -> Iterator[tuple[int, str, Decimal]]:
    for at, line in enumerate(rows_of(lines)):
        amount = line.get(name)
        if amount is not None:
            # An inexact amount would silently be missing in the sums (I-53).
            assert isinstance(amount, Decimal)
            yield at, str(line.get("type")), amount


def _gap(lines: Value, name: str) -> Decimal:
    """The debits less the credits."""
    amounts = list(_amounts(lines, name))
    debited = total(amount for _, side, amount in amounts if side == "Debit")
    credited = total(amount for _, side, amount in amounts if side == "Credit")
    return difference(debited, credited)


def _exceeding(gap: Decimal, currency: str) -> str:
    more, other = ("debits", "credits") if gap > ZERO else ("credits", "debits")
    return f"{more} exceed {other} by {f'{currency} {shown(gap.copy_abs(), currency)}'.strip()}"


def _lines_balance(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    gap, currency = _gap(declared.spec.get(LINES), "amount"), str(declared.spec["currency"])
    if gap == ZERO:
        return
    side, size = "credit" if gap > ZERO else "debit", written(gap.copy_abs(), currency)
    remedy = (
        f"Add a {side} line of {size} or correct an amount; an entry is posted only in balance."
    )
    yield finding(declared, "lines-balance", ("spec", LINES), _exceeding(gap, currency), remedy)


def _home_balance(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    lines = rows_of(declared.spec.get(LINES))
    if not all("homeCurrencyAmount" in line for line in lines):
        return
    # The amounts must balance even if the home currency is unknown.
    gap = _gap(lines, "homeCurrencyAmount")
    # In the home currency itself, each amount equals its home amount or is refused for that.
    if gap == ZERO or declared.spec["currency"] == tenant.home_currency:
        return
    message = f"in the home currency, {_exceeding(gap, tenant.home_currency or '')}"
    remedy = _home_remedy(declared, gap, tenant)
    yield finding(declared, "home-balance", ("spec", LINES), message, remedy)


def _home_remedy(declared: Declared, gap: Decimal, tenant: Tenant) -> str:
    """The line that would balance; or a pair of lines, as a line of zero cannot be posted."""
    name, side, size = "homeCurrencyAmount", "Credit" if gap > ZERO else "Debit", gap.copy_abs()
    home = tenant.home_currency or ""
    lines = declared.spec.get(LINES)
    amounts = [(amount, at) for at, of, amount in _amounts(lines, name) if of == side]
    if not amounts:
        return ""
    amount, at = max(amounts)
    now, then = written(amount, home), written(total((amount, size)), home)
    remedy = f"Change {name} of line {at + 1} ({side}) from {now} to {then}"
    currency = str(declared.spec["currency"])
    units, home_units = tenant.minor_units(currency), tenant.minor_units(home)
    if units is None or home_units is None or size % Decimal(1).scaleb(-home_units):
        return f"{remedy}."
    unit, home_unit = (Decimal(1).scaleb(-places) for places in (units, home_units))
    other = "Debit" if gap > ZERO else "Credit"
    return (
        f"{remedy}. Or add two lines of {currency} {unit:f} for the rounding: a {other} "
        f"with {name} {home_unit:f}, and a {side} with {name} {total((home_unit, size)):f}."
    )


def _home_amount(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    home, currency = tenant.home_currency, declared.spec["currency"]
    for at, line in enumerate(rows_of(declared.spec.get(LINES))):
        amount = line.get("homeCurrencyAmount")
        path: Path = ("spec", LINES, at)
        if home is None:
            if tenant.complete and amount is not None:
                message = "homeCurrencyAmount is given, but the tenant has no home currency"
                path = (*path, "homeCurrencyAmount")
                yield finding(declared, "home-amount", path, message, "Omit it.")
        elif amount is None:
            if currency != home:
                message = f"homeCurrencyAmount is missing on a line in {currency}"
                remedy = f"Add homeCurrencyAmount: the amount in {home}."
                yield finding(declared, "home-amount", path, message, remedy)
        elif currency == home and amount != line.get("amount"):
            message = f"homeCurrencyAmount differs from amount, but both are in {home}"
            remedy = "Omit homeCurrencyAmount, or make it equal to the amount."
            path = (*path, "homeCurrencyAmount")
            yield finding(declared, "home-amount", path, message, remedy)
    if currency != home and (
        odd := unusual_line(str(currency), rows_of(declared.spec.get(LINES)), tenant)
    ):
        yield finding(declared, "unusual-rate", *odd)


def _minor_units(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    currency = str(declared.spec["currency"])
    if tenant.minor_units(currency) is None:
        path = ("spec", "currency")
        yield finding(declared, "currency-code", path, unknown_currency(currency))
        return
    for name, code in (("amount", currency), ("homeCurrencyAmount", tenant.home_currency)):
        for at, _, amount in _amounts(declared.spec.get(LINES), name):
            if code and (too_fine := excess_decimals(amount, code, tenant)):
                found = finding(declared, "minor-units", ("spec", LINES, at, name), *too_fine)
                # The Reference names the home currency and states decimal places; both may change.
                stated = name != "amount" or minor_units(code) is None
                yield replace(found, of_tenant=stated)


def unknown_currency(code: str) -> str:
    """The message about a code whose decimal places are not known."""
    return f"{code} is not a currency of ISO 4217 with known decimal places"


def excess_decimals(amount: Decimal, currency: str, tenant: Tenant) -> tuple[str, str] | None:
    """The message and the remedy for more written decimal places than the currency has.

    Zeros count: a reader of `1.000` cannot tell one from one thousand. None if there are no more,
    or if the currency is not known.
    """
    places, units = written_decimals(amount), tenant.minor_units(currency)
    if units is None or places <= units:
        return None
    unit = "decimal place" if places == 1 else "decimal places"
    message = f"{amount:f} has {places} {unit}; {currency} has {units or 'none'}"
    remedy = f"Write {' or '.join(f'{near:f}' for near in with_decimals(amount, units))}"
    if places == THOUSANDS and 1 <= amount < 10**THOUSANDS:
        grouped = amount.scaleb(THOUSANDS).quantize(Decimal(1).scaleb(-units))
        remedy += f", or {grouped:f} if the point separates thousands"
    return message, f"{remedy}."


THOUSANDS = 3
"""The digits after a separator of thousands."""


MONEY_CHECKS: tuple[Check, ...] = (
    _minor_units,
    _lines_balance,
    _home_amount,
    _home_balance,
)


BASIC_CHECKS: tuple[Check, ...] = (custom_fields, _limits)
"""Checks of what an update can change: custom fields and notes."""


_CHECKS: Mapping[str, tuple[Check, ...]] = {
    JOURNAL_ENTRY.name: (*MONEY_CHECKS, *TENANT_CHECKS, _limits),
    JOURNAL_RUN.name: RUN_CHECKS,
}
