"""Facts about a code review: approvals, and what a plan lacks of them."""

from dataclasses import dataclass

from reconciler.core.model.finding import Refusal
from reconciler.core.model.plan import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's approval of the exact commit. `digests` are the plans that it names.

    `evidence` says where it was read. A `weak` one was taken from what git alone can tell.
    """

    who: str
    evidence: str
    weak: bool = False
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """An approval that does not count, and why."""

    who: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A commit with the addresses of who wrote it, as git has them."""

    commit: str
    author: str
    committer: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What is known of the review of a change: facts, and no judgement yet.

    `change` names it for people, `commit` is its head, which approvals are about. `authors` are
    all who wrote or pushed a part of it, under every name they go by. `flaws` are what keeps
    anybody from telling whether approvals count.
    """

    change: str
    commit: str
    authors: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    discarded: tuple[Discarded, ...] = ()
    flaws: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """How a plan stands against what it requires."""

    requirement: Requirement
    change: str = ""
    commit: str = ""
    present: tuple[Approval, ...] = ()
    discarded: tuple[Discarded, ...] = ()
    missing: tuple[Refusal, ...] = ()

    @property
    def satisfied(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing
