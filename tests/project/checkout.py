"""Where the checkout is, and what a new user's environment looks like."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]

LED_ELSEWHERE = ("ZUORA_", "RECONCILER_", "PYTHON", "GIT_", "COV_", "COVERAGE_", "PYTEST_")
"""What the environment of a test run may hold that a new user's does not."""


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment like a new user's, with the programs of the interpreter that runs the test."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(LED_ELSEWHERE)}
    path = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", os.defpath)))
    return {**kept, "PATH": path, **(more or {})}
