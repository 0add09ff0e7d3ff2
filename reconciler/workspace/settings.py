"""What a workspace decides about itself: its target, its identity, its daybook and its policy."""

from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from reconciler.core.model.canonical import canonical_json, digest
from reconciler.core.model.enumerations import PeriodStatus
from reconciler.core.model.policy import (
    EVERY_RULE,
    Approvals,
    CustomRule,
    Freeze,
    Level,
    Policy,
    Removal,
    Tier,
    Waiver,
)
from reconciler.core.model.resource import (
    Value,
    all_made_of,
    made_of,
    mapping_of,
    rows_of,
    text_of,
    texts_of,
    whole_of,
)
from reconciler.core.model.tenant import Tenant
from reconciler.values import dataclass

EMBEDDED_TARGET = "embedded"
"""The word that names the embedded ledger in place of a tenant."""
DEFAULT_MARKER = "ReconcilerKey__c"
DEFAULT_DAYBOOK = ".reconciler/daybook.db"
DEFAULT_ZUORA_VERSION = "2025-08-12"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A tenant of the journal API. `hosts` are the only hosts the client may talk to."""

    base_url: str
    zuora_version: str = DEFAULT_ZUORA_VERSION
    tenant_id: str | None = None
    entity_id: str | None = None
    organization_ids: tuple[str, ...] = ()
    hosts: frozenset[str] | None = None
    manages_close: bool | None = None
    """Whether the credentials may post in a period that is PendingClose; None if nobody says."""


def hosts_of(target: Target) -> frozenset[str]:
    """The hosts that credentials may be sent to: those that are pinned, or that of the URL."""
    return target.hosts or frozenset({urlsplit(target.base_url).hostname or ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseExpectations:
    """What a close check expects: `runs` of these transaction types.

    `allowed` has the reason of each item that does not fail a check.
    """

    runs: tuple[str, ...] = ()
    allowed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A workspace's `reconciler.yaml` as values.

    `target` is the tenant it names, `embedded` says that it names the embedded ledger. Without
    both the environment may name a ledger.
    """

    name: str
    target: Target | None = None
    embedded: bool = False
    marker: str = DEFAULT_MARKER
    daybook: str = DEFAULT_DAYBOOK
    dimensions: tuple[str, ...] = ()
    """The custom fields of lines that count as dimensions, beside the segments."""
    generate_through: str = ""
    """The last period whose parts of schedules are written; empty for every known period."""
    close: CloseExpectations = field(default_factory=CloseExpectations)
    policy: Policy = field(default_factory=Policy)

    def of_tenant(self, tenant: Tenant) -> Tenant:
        """A tenant as the Reference has it, with what the settings say of it."""
        return replace(
            tenant,
            marker=self.marker,
            workspace=self.name,
            dimensions=self.dimensions,
            manages_close=self.target.manages_close if self.target else None,
        )


def settings_from(document: Mapping[str, Value]) -> Settings:
    """Read a document of kind Workspace that its schema has accepted."""
    spec = mapping_of(document.get("spec"))
    target = spec.get("target")
    embedded = target == EMBEDDED_TARGET
    return Settings(
        name=str(mapping_of(document["metadata"])["name"]),
        target=made_of(Target, mapping_of(target)) if target and not embedded else None,
        embedded=embedded,
        marker=str(mapping_of(spec.get("identity")).get("marker") or DEFAULT_MARKER),
        daybook=str(spec.get("daybook") or DEFAULT_DAYBOOK),
        dimensions=texts_of(spec.get("dimensions")),
        generate_through=text_of(mapping_of(spec.get("generate")).get("through")) or "",
        close=_close(mapping_of(spec.get("close"))),
        policy=_policy(mapping_of(spec.get("policy"))),
    )


def _close(close: Mapping[str, Value]) -> CloseExpectations:
    rows = rows_of(close.get("allow"))
    return CloseExpectations(
        runs=texts_of(close.get("runs")),
        allowed=MappingProxyType({str(row["item"]): str(row["reason"]) for row in rows}),
    )


def policy_digest(policy: Policy) -> str:
    """`sha256:` and the digest of a policy: equal for policies that allow and ask for the same."""
    return digest(canonical_json(_plain(policy)))


def _plain(value: Any) -> Any:
    """A value of the policy as a mapping, in one order."""
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, frozenset):
        return tuple(sorted(value))
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


def _policy(policy: Mapping[str, Value]) -> Policy:
    limits = mapping_of(policy.get("limits"))
    percent = limits.get("percent")
    freezes = rows_of(policy.get("freeze"))
    return Policy(
        removal=Removal(str(policy.get("removal") or Removal.DELETE)),
        manage_transfer_state=policy.get("transferState") == "managed",
        max_removals=whole_of(limits.get("removals")),
        max_changes=whole_of(limits.get("changes")),
        max_percent=percent if isinstance(percent, Decimal) else None,
        max_money=_amounts(limits.get("money")),
        materiality=_amounts(policy.get("materiality")),
        rates=MappingProxyType(
            {one: _amounts(row) for one, row in sorted(mapping_of(policy.get("rates")).items())}
        ),
        approvals=_approvals(mapping_of(policy.get("approvals"))),
        freeze=Freeze(
            periods=frozenset(name for row in freezes for name in texts_of(row.get("periods"))),
            statuses=frozenset(
                status for row in freezes for status in _statuses(row.get("periodStatus"))
            ),
        ),
        strict=frozenset(
            {EVERY_RULE} if policy.get("strict") is True else texts_of(policy.get("strict"))
        ),
        severities={
            rule: Level(str(level))
            for rule, level in sorted(mapping_of(policy.get("severities")).items())
        },
        custom_rules=all_made_of(CustomRule, policy.get("houseRules")),
        waivers=all_made_of(Waiver, policy.get("waivers")),
    )


def _approvals(approvals: Mapping[str, Value]) -> Approvals:
    tiers = (
        made_of(
            Tier,
            row,
            amount=_amounts(row.get("amount")),
            period_statuses=_statuses(row.get("periodStatus")),
        )
        for row in rows_of(approvals.get("tiers"))
    )
    return made_of(Approvals, approvals, tiers=tuple(tiers))


def _statuses(value: Value) -> tuple[PeriodStatus, ...]:
    """One status, or a list of them, in either spelling."""
    words = (value,) if isinstance(value, str) else texts_of(value)
    return tuple(dict.fromkeys(map(PeriodStatus, words)))


def _amounts(value: Value) -> Mapping[str, Decimal]:
    return MappingProxyType(
        {currency: Decimal(str(amount)) for currency, amount in sorted(mapping_of(value).items())}
    )
