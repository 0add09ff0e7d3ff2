"""A refusal about a path says what to do, and doing it works."""

import shlex
import shutil
from contextlib import closing

import pytest
from books_harness import Books, reconciler

REFUSED = (
    # What is typed => the remedy => what is typed then.
    "reverse -w books entry-00 --to ../x.yaml => name a file inside => --to x.yaml",
    "reverse -w books entry-00 --to .x.yaml => name a *.yaml file => --to x.yaml",
    "reverse -w books entry-00 --to x.txt => name a *.yaml file => --to x.yaml",
    "reverse -w books entry-00 --to reference.yaml/x.yaml => another file => --to sub/x.yaml",
    "reverse -w books entry-00 --to folder => a file, not a directory => --to x.yaml",
    "import -w books JE-00000013 --to ../x.yaml => name a file inside => --to x.yaml",
    "import -w books JE-00000013 --to entry-00.yaml => Choose another file => --to x.yaml",
    "import -w books JE-00000013 --to reference.yaml/x.yaml => another file => --to x.yaml",
    "import -w books --mapping sheets --from no.csv => exists => --from sheet.csv",
    "import -w books --mapping sheets --from folder => not a directory => --from sheet.csv",
    "import -w books --mapping sheets --from latin.csv => UTF-8 => --from sheet.csv",
    "import -w books --mapping sheets --from books/entry-00.yaml => as CSV => --from sheet.csv",
    "export -w books --to no/x.csv => Create the directory no => --to x.csv",
    "export -w books --to sheet.csv/x.csv => another file => --to x.csv",
    "export -w books --to folder => a file, not a directory => --to x.csv",
    "fmt -w books no.yaml => exists => books/entry-00.yaml",
    "fmt -w books folder => a directory with YAML files => books",
    "validate -w books no.yaml => of the workspace => books/entry-00.yaml",
    "plan -w books --out no/plan.json => Create the directory no => --out plan.json",
    "plan -w books --out folder => a file, not a directory => --out plan.json",
    "plan -w books --ca-bundle no.pem => exists => ",
    "show no.json => exists => plan.json",
    "show latin.csv => UTF-8 => plan.json",
    "show plan.json --diff no.json => exists => plan.json",
    "apply -w books no.json => exists => plan.json",
    "apply -w books -y --report no/r.json => Create the directory no => -y --report r.json",
    "apply -w books -y --events no/e.json => check the path => -y --events e.json",
    "comment --dry-run no.json => exists => --dry-run plan.json",
    "daybook -w books export no/x.jsonl => Create the directory no => export x.jsonl",
    "daybook -w books verify --against no.jsonl => exists => verify --against all.jsonl",
    "daybook -w books import no.jsonl => exists => ",
    "init sheet.csv => a directory, not a file => other",
    "init sheet.csv/books => another file => other",
    "init books => Choose another directory => other",
    "ledger load-transactions --database sqlite:///l.db no.csv => exists => ",
    "ledger serve --port 0 --database sqlite:///l.db --reference no.yaml => exists => ",
    "schema --write -w no => name another directory => -w books",
)

MAPPING = """\
apiVersion: journal.reconciler/v1
kind: SpreadsheetMapping
metadata: {name: sheets}
spec:
  groupBy: [Journal]
  name: {column: Journal}
  to: imported
  entry:
    accountingPeriodName: {value: Jan-2026}
    journalEntryDate: {value: 2026-01-31}
    currency: {value: USD}
  line:
    accountingCodeName: {column: Account}
    debit: {column: Debit}
    credit: {column: Credit}
"""
SHEET = "Journal,Account,Debit,Credit\na,Deferred Revenue,1.00,\na,Subscription Revenue,,1.00\n"


@pytest.fixture(scope="module")
def home_template(small_template, tmp_path_factory):
    """Twelve applied entries and one of somebody else, with files of each sort beside the books."""
    home = tmp_path_factory.mktemp("paths")
    lines = [
        {"accountingCodeName": code, "type": side, "amount": 1, "homeCurrencyAmount": 1}
        for code, side in (("Deferred Revenue", "Debit"), ("Subscription Revenue", "Credit"))
    ]
    with closing(Books(shutil.copytree(small_template, home / "books"))) as books:
        books.write("sheets.yaml", MAPPING)
        made = books.call(
            "POST", "journal-entries", accountingPeriodName="Jan-2026", currency="USD",
            journalEntryDate="2026-01-31", journalEntryItems=lines,
        )  # fmt: skip
        assert made["journalEntryNumber"] == "JE-00000013"
        (home / "sheet.csv").write_text(SHEET)
        (home / "latin.csv").write_bytes(SHEET.replace("a,", "\xe9,").encode("latin-1"))
        (home / "folder").mkdir()
        assert books.plan("--out", home / "plan.json").code == 0
        assert books.run("daybook", "export", home / "all.jsonl").code == 0
    return home


@pytest.fixture
def home(home_template, tmp_path, monkeypatch):
    shutil.copytree(home_template, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("row", REFUSED)
def test_a_refusal_about_a_path_says_what_to_do_and_that_works(row):
    typed, remedy, then = row.split(" => ")
    words = shlex.split(typed)
    ended = reconciler(*words)
    assert ended.code not in (0, 2), ended.said
    said = " ".join(ended.err.split())
    assert remedy in said.partition("To fix: ")[2], ended.err
    if not then.strip():
        return
    # What was refused is replaced by what the remedy asks for.
    wrong = shlex.split(then)
    kept = words[: len(words) - len(wrong)]
    again = reconciler(*kept, *wrong)
    assert again.code == 0, again.said
