"""What verbs read before they begin: the workspace, a saved plan, and what is said of a plan."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from reconciler.app.plan import PlanOptions
from reconciler.app.text_files import read_text
from reconciler.app.workspace import CheckedWorkspace, read_workspace
from reconciler.cli.options import given_options, take
from reconciler.cli.signals import unguarded
from reconciler.cli.terminal import counted, err, log_steps, problem_spans
from reconciler.core.documents.plan_file import plan_of
from reconciler.core.model.plan import Allowances, Plan, SearchOptions
from reconciler.core.model.scope import Scope
from reconciler.render.styled_text import line


def checked_workspace() -> CheckedWorkspace:
    """The workspace that the options name, after its errors were shown."""
    workspace = read_workspace(given_options().workspace)
    err(problem_spans(workspace.errors, workspace.root))
    log_steps()
    return workspace


def saved_plan(path: Path, *, key: str = "") -> Plan:
    """The plan in a file; with a key, its signature must be of that key."""
    return plan_of(read_text(path), key=key)


def given_plan_options(given: dict[str, Any], *, offline: bool = False) -> PlanOptions:
    """Take the options about a plan out of those of a verb."""
    given["scope"] = Scope.of(
        offline=offline,
        **{name: given.pop(name) for name in ("targets", "excludes", "periods", "labels")},
    )
    given["allowances"] = take(Allowances, given)
    given["search"] = take(SearchOptions, given)
    return take(PlanOptions, given)


def require_terminal(remedy: str) -> None:
    """Raises UsageError when nobody can be asked."""
    if not sys.stdin.isatty():
        raise click.UsageError(f"There is no terminal to confirm on. {remedy}")


def asking(verb: str, done: str, *nouns: str) -> Callable[[int], bool]:
    """Asks whether to go on with a number of changes: `yes` alone means yes."""

    def confirm(count: int) -> bool:
        with unguarded():
            answer = click.prompt(
                f"{verb} {counted(count, *nouns)}? Only yes is accepted",
                default="no",
                show_default=False,
                err=True,
            )
        if str(answer) != "yes":
            err([line(f"Nothing was {done}.")])
        return str(answer) == "yes"

    return confirm
