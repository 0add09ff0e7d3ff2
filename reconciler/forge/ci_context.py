"""Finds out from the environment of a CI job which forge, repository and change it is about."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from reconciler.errors import ForgeError, ForgeRefused
from reconciler.forge.api import Caller, Limits, Tongue
from reconciler.forge.github import HEADERS, GitHub
from reconciler.forge.gitlab import GitLab
from reconciler.forge.protocol import Forge
from reconciler.http_client.base_url import WITHOUT_TLS, BaseUrl, UnusableUrl, origin_of_url

Environment = Mapping[str, str]

GITHUB, GITLAB = "github", "gitlab"
NAMES: Mapping[str, str] = MappingProxyType({GITHUB: "GitHub", GITLAB: "GitLab"})
_URL_VARIABLES: Mapping[str, str] = MappingProxyType(
    {GITHUB: "GITHUB_API_URL", GITLAB: "CI_API_V4_URL"}
)
_PUBLIC: Mapping[str, str] = MappingProxyType(
    {GITHUB: "https://api.github.com", GITLAB: "https://gitlab.com/api/v4"}
)
_TOKENS: Mapping[str, str] = MappingProxyType({GITHUB: "GITHUB_TOKEN", GITLAB: "GITLAB_TOKEN"})
_ACTIONS_BOT = "github-actions[bot]"
"""Who comments with the GITHUB_TOKEN of a workflow."""

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CiContext:
    """Where a change is: on which forge, in which repository, its number and its commit.

    `commit` is the head of the change in a job about one, else the commit of the job. `branch` is
    the one that a job on a branch runs for. `own` says that the job is about this very change.
    """

    forge: str
    url: str = ""
    repository: str = ""
    change: int | None = None
    commit: str = ""
    ca_bundle: str | None = None
    branch: str = ""
    own: bool = False


def ci_context_from(said: CiContext, environment: Environment, event: str) -> CiContext:
    """What was said, completed from the predefined variables of GitHub Actions or GitLab CI.

    `event` is the text of the file GITHUB_EVENT_PATH, empty when there is none. Raises ForgeError
    when there is neither a word nor a variable for what is needed.
    """
    forge = said.forge or _forge_of(environment)
    if forge == GITHUB:
        number, head = _pull_of(event)
        repository = environment.get("GITHUB_REPOSITORY", "")
        on_branch = number is None and environment.get("GITHUB_REF_TYPE", "branch") == "branch"
        branch = environment.get("GITHUB_REF_NAME", "") if on_branch else ""
        commit = head or environment.get("GITHUB_SHA", "")
    else:
        number = _number(environment.get("CI_MERGE_REQUEST_IID", ""))
        repository = environment.get("CI_PROJECT_ID", "")
        branch = environment.get("CI_COMMIT_BRANCH", "")
        # In a merged results pipeline CI_COMMIT_SHA is of a merge that is nowhere else.
        source = environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "")
        commit = source or environment.get("CI_COMMIT_SHA", "")
    place = CiContext(
        forge=forge,
        url=said.url or environment.get(_URL_VARIABLES[forge], "") or _PUBLIC[forge],
        repository=said.repository or repository,
        change=said.change or number,
        commit=said.commit or commit,
        ca_bundle=said.ca_bundle,
        branch=branch,
        own=number is not None and said.change in (None, number),
    )
    if not place.repository:
        raise ForgeError(
            f"nothing says which repository of {NAMES[forge]} this is about",
            remedy="Name it with --repo.",
        )
    if place.commit and not _SHA.fullmatch(place.commit):
        raise ForgeError(
            f"{place.commit} is no commit", remedy="Give --commit all digits of the hash."
        )
    return place


def forge_at(
    place: CiContext, environment: Environment, *, limits: Limits | None = None
) -> tuple[Forge, Caller]:
    """The forge of a place, with its token, and the caller to close when it is no longer needed.

    Raises ForgeRefused without a token, ForgeError for a URL that no token may be sent to.
    """
    variable = _TOKENS[place.forge]
    token = environment.get(variable, "")
    if not token:
        raise ForgeRefused(
            f"there is no token for {NAMES[place.forge]}", remedy=_TOKEN_REMEDIES[place.forge]
        )
    if not re.fullmatch(r"[A-Za-z0-9._~+/=-]{1,8192}", token):
        raise ForgeRefused(
            f"{variable} has characters that no token has, such as spaces or line ends",
            remedy=f"Set {variable} to the token alone.",
        )
    github = place.forge == GITHUB
    signed = {**HEADERS, "Authorization": f"Bearer {token}"}
    headers = signed if github else {"PRIVATE-TOKEN": token}
    tongue = Tongue(
        name=NAMES[place.forge], token_variable=variable, headers=headers, secrets=(token,)
    )
    caller = Caller(_origin(place.url, variable), tongue, limits=limits, ca_bundle=place.ca_bundle)
    if not github:
        return GitLab(caller, place.repository), caller
    bot = _ACTIONS_BOT if environment.get("GITHUB_ACTIONS") == "true" else None
    return GitHub(caller, place.repository, noted_as=bot), caller


_TOKEN_REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        GITHUB: "Set GITHUB_TOKEN; in a workflow, env: GITHUB_TOKEN: ${{ github.token }}.",
        # "GitLab CI/CD job token", "Job token access": it reads notes, and no approvals.
        GITLAB: "Set GITLAB_TOKEN to a project access token: CI_JOB_TOKEN may neither write notes "
        "nor read approvals.",
    }
)


def _forge_of(environment: Environment) -> str:
    if environment.get("GITHUB_ACTIONS") == "true":
        return GITHUB
    if environment.get("GITLAB_CI") == "true":
        return GITLAB
    raise ForgeError(
        "nothing says which forge this is about: this is no job of GitHub Actions or GitLab CI",
        remedy="Name it with --forge github or --forge gitlab.",
    )


def _origin(url: str, variable: str) -> BaseUrl:
    try:
        return origin_of_url(url)
    except UnusableUrl as error:
        fact = "names a host without TLS" if error.flaw == WITHOUT_TLS else "is no plain URL"
        raise ForgeError(
            f"the base URL of the API {fact}, so {variable} is not sent to it",
            remedy="Set --forge-url to an https address; http is for this machine alone.",
        ) from error


def _pull_of(event: str) -> tuple[int | None, str]:
    """The number and the head of the pull request that a workflow's event is about.

    GITHUB_SHA is of a merge commit that GitHub made for the run, and not the head.
    """
    try:
        document = json.loads(event, parse_float=Decimal) if event else {}
    except (ValueError, RecursionError):
        return None, ""
    pull = _inside(document, "pull_request")
    number = _inside(pull, "number")
    head = _inside(_inside(pull, "head"), "sha")
    if not isinstance(number, int) or isinstance(number, bool):
        return None, ""
    return number, head if isinstance(head, str) else ""


def _inside(document: Any, name: str) -> Any:
    return document.get(name) if isinstance(document, dict) else None


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None
