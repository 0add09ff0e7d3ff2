"""The files of a workspace to begin with."""

from pathlib import Path

from reconciler.app.text_files import write_text
from reconciler.errors import ReconcilerError

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
    marker: ReconcilerKey__c
  policy:
    removal: delete
"""

_ENTRY = """\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata:
  name: first-entry
  labels: {team: finance}
spec:
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: 2026-01-31
  notes: The first entry declared in git
  journalEntryItems:
    - {accountingCodeName: Deferred Revenue, type: Debit, amount: 100.00}
    - {accountingCodeName: Subscription Revenue, type: Credit, amount: 100.00}
"""


def write_starter(directory: Path, name: str) -> tuple[Path, ...]:
    """Write the files of a new workspace, and return their paths. Overwrites none."""
    files = {
        directory / "reconciler.yaml": _WORKSPACE.format(name=name),
        directory / "reference.yaml": _reference(),
        directory / "2026" / "01" / "first-entry.yaml": _ENTRY,
    }
    existing = [path for path in files if path.exists()]
    if existing:
        raise ReconcilerError(
            f"{existing[0]} already exists, and is not overwritten",
            remedy="Choose another directory.",
        )
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text, mode=0o644)
    return tuple(files)


def _reference() -> str:
    """The Reference of the example books: from the wheel, or from the checkout."""
    package = Path(__file__).parent.parent
    for place in (package / "examples", package.parent / "journals"):
        if (place / "reference.yaml").is_file():
            return (place / "reference.yaml").read_text(encoding="utf-8")
    raise ReconcilerError("this installation lacks the example Reference")
