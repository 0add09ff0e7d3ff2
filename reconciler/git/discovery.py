"""Finds the repository around a directory. No file of a change can name another one."""

import os
import re
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from reconciler.errors import ReconcilerError, Refused
from reconciler.values import dataclass

TIMEOUT = 60.0
"""Maximum seconds of a git command."""

GIT = (
    *("git", "--no-optional-locks", "--no-replace-objects"),
    # git runs no program that a configuration names, and fetches nothing.
    *("-c", "safe.bareRepository=explicit"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "core.pager=cat"),
    *("-c", "protocol.allow=never"),
)

_KEPT = (
    *("PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "SUDO_UID"),
    *("SYSTEMROOT", "USERPROFILE", "TEMP"),  # what Windows has instead
)
_CONFIGURATION = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
"""Where git may learn which repositories of other users its user trusts: `safe.directory`."""


class RepositoryRefused(Refused):
    """There is a repository, but git or this program does not trust it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository with a work tree, as git found it. Its paths begin at `top`."""

    top: Path
    git_dir: Path
    common_dir: Path
    object_format: str
    shallow: bool
    """Whether it has only a part of the history."""
    head: str
    """The commit that is checked out; empty before the first one."""


def find_repository(directory: Path) -> Place | None:
    """The repository around a directory; None without one.

    It is the one of the nearest `.git`, which git never takes from a commit. Raises
    RepositoryRefused if git refuses it, or if it is not certain that the directory is part of it.
    """
    tops = _tops(directory)
    if not tops:
        return None
    place = _asked(tops[0])
    _require_own(place)
    if len(tops) > 1:
        _require_apart(place, tops[1])
    return place


def execute(
    arguments: Sequence[str],
    *,
    cwd: Path,
    variables: Mapping[str, str] | None = None,
    data: bytes = b"",
) -> tuple[int, str, str]:
    """The exit code, the output and the error output of git, which gets no secret."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    fixed = {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_CEILING_DIRECTORIES": str(cwd.parent),
    }
    try:
        ended = subprocess.run(  # noqa: S603 - a list of arguments, and no shell
            [*GIT, *arguments],
            cwd=cwd,
            env={**environment, **fixed, **(variables or {})},
            input=data,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except FileNotFoundError as error:
        raise ReconcilerError(
            "git is not installed", remedy="Install git: the policy needs it."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ReconcilerError(
            f"git took longer than {TIMEOUT:.0f} seconds",
            remedy="Check the repository and its disk.",
        ) from error
    return ended.returncode, os.fsdecode(ended.stdout), ended.stderr.decode(errors="replace")


def trust() -> dict[str, str]:
    """The variables that tell git where `safe.directory` is configured, and what it is."""
    found = {name: os.environ[name] for name in _CONFIGURATION if name in os.environ}
    count = os.environ.get("GIT_CONFIG_COUNT", "")
    numbers = range(int(count)) if count.isascii() and count.isdigit() and len(count) < 4 else ()
    values = [
        os.environ.get(f"GIT_CONFIG_VALUE_{number}", "")
        for number in numbers
        if os.environ.get(f"GIT_CONFIG_KEY_{number}", "").casefold() == "safe.directory"
    ]
    # Other values may be secrets, such as the header with the token of a checkout.
    for number, value in enumerate(values):
        found |= {
            f"GIT_CONFIG_KEY_{number}": "safe.directory",
            f"GIT_CONFIG_VALUE_{number}": value,
            "GIT_CONFIG_COUNT": str(len(values)),
        }
    return found


def _tops(directory: Path) -> list[Path]:
    """The directories with a `.git` around a directory, the nearest first."""
    there = directory.resolve()
    return [each for each in (there, *there.parents) if os.path.lexists(each / ".git")]


_QUESTIONS = (
    *("rev-parse", "--path-format=absolute", "--absolute-git-dir", "--git-common-dir"),
    *("--show-toplevel", "--show-object-format", "--is-shallow-repository"),
    # Without a first commit this has no answer.
    *("--revs-only", "HEAD"),
)
_ANSWERS = re.compile(r"(.+)\n(.+)\n(.+)\n(\w+)\n(true|false)\n(?:([0-9a-f]{40}|[0-9a-f]{64})\n)?")


def _asked(top: Path) -> Place:
    """The repository of a directory with a `.git`, as git finds it and checks its owner."""
    code, out, err = execute(_QUESTIONS, cwd=top, variables=trust())
    if code != 0:
        said = [line.removeprefix("fatal: ") for line in err.splitlines() if line.strip()]
        raise _refused(top, said[0] if said else f"exit {code}")
    answers = _ANSWERS.fullmatch(out)
    if answers is None:
        raise _refused(top, "its path contains a line feed")
    git_dir, common_dir, shown, object_format, shallow, head = answers.groups("")
    if Path(shown) != top:
        raise RepositoryRefused(
            f"the configuration of the repository at {top} names {shown} as its work tree",
            remedy=f"Run `git --git-dir={top / '.git'} config --unset core.worktree`.",
        )
    return Place(
        top=top,
        git_dir=Path(git_dir).resolve(),
        common_dir=Path(common_dir).resolve(),
        object_format=object_format,
        shallow=shallow == "true",
        head=head,
    )


def _refused(top: Path, reason: str) -> RepositoryRefused:
    remedy = f"Make {top} a checkout that `git -C {top} status` accepts, and run this again."
    if "dubious ownership" in reason:
        remedy = (
            f"Run this as the owner of {top}. If you trust its owner, run "
            f"`git config --global --add safe.directory {top}`."
        )
    return RepositoryRefused(f"git refuses the repository at {top}: {reason[:300]}", remedy=remedy)


def _require_own(place: Place) -> None:
    """Refuse a `.git` that names a repository elsewhere, unless that names the `.git` too."""
    marker = place.top / ".git"
    mode = marker.lstat().st_mode
    if stat.S_ISDIR(mode) and place.git_dir == place.common_dir == marker:
        return
    if not stat.S_ISREG(mode):
        raise RepositoryRefused(
            f"{marker} leads to another directory, so it is not certain whose commits it has",
            remedy="Use a checkout that `git clone` or `git worktree add` made.",
        )
    for above in place.git_dir.parents:
        if above.name == ".git":
            break  # No commit has a path with this name.
        if os.path.lexists(above / ".git"):
            raise RepositoryRefused(
                f"{marker} names {place.git_dir}, which is a part of another work tree",
                remedy="Use a checkout that `git clone` or `git worktree add` made.",
            )
    outside = not place.git_dir.is_relative_to(place.top)
    if not (outside and place.git_dir.is_relative_to(place.common_dir) and _points_back(place)):
        raise RepositoryRefused(
            f"{marker} names {place.git_dir}, but that repository does not name {place.top}",
            remedy=f"If it is its repository, run `git --git-dir={place.git_dir} config "
            f"core.worktree {place.top}`.",
        )


def _points_back(place: Place) -> bool:
    try:
        # A linked work tree: "gitdir" names its `.git` file.
        said = (place.git_dir / "gitdir").read_text(encoding="utf-8").strip()
        return (place.git_dir / said).resolve() == place.top / ".git"
    except (OSError, ValueError):
        file = str(place.git_dir / "config")
        asked = ("config", "--file", file, "--no-includes", "--get", "core.worktree")
        code, out, _ = execute(asked, cwd=place.git_dir)
        return code == 0 and (place.git_dir / out.rstrip("\n")).resolve() == place.top


def _require_apart(place: Place, outer: Path) -> None:
    """Refuse a repository inside another one that tracks the files of its directory."""
    try:
        around = _asked(outer)
    except RepositoryRefused as error:
        if "not a git repository" in error.message:
            return
        raise
    inner = place.top.relative_to(outer).as_posix()
    code, out, err = execute(
        (*of(around), "ls-files", "-z", "--", inner), cwd=outer, variables=trust()
    )
    # A submodule is tracked by its own name, as one commit.
    if code != 0 or set(out.split("\0")) - {"", inner}:
        reason = f"tracks files of {place.top}" if code == 0 else f"cannot be read: {err[:200]}"
        raise RepositoryRefused(
            f"{place.top} has a repository of its own, but the one at {outer} {reason}",
            remedy=f"Remove {place.top / '.git'}, or keep the workspace in one repository.",
        )


def of(place: Place) -> tuple[str, ...]:
    """The options that make git use this repository, without looking for one."""
    return f"--git-dir={place.git_dir}", f"--work-tree={place.top}"
