"""Runs workflows of GitHub Actions on this machine: their own steps, in a shell, job by job.

What GitHub and a runner would add is here and no more: contexts and variables, checkouts by git,
artifacts in folders, a token with the permissions of its job, secrets with its environment. An
expression or an action that is not known stops the test, so that nothing passes unseen.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from program import install_program

ROOT = Path(__file__).parents[2]
REPOSITORY = "acme/books"
SHELLS = {
    None: ("bash", "-e"),
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"),
    "python -I {0}": (sys.executable, "-I"),
}
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


def workflow_of(file: Path) -> dict[str, Any]:
    """A workflow as YAML 1.2 reads it: `on` is a word, and a single event is a mapping too."""
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    events = document.pop(True)
    document["on"] = {events: None} if isinstance(events, str) else events
    return document


@dataclass
class Job:
    """How one job ended. `code` is that of the step that failed; None when it was skipped."""

    code: int | None = 0
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    checked_out: bool = False
    temp: Path = Path()


@dataclass(kw_only=True)
class Actions:
    """What workflows run on: a repository, its environments, and what its runs leave."""

    origin: Path
    """The repository, bare."""
    scratch: Path
    api: str
    grant: Callable[[str, Mapping[str, str]], None]
    """Makes the token of a job known to the API, with its permissions."""
    variables: Mapping[str, str]
    secrets: Mapping[str, Mapping[str, str]]
    """By environment."""
    action: Path = ROOT
    """The checkout that stands for OWNER/reconciler."""
    prepared: bool = True
    """Whether what the action installs is there already: this checkout."""
    package: str = ""
    """What users who say `package` to the action would say."""
    runs: int = 0

    @property
    def daybook(self) -> Path:
        """What runners with credentials share, in place of a database."""
        return self.scratch / "daybook"

    def run(self, file: Path, event_name: str, sha: str, **event: Any) -> dict[str, Job]:
        """Every job of a workflow for one event, in the order in which they are written."""
        workflow = workflow_of(file)
        assert event_name in workflow["on"], f"{file.name} is not about {event_name}"
        self.runs += 1
        number = event.get("pull_request", {}).get("number")
        github = {
            "event": event,
            "event_name": event_name,
            "ref": f"refs/pull/{number}/merge" if number else "refs/heads/main",
            "repository": REPOSITORY,
            "sha": sha,
        }
        jobs: dict[str, Job] = {}
        for name, document in workflow["jobs"].items():
            needs = document.get("needs", [])
            needs = [needs] if isinstance(needs, str) else needs
            context = {
                "github": github,
                "inputs": event.get("inputs", {}),
                "needs": {need: {"outputs": jobs[need].outputs} for need in needs},
            }
            condition = document.get("if", "true")
            ready = "always()" in condition or all(jobs[need].code == 0 for need in needs)
            wanted = ready and evaluated(condition, context)
            run = _JobRun(self, workflow, name, document, context) if wanted else None
            jobs[name] = run.job if run else Job(code=None)
        return jobs

    def artifacts(self, name: str) -> list[dict[str, Any]]:
        """Artifacts of a name, as "List artifacts for a repository" shows them: newest first."""
        kept = sorted(self.scratch.glob(f"artifacts/*/{name}/about.json"), reverse=True)
        return [json.loads(about.read_text()) for about in kept]

    def artifact(self, name: str) -> Path:
        """The file of the newest artifact with this name."""
        (file,) = sorted(self.scratch.glob(f"artifacts/*/{name}/files"))[-1].iterdir()
        return file


class _JobRun:
    def __init__(
        self, place: Actions, workflow: Any, name: str, document: Any, context: dict[str, Any]
    ) -> None:
        self.place = place
        folder = place.scratch / "jobs" / f"{place.runs}-{name}"
        self.temp, self.work = folder / "temp", folder / "work"
        self.temp.mkdir(parents=True)
        self.work.mkdir()
        self.permissions = document.get("permissions", workflow["permissions"])
        token = f"ghs_{place.runs}_{name}"
        place.grant(token, self.permissions)
        self.trusted = "environment" in document
        self.context: dict[str, Any] = {
            **context,
            "github": {**context["github"], "token": token},
            "secrets": place.secrets[document["environment"]] if self.trusted else {},
            "vars": place.variables if self.trusted else {},
            "runner": {"temp": str(self.temp)},
            "steps": {},
        }
        self.path = [str(Path(sys.executable).parent)]
        self.job = Job(temp=self.temp)
        if place.prepared:
            install_checkout(self.temp / "reconciler" / "bin")
        for step in document["steps"]:
            self._step(step, self.context, {**workflow.get("env", {}), **document.get("env", {})})
        if self.job.checked_out and self.trusted:
            self._share_daybook()
        summary = self.temp / "summary"
        self.job.summary = summary.read_text(encoding="utf-8") if summary.exists() else ""
        self.job.outputs = _all_expanded(document.get("outputs", {}), self.context)

    def _step(self, step: Any, context: dict[str, Any], inherited: Mapping[str, str]) -> None:
        condition = step.get("if", "true")
        if self.job.code and "always()" not in condition:
            return
        if not evaluated(condition, context):
            return
        environment = {**inherited, **_all_expanded(step.get("env", {}), context)}
        if "run" in step:
            assert "${{" not in step["run"], "an expression reaches the shell"
            outputs = self._command(step["run"], step.get("shell"), environment)
        else:
            said = _all_expanded(step.get("with", {}), context)
            outputs = self._action(step["uses"], said, environment)
        if "id" in step:
            context["steps"][step["id"]] = {"outputs": outputs}

    def _command(
        self, script: str, shell: str | None, environment: Mapping[str, str]
    ) -> dict[str, str]:
        files = {name: self.temp / name for name in ("script", "output", "path")}
        for name, file in files.items():
            file.write_text(script if name == "script" else "", encoding="utf-8")
        ended = subprocess.run(
            [*SHELLS[shell], str(files["script"])],
            cwd=self.work,
            env={
                **self._variables(),
                "GITHUB_OUTPUT": str(files["output"]),
                "GITHUB_PATH": str(files["path"]),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=3600,
            check=False,
        )
        self.job.log += ended.stdout
        self.job.code = self.job.code or ended.returncode
        self.path = [*files["path"].read_text().splitlines(), *self.path]
        return dict(row.split("=", 1) for row in files["output"].read_text().splitlines())

    def _variables(self) -> dict[str, str]:
        github = self.context["github"]
        event = self.temp / "event.json"
        event.write_text(json.dumps(github["event"]))
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        # pip's own variables hold on a runner too.
        kept |= {name: text for name, text in os.environ.items() if name.startswith("PIP_")}
        return kept | {
            "PATH": os.pathsep.join([*self.path, kept["PATH"]]),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_BASE_REF": "main" if github["event_name"] == "pull_request" else "",
            "GITHUB_API_URL": self.place.api,
            "GITHUB_EVENT_NAME": github["event_name"],
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REF": github["ref"],
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": str(self.place.runs),
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_SHA": github["sha"],
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            "RUNNER_TEMP": str(self.temp),
        }

    def _action(
        self, name: str, said: dict[str, str], environment: Mapping[str, str]
    ) -> dict[str, str]:
        name = name.partition("@")[0]
        if name == "OWNER/reconciler":
            return self._composite(said, environment)
        known: dict[str, Callable[..., dict[str, str] | None]] = {
            "actions/checkout": self._checkout,
            "actions/setup-python": lambda **_: {"python-path": sys.executable},
            "actions/upload-artifact": self._upload,
            "actions/download-artifact": self._download,
        }
        return known[name](**{key.replace("-", "_"): text for key, text in said.items()}) or {}

    def _composite(self, said: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
        """The steps of this repository's own action."""
        folder = self.place.action
        action = yaml.safe_load((folder / "action.yml").read_text(encoding="utf-8"))
        assert set(said) <= set(action["inputs"]), "the action has no such input"
        usual = {key: about["default"] for key, about in action["inputs"].items()}
        usual["package"] = self.place.package
        context = {"inputs": {**usual, **said}, "steps": {}}
        for step in action["runs"]["steps"]:
            self._step(step, context, {**environment, "GITHUB_ACTION_PATH": str(folder)})
        values = {key: about["value"] for key, about in action["outputs"].items()}
        return _all_expanded(values, context)

    def _checkout(self, *, persist_credentials: str, fetch_depth: str = "1") -> None:
        assert persist_credentials == "False"
        assert self.permissions.get("contents") == "read"
        # The whole history is that of all branches.
        branches = ["+refs/heads/*:refs/remotes/origin/*"]
        depth, named = ([], branches) if fetch_depth == "0" else ([f"--depth={fetch_depth}"], [])
        sha = self.context["github"]["sha"]
        for command in (
            ["init", "--quiet"],
            ["fetch", "--quiet", *depth, f"file://{self.place.origin}", sha, *named],
            ["checkout", "--quiet", "--detach", sha],
        ):
            subprocess.run(["git", *command], cwd=self.work, check=True)
        self.job.checked_out = True
        if self.trusted and self.place.daybook.exists():
            shutil.copytree(self.place.daybook, self.work / "journals" / ".reconciler")

    def _share_daybook(self) -> None:
        made = self.work / "journals" / ".reconciler"
        if made.exists():
            shutil.copytree(made, self.place.daybook, dirs_exist_ok=True)

    def _upload(
        self,
        *,
        name: str,
        path: str,
        if_no_files_found: str,
        retention_days: str = "90",
        include_hidden_files: str = "False",
    ) -> dict[str, str]:
        found = sorted(self.work.glob(path)) if "*" in path else [Path(path)]
        hidden = [file for file in found if any(part[0] == "." for part in Path(path).parts)]
        found = [] if hidden and include_hidden_files != "True" else found
        if not any(file.exists() for file in found):
            assert if_no_files_found in ("ignore", "warn", "error")
            self.job.code = self.job.code or int(if_no_files_found == "error")
            return {}
        kept = self.place.scratch / "artifacts" / f"{self.place.runs:03}" / name
        (kept / "files").mkdir(parents=True)
        for file in found:
            shutil.copy(file, kept / "files")
        github = self.context["github"]
        pull = github["event"].get("pull_request", {})
        fork = pull and pull["head"]["repo"]["full_name"] != REPOSITORY
        run = {
            "id": self.place.runs,
            "repository_id": 1,
            "head_repository_id": 2 if fork else 1,
            "head_sha": pull["head"]["sha"] if pull else github["sha"],
        }
        about = {"name": name, "expired": False, "workflow_run": run}
        (kept / "about.json").write_text(json.dumps(about))
        run_url = f"https://github.example/{REPOSITORY}/actions/runs/{self.place.runs}"
        return {"artifact-url": f"{run_url}/artifacts/{name}"}

    def _download(self, *, name: str, path: str, run_id: str = "", github_token: str = "") -> None:
        if run_id:
            assert github_token == self.context["github"]["token"]
            assert self.permissions.get("actions") == "read", "another run's artifacts need it"
        run = int(run_id or self.place.runs)
        files = self.place.scratch / "artifacts" / f"{run:03}" / name / "files"
        assert files.exists(), f"run {run} has no artifact {name}"
        shutil.copytree(files, path)


def install_checkout(folder: Path) -> None:
    """Put this checkout's program into a folder, where a job would have installed one."""
    if not (folder / "python").exists():
        install_program(folder)
        (folder / "python").symlink_to(sys.executable)


def _all_expanded(texts: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, str]:
    return {name: expanded(str(text), context) for name, text in texts.items()}


def expanded(text: str, context: Mapping[str, Any]) -> str:
    """A text of a workflow with its expressions evaluated."""
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: str(_value(found[1], context)), text)


def evaluated(condition: str, context: Mapping[str, Any]) -> bool:
    """Whether an `if` holds."""
    if " || " in condition:
        return any(evaluated(part, context) for part in condition.split(" || "))
    if " && " in condition:
        return all(evaluated(part, context) for part in condition.split(" && "))
    sides = re.split(r" (==|!=) ", condition)
    if len(sides) == 1:
        assert condition in ("true", "always()"), f"not understood: {condition}"
        return True
    left, operator, right = sides
    return (_value(left, context) == _value(right, context)) is (operator == "==")


def _value(expression: str, context: Mapping[str, Any]) -> Any:
    if " || " in expression:
        return next(filter(None, (_value(part, context) for part in expression.split(" || "))), "")
    if re.fullmatch(r"'[^']*'", expression):
        return expression[1:-1]
    assert re.fullmatch(r"[a-z]+(\.[A-Za-z0-9_-]+)+", expression), f"not understood: {expression}"
    first, *names = expression.split(".")
    found = context[first]
    for name in names:
        found = found.get(name, "") if isinstance(found, Mapping) else ""
    return found
