"""Who an entry is rests on evidence: its marker, its record, and what no call can change of it."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from books_fixtures import template_of
from books_harness import Books, by_hand, credit, debit

NINE = (debit("9.00"), credit("9.00"))
PLACES = {
    "custom field": ("{}", {"ReconcilerKey__c": None}, {"ReconcilerKey__c": "others/one"}),
    "notes": (
        "{identity: {marker: notes}}",
        {"notes": "Notes of one"},
        {"notes": "Notes of one\n[reconciler:others/one]"},
    ),
}


@pytest.fixture(scope="session")
def three_template(empty_template):
    with template_of(empty_template, "three") as books:
        for name in ("one", "two", "three"):
            books.declare(name, notes=f"Notes of {name}")
        books.applied()
    return books.root


@pytest.fixture
def books(opened, three_template):
    """Three entries, applied: 400.90 each, in notes of their own."""
    return opened(three_template)


def basic_information(books, number, **fields):
    books.call("PUT", f"journal-entries/{number}/basic-information", **fields)


def fields_of(books, number):
    return {name: books.get(number).get(name) for name in ("notes", "ReconcilerKey__c")}


@pytest.fixture(scope="module", params=PLACES, ids=str)
def marked_template(request, empty_template, tmp_path_factory):
    """One entry with its marker in either place: how to empty it, and how to make it foreign."""
    settings, emptied, foreign = PLACES[request.param]
    root = shutil.copytree(empty_template, tmp_path_factory.mktemp("marked") / "books")
    with closing(Books(root)) as books:
        books.settings(spec=settings)
        books.declare("one", notes="Notes of one")
        books.applied()
    return root, emptied, foreign


@pytest.fixture
def marked(opened, marked_template):
    root, emptied, foreign = marked_template
    books = opened(root)
    number = books.rows("select number from journal_entries")[0]["number"]
    return books, number, emptied, foreign


def test_t07_an_emptied_marker_is_written_again(marked):
    books, number, emptied, _ = marked
    before = fields_of(books, number)
    basic_information(books, number, **emptied)
    assert books.run("drift").code == 7
    planned = books.plan("--detailed-exitcode")
    assert (planned.code, "~ update  one" in planned.out) == (2, True)
    assert "acme-books/one" in planned.out
    books.applied()
    assert fields_of(books, number) == before
    assert books.run("drift").code == 0


@pytest.mark.parametrize("change", ["replace", "remove"])
def test_t07_nothing_is_cancelled_without_its_marker_and_the_way_out_works(marked, change):
    books, number, emptied, _ = marked
    text = (books.root / "one.yaml").read_text()
    basic_information(books, number, **emptied)
    books.remove("one")
    if change == "replace":
        books.declare("one", *NINE, notes="Notes of one")
    refused = books.apply("--max-removals", 1)
    assert (refused.code, "ownership" in refused.said) == (4, True)
    assert "Restore the file as it was applied and run `reconciler apply" in refused.said
    changed = (books.root / "one.yaml").read_text() if change == "replace" else None
    books.write("one.yaml", text)
    books.applied()
    if changed is None:
        books.remove("one")
    else:
        books.write("one.yaml", changed)
    assert books.apply("--max-removals", 1).code == 0
    assert books.plan("--detailed-exitcode").code == 0
    standing = books.rows("select number from journal_entries where not deleted")
    assert len(standing) == (change == "replace")
    assert number not in {row["number"] for row in standing}


@pytest.mark.parametrize("way", ["ours", "theirs", "theirs, and posted anew"])
def test_t07_somebody_elses_marker_blocks_and_each_way_out_works(marked, way):
    books, number, emptied, foreign = marked
    text = (books.root / "one.yaml").read_text()
    basic_information(books, number, **foreign)
    before = books.content()
    refused = books.apply()
    assert (refused.code, "ownership" in refused.said) == (4, True)
    assert "No changes" not in refused.out
    assert books.content() == before
    if way == "ours":
        basic_information(books, number, **emptied)
        books.applied()
        return
    books.remove("one")
    assert "`reconciler forget one" in refused.said
    assert books.run("forget", "one", "--auto-approve").code == 0
    books.applied()
    assert books.content() == before
    if way == "theirs, and posted anew":
        books.write("one.yaml", text)
        books.applied()
        assert len(books.rows("select number from journal_entries where not deleted")) == 2


@pytest.mark.parametrize("fields", [{"currency": "EUR"}, {"journalEntryItems": NINE}], ids=str)
def test_t07_an_entry_that_cannot_be_ours_gets_no_marker(books, fields):
    """No call changes the lines of an entry: under the recorded number stands another one."""
    number = books.number("one")
    sql = (
        "update journal_entry_items set amount = '9.00' where journal_entry_id = "
        f"(select id from journal_entries where number = '{number}')"
    )
    if "currency" in fields:
        sql = f"update journal_entries set currency = 'EUR' where number = '{number}'"
    basic_information(books, number, ReconcilerKey__c=None)
    behind_the_back(books, sql)
    before = books.content()
    books.apply()
    assert books.content()[: len(before)] == before or number not in books.posted().values()
    assert not books.get(number).get("ReconcilerKey__c")


def behind_the_back(books, sql):
    with closing(sqlite3.connect(books.database)) as connection:
        connection.execute(sql)
        connection.commit()


def lose_daybook(books):
    for path in (books.root / ".reconciler").glob("daybook.db*"):
        path.unlink()


@pytest.mark.parametrize("told", ["flag", "variable"])
def test_t11_what_only_a_marker_ties_to_us_is_not_adopted_untold(books, told):
    before = books.content()
    lose_daybook(books)
    for ended in (books.plan(), books.apply(), books.apply("--adopt-found", 2)):
        assert ended.code == 4
        assert "unproved-entries: 3 entries in the ledger have the marker" in ended.said
        assert "JE-00000001 (one)" in ended.said
        assert "--adopt-found 3" in ended.said
        assert "another repository uses the workspace name acme-books" in ended.said
    if told == "flag":
        books.applied("--adopt-found", 3)
    else:
        books.env["RECONCILER_ADOPT_FOUND"] = "3"
        books.applied()
    assert books.content() == before
    assert books.plan("--find", "--detailed-exitcode").code == 0


def test_t11_a_stranger_of_the_same_name_gives_itself_another_one(books):
    """The other way out of the refusal, to the letter: nothing of the first one's is touched."""
    before = books.content()
    lose_daybook(books)
    for name in ("one", "two", "three"):
        books.declare(name, *NINE)
    assert books.apply().code == 4
    assert books.content() == before
    books.settings("other-books")
    books.applied()
    assert books.content()[:3] == before[:3]
    assert len(books.rows("select number from journal_entries where not deleted")) == 6


def test_t11_what_we_deleted_ourselves_is_no_proof_of_another_entry(books):
    """A stranger posted the name again after we removed it: our old record is of another entry."""
    text = (books.root / "one.yaml").read_text()
    books.remove("one")
    books.applied()
    by_hand(books, ReconcilerKey__c="acme-books/one")
    before = books.content()
    books.write("one.yaml", text)
    refused = books.apply()
    assert (refused.code, "unproved-entries: 1 entry" in refused.said) == (4, True)
    assert books.content() == before


def test_t11_a_saved_plan_carries_what_it_was_told(books, tmp_path):
    lose_daybook(books)
    assert books.plan("--out", tmp_path / "plan.json", "--adopt-found", 3).code == 0
    assert books.run("apply", tmp_path / "plan.json").code == 0
    assert books.plan("--detailed-exitcode").code == 0


def keep_daybook(books, copy):
    shutil.copy(books.root / ".reconciler" / "daybook.db", copy)


def restore_daybook(books, copy):
    lose_daybook(books)
    shutil.copy(copy, books.root / ".reconciler" / "daybook.db")


def posted_since(books):
    books.declare("later", *NINE)
    books.applied()


def posted_and_replaced_since(books):
    posted_since(books)
    books.declare("later")
    books.applied()


def replaced_since(books):
    books.declare("one", *NINE, notes="Notes of one")
    books.applied()


def removed_since(books):
    books.remove("one")
    books.applied()


def removed_and_posted_again_since(books):
    text = (books.root / "one.yaml").read_text()
    removed_since(books)
    books.write("one.yaml", text)
    books.applied()


def renamed_since(books):
    books.remove("one")
    books.declare("uno", notes="Notes of one", metadata={"previousName": "one"})
    books.applied()


def adopted_since(books):
    number = by_hand(books)
    assert books.run("import", number, "--name", "adopted").code == 0


def forgotten_since(books):
    books.remove("one")
    assert books.run("forget", "one", "--auto-approve").code == 0


SINCE = (
    posted_since,
    posted_and_replaced_since,
    replaced_since,
    removed_since,
    removed_and_posted_again_since,
    renamed_since,
    adopted_since,
)


def flags_of(refused):
    """The flags that a refusal names, to the letter."""
    said = " ".join(refused.said.split())
    return re.findall(r"--(?:adopt-found|max-missing|max-removals) \d+", said)


@pytest.mark.parametrize("happened", SINCE)
def test_t10_a_plan_saved_with_an_older_daybook_is_applied_as_it_is(books, tmp_path, happened):
    """Whatever the apply searches for, the plan searched for: nothing ends in exit 5 for ever."""
    keep_daybook(books, tmp_path / "copy.db")
    happened(books)
    before, saved = books.content(), tmp_path / "plan.json"
    restore_daybook(books, tmp_path / "copy.db")
    planned = books.plan("--out", saved)
    if planned.code == 4:
        flags = [word for flag in flags_of(planned) for word in flag.split()]
        assert flags, planned.said
        planned = books.plan("--out", saved, *flags)
    assert planned.code == 0, planned.said
    ended = books.run("apply", saved)
    assert ended.code == 0, ended.said
    assert [row[:2] for row in books.content()] == [row[:2] for row in before]
    assert books.plan("--detailed-exitcode").code == 0
    assert books.run("drift").code == 0


def test_t10_an_older_daybook_does_not_hide_that_a_forgotten_entry_is_undeclared(books, tmp_path):
    """The older copy still manages it: the plan shows its removal, and the apply is the same."""
    keep_daybook(books, tmp_path / "copy.db")
    forgotten_since(books)
    restore_daybook(books, tmp_path / "copy.db")
    assert books.plan("--out", tmp_path / "plan.json").code == 0
    assert books.run("apply", tmp_path / "plan.json").code == 0
    assert books.plan("--detailed-exitcode").code == 0


@pytest.mark.parametrize("option", ["--find", "--first-apply"])
def test_t10_a_saved_plan_searches_as_it_was_told(books, tmp_path, option):
    """What only an option lets the plan see, the apply of that plan sees too."""
    by_hand(books, ReconcilerKey__c="acme-books/one")
    saved = tmp_path / "plan.json"
    assert books.plan("--out", saved, option).code == 0
    ended = books.run("apply", saved)
    assert ended.code == (4 if option == "--find" else 0), ended.said


def keep_ledger(books, copy):
    shutil.copy(books.database, copy)


def restore_ledger(books, copy):
    for path in books.database.parent.glob(f"{books.database.name}*"):
        path.unlink()
    shutil.copy(copy, books.database)


def all_removed_but_one_since(books):
    books.remove("one", "two")
    books.applied()


def posted_and_removed_since(books):
    posted_since(books)
    books.remove("later", "one")
    books.applied()


def removed_and_replaced_since(books):
    books.remove("one")
    books.declare("two", *NINE)
    books.applied()


def removed_and_kept_cancelled_since(books):
    books.settings(spec="{policy: {removal: cancel}}")
    books.remove("one")
    assert books.apply().code == 0


OLDER_LEDGER = "the ledger is older than the daybook"


def standing_of(books):
    """What is posted, by its marker: period and amounts, whatever its number."""
    rows = books.rows(
        "select e.custom_fields, i.amount, i.type from journal_entries e "
        "join journal_entry_items i on i.journal_entry_id = e.id "
        "where e.status = 'Created' and not e.deleted"
    )
    return sorted((row["custom_fields"], row["amount"], row["type"]) for row in rows)


@pytest.mark.parametrize(
    "happened",
    [
        pytest.param(removed_since, id="removed"),
        pytest.param(all_removed_but_one_since, id="two removed"),
        pytest.param(posted_and_removed_since, id="posted and removed"),
        pytest.param(removed_and_replaced_since, id="removed and replaced"),
        pytest.param(removed_and_posted_again_since, id="removed and posted again"),
        pytest.param(removed_and_kept_cancelled_since, id="removed, and kept cancelled"),
        pytest.param(replaced_since, id="replaced"),
    ],
)
def test_t09_a_ledger_that_is_older_than_the_daybook_is_not_all_well(books, tmp_path, happened):
    """The file of the ledger comes back from before some applies; then one apply brings it up."""
    keep_ledger(books, tmp_path / "ledger.db")
    happened(books)
    wanted = standing_of(books)
    assert books.run("doctor").code == 0
    restore_ledger(books, tmp_path / "ledger.db")
    drift, planned = books.run("drift"), books.plan("--detailed-exitcode", "--max-removals", 9)
    assert (drift.code, planned.code) == (7, 2), drift.said + planned.said
    assert "No drift" not in drift.said
    doctor = books.run("doctor")
    assert doctor.code != 0, doctor.said
    for said in (drift.said, planned.said, doctor.said):
        assert OLDER_LEDGER in " ".join(said.split()), said
    ended = books.apply("--max-removals", 9)
    assert ended.code == 0, ended.said
    assert standing_of(books) == wanted
    assert books.plan("--find", "--detailed-exitcode").code == 0
    assert (books.run("drift").code, books.run("doctor").code) == (0, 0)


def test_t09_a_new_entry_that_an_older_ledger_lacks_is_posted_again_once_somebody_confirms(
    books, tmp_path
):
    """No query shows it as deleted, so it may be one that reads do not find yet."""
    keep_ledger(books, tmp_path / "ledger.db")
    posted_since(books)
    wanted = standing_of(books)
    restore_ledger(books, tmp_path / "ledger.db")
    assert books.run("drift").code == 7
    assert books.run("doctor").code != 0
    refused = books.apply()
    assert refused.code == 4, refused.said
    assert "unread-posting" in refused.said
    declared = books.root / "later.yaml"
    text = declared.read_text()
    declared.unlink()
    assert books.run("forget", "later", "--auto-approve").code == 0
    declared.write_text(text)
    assert books.apply().code == 0
    assert standing_of(books) == wanted
    assert books.plan("--find", "--detailed-exitcode").code == 0


def test_t09_what_took_a_lost_number_is_neither_ours_nor_a_double(books, tmp_path):
    """After the restore somebody else posts, and the ledger gives our lost number again."""
    keep_ledger(books, tmp_path / "ledger.db")
    books.declare("two", *NINE)
    books.applied()
    lost = books.number("two")
    restore_ledger(books, tmp_path / "ledger.db")
    assert by_hand(books) == lost
    theirs = books.get(lost)
    planned = books.plan()
    assert "doubled" not in planned.said
    assert f"cancel {lost}" not in planned.said
    assert books.apply().code == 0
    assert books.get(lost)["status"] == "Created"
    assert books.get(lost)["journalEntryItems"] == theirs["journalEntryItems"]
    assert not books.get(lost).get("ReconcilerKey__c")
    assert books.plan("--detailed-exitcode").code == 0
    assert {
        f"{line['amount']:.2f}" for line in books.get(books.number("two"))["journalEntryItems"]
    } == {"9.00"}


def test_t09_a_new_entry_whose_number_was_taken_has_a_way_out(books, tmp_path):
    """Only the number ties it to the daybook, and the number is somebody else's by now."""
    keep_ledger(books, tmp_path / "ledger.db")
    posted_since(books)
    restore_ledger(books, tmp_path / "ledger.db")
    number = by_hand(books)
    assert number == "JE-00000004"
    refused = books.apply()
    assert (refused.code, "ownership" in refused.said) == (4, True)
    assert "Cancel" not in refused.said.partition("To fix:")[2].partition("\n")[0]
    text = (books.root / "later.yaml").read_text()
    books.remove("later")
    assert books.run("forget", "later", "--auto-approve").code == 0
    books.write("later.yaml", text)
    books.applied()
    assert books.get(number)["status"] == "Created"
    assert books.number("later") != number


def renamed_books(books):
    books.settings("new-books", "{daybook: .reconciler/new.db}")


def renamed_books_without_daybook(books):
    lose_daybook(books)
    books.settings("new-books")


def moved_marker_without_daybook(books):
    lose_daybook(books)
    books.settings(spec="{identity: {marker: notes}}")


CHANGED_SETTINGS = (renamed_books, renamed_books_without_daybook, moved_marker_without_daybook)


@pytest.mark.parametrize("changed", CHANGED_SETTINGS)
def test_t06_changed_settings_never_post_again_what_stands(books, changed):
    """No marker and no record shows the entries, but their content does. Each way out works."""
    before = books.content()
    changed(books)
    for refused in (books.plan(), books.apply(), books.apply("--allow-equal", 2)):
        said = " ".join(refused.said.split())
        assert refused.code == 4
        assert "equal-entries: the daybook is new, and 3 of what would be posted" in said
        assert "one as JE-0000000" in said
    assert books.content() == before
    assert "restore `metadata.name`, `identity.marker` and `daybook`" in said
    books.settings()
    back = books.apply()
    assert back.code == (0 if changed is renamed_books else 4), back.said
    if back.code:
        assert flags_of(back)
        assert books.apply("--adopt-found", 3).code == 0
    assert books.content() == before
    assert books.plan("--find", "--detailed-exitcode").code == 0


def test_t06_a_person_may_say_that_equal_entries_are_different_postings(books, tmp_path):
    renamed_books(books)
    saved = tmp_path / "plan.json"
    assert books.plan("--out", saved, "--allow-equal", 3).code == 0
    assert books.run("apply", saved).code == 0
    assert len(books.rows("select number from journal_entries where not deleted")) == 6
    assert books.plan("--detailed-exitcode").code == 0
    books.declare("four", notes="Posted later")
    books.applied()


def test_t06_who_approves_a_plan_sees_that_it_posts_what_is_there(empty):
    """A plan that was approved before somebody posted the same is not the plan that posts again."""
    lines = (debit("1234.50"), credit("1234.50"))
    empty.declare("one", *lines)
    reviewed = empty.plan("--format", "json").json["digest"]
    number = by_hand(empty)
    told = f"1 entry is posted although the ledger has an equal one: one as {number} (no marker)"
    planned = empty.plan("--allow-equal", 1)
    assert f"information[equal-allowed]: {told}" in " ".join(planned.said.split())
    ended = empty.apply("--plan-digest", reviewed, "--allow-equal", 1)
    assert (ended.code, len(empty.rows("select number from journal_entries"))) == (5, 1), ended.said
    allowed = empty.plan("--format", "json", "--allow-equal", 1).json["digest"]
    assert empty.apply("--plan-digest", allowed, "--allow-equal", 1).code == 0


def test_t06_an_unmarked_entry_of_equal_content_is_named_and_can_be_adopted(empty):
    number = by_hand(empty)
    lines = (debit("1234.50"), credit("1234.50"))
    empty.declare("one", *lines)
    refused = empty.apply()
    assert (refused.code, f"{number} (no marker)" in " ".join(refused.said.split())) == (4, True)
    empty.declare("one", *lines, metadata={"adopts": number})
    empty.applied()
    assert len(empty.rows("select number from journal_entries")) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("{}", "{identity: {marker: notes}}", id="to the notes"),
        pytest.param("{identity: {marker: notes}}", "{}", id="out of the notes"),
    ],
)
def test_t06_a_changed_place_of_the_marker_is_planned_for_each_entry(empty, before, after):
    empty.settings(spec=before)
    empty.declare("noted", notes="Seen by people")
    empty.declare("silent", *NINE)
    empty.applied()
    lines = empty.rows("select * from journal_entry_items order by id")
    empty.settings(spec=after)
    assert empty.actions() == {"noted": "update", "silent": "update"}
    planned = empty.run("plan")
    assert "changed in the ledger" not in planned.out
    assert empty.run("drift").code == 0, "the settings changed, the ledger did not"
    empty.applied()
    assert empty.rows("select * from journal_entry_items order by id") == lines
    held = {
        (row["notes"], json.loads(row["custom_fields"]).get("ReconcilerKey__c"))
        for row in empty.rows("select * from journal_entries")
    }
    if after == "{}":
        assert held == {("Seen by people", "acme-books/noted"), (None, "acme-books/silent")}
    else:
        assert held == {
            ("Seen by people\n[reconciler:acme-books/noted]", None),
            ("[reconciler:acme-books/silent]", None),
        }
    assert empty.run("drift").code == 0
    empty.declare("noted", *NINE, notes="Seen by people")
    empty.declare("later", debit("8.00"), credit("8.00"))
    empty.applied()


def test_t06_a_foreign_marker_in_the_former_place_is_not_ours(books):
    basic_information(books, books.number("one"), ReconcilerKey__c="others/one")
    books.settings(spec="{identity: {marker: notes}}")
    refused = books.apply()
    assert (refused.code, 'carries the marker "others/one"' in refused.said) == (4, True)
    assert books.rows("select notes from journal_entries where number = 'JE-00000001'") != []


def test_t06_no_remedy_proposes_a_new_daybook_for_old_books():
    """Not in the product, and not in its documents."""
    root = Path(__file__).parents[2]
    texts = [*(root / "reconciler").rglob("*.py"), *(root / "docs").rglob("*.md")]
    for text in (*texts, root / "README.md"):
        said = " ".join(text.read_text(encoding="utf-8").split())
        for words in ("begin a new daybook", "begins a new daybook", "delete the daybook"):
            assert words not in said, text


def test_t06_what_was_forgotten_under_the_former_place_is_not_posted_again(books):
    """It keeps its marker where it was. Declared again, it gets its entry back."""
    text, number = (books.root / "one.yaml").read_text(), books.number("one")
    forgotten_since(books)
    books.settings(spec="{identity: {marker: notes}}")
    books.applied()
    books.write("one.yaml", text)
    assert books.actions() == {"one": "adopt"}
    books.applied()
    assert len(books.rows("select number from journal_entries where not deleted")) == 3
    assert "[reconciler:acme-books/one]" in books.get(number)["notes"]
