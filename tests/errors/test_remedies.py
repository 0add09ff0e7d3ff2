"""Every printed remedy is followed to the letter, and the file is accepted.

Each bad file of both catalogues has one row: what a reader replaces after reading the `.txt` beside
it. What is left afterwards is nothing, or a further reason that the row names.
"""

import importlib.util
import os
import pathlib
import shutil
import subprocess
from dataclasses import dataclass

import pytest

from reconciler.app.workspace import read_workspace
from reconciler.core.rules.catalog import FILE_RULES
from reconciler.core.rules.schedule_rules import SCHEDULE_RULES
from reconciler.workspace import RULES

HERE = pathlib.Path(__file__).parent


def catalogue(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCUMENTS = catalogue(HERE / "test_catalogue.py")
ACCOUNTING = catalogue(HERE / "accounting" / "test_accounting_catalogue.py")

HEAD = "apiVersion: journal.reconciler/v1\nkind: JournalEntry\n"
SECOND = "apiVersion: journal.reconciler/v1\nkind: Reference\nmetadata: {name: two}\n"
LINES = """\
    - {accountingCodeName: Deferred Revenue, type: Debit, amount: 400.90}
    - {accountingCodeName: Subscription Revenue, type: Credit, amount: 400.90}
"""
SPEC = f"""\
spec:
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: 2026-01-31
  journalEntryItems:
{LINES}"""
CENT = "    - {accountingCodeName: Deferred Revenue, type: Credit, amount: 0.01}"
KEY_FIELD = "  customFields: {JournalEntry: [{name: ReconcilerKey__c}]}"
ENTRY = f"{HEAD}metadata: {{name: accrual}}\n{SPEC}"
SEVENTEEN = "amount: 123456789012345.6"
GONE = None
"""The remedy is to remove the file."""


@dataclass(frozen=True)
class Remedy:
    """What is replaced, `{old: new}`, or the whole text; and the rules that are broken then."""

    edits: object
    then: frozenset[str] = frozenset()


def edit(*pairs, then=()):
    return Remedy(edits=pairs, then=frozenset(then))


def whole(text):
    return Remedy(edits=text)


REMEDIES = {
    "document-kind": edit(("JournalEntri", "JournalEntry")),
    "document-kind-missing": edit(("v1\n", "v1\nkind: JournalEntry\n")),
    "document-shape": whole(ENTRY),
    "document-version": edit(("v2", "v1")),
    "document-version-missing": edit(("kind:", "apiVersion: journal.reconciler/v1\nkind:")),
    "file-conflict": whole(ENTRY),
    "file-empty": whole(GONE),
    "file-empty-comments": whole(GONE),
    "file-encoding-bom": edit(("\ufeff", "")),
    "file-encoding-latin1": whole(ENTRY.replace("Deferred", "Cr\u00e9dit diff\u00e9r\u00e9")),
    "file-encoding-utf16": whole(ENTRY),
    "file-lfs-pointer": whole(ENTRY),
    "previous-name": edit(("  previousName: accrual\n", "")),
    "previous-name-self": edit(("  previousName: true-up\n", "")),
    "reference-currency": edit(
        ("CHF", "USD"),
        ("XXQ, XAU", "{code: XXQ, minorUnits: 2}"),
        ("{code: HRK, minorUnits: 3}", "{code: HRK}"),
    ),
    "reference-currency-home": edit(("  aggregateCurrency: true\n", "")),
    "reference-history": edit(
        ("  segmentationRule: {name: Main, segments: [Region]}\n", ""),
        (", status: Active, inactiveSince", ", status: Inactive, inactiveSince"),
    ),
    "reference-history-rules": edit(
        ("2026-01-01, inactiveSince: 2025-01-01", "2025-01-01, inactiveSince: 2026-01-01"),
        ("activeSince: 2025-06-01", "activeSince: 2026-01-01"),
    ),
    "reference-duplicate": edit(
        ("    - {name: Jan-2026, startDate: 2026-02-01, endDate: 2026-02-28}\n", ""),
        ("    - {name: Cash, type: OtherAssets}\n    - {name: Cash, type: Cash}\n", ""),
        (", {name: Key__c}", ""),
        (", {id: E-1, name: Asia}", ""),
        (", {id: O-2, name: North}", ""),
    ),
    "reference-duplicate-alike": edit(
        ("    - {name: jan-2026, startDate: 2026-02-01, endDate: 2026-02-28}\n", ""),
        ('    - {name: "Cash ", type: Cash}\n', ""),
        (", region]", "]"),
        (", {name: REGION__c}", ""),
    ),
    "reference-overlap": edit(
        ("startDate: 2026-05-01}", "startDate: 2026-06-01}"),
        ("startDate: 2026-01-31", "startDate: 2026-02-01"),
        ("    - {name: Forever, startDate: 2027-01-01}\n", ""),
    ),
    "reference-period": edit(
        ("startDate: 2026-01-31, endDate: 2026-01-01", "startDate: 2026-01-01, endDate: 2026-01-31")
    ),
    "reference-single": edit(
        (
            f"{SECOND}spec: {{currencies: [USD], accountingPeriods: [], accountingCodes: []}}\n",
            "",
        ),
        ("---\n", ""),
    ),
    "schema-boolean-word": edit(("protect: yes", "protect: true"), ("ing: true", "ing: Yes")),
    "schema-choice": edit(
        ("spec:\n", "spec:\n  targetStartDate: 2026-01-01\n  targetEndDate: 2026-01-31\n")
    ),
    "schema-choice-both": edit(
        (", organizationName: Acme Europe", ""),
        ("{excluded: true}", "{organizationName: Acme Asia, excluded: true}"),
    ),
    "schema-date": edit(("2026-02-30", "2026-02-28")),
    "schema-date-compact": edit(("20260131", "2026-01-31")),
    "schema-date-serial": edit(("46053", "2026-01-31")),
    "schema-date-spelling": edit(("31.01.2026", "2026-01-31")),
    "schema-duplicate": edit((", USD]", "]")),
    "schema-duplicate-transaction-type": edit(
        ("    - {type: Taxation Item}\n    - {type: Invoice Item}", "    - {type: Taxation Item}")
    ),
    "schema-length-transaction-types": edit(("[]", "[{type: Invoice Item}]")),
    "schema-missing-field": whole(ENTRY),
    "schema-missing-field-adopts": edit(("name: billing,", "name: billing, adopts: JE-00000008,")),
    "schema-missing-field-date": edit(
        ("StartDate: 2026-01-01\n", "StartDate: 2026-01-01\n  targetEndDate: 2026-01-31\n")
    ),
    "schema-range": edit(("Quarter: 5", "Quarter: 4"), ("Year: -1", "Year: 0")),
    "schema-spelling": edit(
        ("name: Accrual January", "name: accrual-january"),
        ("usd", "USD"),
        ('"Deferred\\nRevenue"', "Deferred Revenue"),
    ),
    "schema-spelling-adopts": edit(("JE-", "JR-")),
    "schema-spelling-line-feed": edit(("accrual\\n", "accrual"), ("Jan-2026\\n", "Jan-2026")),
    "schema-spelling-previous-name": edit(("Old Name", "old-name")),
    "schema-type": edit(
        ("cost: 42, on: null", 'cost: "42"'),
        ("[USD]", "USD"),
        ("  notes:\n", ""),
        ("segments: Department", "segments: [{segmentName: Department, segmentValue: Sales}]"),
    ),
    "schema-type-transaction-type": edit(
        ("[Invoice Item, Taxation Item]", "[{type: Invoice Item}, {type: Taxation Item}]")
    ),
    "schema-unknown-field": edit(
        (", owner: me", ""), ("currancy", "currency"), (", Amuont: 1", "")
    ),
    "schema-unknown-field-custom": edit(("Region__C", "Region__c"), ("Team_c", "Team__c")),
    "schema-unknown-field-owned": edit(
        ("  journalEntryNumber: JE-00000001\n", ""),
        ("  status: Cancelled\n", ""),
        (", glAccountName: 1100", ""),
        ("name: accrual", "name: accrual, adopts: JE-00000001"),
    ),
    "schema-unknown-field-run": edit((", journalRun: JR-00000008", ""), ("  currency: USD\n", "")),
    "schema-value": edit(
        ("type: debit", "type: Debit"), ("type: Habet", "type: Credit"), ("Done", "Yes")
    ),
    "schema-value-alike": edit(("D\u0435bit", "Debit")),
    "schema-value-transaction-type": edit(("e item", "e Item"), ("Salaries", "Taxation Item")),
    "unique-adoption": edit(("  adopts: JR-00000008\n", "")),
    "unique-previous-name": whole(
        f"{HEAD}metadata:\n  name: one\n  previousName: accrual\n{SPEC}---\n"
        f"{HEAD}metadata:\n  name: two\n{SPEC}"
    ),
    "unique-name": whole(f"{ENTRY}---\n{ENTRY.replace('name: accrual', 'name: second')}"),
    "workspace-single": whole(GONE),
    "yaml-alias": edit(("&meta ", ""), ("*meta", '"*meta"'), then=["schema-spelling"]),
    "yaml-bidi": edit(("\u202e", "")),
    "yaml-comment": edit(("Smith #42", '"Smith #42"'), (" # 1", "")),
    "yaml-control-character": edit(("\\x1b", ""), ("\\0 ", "")),
    "yaml-control-character-bom": edit(("\ufeff", "")),
    "yaml-control-character-raw": edit(("\x07", ""), then=["yaml-control-character"]),
    "yaml-depth": edit(("[" * 30 + "]" * 30, "null")),
    "yaml-directive": edit(("%YAML 1.1\n", "")),
    "yaml-duplicate-key": edit((", amount: 4000.90", "")),
    "yaml-key": edit(
        ("true: a, 1: b, [x]: c, \"a\\tb\": d", 'labels: {"true": a, "1": b}')
    ),
    "yaml-key-decimal-comma": edit(("400,90", "400.90")),
    "yaml-line-break": edit(("\u2028", "\n"), ("\u0085", ""), then=["yaml-duplicate-key"]),
    "yaml-line-break-carriage-return": edit(("\r ", " ")),
    "yaml-merge-key": edit(("<<: {type: Debit}", "type: Debit")),
    "yaml-normalization": edit(("e\u0301", "\u00e9"), ("e\u0300", "\u00e8"), ("e\u0341", "\u00e9")),
    "yaml-syntax": edit(("Debit amount", "Debit, amount")),
    "yaml-syntax-colon": edit(("USD: EUR", '"USD: EUR"'), then=["schema-spelling"]),
    "yaml-syntax-notes": edit(("Rebate: Q1 2026", '"Rebate: Q1 2026"')),
    "yaml-syntax-tab": edit(("\t", "  ")),
    "yaml-tag": edit(("!env ", ""), ("!!str ", "")),
}  # fmt: skip
REMEDIES["schema-amount"] = edit(
    ("type: Debit, amount: -400.90", "type: Credit, amount: 400.90"),
    *((f"    - {{accountingCodeName: Cash, type: Debit, amount: {zero}}}\n", "") for zero in (
        "0", "0.00", '""', '"  "', ".inf", ".nan", "NaN", "-0", "10:30", "0x10", "true", "")),
    ("1e3", "1000"),
    ('"400,90"', "400.90"),
    ("1_000", "1000"),
    ('"1 000.00"', "1000.00"),
    ('" 400.90"', "400.90"),
    ('"400.90\\n"', "400.90"),
    ("\uff14\uff10\uff10", "400"),
    ("012}", "12}"),
    ("+5", "5"),
    (" .5}", " 0.5}"),
    (" 5.}", " 5}"),
    ("USD 5", "5"),
    ("'1''000'", "1000"),
    ("1234567890123456.00", "123456789012345.00"),
    ('"1234567890123456"', "123456789012345"),
    ("1.1234567", "1.123456"),
    ("Debit, amount: 1, homeCurrencyAmount: -1", "Credit, amount: 1, homeCurrencyAmount: 1"),
)  # fmt: skip
REMEDIES["schema-amount-separators"] = edit(
    ("1,200.50", "1200.50"),
    ('"1.200,50"', "1200.50"),
    ("Credit, amount: (7.00)", "Debit, amount: 7.00"),
)  # fmt: skip

REMEDIES |= {
    "accounting-code-type": edit(("Suspense,", "Suspense, accountingCodeType: OtherAssets,")),
    "active-accounting-code": edit(("License", "Subscription")),
    "active-currency": edit(("CHF", "EUR")),
    "aggregate-currency": edit(
        ("currency: EUR", "currency: USD"), (", homeCurrencyAmount: 118.00", "")
    ),
    "currency-code": edit(("XXQ", "EUR")),
    "custom-field": edit(("preparer__c", "Preparer__c"), ("Kostenstelle__c", "CostCenter__c")),
    "custom-field-length": edit(("abcdefghijk", "abcdefghij")),
    "date-in-period": edit(("2026-02-01", "2026-01-31")),
    "date-in-period-run": edit(("2026-01-01", "2025-12-31")),
    "home-amount-differs": edit((", homeCurrencyAmount: 99.00", "")),
    "home-amount-missing": edit(
        ("Credit, amount: 100.00", "Credit, amount: 100.00, homeCurrencyAmount: 118.00")
    ),
    "home-amount-no-home": edit((", homeCurrencyAmount: 100.00", "")),
    "home-balance": edit(("118.00}", "118.01}")),
    "home-currency": edit(("# Without a Reference.\n", ""), then=["minor-units"]),
    "known-accounting-code": edit(("Defered", "Deferred")),
    "known-accounting-code-alike": edit(("\u00a0", " ")),
    "known-accounting-code-type": edit((", accountingCodeType: Cash", "")),
    "known-period": edit(("January 2026", "Jan-2026")),
    "known-period-run": edit(("January 2026", "Jan-2026")),
    "lines-balance-17-digits": edit((f"{SEVENTEEN}7", f"{SEVENTEEN}6")),
    "lines-balance-cent": edit(
        ("amount: 400.90}", "amount: 400.90}\n" + CENT)
    ),
    "lines-balance-credits": edit(("0.31", "0.30")),
    "marker-field": edit(
        ("homeCurrency: USD", "homeCurrency: USD\n" + KEY_FIELD)
    ),
    "minor-units": edit(("0.105", "0.11")),
    "minor-units-home": edit(("1.005", "1.01")),
    "minor-units-yen": edit(("100.5", "101")),
    "minor-units-zeros": edit(("1.000", "1000.00")),
    "open-period": edit(("Dec-2025", "Jan-2026"), ("2025-12-31", "2026-01-31")),
    "reserved-field": edit(("  ReconcilerKey__c: acme-books/accrual\n", "")),
    "reversal-nets": edit(("300.90", "400.90")),
    "reversal-original": edit(("reverses: acrual", "reverses: accrual")),
    "reversal-renamed": edit(("reverses: accrual", "reverses: 2026-01-accrual")),
    "reversal-original-removed": edit(
        ("reverses: accrual", "reverses: JE-00000018"), then=["reversal-unproved"]
    ),
    "run-dates-order": edit(
        ("targetStartDate: 2026-01-31", "targetStartDate: 2026-01-01"),
        ("targetEndDate: 2026-01-01", "targetEndDate: 2026-01-31"),
    ),
    "run-dates-period": edit(("2026-01-30", "2026-01-31")),
    "run-one-period": edit(
        ("targetStartDate: 2025-12-15", "targetStartDate: 2026-01-01")
    ),
    "run-organizations": edit(
        ("  organizationLabels:\n    - {organizationName: Acme Europe}\n", "")
    ),
    "run-overlap": edit(("    - {type: Invoice Item}\n    - {type: E", "    - {type: E")),
    "run-types": edit((", {type: Invoice Adjustment}", "")),
    "run-whole-period": edit(("    - {type: Revenue Event Item}\n", "")),
    "same-economics": edit(("amount: 1.0}", "amount: 1.0, CostCenter__c: CC-1}")),
    "segments-incomplete": edit(
        ("Sales}\n", "Sales}\n    - {segmentName: Region, segmentValue: EMEA}\n")
    ),
    "segments-order": edit(
        (
            "Region, segmentValue: EMEA}\n    - {segmentName: Department, segmentValue: Sales}",
            "Department, segmentValue: Sales}\n    - {segmentName: Region, segmentValue: EMEA}",
        )
    ),
    "unusual-rate": edit(("homeCurrencyAmount: 2.36", "homeCurrencyAmount: 236.00"),
                         ("homeCurrencyAmount: 120.36", "homeCurrencyAmount: 354.00")),
}  # fmt: skip

BY_FUNCTION = {
    "line-limit": lambda text: (
        text[: text.index("journalEntryItems:\n")] + "journalEntryItems:\n" + LINES
    ),
    "run-dates-early": lambda text: text.replace("2014", "2015"),
    "run-one-period-open-ended": lambda text: text.replace(
        "startDate: 2026-02-01", "startDate: 2026-02-01, endDate: 2026-02-28"
    ),
    "reversal-of-reversal": lambda text: text[: text.rindex("---")],
    "reversal-twice": lambda text: text[: text.rindex("---")],
    "reversal-unproved": lambda text: (
        f"{text}---\n{HEAD}metadata: {{name: imported, adopts: JE-00000018}}\n{SPEC}"
    ),
    "schema-length": lambda text: ENTRY,
    "yaml-number-length": lambda text: text[: text.index("0.1111") + 30],
    "yaml-size": lambda text: text[: text.index("  Many__c")],
}
"""Texts too long to be named in a table: what is left of them."""

WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: books}
"""


def policy(text):
    return f"{WORKSPACE}spec:\n  policy:\n    {text}\n"


WAIVER = "waivers: [{rule: r, name: a, reason: b, expires: %s-01-31}]"
RULE = "houseRules: [{id: r, title: R, remedy: Do., schema: r.json%s}]"

# The files of a workspace that breaks the rule, then the files of one that follows its remedy.
# None is a file that is removed.
ELSEWHERE = {
    "workspace-file": ({"entry.yaml": ENTRY}, {"reconciler.yaml": WORKSPACE}),
    "file-name": ({"a\x1b.yaml": ENTRY}, {"a\x1b.yaml": None, "a.yaml": ENTRY}),
    "file-ignored": ({"a.YAML": ENTRY}, {"a.YAML": None, "a.yaml": ENTRY}),
    "file-spreadsheet": ({"march.csv": "a,b"}, {"march.csv": None}),
    "file-size": (
        {"a.yaml": f"{ENTRY}# {'x' * 1024 * 1024}\n"},
        {"a.yaml": ENTRY, "b.yaml": ENTRY.replace("name: accrual", "name: other")},
    ),
    "house-schema": (
        {"reconciler.yaml": policy(RULE % ""), "r.json": "{"},
        {"r.json": "{}"},
    ),
    "policy-name": (
        {"reconciler.yaml": policy("freeze: [{periods: [Jan 2026]}]")},
        {"reconciler.yaml": policy("freeze: [{periods: [Jan-2026]}]")},
    ),
    "policy-severity": (
        {"reconciler.yaml": policy("severities: {same-economics: off}")},
        {"reconciler.yaml": WORKSPACE},
    ),
    "period-status-spelling": (
        {"reconciler.yaml": policy("freeze: [{periodStatus: [Pending Close]}]")},
        {"reconciler.yaml": policy("freeze: [{periodStatus: [PendingClose]}]")},
    ),
    "waiver-expired": (
        {"reconciler.yaml": policy(WAIVER % "2020")},
        {"reconciler.yaml": WORKSPACE},
    ),
    "waiver-unused": (
        {"reconciler.yaml": policy(WAIVER % "2999")},
        {"reconciler.yaml": WORKSPACE},
    ),
    "notes-length": (
        {
            "reconciler.yaml": f"{WORKSPACE}spec: {{identity: {{marker: notes}}}}\n",
            "entry.yaml": ENTRY.replace("spec:\n", f"spec:\n  notes: {'n' * 2000}\n"),
        },
        {"entry.yaml": ENTRY.replace("spec:\n", f"spec:\n  notes: {'n' * 1900}\n")},
    ),
}  # fmt: skip


def written(root, files):
    for name, text in files.items():
        if text is None:
            (root / name).unlink()
        else:
            (root / name).write_text(text)
    return {found.rule for found in read_workspace(root).problems}


@pytest.mark.parametrize("rule", ELSEWHERE)
def test_t26_a_remedy_for_a_whole_workspace_ends_well(rule, tmp_path):
    broken, mended = ELSEWHERE[rule]
    if rule != "workspace-file":
        (tmp_path / "reconciler.yaml").write_text(WORKSPACE)
        (tmp_path / "reference.yaml").write_text(ACCOUNTING.REFERENCE)
    assert rule in written(tmp_path, broken)
    assert rule not in written(tmp_path, mended)


def test_t26_a_link_or_a_pipe_is_replaced_by_a_file(tmp_path):
    (tmp_path / "reconciler.yaml").write_text(WORKSPACE)
    (tmp_path / "link.yaml").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert {"file-link", "file-special"} <= written(tmp_path, {})
    for name in ("link", "pipe"):
        (tmp_path / f"{name}.yaml").unlink()
        (tmp_path / f"{name}.yaml").write_text(ENTRY.replace("accrual", name))
    assert not {"file-link", "file-special"} & written(tmp_path, {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_t26_a_file_is_given_its_permission(tmp_path):
    (tmp_path / "reconciler.yaml").write_text(WORKSPACE)
    (tmp_path / "a.yaml").write_text(ENTRY)
    (tmp_path / "a.yaml").chmod(0)
    assert "file-unreadable" in written(tmp_path, {})
    (tmp_path / "a.yaml").chmod(0o600)
    assert "file-unreadable" not in written(tmp_path, {})


def test_t26_a_hidden_repository_is_removed(tmp_path):
    (tmp_path / "reconciler.yaml").write_text(WORKSPACE)
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "hidden"], check=True)
    assert "file-repository" in written(tmp_path, {})
    shutil.rmtree(tmp_path / "hidden")
    assert "file-repository" not in written(tmp_path, {})


OWN_TESTS = {
    "daybook-unread", "editor-schema", "file-repository", "file-link", "file-special",
    "file-unreadable",
}  # fmt: skip
OWN_TESTS |= {*SCHEDULE_RULES}

CASES = [(DOCUMENTS, case) for case in DOCUMENTS.CASES]
CASES += [(ACCOUNTING, case) for case in ACCOUNTING.CASES]


def remedied(name, content):
    if name in BY_FUNCTION:
        return BY_FUNCTION[name](content.decode()).encode()
    edits = REMEDIES[name].edits
    if edits is GONE or isinstance(edits, str):
        return edits and edits.encode()
    text = content.decode("utf-8", "surrogateescape")
    for old, new in edits:
        text = text.replace(old, new)
    assert text != content.decode("utf-8", "surrogateescape")
    return text.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(("where", "case"), CASES, ids=lambda one: getattr(one, "stem", ""))
def test_t26_a_remedy_that_is_followed_ends_well(where, case, tmp_path):
    content = remedied(case.stem, case.read_bytes())
    then = REMEDIES[case.stem].then if case.stem in REMEDIES else frozenset()
    if content is not None:
        assert {found.rule for found in where.problems_of(case, tmp_path, content)} == then


def test_t26_every_bad_file_has_its_remedy():
    assert {case.stem for _, case in CASES} == set(REMEDIES) | set(BY_FUNCTION)


@pytest.mark.parametrize("rule", [*RULES, *FILE_RULES])
def test_t26_every_rule_has_a_remedy_that_is_executed(rule):
    shown = any(name == rule or name.startswith(f"{rule}-") for name in REMEDIES | BY_FUNCTION)
    assert shown or rule in ELSEWHERE or rule in OWN_TESTS
