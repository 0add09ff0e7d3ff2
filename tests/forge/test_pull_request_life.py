"""A pull request's life by the templates of docs/ci, step by step as they are written.

Real git repositories, a real ledger on a socket, and the steps of the templates in a shell, with
the variables, the secrets and the permissions that the templates give them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from itertools import count, takewhile

import httpx
import pytest
import yaml
from books_harness import REFERENCE, credentials, entry, reconciler, served_here
from forge_server import PROJECT
from gitlab_runner import Pipelines
from hosted import KeepingGitLab, PermittedGitHub, Repository, codes
from local_runner import ROOT, Actions, workflow_of
from socket_server import on_a_socket

TEMPLATES = ROOT / "docs" / "ci"
CHECK, PLAN, APPLY, DRIFT = (
    TEMPLATES / f"{name}.yml" for name in ("pull-request", "trusted-plan", "apply", "drift")
)
GITLAB = TEMPLATES / "gitlab-ci.yml"
WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: acme-books}
spec: {policy: {approvals: {tiers: [{required: 1}], bindDigest: true}}}
"""
KEY = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def nobody_in_particular(monkeypatch):
    for name in os.environ:
        if name.startswith(("GITHUB_", "GIT_", "CI", "ZUORA_", "RECONCILER_", "PG")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


class Life:
    """The repository, its people and its ledger."""

    def __init__(self, folder, server, ledger_url):
        self.server, self.ledger_url = server, ledger_url
        self._ledger_file = folder / "ledger.db"
        self.repository = Repository(folder, server)
        self.bob = self.repository.clone("bob", "bob", "bob@example.com")
        self.imported = folder / "imported"
        # What a change could add beside the workspace, for Python to find.
        for name in ("json", "urllib"):
            file = self.bob.folder / f"{name}.py"
            file.write_text(f"open({str(self.imported)!r}, 'w')\n")
        self.bob.write("reconciler.yaml", WORKSPACE)
        shutil.copy(REFERENCE, self.bob.folder / "journals")
        self.bob.commit("Begin", "main")
        self.mallory = self.repository.clone("mallory", "mallory", "mallory@example.com")
        self.keys = credentials(self._ledger_file)
        self.reader = credentials(self._ledger_file, "Run Trial Balance")
        """A client that changes nothing."""

    def pushed(self, message, **fields):
        """The author declares an entry and pushes; returns what the forge would merge."""
        self.mallory.write("accrual.yaml", entry("accrual", **fields))
        assert reconciler("fmt", cwd=self.mallory.folder).code == 0
        return self.repository.change(self.mallory, message)

    @property
    def comment(self):
        (comment,) = [row for row in self.server.comments if "<!-- reconciler:" in row["body"]]
        return comment["body"]

    @contextmanager
    def ledger(self):
        """The ledger's API."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.keys["ZUORA_CLIENT_ID"],
            "client_secret": self.keys["ZUORA_CLIENT_SECRET"],
        }
        with httpx.Client(base_url=self.ledger_url) as client:
            token = client.post("/oauth/token", data=form).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client

    def posted(self):
        """The entries of the ledger, as its API shows them."""
        with self.ledger() as client:
            answers = (client.get(f"/v1/journal-entries/JE-{at:08}").json() for at in count(1))
            return list(takewhile(lambda answer: answer["success"], answers))

    def moved(self, notes):
        """Somebody changes the notes of the entry in the ledger itself."""
        with self.ledger() as client:
            path = "/v1/journal-entries/JE-00000001/basic-information"
            answer = client.put(path, json={"notes": notes}).json()
        assert answer["success"], answer


class OnGitHub(Life):
    """Its workflows are those of GitHub Actions."""

    def __init__(self, folder, server, ledger_url):
        super().__init__(folder, server, ledger_url)
        both = {"RECONCILER_PLAN_KEY": KEY, "DAYBOOK_PASSWORD": ""}
        self.secrets = {
            "journals-plan": self.reader | both,
            "journals-production": self.keys | both,
        }
        self.actions = Actions(
            origin=self.repository.origin,
            scratch=folder,
            api=server.url,
            grant=server.grant,
            variables={"ZUORA_BASE_URL": ledger_url},
            secrets=self.secrets,
        )
        server.actions = self.actions

    def on_the_pull_request(self, file, sha, event_name="pull_request", *, of="acme/books"):
        pull = {"number": 7, "head": {"sha": self.repository.head, "repo": {"full_name": of}}}
        return self.actions.run(file, event_name, sha, pull_request=pull)

    def planned(self, sha, **more):
        """The plan's workflow, to its end; the digest that was planned."""
        jobs = self.on_the_pull_request(PLAN, sha, **more)
        assert codes(jobs) == {"plan": 0, "comment": 0}, logs(jobs)
        saved = self.actions.artifact(f"plan-{self.repository.head}")
        return json.loads(saved.read_text())["digest"]

    def applied(self, merged, code):
        """The apply's workflow on a merge; its log and its report, where there is one."""
        job = self.actions.run(APPLY, "push", merged)["apply"]
        assert job.code == code, job.log
        report = job.temp / "report.json"
        return job.log, json.loads(report.read_text()) if report.exists() else None


class OnGitLab(Life):
    """Its jobs are those of GitLab CI."""

    def __init__(self, folder, server, ledger_url):
        super().__init__(folder, server, ledger_url)
        both = {"RECONCILER_PLAN_KEY": KEY, "ZUORA_BASE_URL": ledger_url}
        token = {"GITLAB_TOKEN": "glpat_robot"}
        secrets = {
            "journals-plan": self.reader | both,
            "journals-comment": token,
            "journals-production": self.keys | both | token,
        }
        self.pipelines = Pipelines(origin=self.repository.origin, scratch=folder, secrets=secrets)
        server.pipelines = self.pipelines

    def pipeline(self, source, sha, **more):
        return self.pipelines.run(
            GITLAB, sha, CI_PIPELINE_SOURCE=source, CI_PROJECT_ID=PROJECT, CI_COMMIT_SHA=sha,
            CI_API_V4_URL=self.server.url, CI_DEFAULT_BRANCH="main",
            CI_JOB_URL="https://gitlab.example/jobs/1", **more,
        )  # fmt: skip

    def of_the_request(self, *, project=PROJECT):
        """The pipeline of the merge request's head."""
        return self.pipeline(
            "merge_request_event", self.repository.head,
            CI_MERGE_REQUEST_IID="7", CI_MERGE_REQUEST_SOURCE_PROJECT_ID=project,
            CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main",
            CI_MERGE_REQUEST_DIFF_BASE_SHA=self.repository.base(),
        )  # fmt: skip

    def of_main(self, merged, source="push", **more):
        return self.pipeline(source, merged, CI_COMMIT_BRANCH="main", **more)


def logs(jobs):
    return "\n".join(f"{name}: {job.log}" for name, job in jobs.items())


@contextmanager
def living(sort, server, folder):
    with on_a_socket(server) as url, served_here(folder / "ledger.db") as ledger_url:
        server.url = url + server.prefix
        life = sort(folder, server, ledger_url)
        yield life
        assert not life.imported.exists(), "a job imported a module of the checkout"


@pytest.fixture
def life(tmp_path):
    with living(OnGitHub, PermittedGitHub(), tmp_path) as life:
        yield life


@pytest.fixture
def gitlab_life(tmp_path):
    with living(OnGitLab, KeepingGitLab(), tmp_path) as life:
        yield life


def test_a_merge_applies_exactly_what_was_approved(life):
    opened = life.pushed("Accrue")
    checked = life.on_the_pull_request(CHECK, opened)
    assert codes(checked) == {"offline": 0}, logs(checked)
    assert "OFFLINE" in checked["offline"].summary

    first = life.planned(opened)
    assert first in life.actions.artifact("plan-report").read_text()
    assert first in life.comment
    assert "none counts" in life.comment
    assert "/artifacts/plan-report)" in life.comment

    pushed = life.pushed(
        "In February", accountingPeriodName="Feb-2026", journalEntryDate="2026-02-28"
    )
    digest = life.planned(pushed)
    assert f"Digest: `{digest}`" in life.comment, "the same comment was updated"
    assert life.comment.count(first) == 1, "and keeps the earlier digest"

    life.server.approve("mallory", body=f"Approved: {digest}")
    life.planned(pushed, event_name="pull_request_review")
    assert "wrote or pushed a part of the change" in life.comment

    merged = life.repository.merge()
    log, report = life.applied(merged, code=4)
    assert "1 approval of pull request #7" in log
    assert report["approvals"]["given"] == []
    assert life.posted() == []

    life.server.approve("alice", body=f"Approved: {digest}")
    life.planned(pushed, event_name="pull_request_review")
    saved = json.loads(life.actions.artifact(f"plan-{life.repository.head}").read_text())
    assert saved["sign_off"] == signed_off(life, digest)
    document = life.actions.artifact("plan-report").read_text()
    assert f"alice (review 2) at {life.repository.head[:10]}" in document
    log, report = life.applied(merged, code=0)
    assert "Applied: 1 created." in log
    assert report["plan_digest"] == digest
    assert [(row["by"], row["digests"]) for row in report["approvals"]["given"]] == [
        ("alice", [digest])
    ]
    assert report["approvals"]["commit"] == life.repository.head
    assert report["sign_off"] == signed_off(life, digest, "bob")
    (posted,) = life.posted()
    assert (posted["accountingPeriodName"], posted["status"]) == ("Feb-2026", "Created")
    assert KEY not in log + life.comment
    assert json.loads(life.actions.artifact("apply-report").read_text()) == report


def signed_off(life, digest, *more):
    """Mallory and others prepared the plan with this digest, and alice approved it."""
    alice = {
        "who": "alice",
        "evidence": "review 2",
        "weak": False,
        "digests": [digest],
        "commit": life.repository.head,
    }
    return {
        "prepared_by": ["mallory", *more],
        "prepared_not_read": "",
        "approved_by": [alice],
        "approved_not_read": "",
        "change": "pull request #7",
    }


def test_the_action_runs_a_command(life, tmp_path):
    """The example of the guide, and one whose arguments would do harm if a shell read them."""
    guide = (TEMPLATES / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(- id: plan\n.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    (example,) = yaml.safe_load(shown)
    harm = "$(touch harm) `touch harm`; touch harm"
    hostile = {**example, "id": "hostile", "with": {**example["with"], "args": f"--target\n{harm}"}}
    checkout = workflow_of(CHECK)["jobs"]["offline"]["steps"][0]
    job = {
        "permissions": {"contents": "read"},
        "outputs": {
            f"{step}-{name}": f"${{{{ steps.{step}.outputs.{name} }}}}"
            for step in ("plan", "hostile")
            for name in ("digest", "exit-code")
        },
        "steps": [checkout, example, hostile],
    }
    file = tmp_path / "one.yml"
    file.write_text(yaml.safe_dump({"on": "push", "permissions": {}, "jobs": {"one": job}}))
    file.write_text(file.read_text().replace("'on':", "on:"))
    job = life.actions.run(file, "push", life.pushed("Accrue"))["one"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", job.outputs["plan-digest"]), job.log
    assert job.outputs["plan-exit-code"] == "2"
    assert (job.code, job.outputs["hostile-exit-code"]) == (64, "64"), job.log
    assert not list(job.temp.parent.glob("**/harm"))


@pytest.mark.long
@pytest.mark.parametrize("package", ["the action's checkout", "a wheel"])
def test_a_new_user_gets_there_with_nothing_installed(life, package, tmp_path):
    """Every job installs what the action says, from its own checkout or from a wheel."""
    life.actions.prepared = False
    if package == "a wheel":
        pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation")
        subprocess.run([*pip, "--wheel-dir", tmp_path, ROOT], check=True, capture_output=True)
        (wheel,) = tmp_path.glob("*.whl")
        life.actions.package = str(wheel)
    opened = life.pushed("Accrue")
    assert codes(life.on_the_pull_request(CHECK, opened)) == {"offline": 0}
    digest = life.planned(opened)
    life.server.approve("alice", body=digest)
    _, report = life.applied(life.repository.merge(), code=0)
    assert report["plan_digest"] == digest
    assert len(life.posted()) == 1


@pytest.mark.long
def test_a_fork_is_checked_and_given_nothing(life):
    opened = life.pushed("Accrue")
    checked = life.on_the_pull_request(CHECK, opened, of="mallory/books")
    assert codes(checked) == {"offline": 0}, logs(checked)
    asked = len(life.server.sent)
    planned = life.on_the_pull_request(PLAN, opened, of="mallory/books")
    assert codes(planned) == {"plan": None, "comment": None}
    assert len(life.server.sent) == asked


def test_a_finding_fails_the_check(life):
    life.mallory.write("accrual.yaml", entry("accrual").replace("400.90", "400.9o", 1))
    opened = life.repository.change(life.mallory, "Accrue")
    job = life.on_the_pull_request(CHECK, opened)["offline"]
    assert job.code == 3
    assert re.search(r"^::error [^:]*file=journals/accrual\.yaml,", job.log, re.MULTILINE)


@pytest.mark.long
@pytest.mark.parametrize("lives", ["life", "gitlab_life"])
def test_a_refused_plan_is_shown_all_the_same(request, lives):
    life = request.getfixturevalue(lives)
    strict = WORKSPACE.replace("{policy: {", "{policy: {limits: {money: {USD: 100}}, ")
    life.mallory.write("reconciler.yaml", strict)
    opened = life.pushed("Accrue, and allow nothing")
    jobs = life.on_the_pull_request(PLAN, opened) if lives == "life" else life.of_the_request()
    assert (jobs["plan"].code, jobs["comment"].code) == (4, 0), logs(jobs)
    assert "Refused" in life.comment


@pytest.mark.long
def test_a_plan_that_no_longer_holds_is_not_applied(life):
    """The ledger moved between review and merge, so that the reviewed plan is another now."""
    digest = life.planned(life.pushed("Accrue"))
    life.server.approve("alice", body=digest)
    merged = life.repository.merge()
    elsewhere = life.bob
    elsewhere.git("pull", "--quiet")
    elsewhere.write("other.yaml", entry("other"))
    later = elsewhere.commit("Declare another entry past all rules", "main")

    life.server.pull["merge_commit_sha"] = later
    log, report = life.applied(later, code=5)
    assert "not the reviewed" in log
    assert report is None
    assert life.posted() == []

    life.server.pull["merge_commit_sha"] = merged
    life.applied(merged, code=0)
    assert len(life.posted()) == 1


@pytest.mark.long
def test_an_outdated_plan_is_reviewed_anew_and_applied_by_its_digest(life):
    life.planned(life.pushed("Accrue"))
    main = life.repository.merge()
    life.actions.scratch.joinpath("artifacts").rename(life.actions.scratch / "expired")
    log, _ = life.applied(main, code=1)
    assert "No plan of" in log

    jobs = life.actions.run(PLAN, "workflow_dispatch", main)
    assert codes(jobs) == {"plan": 0, "comment": None}, logs(jobs)
    digest = re.search(r"sha256:[0-9a-f]{64}", jobs["plan"].summary)[0]
    life.server.approve("alice", body=digest)
    event = {"inputs": {"digest": digest}}
    job = life.actions.run(APPLY, "workflow_dispatch", main, **event)["apply"]
    assert job.code == 0, job.log
    assert len(life.posted()) == 1


@pytest.mark.long
def test_a_plan_that_a_fork_left_under_that_name_is_not_taken(life):
    opened = life.pushed("Accrue")
    digest = life.planned(opened)
    life.server.approve("alice", body=digest)
    for about in life.actions.scratch.glob("artifacts/*/plan-*/about.json"):
        document = json.loads(about.read_text())
        document["workflow_run"]["head_repository_id"] = 2
        about.write_text(json.dumps(document))
    log, _ = life.applied(life.repository.merge(), code=1)
    assert "No plan of" in log
    assert life.posted() == []


@pytest.mark.long
def test_a_plan_that_another_job_signed_is_not_taken(life):
    life.secrets["journals-plan"] = {
        **life.secrets["journals-plan"],
        "RECONCILER_PLAN_KEY": "x" * 32,
    }
    life.server.approve("alice", body=life.planned(life.pushed("Accrue")))
    log, _ = life.applied(life.repository.merge(), code=5)
    assert "signed" in log
    assert life.posted() == []


@pytest.mark.long
def test_drift_keeps_one_issue(life):
    life.server.approve("alice", body=life.planned(life.pushed("Accrue", notes="Accrued")))
    merged = life.repository.merge()
    life.applied(merged, code=0)
    assert codes(life.actions.run(DRIFT, "schedule", merged)) == {"drift": 0, "issue": None}
    assert life.server.issues.rows == []

    life.moved("`@everyone` <b> # now")
    jobs = life.actions.run(DRIFT, "schedule", merged)
    assert codes(jobs) == {"drift": 0, "issue": 0}, logs(jobs)
    assert not jobs["issue"].checked_out
    life.moved("Moved again")
    life.actions.run(DRIFT, "workflow_dispatch", merged)
    (issue,) = life.server.issues.rows
    assert "Moved again" in issue["body"]
    assert issue["labels"] == ["journal-drift"]
    text = issue["body"].partition("\n\n")[2]
    assert all(row.startswith("    ") for row in text.splitlines())


@pytest.mark.long
def test_gitlab_applies_exactly_what_was_approved(gitlab_life):
    life = gitlab_life
    life.pushed("Accrue", notes="Accrued")
    jobs = life.of_the_request()
    done = {"validate": 0, "plan": 0, "comment": 0}
    rest = dict.fromkeys(("apply", "drift", "drift-issue"))
    assert codes(jobs) == done | rest, logs(jobs)
    assert not jobs["comment"].checked_out
    digest = json.loads(life.pipelines.artifact("plan", "plan.json").read_text())["digest"]
    assert f"Digest: `{digest}`" in life.comment
    assert "](https://gitlab.example/jobs/1/artifacts/file/plan.html)" in life.comment

    merged = life.repository.merge()
    refused = life.of_main(merged)["apply"]
    assert (refused.code, life.posted()) == (4, []), refused.log

    life.server.approve("alice")
    life.server.comment("alice", f"Approved: {digest}")
    applied = life.of_main(merged)["apply"]
    assert applied.code == 0, applied.log
    assert len(life.posted()) == 1
    report = json.loads(life.pipelines.artifact("apply", "report.json").read_text())
    assert report["plan_digest"] == digest
    assert [row["by"] for row in report["approvals"]["given"]] == ["alice"]


@pytest.mark.long
def test_gitlab_gives_a_fork_nothing_and_keeps_one_issue_about_drift(gitlab_life):
    life = gitlab_life
    life.pushed("Accrue", notes="Accrued")
    assert life.of_the_request(project="12")["plan"].code is None
    assert life.of_the_request()["comment"].code == 0
    saved = life.pipelines.artifact("plan", "plan.json")
    digest = json.loads(saved.read_text())["digest"]
    life.server.approve("alice")
    life.server.comment("alice", digest)
    merged = life.repository.merge()
    saved.unlink()
    assert "is not kept" in life.of_main(merged)["apply"].log
    assert life.of_main(merged, "web", DIGEST=digest)["apply"].code == 0

    life.of_main(merged, "schedule")
    assert life.server.issues.rows == []
    life.moved("`@everyone` <b> # now")
    life.of_main(merged, "schedule")
    life.moved("Moved again")
    jobs = life.of_main(merged, "schedule")
    assert (jobs["drift"].code, jobs["drift-issue"].code) == (0, 0), logs(jobs)
    (issue,) = life.server.issues.rows
    assert "Moved again" in issue["description"]
