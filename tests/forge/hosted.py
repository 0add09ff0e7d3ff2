"""A repository on GitHub with people around it: git for the files, an API for the rest."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from forge_server import BOT, REPOSITORY, GitHubServer, Said, refused
from local_runner import Actions, Job

NEEDED = (
    (r"(POST|PATCH|DELETE) .*/issues/(7/comments|comments/.*)", "pull-requests", "write"),
    (r"GET .*/(pulls/.*|issues/7/comments|commits/[0-9a-f]+/pulls)", "pull-requests", "read"),
    (r"GET .*/actions/artifacts", "actions", "read"),
    (r"GET .*/issues", "issues", "read"),
    (r"(POST|PATCH) .*/issues(/[0-9]+)?", "issues", "write"),
    (r"GET .*/(commits/[0-9a-f]+|activity)", "contents", "read"),
)
"""What a job's token has to be permitted, of each request that needs more than being one."""
RANK = {None: 0, "read": 1, "write": 2}

GITHUB = ("GitHub", "noreply@github.com")


class PermittedGitHub(GitHubServer):
    """GitHub whose tokens are those of jobs, each with the permissions that its job asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = []
        self.issues: list[dict[str, Any]] = []
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
        self._query = query
        for pattern, scope, level in NEEDED:
            if re.fullmatch(pattern, f"{method} {path}"):
                if RANK[self.granted[self._token].get(scope)] < RANK[level]:
                    raise Said(403, {"message": "Resource not accessible by integration"})
                break
        return super()._routed(method, path, query, headers, body)

    def routes(self) -> Iterator[tuple[str, str, Any]]:
        home = f"/repos/{REPOSITORY}"
        yield "GET", f"{home}/actions/artifacts", self.kept
        yield "GET", f"{home}/issues", lambda _: self.issues
        yield "POST", f"{home}/issues", self.open_issue
        yield "PATCH", f"{home}/issues/([0-9]+)", self.edit_issue
        yield from super().routes()

    def kept(self, _who: str) -> Any:
        assert self.actions is not None
        rows = self.actions.artifacts(self._query["name"])
        return {"total_count": len(rows), "artifacts": rows}

    def open_issue(self, _who: str, *, body: Any) -> Any:
        self.issues.append({"number": 50 + len(self.issues), **body})
        return self.issues[-1]

    def edit_issue(self, _who: str, number: str, *, body: Any) -> Any:
        row = next(row for row in self.issues if row["number"] == int(number))
        row |= body
        return row


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
    """The repository itself, and what GitHub does to it."""

    def __init__(self, folder: Path, server: PermittedGitHub) -> None:
        self.origin = folder / "origin.git"
        self.folder, self.server = folder, server
        command = ["git", "init", "--quiet", "--bare", "--initial-branch=main", self.origin]
        subprocess.run(command, check=True)
        self._own = self.clone("github", *GITHUB)

    def clone(self, name: str, who: str, address: str) -> Clone:
        return Clone(self.origin, self.folder / name, who, address)

    def pull_request(self, clone: Clone, message: str, *, login: str = "mallory") -> str:
        """Commit to the branch of pull request 7; returns what GitHub would merge it as."""
        self.server.push(clone.commit(message, "change"), login, message)
        return self._merged("refs/pull/7/merge")

    def merge(self) -> str:
        """Press the button."""
        self.server.pull["head"]["ref"] = "change"
        merged = self._merged("refs/heads/main")
        self.server.merge(merged)
        return merged

    def _merged(self, ref: str) -> str:
        """Merge the head of the pull request into main, and have it under a name."""
        head = self.server.pull["head"]["sha"]
        self._own.git("fetch", "--quiet", "origin")
        self._own.git("switch", "--quiet", "--detach", "origin/main")
        message = "Merge pull request #7 from acme/change"
        self._own.git("merge", "--quiet", "--no-ff", "--message", message, head)
        self._own.git("push", "--quiet", "--force", "origin", f"HEAD:{ref}")
        return self._own.git("rev-parse", "HEAD")

    def event(self, *, of: str = REPOSITORY) -> dict[str, Any]:
        """The pull request as an event shows it."""
        head = {"sha": self.server.pull["head"]["sha"], "repo": {"full_name": of}}
        return {"pull_request": {"number": 7, "head": head}}


def codes(jobs: Mapping[str, Job]) -> dict[str, int | None]:
    """How every job of a run ended."""
    return {name: job.code for name, job in jobs.items()}
