"""GitLab: notes of a merge request and its approvals (REST API v4).

Quoted titles are pages of its documentation.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from urllib.parse import quote

from reconciler.core.model.finding import Refusal
from reconciler.core.model.resource import EMPTY, mapping_of, rows_of, text_of
from reconciler.core.model.review import Approval, Discarded, Review, Written
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

LIMIT = 1_000_000
"""Maximum characters of a note ("GitLab application limits")."""


_DEVELOPER = 30
"""The lowest access level that may push ("Members API", "Known issues" and roles)."""

_RETARGETED = "changed target branch"
"""How the system note about another target branch begins."""

_TOKEN_USER = re.compile(r"(project|group)_[0-9]+_bot.*|service_account_.*")
"""The users of project, group and service account tokens, by the names that GitLab gives them."""


class GitLab(Forge):
    """One project on GitLab, as its id or as `group/name`."""

    limit = LIMIT
    _noun, _author, _update_method = "note", ("author", "username"), "PUT"

    def __init__(self, api: ForgeApi, project: str) -> None:
        if not re.fullmatch(r"[0-9]{1,19}|[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+", project):
            raise ReconcilerError(
                f"{project} is not the name of a GitLab project",
                remedy="Write it as GROUP/NAME, or its id.",
            )
        super().__init__(api, f"/projects/{quote(project, safe='')}")
        self._persons: dict[int, bool] = {}

    def whoami(self) -> str | None:
        """As in "Users API"; a project access token has a user of its own."""
        row = self._api.get("/user", self._write("Reading the user of the token"))
        return text_of(row.get("username"))

    def name_of(self, change: int) -> str:
        return f"merge request !{change}"

    def changes_of(self, commit: str) -> tuple[int, ...]:
        rows = self._containing(commit)
        merged = [row for row in rows if row.get("state") == "merged" and commit in _made(row)]
        # A merge request that was closed without a merge reviews nothing.
        heads = [row for row in rows if row.get("sha") == commit and row.get("state") != "closed"]
        return _numbers(merged or heads)

    def brought_by(self, commit: str, *, branch: str) -> tuple[int, ...]:
        merged = [row for row in self._containing(commit) if row.get("state") == "merged"]
        if not merged:
            return ()
        into = branch or self._default_branch(self._read("Reading the default branch"))
        return _numbers(row for row in merged if row.get("target_branch") == into)

    def _containing(self, commit: str) -> tuple[Row, ...]:
        """As in "List merge requests associated with a commit"."""
        purpose = self._read(f"Searching the merge request of {commit}")
        return self._api.rows(f"{self._home}/repository/commits/{commit}/merge_requests", purpose)

    def writers(self, written: tuple[Written, ...], *, change: int) -> People:
        purpose = self._read("Reading the authors of the applied commits")
        here = self._merge_request(change)
        commits = self._api.rows(f"{here}/commits", purpose)
        request = self._api.get(here, purpose)
        own = frozenset((*_made(request), *(str(row.get("id")) for row in commits)))
        rows: list[Row] = [
            {
                "id": one.commit,
                "author_email": one.author,
                "committer_email": one.committer,
                "message": one.message,
            }
            for one in written
        ]
        return self._authors(rows, purpose, own=own)

    def people_of(self, change: int) -> People:
        purpose = self._read(f"Reading the authors of {self.name_of(change)}")
        here = self._merge_request(change)
        return self._people(here, self._api.get(here, purpose), purpose, own=False)

    def review(
        self, change: int, *, commit: str | None, branch: str = "", merged: bool = False
    ) -> Review:
        purpose = self._read(f"Reading the approvals of {self.name_of(change)}")
        here = self._merge_request(change)
        request = self._api.get(here, purpose)
        head = text_at(request, "sha")
        commit = (*_made(request), head)[0] if commit == MERGE else commit
        pushed_at = self._pushed_at(change, head, purpose)
        approvals, discarded = self._approvals(change, pushed_at, purpose)
        people, flaws = self._people(here, request, purpose, own=True)
        if commit is not None:
            name, default = self.name_of(change), branch or self._default_branch(purpose)
            flaws += tuple(wrong_target(name, text_of(request.get("target_branch")), default))
            if merged and request.get("state") != "merged":
                flaws += (not_merged(name),)
            if commit != head and commit not in _made(request):
                flaws += (not_reviewed(name, head, commit),)
        flaws += tuple(self._objections(change, purpose))
        return Review(
            change=self.name_of(change),
            commit=head,
            applied=commit or "",
            authors=people,
            approvals=approvals,
            discarded=discarded,
            flaws=flaws,
        )

    def _merge_request(self, change: int) -> str:
        return f"{self._home}/merge_requests/{change}"

    def _notes(self, change: int, purpose: Purpose) -> tuple[Row, ...]:
        """As in "Notes API", without the notes of GitLab itself."""
        rows = self._all_notes(change, purpose)
        return tuple(row for row in rows if row.get("system") is not True)

    def _all_notes(self, change: int, purpose: Purpose) -> tuple[Row, ...]:
        return self._api.rows(self._place(change), purpose, sort="asc", order_by="created_at")

    def _place(self, change: int, comment: int | None = None) -> str:
        notes = f"{self._merge_request(change)}/notes"
        return notes if comment is None else f"{notes}/{comment}"

    def _read(self, what: str) -> Purpose:
        return Purpose(what=what, permission="the scope `read_api` and the role Reporter or higher")

    def _write(self, what: str) -> Purpose:
        return Purpose(what=what, permission="the scope `api` and the role Reporter or higher")

    def _pushed_at(self, change: int, head: str, purpose: Purpose) -> datetime | None:
        """When the head was pushed, or the target branch changed, whichever was later.

        "Retrieve all merge request diff versions": each push makes one. A change of the target
        leaves a system note.
        """
        versions = self._api.rows(f"{self._merge_request(change)}/versions", purpose)
        times = [
            moment
            for row in versions
            if row.get("head_commit_sha") == head and (moment := moment_of(row.get("created_at")))
        ]
        if not times:
            return None
        for row in self._all_notes(change, purpose):
            if row.get("system") is True and text_at(row, "body").startswith(_RETARGETED):
                moment = moment_of(row.get("created_at"))
                if moment is None:
                    return None
                times.append(moment)
        return max(times)

    def _approvals(
        self, change: int, pushed_at: datetime | None, purpose: Purpose
    ) -> tuple[tuple[Approval, ...], tuple[Discarded, ...]]:
        """As in "Merge request approvals API": an approval has a time, but no commit.

        An approval from before the push of the head is for another commit, even if the project
        does not reset approvals on a push.
        """
        row = self._api.get(f"{self._merge_request(change)}/approvals", purpose)
        notes = self._notes(change, purpose)
        approvals, discarded = [], []
        for item in rows_of(row.get("approved_by")):
            who = text_at(item, "user", "username")
            account = whole_number(mapping_of(item.get("user")).get("id"))
            given_at = moment_of(item.get("approved_at"))
            if given_at is None or pushed_at is None:
                why = "approved at an unknown time"
                discarded.append(Discarded(who=who, why=why))
            elif given_at < pushed_at:
                why = "approved before the head was pushed or its target branch changed"
                discarded.append(Discarded(who=who, why=why))
            elif not self._is_person(account, who, purpose):
                discarded.append(Discarded(who=who, why="is not the account of a person"))
            elif not self._may_write(account, purpose):
                why = "has no write permission in the project"
                discarded.append(Discarded(who=who, why=why))
            else:
                digests = tuple(_named_by(who, notes, pushed_at))
                evidence = f"approval of {given_at.isoformat()}"
                approvals.append(Approval(who=who, evidence=evidence, digests=digests))
        return tuple(approvals), tuple(discarded)

    def _may_write(self, account: int, purpose: Purpose) -> bool:
        """As in "Members API": "Retrieve a member ..., including inherited and invited members"."""
        target = f"{self._home}/members/all/{account}"
        level = self._api.get(target, purpose.accepting(404)).get("access_level")
        return whole_number(level) >= _DEVELOPER

    def _is_person(self, account: int, username: str, purpose: Purpose) -> bool:
        """As in "Users API", "Retrieve a user": access tokens act as users that are bots."""
        if account not in self._persons:
            row = self._api.get(f"/users/{account}", purpose.accepting(404)) if account else EMPTY
            self._persons[account] = row.get("bot") is False
        return self._persons[account] and not _TOKEN_USER.fullmatch(username)

    def _objections(self, change: int, purpose: Purpose) -> Iterator[Refusal]:
        """As in "Get single merge request reviewers": requests for changes."""
        target = f"{self._merge_request(change)}/reviewers"
        for row in self._api.rows(target, purpose):
            if row.get("state") == "requested_changes":
                who = text_at(row, "user", "username")
                yield changes_requested(
                    who, self.name_of(change), otherwise="remove them from its reviewers"
                )

    def _people(
        self,
        here: str,
        request: Row,
        purpose: Purpose,
        *,
        own: bool,
        above: frozenset[str] = frozenset(),
    ) -> People:
        """Who opened a merge request, wrote a commit of it, or pushed to its branch.

        `above` are the merge requests that carry this one.
        """
        commits = self._api.rows(f"{here}/commits", purpose)
        own_commits = frozenset(str(row.get("id")) for row in commits) if own else frozenset()
        authors, flaws = self._authors(commits, purpose, own=own_commits)
        pushers, hidden = self._pushers(request, purpose, above)
        opened = text_at(request, "author", "username")
        return distinct((opened, *authors, *pushers)), (*flaws, *hidden)

    def _authors(self, rows: Iterable[Row], purpose: Purpose, *, own: frozenset[str]) -> People:
        """The usernames of all authors. Commits name people by address only.

        For an address without an account, the project must prevent committers from approving.
        That setting covers the `own` commits of the merge request, but no other commits.
        """
        found: dict[str, str] = {}
        flaws: dict[Refusal, None] = {}
        excluded: bool | None = None
        for row in rows:
            for role, address in _addresses(row):
                if address not in found:
                    found[address] = self._username(address, purpose)
                if found[address]:
                    continue
                if excluded is None:
                    excluded = self._committers_cannot_approve(purpose)
                commit = str(row.get("id"))
                if not (excluded and commit in own) or role == "co-author":
                    flaws[author_unknown(commit[:10], role, address)] = None
        return distinct(found.values()), tuple(flaws)

    def _username(self, address: str, purpose: Purpose) -> str:
        if account := account_of_address(address, self._api.host):
            # "Users API", "Retrieve a user": the name in the address may be an old one.
            return text_at(self._api.get(f"/users/{account}", purpose.accepting(404)), "username")
        if "@" not in address:
            return ""
        # "Users API", "List users": a search by address finds exact matches only.
        users = self._api.rows("/users", purpose, search=address)
        return text_at(users[0], "username") if len(users) == 1 else ""

    def _committers_cannot_approve(self, purpose: Purpose) -> bool:
        """As in "Get approval configuration for a project"."""
        row = self._api.get(f"{self._home}/approvals", purpose.accepting(403, 404))
        return (
            row.get("merge_requests_disable_committers_approval") is True
            and row.get("merge_requests_author_approval") is False
        )

    def _pushers(self, request: Row, purpose: Purpose, above: frozenset[str]) -> People:
        """Who pushed the branch, and the people of merge requests that were merged into it."""
        source = whole_number(request.get("source_project_id"))
        if not source:
            return (), (pushers_unknown("the project of its branch no longer exists"),)
        branch = text_at(request, "source_branch")
        pushes, flaws = self._pushes(f"/projects/{source}", branch, purpose)
        if flaws:
            return (), flaws
        chain, (names, unknown) = pushers_of(pushes, text_at(request, "sha"))
        for here in self._merged_into(source, branch, chain, purpose):
            if here not in above:
                carried = self._api.get(here, purpose)
                people, more = self._people(here, carried, purpose, own=False, above=above | {here})
                names, unknown = (*names, *people), (*unknown, *more)
        return distinct(names), unknown

    def _merged_into(
        self, project: int, branch: str, chain: Iterable[Push], purpose: Purpose
    ) -> Iterator[str]:
        """The merge requests of a project that pushes to a branch merged into it."""
        for push in chain:
            target = f"/projects/{project}/repository/commits/{push.after}/merge_requests"
            for row in self._api.rows(target, purpose):
                if row.get("state") == "merged" and row.get("target_branch") == branch:
                    yield f"/projects/{project}/merge_requests/{whole_number(row.get('iid'))}"

    def _pushes(
        self, home: str, branch: str, purpose: Purpose
    ) -> tuple[tuple[Push, ...], tuple[Refusal, ...]]:
        """As in "Events API", "List all visible events for a project"; the latest are first.

        A push of many branches is one event that names none of them ("Push event activities limit
        and bulk push events"), and events end after three years: both leave a gap.
        """
        rows, flaws = pushes_of(self._api, f"{home}/events", purpose, action="pushed", sort="desc")
        found = []
        for row in rows:
            data, who = mapping_of(row.get("push_data")), text_at(row, "author_username")
            if data.get("ref") != branch or data.get("ref_type", "branch") != "branch":
                continue
            if not (after := text_of(data.get("commit_to"))):
                continue
            account = whole_number(row.get("author_id"))
            found.append(
                Push(
                    before=text_of(data.get("commit_from")) or "",
                    after=after,
                    who=who,
                    is_person=self._is_person(account, who, purpose),
                )
            )
        return tuple(found), flaws


def _numbers(rows: Iterable[Row]) -> tuple[int, ...]:
    return tuple(sorted({whole_number(row.get("iid")) for row in rows} - {0}))


def _made(request: Row) -> tuple[str, ...]:
    """The commits that the merge of a merge request created."""
    names = ("merge_commit_sha", "squash_commit_sha")
    return tuple(str(request[name]) for name in names if request.get(name))


def _named_by(who: str, notes: tuple[Row, ...], since: datetime) -> Iterator[str]:
    """The digests in the notes of a person since the head was pushed."""
    for row in notes:
        written_at = moment_of(row.get("created_at"))
        if (
            text_at(row, "author", "username") == who
            and written_at is not None
            and written_at >= since
        ):
            yield from digests_in(text_at(row, "body"))


def _addresses(row: Row) -> Iterator[tuple[str, str]]:
    for role in ("author", "committer"):
        yield role, text_at(row, f"{role}_email").casefold()
    for address in co_authors(text_at(row, "message")):
        yield "co-author", address
