"""The verbs run where POSIX is missing. Windows and macOS themselves are jobs of the workflow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from program import LONGEST, clean_environment

HERE = Path(__file__).parent
SCRIPT, WINDOWS_LIKE = HERE / "run_verbs.py", HERE / "windows_like"


def python(*words, windows_like=False):
    """A fresh interpreter, which lacks from its start what Windows lacks."""
    env = clean_environment()
    if windows_like:
        env |= {"WINDOWS_LIKE": "1", "PYTHONPATH": str(WINDOWS_LIKE)}
    command = [sys.executable, "-P", *map(str, words)]
    given = {"env": env, "capture_output": True, "text": True, "timeout": LONGEST}
    return subprocess.run(command, check=False, **given)


@pytest.mark.skipif(sys.platform != "linux", reason="finds open files in /proc")
def test_every_verb_runs_without_posix(tmp_path):
    ended = python(SCRIPT, tmp_path, windows_like=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("All verbs ended as expected without POSIX.\n")


@pytest.mark.long
def test_every_verb_runs_on_this_system(tmp_path):
    ended = python(SCRIPT, tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr


ABSENT = """
import importlib, pkgutil, reconciler
for found in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
    if not found.name.endswith(("__main__", "migrations.env")):
        importlib.import_module(found.name)
print("imported")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="finds open files in /proc")
def test_every_module_imports_without_posix():
    ended = python("-c", ABSENT, windows_like=True)
    assert ended.stdout == "imported\n", ended.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="finds open files in /proc")
def test_what_windows_lacks_is_missing_in_the_test():
    """The test above would prove nothing if the interpreter had all of it."""
    ended = python("-c", "import os; os.fork, os.O_CLOEXEC", windows_like=True)
    assert "has no attribute 'fork'" in ended.stderr
    ended = python("-c", "import fcntl", windows_like=True)
    assert "ModuleNotFoundError" in ended.stderr
    assert hasattr(os, "fork")
