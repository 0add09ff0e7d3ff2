"""`reconciler init`: a workspace to begin with."""

from pathlib import Path

import click

from reconciler.cli.files import write_text
from reconciler.cli.options import common_options, sound_name
from reconciler.cli.terminal import out
from reconciler.errors import ReconcilerError
from reconciler.render.styled_text import line

_WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata:
  # The first half of the marker in live entries. Do not change it once something was applied.
  name: {name}
spec:
  # Without a target the ledger is the embedded one, in .reconciler/. For a tenant:
  # target:
  #   baseUrl: https://rest.test.zuora.com
  #   tenantId: "12345"
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


@click.command(short_help="Write a starter workspace.")
@click.argument("directory", default="journals", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--name", default="books", show_default=True, callback=sound_name, help="The workspace's name."
)
@common_options
def init(*, directory: Path, name: str) -> int:
    """Write a starter workspace into DIRECTORY. Never overwrites a file."""
    files = {
        directory / "reconciler.yaml": _WORKSPACE.format(name=name),
        directory / "reference.yaml": _reference(),
        directory / "2026" / "01" / "first-entry.yaml": _ENTRY,
    }
    there = [path for path in files if path.exists()]
    if there:
        raise ReconcilerError(
            f"{there[0]} exists already, and nothing is overwritten",
            remedy="Choose another directory.",
        )
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text, mode=0o644)
        out([line("wrote ", (f"{path}", "strong"))])
    place = "" if directory == Path("journals") else f" -w {directory}"
    out([line(f"Next: reconciler plan{place}")])
    return 0


def _reference() -> str:
    """The Reference of the example books: from the wheel, or from the checkout."""
    package = Path(__file__).parent.parent
    for place in (package / "examples", package.parent / "journals"):
        if (place / "reference.yaml").is_file():
            return (place / "reference.yaml").read_text(encoding="utf-8")
    raise ReconcilerError("this installation lacks the example Reference")
