"""Approvals cover all that is applied, and not only what the last merge brought."""

import json
import uuid
from datetime import UTC, datetime

import pytest
from checkouts import brought, job

from reconciler.core.model.history import Act
from reconciler.core.model.resource import Address
from reconciler.daybook import Intent, open_daybook


@pytest.mark.parametrize(("approver", "code"), [("mallory", 4), ("bob", 0)])
def test_who_wrote_what_an_earlier_apply_refused_cannot_approve_it_with_the_next_change(
    checkout,
    github,
    approver,
    code,
):
    books = checkout.books
    brought(checkout, github, "mallory", "accrual")
    assert books.apply().code == 4
    github.approve("bob")
    brought(checkout, github, "alice", "typo", posts=False)
    github.approve(approver)
    ended = books.apply()
    assert (ended.code, bool(books.posted())) == (code, code == 0), ended.said


def test_what_was_applied_is_nobodys_any_more(checkout, github):
    books = checkout.books
    brought(checkout, github, "mallory", "accrual")
    github.approve("alice")
    assert books.apply().code == 0
    brought(checkout, github, "alice", "second")
    github.approve("mallory")
    ended = books.apply()
    assert ended.code == 0, ended.said


@pytest.mark.parametrize("how", ["shallow", "lost"])
def test_a_history_that_does_not_tell_is_refused(checkout, github, how):
    books = checkout.books
    brought(checkout, github, "mallory", "accrual")
    github.approve("alice")
    head = checkout.git("rev-parse", "HEAD")
    if how == "shallow":
        (books.root / ".git" / "shallow").write_text(f"{head}\n")
    else:
        assert books.apply().code == 0
        brought(checkout, github, "mallory", "second")
        github.approve("alice")
        later = checkout.git("rev-parse", "HEAD^{tree}")
        alone = checkout.git("commit-tree", later, "-m", "Alone")
        checkout.git("reset", "--quiet", "--hard", alone)
        checkout.git("branch", "--quiet", "-D", "accrual", "second")
        checkout.git("reflog", "expire", "--expire=now", "--all")
        checkout.git("gc", "--quiet", "--prune=now")
        github.merge(alone)
        job(books, github, GITHUB_SHA=alone)
    ended = books.apply()
    assert ended.code == 4, ended.said
    assert "fetch-depth: 0" in ended.err


def leave_open(books, file):
    """A daybook with one create that nobody knows the outcome of."""
    marker = "acme-books/bonus"
    lines = [
        {"accountingCodeName": "Deferred Revenue", "type": "Debit", "amount": 5000000},
        {"accountingCodeName": "Subscription Revenue", "type": "Credit", "amount": 5000000},
    ]
    spec = {
        "accountingPeriodName": "Jan-2026",
        "currency": "USD",
        "journalEntryDate": "2026-01-31",
    }
    payload = {**spec, "ReconcilerKey__c": marker, "journalEntryItems": lines}
    file.parent.mkdir(exist_ok=True)
    book = open_daybook(file, write=True, workspace="acme-books")
    intent = Intent(
        address=Address("JournalEntry", "bonus"),
        act=Act.CREATE,
        key=str(uuid.uuid4()),
        track_id="rec-x",
        payload=json.dumps(payload),
        spec=spec,
        server_at=datetime.now(UTC),
    )
    book.record_intent(intent)
    book.close()


def test_a_daybook_that_git_tracks_is_not_written_to(checkout, github):
    books = checkout.books
    books.settings(spec="{daybook: notes.db}")
    leave_open(books, books.root / "notes.db")
    checkout.commit("Tidy up")
    ended = books.apply()
    assert (ended.code, books.posted()) == (4, {}), ended.said
    assert "is tracked by git" in ended.err


def test_an_open_create_is_not_sent_again_without_approvals(checkout, github):
    books = checkout.books
    brought(checkout, github, "mallory", "typo", posts=False)
    leave_open(books, books.root / ".reconciler" / "daybook.db")
    (books.root / ".gitignore").write_text(".reconciler/\n")
    brought(checkout, github, "mallory", "more")
    assert "USD 5,000,000.00 is open since an earlier run" in books.plan().said
    ended = books.apply()
    assert (ended.code, books.posted()) == (4, {}), ended.said
    assert "nobody approved it" in ended.said


def test_what_is_posted_after_a_forget_needs_approvals(checkout, github):
    """`forget` itself needs none: it writes the daybook alone."""
    books = checkout.books
    brought(checkout, github, "mallory", "rent")
    github.approve("alice")
    assert books.apply().code == 0
    number = books.number("rent")
    books.call("PUT", f"journal-entries/{number}/cancel")
    books.call("DELETE", f"journal-entries/{number}")
    text = (books.root / "rent.yaml").read_text()
    books.remove("rent")
    assert books.run("forget", "rent", "--auto-approve").code == 0
    books.write("rent.yaml", text)
    brought(checkout, github, "mallory", "again", posts=False)
    ended = books.apply()
    assert (ended.code, books.posted()) == (4, {}), ended.said
    assert f"no read finds what was forgotten: {number}" in ended.said
    github.approve("alice")
    assert books.apply().code == 0
    assert {*books.posted()} == {"rent"}


def test_a_policy_is_not_loosened_by_the_change_that_posts(checkout, github):
    books = checkout.books
    brought(checkout, github, "mallory", "typo", posts=False)
    assert books.apply().code == 0
    books.settings(spec="{}")
    brought(checkout, github, "mallory", "accrual")
    assert "the policy changed since the last apply (approvals)" in books.plan().said
    ended = books.apply()
    assert (ended.code, books.posted()) == (4, {}), ended.said
