"""A comment sign that may have cut a text is pointed out, and an ordinary comment is not."""

import subprocess
from pathlib import Path

import pytest
from program import Program

from reconciler.app.files.formatting import format_files
from reconciler.app.workspace import read_workspace

ROOT = Path(__file__).parents[2]
WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: books}
"""
ENTRY = """\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata:
  name: accrual
  labels:
    team: revenue
spec:
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: 2026-01-31
  notes: A note
  Region__c: EMEA
  segments:
    - segmentName: Region
      segmentValue: EMEA
  journalEntryItems:
    - accountingCodeName: Cash
      type: Debit
      amount: 400.90
    - accountingCodeName: Revenue
      type: Credit
      amount: 400.90
"""


def books(root, entry):
    (root / "reconciler.yaml").write_text(WORKSPACE)
    (root / "entry.yaml").write_text(entry)
    return [found for found in read_workspace(root).problems if found.rule == "yaml-comment"]


CUT = [
    ("A note", "Smith #42", '"Smith #42"'),
    ("A note", "Smith  #42", '"Smith  #42"'),
    ("A note", "Smith # 42", '"Smith # 42"'),
    ("A note", "Smith  # 42", '"Smith  # 42"'),
    ("A note", "Smith\t#42", '"Smith\t#42"'),
    ("A note", 'The "large" one #42', '"The \\"large\\" one #42"'),
    ("A note", "#42", '"#42"'),
    ("team: revenue", "team: revenue #1", '"revenue #1"'),
    ("Name: Jan-2026", "Name: Jan-2026 #2", '"Jan-2026 #2"'),
    ("Region__c: EMEA", "Region__c: EMEA #2", '"EMEA #2"'),
    ("segmentValue: EMEA", "segmentValue: EMEA # 2", '"EMEA # 2"'),
    ("Name: Cash", "Name: Cash #1000", '"Cash #1000"'),
    ("Name: Cash", "Name: Cash # 1000", '"Cash # 1000"'),
]


@pytest.mark.parametrize(("right", "cut", "quoted"), CUT)
def test_t04_a_cut_text_is_pointed_out_with_its_quoted_form(tmp_path, right, cut, quoted):
    text = ENTRY.replace(right, cut, 1)
    (found,) = books(tmp_path, text)
    assert found.severity == "warning"
    line = text.splitlines()[found.line - 1]
    assert line[found.column - 1] == "#"
    assert quoted in found.remedy
    plain = cut.partition(": ")[2] or cut
    assert books(tmp_path, text.replace(plain, quoted.replace("\t", "\\t"), 1)) == []


@pytest.mark.parametrize(("right", "cut", "quoted"), CUT)
def test_t04_fmt_does_not_hide_a_cut_text(tmp_path, right, cut, quoted):
    text = ENTRY.replace(right, cut, 1)
    before = books(tmp_path, text)
    list(format_files(tmp_path, (), check=False))
    after = books(tmp_path, (tmp_path / "entry.yaml").read_text())
    assert len(after) == len(before) == 1


ORDINARY = [
    ("amount: 400.90", "amount: 400.90 #net"),
    ("currency: USD", "currency: USD #dollars"),
    ("2026-01-31", "2026-01-31 # month end"),
    ("type: Debit", "type: Debit #left"),
    ("name: accrual", "name: accrual # its identity"),
    ("Name: Cash", "Name: Cash  # the bank"),
    ("team: revenue", "team: revenue   # who answers"),
    ("spec:", "spec: # what is posted"),
    ("  journalEntryItems:", "  journalEntryItems: #lines"),
    ("notes: A note", 'notes: "Smith #42" # quoted'),
    ("notes: A note", "notes: 'Smith #42'"),
    ("notes: A note", "# notes: Smith #42"),
    ("notes: A note", "notes: Smith#42"),
    ("notes: A note", "notes: | # literal\n    Smith #42"),
    ("segments:\n", "segments:  # of the rule\n"),
]


@pytest.mark.parametrize(("right", "written"), ORDINARY)
def test_t04_an_ordinary_comment_is_no_alarm(tmp_path, right, written):
    assert books(tmp_path, ENTRY.replace(right, written, 1)) == []


def test_t04_a_comment_that_hides_the_end_of_a_bracket_is_named(tmp_path):
    row = "- {accountingCodeName: Cash #1, type: Debit, amount: 400.90}"
    lines = ENTRY.index("    - accountingCodeName: Cash")
    (tmp_path / "reconciler.yaml").write_text(WORKSPACE)
    (tmp_path / "entry.yaml").write_text(f"{ENTRY[:lines]}    {row}\n")
    (found,) = read_workspace(tmp_path).problems
    assert found.remedy.startswith("A `#` after a space begins a comment.")


def test_t04_the_example_books_raise_no_alarm():
    problems = read_workspace(ROOT / "journals").problems
    assert [found for found in problems if found.rule == "yaml-comment"] == []


def test_t04_a_name_in_the_settings_may_be_cut_too(tmp_path):
    (tmp_path / "reconciler.yaml").write_text(
        f"{WORKSPACE}spec:\n  policy:\n    freeze:\n      - periods:\n        - Jan 2026 #1\n"
    )
    (found,) = read_workspace(tmp_path).problems
    assert (found.rule, found.line, found.column) == ("yaml-comment", 8, 20)


def test_t04_the_command_line_warns_of_a_cut_text(tmp_path):
    books(tmp_path, ENTRY.replace("A note", "Smith #42"))
    run = Program(["validate", "-w", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, _ = run.communicate()
    assert "entry.yaml:11:16: warning[yaml-comment]: `#42` is a comment" in out
    assert 'To fix: Write "Smith #42" in quotes' in out
