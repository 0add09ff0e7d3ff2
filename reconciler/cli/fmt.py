"""`reconciler fmt`: canonical order and spelling, values untouched."""

from collections.abc import Iterator
from pathlib import Path

import click

from reconciler.cli.files import read_text, write_text
from reconciler.cli.options import common, common_options
from reconciler.cli.terminal import err, out
from reconciler.errors import FilesRefused, ReconcilerError
from reconciler.render.styled_text import line


@click.command(short_help="Rewrite files in canonical order and spelling.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Change nothing; exit 3 when a file would change.")
@common_options
def fmt(*, paths: tuple[Path, ...], check: bool) -> int:
    """Rewrite files in canonical order and spelling; comments stay, values do not change.

    Without PATHS, every YAML file of the workspace.
    """
    from reconciler.core.model.money import minor_units
    from reconciler.workspace.formatter.formatter import FormatRefused, format_text

    home_currency = _home_currency(common().workspace / "reference.yaml")
    changed = refused = 0
    for path in _files(paths):
        text = read_text(path)
        try:
            formatted = format_text(text, minor_units=minor_units, home_currency=home_currency)
        except FormatRefused as refusal:
            refused += 1
            err([line((f"{path}: ", "strong"), f"left as it is: {refusal}")])
            continue
        if formatted == text:
            continue
        changed += 1
        out([line((f"{path}", "strong"), ": would change" if check else ": formatted")])
        if not check:
            write_text(path, formatted, mode=path.stat().st_mode & 0o777)
    return FilesRefused.exit_code if refused or (check and changed) else 0


def _files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths or (common().workspace,):
        if path.is_dir():
            found = (file for ending in ("*.yaml", "*.yml") for file in path.rglob(ending))
            yield from sorted(
                file
                for file in found
                if file.is_file()
                and not any(part.startswith(".") for part in file.relative_to(path).parts)
            )
        elif path.is_file():
            yield path
        else:
            raise ReconcilerError(f"there is no file {path}")


def _home_currency(reference: Path) -> str:
    """The home currency of the workspace's Reference, empty when none is to be had."""
    from reconciler.core.model.tenant import tenant_from
    from reconciler.workspace.json_schema import REFERENCE, is_valid
    from reconciler.workspace.yaml_reader import read

    if not reference.is_file():
        return ""
    documents, problems = read(reference.read_bytes(), path=reference.name)
    known = [item.value for item in documents if is_valid(REFERENCE, item.value)]
    if problems or not known or not isinstance(known[0], dict):
        return ""
    return tenant_from(known[0]).home_currency or ""
