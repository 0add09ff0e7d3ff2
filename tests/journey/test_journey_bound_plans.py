"""A saved plan is bound to its policy, its time, its key and its repository (I-30)."""

import json
import subprocess
from pathlib import Path

import pytest
from books_harness import Books, clean_environment, reconciler

from reconciler.core.documents.plan_json import checksum_of

KEY = "0123456789abcdef" * 2


@pytest.fixture
def books(small) -> Books:
    """Six applied entries and one to come."""
    small.declare("one-more")
    return small


@pytest.fixture
def saved(books, tmp_path) -> Path:
    path = tmp_path / "plan.json"
    assert books.plan("--out", path).code == 0
    return path


def git(root, *arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    ended = subprocess.run(
        ["git", *identity, *arguments],
        cwd=root,
        env=clean_environment() | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.strip()


@pytest.fixture
def repository(books):
    git(books.root, "init", "-q", "-b", "main")
    git(books.root, "add", ".")
    git(books.root, "commit", "-q", "-m", "Books")
    return books


def origin_of(path):
    return json.loads(path.read_text())["origin"]


def refused(books, path, words, code=5):
    before = books.content()
    ended = books.run("apply", path)
    assert ended.code == code, ended.said
    assert words in ended.err
    assert books.content() == before


def forged(path, **origin):
    """A plan file with another origin and a checksum that fits it."""
    document = json.loads(path.read_text())
    document["origin"].update(origin)
    document["checksum"] = checksum_of(document)
    path.write_text(json.dumps(document))


def test_a_plan_is_valid_for_a_week_or_as_said(books, saved, tmp_path):
    other = tmp_path / "other.json"
    assert books.plan("--out", other, "--expires", "1").code == 0
    week, hour = (origin_of(path) for path in (saved, other))
    assert week["made_at"][:10] < week["expires_at"][:10]
    assert hour["made_at"][14:] == hour["expires_at"][14:], "an hour later to the second"
    forged(saved, expires_at=week["made_at"])
    refused(books, saved, "the plan expired at")


def test_a_plan_that_was_printed_is_no_saved_one(books, tmp_path):
    path = tmp_path / "printed.json"
    path.write_text(books.plan("--format", "json").out)
    refused(books, path, "is not a saved plan to apply")


def test_a_plan_of_another_version_is_made_anew(books, saved):
    forged(saved, tool_version="0.0.0")
    refused(books, saved, "version 0.0.0 made the plan")


def test_a_plan_is_held_to_the_policy_it_was_reviewed_under(books, saved):
    """The digest covers no limit, for a limit changes nothing of what is done."""
    digest = json.loads(saved.read_text())["digest"]
    books.settings(spec="{policy: {limits: {removals: 50}}}")
    assert books.plan_document()["digest"] == digest
    refused(books, saved, "policy changed since the review")


def test_a_key_makes_plans_that_nobody_else_can_make(books, saved, monkeypatch):
    monkeypatch.setenv("RECONCILER_PLAN_KEY", KEY)
    refused(books, saved, "not signed with the key")
    assert books.plan("--out", saved).code == 0
    assert KEY not in saved.read_text()
    ended = books.run("apply", saved)
    assert ended.code == 0, ended.said


def test_a_short_key_is_refused(books, saved, monkeypatch):
    monkeypatch.setenv("RECONCILER_PLAN_KEY", "secret")
    refused(books, saved, "too short", code=1)


def test_a_squash_merge_is_the_plan_that_was_reviewed(repository, tmp_path):
    """Another commit with the same declarations is the normal way to the protected branch."""
    books, root = repository, repository.root
    git(root, "checkout", "-q", "-b", "change")
    books.declare("another")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "Change")
    saved = tmp_path / "plan.json"
    assert books.plan("--out", saved).code == 0
    head = git(root, "rev-parse", "HEAD")
    assert (origin_of(saved)["commit"], origin_of(saved)["dirty"]) == (head, False)
    git(root, "checkout", "-q", "main")
    git(root, "merge", "-q", "--squash", "change")
    git(root, "commit", "-q", "-m", "Squashed")
    merged = git(root, "rev-parse", "HEAD")
    ended = books.run("apply", saved)
    assert ended.code == 0, ended.said
    assert f"Note: reviewed at {head[:12]}, applied at {merged[:12]}.\n" in ended.err


@pytest.mark.parametrize(
    ("make", "dirty"),
    [
        pytest.param(lambda books: books.declare("new"), True, id="a new file"),
        pytest.param(lambda books: books.edit("entry-00.yaml", "Notes", "No"), True, id="an edit"),
        pytest.param(lambda books: books.remove("entry-00"), True, id="a file removed"),
        pytest.param(lambda books: books.write("notes.txt", "x"), False, id="no YAML"),
    ],
)
def test_files_that_are_not_committed_are_noticed(repository, tmp_path, make, dirty):
    make(repository)
    saved = tmp_path / "plan.json"
    repository.plan("--out", saved)
    assert origin_of(saved)["dirty"] is dirty


def test_a_repository_runs_nothing_of_its_own(repository, tmp_path):
    """What lies in the repository's configuration is no reason to start a program."""
    trace = tmp_path / "ran"
    program = repository.write("program", f"#!/bin/sh\ntouch {trace}\n")
    program.chmod(0o755)
    git(repository.root, "config", "core.fsmonitor", str(program))
    git(repository.root, "config", "core.hooksPath", str(repository.root))
    saved = tmp_path / "plan.json"
    assert repository.plan("--out", saved).code == 0
    assert origin_of(saved)["commit"]
    assert not trace.exists()


@pytest.mark.parametrize("path", ["", "/nowhere"], ids=["no repository", "no git"])
def test_a_plan_needs_no_repository(books, tmp_path, monkeypatch, path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    if path:
        monkeypatch.setenv("PATH", path)
    saved = tmp_path / "plan.json"
    assert reconciler("plan", "-w", books.root, "--out", saved).code == 0
    assert (origin_of(saved)["commit"], origin_of(saved)["dirty"]) == ("", False)
