"""An open daybook: what it knows, and how it is written to under a lease."""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from reconciler.core.model.history import Recorded, Result
from reconciler.core.model.resource import Address
from reconciler.daybook.events import (
    STATE,
    BoundToTenant,
    Concluded,
    Content,
    Damaged,
    Event,
    EventType,
    Intent,
    MarkedComplete,
    RunBegun,
    RunEnded,
    Transferred,
    intended,
)
from reconciler.daybook.lease import Holder, Lease, LeaseRenewer, lease_in, release_lease
from reconciler.daybook.state import CallRecord, DaybookState, Run
from reconciler.daybook.store import Store, damaged, reading, writing
from reconciler.daybook.tables import EVENT_COLUMNS, add_events, events, head, meta
from reconciler.errors import DaybookError

_MOVE = (
    update(head)
    .where(
        head.c.fence == bindparam("my_fence"),
        head.c.seq == bindparam("my_seq"),
        head.c.hash == bindparam("my_hash"),
    )
    .values(seq=bindparam("new_seq"), serial=bindparam("new_serial"), hash=bindparam("new_hash"))
)
"""Takes effect only for who holds the highest fence and knows all that was written (I-41, I-42)."""


class Daybook:
    """An open daybook. Every method may be called from several threads.

    Each of them raises DaybookError when the daybook cannot be read or written, when it is not as
    it was written, or when another process took the right to write over. After an error in writing
    nothing is assumed: the next call looks what the daybook holds.
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
        self.lease = lease
        self.place = store.place
        """Where it is, as messages name it."""
        self._store = store
        self._state = state
        self._clock = clock
        self._mutex = threading.Lock()
        self._run = str(uuid.uuid4())
        self._follows = follows
        """Whether there is anything to read again: not where there is no daybook."""
        self._doubt: Event | None = None
        """What was tried to be written last, when nobody knows whether it was."""
        self._lost: DaybookError | None = None
        self._renewer: LeaseRenewer | None = None
        if lease is not None and store.lease_seconds is not None:
            self._renewer = LeaseRenewer(store, lease, seconds=store.lease_seconds)

    @property
    def lineage(self) -> str:
        """What tells this daybook from every other; it never changes. Empty when there is none."""
        return self._state.lineage

    @property
    def workspace(self) -> str:
        """The workspace it belongs to, where it says."""
        return self._state.workspace

    @property
    def tenant(self) -> str | None:
        """Whose ledger it belongs to, once it was bound."""
        return self._state.tenant

    @property
    def complete(self) -> bool:
        """Whether it is known to hold all that was ever posted under the workspace's name."""
        return self._state.complete

    @property
    def applied_commit(self) -> str:
        """The commit that was last applied as a whole; empty when none is known."""
        with self._up_to_date() as state:
            return state.applied_commit

    @property
    def policy(self) -> str:
        """The policy that was last applied under, as text; empty when none is known."""
        with self._up_to_date() as state:
            return state.policy

    @property
    def serial(self) -> int:
        """How many intents and outcomes were ever written: it rises with every write of those."""
        with self._up_to_date() as state:
            return state.serial

    @property
    def head(self) -> tuple[int, str]:
        """The number of the last event, and its hash, which seals all of them."""
        with self._up_to_date() as state:
            return state.seq, state.hash

    def recorded(self) -> Mapping[Address, Recorded]:
        """What is remembered of every address."""
        with self._up_to_date() as state:
            return state.recorded()

    def unsettled(self) -> tuple[Intent, ...]:
        """Intents of calls that have no definite outcome, oldest first."""
        with self._up_to_date() as state:
            return state.unsettled()

    def tried(self, seq: int) -> CallRecord | None:
        """One intent by its sequence number, with what is known of it; None when there is none."""
        with self._up_to_date() as state:
            return next(iter(state.tried(seq)), None)

    def history(self) -> tuple[CallRecord, ...]:
        """Every intent with what is known of it, oldest first."""
        with self._up_to_date() as state:
            return state.tried()

    def last_number(self, kind: str, *, before: Intent | None = None) -> str | None:
        """The highest number of a kind that is state, or was when the run of an intent began."""
        with self._up_to_date() as state:
            return state.last_number(kind, before=before.seq if before else None)

    def runs(self) -> tuple[Run, ...]:
        """Every run of a plan, oldest first."""
        with self._up_to_date() as state:
            return tuple(state.runs)

    def held_by(self) -> Lease | None:
        """The lease that it is held under at the moment, also by a process that is gone."""
        if not self._follows:
            return None
        with reading(self._store) as connection:
            return lease_in(connection)

    def events(self) -> tuple[Event, ...]:
        """The whole chain, checked: each event with the hash that seals it and all before it."""
        if not self._follows:
            return ()
        with reading(self._store) as connection:
            DaybookState().catch_up(connection)
            rows = connection.execute(select(*EVENT_COLUMNS).order_by(events.c.seq))
            return tuple(Event(*row) for row in rows)

    def bind(self, tenant: str, *, workspace: str = "") -> None:
        """Remember whose ledger and workspace these are; it is bound once, at the first apply."""
        if self.tenant is None:
            self._append(
                EventType.BOUND_TO_TENANT, BoundToTenant(tenant=tenant, workspace=workspace)
            )
        elif workspace and not self.workspace:
            self._append(
                EventType.BOUND_TO_TENANT, BoundToTenant(tenant=self.tenant, workspace=workspace)
            )

    def mark_complete(self) -> None:
        """Remember that nothing stands in the ledger under the workspace's name but what is here.

        A search of the ledger proved it, or somebody gave his word for it.
        """
        if not self.complete:
            self._append(EventType.MARKED_COMPLETE, MarkedComplete())

    def begin(self, plan_digest: str) -> None:
        """Write that a run of a plan begins."""
        self._append(EventType.RUN_BEGUN, RunBegun(run=self._run, plan=plan_digest))

    def end(self, *, commit: str = "", policy: str = "") -> None:
        """Write that the run carried out all that its plan allowed.

        `commit` is what the files were, where nothing that they declare is left to apply;
        `policy` what counts from now on beside a later one.
        """
        self._append(EventType.RUN_ENDED, RunEnded(run=self._run, commit=commit, policy=policy))

    def interrupted(self, plan_digest: str) -> bool:
        """Whether the last run of a plan did not carry it out."""
        of_plan = [run for run in self.runs() if run.plan == plan_digest]
        return bool(of_plan) and of_plan[-1].ended is None

    def record_intent(self, intent: Intent) -> Intent:
        """Write an intent before its call; it is durable when this returns (I-04)."""
        event = self._append(EventType.INTENT, intended(intent, run=self._run))
        return replace(intent, seq=event.seq)

    def record_outcome(
        self, intent: Intent, result: Result, *, number: str | None = None, detail: str = ""
    ) -> None:
        """Write an outcome of an intent; it is durable when this returns.

        Of several outcomes of one intent the last one counts.
        """
        content = Concluded(intent=intent.seq, result=result.value, number=number, detail=detail)
        self._append(EventType.OUTCOME, content)

    def note_export(self, holder: Holder) -> None:
        """Write that a copy of it is made."""
        self._append(EventType.EXPORTED, Transferred(holder=asdict(holder), events=self._state.seq))

    def replace_by(self, chain: list[Event], state: DaybookState, holder: Holder) -> None:
        """Become the daybook that a checked chain is, in one transaction; this one was empty."""
        noted = Transferred(holder=asdict(holder), events=state.seq)
        at = self._clock().isoformat()
        with self._mutex, writing(self._store) as connection:
            event = state.next_event(EventType.IMPORTED, noted, at=at)
            self._move(connection, event)
            connection.execute(delete(events))
            add_events(connection, [*chain, event])
            state.take(event)
            connection.execute(update(head).values(serial=state.serial))
            of_lineage = update(meta).where(meta.c.key == "lineage")
            connection.execute(of_lineage.values(value=state.lineage))
            self._state = state

    def close(self) -> None:
        """Give the lease back, and the file or the connections.

        Not the lease when the last write failed: what it was about is still to be settled.
        """
        if self._renewer is not None:
            self._renewer.stop()
            self._renewer = None
        if self.lease is not None and self._doubt is None and self._lost is None:
            with suppress(DaybookError), writing(self._store) as connection:
                release_lease(connection, self.lease)
        self.lease = None
        self._store.close()

    @contextmanager
    def _up_to_date(self) -> Iterator[DaybookState]:
        """What is known now, with what was written since it was last asked."""
        with self._mutex:
            try:
                if self._follows and (self.lease is None or self._doubt is not None):
                    self._catch_up()
                yield self._state
            except Damaged as error:
                raise damaged(self._store, error) from error

    def _catch_up(self) -> None:
        with reading(self._store) as connection:
            new = self._state.catch_up(connection)
        if self._doubt is not None and new not in ([], [self._doubt]):
            raise self._refusal(None)
        self._doubt = None

    def _append(self, event_type: EventType, content: Content) -> Event:
        """Write an event after the last one that is known here; it is durable when this returns."""
        with self._mutex:
            if self._lost is not None:
                raise self._lost
            if self._doubt is not None:
                self._catch_up()
            at = self._clock().isoformat()
            event = self._doubt = self._state.next_event(event_type, content, at=at)
            with writing(self._store) as connection:
                self._move(connection, event)
                add_events(connection, [event])
            self._doubt = None
            self._state.take(event)
            return event

    def _move(self, connection: Connection, event: Event) -> None:
        """Move the end of the daybook on, if this is still the one that may."""
        values = {
            "my_fence": self.lease.fence if self.lease is not None else -1,
            "my_seq": self._state.seq,
            "my_hash": self._state.hash,
            "new_seq": event.seq,
            "new_serial": self._state.serial + (event.type in STATE),
            "new_hash": event.hash,
        }
        if connection.execute(_MOVE, values).rowcount != 1:
            fence = connection.execute(select(head.c.fence)).scalar_one_or_none()
            raise self._refusal(fence)

    def _refusal(self, fence: int | None) -> DaybookError:
        """Why nothing more may be written: it stays so until the daybook is opened again."""
        if self.lease is not None and fence in (None, self.lease.fence):
            self._lost = DaybookError(
                f"the daybook {self.place} is not the one that was read: it was written to, or "
                f"replaced, since serial {self._state.serial}; nothing more is written",
                remedy="Run the command again: it reads the daybook anew, and settles what is "
                "open.",
            )
        else:
            self._lost = DaybookError(
                "another apply took the daybook over, or its lease was broken, so nothing more is "
                "written",
                remedy="Wait until it has ended, then run the command again: it settles what is "
                "open.",
            )
        return self._lost
