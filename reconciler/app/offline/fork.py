"""The commit at which a change left its target branch, and the files that stay as they were."""

from collections.abc import Mapping
from pathlib import Path

from reconciler.core.model.scope import BaseCommit
from reconciler.errors import Refused, UsageError
from reconciler.forge.ci_context import target_of_job
from reconciler.git.repository import Repository
from reconciler.values import dataclass

COMPLETE_HISTORY = (
    "Check out the complete history: in CI with fetch-depth: 0 or GIT_DEPTH: 0, elsewhere with "
    "`git fetch --unshallow`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """The paths of the files of a workspace that are as a commit has them."""

    base: BaseCommit
    paths: frozenset[str]


def unchanged_in_job(root: Path, environment: Mapping[str, str]) -> Unchanged | None:
    """The files that the change of a CI job leaves as they are; None where that is unknown."""
    target = target_of_job(environment)
    repository = Repository.around(root) if target is not None else None
    head = repository.head() if repository is not None else None
    if target is None or repository is None or head is None:
        return None
    try:
        commit = fork_from(repository, head, *target)
    except (Refused, UsageError):
        return None
    then, edited = repository.files(commit), {*repository.changed()}
    return Unchanged(
        base=BaseCommit(name=target[0], commit=commit),
        paths=frozenset(
            path
            for path, found in repository.files(head).items()
            if then.get(path) == found and path not in edited
        ),
    )


def fork_from(repository: Repository, head: str, name: str, wanted: str) -> str:
    """The commit at which `head` left the history of a revision. Raises UsageError and Refused."""
    found = repository.commit_of(wanted)
    shallow = repository.is_shallow()
    fork = repository.fork_of(found, head) if found else ""
    # Where commits are missing, a later common commit may be among them, unless this is the last.
    if fork and (not shallow or fork == found):
        return fork
    if shallow:
        raise Refused(
            f"the checkout does not have the complete history, so the commit of {name} that this "
            "change began at is unknown",
            remedy=COMPLETE_HISTORY,
        )
    if not found:
        raise UsageError(
            f"the checkout has no commit {name}",
            remedy="Fetch it with `git fetch origin`, or name a commit of `git log` with --base.",
        )
    raise Refused(
        f"{name} and the checked out commit have no commit in common",
        remedy="Name a commit of the history with --base; `git log` lists them.",
    )
