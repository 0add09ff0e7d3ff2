"""What a forge is requested: its comments on a change, and what it knows of the change's review."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from reconciler.core.model.finding import Refusal
from reconciler.core.model.review import Review, Written

People: TypeAlias = tuple[tuple[str, ...], tuple[Refusal, ...]]
"""People by login, with a flaw for each whom the forge cannot name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment on a change. Numbers of a forge rise, so the lowest is the oldest."""

    number: int
    author: str
    body: str


class Forge(Protocol):
    """One repository on GitHub, or one project on GitLab.

    Every method raises a ForgeError when it does not succeed: ForgeRefused for access, ForgeUnsure
    when a comment may or may not have been made.
    """

    @property
    def limit(self) -> int:
        """The most characters a comment may have."""
        ...

    def whoami(self) -> str | None:
        """The login that the token's comments bear; None when the token cannot tell."""
        ...

    def comments(self, change: int) -> tuple[Comment, ...]:
        """Every comment on a change, from all pages."""
        ...

    def create(self, change: int, body: str) -> Comment:
        """Make a comment; the answer says who made it."""
        ...

    def update(self, change: int, comment: int, body: str) -> None:
        """Replace the text of a comment."""
        ...

    def delete(self, change: int, comment: int) -> None:
        """Remove a comment; one that is gone already is no error."""
        ...

    def name_of(self, change: int) -> str:
        """What people call a change: `pull request #7`."""
        ...

    def change_of(self, commit: str) -> int | None:
        """The change that brought a commit, or whose head it is; None when there is none."""
        ...

    def writers(self, written: tuple[Written, ...], *, change: int) -> People:
        """Who wrote the commits that are applied with a change: its own, and earlier ones."""
        ...

    def people_of(self, change: int) -> People:
        """Who opened, wrote or pushed an earlier change that is applied with another one."""
        ...

    def review(
        self, change: int, *, commit: str | None, branch: str = "", merged: bool = False
    ) -> Review:
        """What is known of the review of a change, at its head.

        With `commit`, what is applied: it must be the head, or what the forge made by merging it,
        and the change must be into `branch`, by default the default one. `merged` says that a
        change which is still open does not count.
        """
        ...
