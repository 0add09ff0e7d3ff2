"""Approvals cover all that is applied, and not only what the last merge brought."""

import pytest
from books_fixtures import (  # noqa: F401 - fixtures are found by their names here
    empty,
    empty_template,
    opened,
    plain_environment,
)
from forge_server import commit_of
from test_forge_life import (  # noqa: F401 - fixtures are found by their names here
    checkout,
    job,
    no_forge,
)


def brought(checkout, github, author, name):  # noqa: F811 - a fixture's name
    """A change that is merged, with nobody's approval yet."""
    checkout.branch(name)
    checkout.books.write(f"{name}.txt", "words")
    if name != "typo":
        checkout.books.declare(name)
    head = checkout.commit(name, author=author)
    github.reviews = []
    github.pull |= {"state": "open", "merged": False, "user": {"login": author}}
    github.pull["head"]["sha"] = head
    github.commits = [commit_of(head, author)]
    merged = checkout.merge(name, author="bob")
    github.merge(merged)
    job(checkout.books, github, GITHUB_SHA=merged)


@pytest.mark.parametrize(("approver", "code"), [("mallory", 4), ("bob", 0)])
def test_who_wrote_what_an_earlier_apply_refused_cannot_approve_it_with_the_next_change(
    checkout,  # noqa: F811 - a fixture's name
    github,
    approver,
    code,
):
    books = checkout.books
    brought(checkout, github, "mallory", "accrual")
    assert books.apply().code == 4
    brought(checkout, github, "alice", "typo")
    github.approve(approver)
    ended = books.apply()
    assert (ended.code, bool(books.posted())) == (code, code == 0), ended.said


def test_what_was_applied_is_nobodys_any_more(checkout, github):  # noqa: F811
    books = checkout.books
    brought(checkout, github, "mallory", "accrual")
    github.approve("alice")
    assert books.apply().code == 0
    brought(checkout, github, "alice", "second")
    github.approve("mallory")
    ended = books.apply()
    assert ended.code == 0, ended.said


@pytest.mark.parametrize("how", ["shallow", "lost"])
def test_a_history_that_does_not_tell_is_refused(checkout, github, how):  # noqa: F811
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
