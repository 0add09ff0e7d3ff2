"""What a forge offers: comments on a change, and its review."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from reconciler.core.model.finding import Refusal
from reconciler.core.model.review import Review, Written

People: TypeAlias = tuple[tuple[str, ...], tuple[Refusal, ...]]
"""Logins, with a flaw for each person without a known account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment on a change. The lowest number is the oldest comment."""

    number: int
    author: str
    body: str


class Forge(Protocol):
    """One repository on GitHub, or one project on GitLab.

    Every method raises a ForgeError when it does not succeed: ForgeRefused without permission,
    ForgeUnsure when it is unknown whether a comment was made.
    """

    @property
    def limit(self) -> int:
        """The maximum number of characters of a comment."""
        ...

    def whoami(self) -> str | None:
        """The login of the token's comments; None when it is unknown."""
        ...

    def comments(self, change: int) -> tuple[Comment, ...]:
        """Every comment on a change, from all pages."""
        ...

    def create(self, change: int, body: str) -> Comment:
        """Make a comment. The result names its author."""
        ...

    def update(self, change: int, comment: int, body: str) -> None:
        """Replace the text of a comment."""
        ...

    def delete(self, change: int, comment: int) -> None:
        """Delete a comment. It is no error when it does not exist."""
        ...

    def name_of(self, change: int) -> str:
        """The name of a change: `pull request #7`."""
        ...

    def change_of(self, commit: str) -> int | None:
        """The change that a commit was merged with, or whose head it is; None without one."""
        ...

    def writers(self, written: tuple[Written, ...], *, change: int) -> People:
        """The authors of the commits that are applied with a change: its own and earlier ones."""
        ...

    def people_of(self, change: int) -> People:
        """Who opened, wrote or pushed an earlier change that is applied together with another."""
        ...

    def review(
        self, change: int, *, commit: str | None, branch: str = "", merged: bool = False
    ) -> Review:
        """The review of a change, at its head.

        `commit` is the applied commit: it must be the head or the merge commit, and the target of
        the change must be `branch`, by default the default branch. With `merged` an open change
        does not count.
        """
        ...
