"""`reconciler fmt`: rewrites files in canonical form."""

import shlex
from pathlib import Path

import click

from reconciler.app.files.formatting import format_files
from reconciler.cli.options import flag_option, given_options, json_output
from reconciler.cli.terminal import err, out, out_json
from reconciler.errors import FilesRefused
from reconciler.render.styled_text import line


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@flag_option("--check", text="Write nothing; exit 3 if a file would change.")
@json_output
def fmt(*, paths: tuple[Path, ...], check: bool) -> int:
    """Rewrite files in canonical order and spelling. Comments and values are kept.

    Without PATHS, all YAML files of the workspace.
    """
    code = 0
    changed: list[str] = []
    refused: list[dict[str, str]] = []
    for item in format_files(given_options().workspace, paths, check=check):
        if item.refusal:
            refused.append({"path": str(item.path), "message": item.refusal})
            err([line((f"{item.path}: ", "strong"), f"not formatted: {item.refusal}")])
        else:
            changed.append(str(item.path))
            out([line((f"{item.path}", "strong"), ": would change" if check else ": formatted")])
        if item.refusal or check:
            code = FilesRefused.exit_code
    if check and changed:
        command = shlex.join(("reconciler", "fmt", *map(str, paths)))
        err([line(("To fix: ", "strong"), f"Run `{command}`.")])
    out_json({"would_write" if check else "written": changed, "refused": refused})
    return code
