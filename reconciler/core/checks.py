"""The accounting checks: pure, offline, and exact."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from reconciler.core.canonical import canonical_json
from reconciler.core.facts import AccountingCode, AccountingPeriod, CustomField, Facts
from reconciler.core.marker import IN_NOTES, marker_of, notes_suffix
from reconciler.core.money import ZERO, decimals, difference, minor_units, shown, total
from reconciler.core.rules import FILE_RULES
from reconciler.core.values import Declared, Finding, Path, Source, Value, rows_of

MAX_LINES = 100
MAX_NOTES = 2000

WORKSPACE_FILE = "reconciler.yaml"

_LINES = "journalEntryItems"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Facts indexed for checking many declarations, with the marker's place and its length."""

    facts: Facts
    complete: bool
    """Whether the facts come from a Reference, so that what they do not list does not exist."""
    codes: Mapping[str, tuple[AccountingCode, ...]]
    periods: Mapping[str, AccountingPeriod]
    marker: str
    workspace: str


def known(facts: Facts, *, complete: bool, marker: str, workspace: str) -> Known:
    """Index facts. Without a Reference, only codes and periods that facts do list are checked."""
    codes: dict[str, tuple[AccountingCode, ...]] = {}
    for code in facts.codes:
        codes[code.name] = (*codes.get(code.name, ()), code)
    return Known(
        facts=facts,
        complete=complete,
        codes=codes,
        periods={period.name: period for period in facts.periods},
        marker=marker,
        workspace=workspace,
    )


def check(declared: Declared, known: Known) -> tuple[Finding, ...]:
    """Every finding in one declaration. Its shape is what its schema accepts."""
    return tuple(finding for rule in _CHECKS for finding in rule(declared, known))


def check_marker(known: Known) -> Iterator[Finding]:
    """Whether the tenant can carry the marker where the workspace wants it."""
    if known.complete and known.marker != IN_NOTES and known.marker not in known.facts.entry_fields:
        yield Finding(
            source=Source(path=WORKSPACE_FILE),
            path=("spec", "identity", "marker"),
            rule="marker-field",
            message=f"the tenant has no custom field {known.marker} on JournalEntry",
            remedy=FILE_RULES["marker-field"].remedy,
        )


def check_together(declarations: Iterable[Declared]) -> Iterator[Finding]:
    """Findings that take more than one declaration to see."""
    first: dict[str, Declared] = {}
    for declared in declarations:
        economics = _economics(declared.spec)
        other = first.setdefault(economics, declared)
        if other is not declared:
            yield _finding(
                declared,
                "same-economics",
                ("spec", _LINES),
                f"the same period, currency and lines as {other.address.name} ({other.source})",
            )


def _economics(spec: Mapping[str, Value]) -> str:
    rows = sorted(
        canonical_json((line.get("accountingCodeName"), line.get("type"), line.get("amount")))
        for line in rows_of(spec.get(_LINES))
    )
    return canonical_json((spec.get("accountingPeriodName"), spec.get("currency"), *rows))


def _finding(declared: Declared, rule: str, path: Path, message: str, remedy: str = "") -> Finding:
    known_rule = FILE_RULES[rule]
    return Finding(
        source=declared.source,
        path=path,
        rule=rule,
        message=message,
        remedy=remedy or known_rule.remedy,
        severity=known_rule.severity,
    )


def _amounts(declared: Declared, name: str) -> Iterator[tuple[int, str, Decimal]]:
    for at, line in enumerate(rows_of(declared.spec.get(_LINES))):
        amount = line.get(name)
        if isinstance(amount, Decimal):
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
    size = shown(abs(gap), currency)
    return (
        f"{more} exceed {other} by {currency} {size}",
        f"Add a {less} line of {size} or correct an amount; an entry is posted only in balance.",
    )


def _lines_balance(declared: Declared, known: Known) -> Iterator[Finding]:
    found = _imbalance(declared, "amount", str(declared.spec["currency"]))
    if found:
        yield _finding(declared, "lines-balance", ("spec", _LINES), *found)


def _home_balance(declared: Declared, known: Known) -> Iterator[Finding]:
    home = known.facts.home_currency
    lines = rows_of(declared.spec.get(_LINES))
    if home is None or not all("homeCurrencyAmount" in line for line in lines):
        return
    found = _imbalance(declared, "homeCurrencyAmount", home)
    if found:
        message, remedy = found
        yield _finding(
            declared, "home-balance", ("spec", _LINES), f"in the home currency, {message}", remedy
        )


def _home_amount(declared: Declared, known: Known) -> Iterator[Finding]:
    home, currency = known.facts.home_currency, declared.spec["currency"]
    for at, line in enumerate(rows_of(declared.spec.get(_LINES))):
        amount = line.get("homeCurrencyAmount")
        path: Path = ("spec", _LINES, at)
        if home is None:
            if known.complete and amount is not None:
                message = "homeCurrencyAmount is stated, but the tenant has no home currency"
                yield _finding(declared, "home-amount", (*path, "homeCurrencyAmount"), message)
        elif amount is None:
            if currency != home:
                message = f"homeCurrencyAmount is missing on a line in {currency}"
                remedy = f"Add homeCurrencyAmount: the amount in {home}."
                yield _finding(declared, "home-amount", path, message, remedy)
        elif currency == home and amount != line.get("amount"):
            message = f"homeCurrencyAmount differs from amount, and both are in {home}"
            remedy = "Leave homeCurrencyAmount out, or make it equal to the amount."
            path = (*path, "homeCurrencyAmount")
            yield _finding(declared, "home-amount", path, message, remedy)


def _minor_units(declared: Declared, known: Known) -> Iterator[Finding]:
    currency = str(declared.spec["currency"])
    if minor_units(currency) is None:
        message = f"{currency} is not a currency of ISO 4217 with known decimal places"
        yield _finding(declared, "currency-code", ("spec", "currency"), message)
        return
    for name, code in (("amount", currency), ("homeCurrencyAmount", known.facts.home_currency)):
        units = minor_units(code) if code else None
        if units is None:
            continue
        for at, _, amount in _amounts(declared, name):
            if decimals(amount) > units:
                message = f"{amount} has {decimals(amount)} decimal places; {code} has {units}"
                yield _finding(declared, "minor-units", ("spec", _LINES, at, name), message)


def _currency(declared: Declared, known: Known) -> Iterator[Finding]:
    facts, currency = known.facts, declared.spec["currency"]
    path: Path = ("spec", "currency")
    if known.complete and currency not in facts.currencies:
        message = f"{currency} is not active in the tenant; active are {_listed(facts.currencies)}"
        yield _finding(declared, "active-currency", path, message)
    if facts.aggregate_currency and facts.home_currency and currency != facts.home_currency:
        message = f"currencies are aggregated, and {currency} is not {facts.home_currency}"
        yield _finding(declared, "aggregate-currency", path, message)


def _codes(declared: Declared, known: Known) -> Iterator[Finding]:
    if not known.complete and not known.codes:
        return
    for at, line in enumerate(rows_of(declared.spec.get(_LINES))):
        name, kind = str(line.get("accountingCodeName")), line.get("accountingCodeType")
        path = ("spec", _LINES, at, "accountingCodeName")
        named = known.codes.get(name, ())
        matching = [code for code in named if kind is None or code.type == kind]
        if not named:
            message = f'no accounting code is named "{name}"'
            yield _finding(declared, "known-accounting-code", path, message, _nearest(name, known))
        elif not matching:
            types = _listed(code.type for code in named)
            message = f'accounting code "{name}" has the type {types}, not {kind}'
            path = ("spec", _LINES, at, "accountingCodeType")
            yield _finding(declared, "known-accounting-code", path, message)
        elif len(matching) > 1:
            types = _listed(code.type for code in matching)
            message = f'more than one accounting code is named "{name}": {types}'
            yield _finding(declared, "accounting-code-type", path, message)
        elif matching[0].status != "Active":
            message = f'accounting code "{name}" is {matching[0].status.lower()}'
            yield _finding(declared, "active-accounting-code", path, message)


def _nearest(name: str, known: Known) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  only when a name is wrong

    close = get_close_matches(name, known.codes, n=1)
    return f'Did you mean "{close[0]}"?' if close else ""


def _period(declared: Declared, known: Known) -> Iterator[Finding]:
    if not known.complete and not known.periods:
        return
    name, path = str(declared.spec["accountingPeriodName"]), ("spec", "accountingPeriodName")
    period = known.periods.get(name)
    if period is None:
        message = f'no accounting period is named "{name}"'
        yield _finding(declared, "known-period", path, message)
        return
    if period.status == "Closed":
        message = f"the accounting period {name} is closed"
        yield _finding(declared, "open-period", path, message)
    date = str(declared.spec["journalEntryDate"])
    # Dates in ISO form compare as text.
    if date < period.start_date or (period.end_date is not None and date > period.end_date):
        span = f"{period.start_date} to {period.end_date or 'open end'}"
        message = f"{date} lies outside {name} ({span})"
        yield _finding(declared, "date-in-period", ("spec", "journalEntryDate"), message)


def _segments(declared: Declared, known: Known) -> Iterator[Finding]:
    rule, stated = known.facts.segments, rows_of(declared.spec.get("segments"))
    names = tuple(str(segment.get("segmentName")) for segment in stated)
    if not names or not known.complete or names == rule:
        return
    if rule is None:
        message = "segments are stated, but no segmentation rule is active"
        remedy = "Leave `segments` out."
    else:
        message = f"segments are {_listed(names, keep=True)}"
        message += f"; the rule has {_listed(rule, keep=True)}"
        remedy = "List all segments of the rule, in its order, or leave `segments` out."
    yield _finding(declared, "segments", ("spec", "segments"), message, remedy)


def _custom_fields(declared: Declared, known: Known) -> Iterator[Finding]:
    if known.marker in declared.spec:
        message = f"{known.marker} carries the marker and is written by the tool alone"
        yield _finding(declared, "reserved-field", ("spec", known.marker), message)
    yield from _fields_known(declared, declared.spec, ("spec",), known.facts.entry_fields, known)
    for at, line in enumerate(rows_of(declared.spec.get(_LINES))):
        path = ("spec", _LINES, at)
        yield from _fields_known(declared, line, path, known.facts.line_fields, known)


def _fields_known(
    declared: Declared,
    fields: Mapping[str, Value],
    path: Path,
    allowed: Mapping[str, CustomField],
    known: Known,
) -> Iterator[Finding]:
    if not known.complete:
        return
    for name, value in fields.items():
        if not name.endswith("__c") or name == known.marker:
            continue
        field = allowed.get(name)
        if field is None:
            message = f"the tenant has no custom field {name} here"
            if allowed:
                message += f"; it has {_listed(allowed)}"
            yield _finding(declared, "custom-field", (*path, name), message)
        elif isinstance(value, str) and len(value) > field.max_length:
            message = f"{name} has {len(value)} characters; {field.max_length} fit"
            yield _finding(declared, "custom-field", (*path, name), message)


def _limits(declared: Declared, known: Known) -> Iterator[Finding]:
    count = len(rows_of(declared.spec.get(_LINES)))
    if count > MAX_LINES:
        message = f"the entry has {count} lines; {MAX_LINES} fit"
        yield _finding(declared, "line-limit", ("spec", _LINES), message)
    notes = declared.spec.get("notes")
    room = MAX_NOTES
    if known.marker == IN_NOTES:
        # The suffix stands on a line of its own.
        room -= len(notes_suffix(marker_of(known.workspace, declared.address))) + 1
    if isinstance(notes, str) and len(notes) > room:
        message = f"the notes have {len(notes):,} characters; {room:,} fit"
        yield _finding(declared, "notes-length", ("spec", "notes"), message)


def _listed(names: Iterable[str], *, keep: bool = False) -> str:
    return ", ".join(names if keep else sorted(names)) or "none"


_CHECKS: tuple[Callable[[Declared, Known], Iterator[Finding]], ...] = (
    _minor_units,
    _lines_balance,
    _home_amount,
    _home_balance,
    _currency,
    _codes,
    _period,
    _segments,
    _custom_fields,
    _limits,
)
