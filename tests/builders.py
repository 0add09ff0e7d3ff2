"""Values for tests: each builder makes something plain and valid, and takes what differs."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from reconciler.core.model.finding import PlanWarning
from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.marker import IN_NOTES, notes_suffix
from reconciler.core.model.plan import Allowances, Basis, Change, Plan
from reconciler.core.model.policy import Policy
from reconciler.core.model.resource import Address, Declared, Live, Source, Value
from reconciler.core.model.scope import EVERYTHING, Selection
from reconciler.core.model.tenant import AccountingCode, AccountingPeriod, CustomField, Tenant
from reconciler.core.planner import make_plan
from reconciler.core.planning.snapshot import Snapshot

KIND = JOURNAL_ENTRY
WORKSPACE = "books"
MARKER = "ReconcilerKey__c"
NAME = "true-up"
NUMBER = "JE-00000001"

Spec = Mapping[str, Value]

CODES = {
    "Cash": "Cash",
    "Deferred Revenue": "DeferredRevenue",
    "On Account": "On-Account Receivable",
    "Subscription Revenue": "SalesRevenue",
}


def debit(amount: str = "400.90", code: str = "Deferred Revenue", **more: Value) -> Spec:
    """A line on the debit side; `home` is its amount in the home currency."""
    return _line("Debit", amount, code, more)


def credit(amount: str = "400.90", code: str = "Subscription Revenue", **more: Value) -> Spec:
    """A line on the credit side; `home` is its amount in the home currency."""
    return _line("Credit", amount, code, more)


def _line(side: str, amount: str, code: str, more: Mapping[str, Any]) -> Spec:
    line: dict[str, Value] = {"accountingCodeName": code, "type": side, "amount": Decimal(amount)}
    if "home" in more:
        line["homeCurrencyAmount"] = Decimal(more["home"])
    return {**line, **{name: value for name, value in more.items() if name != "home"}}


def entry(*lines: Spec, **fields: Value) -> Spec:
    """The spec of an entry: a true-up of 400.90 USD in Jan-2026, but for what is given."""
    return {
        "accountingPeriodName": "Jan-2026",
        "currency": "USD",
        "journalEntryDate": "2026-01-31",
        **fields,
        "journalEntryItems": lines or (debit(), credit()),
    }


def address(name: str = NAME) -> Address:
    """The address of an entry."""
    return Address(KIND.name, name)


def declared(spec: Spec | None = None, *, name: str = NAME, **more: Any) -> Declared:
    """A declaration; its file is named after it."""
    return Declared(
        spec=entry() if spec is None else spec,
        **{"address": address(name), "source": Source(f"2026/{name}.yaml"), **more},
    )


def live(
    spec: Spec | None = None,
    *,
    name: str = NAME,
    number: str = NUMBER,
    status: str = "Created",
    marker: str | None = "",
    place: str = MARKER,
    **fields: Value,
) -> Live:
    """What the ledger holds of a spec: filled up by the server, and marked as `name`'s.

    `marker` replaces the marker; None leaves it out.
    """
    spec = {**(entry() if spec is None else spec), **fields}
    carried = f"{WORKSPACE}/{name}" if marker == "" else marker
    held: dict[str, Value] = {
        "aggregateCurrency": False,
        "notes": None,
        "segments": (),
        "transactionType": "Manual",
        "transferDateTime": None,
        "transferredToAccounting": "No",
        **spec,
        "journalEntryItems": tuple(_filled(line) for line in spec["journalEntryItems"] or ()),
    }
    if carried is not None and place == IN_NOTES:
        notes, suffix = held["notes"], notes_suffix(carried)
        held["notes"] = f"{notes}\n{suffix}" if notes else suffix
    elif place != IN_NOTES:
        held[place] = carried
    return Live(number=number, status=status, fields=held)


def _filled(line: Spec) -> Spec:
    code = str(line["accountingCodeName"])
    return {
        "accountingCodeType": CODES.get(code, "OtherAssets"),
        "glAccountName": code,
        "glAccountNumber": "4711",
        **{name: value for name, value in line.items() if name != "notes"},
    }


def recorded(
    spec: Spec | None = None, *, name: str = NAME, number: str | None = NUMBER, **more: Any
) -> Recorded:
    """What the daybook remembers: `spec` was applied as `number`; no spec means the plain entry."""
    return Recorded(
        address=address(name), number=number, **{"spec": entry() if spec is None else spec, **more}
    )


TENANT = Tenant(
    complete=True,
    marker=MARKER,
    workspace=WORKSPACE,
    codes=(
        *(AccountingCode(name=name, type=type_) for name, type_ in CODES.items()),
        AccountingCode(name="Old Cash", type="Cash", status="Inactive"),
        AccountingCode(name="Suspense", type="OtherAssets"),
        AccountingCode(name="Suspense", type="OtherLiabilities"),
    ),
    periods=(
        AccountingPeriod(
            name="Dec-2025", start_date="2025-12-01", end_date="2025-12-31", status="Closed"
        ),
        AccountingPeriod(name="Jan-2026", start_date="2026-01-01", end_date="2026-01-31"),
        AccountingPeriod(name="Feb-2026", start_date="2026-02-01", end_date="2026-02-28"),
        AccountingPeriod(name="Open-Ended", start_date="2026-03-01", end_date=None),
    ),
    currencies=frozenset({"EUR", "JPY", "KWD", "USD"}),
    segments=("Department", "Region"),
    entry_fields={
        MARKER: CustomField(name=MARKER),
        "Ticket__c": CustomField(name="Ticket__c", max_length=10),
        "Count__c": CustomField(name="Count__c"),
        "Done__c": CustomField(name="Done__c"),
    },
    line_fields={
        "Project__c": CustomField(name="Project__c"),
        "Team__c": CustomField(name="Team__c"),
    },
)
"""A tenant: one closed period, open ones, codes of which one name is shared, two segments."""


def tenant_of(**changes: Any) -> Tenant:
    """The plain tenant, but for what is given."""
    return replace(TENANT, **changes)


def snapshot(
    declared: Iterable[Declared] = (),
    recorded: Iterable[Recorded] = (),
    live: Iterable[Live] = (),
    *,
    tenant: Tenant | None = None,
    selection: Selection = EVERYTHING,
    **policy: Any,
) -> Snapshot:
    """A snapshot; every recorded number that is not live was looked for and not found."""
    recorded = tuple(recorded)
    numbers = {number for item in recorded for number in (item.number, *item.leftovers) if number}
    return Snapshot(
        declared={item.address: item for item in declared},
        recorded={item.address: item for item in recorded},
        live={**dict.fromkeys(numbers), **{item.number: item for item in live}},
        tenant=tenant_of() if tenant is None else tenant,
        policy=Policy(**policy),
        selection=selection,
    )


def basis(**changes: Any) -> Basis:
    """Where plans of tests come from."""
    plain = {
        "workspace": WORKSPACE,
        "host": "ledger.example",
        "tenant_id": "10001",
        "entity_id": "",
        "lineage": "5f0c",
        "home_currency": None,
        "marker_place": MARKER,
        "files_digest": "sha256:00",
        "serial": 7,
    }
    return Basis(**{**plain, **changes})


def plan_for(
    of: Snapshot,
    *,
    policy: Policy | None = None,
    allow: Allowances | None = None,
    warnings: tuple[PlanWarning, ...] = (),
    **base: Any,
) -> Plan:
    """The plan for a snapshot."""
    return make_plan(
        of if policy is None else replace(of, policy=policy),
        basis=basis(**{"home_currency": of.tenant.home_currency, **base}),
        allowances=allow or Allowances(),
        warnings=warnings,
    )


def plan_of(
    declared_spec: Spec | None,
    live_spec: Spec | None,
    *,
    applied: Spec | None = None,
    tenant: Tenant | None = None,
    **policy: Any,
) -> Plan:
    """The plan for one address. What was applied is what is live, unless it is given."""
    return plan_for(
        snapshot(
            [] if declared_spec is None else [declared(declared_spec)],
            [] if live_spec is None else [recorded(applied or live_spec)],
            [] if live_spec is None else [live(live_spec)],
            tenant=tenant,
            **policy,
        )
    )


def plan_warning(message: str, *, rule: str = "file-warnings", **more: Any) -> PlanWarning:
    """A warning of a plan."""
    return PlanWarning(rule=rule, message=message, **more)


def only(plan: Plan) -> Change:
    """The one change of a plan."""
    (change,) = plan.changes
    return change
