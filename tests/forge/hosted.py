"""A repository on a forge with people around it: git for the files, an API for the rest."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from forge_server import BOT, PROJECT, REPOSITORY, GitHubServer, GitLabServer, Said, refused
from gitlab_runner import Pipelines
from local_runner import Actions, Job

NEEDED = (
    (r"(POST|PATCH|DELETE) .*/issues/(7/comments|comments/.*)", "pull-requests", "write"),
    (r"GET .*/(pulls/.*|issues/7/comments|commits/[0-9a-f]+/pulls)", "pull-requests", "read"),
    (r"GET .*/actions/artifacts", "actions", "read"),
    (r"GET .*/issues(/7/events)?", "issues", "read"),
    (r"(POST|PATCH) .*/issues(/[0-9]+)?", "issues", "write"),
    (r"GET .*/(commits/[0-9a-f]+|activity)", "contents", "read"),
)
"""What a job's token has to be permitted, of each request that needs more than being one."""
RANK = {None: 0, "read": 1, "write": 2}

FORGE = ("Forge", "noreply@forge.example")

Row = dict[str, Any]


class Issues:
    """The issues of a repository, by whatever they are numbered."""

    def __init__(self, key: str) -> None:
        self.rows: list[Row] = []
        self._key = key

    def open(self, _who: str, *, body: Any) -> Row:
        self.rows.append({self._key: 50 + len(self.rows), **body})
        return self.rows[-1]

    def edit(self, _who: str, number: str, *, body: Any) -> Row:
        row = next(row for row in self.rows if row[self._key] == int(number))
        row |= body
        return row


class PermittedGitHub(GitHubServer):
    """GitHub whose tokens are those of jobs, each with the permissions that its job asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = []
        self.issues = Issues("number")
        self.granted: dict[str, Mapping[str, str]] = {}
        self.actions: Actions | None = None

    def grant(self, token: str, permissions: Mapping[str, str]) -> None:
        self.granted[token] = permissions

    def who(self, headers: dict[str, str]) -> str:
        self._token = headers.get("authorization", "").removeprefix("Bearer ")
        if self._token not in self.granted:
            raise refused(401, "Bad credentials")
        return BOT

    def _routed(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any
    ) -> tuple[Any, dict[str, str]]:
        self.who(headers)
        for pattern, scope, level in NEEDED:
            if re.fullmatch(pattern, f"{method} {path}"):
                if RANK[self.granted[self._token].get(scope)] < RANK[level]:
                    raise Said(403, {"message": "Resource not accessible by integration"})
                break
        return super()._routed(method, path, query, headers, body)

    def routes(self) -> Iterator[tuple[str, str, Any]]:
        home = f"/repos/{REPOSITORY}"
        yield "GET", f"{home}/actions/artifacts", self.kept
        yield "GET", f"{home}/issues", lambda _: self.issues.rows
        yield "POST", f"{home}/issues", self.issues.open
        yield "PATCH", f"{home}/issues/([0-9]+)", self.issues.edit
        yield from super().routes()

    def kept(self, _who: str) -> Any:
        assert self.actions is not None
        rows = self.actions.artifacts(self._query["name"])
        return {"total_count": len(rows), "artifacts": rows}

    def pushed(self, sha: str, message: str) -> None:
        self.push(sha, "mallory", message)


class KeepingGitLab(GitLabServer):
    """GitLab with the artifacts of its jobs, and with issues."""

    def __init__(self) -> None:
        super().__init__()
        self.commits, self.versions = [], []
        self.issues = Issues("iid")
        self.pipelines: Pipelines | None = None

    def routes(self) -> Iterator[tuple[str, str, Any]]:
        home = f"/projects/{PROJECT}"
        kept = f"{home}/jobs/artifacts/refs/merge-requests/7/head/raw/plan.json"
        yield "GET", kept, self.kept
        yield "GET", f"{home}/issues", lambda _: self.issues.rows
        yield "POST", f"{home}/issues", self.issues.open
        yield "PUT", f"{home}/issues/([0-9]+)", self.issues.edit
        yield from super().routes()

    def kept(self, _who: str) -> Any:
        assert self.pipelines is not None
        file = self.pipelines.artifact(self._query["job"], "plan.json")
        if file is None:
            raise Said(404, {"message": "404 Not found"})
        return json.loads(file.read_text())

    def pushed(self, sha: str, message: str) -> None:
        self.push(sha, "mallory@example.com", "2026-01-30T10:00:00.000Z", message)


class Clone:
    """Somebody's clone of the repository."""

    def __init__(self, origin: Path, folder: Path, who: str, address: str) -> None:
        self.folder = folder
        self._identity = {
            f"GIT_{role}_{what}": text
            for role in ("AUTHOR", "COMMITTER")
            for what, text in (("NAME", who), ("EMAIL", address))
        }
        subprocess.run(["git", "clone", "--quiet", origin, folder], check=True, capture_output=True)

    def git(self, *arguments: str) -> str:
        ended = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, **self._identity},
            check=True,
            capture_output=True,
            text=True,
        )
        return ended.stdout.strip()

    def write(self, name: str, text: str) -> None:
        file = self.folder / "journals" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def commit(self, message: str, branch: str) -> str:
        """Commit everything to a branch that is begun at main, and push it."""
        known = self.git("branch", "--list", branch)
        self.git("switch", "--quiet", *([] if known else ["--create"]), branch)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", branch)
        return self.git("rev-parse", "HEAD")


class Repository:
    """The repository itself, and what its forge does to it."""

    def __init__(self, folder: Path, server: PermittedGitHub | KeepingGitLab) -> None:
        self.origin = folder / "origin.git"
        self.head = ""
        self._folder, self._server = folder, server
        server.checkout = self.origin
        command = ["git", "init", "--quiet", "--bare", "--initial-branch=main", self.origin]
        subprocess.run(command, check=True)
        self._own = self.clone("forge", *FORGE)

    def clone(self, name: str, who: str, address: str) -> Clone:
        return Clone(self.origin, self._folder / name, who, address)

    def change(self, clone: Clone, message: str) -> str:
        """Commit to the branch of the change; returns what the forge would merge it as."""
        self.head = clone.commit(message, "change")
        self._server.pushed(self.head, message)
        return self._merged("refs/pull/7/merge")

    def base(self) -> str:
        """The commit at which the change left main."""
        self._own.git("fetch", "--quiet")
        return self._own.git("merge-base", "origin/main", self.head)

    def merge(self) -> str:
        """Press the button."""
        merged = self._merged("refs/heads/main")
        self._server.merge(merged)
        return merged

    def _merged(self, ref: str) -> str:
        """Merge the head of the change into main, and have that under a name."""
        self._own.git("fetch", "--quiet", "origin")
        self._own.git("switch", "--quiet", "--detach", "origin/main")
        message = "Merge the change #7"
        self._own.git("merge", "--quiet", "--no-ff", "--message", message, self.head)
        self._own.git("push", "--quiet", "--force", "origin", f"HEAD:{ref}")
        return self._own.git("rev-parse", "HEAD")


def codes(jobs: Mapping[str, Job]) -> dict[str, int | None]:
    """How every job of a run ended."""
    return {name: job.code for name, job in jobs.items()}
