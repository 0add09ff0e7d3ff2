"""Who approved the head of a change and who wrote it, from what the forges document."""

import pytest
from forge_server import Fault, account, commit_of, gitlab_commit

from reconciler.core.model.review import Discarded, Written
from reconciler.errors import ForgeRefused

HEAD, NEXT, MERGED, EARLIER = "a" * 40, "b" * 40, "c" * 40, "e" * 40
DIGEST = "sha256:" + "d" * 64


def approvers(review):
    return [approval.who for approval in review.approvals]


def dismissed(server):
    server.approve("alice")
    server.reviews[-1]["state"] = "DISMISSED"


def changed_mind(server):
    server.approve("alice")
    server.approve("alice", state="CHANGES_REQUESTED")


def commented_after(server):
    server.approve("alice")
    server.approve("alice", state="COMMENTED")


def approved_again(server):
    server.approve("alice", state="CHANGES_REQUESTED")
    server.approve("alice")


def on_an_older_commit(server):
    server.approve("alice")
    server.push(NEXT, "mallory")


def a_deleted_account(server):
    server.approve("alice")
    server.reviews[-1]["user"] = None


@pytest.mark.parametrize(
    ("happens", "counted"),
    [
        pytest.param(lambda server: server.approve("alice"), ["alice"], id="approved"),
        pytest.param(dismissed, [], id="dismissed"),
        pytest.param(changed_mind, [], id="changes requested since"),
        pytest.param(commented_after, ["alice"], id="a comment since"),
        pytest.param(approved_again, ["alice"], id="approved at last"),
        pytest.param(on_an_older_commit, [], id="another commit since"),
        pytest.param(a_deleted_account, [], id="an account that is gone"),
        pytest.param(lambda server: server.approve("carol"), [], id="may only read"),
        pytest.param(lambda server: server.approve("stranger"), [], id="a stranger"),
        pytest.param(lambda server: server.approve("odd/../name"), [], id="an odd name"),
        pytest.param(
            lambda server: (
                [server.approve(f"user-{at}") for at in range(9)] + [server.approve("bob")]
            ),
            ["bob"],
            id="on the last page",
        ),
    ],
)
def test_an_approval_of_the_head_by_who_may_write_counts(github, speak, happens, counted):
    happens(github)
    assert approvers(speak(github).review(7, commit=None)) == counted


def test_what_does_not_count_says_why(github, speak):
    github.approve("alice", at=NEXT)
    github.approve("carol")
    assert speak(github).review(7, commit=None).discarded == (
        Discarded(who="alice", why="approved bbbbbbbbbb, which is not the head"),
        Discarded(who="carol", why="has no write permission in the repository"),
    )


def test_a_review_names_the_digests_in_its_text(github, speak):
    github.approve("alice", body=f"Read {DIGEST}, not {DIGEST}a and not sha256:0.")
    (approval,) = speak(github).review(7, commit=None).approvals
    assert (approval.digests, approval.evidence, approval.weak) == ((DIGEST,), "review 1", False)


# The servers of these tests are at 127.0.0.1, which is the host of their private addresses.
NO_REPLY = "12345+dave-as-he-was@users.noreply.127.0.0.1"
UNSIGNED = commit_of(NEXT, "erin") | {
    "commit": commit_of(NEXT, "erin")["commit"] | {"verification": {"verified": False}}
}


@pytest.mark.parametrize(
    ("commit", "names", "flaws"),
    [
        pytest.param(commit_of(NEXT, "erin"), ["mallory", "erin"], 0, id="its author"),
        pytest.param(
            commit_of(NEXT, "erin", committer="frank"), ["mallory", "erin", "frank"], 0,
            id="its committer",
        ),
        pytest.param(
            commit_of(NEXT, "erin", message=f"Change\n\nCo-authored-by: Dave <{NO_REPLY}>"),
            ["mallory", "erin", "dave"], 0, id="a co-author",
        ),
        pytest.param(
            commit_of(NEXT, "erin", message="Change\n\nco-Authored-By: M <MALLORY@example.com>"),
            ["mallory", "erin"], 0, id="a co-author whom another commit names",
        ),
        pytest.param(
            commit_of(NEXT, None, email=NO_REPLY), ["mallory", "dave"], 0, id="a private address"
        ),
        *(
            pytest.param(commit_of(NEXT, None, email=address), ["mallory"], 1, id=address)
            for address in (
                "who@example.com",
                "12345+dave@users.noreply.example.org",
                "dave@users.noreply.127.0.0.1",
                "999+dave@users.noreply.127.0.0.1",
            )
        ),
        pytest.param(UNSIGNED, ["mallory", "erin"], 1, id="GitHub's name without its signature"),
        pytest.param(
            commit_of(NEXT, "erin", message="Change\n\nCo-authored-by: X <x@example.com>"),
            ["mallory", "erin"], 1, id="a co-author without an account",
        ),
    ],
)  # fmt: skip
def test_everybody_who_wrote_a_part_is_an_author(github, speak, commit, names, flaws):
    github.commits.append(commit)
    found = speak(github).review(7, commit=None)
    assert (list(found.authors), len(found.flaws)) == (names, flaws)


def test_who_pushed_is_an_author_too(github, speak):
    github.activities = [
        {"activity_type": "branch_deletion", "actor": account("erin")},
        {"activity_type": "force_push", "actor": account("alice")},
        {"activity_type": "pr_merge", "actor": account("bob")},
        {"activity_type": "push", "actor": account("frank")},
    ]
    assert len(github.activities) > github.cap
    assert speak(github).review(7, commit=None).authors == ("mallory", "alice", "bob", "frank")


@pytest.mark.parametrize("status", [403, 404, 422])
def test_pushers_out_of_sight_leave_authors_unknown(github, gitlab, speak, status):
    for server, path in ((github, "/activity"), (gitlab, "/events")):
        server.faults.append(Fault(method="GET", path=path, status=status))
        (flaw,) = speak(server).review(7, commit=None).flaws
        assert "it is unknown who pushed the change" in flaw.message


@pytest.mark.parametrize(
    ("last", "flaws"),
    [
        pytest.param({}, ["bob requested changes of pull request #7"], id="asked for"),
        pytest.param({"at": NEXT}, ["bob requested changes of pull request #7"], id="and pushed"),
        pytest.param({"state": "DISMISSED"}, [], id="dismissed"),
        pytest.param({"login": "carol"}, [], id="of who may only read"),
    ],
)
def test_who_asks_for_changes_holds_an_apply_up(github, speak, last, flaws):
    github.approve("alice")
    github.approve(**{"login": "bob", "state": "CHANGES_REQUESTED", **last})
    found = speak(github).review(7, commit=None)
    assert [flaw.message for flaw in found.flaws] == flaws
    assert all("dismiss the review" in flaw.remedy for flaw in found.flaws)


@pytest.mark.parametrize(
    ("into", "asked", "fact"),
    [
        pytest.param("main", {}, "", id="the default branch"),
        pytest.param("scratch", {}, "is scratch, but the applied branch is main", id="another"),
        pytest.param("release", {"branch": "release"}, "", id="the branch of the job"),
        pytest.param(
            "main", {"branch": "release"}, "but the applied branch is release", id="not the job's"
        ),
        pytest.param("", {}, "is unknown, but the applied branch is main", id="no branch is told"),
        pytest.param("main", {"merged": True}, "#7 is not merged", id="still open"),
    ],
)
def test_a_change_is_reviewed_for_the_branch_that_is_applied(
    github, gitlab, speak, into, asked, fact
):
    github.pull["base"]["ref"] = gitlab.request["target_branch"] = into
    for server in (github, gitlab):
        found = speak(server).review(7, commit=HEAD, **asked).flaws
        assert [fact.lstrip("#7") in one.message for one in found] == [True] * bool(fact)


def test_more_commits_than_are_listed_leave_authors_unknown(github, speak):
    github.cap = 100
    github.commits = [commit_of(f"{at:040x}", "mallory") for at in range(250)]
    (flaw,) = speak(github).review(7, commit=None).flaws
    assert "250 commits or more" in flaw.message


@pytest.mark.parametrize(
    ("merge", "flaw"),
    [
        pytest.param({}, "", id="by the button"),
        pytest.param({"by_button": False, "tree": "reviewed"}, "", id="by hand, the same files"),
        pytest.param({"by_button": False}, "was not merged by GitHub", id="by hand, other files"),
    ],
)
def test_what_is_applied_is_what_github_made_of_the_head(github, speak, merge, flaw):
    github.approve("alice")
    github.merge(MERGED, **merge)
    forge = speak(github)
    assert forge.changes_of(MERGED) == (7,)
    found = forge.review(7, commit=MERGED)
    assert approvers(found) == ["alice"]
    assert [flaw in one.message for one in found.flaws] == [True] * bool(flaw)


def test_another_commit_than_the_merge_has_no_review(github, speak):
    github.merge(MERGED)
    forge = speak(github)
    assert forge.changes_of(NEXT) == ()
    (flaw,) = forge.review(7, commit=NEXT).flaws
    assert "of pull request #7 nor its merge commit" in flaw.message


def test_the_head_of_an_open_pull_request_is_found(github, speak):
    assert speak(github).changes_of(HEAD) == (7,)


def test_a_token_that_may_not_see_reviews_is_refused(github, speak):
    with pytest.raises(ForgeRefused, match="Bad credentials"):
        speak(github, "ghs_revoked").review(7, commit=None)


# GitLab.


def pushed_since(server):
    server.approve("alice")
    server.push(NEXT, "mallory@example.com", "2026-01-31T09:00:00.000Z")


def pushed_and_approved_again(server):
    pushed_since(server)
    server.approvals.clear()
    server.approve("alice", "2026-01-31T11:00:00.000+01:00")


@pytest.mark.parametrize(
    ("happens", "counted"),
    [
        pytest.param(lambda server: server.approve("alice"), ["alice"], id="approved"),
        pytest.param(pushed_since, [], id="another commit since"),
        pytest.param(pushed_and_approved_again, ["alice"], id="approved again"),
        pytest.param(lambda server: server.approve("alice", None), [], id="no time told"),
        pytest.param(lambda server: server.approve("alice", "soon"), [], id="no time at all"),
        pytest.param(
            lambda server: server.approve("alice", "2026-01-30T12:00:00"), [], id="no zone"
        ),
    ],
)
def test_an_approval_since_the_head_was_pushed_counts(gitlab, speak, happens, counted):
    happens(gitlab)
    assert approvers(speak(gitlab).review(7, commit=None)) == counted


@pytest.mark.parametrize(
    ("state", "flaws"),
    [
        pytest.param(
            "requested_changes", ["bob requested changes of merge request !7"], id="asked"
        ),
        pytest.param("approved", [], id="approved since"),
        pytest.param("unreviewed", [], id="has not looked"),
    ],
)
def test_a_reviewer_who_asks_for_changes_holds_an_apply_up(gitlab, speak, state, flaws):
    gitlab.approve("alice")
    gitlab.reviewers = [{"user": {"username": f"somebody-{n}"}, "state": "reviewed"} for n in "123"]
    gitlab.reviewers.append({"user": {"username": "bob"}, "state": state})
    assert len(gitlab.reviewers) > gitlab.cap
    found = speak(gitlab).review(7, commit=None)
    assert [flaw.message for flaw in found.flaws] == flaws
    assert all("remove them from its reviewers" in flaw.remedy for flaw in found.flaws)


def test_a_note_of_the_approver_names_the_digest(gitlab, speak):
    gitlab.approve("alice")
    gitlab.comment("alice", f"Fine: {DIGEST}")
    gitlab.comment("mallory", "sha256:" + "e" * 64)
    (approval,) = speak(gitlab).review(7, commit=None).approvals
    assert approval.digests == (DIGEST,)


@pytest.mark.parametrize(
    ("commit", "apart", "names", "flaws"),
    [
        pytest.param(
            gitlab_commit(NEXT, "alice@example.com"), False, ["mallory", "alice"], 0,
            id="a public address",
        ),
        pytest.param(
            gitlab_commit(NEXT, "5-dave-as-he-was@users.noreply.127.0.0.1"), False,
            ["mallory", "dave"], 0, id="a private address",
        ),
        pytest.param(
            gitlab_commit(NEXT, "who@example.com"), False, ["mallory"], 2, id="nobody's address"
        ),
        pytest.param(
            gitlab_commit(NEXT, "who@example.com"), True, ["mallory"], 0,
            id="nobody's address, where committers cannot approve",
        ),
        pytest.param(
            gitlab_commit(NEXT, "mallory@example.com", "x\n\nCo-authored-by: W <who@example.com>"),
            True, ["mallory"], 1, id="a co-author, who can approve all the same",
        ),
    ],
)  # fmt: skip
def test_addresses_lead_to_accounts(gitlab, speak, commit, apart, names, flaws):
    gitlab.commits.append(commit)
    gitlab.settings = {
        "merge_requests_author_approval": not apart,
        "merge_requests_disable_committers_approval": apart,
    }
    found = speak(gitlab).review(7, commit=None)
    assert (list(found.authors), len(found.flaws)) == (names, flaws)


@pytest.mark.parametrize(
    ("commit", "address", "names", "flaws"),
    [
        pytest.param(EARLIER, "alice@example.com", ("alice",), 0, id="somebody known"),
        pytest.param("a" * 40, "who@example.com", (), 0, id="of the change itself"),
        pytest.param(MERGED, "who@example.com", (), 0, id="what it was merged as"),
        pytest.param(EARLIER, "who@example.com", (), 2, id="of an earlier change"),
    ],
)
def test_committers_are_kept_from_approving_their_own_change_alone(
    gitlab, speak, commit, address, names, flaws
):
    gitlab.settings = {
        "merge_requests_author_approval": False,
        "merge_requests_disable_committers_approval": True,
    }
    gitlab.merge(MERGED)
    written = Written(commit=commit, author=address, committer=address, message="Change")
    people, found = speak(gitlab).writers((written,), change=7)
    assert (people, len(found)) == (names, flaws)
    gitlab.commits.append(gitlab_commit(NEXT, "who@example.com"))
    assert len(speak(gitlab).review(7, commit=None).flaws) == 0
    earlier, unknown = speak(gitlab).people_of(7)
    assert (earlier, len(unknown)) == (("mallory",), 2)


def test_who_pushed_the_branch_is_an_author_too(gitlab, speak):
    gitlab.events = [
        {"author_username": "alice", "push_data": {"ref": "change"}},
        *[{"author_username": "bob", "push_data": {"ref": "main"}}] * 4,
        {"author_username": "erin", "push_data": {"ref": "change"}},
    ]
    assert len(gitlab.events) > gitlab.cap
    assert speak(gitlab).review(7, commit=None).authors == ("mallory", "alice", "erin")


def test_the_merge_request_of_a_merged_commit_is_found(gitlab, speak):
    gitlab.approve("alice")
    gitlab.merge(MERGED)
    forge = speak(gitlab)
    assert (forge.changes_of(MERGED), forge.changes_of(NEXT)) == ((7,), ())
    assert forge.review(7, commit=MERGED).flaws == ()
    (flaw,) = forge.review(7, commit=NEXT).flaws
    assert "of merge request !7 nor its merge commit" in flaw.message
