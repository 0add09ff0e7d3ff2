"""The state that follows from the events of a daybook; every event is checked."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from reconciler.core.model.canonical import StoredSpec
from reconciler.core.model.history import (
    CALLS,
    Act,
    CallHistory,
    CallOutcome,
    Dropped,
    Recorded,
    Result,
    dropped,
    fold,
)
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.resource import Address
from reconciler.daybook import events
from reconciler.daybook.tables import add_events, events_after, head_of, meta_of
from reconciler.daybook.transaction import Transaction
from reconciler.values import dataclass

_MARKED = frozenset(kind.name for kind in KINDS.values() if kind.carries_marker)
"""The kinds of entries that a search of the ledger finds."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """An intent with its last outcome; None while there is none."""

    intent: events.Intent
    at: str
    outcome: CallOutcome | None = None

    @property
    def result(self) -> Result | None:
        return None if self.outcome is None else self.outcome.result

    @property
    def open(self) -> bool:
        """Whether its outcome is unknown."""
        return self.result in (None, Result.UNKNOWN)


@dataclass(slots=True)
class _Attempt:
    """An intent as it was written, and its last outcome."""

    seq: int
    at: str
    address: Address
    act: Act
    content: events.Intended
    ended: events.Concluded | None = None
    last_at: str = ""
    """When its last outcome was recorded."""
    numbers: tuple[str, ...] = ()
    """Of all outcomes."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of a plan, by the local clock."""

    run: str
    plan: str
    begun: str
    seq: int
    """The event with which it began."""
    ended: str | None = None


def plan_of(event: int, runs: Sequence[Run]) -> str:
    """The digest of the plan whose run wrote an event; empty for none."""
    return next((run.plan for run in reversed(runs) if run.seq < event), "")


def _otherwise_in(note: str) -> dict[str, tuple[str, str]]:
    return msgspec.json.decode(note, type=dict[str, tuple[str, str]]) if note else {}


class DaybookState:
    """The state after the events applied so far. Not thread-safe."""

    def __init__(self) -> None:
        self.lineage = ""
        self.workspace = ""
        self.marker = ""
        self.markers: tuple[str, ...] = ()
        self.tenant: str | None = None
        self.complete = False
        self.new = True
        """Whether it was never complete."""
        self.unchecked: dict[str, None] = {}
        """The numbers that were created since a run last ended with its check, in their order."""
        self.applied_commit = ""
        self.commits: dict[str, None] = {}
        """Every commit that a run applied anything of, or completely."""
        self.policy = ""
        self.seq = 0
        self.serial = 0
        self.hash = events.GENESIS
        self.attempts: dict[int, _Attempt] = {}
        self.runs: list[Run] = []
        self._calls: tuple[CallHistory, ...] | None = None
        self._recorded: Mapping[Address, Recorded] | None = None
        self._dropped: Dropped | None = None

    def next_events(
        self, wishes: Iterable[tuple[events.EventType, events.Content]], *, at: str
    ) -> list[events.Event]:
        """The events that would come next with these contents, in their order."""
        chain: list[events.Event] = []
        seq, previous = self.seq, self.hash
        for event_type, content in wishes:
            seq, text = seq + 1, events.encoder.encode(content).decode()
            previous = events.seal(previous, seq, at, event_type, text)
            chain.append(events.Event(seq, at, event_type.value, text, previous))
        return chain

    def append(
        self,
        transaction: Transaction,
        event_type: events.EventType,
        content: events.Content,
        *,
        at: str,
    ) -> None:
        """Add an event and move the head, which nobody else can move meanwhile."""
        (event,) = self.next_events([(event_type, content)], at=at)
        add_events(transaction, [event])
        transaction.change("UPDATE head SET seq = ?, hash = ?", event.seq, event.hash)
        self.take(event)

    def take(self, event: events.Event) -> None:
        """Apply the next event. Raises Damaged when it does not follow the last one."""
        if event.seq != self.seq + 1:
            raise events.Damaged(f"event {self.seq + 1} is missing or out of its place")
        if event.hash != events.seal(self.hash, event.seq, event.at, event.type, event.content):
            raise events.Damaged(f"event {event.seq} is not as it was written")
        if not self.seq and event.type != events.EventType.CREATED:
            raise events.Damaged(f"event {event.seq} cannot be the first event")
        content = events.content_of(event)
        try:
            self._apply(event, content)
        except (ValueError, KeyError) as error:
            raise events.Damaged(f"event {event.seq} is impossible: {error}") from error
        self.seq, self.hash = event.seq, event.hash
        self.serial += event.type in events.STATE
        self._calls = self._recorded = self._dropped = None

    def _apply(self, event: events.Event, content: events.Content) -> None:
        """Change the state. Types that are not named here are only shown."""
        match content:
            case events.Intended():
                if content.spec:
                    content.spec = content.spec.copy()  # a view would keep the whole event
                address, act = Address(content.kind, content.name), Act(content.act)
                self.attempts[event.seq] = _Attempt(event.seq, event.at, address, act, content)
            case events.Concluded():
                self._conclude(content, event.at)
            case events.Created():
                if self.seq:
                    raise ValueError("it creates a daybook a second time")
                self.lineage, self.workspace = content.lineage, content.workspace
            case events.BoundToTenant():
                self._bind(content)
            case events.MarkedComplete():
                self.complete, self.new = content.holds, False
            case events.RunBegun():
                self.commits |= dict.fromkeys(filter(None, [content.commit]))
                self.runs.append(
                    Run(run=content.run, plan=content.plan, begun=event.at, seq=event.seq)
                )
            case events.RunEnded():
                if content.checked:
                    self.unchecked.clear()
                self.commits |= dict.fromkeys(filter(None, [content.commit]))
                self.applied_commit = content.commit or self.applied_commit
                self.policy = content.policy or self.policy
                begun = (run for run in reversed(self.runs) if run.run == content.run)
                if ended := next(begun, None):
                    ended.ended = event.at

    def _bind(self, content: events.BoundToTenant) -> None:
        self.tenant = content.tenant
        before = self.workspace, self.marker
        self.workspace = content.workspace or self.workspace
        self.marker = content.marker or self.marker
        if content.marker and content.marker not in self.markers:
            self.markers = (*self.markers, content.marker)
        if not self.serial and before != (self.workspace, self.marker):
            # What a search proved was proved for the markers of that time.
            self.complete, self.new = False, True

    def _conclude(self, content: events.Concluded, at: str) -> None:
        tried = self.attempts.get(content.intent)
        if tried is None:
            raise ValueError(f"no event {content.intent} is an intent")
        tried.ended, tried.last_at, result = content, at, Result(content.result)
        created = tried.act is Act.CREATE and result is Result.DONE
        if created and content.number and tried.address.kind in _MARKED:
            self.unchecked[content.number] = None
        if content.number is not None and content.number not in tried.numbers:
            tried.numbers = (*tried.numbers, content.number)

    def catch_up(self, transaction: Transaction) -> None:
        """Apply the newer events of a database. Raises Damaged."""
        for _ in self.follow(transaction):
            pass

    def follow(self, transaction: Transaction) -> Iterator[events.Event]:
        """The newer events of a database, each once it is applied. Raises Damaged."""
        # Readers see both in one state of the database; a writer alone can move its own.
        end = head_of(transaction)
        for event in events_after(transaction, self.seq):
            self.take(event)
            yield event
        if self.seq < end.seq:
            raise events.Damaged(f"event {self.seq + 1} is missing, and what follows it")
        if (self.seq, self.serial, self.hash) != (end.seq, end.serial, end.hash):
            raise events.Damaged(f"its events end at {self.seq}, and it records {end.seq}")
        if meta_of(transaction).get("lineage") != self.lineage:
            raise events.Damaged("its lineage differs from that of its events")

    def recorded(self) -> Mapping[Address, Recorded]:
        """The recorded state of every address. Raises Damaged."""
        if self._recorded is None:
            self._recorded = fold(self._history())
        return self._recorded

    def dropped(self) -> Dropped:
        if self._dropped is None:
            self._dropped = dropped(self._history())
        return self._dropped

    def _history(self) -> tuple[CallHistory, ...]:
        if self._calls is None:
            self._calls = tuple(
                CallHistory(
                    address=tried.address,
                    act=tried.act,
                    result=Result(tried.ended.result) if tried.ended else None,
                    number=(tried.ended and tried.ended.number) or tried.content.number,
                    spec=StoredSpec(tried.content.spec) if tried.content.spec else None,
                    protect=tried.content.protect,
                    reverses=tried.content.reverses,
                    entries=tried.ended.entries if tried.ended else (),
                    otherwise=_otherwise_in(
                        (tried.content.payload or "") if tried.act is Act.NOTE else ""
                    ),
                )
                for tried in self.attempts.values()
            )
        return self._calls

    def unsettled(self) -> tuple[events.Intent, ...]:
        return tuple(
            replace(events.intent_of(tried.content, tried.seq), answered=tried.numbers)
            for tried in self.attempts.values()
            if tried.act in CALLS and (not tried.ended or tried.ended.result == Result.UNKNOWN)
        )

    def tried(self, seq: int | None = None) -> tuple[CallRecord, ...]:
        """Every intent with its outcome, oldest first; or the one with this number."""
        attempts = self.attempts
        asked = attempts if seq is None else [seq] if seq in attempts else []
        return tuple(
            CallRecord(
                intent=events.intent_of(attempt.content, attempt.seq),
                at=attempt.at,
                outcome=events.outcome_of(attempt.ended),
            )
            for attempt in map(attempts.__getitem__, asked)
        )

    def last_calls(self, numbers: Collection[str]) -> Mapping[str, datetime]:
        """When the last call on each number was recorded, by the later of two clocks."""
        last: dict[str, datetime] = {}
        for tried in self.attempts.values():
            for number in {tried.content.number or "", *tried.numbers}.intersection(numbers):
                times = (tried.at, tried.last_at, tried.content.server_at)
                known = (datetime.fromisoformat(time) for time in times if time)
                last[number] = max(*known, last.get(number, _LONG_AGO))
        return last

    def last_number(
        self, kind: str, *, before: int | None = None, checked: bool = False
    ) -> str | None:
        """The highest number of a kind, as `Daybook.last_number` describes it."""
        without = self.unchecked if checked else {}
        own = None if before is None else self.attempts[before].content.run
        found = (
            number
            for tried in self.attempts.values()
            if tried.content.kind == kind
            and (before is None or (tried.seq < before and tried.content.run != own))
            for number in (tried.content.number, *tried.numbers)
            if number is not None and number not in without
        )
        return max(found, key=lambda number: (len(number), number), default=None)
