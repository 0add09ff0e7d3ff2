"""The planted bugs can still be planted: `make planted` shows that the suite notices them."""

import shutil

import pytest
from plant import COUNT, ROOT, Bug, apply, bugs

BUGS = bugs()


def test_every_bug_is_there_once():
    assert [bug.name for bug in BUGS] == [f"B{number}" for number in range(1, COUNT + 1)]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_bears_its_number_and_names_tests_that_exist(bug: Bug):
    assert bug.patch.name.startswith(f"b{int(bug.name[1:]):02}_")
    for test in (*bug.tests, *bug.full):
        file, _, name = test.partition("::")
        assert name in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_still_be_planted(bug: Bug):
    apply(bug, ROOT, "--check")
