"""An amount with more written decimals than its currency has is refused, wherever it stands."""

import subprocess
from decimal import Decimal

import pytest
from program import Program

from reconciler.app.files.formatting import format_files
from reconciler.app.workspace import read_workspace
from reconciler.core.model.money import WITHDRAWN, minor_units
from reconciler.core.model.tenant import Tenant
from reconciler.workspace.formatter.writer import declarations_text

REFERENCE = """\
apiVersion: journal.reconciler/v1
kind: Reference
metadata: {name: acme}
spec:
  homeCurrency: USD
  currencies: [USD, EUR, JPY, KWD]
  accountingPeriods: [{name: Jan-2026, startDate: 2026-01-01, endDate: 2026-01-31}]
  accountingCodes: [{name: Cash, type: Cash}, {name: Revenue, type: SalesRevenue}]
  customFields: {JournalEntry: [{name: ReconcilerKey__c}]}
"""
WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: books}
"""


def entry(amount, currency, home):
    return f"""\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata: {{name: accrual}}
spec:
  accountingPeriodName: Jan-2026
  currency: {currency}
  journalEntryDate: 2026-01-31
  journalEntryItems:
    - {{accountingCodeName: Cash, type: Debit, amount: {amount}, homeCurrencyAmount: {home}}}
    - {{accountingCodeName: Revenue, type: Credit, amount: {amount}, homeCurrencyAmount: {home}}}
"""


@pytest.fixture
def books(tmp_path):
    (tmp_path / "reconciler.yaml").write_text(WORKSPACE)
    (tmp_path / "reference.yaml").write_text(REFERENCE)
    return tmp_path


def rules_of(root):
    return {problem.rule for problem in read_workspace(root).problems}


def spellings(text):
    return text, f'"{text}"', f"'{text}'"


TOO_FINE = [
    (written, currency, home)
    for amount, currency, home in [
        ("1.000", "EUR", "1.00"),
        ("400.9000", "EUR", "1.00"),
        ("1.0000000"[:8], "EUR", "1.00"),
        ("1000.0", "JPY", "1.00"),
        ("1.000", "JPY", "1.00"),
        ("1.0000", "KWD", "1.00"),
        ("0.001", "EUR", "1.00"),
    ]
    for written in spellings(amount)
] + [("1.00", "EUR", home) for amount in ("1.000", "1.170") for home in spellings(amount)]


@pytest.mark.parametrize(("amount", "currency", "home"), TOO_FINE)
def test_t04_more_written_decimals_than_the_currency_has_are_refused(books, amount, currency, home):
    (books / "entry.yaml").write_text(entry(amount, currency, home))
    assert rules_of(books) == {"minor-units"}


@pytest.mark.parametrize(("amount", "currency", "home"), TOO_FINE)
def test_t04_fmt_leaves_such_an_amount_as_it_is_written(books, amount, currency, home):
    text = entry(amount, currency, home)
    (books / "entry.yaml").write_text(text)
    list(format_files(books, (), check=False))
    assert (books / "entry.yaml").read_text() == text


@pytest.mark.parametrize("written", ["1e3", "0001", "1.", ".5", "1_000", "+1", "0x10", "1.0e0"])
def test_t04_fmt_leaves_what_is_no_amount(books, written):
    text = entry(written, "EUR", "1.00")
    (books / "entry.yaml").write_text(text)
    list(format_files(books, (), check=False))
    assert f"amount: {written}," in (books / "entry.yaml").read_text().replace('"', "")
    assert rules_of(books) == {"schema-amount"}


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("1", "EUR"), ("1.0", "EUR"), ("1.00", "EUR"), ("1000", "JPY"), ("1.000", "KWD")],
)
def test_t04_as_many_decimals_as_the_currency_has_are_accepted(books, amount, currency):
    (books / "entry.yaml").write_text(entry(amount, currency, "1.00"))
    assert rules_of(books) == set()


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        ("{limits: {money: {EUR: 1000.000}}}", "minor-units"),
        ("{limits: {money: {JPY: 1000.0}}}", "minor-units"),
        ("{approvals: {tiers: [{required: 1, amount: {EUR: 1.000}}]}}", "minor-units"),
        ("{limits: {money: {EUX: 1}}}", "currency-code"),
        ("{approvals: {tiers: [{required: 1, amount: {EUX: 1}}]}}", "currency-code"),
        ("{limits: {money: {GBP: 1}}}", "policy-name"),
        ("{approvals: {tiers: [{required: 1, amount: {GBP: 1}}]}}", "policy-name"),
    ],
)
def test_t04_t05_a_limit_is_written_as_an_amount_of_its_currency_is(books, policy, rule):
    """A limit in a currency that nothing is posted in would never apply."""
    (books / "reconciler.yaml").write_text(f"{WORKSPACE}spec:\n  policy: {policy}\n")
    (found,) = read_workspace(books).problems
    assert (found.rule, found.path, found.line) == (rule, "reconciler.yaml", 5)
    assert found.column > policy.index("{", 2)


def test_t05_a_limit_in_a_withdrawn_currency_stays(books):
    """What stands posted in it can still be cancelled."""
    (books / "reconciler.yaml").write_text(
        f"{WORKSPACE}spec:\n  policy: {{limits: {{money: {{HRK: 1000.00}}}}}}\n"
    )
    assert rules_of(books) == set()


def test_t04_unchecked_decimals_of_home_amounts_are_pointed_out(books):
    (books / "reference.yaml").unlink()
    (books / "entry.yaml").write_text(entry("1.00", "EUR", "1.000"))
    (found,) = read_workspace(books).problems
    assert (found.rule, found.severity, found.line) == ("home-currency", "warning", 9)


@pytest.mark.parametrize("currency", sorted(WITHDRAWN))
def test_t05_a_withdrawn_currency_keeps_its_decimals(books, currency):
    reference = REFERENCE.replace("[USD,", f"[USD, {currency},")
    (books / "reference.yaml").write_text(reference)
    places = "0" * (minor_units(currency) or 0)
    (books / "entry.yaml").write_text(entry(f"5.{places}".rstrip("."), currency, "1.00"))
    assert rules_of(books) == set()
    (books / "entry.yaml").write_text(entry(f"5.{places}0", currency, "1.00"))
    assert rules_of(books) == {"minor-units"}


def test_t04_zeros_of_the_ledger_are_not_written_by_a_person(books):
    """The ledger sends six decimals; what is written into a file has those of the currency."""
    line = {"accountingCodeName": "Cash", "type": "Debit", "amount": Decimal("400.900000")}
    spec = {"currency": "EUR", "journalEntryItems": (line,)}
    text = declarations_text([("JournalEntry", {"name": "a"}, spec)], Tenant())
    assert "amount: 400.90}" in text


def test_t04_the_command_line_refuses_and_changes_nothing(books):
    text = entry("1.000", "EUR", "1.00")
    (books / "entry.yaml").write_text(text)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    checked = Program(["validate", "-w", books], **pipes)
    out, _ = checked.communicate()
    assert checked.returncode == 3
    assert "1.000 has 3 decimal places; EUR has 2" in out
    assert "To fix: Write 1.00, or 1000.00 if the point separates thousands." in out
    formatted = Program(["fmt", "-w", books], **pipes)
    formatted.communicate()
    assert (books / "entry.yaml").read_text() == text
    planned = Program(["plan", "--offline", "-w", books], **pipes)
    planned.communicate()
    assert planned.returncode == 3
