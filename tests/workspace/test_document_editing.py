"""Fields of a document are edited and its comments stay; documents are taken out of a file."""

import pytest

from reconciler.core.model.tenant import Tenant
from reconciler.workspace.formatter.editing import documents_in, edited, with_document

ENTRY = """\
# Rent.
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata:
  name: rent  # its name
  # found in March
  adopts: JE-00000001
spec:
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: 2026-01-31
  journalEntryItems:
    - {accountingCodeName: Cash, type: Debit, amount: 1.00}  # net
    - {accountingCodeName: Cash, type: Credit, amount: 1.00}
"""
EDITS = {
    ("metadata", "name"): "rent-rebooked",
    ("metadata", "adopts"): None,
    ("spec", "journalEntryDate"): "2026-02-01",
    ("spec", "notes"): "Yes",
}
EDITED = """\
# Rent.
# found in March
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata:
  name: rent-rebooked  # its name
spec:
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: 2026-02-01
  notes: "Yes"
  journalEntryItems:
    - {accountingCodeName: Cash, type: Debit, amount: 1.00}  # net
    - {accountingCodeName: Cash, type: Credit, amount: 1.00}
"""
BLOCK = "metadata:\n  name: rent  # its name\n  # found in March\n  adopts: JE-00000001"
FLOW = ENTRY.replace(BLOCK, "metadata: {name: rent, adopts: JE-00000001}")


def edit(text, edits):
    return edited(text, edits, Tenant())


def test_fields_are_edited_and_comments_kept():
    assert edit(ENTRY, EDITS) == EDITED
    assert edit(edit(ENTRY, EDITS), EDITS) == EDITED


def test_a_mapping_on_one_line_is_edited_too():
    text = edit(FLOW, {("metadata", "name"): "other", ("metadata", "adopts"): None})
    assert "metadata: {name: other}\n" in text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("a: 1\n", ["a: 1\n"], id="one"),
        pytest.param("a: 1\n---\nb: 2\n", ["a: 1\n", "b: 2\n"], id="two"),
        pytest.param("# c\n---\na: 1\n--- # d\nb: 2", ["# c\na: 1\n", "b: 2"], id="marked"),
        pytest.param("---\na: |\n  ---\n", ["a: |\n  ---\n"], id="a text like a mark"),
    ],
)
def test_the_documents_of_a_file_are_taken_apart(text, parts):
    assert list(documents_in(text)) == parts


def test_one_document_takes_the_place_of_another():
    assert (
        with_document("a: 1\n---\nb: 2\n---\nc: 3\n", 1, "d: 4\n") == "a: 1\n---\nd: 4\n---\nc: 3\n"
    )
