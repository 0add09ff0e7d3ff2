"""`export`: what it writes is read again without a change, and the page about it is true."""

import re
import shutil
from pathlib import Path

import openpyxl
import pytest

from reconciler.app.workspace import CheckedWorkspace, read_workspace
from reconciler.cli.main import run
from reconciler.core.model.canonical import content_of, header
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.sheets.entry_table import entry_table
from tests.builders import declared, entry

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "spreadsheets.md").read_text(encoding="utf-8")
YAML = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CONSOLE = re.findall(r"^```console\n\$ (.*?)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CSV = re.findall(r"^```csv\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
USED = """\
    segments:
      - {segmentName: Department, segmentValue: {column: Department}}
      - {segmentName: Region, segmentValue: {column: Region}}
    Preparer__c: {column: Preparer__c}
    SupportingDocument__c: {column: SupportingDocument__c}
  line:
    CostCenter__c: {column: Line CostCenter__c}
"""
"""What the page says to add to its mapping, for the segments and fields of the example books."""


def contents(workspace: CheckedWorkspace) -> dict[str, str]:
    """By name, what each entry posts: absent fields and the order of lines mean nothing."""
    assert workspace.errors == ()
    return {
        address.name: content_of(
            JOURNAL_ENTRY,
            {
                **header(JOURNAL_ENTRY, one.spec),
                JOURNAL_ENTRY.lines: one.spec[JOURNAL_ENTRY.lines],
            },
        )
        for address, one in workspace.declared.items()
        if address.kind == JOURNAL_ENTRY.name
    }


@pytest.mark.parametrize("style", ["csv", "xlsx"])
def test_what_is_exported_is_imported_without_a_change(style: str, tmp_path: Path) -> None:
    journals = ROOT / "journals"
    sheet = tmp_path / f"entries.{style}"
    assert run(["export", "-w", str(journals), "--format", style, "--to", str(sheet)]) == 0
    books = tmp_path / "books"
    books.mkdir()
    for name in ("reconciler.yaml", "reference.yaml"):
        shutil.copy(journals / name, books / name)
    mapping = YAML[1].replace("  line:\n", USED)
    (books / "exported.yaml").write_text(mapping, encoding="utf-8")
    words = ["import", "-w", str(books), "--from", str(sheet), "--mapping", "exported"]
    assert run(words) == 0
    original = contents(read_workspace(journals))
    assert len(original) > 20
    assert contents(read_workspace(books)) == original


@pytest.mark.parametrize("name", ["Account", "Currency", "Debit", "Organization", "Area__c"])
def test_a_segment_has_a_column_of_its_own_whatever_its_name(name: str) -> None:
    segments = ({"segmentName": name, "segmentValue": "West"},)
    spec = entry(segments=segments, organizationLabel="Ltd", Area__c="North")
    table = entry_table([declared(spec)], home_currency="")
    assert len({*table.columns}) == len(table.columns)
    shown = dict(zip(table.columns, table.rows[0], strict=True))
    assert shown[f"Segment {name}"] == "West"
    assert (shown["Organization"], shown["Area__c"]) == ("Ltd", "North")
    assert (shown["Account"], shown["Currency"]) == ("Deferred Revenue", "USD")


def test_a_workbook_has_exact_numbers_days_totals_and_no_formula(tmp_path: Path) -> None:
    books = tmp_path / "books"
    shutil.copytree(ROOT / "journals" / "2026" / "01", books / "2026" / "01")
    for name in ("reconciler.yaml", "reference.yaml"):
        shutil.copy(ROOT / "journals" / name, books / name)
    entry = books / "2026" / "01" / "hosting-accrual.yaml"
    text = re.sub(r"notes: .*", 'notes: "=1+1"', entry.read_text(encoding="utf-8"), count=1)
    entry.write_text(text, encoding="utf-8")
    path = tmp_path / "a.xlsx"
    assert run(["export", "-w", str(books), "--format", "xlsx", "--to", str(path)]) == 0
    book = openpyxl.load_workbook(path)
    header_row, *rows = book["Entries"].iter_rows()
    columns = {cell.value: position for position, cell in enumerate(header_row)}
    assert {row[columns["Notes"]].value for row in rows} >= {"=1+1"}
    assert {cell.data_type for row in rows for cell in row} <= {"s", "n", "d"}
    assert all(row[columns["Date"]].is_date for row in rows)
    debits = {row[columns["Debit"]].number_format for row in rows if row[columns["Debit"]].value}
    assert "#,##0.00" in debits
    totals = {row[0]: row[1:3] for row in book["Totals"].iter_rows(min_row=2, values_only=True)}
    assert totals["USD"][0] == totals["USD"][1]


def test_a_text_in_csv_is_no_formula_and_comes_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reconciler.yaml").write_text(
        "apiVersion: journal.reconciler/v1\nkind: Workspace\nmetadata: {name: b}\n"
        "spec: {target: embedded, identity: {marker: notes}}\n"
    )
    (tmp_path / "a.yaml").write_text(
        "apiVersion: journal.reconciler/v1\nkind: JournalEntry\nmetadata: {name: a}\n"
        "spec:\n  accountingPeriodName: P\n  currency: USD\n  journalEntryDate: 2026-01-31\n"
        "  notes: '=HYPERLINK(1)'\n  journalEntryItems:\n"
        "    - {accountingCodeName: A, type: Debit, amount: 1.00}\n"
        "    - {accountingCodeName: B, type: Credit, amount: 1.00}\n"
    )
    assert run(["export", "-w", str(tmp_path)]) == 0
    assert ",USD,'=HYPERLINK(1)," in capsys.readouterr().out
    assert run(["export", "-w", str(tmp_path), "--period", "Q"]) == 64
    assert run(["export", "-w", str(tmp_path), "--format", "xlsx"]) == 64


def test_the_page_on_spreadsheets_shows_what_the_commands_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["init", ".", "--name", "books"]) == 0
    (tmp_path / "accruals.yaml").write_text(YAML[0], encoding="utf-8")
    capsys.readouterr()
    for (command, shown), sheet in zip(
        CONSOLE, (CSV[0], CSV[0].replace("18.02", "18.20")), strict=True
    ):
        (tmp_path / "march.csv").write_text(sheet, encoding="utf-8")
        run(command.split()[1:])
        captured = capsys.readouterr()
        assert captured.out + captured.err == shown
