"""A change from its first push to the books: planned, commented, approved, merged, applied."""

import json
import subprocess

import pytest
from books_harness import entry, reconciler
from checkouts import PEOPLE, POLICY, TOKEN, Checkout, job
from forge_server import BOT, Fault


def about_the_pull_request(books, server, tmp_path, head):
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": head}}}))
    server.pull["head"]["sha"] = head
    job(books, server, GITHUB_EVENT_PATH=str(event), GITHUB_SHA="f" * 40)


def planned(books, tmp_path):
    file = tmp_path / "plan.json"
    ended = books.plan("--out", file)
    assert ended.code == 0, ended.said
    return file, json.loads(file.read_text())["digest"], ended


def commented(books, file, tmp_path, *more):
    """The comment as a job makes it that has the plan, a token, and nothing else."""
    books_env, elsewhere = books.env, tmp_path / "nothing"
    elsewhere.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in books_env.items():
            patch.setenv(name, value)
        ended = reconciler("comment", file, "--environment", "production", *more, cwd=elsewhere)
    assert ended.code == 0, ended.said
    return ended


def test_a_change_is_applied_as_it_was_approved(checkout, github, tmp_path):
    books = checkout.books
    checkout.branch("change")
    books.declare("accrual")
    first = checkout.commit("Accrue")
    assert books.run("validate").code == 0
    about_the_pull_request(books, github, tmp_path, first)
    file, digest, ended = planned(books, tmp_path)
    assert "1 required before an apply" in ended.out
    assert commented(books, file, tmp_path).err == "Commented on pull request #7.\n"
    (comment,) = github.comments
    assert comment["user"]["login"] == BOT
    assert digest in comment["body"]
    assert "none counts" in comment["body"]

    books.edit("accrual.yaml", "Jan-2026", "Feb-2026")
    books.edit("accrual.yaml", "2026-01-31", "2026-02-28")
    second = checkout.commit("Accrue in February")
    about_the_pull_request(books, github, tmp_path, second)
    file, newer, _ = planned(books, tmp_path)
    assert commented(books, file, tmp_path).err == "Updated the comment on pull request #7.\n"
    (comment,) = github.comments
    assert comment["body"].count(digest) == 1, "the earlier plan is in the history"
    assert f"Digest: `{newer}`" in comment["body"]

    github.approve("mallory")
    commented(books, file, tmp_path)
    assert "wrote or pushed a part of the change" in github.comments[0]["body"]
    github.approve("alice", at=first)

    merged = checkout.merge("change")
    github.merge(merged)
    job(books, github, GITHUB_SHA=merged)
    refused = books.run("apply", "--plan-digest", newer)
    assert refused.code == 4, refused.said
    assert "which is not the head" in refused.err
    assert "1 approval of pull request #7" in refused.err
    assert books.posted() == {}

    github.approve("alice", body=f"Read and fine: {newer}")
    report = tmp_path / "report.json"
    applied = books.run("apply", "--plan-digest", newer, "--report", report)
    assert applied.code == 0, applied.said
    assert set(books.posted()) == {"accrual"}
    told = json.loads(report.read_text())
    assert told["plan_digest"] == newer
    assert (told["approvals"]["commit"], told["approvals"]["change"]) == (
        second,
        "pull request #7",
    )
    assert told["approvals"]["given"] == [
        {
            "by": "alice",
            "evidence": "review 3",
            "weak": False,
            "digests": [newer],
            "commit": second,
        }
    ]
    assert TOKEN not in applied.said + refused.said + report.read_text() + file.read_text()


def test_more_money_needs_more_people(checkout, github, tmp_path):
    books = checkout.books
    checkout.branch("change")
    for at in range(3):
        books.declare(f"entry-{at}")
    head = checkout.commit("Accrue")
    about_the_pull_request(books, github, tmp_path, head)
    github.approve("alice")
    refused = books.apply("--format", "json")
    assert (refused.code, books.posted()) == (4, {})
    assert [row["rule"] for row in refused.json["approvals"]["missing"]] == ["approvals"]
    assert refused.json["refusals"] == refused.json["approvals"]["missing"]
    assert "2 approvals" in refused.err
    assert "USD 1,202.70 posted or cancelled, at least 1,000.00" in refused.err
    github.approve("bob")
    assert books.apply().code == 0


def test_a_merge_that_holds_more_than_the_approved_head_is_refused(checkout, github):
    """Whoever made it, and whatever the forge says of it."""
    books = checkout.books
    checkout.branch("change")
    books.declare("accrual")
    github.pull["head"]["sha"] = checkout.commit("Accrue")
    github.approve("alice")
    checkout.git("switch", "--quiet", "main")
    checkout.git("merge", "--quiet", "--no-ff", "--no-commit", "change", author="bob")
    books.declare("added")
    merged = checkout.commit("Merge", author="bob")
    github.merge(merged)
    job(books, github, GITHUB_SHA=merged)
    ended = books.apply()
    assert (ended.code, books.posted()) == (4, {}), ended.said
    assert "has content of its own" in ended.err


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("an edited file", "files of the workspace differ from the commit: accrual.yaml"),
        ("a new file", "files of the workspace differ from the commit: other.yaml"),
        ("an unwatched file", "files of the workspace differ from the commit: accrual.yaml"),
        ("an ignored file", "files of the workspace differ from the commit: hidden/one.yaml"),
        ("another commit", "is checked out, but approvals are for"),
        ("no pull request", "no pull request or merge request contains"),
    ],
)
def test_approvals_are_of_the_files_that_are_applied(checkout, github, tmp_path, what, message):
    books = checkout.books
    (books.root / ".gitignore").write_text("hidden/*\n")
    books.declare("accrual")
    head = checkout.commit("Accrue")
    about_the_pull_request(books, github, tmp_path, head)
    github.approve("alice")
    if what == "an edited file":
        books.edit("accrual.yaml", "2026-01-31", "2026-01-30")
    elif what == "an unwatched file":
        checkout.git("update-index", "--skip-worktree", "accrual.yaml")
        books.edit("accrual.yaml", "2026-01-31", "2026-01-30")
    elif what == "a new file":
        books.declare("other")
    elif what == "an ignored file":
        books.write("hidden/one.yaml", entry("hidden"))
    elif what == "another commit":
        checkout.git("commit", "--quiet", "--allow-empty", "--message", "Later")
    else:
        job(books, github, GITHUB_SHA=head)
        github.pull["head"]["sha"] = "e" * 40
    ended = books.apply()
    assert (ended.code, books.posted()) == (4, {}), ended.said
    assert message in ended.err


def test_a_workspace_outside_of_git_has_no_approvals(empty, github):
    empty.settings(spec=POLICY)
    empty.declare("accrual")
    job(empty, github, GITHUB_SHA="a" * 40)
    ended = empty.apply()
    assert ended.code == 4
    assert "is not in a git repository" in ended.err


@pytest.mark.parametrize(
    ("environment", "code", "message"),
    [
        ({"GITHUB_TOKEN": ""}, 8, "there is no token for GitHub"),
        ({"GITHUB_TOKEN": "ghs_revoked"}, 8, "GitHub returned HTTP 401 (Bad credentials)"),
        ({"GITHUB_ACTIONS": ""}, 1, "forge is unknown"),
    ],
)
def test_a_forge_that_cannot_be_asked_stops_the_apply(
    checkout, github, tmp_path, environment, code, message
):
    books = checkout.books
    books.declare("accrual")
    head = checkout.commit("Accrue")
    about_the_pull_request(books, github, tmp_path, head)
    books.env |= environment
    ended = books.apply("-v")
    assert (ended.code, books.posted()) == (code, {}), ended.said
    assert message in ended.err
    assert "ghs_revoked" not in ended.said


def test_without_a_policy_nobody_is_asked(empty, github):
    empty.declare("accrual")
    job(empty, github)
    assert empty.apply().code == 0
    assert github.sent == []


def test_a_comment_is_made_though_reviews_are_out_of_sight(checkout, github, tmp_path):
    books = checkout.books
    books.declare("accrual")
    about_the_pull_request(books, github, tmp_path, checkout.commit("Accrue"))
    file, _, _ = planned(books, tmp_path)
    denied = Fault(method="GET", path="reviews", status=403, body={"message": "Not you"})
    github.faults.append(denied)
    assert "Approvals were not read" in commented(books, file, tmp_path).err
    assert "could not be read" in github.comments[0]["body"]


def test_a_dry_run_asks_nobody(checkout, github, tmp_path):
    checkout.books.declare("accrual")
    file, digest, _ = planned(checkout.books, tmp_path)
    ended = commented(checkout.books, file, tmp_path, "--dry-run", "--commit", "A" * 40)
    assert ended.out.startswith("<!-- reconciler:acme%2Dbooks:production -->\n")
    assert f"{digest}@{'a' * 40}" in ended.out
    assert github.sent == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--commit", "main"], 64, "the full hash of a commit"),
        (["--pr", "0"], 64, "0 is not in the range"),
        (
            ["--forge", "github", "--repo", "acme/books"],
            1,
            "the pull request or merge request is not known",
        ),
    ],
)
def test_what_a_comment_needs_is_asked_for(checkout, tmp_path, arguments, code, message):
    checkout.books.declare("accrual")
    file, _, _ = planned(checkout.books, tmp_path)
    ended = reconciler("comment", file, *arguments)
    assert (ended.code, message in ended.err) == (code, True), ended.err


def test_a_plan_that_was_altered_is_not_shown(checkout, tmp_path):
    checkout.books.declare("accrual")
    file, _, _ = planned(checkout.books, tmp_path)
    file.write_text(file.read_text().replace('"required": 1', '"required": 0'))
    assert reconciler("comment", file, "--dry-run").code == 5


# Without a forge: what git alone tells.

TRAILERS = "{policy: {approvals: {tiers: [{required: 1}], evidence: git}}}"
GIT_POLICY = (
    "{policy: {approvals: {tiers: [{required: 1}], evidence: git, allowedSigners: signers}}}"
)


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """A key for everybody, and one that is on no list."""
    folder = tmp_path_factory.mktemp("keys")
    for name in (*PEOPLE, "stranger"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / name)]
        subprocess.run(made, check=True, stdin=subprocess.DEVNULL)
    return folder


@pytest.fixture
def signed(empty, keys, request):
    """A change that is not merged yet. Who approves by a trailer needs a policy that allows it."""
    what = request.node.callspec.params.get("what", "") if hasattr(request.node, "callspec") else ""
    by_trailer = what.startswith(("trailer ", "trailer-of-author "))
    listed = "".join(
        f'{PEOPLE[name]} namespaces="git" {(keys / f"{name}.pub").read_text()}' for name in PEOPLE
    )
    empty.write("signers", listed)
    empty.settings(spec=TRAILERS if by_trailer else GIT_POLICY)
    found = Checkout(empty)
    found.branch("change")
    empty.declare("accrual")
    found.commit("Accrue", author="mallory")
    return found


def with_key(keys, name):
    return ["-c", "gpg.format=ssh", "-c", f"user.signingKey={keys / name}.pub"]


def tag_by(keys, name, text="Approved"):
    def tag(checkout):
        checkout.git(*with_key(keys, name), "tag", "--sign", f"ok-{name}", "--message", text)

    return tag


LONG = pytest.mark.long
APPROVED = [
    pytest.param("tag alice", True, "the signed tag ok-alice, weak", id="a signed tag"),
    pytest.param("tag mallory", False, "wrote or pushed", id="a tag of the author's"),
    pytest.param(
        "tag stranger", False, "none counts", id="a tag by a key on no list", marks=pytest.mark.long
    ),
    pytest.param("tag unsigned", False, "none counts", id="a tag that nobody signed"),
    pytest.param(
        "tag moved", False, "none counts", id="a tag on another commit", marks=pytest.mark.long
    ),
    pytest.param("trailer alice", True, "a trailer of the commit, weak", id="a trailer"),
    pytest.param(
        "trailer-beside-keys alice",
        False,
        "allowedSigners requires signatures",
        id="a trailer where keys are listed",
    ),
    pytest.param(
        "trailer-of-author alice",
        False,
        "a trailer that an author of the change wrote",
        id="a trailer in the author's own words",
    ),
    pytest.param(
        "trailer mallory",
        False,
        "wrote or pushed",
        id="a trailer of the author's",
        marks=pytest.mark.long,
    ),
    pytest.param("merge alice", True, "the signature of the merge, weak", id="a signed merge"),
    pytest.param(
        "merge mallory",
        False,
        "wrote or pushed",
        id="a merge signed by the author",
        marks=pytest.mark.long,
    ),
    pytest.param("evil alice", False, "wrote or pushed", id="a merge with something added"),
]


@pytest.mark.parametrize(("what", "accepted", "message"), APPROVED)
def test_git_alone_tells_who_approved(signed, keys, what, accepted, message):
    how, name = what.split()
    if how == "merge":
        sign = [*with_key(keys, name), "-c", "commit.gpgSign=true"]
        signed.git("switch", "--quiet", "main")
        signed.git(*sign, "merge", "--quiet", "--no-ff", "-m", "Merge", "change", author=name)
    elif how == "evil":
        sign = [*with_key(keys, name), "-c", "commit.gpgSign=true"]
        signed.git("switch", "--quiet", "main")
        signed.git("merge", "--quiet", "--no-ff", "--no-commit", "change", author=name)
        signed.books.declare("added")
        signed.git("add", "--all")
        signed.git(*sign, "commit", "--quiet", "-m", "Merge", author=name)
    elif how.startswith("trailer"):
        text = f"Merge\n\nReviewed-by: {name} <{PEOPLE[name]}>"
        who = "mallory" if how == "trailer-of-author" else "bob"
        signed.merge("change", message=text, author=who)
    else:
        signed.merge("change")
        if name == "unsigned":
            signed.git("tag", "--annotate", "ok", "--message", "Approved")
        elif name == "moved":
            signed.git(*with_key(keys, "alice"), "tag", "-s", "ok", "-m", "ok", "HEAD^1")
        else:
            tag_by(keys, name)(signed)
    ended = signed.books.apply()
    assert (ended.code, bool(signed.books.posted())) == ((0, True) if accepted else (4, False))
    assert message in ended.err


@pytest.mark.parametrize("what", ["trailer of nobody", "tag of nobody"])
def test_git_alone_tells_what_is_missing_and_the_way_out_works(signed, keys, what):
    """The remedy names what the policy counts: signatures where it lists keys, else trailers."""
    head = signed.git("rev-parse", "HEAD").strip()
    merged = signed.merge("change", author="mallory")
    refused = signed.books.apply()
    said = " ".join(refused.err.split())
    assert refused.code == 4
    assert f"1 approval of commit {merged[:10]} is required, and none counts" in said
    if what.startswith("tag"):
        assert "sign a tag on the commit; then apply again." in said
        assert "Reviewed-by" not in said
        tag_by(keys, "alice")(signed)
    else:
        assert "none of its authors, with a Reviewed-by trailer of somebody other than" in said
        assert "not counted: signatures are not read: policy.approvals.allowedSigners" in said
        signed.git("reset", "--quiet", "--hard", f"{merged}^1")
        signed.git("switch", "--quiet", "-C", "change", head)
        text = f"Merge\n\nReviewed-by: alice <{PEOPLE['alice']}>"
        signed.merge("change", message=text, author="bob")
    ended = signed.books.apply()
    assert ended.code == 0, ended.said


def test_a_merge_of_several_changes_is_refused(checkout, github):
    """Octopus: git makes it of all its parents, of which only one was approved."""
    books = checkout.books
    checkout.branch("change")
    books.declare("accrual")
    github.pull["head"]["sha"] = checkout.commit("Accrue")
    github.approve("alice")
    checkout.git("switch", "--quiet", "main")
    checkout.branch("other")
    books.declare("added")
    checkout.commit("Add")
    merged = checkout.merge("change", "other", message="Octopus")
    github.merge(merged)
    job(books, github, GITHUB_SHA=merged)
    ended = books.apply()
    assert (ended.code, books.posted()) == (4, {}), ended.said
    assert "has 3 parents" in ended.err


def test_a_list_of_keys_outside_of_the_workspace_is_none(signed):
    (signed.books.root / "signers").unlink()
    (signed.books.root / "signers").symlink_to("/etc/hostname")
    signed.commit("Move the list away")
    ended = signed.books.apply()
    assert ended.code in (1, 3), ended.said
    assert signed.books.posted() == {}


@pytest.mark.parametrize(
    "address",
    [
        "http://ci.example.com/plan.html",
        "plan.html",
        "https://me:pass@ci.example.com/",
        "https://x",
    ],
)
def test_a_report_is_linked_over_https_alone(checkout, tmp_path, address):
    books = checkout.books
    books.declare("accrual")
    file = tmp_path / "plan.json"
    books.plan("--offline", "--out", file)
    sound = "https://ci.example.com/jobs/7/plan.html"
    ended = reconciler("comment", file, "--dry-run", "--report-url", sound)
    assert f"Report: [<code>ci.example.com</code>]({sound})." in ended.out
    refused = reconciler("comment", file, "--dry-run", "--report-url", address)
    assert refused.code == 64
    assert "Give an https address" in refused.err
