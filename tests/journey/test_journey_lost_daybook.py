"""The daybook is lost, or an older copy comes back, as people see it on the command line (I-44)."""

import shutil

import pytest
from books_harness import SMALL, credit, debit, reconciler

OTHER = (debit("9.00"), credit("9.00"))
ALL = ("--adopt-found", len(SMALL))
ONE = ("--adopt-found", 1)


def lose(books):
    for path in (books.root / ".reconciler").glob("daybook.db*"):
        path.unlink()


def keep(books, copy):
    shutil.copy(books.root / ".reconciler" / "daybook.db", copy)


def restore(books, copy):
    lose(books)
    shutil.copy(copy, books.root / ".reconciler" / "daybook.db")


def test_a_lost_daybook_is_written_anew_by_the_next_apply(small):
    before = small.content()
    lose(small)
    planned = small.plan(*ALL)
    assert planned.code == 0
    assert f"{len(SMALL)} to adopt" in planned.out
    assert "found in the ledger by its marker" in planned.out
    assert "there is no daybook yet" not in planned.out
    small.applied(*ALL)
    assert small.content() == before


def test_a_plan_saved_without_the_daybook_is_applied_as_reviewed(small, tmp_path):
    lose(small)
    assert small.plan("--out", tmp_path / "plan.json", *ALL).code == 0
    assert "found in the ledger by its marker" in reconciler("show", tmp_path / "plan.json").out
    assert small.run("apply", tmp_path / "plan.json").code == 0
    assert small.plan("--detailed-exitcode").code == 0


def test_edits_go_in_with_the_recovery(small):
    old = small.number("entry-01")
    lose(small)
    small.edit("entry-00.yaml", "Notes of", "More notes of")
    small.declare("entry-01", *OTHER)
    small.declare("brand-new", *OTHER)
    actions = small.actions()
    assert (actions["entry-00"], actions["entry-01"]) == ("adopt", "replace")
    assert actions["brand-new"] == "create"
    small.applied(*ALL)
    assert small.number("entry-01") != old
    assert len(small.posted()) == len(SMALL) + 1


def test_an_entry_with_segments_is_replaced_with_the_recovery(small):
    """What the ledger answers is recorded, whatever values nest in it."""
    segments = [
        {"segmentName": "Department", "segmentValue": "Sales"},
        {"segmentName": "Region", "segmentValue": "Global"},
    ]
    small.declare("split", *OTHER, segments=segments)
    small.applied()
    old = small.number("split")
    lose(small)
    small.declare("split", debit("8.00"), credit("8.00"), segments=segments)
    assert small.actions()["split"] == "replace"
    small.applied("--adopt-found", len(SMALL) + 1)
    assert small.number("split") != old
    assert len(small.posted()) == len(SMALL) + 1


def test_a_copy_from_before_a_replacement_is_brought_up_to_date(small, tmp_path):
    keep(small, tmp_path / "copy.db")
    small.declare("entry-00", *OTHER)
    small.applied()
    before = small.content()
    restore(small, tmp_path / "copy.db")
    assert small.actions() == {"entry-00": "adopt"}
    small.applied()
    assert small.content() == before


def test_a_copy_that_does_not_know_what_was_posted_since_posts_nothing(small, tmp_path):
    keep(small, tmp_path / "copy.db")
    small.declare("later", *OTHER)
    small.applied()
    small.declare("later", debit("8.00"), credit("8.00"))
    small.applied()
    before = small.content()
    restore(small, tmp_path / "copy.db")
    assert "later" in small.actions()
    assert small.apply(*ONE).code == 0
    assert small.content() == before
    assert small.plan("--detailed-exitcode").code == 0


def posted_since(books):
    books.declare("later", *OTHER)
    books.applied()


def replaced_since(books):
    books.declare("entry-00", *OTHER)
    books.applied()


def removed_since(books):
    books.remove("entry-00")
    books.applied()


def adopted_since(books):
    lines = [
        {"accountingCodeName": code, "type": side, "amount": 9, "homeCurrencyAmount": 9}
        for code, side in (("Deferred Revenue", "Debit"), ("Subscription Revenue", "Credit"))
    ]
    number = books.call(
        "POST", "journal-entries", accountingPeriodName="Jan-2026", currency="USD",
        journalEntryDate="2026-01-31", journalEntryItems=lines,
    )["journalEntryNumber"]  # fmt: skip
    books.declare("later", *OTHER, metadata={"adopts": number})
    books.applied()


def adopted_and_replaced_since(books):
    adopted_since(books)
    text = (books.root / "later.yaml").read_text()
    (books.root / "later.yaml").write_text(text.replace("9.00", "8.00"))
    books.applied()


OLDER = "the daybook is older than the ledger"


@pytest.mark.parametrize(
    ("happened", "said", "told"),
    [
        pytest.param(posted_since, OLDER, ONE, id="posted"),
        pytest.param(replaced_since, OLDER, (), id="replaced", marks=pytest.mark.long),
        pytest.param(removed_since, "the daybook is an older copy", (), id="removed"),
        pytest.param(adopted_since, OLDER, (), id="adopted", marks=pytest.mark.long),
        pytest.param(adopted_and_replaced_since, OLDER, ONE, id="adopted and replaced"),
    ],
)
def test_i44_yesterdays_copy_posts_nothing_and_the_plan_says_how_old_it_is(
    small, tmp_path, happened, said, told
):
    assert OLDER not in small.plan("--find").out
    keep(small, tmp_path / "copy.db")
    happened(small)
    before = small.content()
    restore(small, tmp_path / "copy.db")
    assert said in small.plan("--find").out
    ended = small.apply(*told)
    assert (ended.code, small.content()) == (0, before), ended.said
    again = small.plan("--find", "--detailed-exitcode")
    assert (again.code, said in again.out) == (0, False), again.out


def test_find_shows_what_the_files_no_longer_speak_of(small):
    number = small.number("entry-03")
    small.remove("entry-03")
    lose(small)
    planned = small.plan("--find")
    assert f"reconciler import {number}" in planned.out
    small.apply("--adopt-found", len(SMALL) - 1)
    assert small.number("entry-03") == number
    assert small.run("import", number).code == 0
    assert f"reconciler import {number}" not in small.plan("--find").out


def test_two_with_one_marker_are_named_and_left_alone(small):
    first = small.number("entry-00")
    lines = [
        {"accountingCodeName": code, "type": side, "amount": 1, "homeCurrencyAmount": 1}
        for code, side in (("Deferred Revenue", "Debit"), ("Subscription Revenue", "Credit"))
    ]
    second = small.call(
        "POST", "journal-entries", accountingPeriodName="Jan-2026", currency="USD",
        journalEntryDate="2026-01-31", journalEntryItems=lines,
        ReconcilerKey__c="acme-books/entry-00",
    )["journalEntryNumber"]  # fmt: skip
    assert small.plan("--detailed-exitcode").code == 0
    planned = small.plan("--find")
    assert f"doubled: {first} and {second} are posted" in planned.out
    assert small.apply("--find").code == 4
    small.call("PUT", f"journal-entries/{second}/cancel")
    assert small.plan("--find", "--detailed-exitcode").code == 0


def test_markers_in_the_notes_are_found_too(empty):
    empty.settings(spec="{identity: {marker: notes}}")
    empty.declare("noted", notes="Seen by people")
    empty.declare("silent")
    empty.applied()
    before = empty.content()
    lose(empty)
    assert empty.actions() == {"noted": "adopt", "silent": "adopt"}
    empty.applied("--adopt-found", 2)
    assert empty.content() == before


def test_doctor_says_that_the_ledger_can_be_searched(small):
    assert "search: entries are found by their marker" in small.run("doctor").out
