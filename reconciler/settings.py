"""What a workspace decides about itself: its target, its identity, its daybook and its policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from reconciler.core.values import Value, mapping_of, text_of, texts_of

DEFAULT_MARKER = "ReconcilerKey__c"
DEFAULT_DAYBOOK = ".reconciler/daybook.db"
DEFAULT_ZUORA_VERSION = "2025-08-12"


class Removal(StrEnum):
    """What happens to an entry whose declaration is gone."""

    DELETE = "delete"
    CANCEL = "cancel"
    FORBID = "forbid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A tenant of the journal API. `hosts` are the only hosts the client may talk to."""

    base_url: str
    zuora_version: str = DEFAULT_ZUORA_VERSION
    tenant_id: str | None = None
    entity_id: str | None = None
    organization_ids: tuple[str, ...] = ()
    hosts: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the workspace allows.

    `max_removals` replaces the default of max(3, 10 %); `max_money` limits, by currency, the sum
    of debits that one plan may post or take back.
    """

    removal: Removal = Removal.DELETE
    manage_transfer_state: bool = False
    max_removals: int | None = None
    max_money: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A workspace's `reconciler.yaml` as values. `target` is None for the embedded ledger."""

    name: str
    target: Target | None = None
    marker: str = DEFAULT_MARKER
    daybook: str = DEFAULT_DAYBOOK
    policy: Policy = Policy()


def settings_from(document: Mapping[str, Value]) -> Settings:
    """Read a document of kind Workspace that its schema has accepted."""
    spec = mapping_of(document.get("spec"))
    return Settings(
        name=str(mapping_of(document["metadata"])["name"]),
        target=_target(mapping_of(spec["target"])) if spec.get("target") else None,
        marker=str(mapping_of(spec.get("identity")).get("marker") or DEFAULT_MARKER),
        daybook=str(spec.get("daybook") or DEFAULT_DAYBOOK),
        policy=_policy(mapping_of(spec.get("policy"))),
    )


def _target(target: Mapping[str, Value]) -> Target:
    hosts = target.get("hosts")
    return Target(
        base_url=str(target["baseUrl"]),
        zuora_version=str(target.get("zuoraVersion") or DEFAULT_ZUORA_VERSION),
        tenant_id=text_of(target.get("tenantId")),
        entity_id=text_of(target.get("entityId")),
        organization_ids=texts_of(target.get("organizationIds")),
        hosts=frozenset(texts_of(hosts)) if hosts else None,
    )


def _policy(policy: Mapping[str, Value]) -> Policy:
    limits = mapping_of(policy.get("limits"))
    removals = limits.get("removals")
    return Policy(
        removal=Removal(str(policy.get("removal") or Removal.DELETE)),
        manage_transfer_state=policy.get("transferState") == "managed",
        max_removals=int(removals) if isinstance(removals, Decimal) else None,
        max_money=MappingProxyType(
            {
                currency: Decimal(str(amount))
                for currency, amount in sorted(mapping_of(limits.get("money")).items())
            }
        ),
    )
