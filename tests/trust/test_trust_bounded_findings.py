"""Findings are bounded in number and in work, whatever a change holds: counted, not timed."""

import difflib
import subprocess
import sys
from collections import Counter

import pytest
from program import Program

from reconciler.app.workspace import read_workspace
from reconciler.core.model.resource import Address, Declared, Source
from reconciler.core.model.similar_names import MOST_COMPARED, KnownNames
from reconciler.core.model.tenant import Tenant
from reconciler.core.rules.journal_runs import overlaps
from reconciler.workspace.positions import MAX_TOLD

CODES = 5000
WORDS = 500
WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: books}
"""
REFERENCE = """\
apiVersion: journal.reconciler/v1
kind: Reference
metadata: {name: acme}
spec:
  currencies: [USD]
  accountingPeriods: [{name: Jan-2026, startDate: 2026-01-01, endDate: 2026-01-31}]
  customFields: {JournalEntry: [{name: ReconcilerKey__c}]}
  accountingCodes:
"""
HEAD = """\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata: {name: entry-%d}
spec:
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: 2026-01-31
  journalEntryItems:
"""


@pytest.fixture
def compared(monkeypatch):
    """How often two names are compared in full."""
    calls = Counter()
    ratio = difflib.SequenceMatcher.ratio

    def counted(self):
        calls["ratio"] += 1
        return ratio(self)

    monkeypatch.setattr(difflib.SequenceMatcher, "ratio", counted)
    return calls


@pytest.fixture
def books(tmp_path):
    (tmp_path / "reconciler.yaml").write_text(WORKSPACE)
    codes = "".join(f"    - {{name: Revenue {at:05}, type: Cash}}\n" for at in range(CODES))
    (tmp_path / "reference.yaml").write_text(REFERENCE + codes)
    return tmp_path


def entries(words, size=50):
    """Entries whose lines name these codes, each on both sides."""
    texts = []
    for start in range(0, len(words), size):
        lines = "".join(
            f"    - {{accountingCodeName: {word}, type: {side}, amount: {start + 1}}}\n"
            for word in words[start : start + size]
            for side in ("Debit", "Credit")
        )
        texts.append(HEAD % start + lines)
    return "---\n".join(texts)


def test_t30_an_unknown_code_is_compared_with_few_known_ones_and_once(books, compared):
    words = [f"Revenu {at:05}x" for at in range(WORDS)]
    (books / "entries.yaml").write_text(entries(words))
    assert read_workspace(books).problems
    assert 0 < compared["ratio"] <= WORDS * MOST_COMPARED


def test_t30_a_repeated_word_is_searched_for_once(books, compared):
    (books / "entries.yaml").write_text(entries(["Revenu 00001x"] * WORDS))
    read_workspace(books)
    assert 0 < compared["ratio"] <= MOST_COMPARED


def test_t30_the_findings_of_a_file_are_bounded_and_the_rest_is_counted(books):
    words = [f"Revenu {at:05}x" for at in range(WORDS)]
    (books / "entries.yaml").write_text(entries(words))
    found = read_workspace(books).problems
    assert len(found) == MAX_TOLD + 1
    more = 2 * WORDS - MAX_TOLD
    assert [one.message for one in found if "more" in one.message] == [
        f"the file breaks this rule {more} times more, from here on"
    ]
    assert {one.severity for one in found} == {"error"}


def test_t30_every_file_keeps_a_finding_of_its_own(books):
    """A file is judged by itself, so a bound over all files could make one look sound."""
    for at in range(MAX_TOLD + 10):
        (books / f"{at}.yaml").write_text(entries([f"Revenu {at}x"]).replace("entry-0", f"e-{at}"))
    assert len({one.path for one in read_workspace(books).problems}) == MAX_TOLD + 10


def test_t30_misspelt_fields_are_compared_with_few_known_ones(books, compared):
    fields = "".join(f"  curency{at}: x\n" for at in range(WORDS))
    text = "---\n".join(
        (HEAD % at).replace("spec:\n", f"spec:\n{fields}") + "    - {}\n" for at in range(20)
    )
    (books / "entries.yaml").write_text(text)
    assert len(read_workspace(books).problems) <= 5 * MAX_TOLD
    assert compared["ratio"] <= (100 + 20) * MOST_COMPARED


def test_t30_the_index_is_read_once(compared):
    known = KnownNames(f"Code {at}" for at in range(CODES))
    for at in range(WORDS):
        assert known.nearest(f"Code {at}") == f"Code {at}"
    assert compared["ratio"] == 0


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Defered Revenue", "Deferred Revenue"),
        ("Deferred Revenues", "Deferred Revenue"),
        ("deferred revenue", "Deferred Revenue"),
        ("Acounts Recievable", "Accounts Receivable"),
        ("4O00", "4000"),
        ("Csah", "Cash"),
        ("Payroll", None),
    ],
)
def test_t30_the_nearest_name_is_still_found(typed, meant):
    known = ["Deferred Revenue", "Accounts Receivable", "4000", "Cash", "Subscription Revenue"]
    assert KnownNames(known).nearest(typed) == meant


def work_of(overlapping):
    """The calls that a check of this many runs over the same days makes."""
    runs = tuple(
        Declared(
            address=Address("JournalRun", f"run-{at:05}"),
            source=Source(path="runs.yaml"),
            spec={
                "targetStartDate": "2026-01-01",
                "targetEndDate": "2026-01-31",
                "organizationLabels": ({"organizationName": f"O-{at}"},),
                "transactionTypes": ({"type": "Invoice Item"},),
            },
        )
        for at in range(overlapping)
    )
    calls = Counter()
    sys.setprofile(lambda frame, event, argument: calls.update([event]))
    try:
        assert list(overlaps(runs, Tenant())) == []
    finally:
        sys.setprofile(None)
    return calls["call"]


def test_t30_the_work_grows_with_the_number_of_runs():
    assert work_of(400) < 3 * work_of(200)


def test_t30_the_command_line_says_how_many_more(books):
    (books / "entries.yaml").write_text(entries([f"Revenu {at:05}x" for at in range(WORDS)]))
    run = Program(["validate", "-w", books], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, _ = run.communicate()
    assert run.returncode == 3
    assert f"{2 * WORDS - MAX_TOLD} times more, from here on" in out
    assert len(out.splitlines()) < 3 * MAX_TOLD
