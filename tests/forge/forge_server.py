"""GitHub and GitLab as far as their REST APIs are documented, on a socket, in a test's hands.

GitHub: "List issue comments", "Create an issue comment", "Update an issue comment", "Delete an
issue comment", "Get the authenticated user", "Get a pull request", "List commits on a pull
request", "Get a user using their ID", "List reviews for a pull request", "List pull requests
associated with a commit", "Get a commit", "List repository activities", "List issue events",
"Get a repository", "Get repository permissions for a user", "Using pagination in the REST API",
"Rate limits for the REST API".

GitLab: "Notes API", "Users API", "Members API", "Projects API", "Merge requests API", "Merge
request approvals API", "Commits API", "Events API", "Pagination" and "Rate limits" of the REST
API.
"""

import copy
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

REPOSITORY, PROJECT = "acme/books", "77"
BOT, ROBOT = "github-actions[bot]", "project_77_bot"
TOKENS = {
    "ghs_actions": BOT,
    "ghs_app": "acme-app[bot]",
    "ghp_alice": "alice",
    "glpat_robot": ROBOT,
    "glpat_dave": "dave",
}
INSTALLATIONS = ("ghs_",)
"""Tokens of an app, which has no user: `GET /user` is refused to them."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    method: str
    path: str
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An answer that comes in place of the usual one. `taken` says the request has its effect."""

    method: str
    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    taken: bool = False


class Said(Exception):
    def __init__(self, status: int, body: Any = None, **headers: str) -> None:
        self.status, self.body, self.headers = status, body, headers


def refused(status: int, message: str) -> Said:
    return Said(status, {"message": message, "documentation_url": "https://docs.github.com/rest"})


class Server:
    """What both forges share: comments, faults, and a record of all that was asked."""

    cap = 3
    """Rows of a page, whatever is asked for; `per_page` asks for at most so many."""
    prefix = ""

    def __init__(self) -> None:
        self.url = ""
        self.checkout: Path | None = None
        """Where the repository is, for what git knows of its commits."""
        self.sent: list[Sent] = []
        self.faults: list[Fault] = []
        self.comments: list[dict[str, Any]] = []
        self.after_create: list[Callable[[], None]] = []
        self._number = 100
        self._lock = threading.RLock()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix(self.prefix)
        raw = unquote(path)
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        headers = {
            name[5:].lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.loads(environ["wsgi.input"].read(length)) if length else {}
        with self._lock:
            self.sent.append(Sent(method=method, path=raw, headers=headers))
            status, value, more = self._answer(method, raw, query, headers, body)
        text = b"" if value is None else json.dumps(value).encode()
        start(f"{status} x", [("Content-Type", "application/json"), *more.items()])
        return [text]

    def _answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any
    ) -> tuple[int, Any, dict[str, str]]:
        fault = next(
            (f for f in self.faults if f.method == method and re.search(f.path, path)), None
        )
        if fault is not None:
            self.faults.remove(fault)
            if fault.taken:
                self._routed(method, path, query, headers, body)
            return fault.status, fault.body, {"Date": formatdate(usegmt=True), **fault.headers}
        try:
            value, more = self._routed(method, path, query, headers, body)
        except Said as said:
            return said.status, said.body, said.headers
        return (201 if method == "POST" else 204 if method == "DELETE" else 200), value, more

    def _routed(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any
    ) -> tuple[Any, dict[str, str]]:
        who = self.who(headers)
        for verb, pattern, handle in self.routes():
            found = re.fullmatch(pattern, path)
            if found and verb == method:
                value = handle(who, *found.groups(), **({"body": body} if body else {}))
                if isinstance(value, list):
                    return self.page(path, query, value)
                return value, {}
        raise refused(404, "Not Found")

    def who(self, headers: dict[str, str]) -> str:
        raise NotImplementedError

    def routes(self) -> Iterator[tuple[str, str, Callable[..., Any]]]:
        raise NotImplementedError

    def page(
        self, path: str, query: dict[str, str], rows: list[Any]
    ) -> tuple[list[Any], dict[str, str]]:
        raise NotImplementedError

    def comment(self, author: str, text: str) -> int:
        """A comment that somebody makes; its number."""
        self._number += 1
        self.comments.append(self.made(self._number, author, text))
        return self._number

    def made(self, number: int, author: str, text: str) -> dict[str, Any]:
        raise NotImplementedError

    def of(self, number: str) -> dict[str, Any]:
        found = next((row for row in self.comments if row["id"] == int(number)), None)
        if found is None:
            raise refused(404, "Not Found")
        return found

    def create(self, who: str, *_: str, body: Any) -> Any:
        limit = 65_536 if self.prefix == "" else 1_000_000
        if len(body["body"]) > limit:
            raise refused(422, f"Body is too long (maximum is {limit} characters)")
        number = self.comment(who, body["body"])
        for meanwhile in self.after_create:
            meanwhile()
        self.after_create = []
        return self.of(str(number))

    def update(self, _who: str, number: str, *, body: Any) -> Any:
        row = self.of(number)
        row["body"] = body["body"]
        return row

    def delete(self, _who: str, number: str) -> None:
        self.comments.remove(self.of(number))


def main_of(checkout: Path | None) -> list[list[str]]:
    """The commits of the branch itself, and who git says made each."""
    if checkout is None:
        return []
    said = ["git", "log", "--first-parent", "--format=%H %an", "HEAD"]
    out = subprocess.run(said, cwd=checkout, check=True, capture_output=True, text=True)
    return [line.split(" ", 1) for line in out.stdout.splitlines()]


NOTHING = "0" * 40
"""What a branch is before it is created, and after it is deleted."""


def account(login: str) -> dict[str, str]:
    """An account as GitHub shows it: apps have a login of their own."""
    return {"login": login, "type": "Bot" if login.endswith("[bot]") else "User"}


class GitHubServer(Server):
    """One repository with a pull request, number 7, and those that were merged before it."""

    def __init__(self) -> None:
        super().__init__()
        self.pull: dict[str, Any] = {
            "number": 7,
            "state": "open",
            "merged": False,
            "merged_at": None,
            "merge_commit_sha": None,
            "user": account("mallory"),
            "head": {"sha": "a" * 40, "ref": "change", "repo": {"full_name": REPOSITORY}},
            "base": {"ref": "main", "repo": {"full_name": REPOSITORY, "default_branch": "main"}},
        }
        self.logins = {"12345": "dave"}
        self.commits = [commit_of("a" * 40, "mallory")]
        self.made_commits: dict[str, dict[str, Any]] = {}
        self.reviews: list[dict[str, Any]] = []
        self.permissions = {"alice": "write", "bob": "admin", "mallory": "write", "carol": "read"}
        self.activities: list[dict[str, Any]] = []
        """What happened to the branch after its creation, the latest first."""
        self.remembers = True
        """Whether the activity goes back to the creation of the branch."""
        self.pushed_to_main: dict[str, Any] = {}
        """Who pushed a commit to the branch of the repository, where git does not tell."""
        self.events: list[dict[str, Any]] = []
        self.earlier: dict[int, dict[str, Any]] = {}
        """Other pull requests, each with its commits, reviews and activities."""

    def who(self, headers: dict[str, str]) -> str:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in TOKENS:
            raise refused(401, "Bad credentials")
        self._token = token
        return TOKENS[token]

    def routes(self) -> Iterator[tuple[str, str, Callable[..., Any]]]:
        home = f"(?:/repos/{REPOSITORY}|/repositories/1300192)"
        yield "GET", "/user", self.user
        yield "GET", "/user/([0-9]+)", self.user_of
        yield "GET", f"{home}/issues/7/comments", lambda _: self.comments
        yield "POST", f"{home}/issues/7/comments", self.create
        yield "PATCH", f"{home}/issues/comments/([0-9]+)", self.update
        yield "DELETE", f"{home}/issues/comments/([0-9]+)", self.delete
        yield "GET", home, lambda _: {"full_name": REPOSITORY, "default_branch": "main"}
        yield "GET", f"{home}/issues/([0-9]+)/events", lambda _, n: self.at(n, "events")
        yield "GET", f"{home}/pulls/([0-9]+)", lambda _, n: self.at(n, "pull")
        yield "GET", f"{home}/pulls/([0-9]+)/commits", lambda _, n: self.at(n, "commits")
        yield "GET", f"{home}/pulls/([0-9]+)/reviews", lambda _, n: self.at(n, "reviews")
        yield "GET", f"{home}/commits/([0-9a-f]+)/pulls", self.pulls_of
        yield "GET", f"{home}/commits/([0-9a-f]+)", self.commit
        yield "GET", f"{home}/activity", self.activity
        yield "GET", f"{home}/collaborators/([^/]+)/permission", self.permission

    def user(self, who: str) -> Any:
        if self._token.startswith(INSTALLATIONS):
            raise refused(403, "Resource not accessible by integration")
        return {"login": who}

    def user_of(self, _who: str, account: str) -> Any:
        if account not in self.logins:
            raise refused(404, "Not Found")
        return {"login": self.logins[account], "id": int(account)}

    def permission(self, _who: str, login: str) -> Any:
        return {"permission": self.permissions.get(login, "read")}

    def at(self, number: str, name: str) -> Any:
        """A part of one pull request."""
        if int(number) == self.pull["number"]:
            return getattr(self, name)
        if int(number) not in self.earlier:
            raise refused(404, "Not Found")
        return self.earlier[int(number)][name]

    def _routed(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any
    ) -> tuple[Any, dict[str, str]]:
        self._query = query
        return super()._routed(method, path, query, headers, body)

    def activity(self, _who: str) -> list[Any]:
        ref = self._query.get("ref", "").removeprefix("refs/heads/")
        if ref == "main":
            return self.activity_of_main()
        for parts in ({"pull": self.pull, "activities": self.activities}, *self.earlier.values()):
            if parts["pull"]["head"]["ref"] == ref:
                return self.chained(parts["pull"], parts["activities"])
        return []

    def chained(self, pull: Any, activities: list[Any]) -> list[Any]:
        """The activities of a branch, each with its commits, back to its creation."""
        rows, after = [], pull["head"]["sha"]
        for at, row in enumerate(activities):
            if row["activity_type"] == "branch_deletion":
                rows.append({"before": after, "after": NOTHING, **row})
                continue
            rows.append({"after": after, "before": f"{at + 1:040x}", **row})
            after = rows[-1]["before"]
        if self.remembers and after != NOTHING:
            creation = {"activity_type": "branch_creation", "actor": pull["user"]}
            rows.append({**creation, "before": NOTHING, "after": after})
        return rows

    def activity_of_main(self) -> list[Any]:
        rows = []
        for sha, author in main_of(self.checkout):
            actor = self.pushed_to_main.get(sha, account(author))
            rows.append({"activity_type": "push", "actor": actor, "before": "?", "after": sha})
        return rows

    def pulls_of(self, _who: str, sha: str) -> list[Any]:
        pulls = (self.pull, *(parts["pull"] for parts in self.earlier.values()))
        return [row for row in pulls if sha in (row["merge_commit_sha"], row["head"]["sha"])]

    def set_aside(self, number: int) -> None:
        """Keep the pull request, under another number, to make a new one."""
        self.earlier[number] = {
            "pull": {**copy.deepcopy(self.pull), "number": number},
            "commits": [*self.commits],
            "reviews": [*self.reviews],
            "activities": [*self.activities],
            "events": [*self.events],
        }

    def commit(self, _who: str, sha: str) -> Any:
        made = self.made_commits.get(sha)
        pushed = self.as_git_has(sha) if self.checkout is not None else None
        if made is None and pushed is None:
            raise refused(422, f"No commit found for SHA: {sha}")
        if made is None or pushed is None:
            return made or pushed
        return {**pushed, **made, "commit": {**pushed["commit"], **made["commit"]}}

    def as_git_has(self, sha: str) -> dict[str, Any] | None:
        """A commit as git has it, whose people are called as their accounts are."""
        said = ["git", "show", "--no-patch", "--format=%an%x00%cn%x00%B", sha]
        out = subprocess.run(said, cwd=self.checkout, check=False, capture_output=True, text=True)
        if out.returncode != 0:
            return None
        author, committer, message = out.stdout.split("\0", 2)
        return commit_of(sha, author, committer=committer, message=message)

    def page(
        self, path: str, query: dict[str, str], rows: list[Any]
    ) -> tuple[list[Any], dict[str, str]]:
        size = min(int(query.get("per_page", "30")), 100, self.cap)
        number = int(query.get("page", "1"))
        part = rows[(number - 1) * size : number * size]
        if number * size >= len(rows):
            return part, {}
        # The links of GitHub name a repository by its id.
        there = path.replace(f"/repos/{REPOSITORY}", "/repositories/1300192")
        following = urlencode({**query, "page": number + 1})
        last = urlencode({**query, "page": -(-len(rows) // size)})
        link = (
            f'<{self.url}{there}?{following}>; rel="next", <{self.url}{there}?{last}>; rel="last"'
        )
        return part, {"Link": link}

    def made(self, number: int, author: str, text: str) -> dict[str, Any]:
        return {"id": number, "user": {"login": author}, "body": text}

    # What people do.

    def approve(self, login: str, *, at: str | None = None, body: str = "", **more: Any) -> None:
        self.reviews.append(
            {
                "id": len(self.reviews) + 1,
                "user": account(login),
                "state": "APPROVED",
                "submitted_at": "2026-01-30T12:00:00Z",
                "commit_id": at or self.pull["head"]["sha"],
                "body": body,
                **more,
            }
        )

    def push(self, sha: str, login: str, message: str = "Change") -> None:
        self.commits.append(commit_of(sha, login, message=message))
        if "sha" in self.pull["head"]:
            before = self.pull["head"]["sha"]
            row = {"activity_type": "push", "actor": account(login), "before": before, "after": sha}
            self.activities.insert(0, row)
        self.pull["head"]["sha"] = sha

    def merge(self, sha: str, *, by_button: bool = True, tree: str = "merged") -> None:
        self.pull |= {
            "state": "closed",
            "merged": True,
            "merged_at": "2026-01-31T00:00:00Z",
            "merge_commit_sha": sha,
        }
        committer = "web-flow" if by_button else "mallory"
        self.made_commits[sha] = {
            "sha": sha,
            "author": {"login": "mallory"},
            "committer": {"login": committer},
            "commit": {"tree": {"sha": tree}, "verification": {"verified": by_button}},
        }
        head = self.pull["head"]["sha"]
        self.made_commits[head] = {"sha": head, "commit": {"tree": {"sha": "reviewed"}}}


def commit_of(
    sha: str,
    login: str | None,
    *,
    committer: str | None = "web-flow",
    email: str = "",
    message: str = "Change",
) -> dict[str, Any]:
    """A commit in a list of commits, as GitHub shows it."""
    address = email or f"{login}@example.com"
    return {
        "sha": sha,
        "author": {"login": login} if login else None,
        "committer": {"login": committer} if committer else None,
        "commit": {
            "author": {"email": address},
            "committer": {"email": "noreply@github.com"},
            "message": message,
            "verification": {"verified": committer == "web-flow", "reason": "valid"},
        },
    }


class GitLabServer(Server):
    """One project with one merge request, number 7."""

    prefix = "/api/v4"

    def __init__(self) -> None:
        super().__init__()
        self.request: dict[str, Any] = {
            "iid": 7,
            "state": "opened",
            "sha": "a" * 40,
            "author": {"username": "mallory"},
            "source_branch": "change",
            "target_branch": "main",
            "source_project_id": int(PROJECT),
            "merge_commit_sha": None,
            "squash_commit_sha": None,
        }
        self.versions = [{"head_commit_sha": "a" * 40, "created_at": "2026-01-30T10:00:00.000Z"}]
        self.commits = [gitlab_commit("a" * 40, "mallory@example.com")]
        self.approvals: list[dict[str, Any]] = []
        self.reviewers: list[dict[str, Any]] = []
        self.users = {"mallory@example.com": "mallory", "alice@example.com": "alice"}
        self.users["bob@example.com"] = "bob"
        self.settings = {
            "merge_requests_author_approval": True,
            "merge_requests_disable_committers_approval": False,
        }
        self.events: list[dict[str, Any]] = []
        """Pushes to branches after their creation, the latest first."""
        self.remembers = True
        self.pushed_to_main: dict[str, str] = {}
        self.system_notes: list[dict[str, Any]] = []
        self.levels = {"alice": 30, "bob": 40, "mallory": 30, "dave": 30, "erin": 20}
        self.numbers = {"dave": 5}
        self.bots: set[str] = set()
        self.earlier: dict[int, dict[str, Any]] = {}
        """Other merge requests, each with its commits and who pushed its branch."""
        self.links = False

    def who(self, headers: dict[str, str]) -> str:
        token = headers.get("private-token", "")
        if token not in TOKENS:
            raise Said(401, {"message": "401 Unauthorized"})
        return TOKENS[token]

    def routes(self) -> Iterator[tuple[str, str, Callable[..., Any]]]:
        home, here = f"/projects/{PROJECT}", f"/projects/{PROJECT}/merge_requests/7"
        yield "GET", "/user", lambda who: {"username": who}
        yield "GET", "/users", self.search
        yield "GET", "/users/([0-9]+)", self.user_of
        yield "GET", home, lambda _: {"id": int(PROJECT), "default_branch": "main"}
        yield "GET", f"{home}/members/all/([0-9]+)", self.member
        yield "GET", f"{here}/notes", lambda _: [*self.system_notes, *self.comments]
        yield "POST", f"{here}/notes", self.create
        yield "PUT", f"{here}/notes/([0-9]+)", self.update
        yield "DELETE", f"{here}/notes/([0-9]+)", self.delete
        yield "GET", here, lambda _: self.request
        yield "GET", f"{here}/commits", lambda _: self.commits
        yield "GET", f"{here}/versions", lambda _: self.versions
        yield "GET", f"{here}/approvals", lambda _: {"approved_by": self.approvals}
        yield "GET", f"{here}/reviewers", lambda _: self.reviewers
        other = f"{home}/merge_requests/([0-9]+)"
        yield "GET", other, lambda _, n: self.earlier[int(n)]["request"]
        yield "GET", f"{other}/commits", lambda _, n: self.earlier[int(n)]["commits"]
        yield "GET", f"{home}/approvals", lambda _: self.settings
        yield "GET", f"{home}/events", self.pushes
        yield "GET", f"{home}/repository/commits/([0-9a-f]+)/merge_requests", self.requests_of

    def _routed(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any
    ) -> tuple[Any, dict[str, str]]:
        self._query = query
        return super()._routed(method, path, query, headers, body)

    def search(self, _who: str) -> list[Any]:
        username = self.users.get(self._query["search"])
        return [{"username": username}] if username else []

    def number_of(self, username: str) -> int:
        """The number of an account, given when it is first seen."""
        return self.numbers.setdefault(username, 1000 + len(self.numbers))

    def named(self, number: str) -> str:
        name = next((name for name, own in self.numbers.items() if own == int(number)), None)
        if name is None:
            raise Said(404, {"message": "404 User Not Found"})
        return name

    def user_of(self, _who: str, number: str) -> Any:
        name = self.named(number)
        return {"id": int(number), "username": name, "bot": name in self.bots}

    def member(self, _who: str, number: str) -> Any:
        name = self.named(number)
        if name not in self.levels:
            raise Said(404, {"message": "404 Not found"})
        return {"id": int(number), "username": name, "access_level": self.levels[name]}

    def pushes(self, _who: str) -> list[Any]:
        """The pushes, each with its commits, back to the creation of the branch."""
        branch, after = self.request["source_branch"], self.request["sha"]
        rows = []
        for at, row in enumerate(self.events):
            data = row["push_data"]
            if data.get("ref") == branch:
                ends = {"commit_to": after, "commit_from": f"{at + 1:040x}"}
                data = {"ref_type": "branch", "action": "pushed", **ends, **data}
                after = data["commit_from"]
            rows.append({**row, "push_data": data})
        if self.remembers and after:
            data = {"ref": branch, "ref_type": "branch", "action": "created"}
            data |= {"commit_from": None, "commit_to": after}
            opened = self.request["author"]["username"]
            rows.append({"author_username": opened, "push_data": data})
        for parts in self.earlier.values():
            request = parts["request"]
            data = {"ref": request["source_branch"], "ref_type": "branch", "commit_from": None}
            data["commit_to"] = request["sha"]
            rows.append({"author_username": parts["pushed_by"], "push_data": data})
        for sha, author in main_of(self.checkout):
            data = {"ref": "main", "ref_type": "branch", "commit_from": "?", "commit_to": sha}
            who = self.pushed_to_main.get(sha, author)
            rows.append({"author_username": who, "push_data": data})
        for row in rows:
            row.setdefault("author_id", self.number_of(row["author_username"]))
        return rows

    def requests_of(self, _who: str, sha: str) -> list[Any]:
        mine = ("sha", "merge_commit_sha", "squash_commit_sha")
        requests = [self.request, *(parts["request"] for parts in self.earlier.values())]
        return [row for row in requests if sha in [row[name] for name in mine]]

    def page(
        self, path: str, query: dict[str, str], rows: list[Any]
    ) -> tuple[list[Any], dict[str, str]]:
        size = min(int(query.get("per_page", "20")), 100, self.cap)
        number = int(query.get("page", "1"))
        part = rows[(number - 1) * size : number * size]
        more = number * size < len(rows)
        if self.links:
            following = urlencode({**query, "page": number + 1})
            link = f'<{self.url}{path}?{following}>; rel="next"'
            return part, {"Link": link} if more else {}
        return part, {"X-Next-Page": str(number + 1) if more else ""}

    def made(self, number: int, author: str, text: str) -> dict[str, Any]:
        return {
            "id": number,
            "author": {"username": author},
            "body": text,
            "system": False,
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        }

    # What people do.

    def approve(self, username: str, at: str | None = "2026-01-30T12:00:00.000Z") -> None:
        given = {"approved_at": at} if at else {}
        user = {"id": self.number_of(username), "username": username, "name": username}
        self.approvals.append({"user": user, **given})

    def push(self, sha: str, address: str, at: str, message: str = "Change") -> None:
        self.commits.append(gitlab_commit(sha, address, message))
        self.versions.insert(0, {"head_commit_sha": sha, "created_at": at})
        self.request["sha"] = sha

    def merge(self, sha: str) -> None:
        self.request |= {"state": "merged", "merge_commit_sha": sha}


def gitlab_commit(sha: str, address: str, message: str = "Change") -> dict[str, Any]:
    """A commit in a list of commits, as GitLab shows it."""
    return {"id": sha, "author_email": address, "committer_email": address, "message": message}
