"""Writes the files that a verb computed: all of them or none, or shows what would change."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import unified_diff
from pathlib import Path

from reconciler.app.files.text_files import read_text, unwritable, write_text
from reconciler.app.progress import FileDifferences, FilesWritten, Tell
from reconciler.app.workspace import CheckedWorkspace, require_valid
from reconciler.core.rules.verb_rules import WRITING_RULES
from reconciler.errors import ExpectationFailed, Refused, UsageError
from reconciler.git.repository import Repository
from reconciler.values import dataclass
from reconciler.workspace.editor_schema import (
    EDITOR_SCHEMA,
    editor_schema,
    has_editor_schema,
    has_modeline,
    with_modelines,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingOptions:
    """Whether a verb writes: with either option it does not."""

    dry_run: bool = False
    """Show the difference."""
    check: bool = False
    """Exit 7 if a file would change."""


def write_files(
    root: Path,
    files: Mapping[Path, str | None],
    options: WritingOptions,
    *,
    tell: Tell,
    kept: Iterable[Path] = (),
    prove: Callable[[], None] = lambda: None,
) -> int:
    """Write these texts below a workspace, all or none, and return the exit code.

    None deletes a file. What `prove` raises puts every file back. Raises Refused for a file with
    edits that no commit holds, unless it is one of `kept`, whose edits stand in the new texts.
    """
    for path in files:
        require_readable(path, root.resolve())
    files = modelined(root, files)
    changed = {path: text for path, text in files.items() if text != _present(path)}
    _require_committed(root, sorted({*changed} - {*kept}))
    if options.dry_run or options.check:
        lines = tuple(line for path in sorted(changed) for line in _difference(path, changed[path]))
        paths = tuple(sorted(changed))
        tell(FileDifferences(paths=paths, lines=lines if options.dry_run else ()))
        return ExpectationFailed.exit_code if options.check and changed else 0
    with replaced(changed):
        prove()
    removed = tuple(sorted(path for path, text in changed.items() if text is None))
    tell(FilesWritten(paths=tuple(sorted({*changed}.difference(removed))), removed=removed))
    return 0


def modelined(root: Path, files: Mapping[Path, str | None]) -> dict[Path, str | None]:
    """The files, with the line that names the schema for editors where the workspace has one.

    A file that is there without the line stays without it: `fmt` adds it.
    """
    found = dict(files)
    for path, text in files.items() if has_editor_schema(root) else ():
        present = _present(path)
        if text is not None and (present is None or has_modeline(present)):
            found[path] = with_modelines(text, path.resolve().relative_to(root.resolve()))
    return found


def write_editor_schema(workspace: CheckedWorkspace) -> tuple[Path, bool]:
    """Write the schema that editors use; its path, and whether it is another one than before.

    Raises FilesRefused while files have problems, since the lists may be incomplete then.
    """
    require_valid(workspace)
    path, text = workspace.root / EDITOR_SCHEMA, editor_schema(workspace.tenant)
    if changed := _present(path) != text:
        write_text(path, text, mode=0o644)
    return path, changed


@contextmanager
def replaced(files: Mapping[Path, str | None]) -> Iterator[None]:
    """Write these texts, all or none; None deletes a file. What the block raises undoes it."""
    before: dict[Path, bytes | None] = {}
    made: list[Path] = []
    drafts = {path: path.with_name(f".{path.name}.{os.getpid()}.draft") for path in files}
    try:
        for path, text in files.items():
            with _plainly(path):
                made[:0] = _made(path.parent)
                if text is not None:
                    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
                    write_text(drafts[path], text, mode=mode)
        for path, text in files.items():
            with _plainly(path):
                before[path] = path.read_bytes() if path.exists() else None
                if text is not None:
                    drafts[path].replace(path)
                else:
                    path.unlink(missing_ok=True)
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(content)
        for draft in drafts.values():
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        for directory in made:
            with suppress(OSError):
                directory.rmdir()
        raise


@contextmanager
def _plainly(path: Path) -> Iterator[None]:
    """Turn errors of the file system into words about a path."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error


def _made(directory: Path) -> list[Path]:
    """Make a directory, and return those that were missing, the innermost first."""
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    return missing


def require_new(path: Path) -> None:
    """Refuse a file that exists."""
    if path.exists():
        raise Refused(
            f"{path} already exists, and is not overwritten",
            remedy="Choose another file with --to.",
        )


def require_readable(path: Path, root: Path) -> None:
    """Refuse a file that the workspace does not read; `root` is the workspace, resolved."""
    if root not in path.resolve().parents:
        raise UsageError(
            f"{path} is outside the workspace",
            remedy="With --to, name a file inside the workspace.",
        )
    hidden = any(part.startswith(".") for part in path.resolve().relative_to(root).parts)
    if hidden or path.suffix not in (".yaml", ".yml"):
        raise UsageError(
            f"{path} is not a file that the workspace reads",
            remedy="With --to, name a *.yaml file that is not hidden.",
        )


def _require_committed(root: Path, paths: Iterable[Path]) -> None:
    """Refuse to overwrite edits that are nowhere else. Without git nobody knows of any."""
    there = [path for path in paths if path.exists()]
    repository = Repository.around(root) if there else None
    if repository is None or repository.head() is None:
        return
    edited = {(root / name).resolve() for name in repository.changed()}
    for path in there:
        if path.resolve() in edited:
            raise Refused(
                f"file-modified: {path} has edits that no commit holds, and would be overwritten",
                remedy=WRITING_RULES["file-modified"].remedy,
            )


def _present(path: Path) -> str | None:
    return read_text(path) if path.exists() else None


def _difference(path: Path, text: str | None) -> Iterator[str]:
    before, after = (part or "" for part in (_present(path), text))
    old, new = (str(path) if part else "/dev/null" for part in (before, after))
    yield from unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="")
