"""The checks of entries against the currencies, codes, periods, segments and fields of a tenant."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.core.model.enumerations import CodeStatus
from reconciler.core.model.finding import Finding, Severity
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.marker import IN_NOTES, marker_of
from reconciler.core.model.resource import Declared, Path, Value, rows_of
from reconciler.core.model.similar_names import KnownNames, nearest
from reconciler.core.model.tenant import AccountingPeriod, CustomField, Tenant
from reconciler.core.rules.catalog import Check, finding

LINES = "journalEntryItems"
"""The field that holds the lines of an entry (API facts 3.2)."""


def _currency(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    currency = declared.spec["currency"]
    path: Path = ("spec", "currency")
    if tenant.complete and currency not in tenant.currencies:
        since, active = tenant.former_currencies.get(str(currency), ""), _listed(tenant.currencies)
        until = f" since {since}" if since else ""
        message = f"{currency} is not active in the tenant{until}; active currencies: {active}"
        yield finding(declared, "active-currency", path, message, since=since)
    if tenant.aggregate_currency and tenant.home_currency and currency != tenant.home_currency:
        home = tenant.home_currency
        message = (
            f"the tenant aggregates currencies, and {currency} is not its home currency {home}"
        )
        yield finding(declared, "aggregate-currency", path, message)


def _codes(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    if not tenant.complete and not tenant.codes_by_name:
        return
    kind = KINDS[declared.address.kind]
    for at, line in enumerate(rows_of(declared.spec.get(LINES))):
        name = str(line.get("accountingCodeName"))
        stated = kind.canonical_spelling("accountingCodeType", line.get("accountingCodeType"))
        path = ("spec", LINES, at, "accountingCodeName")
        named = tenant.codes_by_name.get(name, ())
        matching = [code for code in named if stated is None or code.type == stated]
        if not named:
            message = f'no accounting code is named "{name}"'
            remedy = nearest(name, tenant.similar_codes)
            yield finding(declared, "known-accounting-code", path, message, remedy)
        elif not matching:
            types = _listed(code.type for code in named)
            message = f'accounting code "{name}" has the type {types}, not {stated}'
            path = ("spec", LINES, at, "accountingCodeType")
            remedy = "Correct the type, or omit it if the name is unambiguous."
            yield finding(declared, "known-accounting-code", path, message, remedy)
        elif len(matching) > 1:
            types = _listed(code.type for code in matching)
            message = f'more than one accounting code is named "{name}": {types}'
            yield finding(declared, "accounting-code-type", path, message)
        elif matching[0].status != CodeStatus.ACTIVE:
            message = f'accounting code "{name}" is {matching[0].status.lower()}'
            since = matching[0].inactive_since
            yield finding(declared, "active-accounting-code", path, message, since=since)


def _period(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    period = tenant.periods_by_name.get(str(declared.spec["accountingPeriodName"]))
    yield from date_outside(declared, period) if period else unknown_period(declared, tenant)


def unknown_period(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    """A finding if periods are known and the declaration names none of them."""
    name, path = str(declared.spec["accountingPeriodName"]), ("spec", "accountingPeriodName")
    if name not in tenant.periods_by_name and (tenant.complete or tenant.periods_by_name):
        message = f'no accounting period is named "{name}"'
        remedy = nearest(name, tenant.similar_periods)
        yield finding(declared, "known-period", path, message, remedy)


def date_outside(declared: Declared, period: AccountingPeriod) -> Iterator[Finding]:
    """A finding if the date of the entry, or of the entries of a run, is outside the period."""
    date = str(declared.spec["journalEntryDate"])
    if not period.holds(date, date):
        span = f"{period.start_date} to {period.end_date or 'open end'}"
        message = f"{date} lies outside {period.name} ({span})"
        yield finding(declared, "date-in-period", ("spec", "journalEntryDate"), message)


def _segments(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    rule, stated = tenant.segments, rows_of(declared.spec.get("segments"))
    names = tuple(str(segment.get("segmentName")) for segment in stated)
    if not names or not tenant.complete:
        return
    date, path = str(declared.spec["journalEntryDate"]), ("spec", "segments")
    held = next((former for former in tenant.former_rules if former.held_on(date)), None)
    since = held.inactive_since if held and held.segments == names else ""
    if names == rule:
        if held and not since:
            message = f"on {date} the segments were {_listed(held.segments, keep=True)}"
            remedy = "Nothing to do if the entry is posted now: the present rule decides."
            found = finding(declared, "segments", path, message, remedy)
            yield replace(found, severity=Severity.WARNING)
        return
    if rule is None:
        message = "segments are given, but no segmentation rule is active"
        remedy = "Omit `segments`."
    else:
        message = f"segments are {_listed(names, keep=True)}"
        message += f"; the rule has {_listed(rule, keep=True)}"
        remedy = "List all segments of the rule, in its order, or omit `segments`."
    if held and since:
        message += f"; {held.name} is not active since {since}"
    yield finding(declared, "segments", path, message, remedy, since)


def custom_fields(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    """Findings in the custom fields of an entry and its lines."""
    if tenant.marker != IN_NOTES and tenant.marker in declared.spec:
        message = f"{tenant.marker} holds the marker; only reconciler writes it"
        yield finding(declared, "reserved-field", ("spec", tenant.marker), message)
    holder = tenant.entry_fields.get(tenant.marker)
    length = len(marker_of(tenant.workspace, declared.address))
    if holder is not None and length > holder.max_length:
        message = f"the marker has {length} characters; {tenant.marker} holds {holder.max_length}"
        remedy = "Shorten the name, or make the field longer in the tenant."
        # What is posted has its marker.
        yield finding(declared, "marker-field", ("metadata", "name"), message, remedy)
    yield from _fields_known(declared, declared.spec, ("spec",), tenant.entry_fields, tenant)
    for at, line in enumerate(rows_of(declared.spec.get(LINES))):
        path = ("spec", LINES, at)
        yield from _fields_known(declared, line, path, tenant.line_fields, tenant)


def _fields_known(
    declared: Declared,
    fields: Mapping[str, Value],
    path: Path,
    allowed: Mapping[str, CustomField],
    tenant: Tenant,
) -> Iterator[Finding]:
    if not tenant.complete:
        return
    for name, value in fields.items():
        if not name.endswith("__c") or name == tenant.marker:
            continue
        field = allowed.get(name)
        if field is None:
            message = f"the tenant has no custom field {name} here"
            if allowed:
                message += f"; it has {_listed(allowed)}"
            stems = KnownNames(one.removesuffix("__c") for one in allowed)
            close = stems.nearest(name.removesuffix("__c"))
            remedy = f'Did you mean "{close}__c"?' if close else ""
            yield finding(declared, "custom-field", (*path, name), message, remedy)
        elif field.inactive_since:
            message = f"the tenant has no custom field {name} since {field.inactive_since}"
            since = field.inactive_since
            yield finding(declared, "custom-field", (*path, name), message, since=since)
        elif isinstance(value, str) and len(value) > field.max_length:
            message = f"{name} has {len(value)} characters; at most {field.max_length} are allowed"
            yield finding(declared, "custom-field", (*path, name), message, "Shorten the text.")


def _listed(names: Iterable[str], *, keep: bool = False) -> str:
    return ", ".join(names if keep else sorted(names)) or "none"


TENANT_CHECKS: tuple[Check, ...] = (
    _currency,
    _codes,
    _period,
    _segments,
    custom_fields,
)
