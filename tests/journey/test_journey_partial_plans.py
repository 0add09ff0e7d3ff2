"""Plans of a part of the workspace, and plans without the ledger, on books that are real."""

import json
import os
import re
import shutil
import socket
import sqlite3
from contextlib import closing

import pytest
from books_harness import Books, credit, debit, reconciler

from reconciler.cli import streams
from reconciler.core.model.history import Act
from reconciler.core.model.resource import Address
from reconciler.daybook import Intent, open_daybook


@pytest.fixture
def books(small) -> Books:
    """Six applied entries with a create, an update, a replacement and a removal to come."""
    small.declare("one-more", debit("25.00"), credit("25.00"), metadata={"labels": {"team": "ap"}})
    small.edit("entry-00.yaml", "Notes of", "More notes of")
    small.declare("entry-01", debit("2.00"), credit("2.00"), notes="Notes of entry-01")
    small.remove("entry-02")
    return small


def planned(books, *options):
    document = books.plan_document(*options)
    return {change["name"]: change["action"] for change in document["changes"]}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(
            ["--target", "entry-0[01]", "--target", "one-more"],
            {"entry-00": "update", "entry-01": "replace", "one-more": "create"},
            id="targets",
        ),
        pytest.param(["--target", "entry-02"], {"entry-02": "remove"}, id="a removal by name"),
        pytest.param(["--select", "team=ap"], {"one-more": "create"}, id="select"),
        pytest.param(
            ["--period", "Jan-2026", "--exclude", "entry-0[12]"],
            {"entry-00": "update", "one-more": "create"},
            id="period",
        ),
    ],
)
def test_apply_does_what_was_selected_and_no_more(books, options, expected):
    everything = planned(books)
    assert planned(books, *options) == expected
    shown = books.plan(*options)
    assert "\nPARTIAL: only " in shown.out or "\nPARTIAL: everything except " in shown.out
    assert ". (PARTIAL)\n" in shown.out
    assert books.apply(*options).code == 0
    assert planned(books) == {
        name: action for name, action in everything.items() if name not in expected
    }
    assert books.plan(
        "--detailed-exitcode", *(options if "remove" not in expected.values() else ())
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--target", "entry-95"], 'Did you mean "entry-05"?'),
        (["--period", "Jan-2062"], 'Did you mean "Jan-2026"?'),
        (["--select", "team=app"], 'Did you mean "team=ap"?'),
        (["--select", "team"], "LABEL=VALUE"),
        (["--exclude", "*"], "no entry matches all options"),
    ],
)
def test_a_word_that_matches_nothing_is_a_mistake(books, options, said):
    ended = books.plan(*options)
    assert ended.code == 64
    assert said in ended.err


def test_apply_takes_no_word_that_matches_nothing_for_everything(books):
    before = books.content()
    assert books.apply("--target", "entry-99").code == 64
    assert books.content() == before


def test_a_partial_plan_reads_only_what_is_in_scope(served_small):
    """O(change): six are recorded, one is read, and with it what lost its file."""

    def read():
        ended = served_small.plan("-v", "--target", "entry-05")
        assert ended.code == 0, ended.said
        lines = [line for line in ended.err.splitlines() if "/journal-entries/JE-" in line]
        return sorted(number for line in lines for number in re.findall(r"JE-[0-9]+", line))

    assert read() == ["JE-00000006"]
    served_small.remove("entry-02")
    assert read() == ["JE-00000003", "JE-00000006"]


def test_a_saved_plan_has_its_own_scope(books, tmp_path):
    saved = tmp_path / "plan.json"
    assert books.plan("--target", "one-more", "--out", saved).code == 0
    assert books.run("apply", saved, "--target", "entry-01").code == 64
    ended = books.run("apply", saved)
    assert ended.code == 0, ended.said
    assert "Applied: 1 created.\n" in ended.out
    assert set(planned(books)) == {"entry-00", "entry-01", "entry-02"}


def test_the_digest_of_a_part_is_not_that_of_the_whole(books):
    """I-30: who approved a part approved no more."""
    books.remove("entry-03", "entry-04")
    part = books.plan_document("--target", "one-more")["digest"]
    before = books.content()
    assert books.run("apply", "--plan-digest", part).code == 5
    assert books.content() == before
    assert books.run("apply", "--plan-digest", part, "--target", "one-more").code == 0


# Without the ledger.


@pytest.fixture
def no_connections(monkeypatch):
    """Any use of a socket, and any look at the credentials but to hide them, fails the test."""

    def refuse(*args, **options):
        pytest.fail("a socket was used")

    class Guarded(socket.socket):
        __init__ = connect = refuse

    monkeypatch.setattr(socket, "socket", Guarded)
    for name in ("create_connection", "getaddrinfo", "gethostbyname", "socketpair"):
        monkeypatch.setattr(socket, name, refuse)
    real = type(os.environ).__getitem__

    def guarded(environment, name):
        if str(name).startswith("ZUORA_") and not hiding:
            pytest.fail(f"{name} was read")
        return real(environment, name)

    def begin():
        hiding.append(True)
        try:
            real_begin()
        finally:
            hiding.clear()

    hiding, real_begin = [], streams.begin
    monkeypatch.setattr(streams, "begin", begin)
    monkeypatch.setattr(type(os.environ), "__getitem__", guarded)


def offline(root, *options):
    return reconciler("plan", "--offline", "-w", root, *options)


def test_an_offline_plan_is_that_of_a_ledger_that_did_not_move(books, no_connections):
    ended = offline(books.root, "--format", "json")
    assert ended.code == 0, ended.said
    document = ended.json
    assert document["scope"]["offline"] is True
    assert {change["name"]: change["action"] for change in document["changes"]} == {
        "entry-00": "update",
        "entry-01": "replace",
        "entry-02": "remove",
        "one-more": "create",
    }


def marker_to_notes(books):
    books.settings(spec="{identity: {marker: notes}}")


def marker_moved_before(books):
    books.applied()
    marker_to_notes(books)
    books.applied()
    books.edit("entry-03.yaml", "Notes of", "More notes of")


def marker_moved_back(books):
    books.applied()
    marker_to_notes(books)
    books.applied()
    books.settings()


def reversal_alone_cancelled(books):
    """A connector takes the original once its reversal is cancelled."""
    books.applied()
    assert books.run("reverse", "entry-03").code == 0
    books.applied()
    number = books.number("entry-03")
    for name in ("entry-03", "entry-03.reversal"):
        books.remove(name)
    taken = f"set transferred_to_accounting = 'Yes' where number = '{number}'"
    when = f"after update of status on journal_entries when new.number > '{number}'"
    trigger = f"create trigger taken {when} begin update journal_entries {taken}; end"
    with closing(sqlite3.connect(books.database)) as connection, connection:
        connection.execute(trigger)
    assert books.apply().code == 6
    books.set("entry-03", transferredToAccounting="No")


def call_left_open(books):
    with closing(open_daybook(books.root / ".reconciler" / "daybook.db", write=True)) as book:
        name, number = Address("JournalEntry", "entry-03"), books.number("entry-03")
        book.record_intent(Intent(address=name, act=Act.UPDATE, number=number, payload="{}"))


def outcomes_spilt(books):
    (books.root / ".reconciler" / "daybook.db.rescue").touch()


def policy_loosened(books):
    books.settings(spec="{policy: {limits: {changes: 2}}}")
    assert books.apply("--target", "entry-00").code == 0
    books.settings(spec="{policy: {limits: {changes: 9}}}")


@pytest.mark.parametrize(
    ("prepared", "rule"),
    [
        (lambda books: None, ""),
        (marker_to_notes, ""),
        (marker_moved_before, ""),
        (marker_moved_back, ""),
        (reversal_alone_cancelled, "original-alone"),
        (call_left_open, "open-call"),
        (outcomes_spilt, "unread-spill"),
        (policy_loosened, "policy-changed"),
    ],
)
def test_an_offline_plan_says_what_the_live_one_says_but_for_its_marks(books, prepared, rule):
    prepared(books)
    live, alone = books.plan_document(), offline(books.root, "--format", "json").json
    assert live["digest"] != alone["digest"]
    for name in ("summary", "impact", "balance", "refusals", "warnings", "warning_rules"):
        assert live[name] == alone[name], name
    for one, other in zip(live["changes"], alone["changes"], strict=True):
        for name in ("name", "action", "reason", "number", "fields", "steps"):
            assert one.get(name) == other.get(name), (one["name"], name)
    assert rule in ("", *(row["rule"] for row in alone["warning_rules"]))


def test_the_guard_of_connections_can_fail(books, no_connections):
    """Or the tests below would prove nothing."""
    with pytest.raises(pytest.fail.Exception):
        books.plan()


FORK = """
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: acme-books}
spec:
  target: {baseUrl: "https://rest.zuora.example", tenantId: "10001"}
"""


@pytest.mark.parametrize("reference", [True, False])
def test_a_fork_plans_without_credentials_daybook_or_ledger(
    empty, tmp_path, no_connections, reference
):
    root = tmp_path / "fork"
    root.mkdir()
    (root / "reconciler.yaml").write_text(FORK)
    if reference:
        shutil.copy(empty.root / "reference.yaml", root)
    empty.declare("new")
    shutil.copy(empty.root / "new.yaml", root)
    ended = offline(root)
    assert ended.code == 0, ended.said
    assert "Workspace acme-books on rest.zuora.example, tenant 10001\n" in ended.out
    assert "there is no daybook, so everything counts as new" in ended.out
    assert "Plan: 1 to create. (OFFLINE)\n" in ended.out
    assert ("there is no reference.yaml" in ended.out) is not reference
    assert sorted(path.name for path in root.iterdir()) == sorted(
        ["new.yaml", "reconciler.yaml", *(["reference.yaml"] if reference else [])]
    )


def test_a_daybook_in_a_database_is_not_opened(small, no_connections):
    small.settings(spec='{daybook: "postgresql://db.example/daybook"}')
    ended = offline(small.root)
    assert ended.code == 0, ended.said
    assert "does not open" in ended.out
    assert "Plan: 6 to create. (OFFLINE)\n" in ended.out


def test_without_a_daybook_the_size_of_a_change_refuses_no_offline_plan(small, no_connections):
    limits = "{policy: {limits: {changes: 2, percent: 5, money: {USD: 1000}}}"
    small.settings(spec=f'{limits}, daybook: "postgresql://db.example/daybook"}}')
    ended = offline(small.root)
    assert ended.code == 0, ended.said
    assert "the policy's limits on changes and money are not checked" in ended.out
    small.settings(spec=f"{limits}}}")
    for name in ("entry-00", "entry-01", "entry-02"):
        small.declare(name, notes="Changed")
    with_daybook = offline(small.root)
    assert with_daybook.code == 4, with_daybook.said
    assert "are not checked" not in with_daybook.said


def test_an_offline_plan_is_shown_and_never_applied(books, tmp_path):
    saved = tmp_path / "plan.json"
    made = offline(books.root, "--out", saved)
    assert "reconciler apply" not in made.err
    assert books.run("show", saved).out == made.out
    markdown = books.run("show", saved, "--format", "markdown").out
    assert "(OFFLINE)" in markdown.splitlines()[0]
    assert "To apply exactly this" not in markdown
    before = books.content()
    ended = books.run("apply", saved)
    assert ended.code == 4
    assert "offline-plan" in ended.err
    assert "without --offline" in ended.err
    digest = json.loads(saved.read_text())["digest"]
    assert books.run("apply", "--plan-digest", digest).code == 5
    assert books.content() == before


def test_offline_does_not_search(books):
    assert offline(books.root, "--find").code == 64


def test_an_offline_plan_may_be_partial_too(books):
    ended = offline(books.root, "--target", "one-more")
    assert "Plan: 1 to create. (OFFLINE) (PARTIAL)\n" in ended.out
