"""Plans from files, Reference and daybook alone: no ledger, no credentials, no connection."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from reconciler.app.provenance import origin_of
from reconciler.app.scoping import selection_of
from reconciler.app.session import EMBEDDED, plan_warnings
from reconciler.app.state_directory import daybook_place
from reconciler.app.workspace import CheckedWorkspace, require_valid
from reconciler.core.model.plan import Allowances, Basis, Plan
from reconciler.core.model.policy import Policy
from reconciler.core.model.scope import Scope
from reconciler.core.planner import make_plan
from reconciler.core.planning.offline import assumed_live
from reconciler.core.planning.renames import warnings_of
from reconciler.core.planning.snapshot import Snapshot
from reconciler.daybook import Daybook, no_daybook, open_daybook
from reconciler.workspace.settings import Settings

_ELSEWHERE = (
    "the daybook is in a database, which a plan without connections does not open, so everything "
    "counts as new"
)
_NO_LIMITS = (
    "the policy's limits on changes and money are not checked: without a daybook all that is "
    "declared counts as new, whatever was applied already"
)
_NO_REFERENCE = (
    "there is no reference.yaml, so nothing is known of accounting codes and periods: "
    "what the ledger would refuse is not seen"
)


def plan_offline(books: CheckedWorkspace, allowances: Allowances, scope: Scope) -> Plan:
    """Plan as if the ledger held what the daybook recorded.

    Reads nothing but files of the workspace, and of the environment nothing at all. Raises
    FilesRefused, and what keeps a daybook that is there from being read.
    """
    settings = require_valid(books)
    place = daybook_place(books.root, settings)
    in_file = isinstance(place, Path)
    # A path where nothing is opens as a daybook that knows nothing, too.
    daybook = open_daybook(place, write=False, workspace=settings.name) if in_file else no_daybook()
    try:
        made = _plan(books, settings, daybook, allowances, scope)
    finally:
        daybook.close()
    warnings = [_ELSEWHERE] * (not in_file) + [_NO_REFERENCE] * (not books.tenant.complete)
    return replace(made, warnings=(*warnings, *made.warnings))


def _plan(
    books: CheckedWorkspace,
    settings: Settings,
    daybook: Daybook,
    allowances: Allowances,
    scope: Scope,
) -> Plan:
    recorded = daybook.recorded()
    chosen = selection_of(books, recorded, scope)
    live = assumed_live(books.declared, recorded, books.tenant)
    # How large a change is cannot be told from what counts as new only because nobody remembers.
    policy = settings.policy if daybook.lineage else _without_sizes(settings.policy)
    world = Snapshot(
        declared=books.declared,
        recorded=recorded,
        live=live,
        tenant=books.tenant,
        policy=policy,
        selection=chosen.selection,
    )
    plan = make_plan(world, basis=_basis(books, settings, daybook), allowances=allowances)
    warnings = (
        *[_NO_LIMITS] * (policy != settings.policy),
        *chosen.warnings,
        *plan_warnings(books, plan),
        *warnings_of(world.names, plan.changes),
    )
    return replace(plan, warnings=warnings)


def _without_sizes(policy: Policy) -> Policy:
    return replace(policy, max_changes=None, max_percent=None, max_money=MappingProxyType({}))


def _basis(books: CheckedWorkspace, settings: Settings, daybook: Daybook) -> Basis:
    """Whose ledger it would be, as far as the workspace says and the daybook remembers."""
    target = settings.target
    tenant, _, entity = (daybook.tenant or "").partition("/")
    return Basis(
        workspace=settings.name,
        host=urlsplit(target.base_url).netloc if target else EMBEDDED,
        tenant_id=(target.tenant_id if target else None) or tenant,
        entity_id=(target.entity_id if target else None) or entity.strip("-"),
        lineage=daybook.lineage,
        serial=daybook.serial,
        home_currency=books.tenant.home_currency,
        marker_place=settings.marker,
        files_digest=books.digest,
        origin=origin_of(settings),
    )
