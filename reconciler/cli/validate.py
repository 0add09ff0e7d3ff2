"""`reconciler validate`: every finding in every file, without a ledger or a network."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.options import common, common_options, format_option
from reconciler.cli.terminal import (
    counted,
    counted_by_kind,
    err,
    out,
    out_text,
    path_prefix,
    problem_spans,
)
from reconciler.core.model.finding import Problem, Severity
from reconciler.errors import FilesRefused
from reconciler.render.styled_text import line

if TYPE_CHECKING:
    from reconciler.app.workspace import CheckedWorkspace


@click.command(short_help="Check all files offline: YAML, schema, accounting rules.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@format_option("text", "json", "sarif", "junit", "github")
@common_options
def validate(paths: tuple[Path, ...], style: str) -> int:
    """Check YAML, schema and accounting rules, offline.

    With PATHS, only their findings are shown; the whole workspace is read all the same, because a
    name or a posting may stand twice.
    """
    from reconciler.app.workspace import read_books

    root = common().workspace
    books = read_books(root)
    problems = _within(books.problems, root, paths)
    errors = sum(1 for problem in problems if problem.severity is Severity.ERROR)
    if style == "text":
        _print(books, problems, root)
    else:
        out_text(_document(style, books, problems))
    return FilesRefused.exit_code if errors else 0


def _print(books: "CheckedWorkspace", problems: tuple[Problem, ...], root: Path) -> None:
    errors = sum(1 for problem in problems if problem.severity is Severity.ERROR)
    out(problem_spans(problems, root))
    counts = (
        counted(books.files, "file"),
        f"{counted_by_kind(books.declared)}: {counted(errors, 'error')}",
        counted(len(problems) - errors, "warning"),
    )
    out([line((", ".join(counts) + ".", "bad" if errors else "good"))])
    if not books.tenant.complete and not books.errors:
        err([line("No Reference: accounting codes, periods and currencies were not checked.")])


def _document(style: str, books: "CheckedWorkspace", problems: tuple[Problem, ...]) -> str:
    """The findings in a form for other programs; paths lead from where the command runs."""
    from reconciler.cli.lookup import all_rules
    from reconciler.render import findings

    prefix = path_prefix(books.root)
    match style:
        case "sarif":
            return findings.findings_sarif(problems, prefix, all_rules(), __version__)
        case "junit":
            declared = {item.source.path for item in books.declared.values()}
            return findings.findings_junit(problems, declared, prefix)
        case "github":
            return findings.findings_annotations(problems, prefix)
    return findings.findings_json(problems, files=books.files)


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
