"""Who an entry is: its name, its marker and its record, whatever happens to files and numbers."""

import shutil
from contextlib import closing

import pytest
from books_harness import Books, credit, debit, entry

LINES = {amount: (debit(amount), credit(amount)) for amount in ("1.00", "2.00")}


def test_there_and_back_gives_a_new_entry_each_time(small):
    numbers = []
    for amount in ("1.00", "2.00", "1.00", "2.00", "1.00"):
        small.declare("entry-00", *LINES[amount])
        small.applied()
        numbers.append(small.number("entry-00"))
        lines = small.get(numbers[-1])["journalEntryItems"]
        assert {f"{line['amount']:.2f}" for line in lines} == {amount}
    assert len(set(numbers)) == 5


def test_an_entry_removed_and_declared_again_is_posted_anew(small):
    path = small.root / "entry-00.yaml"
    text, numbers = path.read_text(), []
    for _ in range(3):
        numbers.append(small.number("entry-00"))
        path.unlink()
        small.applied()
        assert "entry-00" not in small.posted()
        path.write_text(text)
        small.applied()
    assert len({*numbers, small.number("entry-00")}) == 4


def test_moving_and_splitting_files_plans_nothing(small):
    before = small.posted()
    (small.root / "deep" / "down").mkdir(parents=True)
    for number in range(3):
        shutil.move(small.root / f"entry-{number:02}.yaml", small.root / "deep" / "down")
    texts = [(small.root / f"entry-{number:02}.yaml") for number in range(3, 6)]
    small.write("several.yml", "---\n".join(text.read_text() for text in texts))
    for text in texts:
        text.unlink()
    assert small.plan("--detailed-exitcode").code == 0
    assert small.posted() == before


def test_another_name_is_another_entry(small):
    before = small.number("entry-00")
    small.edit("entry-00.yaml", '{name: "entry-00"}', '{name: "renamed"}')
    assert small.actions() == {"entry-00": "remove", "renamed": "create"}
    small.applied()
    assert "entry-00" not in small.posted()
    assert small.number("renamed") != before


def test_equal_content_under_two_names_is_two_entries(empty):
    empty.declare("one")
    empty.declare("two")
    ended = empty.run("validate")
    assert ended.code == 0
    assert "warning[same-economics]" in ended.out
    empty.applied()
    assert len(set(empty.posted().values())) == 2


def test_two_workspaces_on_one_ledger_leave_each_other_alone(served_small, tmp_path):
    with closing(Books(tmp_path / "other", served_small.database)) as other:
        other.env = served_small.env
        other.settings("other-books")
        other.leave_ledger_open()
        shutil.copy(served_small.root / "reference.yaml", other.root)
        for number in range(3):
            other.declare(f"entry-{number:02}", *LINES["1.00"])
        mine = served_small.rows("select * from journal_entries order by number")
        other.applied()
        for number in range(3):
            other.declare(f"entry-{number:02}", *LINES["2.00"])
        other.applied()
        other.remove("entry-00")
        other.applied()
        after = served_small.rows("select * from journal_entries order by number")
        assert after[: len(mine)] == mine
        assert served_small.plan("--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    "marker",
    [
        "acme-books/entry-01",
        pytest.param("other-books/entry-00", marks=pytest.mark.long),
        pytest.param("", marks=pytest.mark.long),
        None,
    ],
    ids=str,
)
@pytest.mark.parametrize("change", ["keep", "update", "replace", "remove"])
def test_an_entry_with_another_marker_is_not_touched(small, marker, change):
    number = small.number("entry-00")
    path = f"journal-entries/{number}/basic-information"
    small.call("PUT", path, ReconcilerKey__c=marker)
    if not marker and change in ("keep", "update"):
        pytest.skip("an emptied marker is written again")
    if change == "remove":
        small.remove("entry-00")
    elif change == "update":
        small.edit("entry-00.yaml", "Notes of", "More notes of")
    elif change == "replace":
        small.declare("entry-00", *LINES["2.00"])
    planned = small.plan()
    assert "! blocked  entry-00" in planned.out
    assert "ownership: " in planned.out
    before = small.content()
    assert small.apply().code == 4
    assert small.content() == before


def test_a_marker_in_the_notes_identifies_and_stays_out_of_sight(empty):
    empty.settings(spec="{identity: {marker: notes}}")
    empty.declare("noted", notes="Seen by people")
    empty.declare("silent")
    ended = empty.apply()
    assert ended.code == 0
    rows = empty.rows("select notes from journal_entries")
    assert {row["notes"] for row in rows} == {
        "Seen by people\n[reconciler:acme-books/noted]",
        "[reconciler:acme-books/silent]",
    }
    assert empty.plan("--detailed-exitcode").code == 0
    empty.declare("noted", notes="Changed")
    assert "reconciler:" not in empty.plan().out
    assert empty.apply().code == 0
    rows = empty.rows("select notes from journal_entries")
    assert "Changed\n[reconciler:acme-books/noted]" in {row["notes"] for row in rows}
    assert empty.plan("--detailed-exitcode").code == 0


def test_one_name_declared_twice_is_refused(small):
    small.write("again.yaml", entry("entry-00"))
    ended = small.apply()
    assert (ended.code, "error[unique-name]" in ended.err) == (3, True)
