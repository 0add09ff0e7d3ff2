"""`reconciler validate`: every finding in every file, without a ledger or a network."""

import json
from pathlib import Path

import click

from reconciler.cli.options import common, common_options, format_option
from reconciler.cli.screen import counted, counted_by_kind, err, out, out_text, problem_spans
from reconciler.core.values import Problem, Severity
from reconciler.errors import FilesRefused
from reconciler.render.spans import line


@click.command(short_help="Check all files offline: YAML, schema, accounting rules.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@format_option("text", "json")
@common_options
def validate(paths: tuple[Path, ...], style: str) -> int:
    """Check YAML, schema and accounting rules, offline.

    With PATHS, only their findings are shown; the whole workspace is read all the same, because a
    name or a posting may stand twice.
    """
    from reconciler.cli.books import read_books

    root = common().workspace
    books = read_books(root)
    problems = _within(books.problems, root, paths)
    errors = sum(1 for problem in problems if problem.severity is Severity.ERROR)
    if style == "json":
        out_text(json.dumps(_document(problems, errors, books.files), indent=2) + "\n")
    else:
        out(problem_spans(problems, root))
        warnings = len(problems) - errors
        counts = (
            counted(books.files, "file"),
            f"{counted_by_kind(books.declared)}: {counted(errors, 'error')}",
            counted(warnings, "warning"),
        )
        out([line((", ".join(counts) + ".", "bad" if errors else "good"))])
        if books.facts is None and not books.errors:
            err([line("No Reference: accounting codes, periods and currencies were not checked.")])
    return FilesRefused.exit_code if errors else 0


def _within(
    problems: tuple[Problem, ...], root: Path, paths: tuple[Path, ...]
) -> tuple[Problem, ...]:
    if not paths:
        return problems
    wanted = [path.resolve() for path in paths]
    return tuple(
        problem
        for problem in problems
        if any(_is_in((root / problem.path).resolve(), path) for path in wanted)
    )


def _is_in(file: Path, path: Path) -> bool:
    return file == path or path in file.parents


def _document(problems: tuple[Problem, ...], errors: int, files: int) -> dict[str, object]:
    return {
        "format_version": "1.0",
        "valid": errors == 0,
        "files": files,
        "error_count": errors,
        "warning_count": len(problems) - errors,
        "problems": [
            {
                "path": problem.path,
                "line": problem.line,
                "column": problem.column,
                "severity": problem.severity.value,
                "rule": problem.rule,
                "message": problem.message,
                "remedy": problem.remedy,
            }
            for problem in problems
        ],
    }
