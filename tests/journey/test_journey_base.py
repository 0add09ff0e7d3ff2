"""Offline plans where nothing is known of the ledger: the difference to the base of the change."""

import json
import os
import re
import subprocess

import pytest
from books_harness import JOURNALS, Books, credit, debit, entry

BASE = ("kept", "edited", "corrected", "dropped", "moved", "renamed")
HISTORY = "fetch-depth: 0"


def amount(number):
    """Lines that no other entry has."""
    return debit(f"{number + 1}.00"), credit(f"{number + 1}.00")


class Clone:
    """A clone of a repository whose folder `journals` is a workspace without daybook."""

    def __init__(self, place, **identity):
        self.place, self.books = place, Books(place / "journals")
        self.books.env = identity

    def git(self, *words):
        ended = subprocess.run(
            ["git", *words], cwd=self.place, env=os.environ | IDENTITY,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return ended.stdout.strip()

    def commit(self, message="Change"):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def cloned(self, name, *options):
        there = self.place.with_name(name)
        self.git("clone", "--quiet", *options, f"file://{self.place}", str(there))
        return Clone(there)

    def planned(self, *options):
        """The document of an offline plan, and its actions by name."""
        document = self.books.plan_document("--offline", *options)
        return document, {one["name"]: one["action"] for one in document["changes"]}


IDENTITY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "dave"), ("EMAIL", "dave@example.com"))
} | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def origin(tmp_path):
    """The repository, with six entries on main."""
    place = tmp_path / "origin"
    (place / "journals").mkdir(parents=True)
    clone = Clone(place)
    clone.git("init", "--quiet", "--initial-branch=main")
    clone.books.settings()
    for name in BASE:
        clone.books.declare(name, *amount(BASE.index(name)))
    clone.commit("Begin")
    return clone


@pytest.fixture
def change(origin):
    """A branch that changes entries in every way that there is."""
    origin.git("switch", "--quiet", "--create", "change")
    books = origin.books
    books.declare("edited", *amount(BASE.index("edited")), notes="Other notes")
    books.declare("corrected", *amount(8))
    books.remove("dropped", "renamed")
    books.write("2026/elsewhere.yaml", (books.root / "moved.yaml").read_bytes())
    books.remove("moved")
    renamed = {"metadata": {"previousName": "renamed"}}
    books.declare("renewed", *amount(BASE.index("renamed")), **renamed)
    books.declare("new")
    return origin


def test_a_plan_without_a_ledger_is_the_difference_to_the_base(change, golden):
    """Each change of a file is what it is for the books; files that only moved are none."""
    base = change.git("rev-parse", "main")
    document, actions = change.planned("--base", "main")
    assert actions == {
        "corrected": "replace",
        "dropped": "remove",
        "edited": "update",
        "new": "create",
        "renewed": "adopt",
    }
    assert document["summary"]["keep"] == 2, "kept and moved"
    assert document["compared_with"] == {"name": "main", "commit": base}
    assert {row["rule"] for row in document["warning_rules"]} == {"no-reference"}
    unknown = {step["number"] for one in document["changes"] for step in one["steps"]}
    assert unknown == {None}, "nobody invents a number"
    for suffix in ("text", "github", "markdown"):
        ended = change.books.plan("--offline", "--base", "main", "--format", suffix)
        shown = ended.out.replace(base[:7], "1a2b3c4").replace(f"{change.place}/", "")
        golden(f"base-commit.{suffix}", shown)


@pytest.mark.parametrize("style", ["html", "junit"])
def test_every_other_format_says_what_the_plan_is_compared_with(change, style):
    ended = change.books.plan("--offline", "--base", "main", "--format", style)
    assert ended.code == 0, ended.said
    assert f"compared with main at {change.git('rev-parse', 'main')[:7]}" in ended.out
    assert "10000000000" not in ended.out, "an assumed number"


def test_a_saved_plan_of_a_base_can_be_shown_and_not_applied(change, tmp_path):
    saved = tmp_path / "plan.json"
    assert change.books.plan("--offline", "--base", "main", "--out", saved).code == 0
    shown = change.books.run("show", saved)
    assert "OFFLINE: compared with main at " in shown.out, shown.said
    ended = change.books.apply(saved)
    assert ended.code == 4
    assert "offline-plan" in ended.said
    document = json.loads(saved.read_text())
    document["scope"]["offline"] = False
    saved.write_text(json.dumps(document))
    assert "the plan file was altered" in change.books.apply(saved).said


def test_a_rehearsal_takes_what_the_base_declares_for_posted(origin):
    for name in ("reference.yaml", "2026/03/service-credits.yaml"):
        origin.books.write(name, (JOURNALS / name).read_bytes())
    origin.commit()
    origin.books.edit(
        "2026/03/service-credits.yaml", "Debit, amount: 2315.40", "Debit, amount: 1.00"
    )
    origin.books.edit(
        "2026/03/service-credits.yaml", "Credit, amount: 2315.40", "Credit, amount: 1.00"
    )
    document, actions = origin.planned("--base", "main", "--rehearse")
    assert actions == {"2026-03-service-credits": "replace"}
    assert document["rehearsal"]["holds"], document["rehearsal"]
    assert "10000000000" not in json.dumps(document)


GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main"}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    "CI_MERGE_REQUEST_DIFF_BASE_SHA": "BASE",
}


@pytest.mark.parametrize("environment", [GITHUB, GITLAB], ids=["GitHub", "GitLab"])
def test_a_job_for_a_change_finds_the_base_by_itself(change, environment):
    """Main went on after the change began. What others merged since is no part of the change."""
    base = change.git("rev-parse", "main")
    change.commit()
    change.git("switch", "--quiet", "main")
    change.books.declare("of-others")
    change.commit()
    job = change.cloned("job", "--branch=change")
    job.books.env = {name: text.replace("BASE", base) for name, text in environment.items()}
    document, actions = job.planned()
    assert document["compared_with"] == {"name": "main", "commit": base}
    assert "of-others" not in actions
    assert len(actions) == 5


def test_a_merge_with_the_target_is_enough_history_in_a_shallow_clone(change):
    """GitHub checks out a merge of the change; the first of its parents is the base."""
    change.commit()
    change.git("switch", "--quiet", "main")
    change.books.declare("of-others")
    base = change.commit()
    change.git("switch", "--quiet", "--create", "merged")
    change.git("merge", "--quiet", "--no-ff", "--message", "Merge", "change")
    job = change.cloned("job", "--depth=2", "--branch=merged", "--no-single-branch")
    job.books.env = GITHUB
    document, actions = job.planned()
    assert document["compared_with"]["commit"] == base
    assert len(actions) == 5


@pytest.mark.parametrize(
    ("options", "base"),
    [
        pytest.param(("--depth=1",), None, id="the branch is missing"),
        pytest.param(("--depth=1", "--no-single-branch"), None, id="the fork is missing"),
        pytest.param(("--depth=1",), "HEAD~1", id="a named commit is missing"),
    ],
)
def test_a_shallow_clone_without_the_base_is_refused(change, options, base):
    """Nothing takes the place of the base. The remedy is followed to the letter."""
    change.commit()
    change.git("switch", "--quiet", "main")
    change.books.declare("of-others")
    change.commit()
    job = change.cloned("job", "--branch=change", *options)
    job.books.env = GITHUB
    named = ("--base", base) if base else ()
    ended = job.books.plan("--offline", *named)
    assert ended.code == 4, ended.said
    assert "does not have the complete history" in ended.said
    assert HISTORY in ended.said
    assert "`git fetch --unshallow`" in ended.said
    job.git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    job.git("fetch", "--quiet", "--unshallow")
    assert job.books.plan("--offline", *named).code == 0


def test_outside_of_a_change_everything_counts_as_new(origin):
    """A job on a branch has no base, and says so."""
    origin.books.env = {"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": ""}
    document, actions = origin.planned()
    assert {*actions.values()} == {"create"}
    assert "compared_with" not in document
    assert "limits-unchecked" in {row["rule"] for row in document["warning_rules"]}


def test_the_daybook_knows_more_than_the_base(small):
    """With a daybook the job's variables do not matter; a named base does."""
    clone = Clone(small.root.parent)
    clone.books = small
    clone.git("init", "--quiet", "--initial-branch=main")
    clone.git("add", str(small.root / "entry-00.yaml"), str(small.root / "reconciler.yaml"))
    clone.git("commit", "--quiet", "--message", "One entry")
    small.env = GITHUB
    assert clone.planned()[1] == {}
    assert len(clone.planned("--base", "main")[1]) == 5


def test_a_base_of_another_folder_or_without_the_workspace(origin):
    """A moved workspace is the same one; one that the base lacks is new."""
    origin.git("mv", "journals", "books")
    origin.books = Books(origin.place / "books")
    origin.books.declare("new")
    assert origin.planned("--base", "main")[1] == {"new": "create"}
    origin.books.settings(name="other-books")
    assert {*origin.planned("--base", "main")[1].values()} == {"create"}


def test_the_stricter_policy_of_base_and_change_holds(origin):
    """A change cannot lift the limit that it breaks, nor the approvals that it needs."""
    tiers = "approvals: {tiers: [{required: 2}]}"
    origin.books.settings(spec=f"{{policy: {{limits: {{money: {{USD: 10}}}}, {tiers}}}}}")
    origin.commit()
    origin.books.settings(spec="{policy: {limits: {money: {USD: 1000000}}}}")
    origin.books.declare("new")
    ended = origin.books.plan("--offline", "--base", "main", "--format", "json")
    document = ended.json
    assert ended.code == 4
    assert [one["rule"] for one in document["refusals"]] == ["money-limit"]
    assert document["controls"]["approvals"]["required"] == 2
    (text,) = (one for one in document["warnings"] if one.startswith("the policy changed since"))
    assert "limits.money USD 10" in text


def test_a_marker_that_moves_changes_every_entry(origin):
    origin.git("switch", "--quiet", "--create", "change")
    origin.books.settings(spec="{identity: {marker: notes}}")
    origin.commit()
    actions = origin.planned("--base", "main")[1]
    assert actions == dict.fromkeys(BASE, "update")


def test_a_changed_reference_is_named(origin):
    origin.books.write("reference.yaml", (JOURNALS / "reference.yaml").read_bytes())
    document, _ = origin.planned("--base", "main")
    assert "reference-changed" in {row["rule"] for row in document["warning_rules"]}
    origin.commit()
    document, _ = origin.planned("--base", "main")
    assert "reference-changed" not in {row["rule"] for row in document["warning_rules"]}


def test_a_base_that_cannot_be_read_is_refused(origin):
    """What a broken file declared is unknown, so nothing is said about its removal."""
    origin.books.write("broken.yaml", entry("broken").replace("spec:", "spec: ["))
    origin.commit()
    origin.books.remove("broken")
    origin.commit()
    ended = origin.books.plan("--offline", "--base", "HEAD~1")
    # HEAD~1 is in the history, so it is the base itself.
    assert ended.code == 4, ended.said
    assert "broken.yaml:" in ended.said
    assert origin.books.plan("--offline", "--base", "HEAD~2").code == 0, "the remedy"


@pytest.mark.parametrize(
    ("base", "fact"),
    [
        pytest.param("nosuch", "the checkout has no commit nosuch", id="unknown"),
        pytest.param("--output=x", "the checkout has no commit --output=x", id="like an option"),
        pytest.param("apart", "have no commit in common", id="unrelated"),
    ],
)
def test_a_base_that_is_none_is_named(origin, base, fact):
    origin.git("branch", "keep")
    origin.git("checkout", "--quiet", "--orphan", "apart")
    origin.commit("Apart")
    origin.git("switch", "--quiet", "main")
    ended = origin.books.plan("--offline", f"--base={base}")
    assert ended.code in (4, 64), ended.said
    assert fact in ended.said


def test_a_folder_without_a_repository_has_no_base(tmp_path):
    books = Books(tmp_path / "books")
    books.settings()
    books.declare("new")
    ended = books.plan("--offline", "--base", "main")
    assert ended.code == 4
    assert "is not in a git repository" in ended.said


def test_a_base_is_for_offline_plans(origin):
    assert "--base names a commit for --offline" in origin.books.plan("--base", "main").said


def test_a_job_without_daybook_warns_of_what_its_change_touches(change):
    """Of closed periods. What it does not touch is counted, once."""
    reference = (JOURNALS / "reference.yaml").read_text()
    opened = "2026-01-31, fiscalYear: 2026, fiscalQuarter: 1, status: Open"
    assert opened in reference
    change.books.write("reference.yaml", reference.replace(opened, opened[:-4] + "Closed"))
    change.commit()
    job = change.cloned("job", "--branch=change")
    job.books.env = GITHUB
    ended = job.books.run("validate")
    shown = re.findall(r"([a-z]+\.yaml):[0-9:]+ warning\[open-period\]", ended.out)
    touched = ("corrected", "edited", "elsewhere", "new", "renewed")
    assert sorted(shown) == [f"{name}.yaml" for name in touched]
    assert "1 warning left out: the files are as in main at " in ended.err
    assert "so their entries count as posted." in ended.err
    # An edit that no commit holds is touched too.
    job.books.edit("kept.yaml", "accountingPeriodName", "notes: x, accountingPeriodName")
    assert "kept.yaml" in job.books.run("validate").out
    # Outside of a job for a change nothing tells what is new.
    job.books.env = {}
    assert job.books.run("validate").out.count("open-period") == 6
