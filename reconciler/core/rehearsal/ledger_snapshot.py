"""What a scratch ledger is loaded with: facts of the tenant, and the entries behind a plan."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import Change, Plan
from reconciler.core.model.resource import Live, Value, rows_of, text_of
from reconciler.core.model.tenant import AccountingPeriod, CustomField, Tenant
from reconciler.core.planning.posting import newly_posted, posted_before
from reconciler.core.planning.request_body import completed
from reconciler.core.planning.snapshot import Snapshot
from reconciler.values import dataclass

Document: TypeAlias = Mapping[str, object]
"""A Reference, an entry or a run, by the names of the API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSnapshot:
    """The content of a scratch ledger, and the periods whose balances a plan may move."""

    reference: Document
    entries: tuple[Document, ...]
    runs: tuple[Document, ...]
    periods: frozenset[str]


def ledger_snapshot(plan: Plan, snapshot: Snapshot) -> LedgerSnapshot:
    """What the plan touches, and every entry managed here in the periods that it posts to.

    The kept entries make the balances of these periods those of the impact.
    """
    home = plan.basis.home_currency
    periods = frozenset(
        period
        for change in plan.feasible
        for kind, spec in (*posted_before(change), *newly_posted(change))
        if (period := text_of(spec.get(KINDS[kind].period)))
    )
    touched = {number for change in plan.feasible for number in _numbers(change)}
    entries: dict[str, Document] = {}
    runs: dict[str, Document] = {}
    for change in plan.changes:
        kind = KINDS[change.address.kind]
        for number in sorted(_numbers(change)):
            live = snapshot.live.get(number)
            if live is None or not (number in touched or _lies_in(kind, live, periods)):
                continue
            if kind.members:
                runs[number] = _document(kind, live, home, snapshot.tenant)
                for member in live.members:
                    made = _document(KINDS[kind.members], member, home, snapshot.tenant)
                    entries[member.number] = {**made, "journalRunNumber": number}
            else:
                # An entry of a run is among those of its run already.
                entries.setdefault(number, _document(kind, live, home, snapshot.tenant))
    return LedgerSnapshot(
        reference=_reference(plan, snapshot.tenant, entries.values()),
        entries=tuple(entries[number] for number in sorted(entries)),
        runs=tuple(runs[number] for number in sorted(runs)),
        periods=periods,
    )


def _numbers(change: Change) -> frozenset[str]:
    steps = {step.number for step in change.steps}
    return frozenset({number for number in (change.number, *steps) if number})


def _lies_in(kind: Kind, live: Live, periods: frozenset[str]) -> bool:
    """Whether an entry, or an entry of a run, is in one of the periods."""
    name = KINDS[kind.members].period if kind.members else kind.period
    return any(text_of(one.fields.get(name)) in periods for one in (live, *live.members))


def _document(kind: Kind, live: Live, home: str | None, tenant: Tenant) -> Document:
    fields = completed(kind, live.fields, home)
    period = tenant.periods_by_name.get(text_of(fields.get(kind.period)) or "")
    if kind.span is not None and period is not None:
        # What is assumed offline may name the period instead of its days.
        days = zip(kind.span, (period.start_date, period.end_date), strict=True)
        fields = {**dict(days), **fields}
    return {**fields, "number": live.number, "status": live.status}


def _reference(plan: Plan, tenant: Tenant, entries: Iterable[Document]) -> Document:
    """The tenant as a Reference. Without one, what plan and entries use is taken for known."""
    known = tenant if tenant.complete else _with_what_is_used(plan, tenant, tuple(entries))
    organizations = [{"id": one.id or one.name, "name": one.name} for one in known.organizations]
    segments = known.segments
    return {
        "kind": "Reference",
        "spec": {
            "homeCurrency": plan.basis.home_currency,
            "aggregateCurrency": known.aggregate_currency,
            "currencies": [
                {"code": code, **_stated("minorUnits", known.decimals.get(code))}
                for code in sorted(known.currencies)
            ],
            "accountingPeriods": [
                _period(period) for period in known.periods if period.status_known
            ],
            "accountingCodes": [
                {
                    "name": code.name,
                    "type": code.type,
                    "status": code.status,
                    **_stated("glAccountName", code.gl_account_name or None),
                    **_stated("glAccountNumber", code.gl_account_number or None),
                }
                for code in known.codes
            ],
            **({"segmentationRule": {"name": "Default", "segments": segments}} if segments else {}),
            "customFields": {
                name: [
                    {"name": field.name, "maxLength": field.max_length}
                    for field in fields.values()
                    if not field.inactive_since
                ]
                for name, fields in (
                    ("JournalEntry", known.entry_fields),
                    ("JournalEntryItem", known.line_fields),
                )
            },
            **({"organizations": organizations} if organizations else {}),
        },
    }


def _stated(name: str, value: object) -> Document:
    return {} if value is None else {name: value}


def _period(period: AccountingPeriod) -> Document:
    return {
        "name": period.name,
        "startDate": period.start_date,
        "status": period.status,
        **_stated("endDate", period.end_date),
        **_stated("fiscalYear", period.fiscal_year),
        **_stated("fiscalQuarter", period.fiscal_quarter),
    }


def _with_what_is_used(plan: Plan, tenant: Tenant, entries: tuple[Document, ...]) -> Tenant:
    """A tenant with the currencies, segments and custom fields of plan and entries."""
    specs: list[Mapping[str, Value]] = [
        *(change.after for change in plan.feasible if change.after is not None),
        *entries,  # type: ignore[list-item]
    ]
    currencies = {code for spec in specs if (code := text_of(spec.get("currency")))}
    rules = [
        tuple(text_of(row.get("segmentName")) or "" for row in rows_of(spec.get("segments")))
        for spec in specs
    ]
    fields = {plan.basis.marker_place, *_custom(specs)}
    lines = set(_custom(line for spec in specs for line in rows_of(spec.get("journalEntryItems"))))
    return Tenant(
        codes=tenant.codes,
        periods=tenant.periods,
        currencies=frozenset(currencies),
        decimals=tenant.decimals,
        segments=next((rule for rule in rules if rule), None),
        entry_fields={name: CustomField(name=name) for name in fields if name.endswith("__c")},
        line_fields={name: CustomField(name=name) for name in lines},
    )


def _custom(specs: Iterable[Mapping[str, Value]]) -> Iterator[str]:
    for spec in specs:
        yield from (name for name in spec if name.endswith("__c"))
