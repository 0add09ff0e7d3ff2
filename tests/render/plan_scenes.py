"""Plans to be read: one scene for each sort of change, block, guard and drift."""

from dataclasses import replace
from decimal import Decimal

from builders import plan_warning

from reconciler.core.model.history import Recorded
from reconciler.core.model.plan import Allowances, Basis
from reconciler.core.model.policy import Policy, Removal
from reconciler.core.model.proofs.rehearsal import (
    Rehearsal,
    Rehearsed,
    RehearsedBalance,
    RehearsedChange,
)
from reconciler.core.model.resource import Address, Declared, Live, Source
from reconciler.core.model.schedule import WaitingParts
from reconciler.core.model.tenant import AccountingCode, AccountingPeriod, CustomField, Tenant
from reconciler.core.planner import make_plan
from reconciler.core.planning.snapshot import Snapshot

KEY = "ReconcilerKey__c"


NAMES = {
    "Accounts Receivable": "AccountsReceivable",
    "Deferred Revenue": "DeferredRevenue",
    "Foreign Exchange Gain": "OtherRevenue",
    "Hosting Costs": "OtherExpenses",
    "Office Rent": "OtherExpenses",
    "Subscription Revenue": "SalesRevenue",
    "Unbilled Revenue": "OtherAssets",
}


TENANT = Tenant(
    complete=True,
    marker=KEY,
    workspace="acme-books",
    codes=tuple(AccountingCode(name=name, type=sort) for name, sort in NAMES.items()),
    periods=(
        AccountingPeriod(
            name="Dec-2025", start_date="2025-12-01", end_date="2025-12-31", status="Closed"
        ),
        AccountingPeriod(name="Jan-2026", start_date="2026-01-01", end_date="2026-01-31"),
        AccountingPeriod(name="Feb-2026", start_date="2026-02-01", end_date="2026-02-28"),
    ),
    currencies=frozenset({"USD", "EUR", "JPY", "KWD"}),
    home_currency="USD",
    segments=("Department",),
    entry_fields={
        name: CustomField(name=name) for name in (KEY, "Preparer__c", "SupportingDocument__c")
    },
    line_fields={"CostCenter__c": CustomField(name="CostCenter__c")},
)


BASIS = Basis(
    workspace="acme-books",
    host="rest.test.zuora.com",
    tenant_id="12345",
    entity_id="",
    lineage="lineage",
    home_currency="USD",
    marker_place=KEY,
)


TRUE_UP = "2026-01-true-up"


def line(side, amount, code, home=None, **more):
    found = {"accountingCodeName": code, "type": side, "amount": Decimal(amount), **more}
    return found if home is None else {**found, "homeCurrencyAmount": Decimal(home)}


def debit(amount, code="Deferred Revenue", home=None, **more):
    return line("Debit", amount, code, home, **more)


def credit(amount, code="Subscription Revenue", home=None, **more):
    return line("Credit", amount, code, home, **more)


def entry(*lines, **fields):
    return {
        "accountingPeriodName": "Jan-2026",
        "currency": "USD",
        "journalEntryDate": "2026-01-31",
        "notes": "True-up of deferred revenue",
        **fields,
        "journalEntryItems": lines or (debit("12500.00"), credit("12500.00")),
    }


class Scene:
    """A snapshot put together entry by entry."""

    def __init__(self, **policy):
        self.declared, self.recorded, self.live = {}, {}, {}
        self.policy = Policy(**policy)
        self.warnings = ()
        self.allowances = Allowances()
        self.dimensions = ()
        self.by = ()
        self.rehearsal = None
        self.waiting = ()

    def entry(self, name, declared=None, *, was=None, live=None, protect=False, **more):
        """One address: what is declared now, was applied before, and is live (as applied)."""
        address = Address("JournalEntry", name)
        if declared is not None:
            self.declared[address] = Declared(
                address=address,
                spec=declared,
                source=Source(f"2026/01/{name.removeprefix('2026-01-')}.yaml", 2),
                protect=protect,
            )
        if was is not None:
            number = more.pop("number", f"JE-{len(self.recorded) + 1:08}")
            status = more.pop("status", "Created")
            marker = more.pop("marker", f"acme-books/{name}")
            fields = {**was, **(live or {}), KEY: marker}
            held = Live(number=number, status=status, fields=fields)
            self.live[number] = None if more.pop("gone", False) else held
            for left in more.get("leftovers", ()):
                self.live[left] = Live(number=left, status="Cancelled", fields=fields)
            self.recorded[address] = Recorded(
                address=address,
                number=number,
                spec=was,
                incarnation=1,
                protect=protect and declared is None,
                **more,
            )
        elif more:
            self.recorded[address] = Recorded(address=address, **more)
        return self

    def plan(self):
        snapshot = Snapshot(
            declared=self.declared,
            recorded=self.recorded,
            live=self.live,
            tenant=replace(TENANT, dimensions=self.dimensions),
            policy=self.policy,
        )
        plan = make_plan(snapshot, basis=BASIS, allowances=self.allowances, by=self.by)
        return replace(plan, warnings=self.warnings, rehearsal=self.rehearsal, waiting=self.waiting)


def scene_of_everything():
    scene = Scene().entry(
        "2026-01-hosting",
        entry(
            debit("61400.00", "Hosting Costs"),
            credit("61400.00", "Unbilled Revenue"),
            notes="Hosting of January",
        ),
    )
    scene.entry("2026-01-notes", entry(notes="Checked with sales"), was=entry())
    scene.entry(TRUE_UP, entry(debit("12500.10"), credit("12500.10")), was=entry())
    scene.entry("2026-01-obsolete", was=entry(debit("75.00"), credit("75.00")))
    scene.entry(
        "2026-01-sent",
        entry(debit("8.00"), credit("8.00")),
        was=entry(debit("7.00"), credit("7.00")),
        live={"transferredToAccounting": "Yes"},
    )
    return scene


def reversal():
    """A transferred entry with a segment, whose notes change, is reversed at its own rate."""
    fields = {"currency": "EUR", "segments": ({"segmentName": "Department",
                                              "segmentValue": "Sales"},)}  # fmt: skip
    was = entry(debit("12500.00", home="14612.50"), credit("12500.00", home="14612.50"), **fields)
    noted = {**was, "notes": "Billed twice"}
    scene = Scene().entry(TRUE_UP, noted, was=was, live={"transferredToAccounting": "Yes"})
    back = entry(
        credit("12500.00", "Deferred Revenue", home="14612.50"),
        debit("12500.00", "Subscription Revenue", home="14612.50"),
        **{**fields, "accountingPeriodName": "Feb-2026", "journalEntryDate": "2026-02-01"},
    )
    name = f"{TRUE_UP}-reversal"
    scene.entry(name, back)
    address = Address("JournalEntry", name)
    scene.declared[address] = replace(scene.declared[address], reverses=TRUE_UP)
    return scene


def many():
    scene = Scene()
    for number in range(12):
        scene.entry(
            f"2026-01-e{number:02}",
            was=entry(debit(f"{number + 1}.00"), credit(f"{number + 1}.00")),
        )
    return scene


def limited():
    scene = Scene().entry(TRUE_UP, entry())
    scene.policy = Policy(max_money={"USD": Decimal("10000.00")})
    return scene


def missing():
    scene = Scene()
    for number in range(5):
        amount = f"{number + 1}.00"
        spec = entry(debit(amount), credit(amount))
        scene.entry(f"2026-01-e{number:02}", spec, was=spec, gone=True)
    return scene


def warned():
    scene = Scene().entry(TRUE_UP, entry(journalEntryDate="2026-02-03"))
    place = "2026/01/true-up.yaml:9:3"
    said = "2026-02-03 lies outside Jan-2026 (2026-01-01 to 2026-01-31)"
    scene.warnings = (plan_warning(said, rule="date-in-period", place=place),)
    return scene


EUR = entry(
    debit("100000.00", "Accounts Receivable", "109200.00"),
    credit("100000.00", "Unbilled Revenue", "109000.00"),
    credit("0.00", "Foreign Exchange Gain", "200.00"),
    currency="EUR",
    notes="Revaluation of receivables in euro",
)


YEN = entry(
    debit("968000", "Office Rent", "6292.00"),
    credit("968000", "Unbilled Revenue", "6292.00"),
    currency="JPY",
    notes="Rent of the office in Tokyo",
)


DINAR = entry(
    debit("4312.625", "Unbilled Revenue", "14059.16"),
    credit("4312.625", "Subscription Revenue", "14059.16"),
    currency="KWD",
)


LONG = entry(
    *(debit(f"{number}.25", "Hosting Costs", notes=f"Region {number}") for number in range(1, 25)),
    credit("306.00", "Unbilled Revenue"),
)


LONG_BEFORE = entry(
    *(debit(f"{number}.25", "Hosting Costs", notes=f"Region {number}") for number in range(1, 24)),
    credit("281.75", "Unbilled Revenue"),
)


RICH = entry(
    Preparer__c="revenue-accounting",
    SupportingDocument__c="REV-2026-003",
    transferredToAccounting="No",
    segments=({"segmentName": "Department", "segmentValue": "Sales"},),
)


CLOSED = {"accountingPeriodName": "Dec-2025", "journalEntryDate": "2025-12-31"}


def by_cost_center(scene, *by):
    """The scene with a line field as a dimension."""
    scene.dimensions, scene.by = ("CostCenter__c",), by
    return scene


def rent(platform, product, **fields):
    """An entry whose debits are on two cost centers."""
    return entry(
        debit(platform, "Office Rent", CostCenter__c="PLAT"),
        debit(product, "Office Rent", CostCenter__c="PROD"),
        credit("12022.50", "Accounts Receivable"),
        **fields,
    )


FEBRUARY = entry(accountingPeriodName="Feb-2026", journalEntryDate="2026-02-28")


def balance(code, change, planned=None):
    """A row of a rehearsal: a debit that comes to zero, by the ledger and by the plan."""
    amounts = {"debit_after": change, "planned_debit_after": planned or change}
    names = [f"{side}_{when}" for side in ("debit", "credit") for when in ("before", "after")]
    sums = {f"{origin}{name}": "0" for origin in ("", "planned_") for name in names}
    return RehearsedBalance(
        period="Jan-2026",
        code=code,
        currency="USD",
        **{name: Decimal(amount) for name, amount in {**sums, **amounts}.items()},
    )


def rehearsed(*changes, balances=(), offline=False):
    """A new entry and an update, with what a rehearsal made of them."""
    scene = Scene().entry(TRUE_UP, entry()).entry("2026-01-rent", entry(notes="n"), was=entry())
    scene.rehearsal = Rehearsal(
        permissions=("Create Journal Entry", "Edit Journal Entry"),
        offline=offline,
        changes=tuple(
            RehearsedChange(kind="JournalEntry", name=name, action=action, outcome=out, message=why)
            for name, action, out, why in changes
        ),
        balances=balances,
        unknown=("the permissions of the real client", "calls of others at the same time"),
    )
    return scene


TAKEN = Rehearsed.ACCEPTED
CREATED = (TRUE_UP, "create", TAKEN, "")


def segmented(value):
    return entry(segments=({"segmentName": "Department", "segmentValue": value},))


def waiting():
    """A new entry, and what a schedule by parts, one by days and an accrual post later."""
    scene = Scene().entry(TRUE_UP, entry())
    scene.waiting = (
        WaitingParts(
            kind="JournalSchedule", name="2026-insurance", currency="USD",
            amount=Decimal("15000.00"), parts=10, whole=12, awaited="Mar-2026",
        ),
        WaitingParts(
            kind="JournalSchedule", name="support-by-days", currency="JPY",
            amount=Decimal(91000), parts=None, whole=None, awaited="periods after Apr-2026",
        ),
        WaitingParts(
            kind="JournalEntry", name="2026-04-accrual", currency="USD",
            amount=Decimal("800.00"), parts=1, whole=1, awaited="a period after Apr-2026",
        ),
    )  # fmt: skip
    return scene


SCENES = {
    "reversal": reversal,
    "waiting": waiting,
    "dimension-moved": lambda: by_cost_center(
        Scene().entry(TRUE_UP, rent("6370.00", "5652.50"), was=rent("6870.00", "5152.50"))
    ),
    "dimension-in-place": lambda: by_cost_center(
        Scene()
        .entry(
            TRUE_UP,
            entry(debit("10.00", CostCenter__c="PROD"), credit("10.00")),
            was=entry(debit("10.00", CostCenter__c="PLAT"), credit("10.00")),
        )
        .entry("2026-01-rent", RENT := rent("6870.00", "5152.50"), was=RENT)
    ),
    "dimension-segment": lambda: Scene().entry(
        TRUE_UP, segmented("Sales"), was=segmented("Finance")
    ),
    "transfers": lambda: (
        Scene()
        .entry(TRUE_UP, entry(notes="n"), was=entry(), live={"transferredToAccounting": "Yes"})
        .entry("2026-01-sent", entry(), was=entry(), live={"transferredToAccounting": "Error"})
        .entry("2026-01-open", entry(), was=entry())
        .entry("2026-02-sent", FEBRUARY, was=FEBRUARY, live={"transferredToAccounting": "Yes"})
    ),
    "rehearsed": lambda: rehearsed(
        CREATED,
        ("2026-01-rent", "update", TAKEN, ""),
        balances=(balance("Deferred Revenue", "12500"),),
    ),
    "rehearsal-refused": lambda: rehearsed(
        ("2026-01-rent", "update", Rehearsed.REFUSED, "Updating JE-00000001: two lines match."),
        (TRUE_UP, "create", Rehearsed.NOT_ATTEMPTED, "the ledger could no longer be used"),
        offline=True,
    ),
    "rehearsal-differs": lambda: rehearsed(
        CREATED, balances=(balance("Cash", "1"), balance("Deferred Revenue", "12500.01", "12500"))
    ),
    "dimension-asked": lambda: by_cost_center(
        Scene().entry(TRUE_UP, rent("6870.00", "5152.50")), "CostCenter__c"
    ),
    "line-field-unlisted": lambda: Scene().entry(
        TRUE_UP,
        entry(*(debit("1.00", CostCenter__c=value) for value in ("A", "B")), credit("2.00")),
        was=entry(*(debit("1.00", CostCenter__c=value) for value in ("C", "D")), credit("2.00")),
    ),
    "create": lambda: Scene().entry(TRUE_UP, RICH),
    "create-many-lines": lambda: Scene().entry(TRUE_UP, LONG),
    "create-foreign": lambda: (
        Scene().entry("2026-01-eur", EUR).entry("2026-01-rent", YEN).entry("2026-01-usage", DINAR)
    ),
    "create-with-warning": warned,
    "update": lambda: Scene().entry(TRUE_UP, entry(notes="Checked with sales"), was=entry()),
    "update-cleared": lambda: Scene().entry(
        TRUE_UP, {name: value for name, value in entry().items() if name != "notes"}, was=entry()
    ),
    "update-line-notes": lambda: Scene().entry(
        TRUE_UP,
        entry(debit("1.00", CostCenter__c="CC-2"), credit("1.00")),
        was=entry(debit("1.00", CostCenter__c="CC-1"), credit("1.00")),
    ),
    "update-protect": lambda: Scene().entry(TRUE_UP, entry(), was=entry(), protect=True),
    "record-only": lambda: Scene().entry(
        TRUE_UP, entry(notes="By hand"), was=entry(), live={"notes": "By hand"}
    ),
    "replace": lambda: Scene().entry(
        TRUE_UP, entry(debit("12500.10"), credit("12500.10")), was=entry()
    ),
    "replace-period-and-notes": lambda: Scene().entry(
        TRUE_UP,
        entry(accountingPeriodName="Feb-2026", journalEntryDate="2026-02-28", notes="Late"),
        was=entry(),
    ),
    "replace-currency": lambda: Scene().entry(TRUE_UP, EUR, was=entry()),
    "replace-currency-alone": lambda: Scene().entry(
        TRUE_UP,
        entry(debit("1000"), credit("1000")),
        was=entry(debit("1000", home="6.70"), credit("1000", home="6.70"), currency="JPY"),
    ),
    "replace-one-of-many-lines": lambda: Scene().entry(TRUE_UP, LONG, was=LONG_BEFORE),
    "remove": lambda: (
        Scene().entry(TRUE_UP, was=entry()).entry("2026-01-kept", entry(), was=entry())
    ),
    "remove-keeps-cancelled": lambda: (
        Scene(removal=Removal.CANCEL)
        .entry(TRUE_UP, was=entry())
        .entry("2026-01-kept", entry(), was=entry())
    ),
    "forget": lambda: (
        Scene().entry(TRUE_UP, was=entry(), gone=True).entry("2026-01-kept", entry(), was=entry())
    ),
    "resumed-after-cancel": lambda: Scene().entry(
        TRUE_UP,
        entry(debit("1.00"), credit("1.00")),
        was=entry(),
        status="Cancelled",
        cancelled=True,
    ),
    "resumed-after-create": lambda: Scene().entry(
        TRUE_UP, entry(), was=entry(), number="JE-00000002", leftovers=("JE-00000001",)
    ),
    "resumed-removal": lambda: (
        Scene()
        .entry(TRUE_UP, was=entry(), status="Cancelled", cancelled=True)
        .entry("2026-01-kept", entry(), was=entry())
    ),
    "drift-notes": lambda: Scene().entry(TRUE_UP, entry(), was=entry(), live={"notes": "By hand"}),
    "drift-cancelled": lambda: Scene().entry(TRUE_UP, entry(), was=entry(), status="Cancelled"),
    "drift-gone": lambda: Scene().entry(TRUE_UP, entry(), was=entry(), gone=True),
    "drift-and-change": lambda: Scene().entry(
        TRUE_UP, entry(notes="Checked"), was=entry(), live={"notes": "By hand"}
    ),
    "blocked-transferred": lambda: Scene().entry(
        TRUE_UP,
        entry(debit("1.00"), credit("1.00")),
        was=entry(),
        live={"transferredToAccounting": "Yes"},
    ),
    "blocked-processing": lambda: (
        Scene()
        .entry(TRUE_UP, was=entry(), live={"transferredToAccounting": "Processing"})
        .entry("2026-01-kept", entry(), was=entry())
    ),
    "blocked-transfer-override": lambda: Scene(manage_transfer_state=True).entry(
        TRUE_UP,
        entry(transferredToAccounting="No"),
        was=entry(transferredToAccounting="No"),
        live={"transferredToAccounting": "Yes"},
    ),
    "blocked-protected-removal": lambda: Scene().entry(TRUE_UP, was=entry(), protect=True),
    "blocked-protected": lambda: Scene().entry(
        TRUE_UP, entry(debit("1.00"), credit("1.00")), was=entry(), protect=True
    ),
    "blocked-period-closed": lambda: Scene().entry(TRUE_UP, entry(**CLOSED)),
    "blocked-ownership": lambda: Scene().entry(
        TRUE_UP, entry(notes="Mine"), was=entry(), marker="other-books/entry"
    ),
    "blocked-unknown-status": lambda: Scene().entry(
        TRUE_UP, entry(), was=entry(), status="PendingReview"
    ),
    "blocked-removal-forbidden": lambda: (
        Scene(removal=Removal.FORBID)
        .entry(TRUE_UP, was=entry())
        .entry("2026-01-kept", entry(), was=entry())
    ),
    "blocked-unsettled": lambda: Scene().entry(TRUE_UP, entry(), unsettled=True),
    "blocked-ledger-facts": lambda: Scene().entry(
        TRUE_UP, entry(debit("1.00", "Deferred Revenues"), credit("1.00"))
    ),
    "refused-too-many-removals": many,
    "refused-money-limit": limited,
    "refused-missing-in-ledger": missing,
    "refused-all-entries": lambda: Scene().entry(TRUE_UP, was=entry()),
    "everything": scene_of_everything,
    "nothing": lambda: Scene().entry(TRUE_UP, entry(), was=entry()),
    "nothing-at-all": Scene,
}
