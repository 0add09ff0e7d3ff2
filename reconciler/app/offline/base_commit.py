"""The base of a change: what its commit declares, and the settings that it has."""

import os.path
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.app.offline.fork import fork_from
from reconciler.app.policy_history import settings_at
from reconciler.core.model.finding import Severity
from reconciler.core.model.resource import Declared, Value
from reconciler.core.model.scope import BaseCommit
from reconciler.errors import Refused
from reconciler.forge.ci_context import target_of_job
from reconciler.git.repository import Repository
from reconciler.values import dataclass
from reconciler.workspace import load
from reconciler.workspace.approved_settings import EarlierSettings
from reconciler.workspace.files import SUFFIXES
from reconciler.workspace.loader import LoadedWorkspace
from reconciler.workspace.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseState:
    """A commit as a plan compares with it. `earlier` is None if it has no such workspace."""

    commit: BaseCommit
    declared: tuple[Declared, ...] = ()
    reference: Mapping[str, Value] | None = None
    earlier: EarlierSettings | None = None


def base_of(
    root: Path, settings: Settings, revision: str | None, environment: Mapping[str, str]
) -> BaseState | None:
    """The base with this revision, or else that of the CI job; None without either.

    It is the commit at which the checked out commit left the history of the revision. Raises
    UsageError for an unknown revision, and Refused if the base cannot be read: nothing else takes
    its place.
    """
    target = (revision, revision) if revision else target_of_job(environment)
    if target is None:
        return None
    name, wanted = target
    repository = Repository.around(root)
    head = None if repository is None else repository.head()
    if repository is None or head is None:
        raise Refused(
            f"the base {name} cannot be read: {root} is not in a git repository with commits",
            remedy="Run the command in a checkout that git made.",
        )
    commit = fork_from(repository, head, name, wanted)
    base = BaseCommit(name=name, commit=commit)
    place, earlier = settings_at(repository, commit, settings, where=str(base))
    if earlier is None:
        return BaseState(commit=base)
    loaded = _loaded(repository, commit, place.rpartition("/")[0] or ".")
    for one in loaded.problems:
        if one.severity is Severity.ERROR:
            raise Refused(
                f"the files of {base} have problems, so what it declares is unknown: "
                f"{one.path}:{one.line}: {one.rule}: {one.message}",
                remedy="Correct the files there first, or name an earlier commit with --base.",
            )
    return BaseState(
        commit=base, declared=loaded.declared, reference=loaded.reference, earlier=earlier
    )


def _loaded(repository: Repository, commit: str, folder: str) -> LoadedWorkspace:
    """The workspace in a folder of a commit, read as one in a directory is."""
    inside = {
        path if folder == "." else f"{folder}/{path}": path
        for path in repository.files_below(commit, folder)
        # A tree that somebody forged may name files elsewhere.
        if path.endswith(SUFFIXES) and os.path.normpath(path) == path and path[0] not in "./"
    }
    found = repository.contents((commit, place) for place in inside)
    with TemporaryDirectory(prefix="reconciler-base-") as made:
        for place, path in inside.items():
            file = Path(made, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            # What git cannot give is read as an empty file, which is an error.
            file.write_bytes(found.get((commit, place), b""))
        return load(Path(made))
