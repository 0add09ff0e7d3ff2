"""Rows of a file of transactions, one at a time: CSV, YAML or JSON lines."""

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ..errors import BadRow, LedgerUnusable
from ..web.body import MAX_BYTES, check_texts, read_object
from ..web.errors import Refusal

SEGMENT = "segments."
"""The prefix of a CSV column with segment values: `segments.Department`."""

Row = tuple[int, Mapping[str, Any]]
"""The number of a line and its fields. Empty fields are absent."""


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file, read lazily. Raises BadRow and LedgerUnusable."""
    read = _FORMATS.get(path.suffix.lower())
    if read is None:
        endings = ", ".join(_FORMATS)
        raise LedgerUnusable(f"{path}: the file extension must be one of {endings}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for line, row in read(stream):
                _check(line, row)
                yield line, row
    except UnicodeDecodeError as error:
        raise LedgerUnusable(f"{path}: not UTF-8") from error
    except OSError as error:
        raise LedgerUnusable(f"{path}: {error.strerror or error}") from error


def _check(line: int, row: Mapping[str, Any]) -> None:
    try:
        check_texts(row)
    except Refusal as refused:
        raise BadRow(line, str(refused)) from None


def _csv(stream: IO[str]) -> Iterator[Row]:
    """A header line with the names of the fields, then a line for each transaction."""
    reader = csv.reader(stream, strict=True)
    try:
        header = next(reader, [])
        if len(set(header)) < len(header) or "" in header:
            raise BadRow(1, "the header has a repeated or an empty column name")
        line = reader.line_num + 1
        for values in reader:
            if values:
                yield line, _csv_row(line, header, values)
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadRow(reader.line_num, f"not readable as CSV: {error}") from error


def _csv_row(line: int, header: list[str], values: list[str]) -> dict[str, Any]:
    if len(values) != len(header):
        raise BadRow(line, f"has {len(values)} values, and the header {len(header)} names")
    given = {name: value for name, value in zip(header, values, strict=True) if value != ""}
    segments = {
        name.removeprefix(SEGMENT): value
        for name, value in given.items()
        if name.startswith(SEGMENT)
    }
    row: dict[str, Any] = {
        name: value for name, value in given.items() if not name.startswith(SEGMENT)
    }
    return {**row, "segments": segments} if segments else row


def _json_lines(stream: IO[str]) -> Iterator[Row]:
    """An object on each line; empty lines are skipped. Numbers keep their digits."""
    line = 0
    while text := stream.readline(MAX_BYTES + 1):
        line += 1
        if len(text) > MAX_BYTES:
            raise BadRow(line, f"has more than {MAX_BYTES} characters")
        if text.strip():
            try:
                yield line, read_object(text.encode("utf-8", "surrogatepass"), "application/json")
            except Refusal as refused:
                raise BadRow(line, str(refused)) from None


def _yaml(stream: IO[str]) -> Iterator[Row]:
    """A list of mappings, or a document for each. Every scalar is the text it is written as."""
    import yaml  # noqa: PLC0415 - only this format needs it

    from .yaml_rows import rows  # noqa: PLC0415

    try:
        yield from rows(stream)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise BadRow(getattr(mark, "line", 0) + 1, "not readable as YAML") from error


_FORMATS: dict[str, Callable[[IO[str]], Iterator[Row]]] = {
    ".csv": _csv,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
