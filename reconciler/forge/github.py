"""GitHub: comments of a pull request and its reviews (REST API, version 2022-11-28).

Quoted titles are sections of its documentation.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from reconciler.core.model.finding import Refusal
from reconciler.core.model.resource import mapping_of, text_of
from reconciler.core.model.review import Approval, Discarded, Review, Written, evidence_flaw
from reconciler.core.model.trailers import co_authors, digests_in
from reconciler.errors import ReconcilerError
from reconciler.forge.api import ForgeApi, Purpose, Row, distinct, moment_of, text_at, whole_number
from reconciler.forge.identities import (
    People,
    Push,
    account_of_address,
    author_unknown,
    changes_requested,
    not_merged,
    not_reviewed,
    pushers_of,
    pushers_unknown,
    pushes_of,
    wrong_target,
)
from reconciler.forge.protocol import MERGE, Forge

LIMIT = 65_536
"""Maximum characters of a comment."""

HEADERS: Mapping[str, str] = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
}

MOST_COMMITS = 250
"""The maximum of "List commits on a pull request"."""

WEB_FLOW = "web-flow"
"""The committer of commits that GitHub itself makes and signs."""

_DECISIVE = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})
"""Review states that replace one another. A comment does not withdraw an approval."""

_RETARGETED = frozenset(
    {"base_ref_changed", "automatic_base_change_succeeded", "base_ref_force_pushed"}
)
"""Events after which a pull request has another base."""

_NEVER = datetime.max.replace(tzinfo=UTC)

_MERGES = frozenset({"pr_merge", "merge_queue_merge"})
_PERSON = "User"
"""The type of an account that is not a bot. A bot does what somebody unknown has it do."""

_MAY_WRITE = frozenset({"admin", "maintain", "write"})


class GitHub(Forge):
    """One repository on GitHub, as `owner/name`. A pull request is also an issue."""

    limit = LIMIT
    _noun, _author, _update_method = "comment", ("user", "login"), "PATCH"

    def __init__(self, api: ForgeApi, repository: str, *, comments_as: str | None = None) -> None:
        """`comments_as` is the login of the token's comments when the API does not return it."""
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}", repository):
            raise ReconcilerError(
                f"{repository} is not the name of a GitHub repository",
                remedy="Write it as OWNER/NAME.",
            )
        super().__init__(api, f"/repos/{repository}")
        self._comments_as = comments_as

    def whoami(self) -> str | None:
        """As in "Get the authenticated user", which refuses installation tokens."""
        row = self._api.get("/user", self._write("Reading the user of the token").accepting(403))
        return text_of(row.get("login")) or self._comments_as

    def _notes(self, change: int, purpose: Purpose) -> tuple[Row, ...]:
        return self._api.rows(self._place(change), purpose)

    def _place(self, change: int, comment: int | None = None) -> str:
        """As in "REST API endpoints for issue comments"."""
        of_change = f"{self._home}/issues/{change}/comments"
        return of_change if comment is None else f"{self._home}/issues/comments/{comment}"

    def _read(self, what: str) -> Purpose:
        return Purpose(what=what, permission="`pull-requests: read` and `contents: read`")

    def _write(self, what: str) -> Purpose:
        return Purpose(what=what, permission="`pull-requests: write`")

    def name_of(self, change: int) -> str:
        return f"pull request #{change}"

    def changes_of(self, commit: str) -> tuple[int, ...]:
        rows = self._containing(commit)
        merged = [
            row for row in rows if row.get("merged_at") and row.get("merge_commit_sha") == commit
        ]
        # A pull request that was closed without a merge reviews nothing.
        heads = [
            row
            for row in rows
            if text_at(row, "head", "sha") == commit and row.get("state") == "open"
        ]
        return _numbers(merged or heads)

    def brought_by(self, commit: str, *, branch: str) -> tuple[int, ...]:
        return _numbers(
            row
            for row in self._containing(commit)
            if row.get("merged_at")
            and text_at(row, "base", "ref")
            == (branch or text_at(row, "base", "repo", "default_branch"))
        )

    def _containing(self, commit: str) -> tuple[Row, ...]:
        """As in "List pull requests associated with a commit", merged, open and closed."""
        purpose = self._read(f"Searching the pull request of {commit}")
        return self._api.rows(f"{self._home}/commits/{commit}/pulls", purpose)

    def writers(self, written: tuple[Written, ...], *, change: int) -> People:
        """As in "Get a commit": authors cannot approve their own commits, in any change."""
        purpose = self._read("Reading the authors of the applied commits")
        rows = (self._api.get(f"{self._home}/commits/{one.commit}", purpose) for one in written)
        return self._authors(tuple(rows), purpose)

    def people_of(self, change: int) -> People:
        purpose = self._read(f"Reading the authors of {self.name_of(change)}")
        return self._people(change, self._pull(change, purpose), purpose)

    def review(
        self, change: int, *, commit: str | None, branch: str = "", merged: bool = False
    ) -> Review:
        purpose = self._read(f"Reading the reviews of {self.name_of(change)}")
        pull = self._pull(change, purpose)
        head = text_at(pull, "head", "sha")
        # As in "Get a pull request": after a merge, the commit that its base was updated to.
        commit = text_at(pull, "merge_commit_sha") if commit == MERGE else commit
        people, flaws = self._people(change, pull, purpose)
        reviews = self._api.rows(f"{self._home}/pulls/{change}/reviews", purpose)
        approvals, discarded = self._approvals(
            reviews, head, purpose, since=self._retargeted_at(change, purpose)
        )
        flaws += tuple(self._objections(change, reviews, purpose))
        if commit is not None:
            default = text_at(pull, "base", "repo", "default_branch")
            name, into = self.name_of(change), text_at(pull, "base", "ref")
            flaws += tuple(wrong_target(name, into, branch or default))
            if merged and pull.get("merged") is not True:
                flaws += (not_merged(name),)
        if commit is not None and commit != head:
            flaws += tuple(self._merge_flaws(change, pull, head, commit, purpose))
        return Review(
            change=self.name_of(change),
            commit=head,
            applied=commit or "",
            authors=people,
            approvals=approvals,
            discarded=discarded,
            flaws=flaws,
        )

    def _pull(self, change: int, purpose: Purpose) -> Row:
        return self._api.get(f"{self._home}/pulls/{change}", purpose)

    def _people(
        self, change: int, pull: Row, purpose: Purpose, above: frozenset[int] = frozenset()
    ) -> People:
        """Who opened a pull request, wrote a commit of it, or pushed to its branch.

        `above` are the pull requests that carry this one.
        """
        commits = self._api.rows(f"{self._home}/pulls/{change}/commits", purpose)
        authors, flaws = self._authors(commits, purpose)
        pushers, hidden = self._pushers(pull, purpose, above | {change})
        opened = text_at(pull, "user", "login")
        return distinct((opened, *authors, *pushers)), (*flaws, *hidden)

    def _retargeted_at(self, change: int, purpose: Purpose) -> datetime | None:
        """When the base last changed: "Issue event types", in "List issue events"."""
        needed = replace(purpose, permission="`issues: read`")
        rows = self._api.rows(f"{self._home}/issues/{change}/events", needed)
        times = [
            # Without a time no review is later.
            moment_of(row.get("created_at")) or _NEVER
            for row in rows
            if row.get("event") in _RETARGETED
        ]
        return max(times, default=None)

    def _approvals(
        self, reviews: Iterable[Row], head: str, purpose: Purpose, *, since: datetime | None
    ) -> tuple[tuple[Approval, ...], tuple[Discarded, ...]]:
        """As in "List reviews for a pull request", in order of time: the latest review counts.

        A review from before `since` was for another base.
        """
        approvals, discarded = [], []
        for login, row in _latest(reviews).items():
            if row.get("state") != "APPROVED":
                continue
            if row.get("commit_id") != head:
                why = f"approved {str(row.get('commit_id'))[:10]}, which is not the head"
                discarded.append(Discarded(who=login, why=why))
            elif since and (moment_of(row.get("submitted_at")) or since) <= since:
                why = "approved it before its target branch changed"
                discarded.append(Discarded(who=login, why=why))
            elif text_at(row, "user", "type") != _PERSON:
                discarded.append(Discarded(who=login, why="is not the account of a person"))
            elif not self._may_write(login, purpose):
                why = "has no write permission in the repository"
                discarded.append(Discarded(who=login, why=why))
            else:
                evidence = f"review {whole_number(row.get('id'))}"
                digests = digests_in(text_at(row, "body"))
                approvals.append(Approval(who=login, evidence=evidence, digests=digests))
        return tuple(approvals), tuple(discarded)

    def _objections(
        self, change: int, reviews: Iterable[Row], purpose: Purpose
    ) -> Iterator[Refusal]:
        """Requests for changes by people whose approval would count."""
        for login, row in _latest(reviews).items():
            if row.get("state") == "CHANGES_REQUESTED" and self._may_write(login, purpose):
                yield changes_requested(login, self.name_of(change), otherwise="dismiss the review")

    def _may_write(self, login: str, purpose: Purpose) -> bool:
        """As in "Get repository permissions for a user": anyone may review a public repository."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", login):
            return False
        target = f"{self._home}/collaborators/{login}/permission"
        return self._api.get(target, purpose.accepting(404)).get("permission") in _MAY_WRITE

    def _authors(self, commits: tuple[Row, ...], purpose: Purpose) -> People:
        """The logins of all authors; a flaw for each author that GitHub does not know."""
        logins: dict[str, None] = {}
        flaws: list[Refusal] = []
        known = _known_addresses(commits)
        for row in commits:
            for role, login, address in _roles(row, known):
                found = login or self._login(address, purpose)
                if found:
                    logins[found] = None
                else:
                    flaws.append(author_unknown(str(row.get("sha"))[:10], role, address))
        if len(commits) >= MOST_COMMITS:
            flaws.append(
                evidence_flaw(
                    f"the pull request has {MOST_COMMITS} commits or more; GitHub lists "
                    "at most that many",
                    "Split the change, or squash its commits.",
                )
            )
        return tuple(logins), tuple(dict.fromkeys(flaws))

    def _login(self, address: str, purpose: Purpose) -> str:
        """As in "Get a user using their ID": the present login of a private address."""
        account = account_of_address(address, self._api.host)
        if not account:
            return ""
        return text_at(self._api.get(f"/user/{account}", purpose.accepting(404)), "login")

    def _pushers(self, pull: Row, purpose: Purpose, above: frozenset[int]) -> People:
        """Who changed the branch, and the people of pull requests that were merged into it."""
        name = text_at(pull, "head", "repo", "full_name")
        if not re.fullmatch(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", name):
            return (), (pushers_unknown("the repository of its branch no longer exists"),)
        home, branch = f"/repos/{name}", text_at(pull, "head", "ref")
        pushes, flaws = self._pushes(home, branch, purpose)
        if flaws:
            return (), flaws
        chain, (names, unknown) = pushers_of(pushes, text_at(pull, "head", "sha"))
        for push in filter(lambda one: one.merges, chain):
            carried = self.brought_by(push.after, branch=branch)
            if not carried:
                fact = f"no pull request is known that brought {push.after[:10]} to its branch"
                unknown = (*unknown, pushers_unknown(fact))
            for other in sorted({*carried} - above):
                people, more = self._people(other, self._pull(other, purpose), purpose, above)
                names, unknown = (*names, *people), (*unknown, *more)
        return distinct(names), unknown

    def _pushes(
        self, home: str, branch: str, purpose: Purpose
    ) -> tuple[tuple[Push, ...], tuple[Refusal, ...]]:
        """As in "List repository activities": an `actor` may be null. The latest are first."""
        rows, flaws = pushes_of(
            self._api, f"{home}/activity", purpose, ref=f"refs/heads/{branch}", direction="desc"
        )
        return tuple(
            Push(
                before="" if not text_at(row, "before").strip("0") else text_at(row, "before"),
                after=text_at(row, "after"),
                who=text_at(row, "actor", "login"),
                is_person=text_at(row, "actor", "type") == _PERSON,
                merges=row.get("activity_type") in _MERGES,
            )
            for row in rows
            # Deleting a branch, as after a merge, adds nothing to it.
            if row.get("activity_type") != "branch_deletion"
        ), flaws

    def _merge_flaws(
        self, change: int, pull: Row, head: str, commit: str, purpose: Purpose
    ) -> Iterator[Refusal]:
        """A flaw unless the commit is the merge that GitHub made of the approved head."""
        if pull.get("merged") is not True or pull.get("merge_commit_sha") != commit:
            yield not_reviewed(self.name_of(change), head, commit)
            return
        made = self._api.get(f"{self._home}/commits/{commit}", purpose)
        by_forge = text_at(made, "committer", "login") == WEB_FLOW
        if by_forge and _is_verified(made):
            return
        reviewed = self._api.get(f"{self._home}/commits/{head}", purpose)
        tree, reviewed_tree = (text_at(row, "commit", "tree", "sha") for row in (made, reviewed))
        if tree and tree == reviewed_tree:
            return
        yield evidence_flaw(
            f"{commit[:10]} was not merged by GitHub, and its content differs from "
            f"the approved head {head[:10]}",
            "Merge pull requests with GitHub's button or API.",
        )


def _numbers(rows: Iterable[Row]) -> tuple[int, ...]:
    return tuple(sorted({whole_number(row.get("number")) for row in rows} - {0}))


def _latest(reviews: Iterable[Row]) -> Mapping[str, Row]:
    """The latest decisive review of each person."""
    latest: dict[str, Row] = {}
    for row in reviews:
        login = text_at(row, "user", "login")
        if login and row.get("state") in _DECISIVE:
            latest[login] = row
    return latest


def _roles(row: Row, known: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Role, login if known, and address of each author of a commit."""
    for role in ("author", "committer"):
        login = text_at(row, role, "login")
        if login == WEB_FLOW:
            # Anyone can use the address of GitHub in a commit, but only GitHub can sign as it.
            if role == "committer" and _is_verified(row):
                continue
            login = ""
        yield role, login, text_at(row, "commit", role, "email")
    for address in co_authors(text_at(row, "commit", "message")):
        yield "co-author", known.get(address, ""), address


def _is_verified(row: Row) -> bool:
    inner = mapping_of(row.get("commit"))
    return mapping_of(inner.get("verification")).get("verified") is True


def _known_addresses(commits: tuple[Row, ...]) -> Mapping[str, str]:
    """The addresses in these commits that GitHub links to an account."""
    found = {}
    for row in commits:
        for role in ("author", "committer"):
            login = text_at(row, role, "login")
            if login and login != WEB_FLOW:
                found[text_at(row, "commit", role, "email").casefold()] = login
    return found
