"""Runs jobs of GitLab CI on this machine, as local_runner.py does those of GitHub Actions."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from local_runner import INHERITED, Job, install_checkout

INSTALL = [
    'git clone --quiet --no-checkout "$TOOL" /opt/reconciler',
    'git -C /opt/reconciler checkout --quiet --detach "$TOOL_COMMIT"',
    "/opt/reconciler/requirements/install python postgresql",
]


@dataclass(kw_only=True)
class Pipelines:
    """What pipelines run on: a repository, its environments, and what its jobs leave."""

    origin: Path
    """The repository, bare."""
    scratch: Path
    secrets: Mapping[str, Mapping[str, str]]
    """By environment."""
    runs: int = 0

    def run(self, file: Path, sha: str, **variables: str) -> dict[str, Job]:
        """Every job of a pipeline with these variables, in the order in which they are written."""
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        self.runs += 1
        jobs: dict[str, Job] = {}
        for name, job in document.items():
            if name.startswith(".") or "script" not in job:
                continue
            ready = all(
                jobs[need].code in (0, *_allowed(document[need])) for need in job.get("needs", [])
            )
            if ready and any(holds(rule["if"], variables) for rule in job["rules"]):
                base = document.get(job.get("extends"), {})
                jobs[name] = self._job(name, {**base, **job}, document["variables"], sha, variables)
            else:
                jobs[name] = Job(code=None)
        return jobs

    def artifact(self, job: str, file: str) -> Path | None:
        """A file of the newest job with this name that kept it."""
        kept = sorted(self.scratch.glob(f"pipelines/???/{job}/{file}"))
        return kept[-1] if kept else None

    def _job(
        self, name: str, job: Any, everywhere: Mapping[str, str], sha: str, said: Mapping[str, str]
    ) -> Job:
        folder = self.scratch / "pipelines" / f"{self.runs:03}-work" / name
        folder.mkdir(parents=True)
        own = {key: str(value) for key, value in job.get("variables", {}).items()}
        environment = job.get("environment", {}).get("name")
        shared = self.scratch / "daybook"
        state = folder / "journals" / ".reconciler"
        reads = own.get("GIT_STRATEGY") != "none"
        if reads:
            depth = [] if own.get("GIT_DEPTH") == "0" else ["--depth=20"]
            fetch = ["fetch", "--quiet", *depth, f"file://{self.origin}", sha]
            for command in (["init", "--quiet"], fetch, ["checkout", "--quiet", "--detach", sha]):
                subprocess.run(["git", *command], cwd=folder, check=True)
        handed = {}
        for need in job.get("needs", []):
            kept = self.scratch / "pipelines" / f"{self.runs:03}" / need
            shutil.copytree(kept, folder, dirs_exist_ok=True)
            for file in kept.glob("*.env"):
                handed.update(row.split("=", 1) for row in file.read_text().splitlines())
        trusted = reads and environment is not None
        if trusted and shared.exists():
            shutil.copytree(shared, state)
        assert job.get("before_script", INSTALL) == INSTALL
        programs = self.scratch / "programs"
        install_checkout(programs)
        kept = {key: os.environ[key] for key in INHERITED if key in os.environ}
        path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), kept["PATH"]])
        variables = {**everywhere, **own, **self.secrets.get(environment, {}), **handed, **said}
        ended = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])],
            cwd=folder,
            env={**kept, "PATH": path, "CI": "true", "GITLAB_CI": "true", **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=3600,
            check=False,
        )
        if trusted and state.exists():
            shutil.copytree(state, shared, dirs_exist_ok=True)
        self._keep(name, job.get("artifacts", {}), folder, ended.returncode)
        return Job(code=ended.returncode, log=ended.stdout, checked_out=reads)

    def _keep(self, name: str, artifacts: Any, folder: Path, code: int) -> None:
        kept = self.scratch / "pipelines" / f"{self.runs:03}" / name
        kept.mkdir(parents=True)
        if code and artifacts.get("when") != "always":
            return
        variables = artifacts.get("reports", {}).get("dotenv")
        for path in (*artifacts.get("paths", []), *filter(None, [variables])):
            for file in folder.glob(path):
                shutil.copy(file, kept)


def _allowed(job: Any) -> list[int]:
    """Exit codes with which a job counts as done."""
    return job.get("allow_failure", {}).get("exit_codes", [])


def holds(rule: str, variables: Mapping[str, str]) -> bool:
    """Whether a rule of a job holds."""
    return all(_holds(part, variables) for part in rule.split(" && "))


def _holds(part: str, variables: Mapping[str, str]) -> bool:
    left, _, right = part.partition(" == ")
    value = _value(left, variables)
    return value == _value(right, variables) if right else bool(value)


def _value(text: str, variables: Mapping[str, str]) -> str:
    if re.fullmatch(r'"[^"]*"', text):
        return text[1:-1]
    assert re.fullmatch(r"\$[A-Z_]+", text), f"not understood: {text}"
    return variables.get(text[1:], "")
