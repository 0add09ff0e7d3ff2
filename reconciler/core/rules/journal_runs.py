"""The checks of journal runs: target dates, transaction types, organizations, overlaps."""

from collections.abc import Hashable, Iterable, Iterator, Mapping

from reconciler.core.model.finding import Finding
from reconciler.core.model.kinds.journal_run import (
    EARLIEST_TARGET_DATE,
    NOT_UNDER_MULTI_ORG,
    REVENUE_TYPES,
)
from reconciler.core.model.resource import Address, Declared, Value, rows_of, text_of
from reconciler.core.model.similar_names import KnownNames, nearest
from reconciler.core.model.tenant import AccountingPeriod, Tenant
from reconciler.core.rules.catalog import Check, finding
from reconciler.core.rules.tenant import date_outside, unknown_period
from reconciler.values import dataclass

PERIOD, START, END = "accountingPeriodName", "targetStartDate", "targetEndDate"
TYPES, LABELS = "transactionTypes", "organizationLabels"


def _named_period(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    if PERIOD not in declared.spec:
        return
    yield from unknown_period(declared, tenant)
    period = tenant.periods_by_name.get(str(declared.spec[PERIOD]))
    if period is None:
        return
    if period.end_date is None:
        message = f"{period.name} has no end date"
        yield finding(declared, "run-one-period", ("spec", PERIOD), message, _NAME_ONE_WITH_AN_END)
        return
    if period.start_date < EARLIEST_TARGET_DATE:
        message = f"{period.name} starts on {period.start_date}, before {EARLIEST_TARGET_DATE}"
        yield finding(declared, "run-dates", ("spec", PERIOD), message, _BEGIN_LATER)
    for field, verb, date in (
        (START, "starts", period.start_date),
        (END, "ends", period.end_date),
    ):
        stated = declared.spec.get(field)
        if stated is not None and stated != date:
            message = f"{field} is {stated}, but {period.name} {verb} on {date}"
            yield finding(declared, "run-dates", ("spec", field), message)


_BEGIN_LATER = f"Cover only transactions from {EARLIEST_TARGET_DATE} on."
_NAME_ONE_WITH_AN_END = "Name an accounting period that has an end date."


def _target_dates(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    dates = _stated_dates(declared)
    if dates is None:
        return
    start, end = dates
    if start > end:
        message = f"the target dates end on {end}, before they start on {start}"
        yield finding(declared, "run-dates", ("spec", END), message, "Correct the dates.")
        return
    if start < EARLIEST_TARGET_DATE:
        message = f"{START} is {start}, before {EARLIEST_TARGET_DATE}"
        yield finding(declared, "run-dates", ("spec", START), message, _BEGIN_LATER)
    if PERIOD in declared.spec or not (tenant.complete or tenant.periods_by_name):
        return
    if _period_of(declared, tenant) is None:
        touched = [
            period.name
            for period in tenant.periods_by_name.values()
            if period.end_date is not None and period.touches(start, end)
        ]
        message = f"{start} to {end} is not within one accounting period that has an end date"
        remedy = f"Declare a run for each of {', '.join(touched)}." if len(touched) > 1 else ""
        yield finding(declared, "run-one-period", ("spec", START), message, remedy)


def _entry_date(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    period = _period_of(declared, tenant)
    if period is not None:
        yield from date_outside(declared, period)


def _whole_period(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    dates = _stated_dates(declared)
    if dates is None or PERIOD in declared.spec or not (tenant.complete or tenant.periods_by_name):
        return
    if any(
        (period.start_date, period.end_date) == dates for period in tenant.periods_by_name.values()
    ):
        return
    for at, name in enumerate(transaction_types(declared)):
        if name in REVENUE_TYPES:
            message = (
                f"{name} is covered from {dates[0]} to {dates[1]}, which is not a whole period"
            )
            yield finding(declared, "run-whole-period", ("spec", TYPES, at, "type"), message)


def _organizations(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    labels, organizations = rows_of(declared.spec.get(LABELS)), tenant.organizations
    if not organizations:
        if labels and tenant.complete:
            message = f"{LABELS} is given, but the Reference lists no organizations"
            remedy = f"Omit {LABELS}, or add the organizations of the tenant to the Reference."
            yield finding(declared, "run-organizations", ("spec", LABELS), message, remedy)
        return
    known_by: Mapping[str, tuple[str, ...]] = {
        "organizationId": tuple(item.id for item in organizations),
        "organizationName": tuple(item.name for item in organizations),
    }
    similar = {field: KnownNames(values) for field, values in known_by.items()}
    for at, label in enumerate(labels):
        for field, values in known_by.items():
            stated = text_of(label.get(field))
            if stated is not None and stated not in values:
                message = f'no organization has the {_LABEL_FIELDS[field]} "{stated}"'
                path = ("spec", LABELS, at, field)
                remedy = nearest(stated, similar[field])
                yield finding(declared, "run-organizations", path, message, remedy)


_LABEL_FIELDS: Mapping[str, str] = {"organizationId": "id", "organizationName": "name"}


def _multi_org_types(declared: Declared, tenant: Tenant) -> Iterator[Finding]:
    if not tenant.organizations:
        return
    for at, name in enumerate(transaction_types(declared)):
        if name in NOT_UNDER_MULTI_ORG:
            message = f"{name} does not exist in a tenant with organizations"
            yield finding(declared, "run-types", ("spec", TYPES, at, "type"), message)


def _stated_dates(declared: Declared) -> tuple[str, str] | None:
    start, end = declared.spec.get(START), declared.spec.get(END)
    return None if start is None or end is None else (str(start), str(end))


def _period_of(declared: Declared, tenant: Tenant) -> AccountingPeriod | None:
    """The period of a run: the one it names, or the one with its target dates; never open-ended."""
    if PERIOD in declared.spec:
        named = tenant.periods_by_name.get(str(declared.spec[PERIOD]))
        return named if named is not None and named.end_date is not None else None
    dates = _stated_dates(declared)
    return None if dates is None else tenant.period_holding(*dates)


def target_dates(declared: Declared, tenant: Tenant) -> tuple[str, str] | None:
    """The first and the last day of a run; None if they follow from a period that is unknown."""
    dates, period = _stated_dates(declared), _period_of(declared, tenant)
    if dates is None and period is not None and period.end_date is not None:
        dates = period.start_date, period.end_date
    return dates


def transaction_types(declared: Declared) -> tuple[str, ...]:
    """The transaction types of a run, in the order of its file."""
    return tuple(str(row.get("type")) for row in rows_of(declared.spec.get(TYPES)))


RUN_CHECKS: tuple[Check, ...] = (
    _named_period,
    _target_dates,
    _entry_date,
    _whole_period,
    _organizations,
    _multi_org_types,
)


def overlaps(runs: Iterable[Declared], tenant: Tenant) -> Iterator[Finding]:
    """Findings at the later of two runs that cover the same transaction type on the same days.

    Runs for certainly different organizations do not overlap.
    """
    spans = sorted((_span(run, tenant) for run in runs), key=lambda span: (span.start, span.run))
    shared: dict[tuple[Address, Address], list[str]] = {}
    earlier_spans: dict[tuple[str, str], _EarlierSpans] = {}
    for span in spans:
        for name in transaction_types(span.declared):
            earlier_ones = earlier_spans.setdefault((name, span.unknown_period), _EarlierSpans())
            met = earlier_ones.met_by(span)
            if met is not None:
                shared.setdefault((span.run, met.run), []).append(name)
            earlier_ones.add(span)
    by_address = {span.run: span.declared for span in spans}
    for (later, earlier), names in shared.items():
        other = by_address[earlier]
        covered = f"{', '.join(names)}: some of these days are also covered by {other.address.name}"
        message = f"{covered} ({other.source})"
        yield finding(by_address[later], "run-overlap", ("spec", TYPES), message)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """The days and the organizations that a run covers."""

    declared: Declared
    start: str
    end: str
    unknown_period: str
    """The name of the period if its days are unknown; otherwise empty."""
    organizations: frozenset[tuple[str, str]] | None
    """Fields of the labels with their values; None if they may mean any organization."""

    @property
    def run(self) -> Address:
        return self.declared.address

    @property
    def field(self) -> str:
        """The field that names all its organizations; empty if they may be any."""
        fields = {field for field, _ in self.organizations or ()}
        return fields.pop() if len(fields) == 1 else ""


class _EarlierSpans:
    """Spans in the order of their first days, each to be met in the same time however many are."""

    def __init__(self) -> None:
        self._first_and_longest: dict[Hashable, tuple[_Span, _Span]] = {}

    def met_by(self, span: _Span) -> _Span | None:
        """The first earlier span that is not over, and may have an organization in common."""
        keys: list[Hashable] = [_EVERY]
        if span.field:
            # An id and a name may mean the same organization.
            others = (field for field in (_ID, _NAME) if field != span.field)
            keys = [_ANY, *others, *(span.organizations or ())]
        found = (
            next((one for one in self._first_and_longest[key] if span.start <= one.end), None)
            for key in keys
            if key in self._first_and_longest
        )
        met = [one for one in found if one is not None]
        return min(met, key=lambda one: (one.start, one.run), default=None)

    def add(self, span: _Span) -> None:
        """Have the span be met by later ones."""
        own = (span.field, *(span.organizations or ())) if span.field else (_ANY,)
        for key in (_EVERY, *own):
            first, longest = self._first_and_longest.get(key, (span, span))
            longest = span if span.end > longest.end else longest
            first = first if span.start <= first.end else longest
            self._first_and_longest[key] = first, longest


_EVERY, _ANY = "every span", "any organization"


def _span(run: Declared, tenant: Tenant) -> _Span:
    dates = target_dates(run, tenant)
    start, end = dates or ("", "")
    return _Span(
        declared=run,
        start=start,
        end=end,
        unknown_period="" if dates else str(run.spec.get(PERIOD)),
        organizations=_organizations_of(run.spec.get(LABELS), tenant),
    )


def _organizations_of(labels: Value, tenant: Tenant) -> frozenset[tuple[str, str]] | None:
    names = {item.id: item.name for item in tenant.organizations}
    rows = rows_of(labels)
    if not rows or any(row.get(field) is True for row in rows for field in _WIDENING):
        return None
    stated = ((field, str(row[field])) for row in rows for field in (_ID, _NAME) if row.get(field))
    return frozenset(
        (_NAME, names[value]) if field == _ID and value in names else (field, value)
        for field, value in stated
    )


_ID, _NAME = "organizationId", "organizationName"


_WIDENING = ("cascadingDown", "excluded")
