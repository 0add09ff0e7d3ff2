"""Workspaces with schedules: a Reference of seven months, and what a test writes into it."""

from pathlib import Path

from reconciler.app.workspace import CheckedWorkspace, read_workspace
from reconciler.core.planning.schedules.generation import Computed

WORKSPACE = """\
# Our books.
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: acme-books}
spec:
  target: embedded
"""
LAST_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
HEAD = "apiVersion: journal.reconciler/v1\nkind: "
LINES = ("Debit Hosting Costs 12000.00", "Credit Prepaid Expenses 12000.00")


def reference(months: int = 7, *, without: tuple[str, ...] = (), more: str = "") -> str:
    """A Reference of the first months of 2026, and an open-ended period after them."""
    periods = "".join(
        f"    - {{name: {name}-2026, startDate: 2026-{at:02}-01, endDate: 2026-{at:02}-{last}}}\n"
        for at, (name, last) in enumerate(zip(MONTHS, LAST_DAYS, strict=True), start=1)
        if at <= months and name not in without
    )
    return f"""\
{HEAD}Reference
metadata: {{name: acme}}
spec:
  homeCurrency: USD
  currencies: [USD, EUR, JPY]
  accountingPeriods:
{periods}{more}\
    - {{name: Open-Ended, startDate: 2027-06-01}}
  accountingCodes:
    - {{name: Hosting Costs, type: OtherExpenses}}
    - {{name: Rent, type: OtherExpenses}}
    - {{name: Prepaid Expenses, type: OtherAssets}}
    - {{name: Accrued Expenses, type: OtherLiabilities}}
  segmentationRule: {{name: Default, segments: [Department]}}
  customFields:
    JournalEntry: [{{name: ReconcilerKey__c}}]
    JournalEntryItem: [{{name: CostCenter__c, maxLength: 10}}]
"""


def items(*lines: str, indent: int = 6) -> str:
    """Lines as `Debit CODE AMOUNT[/HOME] [more fields]`."""
    rows = []
    for line in lines:
        text, _, more = line.partition(" {")
        side, rest = text.split(" ", 1)
        code, amount = rest.rsplit(" ", 1)
        amount, _, home = amount.partition("/")
        home = f", homeCurrencyAmount: {home}" if home else ""
        more = f", {more[:-1]}" if more else ""
        row = f"accountingCodeName: {code}, type: {side}, amount: {amount}{home}{more}"
        rows.append(f"{' ' * indent}- {{{row}}}\n")
    return "".join(rows)


def schedule(
    form: str = "method: straight-line, from: Jan-2026, parts: 12",
    *lines: str,
    name: str = "hosting",
    metadata: str = "",
    more: str = "",
    currency: str = "USD",
) -> str:
    """A schedule: its form as fields in one line, its lines, and more fields of `spec`."""
    fields = "".join(f"  {field}\n" for field in form.split(", "))
    return (
        f"{HEAD}JournalSchedule\nmetadata: {{name: {name}{metadata}}}\nspec:\n{fields}{more}"
        f"  entry:\n    currency: {currency}\n    journalEntryItems:\n{items(*(lines or LINES))}"
    )


def amendment(*rows: str) -> str:
    """The amendments of a schedule, each as fields in one line."""
    return "  amendments:\n" + "".join(f"    - {{{row}, reason: agreed}}\n" for row in rows)


def entry(name: str = "accrual", metadata: str = "", period: str = "Jan", day: int = 31) -> str:
    """An entry of two lines."""
    return (
        f"{HEAD}JournalEntry\nmetadata: {{name: {name}{metadata}}}\nspec:\n"
        f"  accountingPeriodName: {period}-2026\n  currency: USD\n"
        f"  journalEntryDate: 2026-{MONTHS.index(period) + 1:02}-{day:02}\n"
        f"  journalEntryItems:\n"
        f"{items('Debit Hosting Costs 400.90', 'Credit Accrued Expenses 400.90', indent=4)}"
    )


def key(*targets: str, name: str = "heads") -> str:
    """An allocation key, each target as fields in one line."""
    rows = "".join(f"    - {{{target}}}\n" for target in targets)
    return f"{HEAD}AllocationKey\nmetadata: {{name: {name}}}\nspec:\n  targets:\n{rows}"


def write(root: Path, **files: str) -> Path:
    """Write a workspace with these files beside its settings and its Reference."""
    every = {"reconciler": WORKSPACE, "reference": reference(), **files}
    for name, text in every.items():
        (root / f"{name.replace('_', '.')}.yaml").write_text(text)
    return root


def read(root: Path, *documents: str, **files: str) -> CheckedWorkspace:
    """The workspace with these documents in one file."""
    return read_workspace(write(root, source="---\n".join(documents), **files))


def computed(root: Path, *documents: str, **files: str) -> Computed:
    """What the documents compute. They must have no error."""
    workspace = read(root, *documents, **files)
    assert workspace.errors == ()
    assert workspace.computed is not None
    return workspace.computed


def shown(found: Computed) -> list[str]:
    """The computed entries: name, and each line as side and amounts."""
    every = (one.declared for one in found.entries.values())
    return [
        f"{one.address.name} {' '.join(map(_line, one.spec['journalEntryItems']))}" for one in every
    ]


def _line(line: dict) -> str:
    home = f"/{line['homeCurrencyAmount']}" if "homeCurrencyAmount" in line else ""
    center = f"@{line['CostCenter__c']}" if "CostCenter__c" in line else ""
    return f"{line['type'][0]}{line['amount']}{home}{center}"
