"""Approvals count on evidence about people: what nobody can name makes them not count."""
# ruff: noqa: F811 - fixtures are imported, and named again where they are used

from dataclasses import replace

import pytest
from books_harness import credit, debit, process
from checkouts import brought, job
from forge_fixtures import (  # noqa: F401 - fixtures are found by their names here
    checkout,
    github,
    gitlab,
    no_forge,
    speak,
)
from forge_server import Fault, account, commit_of, gitlab_commit

from reconciler.core.model.review import Approval, Requirement, Review
from reconciler.core.planning.approvals import assess
from reconciler.errors import ForgeRefused
from reconciler.forge.protocol import MERGE
from reconciler.git.repository import Repository
from reconciler.git.unapplied import superseded

HEAD, NEXT, MERGED, OTHER = "a" * 40, "b" * 40, "c" * 40, "d" * 40
EARLY, LATE = "2026-01-30T11:00:00Z", "2026-01-30T13:00:00Z"
"""Before and after the approvals of these tests."""


def told(review):
    """What keeps one approval of a change from counting; empty when it counts."""
    found = assess(Requirement(approvals=1), review, digest="")
    if found.satisfied:
        return ""
    return "; ".join([*(one.why for one in found.discarded), *(x.message for x in found.missing)])


def pushed(who, **more):
    """The head is pushed by an account."""

    def happens(server):
        row = {"activity_type": "push", "actor": who and account(who), **more}
        server.activities.insert(0, row)
        server.approve("alice")

    return happens


def listed(rows, *, remembers=True):
    def happens(server):
        server.activities, server.remembers = rows, remembers
        server.approve("alice")

    return happens


def event(name, **more):
    def happens(server):
        server.approve("alice")
        server.events.append({"event": name, **more})

    return happens


def carried(people="alice", **more):
    """The branch got pull request 6 by a merge."""

    def happens(server):
        server.set_aside(6)
        six = server.earlier[6]
        six["pull"] |= {"merged": True, "merged_at": EARLY, "merge_commit_sha": HEAD}
        six["pull"]["base"] = {**six["pull"]["base"], "ref": "change"}
        six["pull"]["head"] = {**six["pull"]["head"], "ref": "six", "sha": OTHER}
        six["commits"] = [commit_of(OTHER, people)]
        six["activities"] = [{"activity_type": "push", "actor": account(people), **more}]
        server.activities = [{"activity_type": "pr_merge", "actor": account("bob")}]
        server.approve("alice")

    return happens


def approved(login="alice", **more):
    return lambda server: server.approve(login, **more)


def same_tree_pushed(server):
    server.approve("alice")
    server.push(NEXT, "mallory")


GITHUB = [
    (approved(), "", "approved"),
    (pushed("mallory"), "", "pushed by the author"),
    (pushed("alice"), "wrote or pushed a part", "pushed by the approver"),
    (pushed(None), "the push of aaaaaaaaaa names nobody", "pushed by nobody"),
    (pushed("ghost"), "names nobody", "pushed by a deleted account"),
    (pushed("github-actions[bot]"), "is not a person", "pushed by a workflow"),
    (pushed("acme", actor={"login": "acme", "type": "Organization"}), "not a person", "no person"),
    (pushed("mallory", actor={"login": "mallory"}), "not a person", "an account of no type"),
    (listed([], remembers=False), "no listed push of its branch led to", "activity is empty"),
    (
        listed([{"activity_type": "push", "actor": account("mallory")}], remembers=False),
        "no listed push of its branch led to", "activity does not go back to the creation",
    ),
    (pushed("mallory", before=OTHER, after=NEXT), "led to aaaaaaaaaa", "the head is not listed"),
    (
        listed([
            {"activity_type": "push", "actor": account("mallory"), "after": HEAD, "before": NEXT},
            {"activity_type": "push", "actor": account("mallory"), "after": OTHER, "before": NEXT},
        ]),
        "no listed push of its branch led to bbbbbbbbbb", "a push between two is not listed",
    ),
    (carried(), "wrote or pushed a part", "a merged pull request of the approver's"),
    (carried("mallory"), "", "a merged pull request of somebody else's"),
    (
        listed([{"activity_type": "merge_queue_merge", "actor": account("bob")}]),
        "no pull request is known", "a merge of no pull request",
    ),
    (carried("mallory", actor=None), "names nobody", "a merged pull request that nobody pushed"),
    (event("base_ref_changed", created_at=LATE), "before its target branch changed", "retargeted"),
    (event("automatic_base_change_succeeded", created_at=LATE), "target branch", "by GitHub"),
    (event("base_ref_force_pushed", created_at=LATE), "target branch", "another base"),
    (event("base_ref_changed"), "target branch", "retargeted at an unknown time"),
    (event("base_ref_changed", created_at=EARLY), "", "retargeted before the approval"),
    (event("renamed", created_at=LATE), "", "renamed"),
    (approved("mallory"), "wrote or pushed a part", "the author"),
    (approved("carol"), "no write permission", "a reader"),
    (approved("stranger"), "no write permission", "a stranger"),
    (approved("acme-app[bot]"), "is not the account of a person", "an app"),
    (approved(user={"login": "alice", "type": "Bot"}), "not the account of a person", "a bot"),
    (approved(user={"login": "alice"}), "not the account of a person", "of no type"),
    (approved(state="DISMISSED"), "none counts", "dismissed"),
    (approved(at=OTHER), "which is not the head", "another commit"),
    (same_tree_pushed, "which is not the head", "the head was pushed again"),
]  # fmt: skip


@pytest.mark.parametrize(("happens", "why"), [pytest.param(*row[:2], id=row[2]) for row in GITHUB])
def test_t22_an_approval_on_github_counts_only_with_its_evidence(
    github,
    speak,
    happens,
    why,
):
    happens(github)
    found = told(speak(github).review(7, commit=None))
    assert why in found if why else found == ""


@pytest.mark.parametrize("path", ["/permission", "/reviews", "/events"])
def test_t22_what_cannot_be_read_of_people_ends_the_run(github, speak, path):
    github.approve("alice")
    github.faults.append(Fault(method="GET", path=path, status=403, body={"message": "No"}))
    with pytest.raises(ForgeRefused):
        speak(github).review(7, commit=None)


def pushed_by(who, **data):
    def happens(server):
        row = {"author_username": who, "push_data": {"ref": "change", **data}}
        server.events.insert(0, row)
        server.approve("alice")

    return happens


def bulk(server):
    """Many branches were pushed at once: the event names none of them."""
    data = {"ref": None, "ref_count": 4, "commit_from": None, "commit_to": None}
    server.events = [{"author_username": "alice", "push_data": data}]
    server.remembers = False
    server.approve("alice")


def forgotten(server):
    pushed_by("mallory")(server)
    server.remembers = False


def hidden_between(server):
    pushed_by("mallory", commit_to=HEAD, commit_from=NEXT)(server)
    ends = {"commit_to": OTHER, "commit_from": NEXT}
    server.events.append({"author_username": "mallory", "push_data": {"ref": "change", **ends}})


def bot(who, pushes=True):
    def happens(server):
        server.bots.add(who)
        server.levels[who] = 40
        if pushes:
            pushed_by(who)(server)
        else:
            server.approve(who)

    return happens


def target_changed(at):
    def happens(server):
        server.approve("alice")
        body = "changed target branch from `dev` to `main`"
        note = {"id": 1, "author": {"username": "mallory"}, "system": True, "body": body}
        server.system_notes = [{**note, **({"created_at": at} if at else {})}]

    return happens


def level(access, who="alice"):
    def happens(server):
        server.levels.pop(who, None)
        if access:
            server.levels[who] = access
        server.approve(who)

    return happens


def carries(pusher):
    """The branch got merge request 6 by a merge."""

    def happens(server):
        merged = {"state": "merged", "merge_commit_sha": HEAD, "target_branch": "change"}
        six = {**server.request, **merged, "iid": 6, "sha": OTHER, "source_branch": "six"}
        commits = [gitlab_commit(OTHER, "mallory@example.com")]
        server.earlier[6] = {"request": six, "commits": commits, "pushed_by": pusher}
        server.approve("alice")

    return happens


def pushed_again(server):
    server.approve("alice")
    server.push(NEXT, "mallory@example.com", LATE)


def without_an_account(server):
    server.approve("alice")
    del server.approvals[0]["user"]["id"]


GITLAB = [
    (approved(), "", "approved"),
    (pushed_by("mallory"), "", "pushed by the author"),
    (pushed_by("alice"), "wrote or pushed a part", "pushed by the approver"),
    (bulk, "no listed push of its branch led to", "pushed with many branches"),
    (pushed_by("ghost"), "names nobody", "pushed by a deleted account"),
    (pushed_by(""), "names nobody", "pushed by nobody"),
    (pushed_by("project_77_bot_0a1"), "is not a person", "pushed with a project access token"),
    (bot("robot"), "is not a person", "pushed by a bot"),
    (pushed_by("mallory", ref="other"), "", "another branch"),
    (pushed_by("mallory", ref_type="tag"), "no listed push", "a tag of the same name"),
    (forgotten, "no listed push of its branch led to", "events older than GitLab keeps"),
    (hidden_between, "led to bbbbbbbbbb", "a push between two is not listed"),
    (carries("mallory"), "", "a merged merge request of somebody else's"),
    (carries("alice"), "wrote or pushed a part", "a merged merge request of the approver's"),
    (carries("ghost"), "names nobody", "a merged merge request that nobody pushed"),
    (target_changed(LATE), "its target branch changed", "retargeted"),
    (target_changed(None), "at an unknown time", "retargeted at an unknown time"),
    (target_changed(EARLY), "", "retargeted before the approval"),
    (level(20), "no write permission in the project", "a reporter"),
    (level(0), "no write permission in the project", "no member"),
    (level(30), "", "a developer"),
    (bot("robot", pushes=False), "is not the account of a person", "approved by a bot"),
    (without_an_account, "is not the account of a person", "approved by no account"),
    (level(40, "mallory"), "wrote or pushed a part", "the author"),
    (pushed_again, "before the head was pushed", "the head was pushed again"),
]  # fmt: skip


@pytest.mark.parametrize(("happens", "why"), [pytest.param(*row[:2], id=row[2]) for row in GITLAB])
def test_t22_an_approval_on_gitlab_counts_only_with_its_evidence(
    gitlab,
    speak,
    happens,
    why,
):
    gitlab.commits = [gitlab_commit(gitlab.request["sha"], "mallory@example.com")]
    happens(gitlab)
    found = told(speak(gitlab).review(7, commit=None))
    assert why in found if why else found == ""


def test_t22_a_change_that_was_closed_reviews_nothing(github, gitlab, speak):
    github.pull["state"], gitlab.request["state"] = "closed", "closed"
    assert speak(github).changes_of(HEAD) == speak(gitlab).changes_of(HEAD) == ()


def test_t22_a_merge_into_another_branch_brings_nothing_to_this_one(github, gitlab, speak):
    github.merge(MERGED)
    gitlab.merge(MERGED)
    for server in (github, gitlab):
        forge = speak(server)
        assert (
            forge.brought_by(MERGED, branch="main") == forge.brought_by(MERGED, branch="") == (7,)
        )
    github.pull["base"]["ref"] = gitlab.request["target_branch"] = "scratch"
    for server in (github, gitlab):
        found = {speak(server).brought_by(MERGED, branch=branch) for branch in ("main", "")}
        assert found == {()}


def test_t22_what_was_pushed_to_the_branch_directly_stops_an_apply_and_has_a_way_out(
    checkout,
    github,
):
    """The remedy is followed to the letter, and ends in an apply."""
    books = checkout.books
    brought(checkout, github, "mallory", "first")
    github.approve("alice")
    assert books.apply().code == 0
    books.declare("direct")
    checkout.commit("Hurry", author="bob")
    brought(checkout, github, "mallory", "second")
    github.approve("alice")
    ended = books.apply()
    assert (ended.code, set(books.posted())) == (4, {"first"}), ended.said
    assert "was pushed to the branch directly" in ended.err
    for name in ("direct", "second"):
        (books.root / f"{name}.yaml").unlink()
    reverted = checkout.commit("Revert", author="bob")
    job(books, github, GITHUB_SHA=reverted)
    assert books.apply().code == 0
    brought(checkout, github, "mallory", "direct-again")
    github.approve("alice")
    ended = books.apply()
    assert (ended.code, set(books.posted())) == (0, {"first", "direct-again"}), ended.said


@pytest.mark.parametrize(
    ("actor", "code"),
    [
        pytest.param(account("dave"), 0, id="a person"),
        pytest.param(None, 4, id="nobody"),
        pytest.param(account("github-actions[bot]"), 4, id="a workflow"),
        pytest.param(account("alice"), 4, id="the approver"),
    ],
)
def test_t22_before_the_first_apply_a_direct_push_needs_a_name(
    checkout,
    github,
    actor,
    code,
):
    root = checkout.git("rev-list", "--max-parents=0", "HEAD")
    brought(checkout, github, "mallory", "first")
    github.pushed_to_main[root] = actor
    github.approve("alice")
    assert checkout.books.apply().code == code


@pytest.mark.parametrize("way", ["approve", "apply it first"])
def test_t22_an_earlier_change_that_was_not_applied_needs_its_approvals_too(checkout, github, way):
    """It is posted together with the present one. Each way out is followed to the letter."""
    books = checkout.books
    first = brought(checkout, github, "mallory", "first")
    github.approve("alice")
    brought(checkout, github, "mallory", "second", amount="5000.00")
    for approver in ("alice", "bob"):
        github.approve(approver)
    ended = books.apply()
    assert (ended.code, books.posted()) == (4, {}), ended.said
    said = " ".join(ended.said.split())
    assert "2 approvals of pull request #6 at" in said
    assert f"approve pull request #6 at {github.earlier[6]['pull']['head']['sha'][:10]}" in said
    assert f"Or check out {first[:10]} and apply it first." in said
    if way == "approve":
        approval = {**github.reviews[1], "commit_id": github.earlier[6]["pull"]["head"]["sha"]}
        github.earlier[6]["reviews"].append(approval)
    else:
        checkout.git("switch", "--quiet", "--detach", first)
        job(books, github, GITHUB_SHA=first)
        ended = books.apply()
        assert (ended.code, set(books.posted())) == (0, {"first"}), ended.said
        checkout.git("switch", "--quiet", "main")
        job(books, github, GITHUB_SHA=checkout.git("rev-parse", "HEAD"))
    ended = books.apply()
    assert (ended.code, set(books.posted())) == (0, {"first", "second"}), ended.said


@pytest.mark.parametrize(
    ("undone_by", "lacking"),
    [
        pytest.param((), False, id="whole"),
        pytest.param(("--target", "first"), False, id="partial"),
        pytest.param((), True, id="by a commit that the checkout lacks"),
    ],
)
def test_t22_what_was_approved_and_undone_is_not_applied_again(
    checkout, github, undone_by, lacking, tmp_path
):
    """The approvals of a commit are there for ever, and its plan has the same digest again."""
    books = checkout.books
    before = brought(checkout, github, "mallory", "stays")
    github.approve("alice")
    assert books.apply().code == 0
    first = brought(checkout, github, "mallory", "first")
    github.approve("alice")
    reviewed = books.plan("--format", "json").json["digest"]
    assert books.apply("--plan-digest", reviewed).code == 0
    books.remove("first")
    undone = brought(checkout, github, "mallory", "undo", posts=False)
    for approver in ("alice", "bob"):
        github.approve(approver)
    ended = books.apply(*undone_by)
    assert (ended.code, set(books.posted())) == (0, {"stays"}), ended.said
    # An apply without changes needs no approval. It does not make the next commit a new one.
    checkout.git("switch", "--quiet", "--detach", before)
    job(books, github, GITHUB_SHA=before)
    assert books.apply().code == 0
    checkout.git("switch", "--quiet", "--detach", first)
    job(books, github, GITHUB_SHA=first)
    if lacking:
        elsewhere = str(tmp_path / "elsewhere.git")
        checkout.git("clone", "--quiet", "--bare", ".", elsewhere)
        checkout.git("branch", "--quiet", "-D", "main", "undo")
        checkout.git("reflog", "expire", "--expire=now", "--all")
        checkout.git("gc", "--quiet", "--prune=now")
        ended = books.apply("--plan-digest", reviewed)
        assert (ended.code, set(books.posted())) == (4, {"stays"}), ended.said
        said = " ".join(ended.said.split())
        assert f"{undone[:10]} was applied and is not in the checkout" in said
        assert "If the commit is in no branch, fetch it by its hash." in said
        checkout.git("fetch", "--quiet", elsewhere, undone)
        checkout.git("fetch", "--quiet", elsewhere, "main:main")
    ended = books.apply("--plan-digest", reviewed)
    assert (ended.code, set(books.posted())) == (4, {"stays"}), ended.said
    said = " ".join(ended.said.split())
    assert f"approval-evidence: {first[:10]} is older than {undone[:10]}, which was applied" in said
    assert f"Check out {undone[:10]} or a later commit." in said
    checkout.git("switch", "--quiet", "main")
    job(books, github, GITHUB_SHA=undone)
    assert books.apply().code == 0
    books.declare("first", debit("400.90"), credit("400.90"))
    brought(checkout, github, "mallory", "again", posts=False)
    github.approve("alice")
    ended = books.apply()
    assert (ended.code, set(books.posted())) == (0, {"stays", "first"}), ended.said


def test_t22_many_applied_commits_are_compared_in_one_question(checkout):
    """Their hashes are more than a command line holds. Those before the last apply may be gone."""
    gone = tuple(f"{number:040x}" for number in range(60_000))
    made = []
    for name in ("first", "last"):
        checkout.books.write(f"{name}.txt", name)
        made.append(checkout.commit(name))
    first, last = made
    repository = Repository.around(checkout.books.root)
    assert [*superseded(repository, last, (*gone, first), first)] == []
    (older,) = superseded(repository, first, (*gone, last), last)
    assert older.message.startswith(f"{first[:10]} is older than {last[:10]}, which was applied")
    (lacking,) = superseded(repository, last, (first, *gone), first)
    assert lacking.message.startswith(f"{gone[-1][:10]} was applied and is not in the checkout")


def test_t22_the_digest_of_the_plan_is_named_by_the_approval_of_the_last_change():
    """An earlier change was approved with its own plan, and the present plan holds both."""
    named = Approval(who="alice", evidence="review 1", digests=("sha256:old",))
    review = Review(change="pull request #6", commit=HEAD, approvals=(named,), earlier=True)
    binding = Requirement(approvals=1, bind_digest=True)
    assert assess(binding, review, digest="sha256:new").satisfied
    assert not assess(binding, replace(review, earlier=False), digest="sha256:new").satisfied


def test_t22_a_change_is_judged_by_the_commit_that_it_was_merged_as(github, gitlab, speak):
    for server in (github, gitlab):
        server.merge(MERGED)
        review = speak(server).review(7, commit=MERGE, merged=True)
        assert review.applied == MERGED
    gitlab.request["merge_commit_sha"] = None  # a fast-forward
    assert speak(gitlab).review(7, commit=MERGE, merged=True).applied == HEAD


def test_t22_every_pull_request_that_a_commit_merges_needs_its_approval(
    checkout,
    github,
):
    """One push merged both. The real command reads them, in a process of its own."""
    books = checkout.books
    merged = brought(checkout, github, "mallory", "first")
    github.set_aside(6)
    github.approve("alice")
    command, place = ("apply", "-y", "-w", books.root), {"env": books.env}
    ended = process(*command, **place)
    assert (ended.code, books.posted()) == (4, {}), ended.said
    assert "1 approval of pull request #6" in ended.err
    github.earlier[6]["reviews"] = [{**github.reviews[0], "user": account("bob")}]
    assert github.earlier[6]["pull"]["merge_commit_sha"] == merged
    ended = process(*command, **place)
    assert (ended.code, set(books.posted())) == (0, {"first"}), ended.said
