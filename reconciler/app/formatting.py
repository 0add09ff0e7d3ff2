"""Formats YAML files: canonical order and spelling, values unchanged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.app.text_files import read_text, write_text
from reconciler.core.model.money import minor_units
from reconciler.core.model.tenant import tenant_from
from reconciler.errors import ReconcilerError
from reconciler.workspace.formatter.formatter import FormatRefused, format_text
from reconciler.workspace.json_schema import REFERENCE, is_valid
from reconciler.workspace.yaml_reader import read


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatted:
    """A file that changes; or one that cannot be formatted, with the reason."""

    path: Path
    refusal: str = ""


def format_files(root: Path, paths: Sequence[Path], *, check: bool) -> Iterator[Formatted]:
    """Format these files and directories, by default the workspace. With `check`, write nothing.

    Files that are canonical already are not yielded.
    """
    home_currency = _home_currency(root / "reference.yaml")
    for path in _files(paths or (root,)):
        text = read_text(path)
        try:
            formatted = format_text(text, minor_units=minor_units, home_currency=home_currency)
        except FormatRefused as refusal:
            yield Formatted(path=path, refusal=str(refusal))
            continue
        if formatted == text:
            continue
        if not check:
            write_text(path, formatted, mode=path.stat().st_mode & 0o777)
        yield Formatted(path=path)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
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
    """The home currency of the workspace's Reference; empty without a valid one."""
    if not reference.is_file():
        return ""
    documents, problems = read(reference.read_bytes(), path=reference.name)
    known = [item.value for item in documents if is_valid(REFERENCE, item.value)]
    if problems or not known or not isinstance(known[0], dict):
        return ""
    return tenant_from(known[0]).home_currency or ""
