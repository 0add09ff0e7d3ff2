"""Writes the schema that editors use for the files of a workspace."""

from pathlib import Path

from reconciler.app.files.text_files import read_text, write_text
from reconciler.app.workspace import CheckedWorkspace, require_valid
from reconciler.workspace.editor_schema import EDITOR_SCHEMA, editor_schema


def write_editor_schema(workspace: CheckedWorkspace) -> tuple[Path, bool]:
    """Write the schema of a workspace; its path, and whether it is another one than before.

    Raises FilesRefused while files have problems, since the lists may be incomplete then.
    """
    require_valid(workspace)
    path, text = workspace.root / EDITOR_SCHEMA, editor_schema(workspace.tenant)
    if path.exists() and read_text(path) == text:
        return path, False
    write_text(path, text, mode=0o644)
    return path, True
