"""The plan: changes to the ledger, their reasons and their impact."""

from collections.abc import Mapping
from dataclasses import field, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from reconciler.core.model.finding import PlanWarning, Refusal, UnansweredDifference
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import difference
from reconciler.core.model.policy import NO_RATES, Rates
from reconciler.core.model.proofs.rehearsal import Rehearsal
from reconciler.core.model.resource import Address, Line, Live, Source, Value
from reconciler.core.model.reversal_pair import ReversalPair
from reconciler.core.model.review import NO_REQUIREMENT, Requirement, SignOff
from reconciler.core.model.schedule import WaitingParts
from reconciler.core.model.scope import (
    NOTHING_OUT_OF_SCOPE,
    UNKNOWN_ORIGIN,
    WHOLE,
    BaseCommit,
    OutOfScope,
    Provenance,
    Scope,
)
from reconciler.values import dataclass

CANCELLED = "Cancelled"
"""The status of a cancelled entry or run (API facts 3.4, 5.4)."""


GONE = "gone"
"""The status of an entry that no read finds, in drift and in acknowledgements."""

AGAIN = "posted-again"
"""The status in drift of an entry that was removed, and is posted again."""


class Action(StrEnum):
    """What happens to one address."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    REMOVE = "remove"
    ADOPT = "adopt"
    FORGET = "forget"
    KEEP = "keep"
    BLOCKED = "blocked"


class Verb(StrEnum):
    """One call to the ledger."""

    CREATE = "create"
    UPDATE = "update"
    CANCEL = "cancel"
    DELETE = "delete"


class Reason(StrEnum):
    """Why an address needs its action, as a stable code."""

    NEW = "new"
    CHANGED = "changed"
    DRIFTED = "drifted"
    UNDECLARED = "undeclared"
    CANCELLED_IN_LEDGER = "cancelled-in-ledger"
    MISSING_IN_LEDGER = "missing-in-ledger"
    RESUMED = "resumed"
    RECORD_ONLY = "record-only"
    UNCHANGED = "unchanged"
    FAILED_IN_LEDGER = "failed-in-ledger"
    ADOPTED = "adopted"
    FOUND = "found"
    POSTED_AGAIN = "posted-again"
    LEFT_TO_RUN = "left-to-run"
    RENAMED = "renamed"
    RETIRED = "retired"


LEDGER_MOVED = frozenset(
    {
        Reason.DRIFTED,
        Reason.CANCELLED_IN_LEDGER,
        Reason.MISSING_IN_LEDGER,
        Reason.FAILED_IN_LEDGER,
    }
)
"""The reasons that lie in the ledger alone: the file is as it was applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that differs between live and declared. None means absent."""

    name: str
    before: Value
    after: Value
    in_place: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LineUpdate:
    """One line whose basic information changes: the live `line`, and the wanted `fields`."""

    line: Line
    fields: Mapping[str, Value]
    before: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The differences between live and declared. Falsy if there are none."""

    fields: tuple[FieldChange, ...] = ()
    line_updates: tuple[LineUpdate, ...] = ()
    lines_removed: tuple[Line, ...] = ()
    lines_added: tuple[Line, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.fields or self.line_updates)

    @property
    def forced_by(self) -> tuple[str, ...]:
        """The changed fields that cannot be updated: the entry must be replaced."""
        return tuple(change.name for change in self.fields if not change.in_place)


UNCHANGED = Comparison()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call of a change; `number` is None for a create."""

    verb: Verb
    number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The action for one address, and its reason.

    `wanted` is the action without the block. `before` and `after` are the entry in the form of a
    declaration, None if it is not posted. `members` are the live entries of a journal run, and
    `journal_run` is the run of an adopted entry. `renamed_from` is the previous name of the
    entry. `fingerprint` is the digest of the live entry; a step is refused if it has changed.
    """

    address: Address
    action: Action
    reason: Reason
    wanted: Action
    steps: tuple[Step, ...] = ()
    number: str | None = None
    status: str = ""
    """The live status of `number` when the plan was made; empty if it is not live."""
    source: Source | None = None
    comparison: Comparison = UNCHANGED
    before: Mapping[str, Value] | None = None
    after: Mapping[str, Value] | None = None
    block: Refusal | None = None
    period: str = ""
    period_status: str = ""
    transferred: str = ""
    currency: str = ""
    protect: bool = False
    members: tuple[Live, ...] = ()
    journal_run: str = ""
    renamed_from: str = ""
    reverses: str = ""
    """The entry that this one reverses: its name, or its number if no file declares it."""
    reversed_by: str = ""
    """The name of the entry that reverses this one."""
    fingerprint: str = ""

    @property
    def number_posted(self) -> bool:
        """Whether the entry is posted before the plan."""
        return self.status in KINDS[self.address.kind].posted_states

    @property
    def left_by_ledger(self) -> bool:
        """Whether it is blocked, and the state of the ledger asks for it instead of a file."""
        return self.block is not None and (
            self.wanted is Action.KEEP or self.reason in LEDGER_MOVED
        )

    def blocked_by(self, block: Refusal) -> "Change":
        return replace(self, action=Action.BLOCKED, block=block)

    @property
    def is_feasible(self) -> bool:
        """Whether apply makes the change."""
        return self.action not in (Action.KEEP, Action.BLOCKED)

    @property
    def posts(self) -> bool:
        """Whether the change posts a new entry."""
        return any(step.verb is Verb.CREATE for step in self.steps)

    @property
    def cancels(self) -> bool:
        """Whether the change cancels a posted entry."""
        return any(step.verb is Verb.CANCEL for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A live entry that changed since the last apply; `status` tells if no read finds it."""

    address: Address
    number: str
    status: str
    comparison: Comparison = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """The effect of the plan on one accounting code, period and currency; managed entries only.

    `home_change` is the net change in the home currency, None if it is unknown. A row that is
    divided has one such value for each combination of `dimensions`, which name their values.
    """

    period: str
    code: str
    currency: str
    debit_before: Decimal
    credit_before: Decimal
    debit_after: Decimal
    credit_after: Decimal
    home_change: Decimal | None = None
    dimensions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def net_before(self) -> Decimal:
        """Debits minus credits before the plan."""
        return difference(self.debit_before, self.credit_before)

    @property
    def net_after(self) -> Decimal:
        """Debits minus credits after the plan."""
        return difference(self.debit_after, self.credit_after)

    @property
    def net_change(self) -> Decimal:
        """The change in debits minus credits."""
        return difference(self.net_after, self.net_before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfers:
    """How many posted entries of a period have each transfer state; managed entries only.

    `failed` names the declaration of each number whose transfer ended in an error.
    """

    period: str
    counts: Mapping[str, int]
    failed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Sums posted and removed by the plan in one currency; each pair must be equal."""

    currency: str
    home: bool
    posted_debit: Decimal
    posted_credit: Decimal
    removed_debit: Decimal
    removed_credit: Decimal

    @property
    def holds(self) -> bool:
        """Whether debits equal credits."""
        return self.posted_debit == self.posted_credit and self.removed_debit == self.removed_credit


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowances:
    """Limits that options of the command set in place of the defaults.

    `adopt_found` is how many entries may be adopted that only their marker ties to the workspace.
    `allow_equal` is how many may be posted although the ledger has an equal one of somebody else.
    """

    max_removals: int | None = None
    max_missing: int | None = None
    adopt_found: int | None = None
    allow_equal: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """What options of the command say about the search of the ledger.

    With `find` everything is searched for. `probe_from` is the first number to probe if the ledger
    cannot be searched. `first_apply` states that nothing of the workspace was ever posted.
    """

    find: bool = False
    probe_from: str | None = None
    first_apply: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the plan was computed from: the ledger, the daybook, the files."""

    workspace: str
    host: str
    tenant_id: str
    entity_id: str
    lineage: str
    home_currency: str | None
    marker_place: str
    files_digest: str = ""
    serial: int = 0
    origin: Provenance = UNKNOWN_ORIGIN


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveState:
    """How the live state of a plan is known, if not by reads alone.

    A Data Query `asked_at` the ledger's time said of `by_query` entries that they did not change
    since an earlier read. `by_read` entries were read for this plan.
    """

    asked_at: str
    by_query: int
    by_read: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The ordered changes and their basis."""

    basis: Basis
    changes: tuple[Change, ...] = ()
    drift: tuple[Drift, ...] = ()
    impact: tuple[Impact, ...] = ()
    balance: tuple[Balance, ...] = ()
    unanswered: tuple[UnansweredDifference, ...] = ()
    transfers: tuple[Transfers, ...] = ()
    reversals: tuple[ReversalPair, ...] = ()
    waiting: tuple[WaitingParts, ...] = ()
    """What schedules and `reverseOn` post in later periods. The digest does not depend on it."""
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[PlanWarning, ...] = ()
    allowances: Allowances = Allowances()
    search: SearchOptions = SearchOptions()
    scope: Scope = WHOLE
    out_of_scope: OutOfScope = NOTHING_OUT_OF_SCOPE
    requirement: Requirement = NO_REQUIREMENT
    materiality: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    """By currency, the debits from which a change is material; from the policy."""
    rates: Rates = field(default_factory=lambda: NO_RATES)
    """What foreign currency counts as, at the least; from the policy."""
    rehearsal: Rehearsal | None = None
    sign_off: SignOff | None = None
    """None where nobody asked. The digest does not depend on it."""
    digest: str = ""
    live: LiveState | None = None
    """None where every entry was read. The digest does not depend on it."""
    base: BaseCommit | None = None
    """What the files are compared with, if that is neither the ledger nor the daybook.

    The numbers of entries are unknown then: None in the steps as well.
    """
    summary: Mapping[Action, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that are not `keep`, blocked ones included."""
        return tuple(change for change in self.changes if change.action is not Action.KEEP)

    @property
    def asked(self) -> tuple[Change, ...]:
        """The changes that an apply makes, or that files ask for and something blocks."""
        return tuple(change for change in self.pending if not change.left_by_ledger)

    @property
    def feasible(self) -> tuple[Change, ...]:
        """The changes that apply makes."""
        return tuple(change for change in self.changes if change.is_feasible)
