"""Opens the forge of a CI context with the token from the environment."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from reconciler.errors import ForgeError, ForgeRefused
from reconciler.forge.api import ForgeApi, ForgeLimits
from reconciler.forge.ci_context import GITHUB, GITLAB, NAMES, CiContext, Environment
from reconciler.forge.github import HEADERS, GitHub
from reconciler.forge.gitlab import GitLab
from reconciler.forge.protocol import Forge
from reconciler.http_client.base_url import WITHOUT_TLS, BaseUrl, UnusableUrl, parse_base_url

TOKENS: Mapping[str, str] = {GITHUB: "GITHUB_TOKEN", GITLAB: "GITLAB_TOKEN"}
TOKEN_REMEDIES: Mapping[str, str] = {
    GITHUB: "Set GITHUB_TOKEN; in a workflow, env: GITHUB_TOKEN: ${{ github.token }}.",
    # "GitLab CI/CD job token", "Job token access": it reads notes, and no approvals.
    GITLAB: "Set GITLAB_TOKEN to a project access token. CI_JOB_TOKEN cannot write notes or "
    "read approvals.",
}

_ACTIONS_BOT = "github-actions[bot]"
"""The login of comments made with the GITHUB_TOKEN of a workflow."""


@contextmanager
def open_forge(
    context: CiContext, environment: Environment, *, limits: ForgeLimits | None = None
) -> Iterator[Forge]:
    """The forge of a context, open for the duration of the block.

    Raises ForgeRefused without a token, ForgeError for a URL that a token must not be sent to.
    """
    name, variable = NAMES[context.forge], TOKENS[context.forge]
    token = environment.get(variable, "")
    if not token:
        raise ForgeRefused(f"there is no token for {name}", remedy=TOKEN_REMEDIES[context.forge])
    if not re.fullmatch(r"[A-Za-z0-9._~+/=-]{1,8192}", token):
        raise ForgeRefused(
            f"{variable} has characters that a token cannot have, such as spaces",
            remedy=f"Set {variable} to the token alone.",
        )
    github = context.forge == GITHUB
    signed = {**HEADERS, "Authorization": f"Bearer {token}"}
    headers = signed if github else {"PRIVATE-TOKEN": token}
    api = ForgeApi(
        _base_url(context.url, variable),
        name=name,
        token=token,
        token_variable=variable,
        headers=headers,
        limits=limits,
        ca_bundle=context.ca_bundle,
    )
    bot = _ACTIONS_BOT if environment.get("GITHUB_ACTIONS") == "true" else None
    try:
        yield (
            GitHub(api, context.repository, comments_as=bot)
            if github
            else GitLab(api, context.repository)
        )
    finally:
        api.close()


def _base_url(url: str, variable: str) -> BaseUrl:
    try:
        return parse_base_url(url)
    except UnusableUrl as error:
        fact = "has no TLS" if error.reason == WITHOUT_TLS else "is not an http or https URL"
        raise ForgeError(
            f"the base URL of the API {fact}, so {variable} is not sent to it",
            remedy="Set --forge-url to an https URL. Only this machine may use http.",
        ) from error
