"""The files of a workspace to begin with."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from reconciler.app.files.file_changes import replaced
from reconciler.core.model.fiscal_calendar import Calendar, fiscal_year
from reconciler.core.model.marker import IN_NOTES
from reconciler.core.model.money import minor_units
from reconciler.core.model.tenant import AccountingPeriod, Tenant, tenant_from
from reconciler.errors import ReconcilerError, UsageError
from reconciler.values import dataclass
from reconciler.workspace.editor_schema import EDITOR_SCHEMA, editor_schema, with_modelines
from reconciler.workspace.yaml_reader import read

MARKER = "ReconcilerKey__c"
"""The custom field for the marker, unless another one is named."""

_WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata:
  # The first half of the marker in live entries. Do not change it once something was applied.
  name: {name}
spec:
  # The embedded ledger, in .reconciler/. For a tenant:
  # target:
  #   baseUrl: https://rest.test.zuora.com
  #   tenantId: "12345"
  target: embedded
  identity:
    # A text custom field of Journal Entry in the tenant, or `notes` where there is none.
    marker: {marker}
  policy:
    removal: delete
"""

_ENTRY = """\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata:
  name: first-entry
  labels: {{team: finance}}
spec:
  accountingPeriodName: {period}
  currency: {currency}
  journalEntryDate: {day}
  notes: The first entry declared in git
{segments}  journalEntryItems:
    - {{accountingCodeName: Deferred Revenue, type: Debit, amount: {amount}}}
    - {{accountingCodeName: Subscription Revenue, type: Credit, amount: {amount}}}
"""

_REFERENCE = """\
# What the tenant is set up with: write it as it is spelt there. Checks without the ledger use it,
# and the embedded ledger follows it.
apiVersion: journal.reconciler/v1
kind: Reference
metadata: {{name: {name}}}
spec:
  homeCurrency: {currency}
  currencies: [{currency}]
  accountingPeriods:
{periods}
  # Replace these with your chart of accounts.
  accountingCodes:
    - {{name: Operating Cash, type: Cash, glAccountNumber: "1000"}}
    - {{name: Accounts Receivable, type: AccountsReceivable, glAccountNumber: "1100"}}
    - {{name: Prepaid Expenses, type: OtherAssets, glAccountNumber: "1200"}}
    - {{name: Accrued Expenses, type: OtherLiabilities, glAccountNumber: "2100"}}
    - {{name: Deferred Revenue, type: DeferredRevenue, glAccountNumber: "2200"}}
    - {{name: Retained Earnings, type: OtherEquity, glAccountNumber: "3000"}}
    - {{name: Subscription Revenue, type: SalesRevenue, glAccountNumber: "4000"}}
    - {{name: Operating Expenses, type: OtherExpenses, glAccountNumber: "6000"}}
{rest}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceChoices:
    """What a Reference begins with: the fiscal year from `first_day` on, and the segments."""

    home_currency: str
    calendar: Calendar
    first_day: date
    long_year: bool = False
    """A year of weeks has 53 of them."""
    segments: tuple[str, ...] = ()

    def periods(self) -> tuple[AccountingPeriod, ...]:
        """The periods of the fiscal year. Raises UsageError."""
        try:
            return fiscal_year(self.calendar, self.first_day, long=self.long_year)
        except ValueError as error:
            remedy = "Choose another --first-day or --calendar."
            raise UsageError(str(error), remedy=remedy) from error


def write_starter(
    directory: Path,
    name: str,
    *,
    marker: str = MARKER,
    choices: ReferenceChoices | None = None,
) -> tuple[Path, ...]:
    """Write the files of a new workspace, and return their paths. Overwrites none.

    Without `choices` it has the Reference of the example books.
    """
    if choices is None:
        entry = _ENTRY.format(
            period="Jan-2026", currency="USD", day="2026-01-31", segments="", amount="100.00"
        )
        reference, folder = _example_reference(marker), Path("2026", "01")
    else:
        first = choices.periods()[0]
        entry, reference = _own_entry(choices, first), _own_reference(choices, name, marker)
        folder = Path(*str(first.end_date).split("-")[:2])
    texts = {
        Path("reconciler.yaml"): _WORKSPACE.format(name=name, marker=marker),
        Path("reference.yaml"): reference,
        folder / "first-entry.yaml": entry,
    }
    files = {directory / path: with_modelines(text, path) for path, text in texts.items()}
    files[directory / EDITOR_SCHEMA] = editor_schema(_tenant(reference, name, marker))
    existing = [path for path in files if path.exists()]
    if existing:
        raise ReconcilerError(
            f"{existing[0]} already exists, and is not overwritten",
            remedy="Choose another directory.",
        )
    files |= _vscode_settings(directory)
    with replaced(files):
        return tuple(files)


def _tenant(reference: str, name: str, marker: str) -> Tenant:
    documents, _ = read(reference.encode(), path="")
    (document,) = documents
    assert isinstance(document.value, Mapping)
    return replace(tenant_from(document.value), workspace=name, marker=marker)


def _vscode_settings(directory: Path) -> Mapping[Path, str]:
    """Settings of VS Code, below the current directory; none where there are any already.

    VS Code reads them in the folder that people open, which is seldom the workspace itself.
    """
    here, path = Path.cwd(), Path(".vscode", "settings.json")
    if here not in directory.resolve().parents or path.exists():
        return {}
    place = directory.resolve().relative_to(here).as_posix()
    settings = {
        "yaml.schemas": {f"./{place}/{EDITOR_SCHEMA}": [f"{place}/**/*.yaml", f"{place}/**/*.yml"]},
        # `reconciler fmt` is the formatter of these files.
        "yaml.format.enable": False,
    }
    return {path: json.dumps(settings, indent=2) + "\n"}


def _own_entry(choices: ReferenceChoices, period: AccountingPeriod) -> str:
    units = minor_units(choices.home_currency)
    if units is None:
        remedy = "Write a code of ISO 4217, such as USD."
        raise UsageError(f"{choices.home_currency} is not a currency", remedy=remedy)
    rows = "".join(
        f"    - {{segmentName: {name}, segmentValue: General}}\n" for name in choices.segments
    )
    return _ENTRY.format(
        period=period.name,
        currency=choices.home_currency,
        day=period.end_date,
        segments=f"  segments:\n{rows}" if rows else "",
        amount=f"100.{'0' * units}".rstrip("."),
    )


def _own_reference(choices: ReferenceChoices, name: str, marker: str) -> str:
    periods = [
        f"    - {{name: {one.name}, startDate: {one.start_date}, endDate: {one.end_date}, "
        f"fiscalYear: {one.fiscal_year}, fiscalQuarter: {one.fiscal_quarter}, status: Open}}\n"
        for one in choices.periods()
    ]
    rule = f"  segmentationRule: {{name: Default, segments: [{', '.join(choices.segments)}]}}\n"
    field = f"  customFields:\n    JournalEntry:\n      - {{name: {marker}, maxLength: 255}}\n"
    return _REFERENCE.format(
        name=name,
        currency=choices.home_currency,
        periods="".join(periods),
        rest=(rule if choices.segments else "") + (field if marker != IN_NOTES else ""),
    )


def _example_reference(marker: str) -> str:
    """The Reference of the example books, from the wheel or from the checkout, with this marker."""
    package = Path(__file__).parents[2]
    for place in (package / "examples", package.parent / "journals"):
        if (place / "reference.yaml").is_file():
            text = (place / "reference.yaml").read_text(encoding="utf-8")
            known = marker == IN_NOTES or f"name: {marker}," in text
            return text if known else text.replace(MARKER, marker)
    raise ReconcilerError("this installation lacks the example Reference")
