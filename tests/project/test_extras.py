"""Without an extra everything else works, and what needs it says which command adds it."""

import shutil
import sys
from functools import partial
from pathlib import Path

import pytest
from checkout import Run

from reconciler.errors import MissingPackage

WITHOUT = """\
import sys
for name in sys.argv.pop(1).split(","):
    sys.modules[name] = None
from reconciler.cli.main import main
main(sys.argv[1:])
"""
"""Imports of these packages fail, as where they are not installed."""


def run_without(extra: str, *words: str, run: Run, cwd: Path):
    """Run a verb in an environment without the packages of an extra."""
    packages = [name for name, of in MissingPackage.EXTRAS.items() if of == extra]
    return run(sys.executable, "-c", WITHOUT, ",".join(packages), *words, cwd=cwd)


@pytest.fixture(scope="module")
def written(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books that `init` wrote without any package of the ledger."""
    folder = tmp_path_factory.mktemp("without")
    assert run_without("ledger", "init", ".", run=run, cwd=folder).returncode == 0
    return folder


@pytest.fixture
def without(run: Run, written: Path, tmp_path: Path):
    """Runs a verb in a copy of those books, without the packages of an extra."""
    return partial(run_without, run=run, cwd=shutil.copytree(written, tmp_path / "books"))


def test_a_job_of_a_tenant_needs_no_package_of_the_ledger(without) -> None:
    assert without("ledger", "validate").returncode == 0
    assert without("ledger", "plan", "--offline").returncode == 0


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("ledger", ("plan",)),
        ("ledger", ("apply", "-y")),
        ("ledger", ("plan", "--offline", "--rehearse")),
        ("ledger", ("ledger", "verify", "--database", "sqlite:///x.db")),
        ("xlsx", ("export", "--format", "xlsx", "--to", "a.xlsx")),
    ],
)
def test_what_needs_an_extra_names_it(without, extra: str, words: tuple[str, ...]) -> None:
    ended = without(extra, *words)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: this needs the package ")
    assert f"To fix: Run `pip install 'journal-reconciler[{extra}]'`." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_doctor_lists_what_is_missing(without) -> None:
    ended = without("ledger", "doctor")
    assert ended.returncode == 1
    row = ended.stdout[ended.stdout.index("bad  ledger: this needs the package ") :]
    assert "Run `pip install 'journal-reconciler[ledger]'`." in row


def test_the_table_of_packages_is_that_of_the_extras(root: Path) -> None:
    import tomllib

    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    declared = {
        line.partition(">=")[0]: extra for extra in ("ledger", "xlsx") for line in extras[extra]
    }
    # openpyxl uses it where it is installed.
    assert declared.pop("defusedxml") == "xlsx"
    assert declared == dict(MissingPackage.EXTRAS)
