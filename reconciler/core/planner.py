"""Builds a plan: decisions, impact, balance, guards and digest."""

from collections import Counter
from types import MappingProxyType

from reconciler.core.documents.plan_digest import with_digest
from reconciler.core.model.finding import PlanWarning
from reconciler.core.model.plan import Action, Allowances, Basis, Plan
from reconciler.core.model.review import NO_REQUIREMENT
from reconciler.core.planning.approvals import requirement_of
from reconciler.core.planning.decisions import decide_all
from reconciler.core.planning.dimensions import Division
from reconciler.core.planning.impact import balance_of, impact_of
from reconciler.core.planning.limits.guards import refusals
from reconciler.core.planning.posting import transfers_of
from reconciler.core.planning.reversing.pairs import pairs_of
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.planning.unanswered import unanswered_of


def make_plan(
    snapshot: Snapshot,
    *,
    basis: Basis,
    allowances: Allowances,
    warnings: tuple[PlanWarning, ...] = (),
    by: tuple[str, ...] = (),
) -> Plan:
    """The plan for a snapshot. The same snapshot always gives the same bytes (I-12).

    Its impact is divided by the dimensions of `by` in any case.
    """
    changes, drift = decide_all(snapshot)
    counts = Counter(change.action for change in changes)
    reverses = any(change.reverses for change in changes)
    moving = tuple(change for change in changes if change.posts or change.cancels)
    moves = moving or any(change.comparison.line_updates for change in changes)
    starts = {name: period.start_date for name, period in snapshot.tenant.periods_by_name.items()}
    division = Division(fields=snapshot.tenant.dimensions, by=by)
    plan = Plan(
        basis=basis,
        changes=changes,
        drift=drift,
        impact=impact_of(changes, basis.home_currency, starts, divide=division) if moves else (),
        balance=balance_of(moving, basis.home_currency),
        unanswered=unanswered_of(changes, drift, snapshot),
        transfers=transfers_of(changes, starts),
        reversals=tuple(pairs_of(changes, snapshot.live, snapshot.tenant)) if reverses else (),
        refusals=refusals(changes, snapshot, allowances),
        warnings=warnings,
        allowances=allowances,
        scope=snapshot.selection.scope,
        out_of_scope=snapshot.selection.out_of_scope,
        requirement=requirement_of(
            changes,
            snapshot.policy,
            snapshot.tenant.periods_by_name,
            home_currency=basis.home_currency,
            partial=snapshot.selection.scope.partial,
        )
        if snapshot.policy.approvals.tiers
        else NO_REQUIREMENT,
        materiality=snapshot.policy.materiality,
        rates=snapshot.policy.rates,
        summary=MappingProxyType({action: counts[action] for action in Action}),
    )
    return with_digest(plan)
