"""Forge, repository and change, from the options of a command and from its CI job."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from pathlib import Path
from typing import Any

from reconciler.errors import ForgeError, ReconcilerError
from reconciler.values import dataclass

Environment = Mapping[str, str]

GITHUB, GITLAB = "github", "gitlab"
NAMES: Mapping[str, str] = {GITHUB: "GitHub", GITLAB: "GitLab"}
_URL_VARIABLES: Mapping[str, str] = {GITHUB: "GITHUB_API_URL", GITLAB: "CI_API_V4_URL"}
_PUBLIC: Mapping[str, str] = {GITHUB: "https://api.github.com", GITLAB: "https://gitlab.com/api/v4"}

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

MAX_EVENT = 32 * 1024 * 1024
"""Maximum bytes of an event file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CiContext:
    """The forge, repository, number and commit of a change.

    `commit` is the head of the change in a job for one, else the commit of the job. `branch` is
    the branch of a job on a branch. With `own` the job runs for this change. `job_url` is the page
    of the job, whatever the change is. `merged` is a merge of `commit` that the job checks out.
    """

    forge: str
    url: str = ""
    repository: str = ""
    change: int | None = None
    commit: str = ""
    ca_bundle: str | None = None
    branch: str = ""
    own: bool = False
    job_url: str = ""
    merged: str = ""


_TARGETS = (
    # The variable of the build server, of the target branch, and of commits of that branch.
    ("GITHUB_ACTIONS", "GITHUB_BASE_REF", ()),
    (
        *("GITLAB_CI", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
        # The first is set where the checkout is a merge with the target branch.
        ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "CI_MERGE_REQUEST_DIFF_BASE_SHA"),
    ),
    ("TF_BUILD", "SYSTEM_PULLREQUEST_TARGETBRANCH", ()),
    ("JENKINS_URL", "CHANGE_TARGET", ()),
    ("BITBUCKET_BUILD_NUMBER", "BITBUCKET_PR_DESTINATION_BRANCH", ()),
)


def target_of_job(environment: Environment) -> tuple[str, str] | None:
    """The target branch of the change that a CI job is for, and a revision of it for git.

    None in a job that is for no change, and outside of CI.
    """
    for server, variable, commits in _TARGETS:
        branch = environment.get(variable, "").removeprefix("refs/heads/")
        if environment.get(server) and branch:
            given = (environment.get(name, "") for name in commits)
            return branch, next(filter(None, given), f"refs/remotes/origin/{branch}")
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOptions:
    """The options that describe a change. The environment of the job completes them."""

    forge: str | None = None
    forge_url: str | None = None
    repo: str | None = None
    change_number: int | None = None
    commit: str | None = None
    ca_bundle: str | None = None
    environment: Environment = field(default_factory=lambda: os.environ)

    def context(self) -> CiContext:
        """The completed context. Raises ForgeError when something is unknown."""
        return ci_context_from(self, _event_of(self.environment))


def ci_context_from(given: ChangeOptions, event: str) -> CiContext:
    """The options, completed from the variables of GitHub Actions or GitLab CI.

    `event` is the text of the file GITHUB_EVENT_PATH, empty when there is none. Raises ForgeError
    when neither an option nor a variable gives what is needed.
    """
    environment = given.environment
    forge = given.forge or _forge_of(environment)
    if forge == GITHUB:
        number, head = _pull_of(event)
        repository = environment.get("GITHUB_REPOSITORY", "")
        on_branch = number is None and environment.get("GITHUB_REF_TYPE", "branch") == "branch"
        branch = environment.get("GITHUB_REF_NAME", "") if on_branch else ""
        of_job = environment.get("GITHUB_SHA", "")
        commit = head or of_job
        # On pull_request_target it is a commit of the target branch.
        merged = of_job if environment.get("GITHUB_REF", "").startswith("refs/pull/") else ""
    else:
        listed = environment.get("CI_MERGE_REQUEST_IID", "")
        number = int(listed) if re.fullmatch(r"[0-9]{1,12}", listed) else None
        repository = environment.get("CI_PROJECT_ID", "")
        branch = environment.get("CI_COMMIT_BRANCH", "")
        # In a merged results pipeline CI_COMMIT_SHA is a merge that is in no branch.
        source = environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "")
        of_job = environment.get("CI_COMMIT_SHA", "")
        commit = source or of_job
        merged = of_job if source else ""
    context = CiContext(
        forge=forge,
        url=given.forge_url or environment.get(_URL_VARIABLES[forge], "") or _PUBLIC[forge],
        repository=given.repo or repository,
        change=given.change_number or number,
        commit=given.commit or commit,
        ca_bundle=given.ca_bundle,
        branch=branch,
        own=number is not None and given.change_number in (None, number),
        job_url=_job_url(forge, environment),
        merged=merged if given.commit in (None, commit) else "",
    )
    if not context.repository:
        raise ForgeError(
            f"the repository of {NAMES[forge]} is unknown", remedy="Name it with --repo."
        )
    if context.commit and not _SHA.fullmatch(context.commit):
        raise ForgeError(
            f"{context.commit} is not a commit", remedy="Give all digits of the hash to --commit."
        )
    return context


def _job_url(forge: str, environment: Environment) -> str:
    """The page of the workflow run, or of the pipeline; empty outside of both."""
    if forge == GITLAB:
        return environment.get("CI_PIPELINE_URL", "")
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (environment.get(name, "") for name in names)
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""


def _forge_of(environment: Environment) -> str:
    if environment.get("GITHUB_ACTIONS") == "true":
        return GITHUB
    if environment.get("GITLAB_CI") == "true":
        return GITLAB
    raise ForgeError(
        "the forge is unknown: this is not a job of GitHub Actions or GitLab CI",
        remedy="Name it with --forge github or --forge gitlab.",
    )


def _event_of(environment: Environment) -> str:
    """The event of a workflow run, which GitHub writes to a file."""
    path = environment.get("GITHUB_EVENT_PATH", "")
    if not path:
        return ""
    file = Path(path)
    try:
        if file.stat().st_size > MAX_EVENT:
            raise ReconcilerError(f"{path} is too large for an event")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        # The options may be sufficient. Errors name what is missing.
        return ""


def _pull_of(event: str) -> tuple[int | None, str]:
    """The number and the head of the pull request in the event of a workflow.

    GITHUB_SHA is a merge commit that GitHub made for the run, not the head.
    """
    try:
        document = json.loads(event, parse_float=Decimal) if event else {}
    except (ValueError, RecursionError):
        return None, ""
    pull = _member(document, "pull_request")
    number = _member(pull, "number")
    head = _member(_member(pull, "head"), "sha")
    if not isinstance(number, int) or isinstance(number, bool):
        return None, ""
    return number, head if isinstance(head, str) else ""


def _member(document: Any, name: str) -> Any:
    return document.get(name) if isinstance(document, dict) else None
