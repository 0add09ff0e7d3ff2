"""An open daybook: reads its state, and writes to it under a lease."""

import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime

from reconciler.core.model.history import CallOutcome, Dropped, Recorded
from reconciler.core.model.resource import Address
from reconciler.daybook.events import (
    STATE,
    UNUSED,
    BoundToTenant,
    Content,
    Damaged,
    Event,
    EventType,
    Intent,
    MarkedComplete,
    RunBegun,
    RunEnded,
    Transferred,
    concluded,
    intended,
)
from reconciler.daybook.group_commit import GroupCommit
from reconciler.daybook.lease import Holder, Lease, LeaseRenewer, lease_in, release_lease
from reconciler.daybook.state import CallRecord, DaybookState, Run
from reconciler.daybook.store import Store
from reconciler.daybook.tables import MOVE, add_events
from reconciler.daybook.transaction import Transaction
from reconciler.errors import DaybookError


class DaybookReader:
    """The reading half of an open daybook. Every method may be called from several threads.

    Each of them raises DaybookError when the daybook cannot be read, or was altered.
    """

    lease: Lease | None
    place: str
    """Its path or URL, as messages name it."""
    _store: Store
    _state: DaybookState
    _mutex: threading.Lock
    _follows: bool
    """Whether there is a daybook to read again."""
    _doubt: list[Event]
    """The events of the last commit, while it is unknown whether they were written."""
    _lost: DaybookError | None

    @property
    def lineage(self) -> str:
        """Identifies the daybook; it never changes. Empty when there is no daybook."""
        return self._state.lineage

    @property
    def workspace(self) -> str:
        """The workspace it belongs to; empty when it is not recorded."""
        return self._state.workspace

    @property
    def marker(self) -> str:
        """The field that holds the markers of its entries; empty when it is not recorded."""
        return self._state.marker

    @property
    def markers(self) -> tuple[str, ...]:
        """Every field that held the markers at some time."""
        return self._state.markers

    @property
    def tenant(self) -> str | None:
        """The tenant it belongs to; None before it was bound."""
        return self._state.tenant

    @property
    def complete(self) -> bool:
        """Whether it records everything that was ever posted for the workspace."""
        return self._state.complete

    @property
    def new(self) -> bool:
        """Whether it never was complete. If it was, and is not now, it is an older copy."""
        return self._state.new

    @property
    def unchecked(self) -> tuple[str, ...]:
        """The numbers that were created, and after which no run searched and ended since."""
        with self._up_to_date() as state:
            return tuple(state.unchecked)

    @property
    def applied_commit(self) -> str:
        """The commit that was last applied completely; empty when none is known."""
        with self._up_to_date() as state:
            return state.applied_commit

    @property
    def commits(self) -> tuple[str, ...]:
        """Every commit that a run applied anything of, or completely."""
        with self._up_to_date() as state:
            return tuple(state.commits)

    @property
    def policy(self) -> str:
        """The policy that was last applied under, as text; empty when none is known."""
        with self._up_to_date() as state:
            return state.policy

    @property
    def serial(self) -> int:
        """The number of intents and outcomes written so far."""
        with self._up_to_date() as state:
            return state.serial

    @property
    def head(self) -> tuple[int, str]:
        """The number and the hash of the last event. The hash covers all events."""
        with self._up_to_date() as state:
            return state.seq, state.hash

    def recorded(self) -> Mapping[Address, Recorded]:
        with self._up_to_date() as state:
            return state.recorded()

    def dropped(self) -> Dropped:
        """The numbers that were deleted, or recorded as missing."""
        with self._up_to_date() as state:
            return state.dropped()

    def unsettled(self) -> tuple[Intent, ...]:
        """Intents of calls without a definite outcome, oldest first."""
        with self._up_to_date() as state:
            return state.unsettled()

    def tried(self, seq: int) -> CallRecord | None:
        """An intent by its sequence number, with its outcome; None when there is none."""
        with self._up_to_date() as state:
            return next(iter(state.tried(seq)), None)

    def history(self) -> tuple[CallRecord, ...]:
        """Every intent with its outcome, oldest first."""
        with self._up_to_date() as state:
            return state.tried()

    def last_calls(self, numbers: Collection[str]) -> Mapping[str, datetime]:
        """When the last call on each number was recorded; without those that had none."""
        with self._up_to_date() as state:
            return state.last_calls(numbers)

    def last_number(
        self, kind: str, *, before: Intent | None = None, checked: bool = False
    ) -> str | None:
        """The highest number of a kind.

        With `before`, of earlier runs than that intent's; with `checked`, of those that a search
        followed.
        """
        with self._up_to_date() as state:
            return state.last_number(kind, before=before.seq if before else None, checked=checked)

    def runs(self) -> tuple[Run, ...]:
        with self._up_to_date() as state:
            return tuple(state.runs)

    def held_by(self) -> Lease | None:
        """The current lease, even if the process of its holder has ended."""
        if not self._follows:
            return None
        with self._store.reading() as transaction:
            return lease_in(transaction)

    def events(self) -> tuple[Event, ...]:
        """All events, with every hash checked."""
        if not self._follows:
            return ()
        with self._store.reading() as transaction:
            return tuple(DaybookState().follow(transaction))

    def interrupted(self, plan_digest: str) -> bool:
        """Whether the last run of a plan did not complete it."""
        of_plan = [run for run in self.runs() if run.plan == plan_digest]
        return bool(of_plan) and of_plan[-1].ended is None

    @contextmanager
    def _up_to_date(self) -> Iterator[DaybookState]:
        """The state, including events that others wrote since the last read."""
        with self._mutex:
            try:
                if self._follows and (self.lease is None or self._doubt):
                    self._catch_up()
                yield self._state
            except Damaged as error:
                raise self._store.damaged(error) from error

    def _catch_up(self) -> None:
        with self._store.reading() as transaction:
            new = list(self._state.follow(transaction))
        if self._doubt and new not in ([], self._doubt):
            raise self._refusal(None)
        self._doubt = []

    def _refusal(self, fence: int | None) -> DaybookError:
        """Why nothing more may be written, from now until the daybook is opened again."""
        if self.lease is not None and fence in (None, self.lease.fence):
            self._lost = DaybookError(
                f"the daybook {self.place} was changed or replaced since serial "
                f"{self._state.serial} was read; nothing more is written",
                remedy="Run the command again: it reads the daybook again and settles open calls.",
            )
        else:
            self._lost = DaybookError(
                "another apply took the daybook over, or its lease was broken; nothing more is "
                "written",
                remedy="Wait until it has ended, then run the command again: it settles open "
                "calls.",
            )
        return self._lost


class Daybook(DaybookReader):
    """An open daybook. Every method may be called from several threads.

    Each of them raises DaybookError when the daybook cannot be read or written, when it was
    altered, or when another process took over the lease. After an error in writing nothing is
    assumed: the next call reads what the daybook holds.
    """

    def __init__(
        self,
        store: Store,
        state: DaybookState,
        *,
        clock: Callable[[], datetime],
        lease: Lease | None = None,
        follows: bool = True,
    ) -> None:
        self.lease, self.place = lease, store.place
        self._store, self._state, self._follows = store, state, follows
        self._clock = clock
        self._mutex = threading.Lock()
        self._writes = GroupCommit(self._write)
        self._run = str(uuid.uuid4())
        self._doubt, self._lost = [], None
        self._renewer: LeaseRenewer | None = None
        if lease is not None and store.lease_seconds is not None:
            self._renewer = LeaseRenewer(store, lease, seconds=store.lease_seconds)

    def bind(self, tenant: str, *, workspace: str = "", marker: str = "") -> None:
        """Record the tenant, the workspace and the field of its markers. The first apply does it.

        A workspace may change its name and that field until the first call is recorded.
        """
        bound, used = self.tenant, bool(self.serial)
        named = self.workspace if used and self.workspace else workspace or self.workspace
        placed = self.marker if used and self.marker else marker or self.marker
        if bound is None or (named, placed) != (self.workspace, self.marker):
            tenant = tenant if bound is None else bound
            content = BoundToTenant(tenant=tenant, workspace=named, marker=placed)
            self._writes.submit((EventType.BOUND_TO_TENANT, content))

    def move_marker(self, marker: str) -> None:
        """Record that every entry has its marker in another field now."""
        if self.tenant is not None and marker != self.marker:
            content = BoundToTenant(tenant=self.tenant, workspace=self.workspace, marker=marker)
            self._writes.submit((EventType.BOUND_TO_TENANT, content))

    def mark_complete(self) -> None:
        """Record that it has every entry of the workspace: proved by a search, or stated."""
        if not self.complete:
            self._writes.submit((EventType.MARKED_COMPLETE, MarkedComplete()))

    def mark_incomplete(self) -> None:
        """Record that the ledger showed that the daybook may lack entries."""
        if self.complete:
            self._writes.submit((EventType.MARKED_COMPLETE, MarkedComplete(holds=False)))

    def begin(self, plan_digest: str, *, commit: str = "") -> None:
        """Record that a run of a plan begins, and the commit of the files that it applies."""
        begun = RunBegun(run=self._run, plan=plan_digest, commit=commit)
        self._writes.submit((EventType.RUN_BEGUN, begun))

    def end(self, *, commit: str = "", policy: str = "", checked: bool = False) -> None:
        """Record that the run completed all that its plan allowed.

        `commit` is the commit of the files, if nothing that they declare is left to apply.
        `policy` is the policy that a later, different one is compared with. `checked` says that no
        declaration is posted twice, as far as the ledger can be searched.
        """
        ended = RunEnded(run=self._run, commit=commit, policy=policy, checked=checked)
        self._writes.submit((EventType.RUN_ENDED, ended))

    def record_intent(self, intent: Intent) -> Intent:
        """Write an intent before its call; it is durable when this returns (I-04)."""
        event = self._writes.submit((EventType.INTENT, intended(intent, run=self._run)))
        return replace(intent, seq=event.seq)

    def record_outcome(self, intent: Intent, outcome: CallOutcome) -> None:
        """Write an outcome, durable when this returns. Of several of one intent the last counts."""
        self._writes.submit((EventType.OUTCOME, concluded(intent.seq, outcome)))

    def note_export(self, holder: Holder) -> None:
        self._writes.submit(
            (EventType.EXPORTED, Transferred(holder=asdict(holder), events=self._state.seq))
        )

    def replace_by(self, chain: list[Event], state: DaybookState, holder: Holder) -> None:
        """Replace this empty daybook by a checked chain of events, in one transaction."""
        noted = Transferred(holder=asdict(holder), events=state.seq)
        at = self._clock().isoformat()
        with self._mutex, self._store.writing() as transaction:
            (event,) = state.next_events([(EventType.IMPORTED, noted)], at=at)
            self._move(transaction, [event])
            transaction.change("DELETE FROM events")
            add_events(transaction, [*chain, event])
            state.take(event)
            transaction.change("UPDATE head SET serial = ?", state.serial)
            statement = """UPDATE meta SET value = ? WHERE "key" = 'lineage'"""
            transaction.change(statement, state.lineage)
            self._state = state

    def close(self, *, keep_unused: bool = True) -> None:
        """Release the lease, and the file or the connections.

        If the last write failed, the lease stays: the call of that write is not settled. Without
        `keep_unused`, a daybook that was created for nothing is removed.
        """
        if self._renewer is not None:
            self._renewer.stop()
            self._renewer = None
        if self.lease is not None and not self._doubt and self._lost is None:
            with suppress(DaybookError):
                unused = not keep_unused and self._is_unused()
                with self._store.writing() as transaction:
                    release_lease(transaction, self.lease)
                if unused:
                    self._store.discard()
        self.lease = None
        self._store.close()

    def _is_unused(self) -> bool:
        """Whether this process created the daybook, and recorded nothing that was posted in it."""
        first = self.lease is not None and self.lease.fence == 1
        return first and not self.serial and {one.type for one in self.events()} <= UNUSED

    def _write(self, wishes: Sequence[tuple[EventType, Content]]) -> Sequence[Event]:
        """Write events after the last known one, all or none; they are durable afterwards."""
        with self._mutex:
            if self._lost is not None:
                raise self._lost
            if self._doubt:
                self._catch_up()
            at = self._clock().isoformat()
            chain = self._doubt = self._state.next_events(wishes, at=at)
            with self._store.writing() as transaction:
                self._move(transaction, chain)
                add_events(transaction, chain)
            if self._store.is_replaced():
                # The events are in a file that nobody reads any more.
                raise self._refusal(None)
            self._doubt = []
            for event in chain:
                self._state.take(event)
            return chain

    def _move(self, transaction: Transaction, chain: Sequence[Event]) -> None:
        """Make the last of some events the last one, if this process still holds the lease."""
        fence = self.lease.fence if self.lease is not None else -1
        known = fence, self._state.seq, self._state.hash
        serial = self._state.serial + sum(event.type in STATE for event in chain)
        if transaction.change(MOVE, chain[-1].seq, serial, chain[-1].hash, *known) != 1:
            found = transaction.rows("SELECT fence FROM head")
            raise self._refusal(found[0][0] if found else None)
