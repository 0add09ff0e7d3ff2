"""The policy of a workspace: approvals, limits, frozen periods, custom rules, waivers."""

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from reconciler.core.model.enumerations import PeriodStatus
from reconciler.values import dataclass

Rates: TypeAlias = Mapping[str, Mapping[str, Decimal]]
"""By currency, what one unit of other currencies counts as there, at the least."""

NO_RATES: Rates = MappingProxyType({})


class Evidence(StrEnum):
    """Where approvals are read: from GitHub or GitLab, or from git alone, which is weaker."""

    FORGE = "forge"
    GIT = "git"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """The number of approvals that certain plans require.

    `amount` applies to the whole plan: the least sum of debits posted or cancelled, by currency.
    One currency that reaches its sum is enough. One change must meet all of the other conditions.
    An empty condition matches every plan.
    """

    required: int
    amount: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    accounting_codes: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    period_statuses: tuple[PeriodStatus, ...] = ()
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Who must approve a plan before it is applied. Of the tiers that match, the strictest counts.

    Only approvals of `approvers` count; if it is empty, everybody's do. With `bind_digest` an
    approval must name the digest of the plan. `allowed_signers` is a file of git's keys.
    """

    tiers: tuple[Tier, ...] = ()
    approvers: tuple[str, ...] = ()
    evidence: Evidence = Evidence.FORGE
    bind_digest: bool = False
    allowed_signers: str = ""


NO_APPROVALS = Approvals()


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Periods in which nothing is posted or cancelled, by name or by status."""

    periods: frozenset[str] = frozenset()
    statuses: frozenset[PeriodStatus] = frozenset()

    def covers(self, name: str, status: str) -> bool:
        """Whether a period is frozen, by its name or by its status."""
        return name in self.periods or status in self.statuses


NOTHING_FROZEN = Freeze()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomRule:
    """A JSON Schema of the workspace that declarations must also fit.

    `schema` is a path inside the workspace. The rule is for `kinds`, or for all if it is empty.
    """

    id: str
    title: str
    remedy: str
    schema: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """An exception from a rule for one declaration, up to and including a day.

    The rule is a custom one, or a built-in one that warns about single declarations.
    """

    rule: str
    name: str
    reason: str
    expires: str


EVERY_RULE = "*"


class Level(StrEnum):
    """What a policy makes of the warnings of a rule; `off` leaves them out."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"
    OFF = "off"


class Removal(StrEnum):
    """What happens to an entry whose declaration was removed."""

    DELETE = "delete"
    CANCEL = "cancel"
    FORBID = "forbid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the workspace allows.

    `max_removals` replaces the default of max(3, 10 %). `max_money` limits, by currency, the sum
    of debits that one plan posts or cancels. `materiality` is, by currency, the sum of debits from
    which a single change is shown as material. Both measure other currencies at `rates`.
    `max_changes` and `max_percent` limit the number of entries that it changes, the latter in
    percent of the recorded entries.
    """

    removal: Removal = Removal.DELETE
    manage_transfer_state: bool = False
    max_removals: int | None = None
    max_money: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    materiality: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    rates: Rates = field(default_factory=lambda: NO_RATES)
    max_changes: int | None = None
    max_percent: Decimal | None = None
    approvals: Approvals = NO_APPROVALS
    freeze: Freeze = NOTHING_FROZEN
    custom_rules: tuple[CustomRule, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    strict: frozenset[str] = frozenset()
    """The rules whose warnings stop a plan; with EVERY_RULE, all of them."""
    severities: Mapping[str, Level] = field(default_factory=lambda: MappingProxyType({}))
    """The levels of rules, where they are not those of the rules themselves."""

    @property
    def failing(self) -> frozenset[str]:
        """The rules whose warnings count as errors; with EVERY_RULE, all of them."""
        return self.strict | {
            rule for rule, level in self.severities.items() if level is Level.ERROR
        }

    @property
    def delete_cancelled(self) -> bool:
        """Whether an entry is deleted once it is cancelled."""
        return self.removal is not Removal.CANCEL
