"""What a forge offers: comments on a change, and its review."""

from abc import ABC, abstractmethod
from typing import ClassVar

from reconciler.core.model.finding import Refusal
from reconciler.core.model.review import Review, Written
from reconciler.forge.api import ForgeApi, Purpose, Row, text_at, whole_number
from reconciler.forge.identities import People, Push, pushed_directly
from reconciler.values import dataclass

MERGE = "the commit that the change was merged as"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment on a change. The lowest number is the oldest comment."""

    number: int
    author: str
    body: str


class Forge(ABC):
    """One repository on GitHub, or one project on GitLab.

    Every method raises a ForgeError when it does not succeed: ForgeRefused without permission,
    ForgeUnsure when it is unknown whether a comment was made.
    """

    limit: ClassVar[int]
    """The maximum number of characters of a comment."""
    _noun: ClassVar[str]
    """What the forge calls a comment."""
    _author: ClassVar[tuple[str, str]]
    """Where a comment has the login of its author."""
    _update_method: ClassVar[str]

    def __init__(self, api: ForgeApi, home: str) -> None:
        self._api = api
        self._home = home

    @abstractmethod
    def whoami(self) -> str | None:
        """The login of the token's comments; None when it is unknown."""

    def comments(self, change: int) -> tuple[Comment, ...]:
        """Every comment on a change, from all pages."""
        purpose = self._write(f"Reading the {self._noun}s of {self.name_of(change)}")
        return tuple(map(self._comment, self._notes(change, purpose)))

    def create(self, change: int, body: str) -> Comment:
        """Make a comment. The result names its author."""
        purpose = self._write(f"Commenting on {self.name_of(change)}")
        return self._comment(self._api.send("POST", self._place(change), purpose, {"body": body}))

    def update(self, change: int, comment: int, body: str) -> None:
        """Replace the text of a comment."""
        purpose = self._write(f"Updating the {self._noun} on {self.name_of(change)}")
        self._api.send(self._update_method, self._place(change, comment), purpose, {"body": body})

    def delete(self, change: int, comment: int) -> None:
        """Delete a comment. It is no error when it does not exist."""
        what = f"Deleting a duplicate {self._noun} on {self.name_of(change)}"
        purpose = self._write(what).accepting(404)
        self._api.send("DELETE", self._place(change, comment), purpose)

    def _comment(self, row: Row) -> Comment:
        return Comment(
            number=whole_number(row.get("id")),
            author=text_at(row, *self._author),
            body=text_at(row, "body"),
        )

    @abstractmethod
    def _notes(self, change: int, purpose: Purpose) -> tuple[Row, ...]:
        """The comments as the forge lists them."""

    @abstractmethod
    def _place(self, change: int, comment: int | None = None) -> str:
        """The target of the comments of a change, or of one of them."""

    @abstractmethod
    def _read(self, what: str) -> Purpose:
        """The purpose of a call that reads reviews, commits or pushes."""

    @abstractmethod
    def _write(self, what: str) -> Purpose:
        """The purpose of a call that reads or writes comments."""

    @abstractmethod
    def name_of(self, change: int) -> str:
        """The name of a change: `pull request #7`."""

    @abstractmethod
    def changes_of(self, commit: str) -> tuple[int, ...]:
        """The changes that a commit is the merge of; without any, the open ones whose head it is.

        One push can merge several changes.
        """

    @abstractmethod
    def brought_by(self, commit: str, *, branch: str) -> tuple[int, ...]:
        """The changes that brought a commit to the branch by a merge; none for a direct push.

        A merge into another branch brings nothing. Without a `branch` it is the default branch.
        """

    def pushed_directly(self, commits: tuple[str, ...], *, branch: str) -> People:
        """Who pushed commits to the branch without a change."""
        purpose = self._read("Reading who pushed to the branch")
        into = branch or self._default_branch(purpose)
        pushes, flaws = self._pushes(self._home, into, purpose)
        names, unknown = pushed_directly(commits, pushes)
        return names, (*flaws, *unknown)

    def _default_branch(self, purpose: Purpose) -> str:
        """As in "Get a repository" of GitHub, and in "Retrieve a project" of GitLab."""
        return text_at(self._api.get(self._home, purpose), "default_branch")

    @abstractmethod
    def _pushes(
        self, home: str, branch: str, purpose: Purpose
    ) -> tuple[tuple[Push, ...], tuple[Refusal, ...]]:
        """The pushes to a branch of a repository, the latest first; a flaw where none are seen."""

    @abstractmethod
    def writers(self, written: tuple[Written, ...], *, change: int) -> People:
        """The authors of the commits that are applied with a change: its own and earlier ones."""

    @abstractmethod
    def people_of(self, change: int) -> People:
        """Who opened, wrote or pushed an earlier change that is applied together with another."""

    @abstractmethod
    def review(
        self, change: int, *, commit: str | None, branch: str = "", merged: bool = False
    ) -> Review:
        """The review of a change, at its head.

        `commit` is the applied commit: it must be the head or the merge commit, and the target of
        the change must be `branch`, by default the default branch. MERGE stands for the merge
        commit. With `merged` an open change does not count.
        """
