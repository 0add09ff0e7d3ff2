"""What is known of the ledger without a connection: by the daybook, or else by the base."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from reconciler.app.connection import EMBEDDED, UNNAMED
from reconciler.app.offline.base_commit import BaseState, base_of
from reconciler.app.policy_history import approved_before, check_rules, held_by, policy_warnings
from reconciler.app.provenance import origin_of
from reconciler.app.state_directory import daybook_place, spill_path, workspace_daybook
from reconciler.app.warnings import left_behind, offline_warnings
from reconciler.app.workspace import CheckedWorkspace, require_valid
from reconciler.core.model.finding import PlanWarning
from reconciler.core.model.history import Recorded, standing
from reconciler.core.model.plan import Basis
from reconciler.core.model.policy import Policy
from reconciler.core.model.resource import Address
from reconciler.core.model.scope import BaseCommit
from reconciler.core.model.tenant import Tenant, tenant_from
from reconciler.core.planning.offline import recorded_at
from reconciler.core.rules.plan_warnings import warning
from reconciler.daybook import Daybook, no_daybook
from reconciler.git.repository import Repository
from reconciler.values import dataclass
from reconciler.workspace.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a plan without a ledger is made from. `base` is None where the daybook knows, or none.

    `policy` has the stricter values of the base and of the present files.
    """

    recorded: Mapping[Address, Recorded]
    marked_in: str
    """The field that holds the markers of what is recorded."""
    policy: Policy
    basis: Basis
    base: BaseCommit | None
    since: str
    """The commit of the base, or else of the last apply; empty if neither is known."""
    warnings: tuple[PlanWarning, ...]


def known_offline(workspace: CheckedWorkspace, settings: Settings, revision: str | None) -> Known:
    """What the daybook records; without one, or with a `revision`, what the base declares.

    Raises DaybookError when there is a daybook that cannot be read, and UsageError or Refused
    when the base cannot be.
    """
    in_file = isinstance(daybook_place(workspace.root, settings), Path)
    read = in_file and revision is None
    opened = workspace_daybook(workspace.root, settings) if read else closing(no_daybook())
    with opened as daybook:
        recorded: Mapping[Address, Recorded] = daybook.recorded()
        basis, since = _basis(workspace, settings, daybook), daybook.applied_commit
        marked_in, policy = daybook.marker or settings.marker, settings.policy
        changed: tuple[PlanWarning, ...] = ()
        if basis.lineage:
            earlier = approved_before(settings, daybook, Repository.around(workspace.root))
            posted = standing(recorded.values())
            held = held_by(earlier, workspace.root, settings, posted=posted)
            if held.keys:
                check_rules(held, workspace, settings)
            policy = held.settings.policy
            spill_file = spill_path(workspace.root, settings)
            changed = (*left_behind(daybook.unsettled(), spill_file), *policy_warnings(held))
    base: BaseState | None = None
    if not basis.lineage:
        base = base_of(workspace.root, settings, revision, os.environ)
    if base is not None:
        recorded = recorded_at(base.declared)
        policy, changed = _policy_of(base, workspace, settings)
        before = base.earlier.settings if base.earlier is not None else None
        marked_in = before.marker if before is not None else marked_in
    elif not basis.lineage:
        # Everything counts as new then, which says nothing of the size of a change.
        policy = replace(policy, max_changes=None, max_percent=None, max_money=MappingProxyType({}))
    known = base is not None or bool(basis.lineage)
    return Known(
        recorded=recorded,
        marked_in=marked_in,
        policy=policy,
        basis=basis,
        base=base.commit if base is not None else None,
        since=base.commit.commit if base is not None else since,
        warnings=(*offline_warnings(workspace, in_file=in_file, known=known), *changed),
    )


def _policy_of(
    base: BaseState, workspace: CheckedWorkspace, settings: Settings
) -> tuple[Policy, tuple[PlanWarning, ...]]:
    """The policy that holds of the base and of the files, and what changed since the base."""
    if base.earlier is None:
        return settings.policy, ()
    held = held_by([base.earlier], workspace.root, settings, posted=len(base.declared))
    if held.keys:
        check_rules(held, workspace, settings)
    return held.settings.policy, (*policy_warnings(held), *_reference_warnings(base, workspace))


def _reference_warnings(base: BaseState, workspace: CheckedWorkspace) -> Iterator[PlanWarning]:
    before = tenant_from(base.reference) if base.reference is not None else Tenant()
    if require_valid(workspace).of_tenant(before) != workspace.tenant:
        yield warning(
            "reference-changed",
            f"the Reference is not that of {base.commit}: accounting codes, periods and "
            "currencies are checked by the changed one",
        )


def _basis(workspace: CheckedWorkspace, settings: Settings, daybook: Daybook) -> Basis:
    """Whose ledger it would be, as far as the workspace says and the daybook records."""
    target = settings.target
    unnamed = EMBEDDED if settings.embedded else UNNAMED
    tenant, _, entity = (daybook.tenant or "").partition("/")
    return Basis(
        workspace=settings.name,
        host=urlsplit(target.base_url).netloc if target else unnamed,
        tenant_id=(target.tenant_id if target else None) or tenant,
        entity_id=(target.entity_id if target else None) or entity.strip("-"),
        lineage=daybook.lineage,
        serial=daybook.serial,
        home_currency=workspace.tenant.home_currency,
        marker_place=settings.marker,
        files_digest=workspace.digest,
        origin=origin_of(settings),
    )
