"""Rehearses a plan: the engine applies it to a scratch ledger in memory, never to the target."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.connection import client_in_process
from reconciler.core.model.canonical import as_declaration, fingerprint
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import Change, Plan
from reconciler.core.model.proofs.rehearsal import Rehearsal
from reconciler.core.model.report import Applied
from reconciler.core.model.resource import Live
from reconciler.core.planning.diff import compare
from reconciler.core.planning.posting import Posting, postings
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.rehearsal.ledger_snapshot import LedgerSnapshot, ledger_snapshot
from reconciler.core.rehearsal.verdict import (
    new_runs,
    rehearsed_balances,
    rehearsed_changes,
    unknown_to_a_rehearsal,
)
from reconciler.daybook import CallOutcome, Intent
from reconciler.engine.apply import apply
from reconciler.engine.ports import Ports
from reconciler.errors import ReconcilerError, UsageError
from reconciler.values import dataclass
from reconciler.zuora.client import Client

if TYPE_CHECKING:
    from reconciler.ledger import Ledger

MOST_CHANGES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalOptions:
    """As whom a plan is rehearsed, and up to which size. No permissions: the finance role.

    `transactions` is a file of source transactions that new journal runs summarize.
    """

    permissions: tuple[str, ...] = ()
    limit: int = MOST_CHANGES
    transactions: Path | None = None


_TRACK_ID = "rehearsal"
"""The same for every call: a rehearsal says the same twice."""


class _MemoryLog:
    """A daybook in memory: nobody reads it once the rehearsal has ended."""

    def __init__(self) -> None:
        self._seq = count(1)

    def record_intent(self, intent: Intent) -> Intent:
        return replace(intent, seq=next(self._seq))

    def record_outcome(self, intent: Intent, outcome: CallOutcome) -> None:
        pass


def rehearse(plan: Plan, snapshot: Snapshot, options: RehearsalOptions) -> Rehearsal:
    """Apply the plan to a ledger in memory that holds what the plan was made from.

    Raises UsageError for an unknown permission or too many changes, and ReconcilerError if the
    scratch ledger cannot hold what was read.
    """
    # Plans without a rehearsal do not wait for these modules.
    from reconciler.ledger import FINANCE, trial_balance

    if (changes := len(plan.feasible)) > options.limit:
        raise UsageError(
            f"the plan has {changes} changes, and a rehearsal takes {options.limit}",
            remedy=f"Add --rehearse-limit {changes}, or plan a part of the workspace.",
        )
    if options.transactions and not new_runs(plan):
        raise UsageError(
            "--transactions: the plan creates no journal run that summarizes them",
            remedy="Omit --transactions.",
        )
    permissions = options.permissions or FINANCE
    content = ledger_snapshot(plan, snapshot)
    # The period in which a run posts is known only once it has.
    periods = content.periods
    if options.transactions:
        periods |= frozenset(snapshot.tenant.periods_by_name)
    with _scratch_ledger(content, permissions, options.transactions) as (ledger, client):
        before = trial_balance(ledger, periods)
        loaded = _as_loaded(plan, snapshot, client)
        order = {change.address: at for at, change in enumerate(plan.changes)}
        ended = sorted(
            apply(
                loaded,
                snapshot.recorded,
                Ports(ledger=client, daybook=_MemoryLog(), new_track_id=lambda: _TRACK_ID),
                parallelism=1,
                continue_on_error=True,
            ),
            key=lambda one: order[one.change.address],
        )
        ended = [replace(one, message=_without_track_id(one.message)) for one in ended]
        after = trial_balance(ledger, periods)
        by_runs = tuple(_posted_by_runs(ended, client)) if options.transactions else ()
    return Rehearsal(
        permissions=permissions,
        offline=plan.scope.offline,
        changes=rehearsed_changes(ended),
        balances=rehearsed_balances(plan, ended, before, after, by_runs),
        unknown=tuple(
            unknown_to_a_rehearsal(
                plan,
                complete=snapshot.tenant.complete,
                transactions=options.transactions.name if options.transactions else "",
            )
        ),
    )


@contextmanager
def _scratch_ledger(
    content: LedgerSnapshot, permissions: Sequence[str], transactions: Path | None
) -> Iterator[tuple["Ledger", Client]]:
    """A ledger in memory with this content, and its client. Raises as `rehearse` does."""
    from reconciler.ledger import LedgerUnusable, UnknownPermission, open_scratch

    try:
        ledger = open_scratch(content.reference, entries=content.entries, runs=content.runs)
    except LedgerUnusable as error:
        raise ReconcilerError(
            f"the plan cannot be rehearsed: {error}",
            remedy="Write the reference.yaml of the tenant, or plan without --rehearse.",
        ) from error
    with ledger:
        if transactions:
            try:
                ledger.load_transactions(transactions)
            except LedgerUnusable as error:
                raise UsageError(
                    f"--transactions: {error}", remedy="Correct the file, or omit --transactions."
                ) from error
        try:
            keys = ledger.issue_client("rehearsal", permissions)
        except UnknownPermission as error:
            remedy = "Correct the permission, or omit --rehearse-as."
            raise UsageError(f"--rehearse-as: {error}", remedy=remedy) from error
        with closing(client_in_process(ledger, *keys)) as client:
            yield ledger, client


def _posted_by_runs(applied: Iterable[Applied], client: Client) -> Iterator[Posting]:
    """What new journal runs posted on the scratch ledger."""
    for one in applied:
        kind = KINDS[one.change.address.kind]
        if kind.members and one.change.posts and one.number:
            run = client.read(kind, one.number)
            for member in run.members if run else ():
                if member.status in KINDS[kind.members].posted_states:
                    yield from postings(kind.members, member.fields, None)


def _without_track_id(message: str) -> str:
    """A message without the id of a call that nobody can look up."""
    return message.removesuffix(f" Track id {_TRACK_ID}.")


def _as_loaded(plan: Plan, snapshot: Snapshot, client: Client) -> Plan:
    """The plan with the fingerprints of the entries as the scratch ledger shows them.

    Raises ReconcilerError if it shows another entry than the one that was read.
    """

    def loaded(change: Change) -> Change:
        number = change.number
        if number is None or not change.fingerprint or not change.is_feasible:
            return change
        kind, read = KINDS[change.address.kind], snapshot.live.get(number)
        live = client.read(kind, number)
        if live is None or read is None or _differs(kind, read, live):
            raise ReconcilerError(
                f"the plan cannot be rehearsed: the scratch ledger does not hold {number} as it "
                "was read",
                remedy="Plan without --rehearse.",
            )
        return replace(change, fingerprint=fingerprint(live))

    return replace(plan, changes=tuple(map(loaded, plan.changes)))


def _differs(kind: Kind, read: Live, live: Live) -> bool:
    """Whether the scratch ledger shows another entry than the one that was read."""
    found = compare(
        kind, as_declaration(kind, read.fields), None, live.fields, manage_observed=True
    )
    return bool(found) or read.status != live.status or len(read.members) != len(live.members)
