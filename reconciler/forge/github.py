"""GitHub: comments of a pull request and its reviews (REST API, version 2022-11-28).

Sections of the documentation are named where something follows from them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from reconciler.core.model.finding import Refusal
from reconciler.core.model.resource import mapping_of, text_of
from reconciler.core.model.review import Approval, Discarded, Review, Written
from reconciler.core.model.trailers import co_authors, digests_in
from reconciler.errors import ForgeError, ReconcilerError
from reconciler.forge.api import Asking, Caller, Row
from reconciler.forge.identities import (
    account_of_address,
    asks_for_changes,
    author_unknown,
    not_merged,
    out_of_sight,
    unreadable,
    whole_number,
    wrong_target,
)
from reconciler.forge.protocol import Comment, People

LIMIT = 65_536
"""Characters of a comment."""

HEADERS: Mapping[str, str] = MappingProxyType(
    {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
)

MOST_COMMITS = 250
"""As in "List commits on a pull request", which gives no more, whatever there are."""

WEB_FLOW = "web-flow"
"""The committer of commits that GitHub itself makes; it signs them."""

_DECISIVE = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})
"""Review states that replace one another; a comment beside them takes no approval back."""

_MAY_WRITE = frozenset({"admin", "maintain", "write"})

_WRITE = "`pull-requests: write`"
_READ = "`pull-requests: read` and `contents: read`"


class GitHub:
    """One repository on GitHub, as `owner/name`."""

    limit = LIMIT

    def __init__(self, caller: Caller, repository: str, *, noted_as: str | None = None) -> None:
        """`noted_as` is whose comments the token makes, where the token itself cannot tell."""
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}", repository):
            raise ReconcilerError(
                f"{repository} is no repository of GitHub", remedy="Write it as OWNER/NAME."
            )
        self._caller = caller
        self._home = f"/repos/{repository}"
        self._noted_as = noted_as

    def whoami(self) -> str | None:
        """As in "Get the authenticated user", which refuses installation tokens."""
        asking = Asking(
            what="Asking whose token it is", permission=_WRITE, accepted=frozenset({403})
        )
        answer = self._caller.get("/user", asking)
        return text_of(answer.row.get("login")) if answer.status == 200 else self._noted_as

    def comments(self, change: int) -> tuple[Comment, ...]:
        """As in "List issue comments": a pull request is an issue too."""
        asking = Asking(what=f"Reading the comments of {self.name_of(change)}", permission=_WRITE)
        rows = self._caller.rows(f"{self._home}/issues/{change}/comments", asking)
        return tuple(_comment(row) for row in rows)

    def create(self, change: int, body: str) -> Comment:
        """As in "Create an issue comment"."""
        asking = Asking(what=f"Commenting on {self.name_of(change)}", permission=_WRITE)
        target = f"{self._home}/issues/{change}/comments"
        return _comment(self._caller.call("POST", target, asking, {"body": body}).row)

    def update(self, change: int, comment: int, body: str) -> None:
        """As in "Update an issue comment"."""
        what = f"Updating the comment on {self.name_of(change)}"
        asking = Asking(what=what, permission=_WRITE)
        target = f"{self._home}/issues/comments/{comment}"
        self._caller.call("PATCH", target, asking, {"body": body})

    def delete(self, change: int, comment: int) -> None:
        """As in "Delete an issue comment"."""
        what = f"Removing a second comment on {self.name_of(change)}"
        asking = Asking(what=what, permission=_WRITE, accepted=frozenset({404}))
        self._caller.call("DELETE", f"{self._home}/issues/comments/{comment}", asking)

    def name_of(self, change: int) -> str:
        return f"pull request #{change}"

    def change_of(self, commit: str) -> int | None:
        """As in "List pull requests associated with a commit": merged ones and open ones."""
        asking = Asking(what=f"Looking for the pull request of {commit}", permission=_READ)
        rows = self._caller.rows(f"{self._home}/commits/{commit}/pulls", asking)
        merged = [
            row for row in rows if row.get("merged_at") and row.get("merge_commit_sha") == commit
        ]
        heads = [row for row in rows if mapping_of(row.get("head")).get("sha") == commit]
        found = merged or heads
        return whole_number(found[0].get("number")) if found else None

    def writers(self, written: tuple[Written, ...], *, change: int) -> People:
        """As in "Get a commit": nobody may approve what he wrote, in whichever change."""
        asking = Asking(what="Reading who wrote what is applied", permission=_READ)
        rows = (
            self._caller.get(f"{self._home}/commits/{one.commit}", asking).row for one in written
        )
        return self._authors(tuple(rows), asking)

    def people_of(self, change: int) -> People:
        asking = Asking(what=f"Reading who wrote {self.name_of(change)}", permission=_READ)
        return self._people(change, self._pull(change, asking), asking)

    def review(
        self, change: int, *, commit: str | None, branch: str = "", merged: bool = False
    ) -> Review:
        asking = Asking(what=f"Reading the reviews of {self.name_of(change)}", permission=_READ)
        pull = self._pull(change, asking)
        head = str(mapping_of(pull.get("head")).get("sha") or "")
        people, flaws = self._people(change, pull, asking)
        reviews = self._caller.rows(f"{self._home}/pulls/{change}/reviews", asking)
        approvals, discarded = self._approvals(reviews, head, asking)
        flaws += tuple(self._objections(change, reviews, asking))
        if commit is not None:
            base = mapping_of(pull.get("base"))
            usual = text_of(mapping_of(base.get("repo")).get("default_branch"))
            name, into = self.name_of(change), text_of(base.get("ref"))
            flaws += tuple(wrong_target(name, into, branch or usual))
            if merged and pull.get("merged") is not True:
                flaws += (not_merged(name),)
        if commit is not None and commit != head:
            flaws += tuple(self._strayed(change, pull, head, commit, asking))
        return Review(
            change=self.name_of(change),
            commit=head,
            authors=people,
            approvals=approvals,
            discarded=discarded,
            flaws=flaws,
        )

    def _pull(self, change: int, asking: Asking) -> Row:
        return self._caller.get(f"{self._home}/pulls/{change}", asking).row

    def _people(self, change: int, pull: Row, asking: Asking) -> People:
        """Who opened a pull request, wrote a part of it, or pushed to its branch."""
        commits = self._caller.rows(f"{self._home}/pulls/{change}/commits", asking)
        opened = text_of(mapping_of(pull.get("user")).get("login"))
        authors, flaws = self._authors(commits, asking)
        pushers, unseen = self._pushers(pull, asking)
        everyone = dict.fromkeys(filter(None, (opened, *authors, *pushers)))
        return tuple(everyone), (*flaws, *unseen)

    def _approvals(
        self, reviews: Iterable[Row], head: str, asking: Asking
    ) -> tuple[tuple[Approval, ...], tuple[Discarded, ...]]:
        """As in "List reviews for a pull request", in the order of time: the latest word counts."""
        approvals, discarded = [], []
        for login, row in _latest(reviews).items():
            if row.get("state") != "APPROVED":
                continue
            if row.get("commit_id") != head:
                why = f"approved {str(row.get('commit_id'))[:10]}, which is not the head"
                discarded.append(Discarded(who=login, why=why))
            elif not self._may_write(login, asking):
                why = "may not write to the repository"
                discarded.append(Discarded(who=login, why=why))
            else:
                evidence = f"review {whole_number(row.get('id'))}"
                digests = digests_in(text_of(row.get("body")) or "")
                approvals.append(Approval(who=login, evidence=evidence, digests=digests))
        return tuple(approvals), tuple(discarded)

    def _objections(self, change: int, reviews: Iterable[Row], asking: Asking) -> Iterator[Refusal]:
        """Who asks for changes, of those whose approval would count."""
        for login, row in _latest(reviews).items():
            if row.get("state") == "CHANGES_REQUESTED" and self._may_write(login, asking):
                yield asks_for_changes(
                    login, self.name_of(change), otherwise="have that review dismissed"
                )

    def _may_write(self, login: str, asking: Asking) -> bool:
        """As in "Get repository permissions for a user": anybody may review what is public."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", login):
            return False
        reading = Asking(what=asking.what, permission=asking.permission, accepted=frozenset({404}))
        target = f"{self._home}/collaborators/{login}/permission"
        return self._caller.get(target, reading).row.get("permission") in _MAY_WRITE

    def _authors(self, commits: tuple[Row, ...], asking: Asking) -> People:
        """Everybody who wrote a part, by login; a flaw for each whom GitHub cannot name."""
        logins: dict[str, None] = {}
        flaws: list[Refusal] = []
        known = _known_addresses(commits)
        for row in commits:
            for role, login, address in _roles(row, known):
                found = login or self._login(address, asking)
                if found:
                    logins[found] = None
                else:
                    flaws.append(author_unknown(str(row.get("sha"))[:10], role, address))
        if len(commits) >= MOST_COMMITS:
            flaws.append(
                Refusal(
                    rule="approval-evidence",
                    message=f"the pull request has {MOST_COMMITS} commits or more, and GitHub "
                    "lists no more of them",
                    remedy="Split the change, or squash its commits.",
                )
            )
        return tuple(logins), tuple(dict.fromkeys(flaws))

    def _login(self, address: str, asking: Asking) -> str:
        """As in "Get a user using their ID": what the owner of a private address is called now."""
        account = account_of_address(address, self._caller.host)
        if not account:
            return ""
        reading = Asking(what=asking.what, permission=asking.permission, accepted=frozenset({404}))
        return text_of(self._caller.get(f"/user/{account}", reading).row.get("login")) or ""

    def _pushers(self, pull: Row, asking: Asking) -> People:
        """As in "List repository activities": who pushed, or otherwise changed the branch."""
        head = mapping_of(pull.get("head"))
        name = str(mapping_of(head.get("repo")).get("full_name") or "")
        if not re.fullmatch(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", name):
            return (), (out_of_sight("the repository of its branch is gone"),)
        try:
            rows = self._caller.rows(
                f"/repos/{name}/activity", asking, ref=f"refs/heads/{head.get('ref')}"
            )
        except ForgeError as error:
            if not unreadable(error):
                raise
            return (), (out_of_sight(error.message),)
        # Whoever deletes a branch, as after a merge, brought nothing into it.
        logins = (
            text_of(mapping_of(row.get("actor")).get("login"))
            for row in rows
            if row.get("activity_type") != "branch_deletion"
        )
        return tuple(dict.fromkeys(filter(None, logins))), ()

    def _strayed(
        self, change: int, pull: Row, head: str, commit: str, asking: Asking
    ) -> Iterator[Refusal]:
        """Whether what is applied is what GitHub made of the head: approvals are of the head."""
        if pull.get("merged") is not True or pull.get("merge_commit_sha") != commit:
            yield Refusal(
                rule="approval-evidence",
                message=f"{commit[:10]} is neither the head of {self.name_of(change)}, "
                f"{head[:10]}, nor what it was merged as",
                remedy="Apply the merged commit, or the head that was approved.",
            )
            return
        made = self._caller.get(f"{self._home}/commits/{commit}", asking).row
        inner = mapping_of(made.get("commit"))
        by_forge = mapping_of(made.get("committer")).get("login") == WEB_FLOW
        if by_forge and mapping_of(inner.get("verification")).get("verified") is True:
            return
        reviewed = self._caller.get(f"{self._home}/commits/{head}", asking).row
        trees = [mapping_of(mapping_of(row.get("commit")).get("tree")) for row in (made, reviewed)]
        if trees[0].get("sha") and trees[0].get("sha") == trees[1].get("sha"):
            return
        yield Refusal(
            rule="approval-evidence",
            message=f"{commit[:10]} was merged outside of GitHub, and holds something else than "
            f"the head {head[:10]} that was approved",
            remedy="Merge pull requests with GitHub's own button or API.",
        )


def _comment(row: Row) -> Comment:
    return Comment(
        number=whole_number(row.get("id")),
        author=text_of(mapping_of(row.get("user")).get("login")) or "",
        body=text_of(row.get("body")) or "",
    )


def _latest(reviews: Iterable[Row]) -> Mapping[str, Row]:
    """The latest word of everybody that decides something."""
    latest: dict[str, Row] = {}
    for row in reviews:
        login = text_of(mapping_of(row.get("user")).get("login"))
        if login and row.get("state") in _DECISIVE:
            latest[login] = row
    return latest


def _roles(row: Row, known: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Role, login where GitHub or another commit tells it, and address of who wrote a commit."""
    inner = mapping_of(row.get("commit"))
    verified = mapping_of(inner.get("verification")).get("verified") is True
    for role in ("author", "committer"):
        login = text_of(mapping_of(row.get(role)).get("login")) or ""
        address = text_of(mapping_of(inner.get(role)).get("email")) or ""
        if login == WEB_FLOW:
            # Anybody can write the address of GitHub into a commit, and nobody else sign as it.
            if role == "committer" and verified:
                continue
            login = ""
        yield role, login, address
    for address in co_authors(text_of(inner.get("message")) or ""):
        yield "co-author", known.get(address, ""), address


def _known_addresses(commits: tuple[Row, ...]) -> Mapping[str, str]:
    """The addresses that GitHub itself has linked to an account in these commits."""
    found = {}
    for row in commits:
        for role in ("author", "committer"):
            login = text_of(mapping_of(row.get(role)).get("login"))
            inner = mapping_of(mapping_of(row.get("commit")).get(role))
            if login and login != WEB_FLOW:
                found[(text_of(inner.get("email")) or "").casefold()] = login
    return found
