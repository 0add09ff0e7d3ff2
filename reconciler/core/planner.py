"""Puts a plan together: decisions, impact, balance, guards and the digest that binds them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType

from reconciler.core.books import balance_of, impact_of
from reconciler.core.decide import World, decide_all
from reconciler.core.guards import refusals
from reconciler.core.plan import Action, Allowances, Basis, Plan
from reconciler.core.planfile import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The workspace's own limits; None and empty mean the defaults."""

    max_removals: int | None = None
    max_money: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))


def make_plan(
    world: World,
    *,
    basis: Basis,
    limits: Limits,
    allowances: Allowances,
    warnings: tuple[str, ...] = (),
) -> Plan:
    """The plan for a world. The same world gives the same plan, byte for byte (I-12)."""
    changes, drift = decide_all(world)
    counts = Counter(change.action for change in changes)
    starts = {name: period.start_date for name, period in world.known.periods.items()}
    plan = Plan(
        basis=basis,
        changes=changes,
        drift=drift,
        impact=impact_of(changes, basis.home_currency, starts),
        balance=balance_of(changes, basis.home_currency),
        refusals=refusals(
            changes,
            world.borne.values(),
            allowances=allowances,
            max_removals=limits.max_removals,
            max_money=limits.max_money,
        ),
        warnings=warnings,
        allowances=allowances,
        summary=MappingProxyType({action: counts[action] for action in Action}),
    )
    return replace(plan, digest=digest_of(plan))
