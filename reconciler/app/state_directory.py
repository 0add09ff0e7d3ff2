"""The state directory of a workspace: its daybook, its spill file, the embedded ledger."""

import shlex
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from reconciler.core.model.history import Recorded
from reconciler.core.model.resource import Address
from reconciler.daybook import Daybook, open_daybook
from reconciler.daybook.lease import this_process
from reconciler.errors import DaybookError, ReconcilerError, Refused
from reconciler.git.repository import Repository
from reconciler.workspace.cache.known_files import KnownFiles
from reconciler.workspace.cache.program_identity import program_identity
from reconciler.workspace.cache.rows import Cache
from reconciler.workspace.settings import Settings

STATE_DIRECTORY, IGNORE = ".reconciler", ".gitignore"
CACHE, FILES = "cache.db", "files.db"


@contextmanager
def workspace_daybook(
    root: Path,
    settings: Settings,
    *,
    command: str = "",
    lock_timeout: float = 0,
    pause: Callable[[float], None] = time.sleep,
    hurry: Event | None = None,
) -> Iterator[Daybook]:
    """The daybook that the settings name, while it is open. Raises DaybookError.

    It is opened to write for a `command`, whose name its lease then shows. One that was created
    for nothing is removed, and so is the state directory.
    """
    place, write = daybook_place(root, settings), bool(command)
    if write and isinstance(place, Path):
        _require_untracked(place, spill_path(root, settings))
    state = spill_path(root, settings).parent
    private = write and state == root / STATE_DIRECTORY
    with ExitStack() as stack:
        if private:
            stack.callback(_remove_unused, state)
            keep_private(state)
        daybook = open_daybook(
            place,
            write=write,
            workspace=settings.name,
            holder=this_process(command=command) if write else None,
            lock_timeout=lock_timeout,
            pause=pause,
            hurry=hurry,
        )
        stack.callback(daybook.close, keep_unused=False)
        if private:
            # Whoever held the daybook until now may have removed the directory.
            keep_private(state)
        yield daybook


def _require_untracked(*files: Path) -> None:
    """Refuse a daybook that git tracks: apply would send calls that a pull request adds to it."""
    for file, git_rm in _tracked(*files):
        raise Refused(
            f"{file} is tracked by git. A pull request could add pending calls to it, and "
            "apply would send them. Nothing was written.",
            remedy=f"Remove it with `{git_rm}`, add it to .gitignore and "
            "review the calls it records; or name another daybook in reconciler.yaml.",
        )


def _tracked(*files: Path) -> Iterator[tuple[Path, str]]:
    """Each of the databases that git tracks, with the command that ends it."""
    folders = defaultdict[Path, dict[str, Path]](dict)
    for file in files:
        for there in (file.absolute(), file.resolve()):
            names = (f"{there.name}{end}" for end in ("", "-wal", "-journal"))
            folders[there.parent] |= dict.fromkeys(names, file)
    for folder, named in folders.items():
        repository = Repository.around(folder) if folder.is_dir() else None
        found = repository.tracked(*named) if repository is not None else ()
        for file in dict.fromkeys(named[name] for name in named if name in found):
            yield file, shlex.join(("git", "rm", "--cached", str(file)))


def known_files(root: Path) -> KnownFiles:
    """The files that an earlier run read. Raises Refused for a cache of the repository."""
    return KnownFiles(workspace_cache(root, FILES), today=datetime.now(UTC))


def workspace_cache(root: Path, name: str, *, basis: Iterable[str] = ()) -> Cache:
    """What earlier runs of this program read, on a basis of their own.

    Raises Refused for a file of the repository: it may hide a change.
    """
    path = root / STATE_DIRECTORY / name
    for _, git_rm in _tracked(path) if path.exists() else ():
        raise Refused(
            f"{path} is tracked by git. A pull request could hide a change with it.",
            remedy=f"Remove it with `{git_rm}`, and add it to .gitignore.",
        )
    return Cache(path, generation=(*program_identity(), *basis))


def daybook_place(root: Path, settings: Settings) -> Path | str:
    """Where a workspace's daybook is: a file, or the URL of a PostgreSQL database."""
    return settings.daybook if "://" in settings.daybook else root / settings.daybook


def recorded_if_readable(
    root: Path, settings: Settings
) -> tuple[Mapping[Address, Recorded], ReconcilerError | None]:
    """The records of a daybook, and why it could not be read; nothing where there is no file.

    A server that does not answer is given up soon.
    """
    place = daybook_place(root, settings)
    if isinstance(place, Path) and not place.exists():
        return {}, None
    hurry = Event()
    hurry.set()
    try:
        with workspace_daybook(root, settings, hurry=hurry) as daybook:
            return daybook.recorded(), None
    except ReconcilerError as error:
        return {}, error


def require_recorded(root: Path, settings: Settings) -> None:
    """Raises DaybookError where neither a daybook nor a spill file records anything."""
    if not waits_to_be_read(spill_path(root, settings)):
        with workspace_daybook(root, settings) as daybook:
            require_daybook(daybook.lineage)


def require_daybook(lineage: str) -> None:
    """Raises DaybookError where there is no daybook: nothing can be said of its content."""
    if not lineage:
        raise DaybookError(
            "there is no daybook yet",
            remedy="If this workspace was applied before, restore its daybook. If not, run "
            "`reconciler apply`: the first apply creates the daybook.",
        )


def spill_path(root: Path, settings: Settings) -> Path:
    """The file for outcomes that the daybook cannot record: beside it, or in the workspace."""
    place = daybook_place(root, settings)
    if isinstance(place, str):
        return root / STATE_DIRECTORY / "daybook.rescue"
    return place.with_name(f"{place.name}.rescue")


def waits_to_be_read(spill_file: Path) -> bool:
    """Whether the next apply has a spill file to read."""
    return spill_file.exists() or spill_file.is_symlink()


def keep_private(state: Path) -> None:
    """Create the state directory, for its owner alone and ignored by git."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = state / IGNORE
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise ReconcilerError(
            f"{state} cannot be created or written: {error.strerror}",
            remedy="Check the path and its permissions.",
        ) from error


def _remove_unused(state: Path) -> None:
    """Remove a state directory that holds nothing."""
    with suppress(OSError):
        if [one.name for one in state.iterdir()] == [IGNORE]:
            (state / IGNORE).unlink()
        state.rmdir()
