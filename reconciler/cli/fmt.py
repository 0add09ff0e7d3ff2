"""`reconciler fmt`: canonical order and spelling, values untouched."""

from pathlib import Path

import click

from reconciler.app.formatting import format_files
from reconciler.cli.options import common_options, given_options
from reconciler.cli.terminal import err, out
from reconciler.errors import FilesRefused
from reconciler.render.styled_text import line


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Change nothing; exit 3 when a file would change.")
@common_options
def fmt(*, paths: tuple[Path, ...], check: bool) -> int:
    """Rewrite files in canonical order and spelling; comments stay, values do not change.

    Without PATHS, every YAML file of the workspace.
    """
    code = 0
    for item in format_files(given_options().workspace, paths, check=check):
        if item.refusal:
            err([line((f"{item.path}: ", "strong"), f"left as it is: {item.refusal}")])
        else:
            out([line((f"{item.path}", "strong"), ": would change" if check else ": formatted")])
        if item.refusal or check:
            code = FilesRefused.exit_code
    return code
