"""The hooks that other repositories use, tried from one: found, installed and run by pre-commit."""

import os
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from checkout import ROOT, Run

CONFIG = """\
repos:
  - repo: file://{source}
    rev: {commit}
    hooks:
      - id: reconciler-fmt
        args: [--workspace, books]
      - id: reconciler-validate
        args: [--workspace, books]
"""
WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: books}
"""
IDENTITY = {
    f"GIT_{role}_{what}": text
    for role in ("AUTHOR", "COMMITTER")
    for what, text in (("NAME", "carol"), ("EMAIL", "carol@example.com"))
}
NOTHING_INSTALLED: dict[str, str] = {}
AS_INSTALLED_HERE = {
    "PYTHONPATH": sysconfig.get_path("purelib"),
    "PIP_NO_INDEX": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # pip's word for it: 0 stands for no isolation
}
"""What this checkout needs is found where the tests have it, so that no index is asked."""

Commit = Callable[[str], tuple[int, str]]


@pytest.fixture(
    params=[
        pytest.param(AS_INSTALLED_HERE, id="with what is installed here"),
        pytest.param(NOTHING_INSTALLED, id="from nothing"),
    ]
)
def commit(
    request: pytest.FixtureRequest, run: Run, tracked: tuple[Path, ...], tmp_path: Path
) -> Commit:
    """Commits a text as an entry of the other repository; gives the exit code, and what is said."""
    env = {
        **IDENTITY,
        **request.param,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
    }

    def git(folder: Path, *arguments: str) -> str:
        ended = run("git", *arguments, cwd=folder, env=env)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    source = tmp_path / "source"
    for file in tracked:
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, source / file)
    git(source, "init", "--quiet")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message", "A release")

    other = tmp_path / "other"
    books = other / "books"
    books.mkdir(parents=True)
    config = CONFIG.format(source=source, commit=git(source, "rev-parse", "HEAD"))
    (other / ".pre-commit-config.yaml").write_text(config)
    (books / "reconciler.yaml").write_text(WORKSPACE)
    shutil.copy(ROOT / "journals" / "reference.yaml", books)
    git(other, "init", "--quiet")
    installed = run("pre-commit", "install", cwd=other, env=env)
    assert installed.returncode == 0, installed.stdout

    def commit_it(text: str) -> tuple[int, str]:
        (books / "entry.yaml").write_text(text, encoding="utf-8")
        git(other, "add", "--all")
        ended = run("git", "commit", "--quiet", "--message", "Declare", cwd=other, env=env)
        return ended.returncode, ended.stdout + ended.stderr

    return commit_it


@pytest.mark.parametrize("command", ["validate", "fmt"])
def test_a_hook_is_a_verb(run: Run, command: str) -> None:
    sound = run("pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml")
    assert sound.returncode == 0, sound.stdout
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    (hook,) = [hook for hook in hooks if hook["id"] == f"reconciler-{command}"]
    assert hook["entry"] == f"reconciler {command}"
    assert not hook["pass_filenames"], "a name is unique in all of a workspace"


@pytest.mark.long
def test_another_repository_uses_the_hooks(commit: Commit) -> None:
    entry = (ROOT / "journals/2026/01/hosting-accrual.yaml").read_text(encoding="utf-8")
    odd = entry.replace("kind: JournalEntry", "kind:   JournalEntry")
    code, said = commit(odd.replace("type: Credit", "type: Debit"))
    assert code == 1, said
    assert "files were modified by this hook" in said
    assert "lines-balance" in said
    code, said = commit(entry)
    assert code == 0, said
