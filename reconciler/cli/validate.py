"""`reconciler validate`: shows every problem of every file, offline."""

from pathlib import Path

import click

from reconciler import __version__
from reconciler.app.explain import all_rules
from reconciler.app.workspace import CheckedWorkspace, problems_within, read_workspace
from reconciler.cli.options import given_options, output_options, strict_option
from reconciler.cli.terminal import (
    counted_by_kind,
    err,
    out,
    out_json,
    out_text,
    path_prefix,
    problem_spans,
)
from reconciler.core.model.command import completed_remedy
from reconciler.core.model.finding import Problem, Severity, counted
from reconciler.errors import FilesRefused
from reconciler.render import findings
from reconciler.render.styled_text import line


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@strict_option
@output_options("text", "json", "sarif", "junit", "github")
def validate(*, paths: tuple[Path, ...], strict: bool, style: str) -> int:
    """Check YAML, schema and accounting rules, offline.

    With PATHS, only their problems are shown. The whole workspace is read, because a name or a
    posting may occur in two files.
    """
    root = given_options().workspace
    workspace = read_workspace(
        root, ask_daybook=True, check_editors=True, strict=strict, cached=True
    )
    problems = problems_within(workspace, paths)
    errors = sum(1 for problem in problems if problem.severity is Severity.ERROR)
    if style == "text":
        _print(workspace, problems, errors)
    else:
        complete = given_options().completed
        problems = tuple(completed_remedy(one, complete) for one in problems)
        _write(style, workspace, problems)
    return FilesRefused.exit_code if errors else 0


def _print(workspace: CheckedWorkspace, problems: tuple[Problem, ...], errors: int) -> None:
    out(problem_spans(problems, workspace.root))
    warnings = sum(1 for problem in problems if problem.severity is Severity.WARNING)
    counts = (
        counted(workspace.files, "file"),
        f"{counted_by_kind(workspace.declared)}: {counted(errors, 'error')}",
        counted(warnings, "warning"),
    )
    out([line((", ".join(counts) + ".", "bad" if errors else "good"))])
    for base, count in workspace.left_out.items():
        text = f"{counted(count, 'warning')} left out: the files are as in {base}, so their entries"
        err([line(f"{text} count as posted.")])
    if not workspace.tenant.complete and workspace.settings is not None:
        err([line("No Reference: accounting codes, periods and currencies were not checked.")])


def _write(style: str, workspace: CheckedWorkspace, problems: tuple[Problem, ...]) -> None:
    """The problems in a format for other programs; paths start at the current directory."""
    prefix = path_prefix(workspace.root)
    match style:
        case "sarif":
            out_text(findings.findings_sarif(problems, prefix, all_rules(), __version__))
        case "junit":
            declared = {item.source.path for item in workspace.declared.values()}
            out_text(findings.findings_junit(problems, declared, prefix))
        case "github":
            out_text(findings.findings_annotations(problems, prefix))
        case _:
            out_json(findings.findings_document(problems, files=workspace.files))
