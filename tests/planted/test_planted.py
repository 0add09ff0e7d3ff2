"""The planted bugs can still be planted: `make planted` shows that the suite notices them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from plant import COUNT, ROOT, Bug, apply, bugs

BUGS = bugs()


def test_every_bug_is_there_once():
    assert [bug.name for bug in BUGS] == [f"B{number}" for number in range(1, COUNT + 1)]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_has_its_number_and_names_tests_that_exist(bug: Bug):
    assert bug.patch.name.startswith(f"b{int(bug.name[1:]):02}_")
    for test in (*bug.tests, *bug.full):
        file, _, name = test.partition("::")
        assert name in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_still_be_planted(bug: Bug):
    apply(bug, ROOT, "--check")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_planted_bug_is_code_that_runs(tmp_path: Path):
    """A bug with an undefined name fails every test, and then says nothing about the suite."""
    for bug in BUGS:
        for name in re.findall(r"^\+\+\+ b/(\S+)$", bug.patch.read_text(encoding="utf-8"), re.M):
            copy = tmp_path / bug.name / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy)
        apply(bug, tmp_path / bug.name)
    names = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821,E9", tmp_path]
    checked = subprocess.run(names, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
