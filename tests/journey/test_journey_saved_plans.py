"""A saved plan is applied as it was reviewed, or not at all (I-30, I-31)."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from books_harness import Books, credit, debit


@pytest.fixture(scope="session")
def planned(small_template) -> Path:
    """Six applied entries with a create, an update, a replacement and a removal planned."""
    root = shutil.copytree(small_template, small_template.with_name("planned"))
    with closing(Books(root)) as books:
        books.declare("one-more", debit("25.00"), credit("25.00"))
        books.edit("entry-00.yaml", "Notes of", "More notes of")
        books.declare("entry-01", debit("2.00"), credit("2.00"), notes="Notes of entry-01")
        books.remove("entry-02")
        path = root.with_name("plan.json")
        ended = books.plan("--out", path)
    assert ended.code == 0
    assert f"reconciler apply {path}" in ended.err
    return root


@pytest.fixture
def books(opened, planned) -> Books:
    return opened(planned)


@pytest.fixture
def saved(planned, tmp_path) -> Path:
    return Path(shutil.copy(planned.with_name("plan.json"), tmp_path))


EVERYTHING = "Applied: 1 created, 1 updated, 1 replaced, 1 removed.\n"


def test_a_saved_plan_is_shown_and_applied(books, saved):
    planned = books.plan().out
    assert books.run("show", saved).out == planned
    ended = books.run("apply", saved)
    assert ended.code == 0
    assert ended.out.startswith("Plan: 1 to create, 1 to update, 1 to replace, 1 to remove.\n")
    assert planned.splitlines()[-1] in ended.out.splitlines(), "its digest is said again"
    assert EVERYTHING in ended.out
    assert books.plan("--detailed-exitcode").code == 0


def test_a_plan_is_applied_by_its_digest(books, saved):
    digest = json.loads(saved.read_text())["digest"]
    before = books.content()
    wrong = books.run("apply", "--plan-digest", "sha256:" + "0" * 64)
    assert wrong.code == 5
    assert digest in wrong.err
    assert books.content() == before
    assert books.run("apply", "--plan-digest", digest).code == 0


def test_a_file_and_the_digest_of_another_plan_apply_neither(books, saved):
    """Approvals of the file's plan would otherwise count for the other one."""
    books.edit("entry-03.yaml", "Notes of", "Other notes of")
    other = books.plan("--format", "json").json["digest"]
    before = books.content()
    refused = books.run("apply", saved, "--plan-digest", other)
    assert (refused.code, "To fix: Omit --plan-digest" in refused.err) == (64, True), refused.said
    assert books.content() == before
    assert books.run("apply", "--plan-digest", other).code == 0


def test_the_same_plan_is_not_applied_twice(books, saved):
    assert books.run("apply", saved).code == 0
    before = books.content()
    again = books.run("apply", saved)
    assert again.code == 5
    assert "nothing was applied" in again.err
    assert books.content() == before


def altered_amount(document):
    change = next(item for item in document["changes"] if item["name"] == "one-more")
    change["after"]["journalEntryItems"][0]["amount"] = "26.00"


def altered_amounts(document):
    for change in document["changes"]:
        if change["name"] == "one-more":
            for line in change["after"]["journalEntryItems"]:
                line["amount"] = "26.00"


TAMPERED = {
    "one amount": altered_amount,
    "both amounts": altered_amounts,
    "a change taken out": lambda document: document["changes"].pop(),
    "a step taken out": lambda document: document["changes"][0]["steps"].pop(),
    "another number": lambda document: document["changes"][-1].update(number="JE-00000009"),
    "another allowance": lambda document: document["scope"].update(max_removals=99),
    "another workspace": lambda document: document.update(workspace="other"),
    "another tenant": lambda document: document["target"].update(tenant_id="other"),
    "a prettier impact": lambda document: document["impact"].clear(),
    "no warnings": lambda document: document.update(warnings=["all is well"]),
    "another digest": lambda document: document.update(digest="sha256:" + "0" * 64),
    "no digest": lambda document: document.pop("digest"),
    "another format": lambda document: document.update(format_version="2.0"),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_an_altered_plan_file_is_refused(books, saved, tamper):
    document = json.loads(saved.read_text())
    tamper(document)
    saved.write_text(json.dumps(document))
    before = books.content()
    for ended in (books.run("apply", saved), books.run("show", saved)):
        assert ended.code == 5, ended.said
        assert "Error: " in ended.err
    assert books.content() == before


MOVED = {
    "notes changed": lambda books: books.set("entry-00", notes="By hand"),
    "notes of an untouched entry": lambda books: books.set("entry-05", notes="By hand"),
    "cancelled": lambda books: books.cancel("entry-01"),
    "transferred": lambda books: books.set("entry-02", transferredToAccounting="Yes"),
    "period closed": lambda books: books.close_period("Jan-2026"),
    "file changed": lambda books: books.declare("one-more", debit("1.00"), credit("1.00")),
    "file added": lambda books: books.declare("another"),
    "file back": lambda books: books.declare("entry-02", notes="Notes of entry-02"),
}


@pytest.mark.parametrize("move", MOVED.values(), ids=MOVED)
def test_a_plan_that_no_longer_fits_is_refused_whole(books, saved, move):
    move(books)
    before = books.content()
    ended = books.run("apply", saved)
    assert ended.code == 5, ended.said
    assert "nothing was applied" in ended.err
    assert "differ" in ended.err
    assert books.content() == before


def test_what_moved_is_named(books, saved):
    books.set("entry-00", notes="By hand")
    books.declare("another")
    ended = books.run("apply", saved)
    assert "another: create was not reviewed\n" in ended.err
    assert "entry-00: update was reviewed; now JE-00000001 has changed\n" in ended.err


def test_the_difference_is_shown_with_its_facts(books, saved, tmp_path):
    books.set("entry-00", notes="By hand")
    books.declare("one-more", debit("26.00"), credit("26.00"))
    ended = books.run("apply", saved)
    shown = ended.err
    assert 'notes in the ledger: "Notes of entry-00" -> "By hand"\n' in shown
    assert "- Debit Deferred Revenue 25.00\n" in shown
    assert "+ Debit Deferred Revenue 26.00\n" in shown
    assert "Impact (net change) differs\n" in shown
    later = tmp_path / "later.json"
    books.plan("--out", later)
    again = books.run("show", later, "--diff", saved)
    assert (again.code, again.err) == (0, "")
    assert again.out in shown, "as apply showed it"
    assert books.run("show", saved, "--diff", saved).out.startswith(
        "Both plans make the same changes"
    )
    assert books.run("show", saved, "--diff", later, "--format", "json").code == 64


def test_a_digest_alone_says_what_is_known(books, saved):
    digest = json.loads(saved.read_text())["digest"]
    books.declare("another")
    ended = books.run("apply", "--plan-digest", digest)
    assert ended.code == 5
    assert "New plan: 2 to create, 1 to update, 1 to replace, 1 to remove. " in ended.err
    assert "Apply the file of the reviewed plan to see the differences.\n" in ended.err


def test_the_plan_of_another_workspace_is_refused(books, saved, opened, empty_template):
    other = opened(empty_template, name="other")
    other.settings("other-books")
    ended = other.run("apply", saved)
    assert ended.code == 5
    assert "the plan is for acme-books on the embedded ledger" in ended.err
    assert "this is other-books on the embedded ledger" in ended.err
    assert other.posted() == {}


def test_what_a_plan_allows_is_allowed_when_it_is_applied(small, tmp_path):
    small.remove(*[f"entry-{number:02}" for number in range(4)])
    path = tmp_path / "plan.json"
    assert small.plan("--out", path).code == 4
    assert small.run("apply", path).code == 4
    assert small.plan("--max-removals", 4, "--out", path).code == 0
    assert small.run("apply", path, "--max-removals", 5).code == 64
    assert small.run("apply", path).code == 0
    assert len(small.posted()) == 2


def test_an_interrupted_apply_is_resumed_with_the_same_file(served_small, tmp_path):
    books = served_small
    books.declare("entry-01", debit("2.00"), credit("2.00"), notes="Notes of entry-01")
    books.edit("entry-00.yaml", "Notes of", "More notes of")
    saved = tmp_path / "plan.json"
    assert books.plan("--out", saved).code == 0
    whole = books.env
    books.credentials("Edit Journal Entry", "Cancel Journal Entry")
    first = books.run("apply", saved, "--parallelism", "1")
    assert first.code == 6
    assert "1 updated, 1 failed" in first.out
    assert "entry-01" not in books.posted()

    books.env = whole
    second = books.run("apply", saved)
    assert second.code == 0, second.said
    assert "1 replaced" in second.out
    assert books.plan("--detailed-exitcode").code == 0
    assert [status for _, status in books.entries()["entry-01"]] == ["Deleted", "Created"]
    assert books.run("apply", saved).code == 5


def test_plans_made_twice_are_the_same_bytes(books, tmp_path):
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    texts = [books.plan("--out", path).out for path in paths]
    assert texts[0] == texts[1]
    printed = books.plan_document()
    saved = [timeless(json.loads(path.read_text())) for path in paths]
    assert saved[0] == saved[1] == timeless(printed)
    assert list(saved[0]) == sorted(saved[0])


def timeless(document):
    """A plan's document but for when, where and by whom it was saved, which its checksum covers."""
    del document["checksum"]
    document.pop("sign_off", None)
    for name in ("made_at", "expires_at", "commit", "dirty"):
        del document["origin"][name]
    return document


def test_a_saved_plan_is_for_its_owner_alone(saved):
    assert saved.stat().st_mode & 0o777 == 0o600
