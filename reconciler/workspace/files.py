"""Finds and reads the YAML files of a workspace, and says what else looks like one."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from reconciler.core.model.finding import Problem
from reconciler.values import dataclass
from reconciler.workspace.encoding import refused_in_name
from reconciler.workspace.rules import problem

MAX_FILE_BYTES = 1024 * 1024
SUFFIXES = (".yaml", ".yml")

_SKIPPED = frozenset({".git", ".reconciler"})
_LOOKS_LIKE_YAML = re.compile(r"\.ya?ml(?![a-z0-9])", re.IGNORECASE).search
_CONFLICT = re.compile(rb"^(?:<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|)(?: |\r?$)", re.MULTILINE)
_CONFLICT_SIGNS = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")
_LFS = b"version https://git-lfs.github.com/spec/"
_OPEN_FLAGS = os.O_RDONLY
# Windows has only the last one, without which it would translate line breaks.
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
    _OPEN_FLAGS |= getattr(os, _flag, 0)
_SPREADSHEETS = (".csv", ".xlsx", ".xls", ".xlsm", ".ods")
_PEEKED = 1000
"""Entries of a hidden directory that are looked at before it is taken to hold no YAML."""


@dataclass(frozen=True, slots=True, order=True)
class FoundFile:
    """A YAML file: its path relative to the workspace, and where its content lies."""

    path: str
    real: str


def find(root: Path) -> tuple[tuple[FoundFile, ...], tuple[Problem, ...]]:
    """All YAML files below the directory, sorted by path, and what is not read although it may be.

    Links are followed to files inside the workspace only. Nothing is opened.
    """
    found: list[FoundFile] = []
    problems: list[Problem] = []
    top = root.resolve()
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        try:
            entries = list(os.scandir(top / directory))
        except OSError as error:
            fact = f"the directory cannot be listed: {error.strerror}"
            problems.append(problem("file-unreadable", directory or ".", fact))
            continue
        if _is_git_directory(entry.name for entry in entries):
            problems.append(_repository(directory or "."))
        for entry in entries:
            path = f"{directory}/{entry.name}" if directory else entry.name
            if _is_entered(entry):
                waiting.append(path)
            elif isinstance(outcome := _sorted_out(entry, path, top), FoundFile):
                found.append(outcome)
            elif outcome:
                problems.append(outcome)
    return tuple(sorted(found)), tuple(problems)


def read_file(found: FoundFile) -> tuple[bytes, Problem | None]:
    """The bytes of a file, or the problem that keeps it from being read as YAML."""
    path = found.path
    data, flaw = read_bytes(found)
    if flaw is not None:
        return data, flaw
    if not data.strip():
        flaw = problem("file-empty", path, "the file is empty")
    elif data.startswith(_LFS):
        flaw = problem("file-lfs-pointer", path, "the file is a Git LFS pointer")
    elif any(sign in data for sign in _CONFLICT_SIGNS) and (marker := _CONFLICT.search(data)):
        flaw = problem(
            "file-conflict",
            path,
            f"the line begins with `{marker[0].decode('ascii').strip()}`",
            at=(data.count(b"\n", 0, marker.start()) + 1, 1),
        )
    return data, flaw


def read_bytes(found: FoundFile) -> tuple[bytes, Problem | None]:
    """The bytes of a file whatever they are, or the problem that keeps them from being read."""
    path = found.path
    try:
        descriptor = os.open(found.real, _OPEN_FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return b"", _special(path)
            if status.st_size > MAX_FILE_BYTES:
                return b"", problem("file-size", path, "the file is longer than 1 MiB")
            data = os.read(descriptor, status.st_size + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        fact = f"the file cannot be read: {error.strerror}"
        return b"", problem("file-unreadable", path, fact)
    if len(data) != status.st_size:
        fact = "the file changed while it was read"
        return b"", problem("file-unreadable", path, fact, remedy="Run again.")
    return data, None


def _is_entered(entry: os.DirEntry[str]) -> bool:
    named_well = not entry.name.startswith(".") and not refused_in_name(entry.name)
    # A directory named like a file stands where a file may have been, so it is spoken of.
    named_well = named_well and not entry.name.endswith(SUFFIXES)
    return named_well and entry.is_dir(follow_symlinks=False)


def _sorted_out(entry: os.DirEntry[str], path: str, top: Path) -> FoundFile | Problem | None:
    name = entry.name
    if character := refused_in_name(name):
        escaped = path.encode("unicode_escape", "surrogatepass").decode("ascii")
        return problem("file-name", escaped, f"the name holds {character}")
    if name.startswith("."):
        return _hidden(entry, path)
    if entry.is_symlink():
        return _link(entry, path, top)
    if name.endswith(SUFFIXES):
        regular = entry.is_file(follow_symlinks=False)
        return FoundFile(path, entry.path) if regular else _irregular(entry, path)
    return _not_read(name, path)


def _not_read(name: str, path: str) -> Problem | None:
    if _LOOKS_LIKE_YAML(name):
        fact = "the file looks like YAML by its name, but is not read"
        return problem("file-ignored", path, fact)
    if name.lower().endswith(_SPREADSHEETS):
        fact = "the file is a spreadsheet, and no declaration came from it"
        return problem("file-spreadsheet", path, fact)
    return None


def _hidden(entry: os.DirEntry[str], path: str) -> Problem | None:
    if entry.name.casefold() == ".git" and path != ".git":
        return _repository(path)
    if entry.name in _SKIPPED and path == ".git":
        return None
    if entry.is_dir(follow_symlinks=False):
        names = tuple(_some_names(entry.path))
        if any(map(_is_git_directory, names)):
            return _repository(path)
        yaml = any(name.endswith(SUFFIXES) for found in names for name in found)
        if yaml and entry.name not in _SKIPPED:
            fact = "the hidden directory holds YAML files, but is not read"
            return problem("file-ignored", path, fact, remedy=_UNHIDE)
    elif _LOOKS_LIKE_YAML(entry.name):
        fact = "the hidden file looks like YAML, but is not read"
        return problem("file-ignored", path, fact, remedy=_UNHIDE)
    return None


_RENAME_DIRECTORY = "Rename it without the suffix so that it is read, or move it away."
_UNHIDE = "Rename it without the leading `.` so that it is read, or move it out of the workspace."


def _is_git_directory(names: Iterable[str]) -> bool:
    """Whether git may take a directory with these names for a repository."""
    # A file system may not tell capitals from small letters.
    found = {name.casefold() for name in names}
    return {"head", "objects"} <= found and not found.isdisjoint({"refs", "config", "commondir"})


def _repository(path: str) -> Problem:
    return problem("file-repository", path, "it is a git repository inside the workspace")


def _some_names(directory: str) -> Iterator[list[str]]:
    seen = 0
    for _, directories, names in os.walk(directory):
        yield [*directories, *names]
        # No commit can bring a `.git`: what lies below such a directory is local.
        directories[:] = [name for name in directories if name != ".git"]
        seen += len(names) + 1
        if seen > _PEEKED:
            return


def _link(entry: os.DirEntry[str], path: str, top: Path) -> FoundFile | Problem | None:
    named_yaml = entry.name.endswith(SUFFIXES)
    try:
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):
        fact = "the link leads nowhere, or to itself"
        return problem("file-link", path, fact)
    if target.is_dir():
        fact = "the link leads to a directory, whose files are not read through it"
        return problem("file-link", path, fact)
    if not named_yaml:
        return None
    if not target.is_relative_to(top) or _SKIPPED.intersection(target.relative_to(top).parts):
        fact = "the link is outside the workspace"
        return problem("file-link", path, fact)
    return FoundFile(path, str(target)) if target.is_file() else _special(path)


def _irregular(entry: os.DirEntry[str], path: str) -> Problem:
    if not entry.is_dir(follow_symlinks=False):
        return _special(path)
    fact = "the name is that of a YAML file, but it is a directory, which is not read"
    return problem("file-special", path, fact, remedy=_RENAME_DIRECTORY)


def _special(path: str) -> Problem:
    fact = "the name is that of a YAML file, but it is a pipe, a socket or a device"
    return problem("file-special", path, fact)
