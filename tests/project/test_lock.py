"""The lock: what is installed is what was tested, whatever was released since."""

import re
import runpy
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkout import ROOT, Run
from packaging.requirements import Requirement

LOCK = ROOT / "requirements"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DECLARED = [
    *PROJECT["build-system"]["requires"],
    *PROJECT["project"]["dependencies"],
    *(line for extra in PROJECT["project"]["optional-dependencies"].values() for line in extra),
]
DECLARATION = ("pyproject.toml", "")
EVERYTHING = "'.[dev,ledger,postgresql,xlsx]'"
FILES = ("build.txt", "run.txt", "postgresql.txt", "ledger.txt", "dev.txt")
Findings = Callable[[Path], Any]


@pytest.fixture(scope="module")
def findings() -> Findings:
    """What `make check-lock` finds."""
    check: Findings = runpy.run_path(str(ROOT / "tests/project/check_lock.py"))["findings"]
    return check


def test_the_lock_is_what_is_declared(findings: Findings) -> None:
    assert list(findings(ROOT)) == []


@pytest.mark.parametrize(
    ("file", "before", "after", "finding"),
    [
        pytest.param(
            "pyproject.toml",
            "dependencies = [\n",
            'dependencies = [\n    "six>=1",\n',
            "requirements/run.txt: six is missing",
            id="something new is needed",
        ),
        pytest.param(
            "pyproject.toml",
            '    "falcon>=4,<5",',
            "",
            "requirements/dev.txt: falcon is not declared",
            id="something is needed no more",
        ),
        pytest.param(
            "pyproject.toml",
            "falcon>=4,<5",
            "falcon>=4,<4.1",
            "requirements/ledger.txt: falcon has a version that `falcon<4.1,>=4` does not allow",
            id="another version is needed",
        ),
        pytest.param(
            "pyproject.toml",
            'requires = ["hatchling>=1.27"]',
            'requires = ["setuptools>=80"]',
            "requirements/build.txt: setuptools is missing",
            id="another builder",
        ),
        pytest.param(
            "requirements/ledger.txt",
            "falcon==",
            "falcon==4.0.",
            "requirements/ledger.txt: falcon has another version than in requirements/dev.txt",
            id="users get what no test ran with",
        ),
        pytest.param(
            "requirements/dev.txt",
            "falcon==",
            "falcon>=",
            "requirements/dev.txt: falcon is missing",
            id="no version",
        ),
        pytest.param(
            "requirements/dev.txt",
            "waitress==",
            "pytest-odd==1.0\nwaitress==",
            "requirements/dev.txt: `pytest-odd==1.0` is no package with a version and hashes",
            id="no hash",
        ),
        pytest.param(
            "requirements/run.txt",
            "# This file",
            "--index-url https://packages.example.com/simple\n# This file",
            "requirements/run.txt: `--index-url https://packages.example.com/simple` "
            "is no package with a version and hashes",
            id="names a host",
        ),
    ],
)
def test_a_lock_that_does_not_fit_is_told(
    findings: Findings, tmp_path: Path, file: str, before: str, after: str, finding: str
) -> None:
    shutil.copytree(LOCK, tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert text.count(before) == 1 or before == "falcon=="
    (tmp_path / file).write_text(text.replace(before, after, 1), encoding="utf-8")
    assert finding in list(findings(tmp_path))


@pytest.mark.parametrize("file", FILES)
def test_the_lock_names_no_place(file: str) -> None:
    text = (LOCK / file).read_text(encoding="utf-8")
    assert "://" not in text
    assert re.findall(r"^-.*", text, re.MULTILINE) == []


def test_every_dependency_has_a_lowest_version() -> None:
    """Which `make test-lowest` runs with."""
    bounds = {
        line: {one.operator for one in Requirement(line).specifier} & {">=", "=="}
        for line in DECLARED
    }
    assert [line for line, lowest in bounds.items() if not lowest] == []


def test_whatever_installs_the_checkout_installs_the_lock() -> None:
    installers = {
        "Makefile": 3,
        "action.yml": 1,
        "docs/ci/gitlab-ci.yml": 1,
    }
    for file, times in installers.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        used = re.findall(r'^[^#\n]*/install\b.* (?:ledger|postgresql|dev|"\$lock")', text, re.M)
        assert len(used) == times
    assert re.findall(r"pip install .*", MAKEFILE) == [
        f"pip install --python .venv-newest/bin/python --upgrade --editable {EVERYTHING}",
        "pip install --python .venv-lowest/bin/python --no-deps --requirement -",
        "pip install --python .venv-bench/bin/python --requirement benchmarks/requirements.txt",
        "pip install --python .venv-docs/bin/python --requirement docs/requirements.txt",
        (
            "pip install --python .venv-sbom/bin/python --require-hashes "
            "--requirement $(LOCK)/sbom.txt"
        ),
    ]


def test_an_install_takes_nothing_but_the_lock(run: Run, tmp_path: Path) -> None:
    """With a pip that only notes what it is asked."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    ended = run(LOCK / "install", python, "postgresql", "--editable", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    locked, itself = ended.stdout.splitlines()
    assert "--no-deps" in locked and "--no-deps" in itself
    assert locked.endswith(
        f"--require-hashes --requirement {LOCK}/build.txt --requirement {LOCK}/postgresql.txt"
    )
    assert itself.endswith(f"--no-build-isolation --editable {LOCK}/..")


def test_other_versions_are_tried_apart_from_the_build() -> None:
    """What was released last night is told by a run of its own, and breaks no pull request."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/versions.yml").read_text("utf-8"))
    (job,) = workflow["jobs"].values()
    assert {one["versions"] for one in job["strategy"]["matrix"]["include"]} == {"newest", "lowest"}
    assert [step["run"] for step in job["steps"] if "run" in step] == ['make "test-$VERSIONS"']
    assert "schedule" in workflow[True]
    for target in ("lock", "check-lock", "test-newest", "test-lowest"):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
    assert "newest" not in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
