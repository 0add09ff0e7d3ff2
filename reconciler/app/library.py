"""The library: what other programs may call, beside the command line."""

import os
from pathlib import Path

from reconciler.app.files.text_files import read_text
from reconciler.app.plan import PlanOptions, plan_workspace
from reconciler.app.progress import silent
from reconciler.app.session import Access
from reconciler.app.workspace import CheckedWorkspace
from reconciler.app.workspace import read_workspace as read_checked
from reconciler.core.documents.plan_file import plan_of
from reconciler.core.model.plan import Plan
from reconciler.core.model.scope import Scope
from reconciler.errors import UsageError


def read_workspace(directory: str | os.PathLike[str], *, strict: bool = False) -> CheckedWorkspace:
    """Read and check every file of a workspace, as `reconciler validate` does.

    Findings are in `problems`, and those that stop a plan in `errors`: nothing is raised for them.
    With `strict` every warning is an error.
    """
    return read_checked(Path(directory), ask_daybook=True, strict=strict)


def make_plan(
    workspace: CheckedWorkspace,
    *,
    offline: bool = False,
    base: str | None = None,
    strict: bool = False,
    parallelism: int = 8,
) -> Plan:
    """What an apply would do. Changes nothing.

    It reads the ledger that the workspace and the environment name, with `parallelism` calls at
    once. `offline` plans by the daybook, or by the revision `base` where there is none. Raises
    FilesRefused for a workspace with errors, and another ReconcilerError if there is no plan. A
    plan that a guard forbids is returned, with its `refusals`.
    """
    if base is not None and not offline:
        raise UsageError("a base is for offline plans", remedy="Pass offline=True as well.")
    options = PlanOptions(scope=Scope(offline=offline), base=base, strict=strict)
    return plan_workspace(workspace, options, Access(parallelism=parallelism), progress=silent).plan


def read_plan(file: str | os.PathLike[str], *, key: str = "") -> Plan:
    """The plan that `reconciler plan --out` saved. Raises StalePlan for another or altered file.

    With a `key`, only a plan that was signed with it is accepted.
    """
    return plan_of(read_text(Path(file)), key=key)
