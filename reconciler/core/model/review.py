"""The review of a change: approvals, and those that a plan still lacks."""

from reconciler.core.model.finding import Refusal
from reconciler.core.model.policy import Evidence
from reconciler.core.model.trailers import co_authors
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """The approvals that the plan requires before it is applied; by default none.

    `because` names the tiers of the policy that require that number.
    """

    approvals: int = 0
    because: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    evidence: Evidence = Evidence.FORGE
    bind_digest: bool = False


NO_REQUIREMENT = Requirement()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's approval of the exact commit. `digests` are the plans that it names.

    `evidence` says where it was read. A `weak` one was read from git alone.
    """

    who: str
    evidence: str
    weak: bool = False
    digests: tuple[str, ...] = ()
    commit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """An approval that does not count, and why."""

    who: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A commit with the addresses of its author and committer, as recorded by git."""

    commit: str
    author: str
    committer: str
    message: str

    @property
    def people(self) -> tuple[str, ...]:
        """The addresses of its author, its committer and its co-authors."""
        return (self.author, self.committer, *sorted(co_authors(self.message)))


def evidence_flaw(message: str, remedy: str) -> Refusal:
    """A fact that makes it unknown whether approvals count."""
    return Refusal(rule="approval-evidence", message=message, remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The facts about the review of a change.

    `change` is its name for people, `commit` the head that was approved, `applied` the commit that
    is applied, and `earlier` whether that was merged before the present change. `authors` are all
    who wrote or pushed a part of it, under all of their names. `flaws` are facts that make it
    unknown whether approvals count. `signed`: approvals in git are signatures, and no trailers.
    """

    change: str
    commit: str
    signed: bool = False
    applied: str = ""
    earlier: bool = False
    authors: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    discarded: tuple[Discarded, ...] = ()
    flaws: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The approvals of a plan, compared with those that it requires.

    `authors` are all who prepared what is applied, as far as the evidence tells.
    """

    requirement: Requirement
    change: str = ""
    commit: str = ""
    authors: tuple[str, ...] = ()
    present: tuple[Approval, ...] = ()
    discarded: tuple[Discarded, ...] = ()
    missing: tuple[Refusal, ...] = ()

    @property
    def satisfied(self) -> bool:
        """Whether no approval is missing."""
        return not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """Who prepared and who approved a change, as far as that was read.

    `prepared_not_read` and `approved_not_read` say what is unknown, and why; empty if nothing is.
    `change` is its name for people, where the forge knows one.
    """

    prepared_by: tuple[str, ...] = ()
    prepared_not_read: str = ""
    approved_by: tuple[Approval, ...] = ()
    approved_not_read: str = ""
    change: str = ""


NO_SIGN_OFF = SignOff(
    prepared_not_read="the plan does not name them", approved_not_read="the plan does not name them"
)
"""That of a plan which was not saved, or by an earlier version."""
