"""A forge on a socket for each test, the client that speaks to it, and a checkout with a policy."""

import os
from contextlib import ExitStack

import pytest
from books_fixtures import (  # noqa: F401 - fixtures are found by their names here
    empty,
    empty_template,
    opened,
    plain_environment,
)
from checkouts import POLICY, Checkout
from forge_server import PROJECT, REPOSITORY, GitHubServer, GitLabServer
from socket_server import on_a_socket

from reconciler.forge.access import open_forge
from reconciler.forge.api import ForgeLimits
from reconciler.forge.ci_context import GITHUB, GITLAB, CiContext

QUICK = ForgeLimits(backoff=0.001, backoff_cap=0.01, attempt_timeout=60, deadline=600)


@pytest.fixture
def github():
    server = GitHubServer()
    with on_a_socket(server) as url:
        server.url = url
        yield server


@pytest.fixture
def gitlab():
    server = GitLabServer()
    with on_a_socket(server) as url:
        server.url = url + server.prefix
        yield server


@pytest.fixture
def speak():
    """Opens a client of a server, with a token of its own."""
    with ExitStack() as stack:

        def opened(server, token=None, limits=QUICK, **environment):
            name = GITHUB if isinstance(server, GitHubServer) else GITLAB
            repository = REPOSITORY if name == GITHUB else PROJECT
            usual = "ghs_actions" if name == GITHUB else "glpat_robot"
            variable = "GITHUB_TOKEN" if name == GITHUB else "GITLAB_TOKEN"
            forge = open_forge(
                CiContext(forge=name, url=server.url, repository=repository),
                {"GITHUB_ACTIONS": "true", variable: token or usual, **environment},
                limits=limits,
            )
            return stack.enter_context(forge)

        yield opened


@pytest.fixture(autouse=True)
def no_forge(monkeypatch, plain_environment):  # noqa: F811 - a fixture's name
    """Whatever job runs the tests, it is none of the program's business."""
    for name in os.environ:
        if name.startswith(("GITHUB_", "GITLAB_", "CI_", "GIT_")) or name == "CI":
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def checkout(empty):  # noqa: F811 - a fixture's name
    empty.settings(spec=POLICY)
    return Checkout(empty)
