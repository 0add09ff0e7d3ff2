"""`export --live`: what the ledger has, exact and whole, or a refusal that names the lack."""

import csv
import io
import re
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from books_fixtures import example_template  # noqa: F401 - a fixture, found by its name
from books_harness import SMALL, Books, credit, debit, reconciler

from reconciler.core.model.history import Act
from reconciler.core.model.resource import Address
from reconciler.daybook import Intent, open_daybook

PAGE = (Path(__file__).parents[2] / "docs" / "spreadsheets.md").read_text(encoding="utf-8")
MAPPING = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]
USED = """\
    segments:
      - {segmentName: Department, segmentValue: {column: Department}}
      - {segmentName: Region, segmentValue: {column: Region}}
    Preparer__c: {column: Preparer__c}
    SupportingDocument__c: {column: SupportingDocument__c}
  line:
    CostCenter__c: {column: Line CostCenter__c}
"""


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def facts(entry):
    """What an entry of the API posts, without what only one posting has."""
    own = (
        "number",
        "id",
        "ReconcilerKey__c",
        "createdOn",
        "updatedOn",
        "createdDate",
        "updatedDate",
    )
    kept = {name: value for name, value in entry.items() if name not in own}
    kept["journalEntryItems"] = sorted(map(str, kept["journalEntryItems"]))
    return kept


@pytest.mark.parametrize("style", ["csv", "xlsx"])
def test_what_the_ledger_has_comes_back_as_the_same_entries(
    style,
    opened,
    example_template,  # noqa: F811
    tmp_path,
):
    books = opened(example_template)
    # The files are not asked: one is edited, and a posted entry has no file any more.
    entry = next(books.root.glob("2026/01/*accrual*.yaml"))
    entry.write_text(re.sub(r"notes: .*", "notes: Edited since", entry.read_text(), count=1))
    (books.root / "2026/02/tokyo-office-rent.yaml").unlink()
    sheet = tmp_path / f"posted.{style}"
    ended = books.run("export", "--live", "--format", style, "--to", sheet)
    assert ended.code == 0, ended.said
    other = Path(shutil.copytree(books.root, tmp_path / "other", ignore=shutil.ignore_patterns(
        ".reconciler", "2026")))  # fmt: skip
    with closing(Books(other)) as copy:
        copy.write("exported.yaml", MAPPING.replace("  line:\n", USED))
        made = copy.run("import", "--from", sheet, "--mapping", "exported")
        assert made.code == 0, made.said
        assert copy.apply().code == 0
        posted = books.posted()
        assert len(posted) > 5
        assert "2026-02-tokyo-office-rent" in posted
        assert {name: facts(copy.get(number)) for name, number in copy.posted().items()} == {
            name: facts(books.get(number)) for name, number in posted.items()
        }


def test_both_exports_have_the_same_columns_and_the_same_rows(opened, example_template):  # noqa: F811
    books = opened(example_template)
    declared, live = (books.run("export", *more).out for more in ((), ("--live",)))
    found, wanted = rows(live), rows(declared)
    assert found[0].keys() == wanted[0].keys()
    # No read of the ledger shows the notes of a line.
    unread = {"Line notes", "Home debit", "Home credit", "Account type"}

    def known(row):
        return sorted((name, text) for name, text in row.items() if name not in unread)

    assert sorted(map(known, found)) == sorted(map(known, wanted))


def test_the_ledger_is_told_and_not_the_file(small):
    small.declare("entry-00", debit("1.50"), credit("1.50"))
    small.set("entry-01", notes="changed there")
    small.cancel("entry-02")
    small.declare("new")
    ended = small.run("export", "--live")
    assert ended.code == 0, ended.said
    found = {row["Journal"]: row for row in rows(ended.out) if row["Debit"]}
    assert (found["entry-00"]["Debit"], found["entry-01"]["Notes"]) == ("400.90", "changed there")
    assert found.keys() == {*SMALL} - {"entry-02"}
    err = " ".join(ended.err.split())
    assert "1 entry is cancelled, and left out: entry-02 (JE-" in err
    assert "1 entry is declared but not posted, and left out: new" in err


def test_periods_and_labels_choose_among_what_is_posted(small):
    small.declare("entry-00", metadata={"labels": {"team": "revenue"}})
    chosen = small.run("export", "--live", "--select=team=revenue").out
    assert {row["Journal"] for row in rows(chosen)} == {"entry-00"}
    ended = small.run("export", "--live", "--period=Feb-2026")
    assert (ended.code, "no posted entry matches" in ended.err) == (64, True)


def lose(books):
    books.call("PUT", f"journal-entries/{books.number('entry-00')}/cancel")
    number = next(one for one, _ in books.entries()["entry-00"])
    books.call("DELETE", f"journal-entries/{number}")


def spill(books):
    (books.root / ".reconciler" / "daybook.db.rescue").write_text("{}\n")


def forget_daybook(books):
    for file in (books.root / ".reconciler").glob("daybook*"):
        file.unlink()


def take_marker(books):
    books.set("entry-01", ReconcilerKey__c="theirs/entry-01")


@pytest.mark.parametrize(
    ("happens", "code", "fact", "remedy"),
    [
        (forget_daybook, 1, "there is no daybook yet", "restore its daybook"),
        (spill, 4, "outcomes that the daybook does not record", "daybook recover"),
        (lose, 4, "entry-00: JE-", "plan"),
        (take_marker, 4, "entry-01: JE-", "plan"),
    ],
)
def test_without_evidence_nothing_is_exported(small, happens, code, fact, remedy, tmp_path):
    happens(small)
    file = tmp_path / "x.csv"
    ended = small.run("export", "--live", "--to", file)
    assert (ended.code, file.exists(), ended.out) == (code, False, ""), ended.said
    said = " ".join(ended.err.split())
    assert fact in said
    assert "To fix:" in said
    assert remedy in said
    assert not (small.root / ".reconciler" / "daybook.db").exists() or code == 4


def test_an_open_call_is_named_and_settling_it_is_the_remedy(small):
    with closing(open_daybook(small.root / ".reconciler" / "daybook.db", write=True)) as daybook:
        address = Address("JournalEntry", "entry-12")
        hours = datetime.now(UTC) - timedelta(hours=40)
        daybook.record_intent(
            Intent(address=address, act=Act.CREATE, key="k", payload="{}", server_at=hours)
        )
    ended = small.run("export", "--live")
    assert (ended.code, ended.out) == (4, "")
    assert "the outcome of the create of entry-12 is unknown" in " ".join(ended.err.split())
    assert "`reconciler daybook recover" in ended.err
    settled = reconciler(
        "daybook", "recover", "-w", small.root, "--not-posted", "JournalEntry/entry-12"
    )
    assert settled.code == 0, settled.said
    assert small.run("export", "--live").code == 0


def test_what_the_ledger_lost_is_shown_by_the_plan_and_exported_after_an_apply(small):
    lose(small)
    assert "shows what an apply would do" in " ".join(small.run("export", "--live").err.split())
    assert "entry-00" in small.plan().out
    small.applied()
    found = small.run("export", "--live")
    assert (found.code, "entry-00" in found.out) == (0, True), found.said


def test_a_number_beyond_fifteen_digits_is_exact_text(small, tmp_path):
    small.declare("large", debit("12345678901234.56"), credit("12345678901234.56"))
    small.applied()
    path = tmp_path / "a.xlsx"
    assert small.run("export", "--live", "--format", "xlsx", "--to", path).code == 0
    cells = openpyxl.load_workbook(path)["Entries"].iter_rows(values_only=True)
    assert "12345678901234.56" in {cell for row in cells for cell in row}
