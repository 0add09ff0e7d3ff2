"""Formats YAML files: canonical order and spelling, values unchanged."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.app.files.text_files import read_text, write_text
from reconciler.core.model.finding import Severity
from reconciler.core.model.tenant import Tenant, tenant_from
from reconciler.errors import FilesRefused, UsageError
from reconciler.values import dataclass
from reconciler.workspace.editor_schema import has_editor_schema, with_modelines
from reconciler.workspace.files import find
from reconciler.workspace.formatter.formatter import FormatRefused, format_text
from reconciler.workspace.json_schema import REFERENCE, is_valid
from reconciler.workspace.loader import WORKSPACE_FILE, nearest
from reconciler.workspace.yaml_reader import read


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatted:
    """A file that changes; or one that cannot be formatted, with the reason."""

    path: Path
    refusal: str = ""


def format_files(root: Path, paths: Sequence[Path], *, check: bool) -> Iterator[Formatted]:
    """Format these files and directories, by default the workspace. With `check`, write nothing.

    Files that are canonical already are not yielded. Raises a ReconcilerError before anything is
    written when a path has no file to format.
    """
    tenant = _tenant(root / "reference.yaml")
    if not paths:
        _require_workspace(root)
    files = [file for path in paths or (root,) for file in _files(path)]
    for path in files:
        if isinstance(path, Formatted):
            yield path
            continue
        text = read_text(path)
        try:
            formatted = format_text(text, tenant)
        except FormatRefused as refusal:
            yield Formatted(path=path, refusal=str(refusal))
            continue
        if has_editor_schema(root) and root.resolve() in path.resolve().parents:
            formatted = with_modelines(formatted, path.resolve().relative_to(root.resolve()))
        if formatted == text:
            continue
        if not check:
            write_text(path, formatted, mode=path.stat().st_mode & 0o777)
        yield Formatted(path=path)


def _require_workspace(root: Path) -> None:
    """Without paths the workspace is formatted, so there must be one."""
    if not (root / WORKSPACE_FILE).exists():
        near = nearest(root)
        where = f"; there is a workspace at {near}" if near else ""
        at = shlex.quote(str(near or "DIR"))
        raise FilesRefused(
            f"workspace-file: `{WORKSPACE_FILE}` is missing in {root.absolute()}, so nothing was "
            f"formatted{where}",
            remedy=f"Name a workspace with `-w {at}`, or the files to format.",
        )


def _files(path: Path) -> Iterator[Path | Formatted]:
    """The YAML files at a path, and those that cannot be read. Raises UsageError for none."""
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise UsageError(
            f"there is no file {path}, so nothing was formatted",
            remedy="Name a file or a directory that exists.",
        )
    found, problems = find(path)
    top = path.resolve()
    # What a link leads to is formatted where it is.
    files = [path / file.path for file in found if Path(file.real) == top / file.path]
    unread = [item for item in problems if item.severity is Severity.ERROR]
    if not files and not unread:
        raise UsageError(
            f"there is no YAML file in {path}, so nothing was formatted",
            remedy="Name a directory with YAML files.",
        )
    yield from files
    yield from (Formatted(path=path / item.path, refusal=item.message) for item in unread)


def _tenant(reference: Path) -> Tenant:
    """What the workspace's Reference says; nothing without a valid one."""
    if not reference.is_file():
        return Tenant()
    documents, problems = read(reference.read_bytes(), path=reference.name)
    known = [item.value for item in documents if is_valid(REFERENCE, item.value)]
    if problems or not known or not isinstance(known[0], dict):
        return Tenant()
    return tenant_from(known[0])
