"""Workflows, their templates and the action: safe to copy, and found out when they are not."""

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkout import ROOT, Run

TEMPLATES = ROOT / "docs" / "ci"
GITLAB = TEMPLATES / "gitlab-ci.yml"
WORKFLOWS = sorted(
    {*(ROOT / ".github" / "workflows").glob("*.yml"), *TEMPLATES.glob("*.yml")} - {GITLAB}
)
GUIDE = (TEMPLATES / "README.md").read_text(encoding="utf-8")
DEVELOPMENT = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
ZIZMOR = ("zizmor", "--offline", "--no-progress", "--pedantic", "--strict-collection")
SCHEMA = ("check-jsonschema", "--builtin-schema")


@cache
def document_of(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)


def events_of(file: Path) -> set[str]:
    events = document_of(file)[True]
    return {events} if isinstance(events, str) else set(events)


STEPS = [
    pytest.param(step, id=f"{file.name}-{where}-{at}")
    for file in (*WORKFLOWS, ROOT / "action.yml")
    for where, job in document_of(file)
    .get("jobs", {"action": document_of(file).get("runs")})
    .items()
    for at, step in enumerate(job["steps"])
]
JOBS = [
    pytest.param(file, name, job, id=f"{file.name}-{name}")
    for file in WORKFLOWS
    for name, job in document_of(file)["jobs"].items()
]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_runs_what_was_read(step: dict[str, Any]) -> None:
    """No expression becomes a part of a script, and no action is what a tag says today."""
    assert "${{" not in step.get("run", "")
    uses = step.get("uses", "./")
    assert uses == "./" or re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", uses), uses
    if uses.startswith("actions/checkout@"):
        assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize(("file", "name", "job"), JOBS)
def test_a_job_may_do_what_it_needs_and_is_given_no_more(
    file: Path, name: str, job: dict[str, Any]
) -> None:
    assert document_of(file)["permissions"] == {}, "a job asks for what it needs"
    assert job["timeout-minutes"] <= 60
    steps = yaml.safe_dump(job["steps"])
    writes = "write" in job.get("permissions", {}).values()
    if writes:
        assert "actions/checkout" not in steps
        assert "secrets." not in steps
    assert ("secrets." in steps) <= ("environment" in job), "secrets are those of an environment"
    given = [step for step in job["steps"] if "uses" in step and "secrets." in str(step)]
    assert given == [], "an action is given no secret"


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_no_workflow_gives_a_fork_the_rights_of_the_repository(file: Path) -> None:
    assert not events_of(file) & {"pull_request_target", "workflow_run", "issue_comment"}
    assert document_of(file)["concurrency"]["group"]


def test_what_checks_forks_knows_no_secret() -> None:
    text = (TEMPLATES / "pull-request.yml").read_text(encoding="utf-8")
    assert events_of(TEMPLATES / "pull-request.yml") == {"pull_request"}
    assert "secrets" not in text
    assert "write" not in text


def test_two_applies_queue() -> None:
    """Neither ends the other, and nothing else is in their queue, where only one may wait."""
    groups = [document_of(file)["concurrency"] for file in sorted(TEMPLATES.glob("[!g]*.yml"))]
    queue = document_of(TEMPLATES / "apply.yml")["concurrency"]
    assert queue == {"group": "journals-production", "cancel-in-progress": False}
    assert groups.count(queue) == [group["group"] for group in groups].count(queue["group"]) == 1
    apply = document_of(GITLAB)["apply"]
    assert (apply["resource_group"], apply["interruptible"]) == ("journals-production", False)


def test_its_own_build_runs_the_checks_and_everything() -> None:
    jobs = document_of(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert commands[:2] == ["make lint", ".ci/run"]


@pytest.mark.parametrize(
    "name",
    sorted({*re.findall(r"(?:secrets|vars)\.(\w+)", "".join(map(Path.read_text, WORKFLOWS)))}),
)
def test_every_secret_and_variable_is_told_of(name: str) -> None:
    assert f"`{name}`" in GUIDE


@pytest.mark.parametrize(
    "step",
    [step for step in STEPS if "secrets." in str(step.values[0].get("env", {}).get("PGPASSWORD"))],
)
def test_a_step_with_the_password_of_the_daybook_names_its_hosts(step: dict[str, Any]) -> None:
    """Without them the daybook is refused, and with it every plan and apply."""
    assert step["env"]["RECONCILER_DAYBOOK_HOSTS"] == "${{ vars.DAYBOOK_HOSTS }}"


@pytest.mark.parametrize(
    "environment",
    sorted(
        {
            name if isinstance(name, str) else name["name"]
            for file in (*WORKFLOWS, GITLAB)
            for document in [document_of(file)]
            for job in document.get("jobs", document).values()
            if isinstance(job, dict) and (name := job.get("environment"))
        }
    ),
)
def test_every_environment_is_told_of(environment: str) -> None:
    assert f"`{environment}`" in GUIDE + DEVELOPMENT


INJECTED = """\
on: pull_request_target
jobs:
  one:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - run: echo "${{ github.event.pull_request.title }}"
"""


@pytest.mark.parametrize(
    ("command", "message"),
    [
        pytest.param(ZIZMOR, "template-injection", id="an expression in a script"),
        pytest.param(ZIZMOR, "unpinned-uses", id="an action by its tag"),
        pytest.param(ZIZMOR, "dangerous-triggers", id="a fork with the repository's rights"),
        pytest.param(
            (*SCHEMA, "vendor.github-workflows"), "'runs-on' is a required", id="a misspelt key"
        ),
    ],
)
def test_the_linters_find_what_is_wrong(
    run: Run, tmp_path: Path, command: tuple[str, ...], message: str
) -> None:
    file = tmp_path / ".github" / "workflows" / "one.yml"
    file.parent.mkdir(parents=True)
    file.write_text(INJECTED.replace("runs-on", "runs-one") if "schema" in command[0] else INJECTED)
    ended = run(*command, file)
    assert ended.returncode != 0
    assert message in ended.stdout + ended.stderr


def test_the_linters_need_no_network() -> None:
    """And none is told to look away from a whole file, or from a finding everywhere."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rule = makefile.partition("\ncheck-workflows:")[2].partition("\n\n")[0]
    assert rule.count("$(BUILTIN_SCHEMA)") == rule.count("$(BUILTIN_SCHEMA) vendor.") == 6
    assert "zizmor --offline " in rule
    assert not [*ROOT.glob("zizmor.y*ml"), *ROOT.glob(".github/zizmor.y*ml")]
    told = subprocess.run(
        ["git", "grep", "--count", "zizmor: ignore", "--", "*.yml"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    assert set(told.split()) <= {".github/workflows/ci.yml:1", "action.yml:1"}
