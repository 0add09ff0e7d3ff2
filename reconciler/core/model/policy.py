"""What a workspace's policy asks for: approvals, frozen periods, custom rules, waivers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType


class Evidence(StrEnum):
    """Where approvals are read from: the forge's own record, or git alone, which is weaker."""

    FORGE = "forge"
    GIT = "git"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """So many approvals for plans of a sort.

    `amount` speaks of the whole plan: by currency, from which sum of debits posted or taken back
    on the tier applies; one currency that reaches its sum is enough. The other conditions speak of
    one change that meets all of them. A condition that is empty holds for every plan.
    """

    required: int
    amount: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    accounting_codes: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    period_statuses: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Who has to approve a plan before it is applied; the strictest tier that applies counts.

    `approvers` are the only ones whose approval counts, anybody's when empty. With `bind_digest`
    an approval has to name the digest of the plan. `allowed_signers` is a file of git's keys.
    """

    tiers: tuple[Tier, ...] = ()
    approvers: tuple[str, ...] = ()
    evidence: Evidence = Evidence.FORGE
    bind_digest: bool = False
    allowed_signers: str = ""


NO_APPROVALS = Approvals()


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Periods in which nothing is posted and nothing taken back: by name, or by status."""

    periods: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()


NOTHING_FROZEN = Freeze()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomRule:
    """A JSON Schema of the workspace's own that declarations have to fit besides ours.

    `schema` is a path inside the workspace; `kinds` limits the rule, to none when empty.
    """

    id: str
    title: str
    remedy: str
    schema: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """An exception from a custom rule for one declaration, until and including a day."""

    rule: str
    name: str
    reason: str
    expires: str


class Removal(StrEnum):
    """What happens to an entry whose declaration is gone."""

    DELETE = "delete"
    CANCEL = "cancel"
    FORBID = "forbid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the workspace allows.

    `max_removals` replaces the default of max(3, 10 %); `max_money` limits, by currency, the sum
    of debits that one plan may post or take back; `max_changes` and `max_percent` limit how many
    entries it may change, the latter in percent of those recorded.
    """

    removal: Removal = Removal.DELETE
    manage_transfer_state: bool = False
    max_removals: int | None = None
    max_money: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    max_changes: int | None = None
    max_percent: Decimal | None = None
    approvals: Approvals = NO_APPROVALS
    freeze: Freeze = NOTHING_FROZEN
    custom_rules: tuple[CustomRule, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    @property
    def delete_cancelled(self) -> bool:
        """Whether an entry is deleted once it is cancelled."""
        return self.removal is not Removal.CANCEL
