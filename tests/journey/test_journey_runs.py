"""Journal runs and what is imported, as people meet them on the command line."""

import pytest
from books_harness import by_hand, standing


def connector_posts(books, number):
    body = {"transferredToAccounting": "Yes"}
    books.call("PUT", f"journal-entries/{number}/basic-information", **body)


def test_a_run_lives_from_its_file_to_its_removal(billing):
    planned = billing.plan()
    assert "+ create  2026-01-billing  billing.yaml:1" in planned.out
    assert "The amounts of a new journal run are known only after the run" in planned.out
    ended = billing.applied()
    assert "created  2026-01-billing  JR-00000001" in ended.out
    assert "JR-00000001 is Completed, 4 entries" in ended.err
    assert len(standing(billing)) == 4
    billing.edit("billing.yaml", "2026-01-31", "2026-01-30")
    assert "# forces replacement" in billing.plan().out
    assert "JR-00000001 -> JR-00000002" in billing.applied().out
    (billing.root / "billing.yaml").unlink()
    assert "cancelled with it: 4 entries" in billing.plan("--max-removals", "4").out
    assert billing.apply().code == 4
    billing.applied("--max-removals", "4")
    assert standing(billing) == []


def test_an_approver_sees_what_holds_a_run(billing):
    """The documents' worked example, through the command line: nothing is half cancelled."""
    billing.applied()
    held = standing(billing)[1]
    connector_posts(billing, held)
    (billing.root / "billing.yaml").unlink()
    before = billing.content()
    ended = billing.apply("--max-removals", "1")
    assert ended.code == 4
    assert "1 of 4 entries of JR-00000001 would stay posted" in ended.out
    assert f"!  {held}" in ended.out
    assert billing.content() == before
    (change,) = billing.plan_document()["changes"]
    assert [(one["number"], one["holds_run"]) for one in change["entries"]] == [
        (number, number == held) for number in standing(billing)
    ]


def test_the_entries_of_a_run_are_imported_and_managed(billing):
    billing.applied()
    ended = billing.run("import", "--run", "JR-00000001")
    assert ended.code == 0, ended.said
    assert "Applied: 4 adopted." in ended.out
    written = billing.root / "imported" / "jr-00000001.yaml"
    assert billing.run("fmt", "--check", written).code == 0
    assert "2 runs" not in billing.run("validate").out
    assert billing.plan("--detailed-exitcode").code == 0
    first = standing(billing)[0]
    text = written.read_text().replace("spec:\n", "spec:\n  notes: Seen\n", 1)
    written.write_text(text)
    assert billing.actions() == {first.lower(): "update"}
    billing.applied()
    assert billing.get(first)["notes"] == "Seen"
    # To take the run back, its entries are left to it.
    (billing.root / "billing.yaml").unlink()
    assert billing.apply("--max-removals", "9").code == 4
    written.unlink()
    ended = billing.applied("--max-removals", "4")
    assert "4 forgotten" in ended.out
    assert standing(billing) == []


def test_an_entry_is_imported_under_a_name_of_choice(small):
    number = by_hand(small)
    ended = small.run("import", number, "--name", "by-hand", "--to", "2026/by-hand.yaml")
    assert ended.code == 0, ended.said
    assert (small.root / "2026" / "by-hand.yaml").read_text() == (
        "apiVersion: journal.reconciler/v1\n"
        "kind: JournalEntry\n"
        f"metadata: {{name: by-hand, adopts: {number}}}\n"
        "spec:\n"
        "  accountingPeriodName: Jan-2026\n"
        "  currency: USD\n"
        "  journalEntryDate: 2026-01-31\n"
        '  notes: "Posted by hand: 100 %"\n'
        "  journalEntryItems:\n"
        "    - {accountingCodeName: Deferred Revenue, type: Debit, amount: 1234.50}\n"
        "    - {accountingCodeName: Subscription Revenue, type: Credit, amount: 1234.50}\n"
    )
    assert small.posted()["by-hand"] == number
    assert small.plan("--detailed-exitcode").code == 0
    assert small.run("drift").code == 0


def test_an_import_can_be_left_to_a_reviewed_apply(small):
    number = by_hand(small)
    before = small.content()
    ended = small.run("import", number, "--write-only")
    assert (ended.code, small.content()) == (0, before)
    planned = small.plan()
    assert f"= adopt  {number.lower()}  {number}" in planned.out
    assert "Impact: none, no amount in the books changes." in planned.out
    assert "1 adopted" in small.applied().out
    assert small.posted()[number.lower()] == number


def test_a_lost_daybook_is_rebuilt_from_the_marks_in_the_ledger(small):
    """I-40: entries that carry our marker come back under their own names, and none is doubled."""
    numbers = small.posted()
    before = small.content()
    small.run("plan")
    (small.root / ".reconciler" / "daybook.db").unlink()
    ended = small.run("import", *numbers.values())
    assert ended.code == 0, ended.said
    assert not (small.root / "imported").exists()
    assert (small.posted(), small.content()) == (numbers, before)
    assert small.plan("--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        pytest.param([], 64, "Name the numbers to import", id="nothing named"),
        pytest.param(["INV-1"], 64, "INV-1 is not the number of an entry", id="no number"),
        pytest.param(["--run", "JE-00000001"], 64, "not the number of a journal run", id="no run"),
        pytest.param(["JE-00000099"], 4, "JE-00000099 is not in the ledger", id="not there"),
        pytest.param(["--run", "JR-00000099"], 4, "has no posted entries", id="empty run"),
        pytest.param(["JE-00000001"], 4, "already recorded as entry-00", id="ours already"),
        pytest.param(["{hand}", "--name", "entry-03"], 4, "already declared", id="name taken"),
        pytest.param(["{hand}", "--name", "No Name"], 64, "lower-case letters", id="no such name"),
        pytest.param(["{hand}", "--to", "entry-03.yaml"], 4, "already exists", id="file taken"),
        pytest.param(["{hand}", "--to", "../x.yaml"], 64, "outside the workspace", id="outside"),
        pytest.param(
            ["{hand}", "--to", "x.txt"], 64, "not a file that the workspace", id="not YAML"
        ),
        pytest.param(
            ["{hand}", "--to", ".x/x.yaml"], 64, "not a file that the workspace", id="hidden"
        ),
        pytest.param(["{theirs}"], 4, "belongs to another workspace", id="I-22 theirs"),
        pytest.param(["{gone}"], 4, 'has the status "Cancelled"', id="cancelled"),
        pytest.param(["{hand}", "JE-00000099"], 4, "not in the ledger", id="all or none"),
    ],
)
def test_an_import_is_refused_and_leaves_nothing_behind(small, args, code, said):
    gone = by_hand(small)
    small.call("PUT", f"journal-entries/{gone}/cancel")
    names = {
        "{hand}": by_hand(small),
        "{theirs}": by_hand(small, ReconcilerKey__c="theirs/x"),
        "{gone}": gone,
    }
    before = small.content(), sorted(small.root.rglob("*.yaml"))
    ended = small.run("import", *(names.get(arg, arg) for arg in args))
    assert (ended.code, said in ended.said) == (code, True), ended.said
    assert (small.content(), sorted(small.root.rglob("*.yaml"))) == before
    assert "Traceback" not in ended.said
