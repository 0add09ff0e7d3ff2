"""A refusal of a command line says what to do, and doing it works."""

import re
import shlex
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from books_harness import Books, reconciler

from reconciler import cli
from reconciler.cli.main import run

REFUSED = (
    # What is typed => the remedy => what is typed then.
    "reverse -w books entry-00 --to ../x.yaml => name a file inside => --to x.yaml",
    "reverse -w books entry-00 --to .x.yaml => name a *.yaml file => --to x.yaml",
    "reverse -w books entry-00 --to x.txt => name a *.yaml file => --to x.yaml",
    "reverse -w books entry-00 --to reference.yaml/x.yaml => another file => --to sub/x.yaml",
    "reverse -w books entry-00 --to folder => a file, not a directory => --to x.yaml",
    "import -w books JE-00000007 --to ../x.yaml => name a file inside => --to x.yaml",
    "import -w books JE-00000007 --to entry-00.yaml => Choose another file => --to x.yaml",
    "import -w books JE-00000007 --to reference.yaml/x.yaml => another file => --to x.yaml",
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
    "export -w books --to books/.reconciler/daybook.db => another file => --to x.csv",
    "apply -w books -y --events books/.reconciler/daybook.db => another file => -y --events e.json",
    "daybook -w books export books/.reconciler/daybook.db => another file => export x.jsonl",
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
    "ledger create-client --name x --database l.db => Write sqlite => --database sqlite:///l.db",
    "ledger create-client --name x --database sqlite:///no/l.db => directory that exists => ",
    "ledger serve --port 0 --database sqlite:///l.db --reference no.yaml => exists => ",
    "schema --write -w no => name another directory => -w books",
)

ARGUMENTS = """
plan -w books --target entry-0x
  => Did you mean
  => plan -w books --target entry-00
plan -w books --target nosuch
  => the name of an entry
  => plan -w books --target 'entry-*'
plan -w books --exclude zzz
  => the name of an entry
  => plan -w books --exclude entry-00
plan -w books --period 1999
  => an accounting period
  => plan -w books --period Jan-2026
plan -w books --select team=x
  => a label that
  => plan -w books --target entry-00
plan -w books --select team
  => such as team=revenue
  => plan -w books
plan -w books --target entry-00 --period Feb-2026
  => Omit an option:
  => plan -w books --target entry-00
plan -w books --select transfer=No --offline
  => Omit --offline
  => plan -w books --select transfer=No
plan -w books --find --offline
  => Omit one
  => plan -w books --offline
plan -w books --base main
  => omit --base
  => plan -w books
plan -w books --rehearse-as a
  => omit --rehearse-as
  => plan -w books
plan -w books --rehearse --rehearse-as a
  => Correct the permission
  => plan -w books --rehearse
plan -w books --rehearse --transactions sheet.csv
  => Omit --transactions
  => plan -w books --rehearse
plan -w books --by nosuch
  =>
  => plan -w books --by Department
plan -w books --live query --no-cache
  => Omit one
  => plan -w books --live query
plan -w books --summary --format json
  => Omit one
  => plan -w books --format json
show plan.json --diff plan.json --format json
  => Omit --format
  => show plan.json --diff plan.json
apply -w books --target nosuch -y
  => the name of an entry
  => apply -w books --target entry-00 -y
apply -w books
  => add --plan-digest or --auto-approve
  => apply -w books --auto-approve
apply plan.json -w books --max-removals 3
  => Omit them
  => apply plan.json -w books
apply plan.json -w books --target entry-00
  => Omit them
  => apply plan.json -w books
apply -w books -y --events - --format json
  => omit --format json
  => apply -w books -y --events -
import -w books JE-1
  => such as JE-00000042
  => import -w books JE-00000007
import -w books --run JE-00000007
  => such as JR-00000042
  => import -w books JE-00000007
import -w books JE-99999999
  => Check the number
  => import -w books JE-00000007
import -w books
  => Name the numbers
  => import -w books JE-00000007
import -w books JE-00000007 --update
  => Omit them
  => import -w books JE-00000007
import -w books --from sheet.csv
  => Name it with --mapping
  => import -w books --from sheet.csv --mapping sheets
import -w books --from sheet.csv --mapping sheetz
  => Did you mean `sheets`?
  => import -w books --from sheet.csv --mapping sheets
import -w books --from sheet.csv JE-00000007
  => Omit --from
  => import -w books JE-00000007
import -w books JE-00000007 --adopt-found 1
  => Omit it
  => import -w books JE-00000007
import -w books JE-00000007 --period Jan-2026
  => Omit --period
  => import -w books JE-00000007
import -w books --period Jan-26 -y
  => Did you mean "Jan-2026"?
  => import -w books --period Jan-2026 -y
import -w books --period Jan-2026
  => Add --auto-approve
  => import -w books --period Jan-2026 --auto-approve
import -w books JE-00000007 JE-00000008 --name x
  => omit --name
  => import -w books JE-00000007 --name x
export -w books --format xlsx
  => with --to
  => export -w books --format xlsx --to x.xlsx
export -w books --period 1999
  => Check --period
  => export -w books --period Jan-2026
generate -w books nosuch
  => Omit the name
  => generate -w books
generate -w books --through Jan-26
  => Did you mean
  => generate -w books --through Jan-2026
reverse -w books nosuch
  => write its JE number
  => reverse -w books JE-00000007
reverse -w books entry-0x
  => Did you mean
  => reverse -w books entry-00
reverse -w books entry-00 --rebook --rebook-only
  => Omit one
  => reverse -w books entry-00 --rebook
reverse -w books entry-00 entry-01 --name x
  => omit --name
  => reverse -w books entry-00 --name x
reverse -w books entry-00 --date 2026-13-01
  => Run `reconciler reverse --help
  => reverse -w books entry-00 --date 2026-01-31
plan --nosuch -w books
  => Run `reconciler plan --help
  => plan --help
apply -w books --timeout 0
  => Run `reconciler apply --help
  => apply --help
forget -w books nosuch -y
  =>
  =>
close-check -w books Jan-26
  => Did you mean "Jan-2026"?
  =>
schema nosuch
  => The kinds are
  => schema JournalEntry
schema JournalEntry --write -w books
  => Omit JournalEntry
  => schema --write -w books
explain line-balance
  => Did you mean "lines-balance"?
  => explain lines-balance
explain nosuch
  => `reconciler explain` lists them
  => explain
planx
  => Did you mean `reconciler plan`?
  => --help
nosuch
  => `reconciler` alone
  => --help
init other --example --calendar months
  => Omit --example
  => init other --example
init other --home-currency USD
  => Name --calendar and --first-day too
  => init other --home-currency USD --calendar months --first-day 2026-01-01
daybook recover -w books --dry-run --set-aside
  => Omit --dry-run
  => daybook recover -w books --dry-run
daybook recover -w books --posted x=JE-1
  => such as JournalEntry/NAME
  => daybook recover -w books --dry-run
daybook recover -w books --posted JournalEntry/a
  => JournalEntry/NAME=JE-00000042
  => daybook recover -w books --dry-run
daybook recover -w books --posted JournalEntry/a=JE-00000001 --not-posted JournalEntry/a
  => Give one
  => daybook recover -w books --dry-run
daybook unlock -w books nosuch
  =>
  =>
ledger serve --host 0.0.0.0 --database sqlite:///l.db
  => Omit --host
  =>
"""
"""Every refusal of arguments that are no paths: the remedy, and the whole command then."""

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
    """Six applied entries and one of somebody else, with files of each sort beside the books."""
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
        assert made["journalEntryNumber"] == "JE-00000007"
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


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("option", ["--report", "--events"])
def test_an_apply_writes_over_neither_its_plan_nor_its_own_results(option, capsys):
    before = Path("plan.json").read_bytes()
    assert run(["apply", "-w", "books", "plan.json", option, "./plan.json"]) == 64
    assert run(["apply", "-w", "books", "-y", "--report", "x.json", "--events", "x.json"]) == 64
    assert "To fix: Name a file of its own for each." in capsys.readouterr().err
    assert Path("plan.json").read_bytes() == before
    assert run(["apply", "-w", "books", "plan.json", option, "own.json"]) == 0


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("events", [[], ["--events", "-"]])
def test_a_report_into_a_file_named_like_standard_output_is_no_second_result(events):
    assert run(["apply", "-w", "books", "-y", "--report", "-", *events]) == 0
    assert Path("-").is_file()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("option", [("plan", "--out"), ("apply", "-y", "--report")], ids=" ".join)
@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param("entry-00.yaml", None, id="declarations"),
        pytest.param("flow.yaml", '{kind: JournalEntry, "apiVersion": x}\n', id="flow style"),
        pytest.param(".reconciler/daybook.db", None, id="a daybook"),
        pytest.param("x.db.rescue", "{}\n", id="a spill file"),
    ],
)
def test_a_result_replaces_nothing_that_is_nowhere_else(option, file, text, capsys):
    kept = Path("books", file)
    if text is not None:
        kept.write_text(text)
    before = kept.read_bytes()
    assert run([option[0], "-w", "books", *option[1:], str(kept)]) == 64
    assert "To fix: Name another file." in capsys.readouterr().err
    assert kept.read_bytes() == before


@pytest.mark.parametrize("row", ARGUMENTS.strip().replace("\n  ", " ").splitlines())
def test_a_refusal_about_an_argument_says_what_to_do_and_that_works(home, row):
    typed, remedy, then = (part.strip() for part in row.split("=>"))
    ended = reconciler(*shlex.split(typed))
    assert ended.code not in (0, 2), ended.said
    said = " ".join(ended.err.split())
    assert "To fix: " in said and remedy in said.partition("To fix: ")[2], ended.err
    if then:
        again = reconciler(*shlex.split(then))
        assert again.code in (0, 2), again.said


def test_no_verb_refuses_by_an_error_of_its_parser():
    """Such an error has no remedy of its own; UsageError cannot be made without one."""
    texts = [path.read_text() for path in Path(cli.__file__).parent.rglob("*.py")]
    assert [
        text for text in texts if re.search(r"click\.(UsageError|ClickException)\(", text)
    ] == []
