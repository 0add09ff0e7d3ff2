"""The result of a rehearsal: what a scratch ledger accepts, and its trial balance."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from reconciler.values import dataclass


class Rehearsed(StrEnum):
    """How one change ended on the scratch ledger."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_ATTEMPTED = "not-attempted"
    """The run ended before it, as an apply would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedChange:
    """One change on the scratch ledger; `message` is what the ledger says against it."""

    kind: str
    name: str
    action: str
    outcome: Rehearsed
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedBalance:
    """The sums of one accounting code, period and currency by the scratch ledger and by the plan.

    The names without `planned` are those of the ledger's own trial balance. `planned` is what the
    accepted changes do by the plan's impact.
    """

    period: str
    code: str
    currency: str
    debit_before: Decimal
    credit_before: Decimal
    debit_after: Decimal
    credit_after: Decimal
    planned_debit_before: Decimal
    planned_credit_before: Decimal
    planned_debit_after: Decimal
    planned_credit_after: Decimal

    @property
    def agrees(self) -> bool:
        """Whether ledger and plan have the same sums, before and after."""
        found = (self.debit_before, self.credit_before, self.debit_after, self.credit_after)
        return found == (
            *(self.planned_debit_before, self.planned_credit_before),
            *(self.planned_debit_after, self.planned_credit_after),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What became of a plan on a scratch ledger, by a client with these `permissions`.

    `balances` has a row wherever the ledger or the plan moves an amount. `unknown` says what a
    rehearsal cannot know.
    """

    permissions: tuple[str, ...]
    offline: bool
    changes: tuple[RehearsedChange, ...] = ()
    balances: tuple[RehearsedBalance, ...] = ()
    unknown: tuple[str, ...] = ()

    def ended(self, *outcomes: Rehearsed) -> tuple[RehearsedChange, ...]:
        """The changes that ended in one of these ways."""
        return tuple(one for one in self.changes if one.outcome in outcomes)

    @property
    def differing(self) -> tuple[RehearsedBalance, ...]:
        """The rows in which ledger and plan disagree."""
        return tuple(row for row in self.balances if not row.agrees)

    @property
    def holds(self) -> bool:
        """Whether every change was accepted, and every row agrees."""
        accepted: Iterable[bool] = (one.outcome is Rehearsed.ACCEPTED for one in self.changes)
        return all(accepted) and not self.differing
