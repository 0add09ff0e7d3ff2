"""A saved plan names who prepared it and who approved it, or says why that is unknown."""

import json

import pytest
from checkouts import Checkout, job
from forge_server import Fault

OFFLINE = "an offline plan does not ask the forge"


def about_the_change(books, github, tmp_path, head):
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": head}}}))
    github.pull["head"]["sha"] = head
    job(books, github, GITHUB_EVENT_PATH=str(event), GITHUB_SHA="f" * 40)


def saved(books, tmp_path, *more):
    file = tmp_path / "plan.json"
    ended = books.plan("--out", file, *more)
    assert ended.code == 0, ended.said
    return json.loads(file.read_text())


@pytest.mark.parametrize(
    ("case", "prepared", "unknown"),
    [
        ("since the last apply", ["mallory@example.com", "co@example.com"], ""),
        ("never applied", ["mallory@example.com", "co@example.com", "dave@example.com"], ""),
        (
            "not committed",
            ["mallory@example.com", "co@example.com"],
            "files have changes that are not committed",
        ),
        ("shallow", [], "the checkout does not have the complete history"),
        ("no repository", [], "the workspace has no commit"),
    ],
)
def test_git_names_who_wrote_the_commits_since_the_last_apply(
    empty, tmp_path, case, prepared, unknown
):
    books, checkout = empty, Checkout(empty)
    if case not in ("never applied", "shallow"):
        books.declare("before")
        checkout.commit("Accrue before", author="dave")
        books.applied()
    books.declare("accrual")
    head = checkout.commit("Accrue\n\nCo-authored-by: Co <co@example.com>")
    if case == "not committed":
        books.edit("accrual.yaml", "Jan-2026", "Feb-2026")
        books.edit("accrual.yaml", "2026-01-31", "2026-02-28")
    if case == "shallow":
        (books.root / ".git" / "shallow").write_text(f"{head}\n")
    if case == "no repository":
        (books.root / ".git").rename(tmp_path / "git")
    document = saved(books, tmp_path, "--offline")
    found = document["sign_off"]
    assert found["prepared_by"] == prepared
    assert unknown in found["prepared_not_read"]
    assert bool(unknown) is bool(found["prepared_not_read"])
    assert (found["approved_by"], found["approved_not_read"]) == ([], OFFLINE)


@pytest.mark.parametrize("edited", [True, False])
def test_who_edits_inside_a_merge_prepared_it(empty, tmp_path, edited):
    """Otherwise an edit that no commit of the branch has would be nobody's."""
    books, checkout = empty, Checkout(empty)
    books.declare("before")
    checkout.commit("Accrue before", author="dave")
    books.applied()
    checkout.branch("change")
    books.declare("accrual")
    checkout.commit("Accrue")
    checkout.merge("change", "--no-commit")
    if edited:
        books.declare("accrual", notes="Edited in the merge")
    checkout.git("commit", "--all", "--quiet", "--message", "Merge", author="bob")
    found = saved(books, tmp_path)["sign_off"]
    assert found["prepared_by"] == ["bob@example.com"] * edited + ["mallory@example.com"]


def test_the_forge_names_who_prepared_and_who_approved(checkout, github, tmp_path):
    books = checkout.books
    checkout.branch("change")
    books.declare("accrual")
    head = checkout.commit("Accrue")
    about_the_change(books, github, tmp_path, head)
    before = saved(books, tmp_path)
    github.approve("alice")
    document = saved(books, tmp_path)
    found = document["sign_off"]
    assert before["digest"] == document["digest"], "an approval does not change the plan"
    assert found["prepared_by"] == ["mallory"]
    assert [(one["who"], one["commit"]) for one in found["approved_by"]] == [("alice", head)]
    assert (found["prepared_not_read"], found["approved_not_read"]) == ("", "")


def test_an_offline_plan_in_a_job_with_a_token_asks_nobody(checkout, github, tmp_path):
    books = checkout.books
    checkout.branch("change")
    books.declare("accrual")
    about_the_change(books, github, tmp_path, checkout.commit("Accrue"))
    found = saved(books, tmp_path, "--offline")["sign_off"]
    assert found["approved_not_read"] == OFFLINE
    assert "mallory@example.com" in found["prepared_by"]
    assert github.sent == []


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"GITHUB_ACTIONS": ""}, "the forge is unknown: this is not a job of GitHub Actions or"),
        ({"GITHUB_TOKEN": ""}, "there is no token for GitHub"),
        ({"GITHUB_EVENT_PATH": ""}, "the job is not for a pull request or merge request"),
        ({}, "GitHub returned HTTP 403"),
    ],
)
def test_what_cannot_be_read_is_said_and_stops_nothing(
    checkout, github, tmp_path, environment, said
):
    books = checkout.books
    books.declare("accrual")
    about_the_change(books, github, tmp_path, checkout.commit("Accrue"))
    books.env |= environment
    github.faults.append(Fault(method="GET", path="reviews", status=403, body={"message": "No"}))
    found = saved(books, tmp_path)["sign_off"]
    assert said in found["approved_not_read"]
    assert "mallory@example.com" in found["prepared_by"]


def test_nobody_approved_a_plan_that_approved_a_later_commit(checkout, github, tmp_path):
    books = checkout.books
    books.declare("accrual")
    about_the_change(books, github, tmp_path, checkout.commit("Accrue"))
    github.pull["head"]["sha"] = "e" * 40
    github.approve("alice")
    found = saved(books, tmp_path)["sign_off"]
    assert found["approved_by"] == []
    assert "the head of pull request #7 is eeeeeeeeee now" in found["approved_not_read"]
    assert "mallory@example.com" in found["prepared_by"]


def test_a_plan_does_not_wait_long_for_names(checkout, github, tmp_path):
    books = checkout.books
    books.declare("accrual")
    about_the_change(books, github, tmp_path, checkout.commit("Accrue"))
    slow = {"Retry-After": "31"}
    github.faults.append(Fault(method="GET", path="reviews", status=429, headers=slow))
    found = saved(books, tmp_path)["sign_off"]
    assert "GitHub returned HTTP 429" in found["approved_not_read"]


def test_a_report_names_who_prepared_what_needed_no_approval(empty, tmp_path):
    checkout = Checkout(empty)
    empty.declare("accrual")
    checkout.commit("Accrue")
    report = tmp_path / "report.json"
    assert empty.apply("--report", report).code == 0
    found = json.loads(report.read_text())["sign_off"]
    assert found["prepared_by"] == ["mallory@example.com", "dave@example.com"]
    assert found["approved_not_read"] == "the policy requires no approval of this plan"
