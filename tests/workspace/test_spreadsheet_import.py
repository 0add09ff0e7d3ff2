"""`import --from`: all files or none, byte for byte again, findings by cell, remedies that work."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from spreadsheets import workbook

from reconciler.cli.main import run

WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: books}
spec: {target: embedded, identity: {marker: notes}}
"""
REFERENCE = """\
apiVersion: journal.reconciler/v1
kind: Reference
metadata: {name: books}
spec:
  homeCurrency: USD
  currencies: [USD]
  accountingPeriods:
    - {name: Mar-2026, startDate: 2026-03-01, endDate: 2026-03-31, status: Open}
  accountingCodes:
    - {name: Rent, type: OtherExpenses, glAccountNumber: "6100"}
    - {name: Accrued, type: OtherLiabilities, glAccountNumber: "2100"}
"""
MAPPING = """\
apiVersion: journal.reconciler/v1
kind: SpreadsheetMapping
metadata: {name: accruals}
spec:
  groupBy: [Journal]
  name: {prefix: 2026-03-, column: Journal}
  to: 2026/03/imported
  labels: {team: finance}
  entry:
    accountingPeriodName: {value: Mar-2026}
    journalEntryDate: {column: Date}
    currency: {value: USD}
    notes: {column: Memo}
  line:
    accountingCodeName: {column: Account}
    debit: {column: Debit}
    credit: {column: Credit}
"""
HEADER = "Journal,Date,Account,Debit,Credit,Memo"
ROWS = (
    "Rent,2026-03-31,Rent,1200.50,,Office",
    "Rent,2026-03-31,Accrued,,1200.50,Office",
    "Fees,2026-03-31,Rent,0.10,,",
    "Fees,2026-03-31,Accrued,,0.10,",
)


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Books:
    root: Path
    command: Callable[..., Ended]

    def sheet(self, *rows: str, name: str = "march.csv") -> Path:
        path = self.root.parent / name
        path.write_text("\n".join((HEADER, *rows)), encoding="utf-8")
        return path

    def load(self, *more: str, sheet: Path | None = None) -> Ended:
        path = sheet or self.root.parent / "march.csv"
        return self.command("import", "--from", str(path), "--mapping", "accruals", *more)

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*.yaml"))
        }


@pytest.fixture
def books(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Books]:
    root = tmp_path / "books"
    root.mkdir()
    for name, text in (
        ("reconciler.yaml", WORKSPACE),
        ("reference.yaml", REFERENCE),
        ("accruals.yaml", MAPPING),
    ):
        (root / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(root)

    def command(*words: str) -> Ended:
        code = run([*words])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    made = Books(root, command)
    made.sheet(*ROWS)
    yield made


def test_a_sheet_becomes_declarations_that_are_posted_as_they_are(books: Books) -> None:
    ended = books.load()
    assert (ended.code, ended.err) == (0, "")
    assert "march.csv: 2 entries of 4 rows: 2 new, 0 changed, 0 unchanged" in ended.out
    assert "Debits USD 1,200.60" in ended.out
    written = books.files()["2026/03/imported/2026-03-rent.yaml"].decode()
    assert (
        "importedFrom: {file: march.csv, sheet: march.csv, key: Rent, mapping: accruals}" in written
    )
    assert "{accountingCodeName: Rent, type: Debit, amount: 1200.50}" in written
    assert books.command("fmt", "--check").code == 0
    assert books.command("validate", "--strict").code == 0
    assert books.command("apply", "--auto-approve").code == 0
    again = books.command("plan", "--detailed-exitcode")
    assert (again.code, "No changes." in again.out) == (0, True)


def test_the_same_sheet_changes_no_byte_also_under_another_name(books: Books) -> None:
    books.load()
    before = books.files()
    assert books.load("--check").code == 0
    renamed = books.sheet(*reversed(ROWS[2:]), *ROWS[:2], name="march-v2.csv")
    assert books.load(sheet=renamed).code == 0
    assert books.files() == before


def test_a_workbook_and_a_csv_give_the_same_declarations(books: Books) -> None:
    books.load()
    cells = [[cell or None for cell in row.split(",")] for row in (HEADER, *ROWS)]
    for row in cells[1:]:
        row[3:5] = [cell and float(cell) for cell in row[3:5]]
    path = workbook(books.root.parent / "march.xlsx", cells)
    ended = books.load("--check", sheet=path)
    assert (ended.code, "2 unchanged" in ended.out) == (0, True)


def test_nothing_is_written_where_one_cell_is_wrong(books: Books) -> None:
    books.sheet(*ROWS[:3], "Fees,2026-03-31,Acrued,,0.11,")
    before = books.files()
    ended = books.load()
    assert ended.code == 3
    assert (
        'march.csv!C5: error[known-accounting-code]: no accounting code is named "Acrued"'
        in ended.err
    )
    assert "march.csv!A4: error[lines-balance]" in ended.err
    assert "2 problems in" in ended.err
    assert books.files() == before


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("accountingCodeName: {column: Account}", "{value: Rant}", id="of a line"),
        pytest.param("currency: {value: USD}", "{value: USX}", id="of an entry"),
        pytest.param("accountingPeriodName: {value: Mar-2026}", "{value: Mai-2026}", id="a period"),
    ],
)
def test_a_wrong_constant_is_told_once_and_in_the_mapping(
    books: Books, right: str, wrong: str
) -> None:
    """No cell holds it, so no cell can be corrected."""
    books.sheet(*ROWS)
    mapping = books.root / "accruals.yaml"
    mapping.write_text(mapping.read_text().replace(right, f"{right.partition(':')[0]}: {wrong}"))
    ended = books.load()
    said = wrong.strip("{}").removeprefix("value: ")
    found = [
        line for line in ended.err.splitlines() if f"{said} is " in line or f'"{said}"' in line
    ]
    assert (ended.code, bool(found)) == (3, True), ended.err
    assert sorted({*found}) == sorted(found)
    assert {line.partition(" ")[0] for line in found} == {"accruals.yaml:1:"}


def test_a_change_needs_update_and_shows_its_difference_first(books: Books) -> None:
    books.load()
    before = books.files()
    books.sheet(*(row.replace("0.10", "0.20") for row in ROWS))
    ended = books.load()
    assert (ended.code, books.files()) == (4, before)
    assert re.search(r"^-.*type: Debit, amount: 0\.10", ended.out, re.MULTILINE)
    assert re.search(r"^\+.*type: Debit, amount: 0\.20", ended.out, re.MULTILINE)
    assert "import-changed: the sheet changes 2026-03-fees" in ended.err
    assert books.load("--update", "--check").code == 7
    assert books.files() == before
    assert books.load("--update").code == 0
    assert books.load().code == 0


def test_what_people_added_to_the_metadata_stays(books: Books) -> None:
    books.load()
    path = books.root / "2026/03/imported/2026-03-fees.yaml"
    path.write_text(path.read_text().replace("labels: {", "protect: true, labels: {owner: ann, "))
    assert books.load("--check").code == 0
    books.sheet(*(row.replace("0.10", "0.20") for row in ROWS))
    assert books.load("--update").code == 0
    text = path.read_text()
    assert "protect: true" in text
    assert "owner: ann" in text
    assert "amount: 0.20" in text


def test_a_key_that_is_gone_is_named_and_its_file_stays(books: Books) -> None:
    books.load()
    before = books.files()
    books.sheet(*ROWS[:2])
    ended = books.load()
    assert (ended.code, books.files()) == (0, before)
    assert (
        "warning[import-vanished]: 2026-03-fees at 2026/03/imported/2026-03-fees.yaml:1"
        in ended.err
    )


def test_a_name_that_another_file_declares_is_a_finding(books: Books) -> None:
    books.load()
    path = books.root / "2026/03/imported/2026-03-fees.yaml"
    path.write_text(re.sub(r", importedFrom: {[^}]*}", "", path.read_text()))
    ended = books.load("--update")
    assert ended.code == 3
    assert "march.csv!A4: error[sheet-key]: 2026-03-fees is declared at 2026/03/" in ended.err


SCHEDULE = """\
apiVersion: journal.reconciler/v1
kind: JournalSchedule
metadata: {name: 2026-03-NAME}
spec:
  method: once
  from: Mar-2026
  entry:
    currency: USD
    journalEntryItems:
      - {accountingCodeName: Rent, type: Debit, amount: 7.50}
      - {accountingCodeName: Accrued, type: Credit, amount: 7.50}
"""


def test_an_entry_that_is_generated_is_not_imported(books: Books) -> None:
    """Each is named at its own cell. One file holds all, and moving one elsewhere mends nothing."""
    two = (SCHEDULE.replace("NAME", name) for name in ("rent", "fees"))
    (books.root / "source.yaml").write_text("---\n".join(two), encoding="utf-8")
    assert books.command("generate").code == 0
    books.sheet(*(re.sub("^(Rent|Fees)", r"\1.2026-03-01", row) for row in ROWS))
    ended = books.load("--update")
    assert ended.code == 3, ended.err
    places = re.findall(r"march.csv!(A.): error\[sheet-key\]: (\S+) is declared", ended.err)
    names = [f"2026-03-{name}.2026-03-01" for name in ("rent", "fees")]
    assert places == [("A2", names[0]), ("A4", names[1])]
    assert "To fix: Edit 2026-03-rent, from which it is generated" in ended.err


def test_a_file_with_several_documents_is_not_overwritten(books: Books) -> None:
    books.load()
    one, two = sorted((books.root / "2026/03/imported").iterdir())
    one.write_text(one.read_text() + "---\n" + two.read_text())
    two.unlink()
    books.sheet(*(row.replace("0.10", "0.20") for row in ROWS))
    ended = books.load("--update")
    assert ended.code == 4
    assert "holds 2 documents, and a sheet has one file for each entry" in ended.err


def test_a_custom_rule_that_the_entries_break_leaves_no_file(books: Books) -> None:
    (books.root / "rules").mkdir()
    (books.root / "rules/notes.json").write_text(
        '{"properties": {"spec": {"required": ["notes"]}}}', encoding="utf-8"
    )
    settings = WORKSPACE.replace(
        "identity: {marker: notes}",
        "identity: {marker: notes}, policy: {houseRules: "
        "[{id: notes, schema: rules/notes.json, title: Notes, remedy: Write notes.}]}",
    )
    (books.root / "reconciler.yaml").write_text(settings, encoding="utf-8")
    before = books.files()
    ended = books.load()
    assert (ended.code, books.files()) == (3, before), ended.err
    assert "house/notes" in ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--mapping", "acruals"), "no SpreadsheetMapping `acruals`"),
        (("--mapping", "accruals", "JE-00000001"), "--from cannot be combined"),
        (("--mapping", "accruals", "--write-only"), "--from cannot be combined"),
        ((), "Name it with --mapping."),
    ],
)
def test_wrong_words_are_usage_errors(books: Books, words: tuple[str, ...], message: str) -> None:
    ended = books.command("import", "--from", "../march.csv", *words)
    assert (ended.code, message in ended.err) == (64, True), ended.err
    assert books.command("import", "--sheet", "A").code == 64


@pytest.mark.parametrize("name", ["march.xls", "march.xlsx", "march.ods"])
def test_a_file_that_cannot_be_read_is_told(books: Books, name: str) -> None:
    path = books.root.parent / name
    ended = books.load(sheet=path)
    assert ended.code == 64
    assert ("cannot be read" if name.endswith("xlsx") else "is not a .csv or .xlsx") in ended.err


def test_a_spreadsheet_in_the_workspace_is_named_until_it_is_imported(books: Books) -> None:
    inside = books.root / "march.csv"
    inside.write_bytes((books.root.parent / "march.csv").read_bytes())
    ended = books.command("validate")
    assert "march.csv:1:1: warning[file-spreadsheet]" in ended.out + ended.err
    assert books.load(sheet=inside).code == 0
    assert "file-spreadsheet" not in (ended := books.command("validate")).out + ended.err


BROKEN = {
    "sheet-column": ("Account,", "Acount,"),
    "sheet-row": ("Rent,2026-03-31,Accrued", ",2026-03-31,Accrued"),
    "sheet-amount": ("1200.50,,Office", "1200.505,,Office"),
    "sheet-date": ("Fees,2026-03-31,Rent", "Fees,31.03.2026,Rent"),
    "sheet-entry": ("Accrued,,1200.50,Office", "Accrued,,1200.50,Officer"),
    "sheet-key": ("Fees,2026-03-31,Rent", "rent,2026-03-31,Rent"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_following_the_remedy_of_a_cell_ends_well(books: Books, rule: str) -> None:
    good, bad = BROKEN[rule]
    text = "\n".join((HEADER, *ROWS))
    path = books.root.parent / "march.csv"
    path.write_text(text.replace(good, bad, 1), encoding="utf-8")
    ended = books.load()
    assert ended.code == 3
    assert f"error[{rule}]" in ended.err
    assert "To fix: " in ended.err
    assert books.command("explain", rule).code == 0
    path.write_text(text, encoding="utf-8")
    assert books.load().code == 0
