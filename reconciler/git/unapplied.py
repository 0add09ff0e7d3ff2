"""Commits that were not applied yet, and their authors."""

from collections.abc import Iterable, Iterator, Set

from reconciler.core.model.finding import Refusal
from reconciler.core.model.review import Written, evidence_flaw
from reconciler.git.approvals import is_clean_merge
from reconciler.git.repository import Repository
from reconciler.values import dataclass

MOST = 100
"""Maximum number of commits that are read from a forge, one by one."""

_OF_GITHUB = "noreply@github.com"
"""The committer of what GitHub commits for somebody."""

_WHOLE = "Check out the complete history, for example with fetch-depth: 0."
_FETCH = f"{_WHOLE} If the commit is in no branch, fetch it by its hash."


@dataclass(frozen=True, slots=True, kw_only=True)
class Unapplied:
    """Commits that touch the workspace and were not applied.

    `written` has one commit for each set of authors, `brought` the commits of the branch itself,
    `undone` those that an apply of an older commit reverts, and `flaws` the reasons why authors are
    unknown.
    """

    written: tuple[Written, ...] = ()
    brought: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    flaws: tuple[Refusal, ...] = ()


def unapplied(repository: Repository, commit: str, since: str) -> Unapplied:
    """The commits between the last complete apply and this commit, on both sides.

    Without a last apply that is the complete history. Merges without content of their own are
    left out.
    """
    if flaw := _unknown(repository, commit, since):
        return Unapplied(flaws=(flaw,))
    span = _span(commit, since)
    written = tuple(_by_people(_written(repository, span)))
    brought, undone = (
        tuple(one for one in _on_first_parents(repository, side) if one != commit)
        for side in (((f"{since}..{commit}",), (f"{commit}..{since}",)) if since else (span, ()))
    )
    if max(len(written), len(brought) + len(undone)) > MOST:
        message = f"more than {MOST} commits were not applied yet, which is too many to check"
        remedy = (
            "Apply an earlier commit first, or a workspace that is equal to the ledger: an apply "
            "without changes needs no approval."
        )
        return Unapplied(flaws=(_flaw(message, remedy),))
    return Unapplied(written=written, brought=brought, undone=undone)


def superseded(
    repository: Repository, commit: str, applied: tuple[str, ...], since: str
) -> Iterator[Refusal]:
    """The flaw of a commit that is older than one of those that were applied, or may be.

    Its approvals are from before that, so they do not approve what an apply of it would undo. What
    was applied before the last complete apply need not be known: this commit is after that one.
    """
    known = repository.known(applied)
    recent = applied[applied.index(since) + 1 :] if since in applied else applied
    if lacking := next((one for one in reversed(recent) if one not in known), ""):
        yield evidence_flaw(
            f"{lacking[:10]} was applied and is not in the checkout, so {commit[:10]} may be older "
            "than it",
            _FETCH,
        )
    spans = "".join(f"{one}\n" for one in (*known, f"^{commit}"))
    asked = ("rev-list", "--ancestry-path", "--stdin")
    after = {*repository.run_checked(*asked, data=spans.encode()).split()}
    if later := next((one for one in reversed(applied) if one in after), ""):
        yield evidence_flaw(
            f"{commit[:10]} is older than {later[:10]}, which was applied, so its approvals "
            "are not for undoing what came after it",
            f"Check out {later[:10]} or a later commit. To undo something, revert it in a change "
            "of its own.",
        )


def _on_first_parents(repository: Repository, span: tuple[str, ...]) -> tuple[str, ...]:
    """The commits of a branch itself that touch the workspace, newest first."""
    if not span:
        return ()
    out = repository.run_checked(
        "log", "--first-parent", "--format=%H", *span, "--", repository.prefix
    )
    return tuple(out.split())


def authors_since(repository: Repository, commit: str, since: str) -> tuple[tuple[str, ...], str]:
    """The addresses of who wrote what `unapplied` takes for written.

    The text says why they are unknown; empty if they are known.
    """
    if flaw := _unknown(repository, commit, since):
        return (), flaw.message
    found: dict[str, None] = {}
    for one in _written(repository, _span(commit, since), known=found.keys()):
        found |= dict.fromkeys(who for who in one.people if who not in ("", _OF_GITHUB))
    return tuple(found), ""


def _span(commit: str, since: str) -> tuple[str, ...]:
    """Both sides: an apply of an older commit reverts commits that have authors too."""
    return (f"{since}...{commit}",) if since else (commit,)


def _unknown(repository: Repository, commit: str, since: str) -> Refusal | None:
    """Why the history is not sufficient; None when it is."""
    if repository.is_shallow():
        return _flaw("the checkout does not have the complete history", _WHOLE)
    for one in dict.fromkeys(filter(None, (since, commit))):
        if not repository.has(one):
            what = "the last applied one, " if one == since else ""
            return _flaw(
                f"the commit {one[:10]}, {what}is not in the checkout",
                _FETCH,
            )
    return None


def _flaw(message: str, remedy: str) -> Refusal:
    return evidence_flaw(f"{message}, so the authors of the applied commits are unknown", remedy)


def _written(
    repository: Repository, span: tuple[str, ...], *, known: Set[str] = frozenset()
) -> Iterator[Written]:
    """The commits of a span with content of their own. A merge by `known` people is left out."""
    asked = ("--full-history", *span, "--", repository.prefix)
    for made, parents in repository.commits(*asked):
        merges = len(parents) > 1
        if not merges or not (
            {*made.people} <= known or is_clean_merge(repository, made.commit, parents)
        ):
            yield made


def _by_people(written: Iterable[Written]) -> Iterable[Written]:
    """The latest commit of each set of people."""
    found: dict[tuple[str, ...], Written] = {}
    for one in written:
        found.setdefault(one.people, one)
    return found.values()
