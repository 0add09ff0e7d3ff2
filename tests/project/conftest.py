"""The checkout, and how a test runs a program of it as a user would."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from checkout import ROOT, Run, environment


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def run() -> Run:
    """Runs a command to its end, within an hour and without a terminal or a stdin."""

    def to_its_end(
        *command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=3600,
            check=False,
        )

    return to_its_end


@pytest.fixture(scope="session")
def tracked(run: Run) -> tuple[Path, ...]:
    """Every file that git keeps, relative to the checkout."""
    listed = run("git", "ls-files", "-z")
    if listed.returncode:
        pytest.skip("not a git checkout")
    return tuple(
        Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).exists()
    )
