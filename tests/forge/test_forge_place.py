"""Which forge, repository, change and commit a job is about, and where a token may go."""

import json

import pytest
from forge_server import Fault

from reconciler.errors import ForgeError, ForgeRefused
from reconciler.forge.access import open_forge
from reconciler.forge.ci_context import ChangeOptions, CiContext, ci_context_from, target_of_job

SHA, HEAD = "a" * 40, "b" * 40
ACTIONS = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/books", "GITHUB_SHA": SHA}
PIPELINE = {"GITLAB_CI": "true", "CI_PROJECT_ID": "77", "CI_COMMIT_SHA": SHA}
EVENT = json.dumps({"pull_request": {"number": 7, "head": {"sha": HEAD}}})
SAID = {}


@pytest.mark.parametrize(
    ("said", "environment", "event", "found"),
    [
        pytest.param(
            SAID, {**ACTIONS, "GITHUB_REF": "refs/pull/7/merge"}, EVENT,
            CiContext(forge="github", url="https://api.github.com", repository="acme/books",
                      change=7, commit=HEAD, own=True, merged=SHA),
            id="a workflow about a pull request",
        ),
        pytest.param(
            {"commit": "c" * 40}, {**ACTIONS, "GITHUB_REF": "refs/pull/7/merge"}, EVENT,
            CiContext(forge="github", url="https://api.github.com", repository="acme/books",
                      change=7, commit="c" * 40, own=True),
            id="the merge is of another commit than is said",
        ),
        pytest.param(
            SAID, {**ACTIONS, "GITHUB_REF": "refs/heads/main"}, EVENT,
            CiContext(forge="github", url="https://api.github.com", repository="acme/books",
                      change=7, commit=HEAD, own=True),
            id="a workflow that has the target branch checked out",
        ),
        pytest.param(
            SAID, ACTIONS, '{"ref": "refs/heads/main"}',
            CiContext(forge="github", url="https://api.github.com", repository="acme/books",
                      commit=SHA),
            id="a workflow about a push",
        ),
        pytest.param(
            SAID, {**ACTIONS, "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"}, "",
            CiContext(forge="github", url="https://api.github.com", repository="acme/books",
                      commit=SHA, branch="main"),
            id="a workflow on a branch",
        ),
        pytest.param(
            SAID, {**ACTIONS, "GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"}, "",
            CiContext(forge="github", url="https://api.github.com", repository="acme/books",
                      commit=SHA),
            id="a workflow on a tag",
        ),
        pytest.param(
            SAID, {**PIPELINE, "CI_COMMIT_BRANCH": "main"}, "",
            CiContext(forge="gitlab", url="https://gitlab.com/api/v4", repository="77",
                      commit=SHA, branch="main"),
            id="a pipeline on a branch",
        ),
        pytest.param(
            SAID, {**ACTIONS, "GITHUB_API_URL": "https://github.acme.example/api/v3"}, "",
            CiContext(forge="github", url="https://github.acme.example/api/v3",
                      repository="acme/books", commit=SHA),
            id="a server of one's own",
        ),
        pytest.param(
            SAID, {**PIPELINE, "CI_MERGE_REQUEST_IID": "7"}, "",
            CiContext(forge="gitlab", url="https://gitlab.com/api/v4", repository="77", change=7,
                      commit=SHA, own=True),
            id="a pipeline about a merge request",
        ),
        pytest.param(
            SAID, {**PIPELINE, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD}, "",
            CiContext(forge="gitlab", url="https://gitlab.com/api/v4", repository="77", commit=HEAD,
                      merged=SHA),
            id="a pipeline about a merged result",
        ),
        pytest.param(
            {"forge": "gitlab", "repo": "acme/books", "change_number": 9, "commit": HEAD},
            ACTIONS, EVENT,
            CiContext(forge="gitlab", url="https://gitlab.com/api/v4", repository="acme/books",
                      change=9, commit=HEAD),
            id="what is said counts",
        ),
        pytest.param(
            SAID, {**ACTIONS, "GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": "5"}, "",
            CiContext(forge="github", url="https://api.github.com", repository="acme/books",
                      commit=SHA, job_url="https://github.com/acme/books/actions/runs/5"),
            id="the page of a workflow run",
        ),
        pytest.param(
            SAID, {**PIPELINE, "CI_PIPELINE_URL": "https://gitlab.com/a/b/-/pipelines/5"}, "",
            CiContext(forge="gitlab", url="https://gitlab.com/api/v4", repository="77", commit=SHA,
                      job_url="https://gitlab.com/a/b/-/pipelines/5"),
            id="the page of a pipeline",
        ),
        pytest.param(
            SAID, ACTIONS, "[" * 5000,
            CiContext(forge="github", url="https://api.github.com", repository="acme/books",
                      commit=SHA),
            id="an event that is none",
        ),
        pytest.param(
            SAID, ACTIONS, '{"pull_request": {"number": "7; rm", "head": 3}}',
            CiContext(forge="github", url="https://api.github.com", repository="acme/books",
                      commit=SHA),
            id="an event of another shape",
        ),
    ],
)  # fmt: skip
def test_a_job_says_what_it_is_about(said, environment, event, found):
    assert ci_context_from(ChangeOptions(**said, environment=environment), event) == found


@pytest.mark.parametrize(
    ("said", "environment", "fact"),
    [
        (SAID, {}, "forge is unknown"),
        ({"forge": "github"}, {}, "repository of GitHub is unknown"),
        (SAID, {**ACTIONS, "GITHUB_SHA": "main"}, "is not a commit"),
    ],
)
def test_what_is_not_known_is_asked_for(said, environment, fact):
    with pytest.raises(ForgeError, match=fact) as caught:
        ci_context_from(ChangeOptions(**said, environment=environment), "")
    assert "--" in caught.value.remedy


@pytest.mark.parametrize(
    "url",
    [
        "http://github.acme.example/api/v3",
        "https://user@github.acme.example",
        "https://github.acme.example/?token=",
        "ftp://github.acme.example",
        "github.acme.example",
    ],
)
def test_no_token_is_sent_to_an_odd_url(url):
    place_ = CiContext(forge="github", url=url, repository="acme/books")
    with pytest.raises(ForgeError, match="is not sent to it"):
        open_forge(place_, {"GITHUB_TOKEN": "ghs_x"}).__enter__()


@pytest.mark.parametrize(
    ("forge", "environment", "fact"),
    [
        ("github", {}, "no token for GitHub"),
        ("gitlab", {"CI_JOB_TOKEN": "glcbt-1"}, "no token for GitLab"),
        ("github", {"GITHUB_TOKEN": "a\nX-Evil: 1"}, "characters that a token cannot have"),
    ],
)
def test_a_token_comes_from_the_environment_alone(forge, environment, fact):
    place_ = CiContext(forge=forge, url="https://x.example", repository="a/b")
    with pytest.raises(ForgeRefused, match=fact) as caught:
        open_forge(place_, environment).__enter__()
    assert "evil" not in caught.value.message.lower()


@pytest.mark.parametrize("name", ["books", "acme/../evil", "acme/books/issues", "acme/b?x", ""])
def test_a_repository_is_no_path_to_elsewhere(name):
    place_ = CiContext(forge="github", url="https://x.example", repository=name)
    with pytest.raises(Exception, match="is not the name of a GitHub repository"):
        open_forge(place_, {"GITHUB_TOKEN": "ghs_x"}).__enter__()


def test_a_redirect_takes_no_token_anywhere(github, gitlab, speak):
    elsewhere = {"Location": f"{gitlab.url}/projects/77/merge_requests/7/notes"}
    github.faults.append(Fault(method="GET", path="comments", status=302, headers=elsewhere))
    with pytest.raises(ForgeError, match="returned HTTP 302"):
        speak(github).comments(7)
    assert gitlab.sent == []


def test_a_proxy_of_the_environment_is_not_asked(github, gitlab, speak, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, gitlab.url)
    assert speak(github).comments(7) == ()
    assert gitlab.sent == []


@pytest.mark.parametrize(
    ("environment", "target"),
    [
        pytest.param(
            {"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main"},
            ("main", "refs/remotes/origin/main"),
            id="GitHub",
        ),
        pytest.param({"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": ""}, None, id="GitHub, branch"),
        pytest.param(
            {
                "GITLAB_CI": "true",
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
                "CI_MERGE_REQUEST_DIFF_BASE_SHA": "a" * 40,
            },
            ("main", "a" * 40),
            id="GitLab",
        ),
        pytest.param(
            {
                "GITLAB_CI": "true",
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
                "CI_MERGE_REQUEST_DIFF_BASE_SHA": "a" * 40,
                "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "b" * 40,
            },
            ("main", "b" * 40),
            id="GitLab, merged results",
        ),
        pytest.param(
            {"TF_BUILD": "True", "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"},
            ("main", "refs/remotes/origin/main"),
            id="Azure Pipelines",
        ),
        pytest.param(
            {"JENKINS_URL": "https://ci.example", "CHANGE_TARGET": "main"},
            ("main", "refs/remotes/origin/main"),
            id="Jenkins",
        ),
        pytest.param(
            {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_DESTINATION_BRANCH": "main"},
            ("main", "refs/remotes/origin/main"),
            id="Bitbucket",
        ),
        pytest.param({"GITHUB_BASE_REF": "main", "CHANGE_TARGET": "main"}, None, id="outside"),
    ],
)
def test_the_target_of_a_change_is_known_from_the_job(environment, target):
    assert target_of_job(environment) == target
