"""What the options that narrow a plan choose of a workspace."""

from collections.abc import Mapping
from dataclasses import dataclass

import click

from reconciler.app.workspace import CheckedWorkspace
from reconciler.core.model.history import Recorded
from reconciler.core.model.resource import Address
from reconciler.core.model.scope import EVERYTHING, Scope, Selection
from reconciler.core.planning.selection import Workspace, select

_MOST_NAMED = 10
"""So many addresses that came along are named in a warning; the rest are counted."""


def scope_of(
    *,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    periods: tuple[str, ...],
    labels: tuple[str, ...],
    offline: bool = False,
) -> Scope:
    """The scope that the options ask for. Raises UsageError for a label without a value."""
    for label in labels:
        if not all(label.partition("=")):
            raise click.UsageError(f"--select takes LABEL=VALUE, as in team=revenue; not {label}.")
    return Scope.of(
        offline=offline, targets=targets, excludes=excludes, periods=periods, labels=labels
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a scope chose of a workspace, and what a reader of the plan has to know of that."""

    selection: Selection = EVERYTHING
    warnings: tuple[str, ...] = ()


ALL_CHOSEN = Chosen()


def selection_of(
    books: CheckedWorkspace, recorded: Mapping[Address, Recorded], scope: Scope
) -> Chosen:
    """What a scope chooses. Raises UsageError when a word of it, or all of them, match nothing."""
    workspace = Workspace(
        declared=books.declared, recorded=recorded, periods=books.tenant.periods_by_name
    )
    selection, along, problems = select(scope, workspace)
    if problems:
        raise click.UsageError(". ".join(f"{text[:1].upper()}{text[1:]}" for text in problems))
    warnings: tuple[str, ...] = ()
    if along:
        named = ", ".join(address.name for address in along[:_MOST_NAMED])
        more = f" and {len(along) - _MOST_NAMED} more" if len(along) > _MOST_NAMED else ""
        warnings = (f"looked at as well, being inseparable from what was chosen: {named}{more}",)
    return Chosen(selection=selection, warnings=warnings)
