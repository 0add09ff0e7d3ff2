"""A workspace as a whole: what is declared, what is wrong, and where."""

import os
import random
import subprocess
import sys
from decimal import Decimal

import pytest

from reconciler.core.model.finding import Severity
from reconciler.core.model.resource import Address
from reconciler.workspace import load

WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: acme-books}
"""


def entry(name, *, amount="400.90", metadata=""):
    return f"""\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata: {{name: {name}{metadata}}}
spec:
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: 2026-01-31
  transferredToAccounting: No
  journalEntryItems:
    - {{accountingCodeName: Deferred Revenue, type: Debit, amount: {amount}}}
    - {{accountingCodeName: Subscription Revenue, type: Credit, amount: 400.90}}
"""


def run(name, *, metadata=""):
    return f"""\
apiVersion: journal.reconciler/v1
kind: JournalRun
metadata: {{name: {name}{metadata}}}
spec:
  accountingPeriodName: Jan-2026
  journalEntryDate: 2026-01-31
  transactionTypes: [{{type: Invoice Item}}]
"""


@pytest.fixture
def books(tmp_path):
    (tmp_path / "reconciler.yaml").write_text(WORKSPACE)
    return tmp_path


def rules(loaded):
    return [(problem.path, problem.line, problem.rule) for problem in loaded.problems]


def test_a_declaration_is_what_the_file_says(books):
    metadata = ", labels: {team: revenue}, protect: true"
    (books / "a.yaml").write_text("# January\n" + entry("accrual", metadata=metadata))
    loaded = load(books)
    (declared,) = loaded.declared
    assert loaded.problems == ()
    assert declared.address == Address("JournalEntry", "accrual")
    assert (str(declared.source), declared.source.index) == ("a.yaml:2", 0)
    assert (declared.labels, declared.protect) == ({"team": "revenue"}, True)
    assert declared.spec["journalEntryDate"] == "2026-01-31"
    assert declared.spec["transferredToAccounting"] == "No"
    assert [line["amount"] for line in declared.spec["journalEntryItems"]] == [
        Decimal("400.90")
    ] * 2
    assert loaded.workspace["metadata"] == {"name": "acme-books"}
    assert len(loaded.contents) == 2


def test_a_run_is_declared_like_an_entry(books):
    (books / "a.yaml").write_text(run("billing", metadata=", protect: true"))
    loaded = load(books)
    (declared,) = loaded.declared
    assert loaded.problems == ()
    assert declared.address == Address("JournalRun", "billing")
    assert (declared.protect, declared.adopts, declared.made_by) == (True, None, None)
    assert declared.spec == {
        "accountingPeriodName": "Jan-2026",
        "journalEntryDate": "2026-01-31",
        "transactionTypes": ({"type": "Invoice Item"},),
    }


@pytest.mark.parametrize(
    ("text", "adopts", "made_by"),
    [
        pytest.param(entry("a"), None, None, id="an entry of its own"),
        pytest.param(
            entry("a", metadata=", adopts: JE-00000008"), "JE-00000008", None, id="an adopted entry"
        ),
        pytest.param(
            entry("a", metadata=", adopts: JE-00000008, journalRun: JR-00000002"),
            "JE-00000008",
            "JR-00000002",
            id="an adopted entry of a run",
        ),
        pytest.param(
            run("a", metadata=", adopts: JR-123456789"), "JR-123456789", None, id="an adopted run"
        ),
    ],
)
def test_a_declaration_says_what_it_adopts(books, text, adopts, made_by):
    (books / "a.yaml").write_text(text)
    (declared,) = load(books).declared
    assert (declared.adopts, declared.made_by) == (adopts, made_by)


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        pytest.param(
            entry("a", metadata=", adopts: JE-00000008"),
            entry("b", metadata=", adopts: JE-00000008"),
            ["unique-adoption"],
            id="one number",
        ),
        pytest.param(
            entry("a", metadata=", adopts: JE-00000008"),
            entry("b", metadata=", adopts: JE-00000009"),
            [],
            id="two numbers",
        ),
        pytest.param(
            entry("a", metadata=", adopts: JE-00000008"),
            run("a", metadata=", adopts: JR-00000008"),
            [],
            id="an entry and a run",
        ),
        pytest.param(
            entry("a", metadata=", adopts: JE-00000008"),
            entry("a", metadata=", adopts: JE-00000008"),
            ["unique-name"],
            id="one declaration twice is told once",
        ),
    ],
)
def test_a_number_is_adopted_once(books, first, second, found):
    (books / "a.yaml").write_text(first)
    (books / "b.yaml").write_text(second)
    problems = load(books).problems
    assert [problem.rule for problem in problems] == found
    assert all("a.yaml:1" in problem.message for problem in problems)
    assert all((problem.path, problem.line) == ("b.yaml", 3) for problem in problems)


@pytest.mark.parametrize("amount", ["400.90", '"400.90"', "'400.90'"])
def test_an_amount_is_exact_however_it_is_written(books, amount):
    (books / "a.yaml").write_text(entry("accrual", amount=amount))
    value = load(books).declared[0].spec["journalEntryItems"][0]["amount"]
    assert (type(value), str(value)) == (Decimal, "400.90")


def test_declarations_are_sorted_by_address_wherever_they_stand(books):
    (books / "z.yaml").write_text(f"{entry('b')}---\n{entry('a')}")
    (books / "a.yaml").write_text(entry("c"))
    loaded = load(books)
    assert [declared.address.name for declared in loaded.declared] == ["a", "b", "c"]
    assert [str(declared.source) for declared in loaded.declared] == [
        "z.yaml:13",
        "z.yaml:1",
        "a.yaml:1",
    ]


def test_the_same_name_twice_names_both_places(books):
    (books / "a.yaml").write_text(entry("accrual"))
    (books / "b.yaml").write_text("# again\n" + entry("accrual"))
    (problem,) = load(books).problems
    assert (problem.path, problem.line, problem.rule) == ("b.yaml", 4, "unique-name")
    assert "a.yaml:1" in problem.message


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, [(".", 1, "workspace-file")], id="nothing"),
        pytest.param(
            {"reconciler.yml": WORKSPACE}, [(".", 1, "workspace-file")], id="other suffix"
        ),
        pytest.param(
            {"sub/reconciler.yaml": WORKSPACE}, [(".", 1, "workspace-file")], id="in a subdirectory"
        ),
        pytest.param(
            {"reconciler.yaml": WORKSPACE, "sub/reconciler.yaml": WORKSPACE},
            [("sub/reconciler.yaml", 2, "workspace-single")],
            id="in both",
        ),
        pytest.param({"reconciler.yaml": entry("a")}, [(".", 1, "workspace-file")], id="no such"),
        pytest.param(
            {"reconciler.yaml": f"{WORKSPACE}---\n{WORKSPACE}"},
            [("reconciler.yaml", 6, "workspace-single")],
            id="two of them",
        ),
        pytest.param(
            {"reconciler.yaml": "a: [\n"}, [("reconciler.yaml", 2, "yaml-syntax")], id="unreadable"
        ),
    ],
)
def test_a_workspace_has_one_workspace_document(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert rules(load(tmp_path)) == expected


def test_a_directory_that_is_no_workspace_is_not_looked_into(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/broken.yaml").write_text("a: [\n")
    loaded = load(tmp_path)
    assert rules(loaded) == [(".", 1, "workspace-file")]
    assert len(loaded.contents) == 0


def test_a_workspace_file_of_another_suffix_is_spoken_of(tmp_path):
    (tmp_path / "reconciler.yml").write_text(WORKSPACE)
    (problem,) = load(tmp_path).problems
    assert "not named `reconciler.yml`" in problem.message


def test_a_missing_directory_says_how_to_begin(tmp_path):
    (problem,) = load(tmp_path / "missing").problems
    assert (problem.path, problem.rule) == (".", "workspace-file")
    assert "reconciler init" in problem.remedy


def test_one_bad_file_leaves_the_others_declared_and_an_error(books):
    (books / "good.yaml").write_text(entry("good"))
    (books / "bad.yaml").write_text(entry("bad", amount="-1"))
    (books / "worse.yaml").write_text("a: &b\n")
    loaded = load(books)
    assert [declared.address.name for declared in loaded.declared] == ["good"]
    assert rules(loaded) == [("bad.yaml", 10, "schema-amount"), ("worse.yaml", 1, "yaml-alias")]
    assert {problem.severity for problem in loaded.problems} == {Severity.ERROR}


def test_a_bad_document_is_placed_in_its_own_document(books):
    (books / "a.yaml").write_text(f"{entry('a')}---\n{entry('b', amount='1e3')}---\n{entry('c')}")
    (problem,) = load(books).problems
    assert (problem.line, problem.column, problem.rule) == (22, 59, "schema-amount")


def test_the_digest_is_of_paths_and_contents(books):
    (books / "a.yaml").write_text(entry("a"))
    first = load(books).digest
    assert load(books).digest == first
    (books / "a.yaml").rename(books / "b.yaml")
    renamed = load(books).digest
    (books / "b.yaml").write_text(entry("a") + "# end\n")
    assert len({first, renamed, load(books).digest}) == 3


def test_the_order_of_the_directory_means_nothing(books, monkeypatch):
    for number in range(20):
        (books / f"{number}.yaml").write_text(entry(f"e{number % 15}", amount="1e3" * (number % 2)))
    expected = load(books)
    scandir = os.scandir

    def shuffled(path):
        entries = list(scandir(path))
        random.Random(7).shuffle(entries)
        return entries

    monkeypatch.setattr(os, "scandir", shuffled)
    assert load(books) == expected


def test_ten_thousand_entries_load(books):
    for number in range(20):
        text = "---\n".join(entry(f"e{number * 500 + n}") for n in range(500))
        (books / f"{number}.yaml").write_text(text)
    loaded = load(books)
    assert (len(loaded.declared), len(loaded.contents), loaded.problems) == (10_000, 21, ())


def test_a_sound_workspace_loads_without_heavy_libraries(books):
    (books / "a.yaml").write_text(entry("a"))
    code = (
        "import sys, pathlib, reconciler.workspace as repo\n"
        "loaded = repo.load(pathlib.Path(sys.argv[1]))\n"
        "assert len(loaded.declared) == 1 and not loaded.problems\n"
        "heavy = {'httpcore', 'deepdiff'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(books)], check=True)
