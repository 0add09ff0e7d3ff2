"""What accountants mistype: each message names the fact, and its remedy ends well when followed."""

import re
import subprocess

import pytest
from program import Program

from reconciler.app.workspace import read_workspace

REFERENCE = """\
apiVersion: journal.reconciler/v1
kind: Reference
metadata: {name: acme}
spec:
  homeCurrency: USD
  currencies: [USD, EUR, JPY]
  accountingPeriods: [{name: Jan-2026, startDate: 2026-01-01, endDate: 2026-01-31}]
  accountingCodes: [{name: Cash Account, type: Cash}, {name: Revenue, type: SalesRevenue}]
  segmentationRule: {name: Default, segments: [Region]}
  customFields:
    JournalEntry: [{name: ReconcilerKey__c}, {name: Region__c}]
    JournalEntryItem: [{name: CostCenter__c}]
"""
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
spec:
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: 2026-01-31
  notes: A note
  journalEntryItems:
    - accountingCodeName: Cash Account
      type: Debit
      amount: 1200.50
    - accountingCodeName: Revenue
      type: Credit
      amount: 1200.50
"""


def books(root, entry=ENTRY, workspace=WORKSPACE):
    (root / "reconciler.yaml").write_text(workspace)
    (root / "reference.yaml").write_text(REFERENCE)
    (root / "entry.yaml").write_text(entry)
    return read_workspace(root).problems


# What is right and what is typed instead; what the remedy says, and what is written then.
MISTYPED = [
    ("1200.50", "1,200.50", "1200.50", "1200.50"),
    ("1200.50", "1.200,50", "1200.50", "1200.50"),
    ("1200.50", "1200,50", "1200.50", "1200.50"),
    ("1200.50", "1 200.50", "1200.50", "1200.50"),
    ("1200.50", "1'200.50", "1200.50", "1200.50"),
    ("1200.50", "1_200.50", "1200.50", "1200.50"),
    ("1200.50", "+1200.50", "1200.50", "1200.50"),
    ("1200.50", "$1200.50", "1200.50", "1200.50"),
    ("1200.50", "USD 1200.50", "1200.50", "1200.50"),
    ("1200.50", "1200.50 USD", "1200.50", "1200.50"),
    ("1200.50", "01200.50", "1200.50", "1200.50"),
    ("1200.50", "1\u00a0200,50", "1200.50", "1200.50"),
    ("1200.50", "\uff11\uff12\uff10\uff10.\uff15\uff10", "1200.50", "1200.50"),
    ("1200.50", "1.2005e3", "1200.5", "1200.5"),
    ("2026-01-31", "20260131", "2026-01-31", "2026-01-31"),
    ("2026-01-31", "46053", "2026-01-31", "2026-01-31"),
    ("2026-01-31", "31.01.2026", "2026-01-31", "2026-01-31"),
    ("2026-01-31", "31/01/2026", "2026-01-31", "2026-01-31"),
    ("2026-01-31", "01/31/2026", "2026-01-31", "2026-01-31"),
    ("2026-01-31", "2026/01/31", "2026-01-31", "2026-01-31"),
    ("2026-01-31", "2026-1-31", "2026-01-31", "2026-01-31"),
    ("2026-01-31", "31-Jan-2026", "2026-01-31", "2026-01-31"),
    ("2026-01-31", "Jan 31, 2026", "2026-01-31", "2026-01-31"),
    ("2026-01-31", "2026\u201301\u201331", "2026-01-31", "2026-01-31"),
    ("2026-01-31", "2026-01-31T00:00:00", "2026-01-31", "2026-01-31"),
    ("currency: USD", "currency: usd", "USD", "currency: USD"),
    ("currency: USD", 'currency: " USD"', "USD", "currency: USD"),
    ("name: accrual", "name: Accrual", "accrual", "name: accrual"),
    ("name: accrual", "name: accrual_", "accrual", "name: accrual"),
    ("name: accrual", "name: accru\u00adal", "accrual", "name: accrual"),
    ("type: Debit", "type: debit", "Debit", "type: Debit"),
    ("type: Debit", "type: DEBIT", "Debit", "type: Debit"),
    ("type: Debit", "type: D\u0435bit", "Debit", "type: Debit"),
    ("type: Debit", "type: Debit\u200b", "Debit", "type: Debit"),
    ("Cash Account", "Cash\u00a0Account", "Cash Account", "Cash Account"),
    ("Cash Account", "Cash Accou\u00adnt", "Cash Account", "Cash Account"),
    ("Cash Account", "C\u0430sh Account", "Cash Account", "Cash Account"),
    ("Cash Account", "cash account", "Cash Account", "Cash Account"),
    ("Cash Account", "Cash Acount", "Cash Account", "Cash Account"),
    ("Jan-2026", "Jan\u20132026", "Jan-2026", "Jan-2026"),
    ("Jan-2026", "jan-2026", "Jan-2026", "Jan-2026"),
    ("notes: A note", "Region__C: A note", "Region__c", "Region__c: A note"),
    ("notes: A note", "region__c: A note", "Region__c", "Region__c: A note"),
    ("notes: A note", "note: A note", "notes", "notes: A note"),
    ("notes: A note", "Notes: A note", "notes", "notes: A note"),
    ("notes: A note", "n\u043etes: A note", "notes", "notes: A note"),
    ("notes: A note", "notes: Rebate: Q1", 'notes: "Rebate: Q1"', 'notes: "Rebate: Q1"'),
    ("notes: A note", "notes: @finance", 'notes: "@finance"', 'notes: "@finance"'),
    ("notes: A note", "notes: [draft] x", 'notes: "[draft] x"', 'notes: "[draft] x"'),
    ("notes: A note", "notes: 'it's due'", 'notes: "it\'s due"', 'notes: "it\'s due"'),
    ("notes: A note", "notes: 2026", '"2026"', 'notes: "2026"'),
    ("notes: A note", "notes: true", '"true"', 'notes: "true"'),
    ("kind: JournalEntry", "kind: Journal Entry", "JournalEntry", "kind: JournalEntry"),
    ("kind: JournalEntry", "kind: journalentry", "JournalEntry", "kind: JournalEntry"),
    ("name: accrual", "name: accrual\n  protect: Yes", "true", "name: accrual\n  protect: true"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "typed", "told", "mended"), MISTYPED)
def test_t26_the_remedy_of_a_typing_mistake_is_followed_to_the_letter(
    tmp_path, right, typed, told, mended
):
    problems = books(tmp_path, ENTRY.replace(right, typed))
    assert problems
    assert all(told in found.remedy for found in problems), problems
    assert told in mended
    assert books(tmp_path, ENTRY.replace(right, mended)) == ()


@pytest.mark.parametrize(
    ("typed", "character"),
    [
        ("Cash\u00a0Account", "U+00A0 (no-break space) at position 5"),
        ("Cash\u200b Account", "U+200B (zero width space) at position 5"),
        ("C\u0430sh Account", "U+0430 (cyrillic small letter a) at position 2"),
        ("\uff23ash Account", "U+FF23 (fullwidth latin capital letter c) at position 1"),
        ("Cash Accou\u00adnt", "U+00AD (soft hyphen) at position 11"),
    ],
)
def test_t26_a_character_that_looks_right_is_named(tmp_path, typed, character):
    (found,) = books(tmp_path, ENTRY.replace("Cash Account", typed))
    assert character in found.remedy


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("number: JE-00000001", "metadata.adopts"),
        ("journalEntryNumber: JE-00000001", "metadata.adopts"),
        ("status: Cancelled", "remove its file"),
        ("transferDateTime: 2026-01-31", "the ledger fills it in"),
        ("homeCurrency: USD", "the ledger fills it in"),
    ],
)
def test_t26_a_field_of_the_ledger_is_not_taken_for_a_typing_mistake(tmp_path, field, told):
    (found,) = books(tmp_path, ENTRY.replace("notes: A note", field))
    assert "belongs to the ledger" in found.message
    assert told in found.remedy
    assert found.remedy.startswith("Remove it")
    assert books(tmp_path, ENTRY.replace("  notes: A note\n", "")) == ()


@pytest.mark.parametrize("amount", ["-1200.50", "(1200.50)", "1200.50-", "\u22121200.50"])
def test_t26_a_negative_amount_belongs_on_the_other_side(tmp_path, amount):
    text = ENTRY.replace(
        "type: Debit\n      amount: 1200.50", f"type: Credit\n      amount: {amount}"
    )
    (found,) = books(tmp_path, text)
    assert found.remedy == "Write 1200.50 and swap the side: `type: Debit`."
    assert (
        books(
            tmp_path,
            text.replace(f"Credit\n      amount: {amount}", "Debit\n      amount: 1200.50"),
        )
        == ()
    )


def test_t26_a_list_at_the_top_is_told_to_be_a_document(tmp_path):
    text = "- " + ENTRY.replace("\n", "\n  ").rstrip() + "\n"
    (found,) = books(tmp_path, text)
    assert (found.rule, found.remedy[:30]) == ("document-shape", "Remove each `- ` and two space")
    mended = re.sub(r"^(- |  )", "", text, flags=re.M)
    assert books(tmp_path, mended) == ()


FOREIGN = ENTRY.replace("currency: USD", "currency: EUR").replace("1200.50", "100.00")


@pytest.mark.parametrize("way", ["one line", "two lines"])
@pytest.mark.parametrize(("debit", "credit"), [("118.00", "118.01"), ("118.02", "118.00")])
def test_t26_home_amounts_balance_after_either_remedy(tmp_path, debit, credit, way):
    first = FOREIGN.replace("100.00", f"100.00\n      homeCurrencyAmount: {debit}", 1)
    text = f"{first.rstrip()}\n      homeCurrencyAmount: {credit}\n"
    (found,) = books(tmp_path, text)
    changed = re.match(
        r"Change homeCurrencyAmount of line (\d) \(\w+\) from (\S+) to (\S+)\. Or add two lines of "
        r"EUR (\S+) for the rounding: a (\w+) with homeCurrencyAmount (\S+), and a (\w+) with "
        r"homeCurrencyAmount (\S+)\.",
        found.remedy,
    )
    line, now, then, unit, side, home, other, other_home = changed.groups()
    if way == "one line":
        assert now == (debit, credit)[int(line) - 1]
        mended = text.replace(f"homeCurrencyAmount: {now}", f"homeCurrencyAmount: {then}")
    else:
        mended = text + "".join(
            f"    - {{accountingCodeName: Revenue, type: {of}, amount: {unit}, "
            f"homeCurrencyAmount: {at}}}\n"
            for of, at in ((side, home), (other, other_home))
        )
    assert books(tmp_path, mended) == ()


@pytest.mark.parametrize(
    ("old", "new", "alike"),
    [
        ("notes: A note", "notes: Another note", True),
        ("2026-01-31", "2026-01-30", True),
        ("amount: 1200.50", "amount: 1200.5", True),
        ("amount: 1200.50", "amount: 1200.51", False),
        ("notes: A note", "segments: [{segmentName: Region, segmentValue: EMEA}]", False),
        ("type: Debit", "type: Debit\n      CostCenter__c: CC-1", False),
    ],
)
def test_t26_what_tells_two_postings_apart(tmp_path, old, new, alike):
    """The remedy of same-economics says so, and therefore it is what counts."""
    second = ENTRY.replace("name: accrual", "name: second").replace(old, new)
    problems = books(tmp_path, f"{ENTRY}---\n{second}")
    assert [found.rule for found in problems] == ["same-economics"] * alike


SECRETS = [
    "spec: {target: {baseUrl: 'https://api:hunter2@rest.test.zuora.com'}}",
    "spec: {target: {baseUrl: 'https://hunter2@rest.test.zuora.com:x'}}",
    "spec: {daybook: 'postgresql://me:hunter2@db/books'}",
    "spec: {daybook: ['postgresql://me:hunter2@db/books']}",
    "spec: {unknown: 'https://api:hunter2@host'}",
    "spec: {'https://api:hunter2@host': x}",
    "spec: {target: {baseUrl: https://api:hunter2@host: x}}",
    "spec:\n  target:\n    baseUrl: https://api:hunter2@host: x",
    "spec:\n  clientSecret: hunter2: x",
    "spec: {target: &hunter {baseUrl: 'https://api:hunter2@host'}}",
    "spec: {target: {baseUrl: 'https://api:hunter2@host', baseUrl: 'https://api:hunter2@host'}}",
]


@pytest.mark.parametrize("spec", SECRETS)
def test_t26_a_password_in_a_workspace_file_is_never_repeated(tmp_path, spec):
    problems = books(tmp_path, workspace=f"{WORKSPACE}{spec}\n")
    assert problems
    assert "hunter2" not in repr(problems)


def test_t23_the_command_line_never_repeats_a_password_of_a_file(tmp_path):
    books(tmp_path, workspace=f"{WORKSPACE}{SECRETS[0]}\n")
    for verb in ("validate", "plan", "doctor", "fmt"):
        run = Program([verb, "-w", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = run.communicate()
        assert "hunter2" not in out + err
        if verb in ("validate", "plan"):
            assert run.returncode == 3
            assert "Credentials come from the environment" in out + err
