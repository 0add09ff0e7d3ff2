"""Carries out a plan: every call intended before, read back after, and concluded in the daybook."""

import hashlib
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event
from typing import Protocol

from reconciler.core.canonical import digest, fingerprint
from reconciler.core.compare import compare
from reconciler.core.decide import CANCELLED
from reconciler.core.history import Act, Result
from reconciler.core.kinds import KINDS
from reconciler.core.kinds.kind import Kind
from reconciler.core.marker import marker_of, split_marker
from reconciler.core.payload import create_body, update_body
from reconciler.core.plan import POSTED, Action, Basis, Change, Plan, Step, Verb
from reconciler.core.recorded import Recorded
from reconciler.core.report import Applied, Outcome
from reconciler.core.values import Address, Live, Value
from reconciler.daybook import Intent
from reconciler.errors import (
    AccessRefused,
    EntryMoved,
    LedgerError,
    LedgerUnreachable,
    OutcomeUnknown,
    ReadBackDiffers,
    RequestRefused,
)

KEY_MISMATCH = 422
"""The ledger knows the key from another request: a fault of ours or of a rival (API facts 7.5)."""

_SENDS = 3
"""How often a call that is safe to repeat is sent before its outcome counts as unknown."""


class LedgerWrite(Protocol):
    """The writing door to a ledger, with the reads that every write is checked by."""

    def read(self, kind: Kind, number: str) -> Live | None: ...
    def create(self, kind: Kind, body: bytes, *, key: str, track_id: str = "") -> str: ...
    def update(self, kind: Kind, number: str, body: bytes, *, track_id: str = "") -> None: ...
    def cancel(self, kind: Kind, number: str, *, track_id: str = "") -> None: ...
    def delete(self, kind: Kind, number: str, *, track_id: str = "") -> None: ...
    def server_time(self) -> datetime | None: ...


class Book(Protocol):
    """The writing door to a daybook."""

    def intend(self, intent: Intent) -> Intent: ...
    def conclude(
        self, intent: Intent, result: Result, *, number: str | None = None, detail: str = ""
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What applying acts through. `stop` is set to end the run after the calls in flight."""

    ledger: LedgerWrite
    book: Book
    stop: Event = field(default_factory=Event)
    new_track_id: Callable[[], str] = lambda: f"rec-{uuid.uuid4().hex}"


def apply(
    plan: Plan,
    recorded: Mapping[Address, Recorded],
    doors: Doors,
    *,
    parallelism: int,
    continue_on_error: bool = False,
) -> Iterator[Applied]:
    """Carry out the feasible changes of a plan, and yield how each ended, as it ends.

    Changes start in plan order, so many at a time. After a failure no further change starts in
    the same accounting period, unless `continue_on_error`; when the ledger cannot be reached or
    refuses access, no further change starts at all. A change that was started settles its call
    in flight before it ends.
    """
    waiting = deque(plan.feasible)
    running: set[Future[Applied]] = set()
    halted: set[str] = set()
    everything = False
    with ThreadPoolExecutor(max_workers=parallelism) as pool:
        while waiting or running:
            while waiting and len(running) < parallelism:
                change = waiting.popleft()
                if everything or doors.stop.is_set() or change.period in halted:
                    why = _why_not(change, everything=everything, stopped=doors.stop.is_set())
                    yield Applied(change=change, outcome=Outcome.NOT_ATTEMPTED, message=why)
                    continue
                state = recorded.get(change.address) or Recorded(address=change.address)
                work = _Work(change=change, basis=plan.basis, recorded=state, doors=doors)
                running.add(pool.submit(work.carry_out))
            # The timeout lets the main thread see a signal while calls are in flight.
            ended, running = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
            for result in sorted((future.result() for future in ended), key=_by_address):
                yield result
                if result.outcome in (Outcome.FAILED, Outcome.UNKNOWN) and not continue_on_error:
                    halted.add(result.change.period)
                everything |= isinstance(result.error, AccessRefused | LedgerUnreachable)


def idempotency_key(basis: Basis, intent: Intent) -> str:
    """The key of a create: tenant, workspace, address, incarnation, payload and attempt.

    A key from content alone would merge two declarations of equal content, and give back a
    cancelled entry's number after a removal is undone (I-05, I-06).
    """
    parts = (
        basis.tenant_id or basis.host,
        basis.entity_id,
        basis.workspace,
        str(intent.address),
        str(intent.incarnation),
        digest(intent.payload or ""),
        str(intent.attempt),
    )
    return "reconciler-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _by_address(result: Applied) -> Address:
    return result.change.address


def _why_not(change: Change, *, everything: bool, stopped: bool) -> str:
    if stopped:
        return "the run was interrupted"
    if everything:
        return "the ledger could not be used any more"
    return f"another change in {change.period} did not succeed"


class _Stopped(Exception):
    """The run is to end, and the change stands between two of its steps."""


@dataclass(slots=True, kw_only=True)
class _Work:
    """One change on its way: its steps in order, what they did, and the number that results."""

    change: Change
    basis: Basis
    recorded: Recorded
    doors: Doors
    done: list[Step] = field(default_factory=list)
    number: str | None = None

    def carry_out(self) -> Applied:
        self.number = self.change.number
        try:
            self._check_unmoved()
            self._note_what_needs_no_call()
            for step in self.change.steps:
                self._stop_if_asked()
                _PERFORM[step.verb](self, step)
                self.done.append(step)
        except _Stopped:
            outcome = Outcome.FAILED if self.done else Outcome.NOT_ATTEMPTED
            return self._result(outcome, message="the run was interrupted")
        except OutcomeUnknown as error:
            return self._result(Outcome.UNKNOWN, error)
        except LedgerError as error:
            return self._result(Outcome.FAILED, error)
        return self._result(Outcome.DONE)

    def create(self, step: Step) -> None:
        """Create the entry under a key that no other request can have, and read it back."""
        spec = self._wanted()
        body = create_body(
            self.kind,
            spec,
            home_currency=self.basis.home_currency,
            marker_place=self.basis.marker_place,
            marker=self.marker,
        )
        intent = self._intent(Act.CREATE, payload=body.decode(), spec=spec)
        intent = _keyed(intent, self.basis)
        intent = self.doors.book.intend(intent)
        key, track_id = intent.key or "", intent.track_id or ""
        try:
            number = self.doors.ledger.create(self.kind, body, key=key, track_id=track_id)
        except LedgerError as error:
            self.doors.book.conclude(intent, result_of(error), detail=error.message)
            if result_of(error) is Result.UNKNOWN:
                raise _as_unknown(error) from error
            raise
        self.number = number
        # The number is safe before anything else happens; the read-back may still find fault.
        self.doors.book.conclude(intent, Result.DONE, number=number)
        self._check_content(self._read(number), number, spec, all_fields=True)

    def update(self, step: Step) -> None:
        """Change basic information, and read it back."""
        number, spec = _known(step), self._wanted()
        body = update_body(
            self.kind,
            self.change.comparison,
            after=spec,
            marker_place=self.basis.marker_place,
            marker=self.marker,
        )
        transfer = any(
            change.name in self.kind.observed for change in self.change.comparison.fields
        )

        def agrees(live: Live | None) -> bool:
            return live is not None and not self._differences(live, spec, all_fields=transfer)

        intent = self._intent(Act.UPDATE, number=number, payload=body.decode(), spec=spec)
        self._repeatable(
            intent,
            lambda track: self.doors.ledger.update(self.kind, number, body, track_id=track),
            agrees,
        )

    def cancel(self, step: Step) -> None:
        """Cancel the entry, and read that it is cancelled."""
        number = _known(step)
        self._repeatable(
            self._intent(Act.CANCEL, number=number),
            lambda track: self.doors.ledger.cancel(self.kind, number, track_id=track),
            lambda live: live is not None and live.status == CANCELLED,
        )

    def delete(self, step: Step) -> None:
        """Delete an entry that a read shows to be cancelled and ours (I-24), and read it gone."""
        number = _known(step)
        live = self._read(number)
        if live is None:
            note(self.doors.book, self._intent(Act.FORGET, number=number))
            return
        _, marker = split_marker(live.fields, self.basis.marker_place)
        if live.status != CANCELLED or marker != self.marker:
            raise EntryMoved(
                f"{number} is not a cancelled entry of this declaration any more, so it was not "
                "deleted",
                remedy="Plan again.",
            )
        self._repeatable(
            self._intent(Act.DELETE, number=number),
            lambda track: self.doors.ledger.delete(self.kind, number, track_id=track),
            lambda live: live is None,
        )
        if self.number == number:
            self.number = None

    @property
    def kind(self) -> Kind:
        return KINDS[self.change.address.kind]

    @property
    def marker(self) -> str:
        return marker_of(self.basis.workspace, self.change.address)

    def _stop_if_asked(self) -> None:
        if self.doors.stop.is_set():
            raise _Stopped

    def _check_unmoved(self) -> None:
        """The live entry must be what the plan was computed from (I-31)."""
        number, expected = self.change.number, self.change.fingerprint
        if number is None or not (expected or self.change.posts):
            return
        live = self._read(number)
        if (fingerprint(live) if live is not None else "") != expected:
            raise EntryMoved(
                f"{number} moved since the plan was made, so it was not touched",
                remedy="Plan again, and look at what moved.",
            )

    def _note_what_needs_no_call(self) -> None:
        change, gone = self.change, self.change.number is not None and not self.change.status
        if gone and (change.posts or change.action is Action.FORGET):
            note(self.doors.book, self._intent(Act.FORGET, number=change.number))
            self.number = None
        elif change.action is Action.UPDATE and not change.steps:
            note(self.doors.book, self._intent(Act.NOTE, number=change.number, spec=change.after))

    def _repeatable(
        self,
        intent: Intent,
        send: Callable[[str], None],
        took_effect: Callable[[Live | None], bool],
    ) -> None:
        """Make a call whose repetition does no harm; whether it took effect, a read tells."""
        intent = self.doors.book.intend(intent)
        number, track_id = intent.number or "", intent.track_id or ""
        for sent in range(1, _SENDS + 1):
            try:
                send(track_id)
            except (OutcomeUnknown, RequestRefused) as error:
                # Refused because it is already so, or done though no answer came: both are done.
                if took_effect(self._read_after(intent, error, number)):
                    break
                if isinstance(error, OutcomeUnknown) and sent < _SENDS:
                    continue
                self.doors.book.conclude(intent, result_of(error), detail=error.message)
                raise
            except LedgerError as error:
                self.doors.book.conclude(intent, result_of(error), detail=error.message)
                raise
            break
        self.doors.book.conclude(intent, Result.DONE, number=number)
        if not took_effect(self._read(number)):
            raise ReadBackDiffers(
                f"the ledger took the {intent.act.value} of {number}, and a read does not show it",
                remedy="Look at the entry in the ledger, then plan again.",
                track_id=track_id,
            )

    def _read_after(self, intent: Intent, error: LedgerError, number: str) -> Live | None:
        try:
            return self._read(number)
        except LedgerError:
            self.doors.book.conclude(intent, result_of(error), detail=error.message)
            raise error from None

    def _check_content(
        self, live: Live | None, number: str, spec: Mapping[str, Value], *, all_fields: bool
    ) -> None:
        if live is None or self._differences(live, spec, all_fields=all_fields):
            names = "it is not there"
            if live is not None:
                names = "these differ: " + ", ".join(
                    self._differences(live, spec, all_fields=all_fields)
                )
            raise ReadBackDiffers(
                f"{number} was created, and a read does not show what was asked for; {names}",
                remedy=f"Look at {number} in the ledger, then plan again.",
            )

    def _differences(
        self, live: Live, spec: Mapping[str, Value], *, all_fields: bool
    ) -> tuple[str, ...]:
        """The names of what a read shows otherwise than it was asked for (I-32)."""
        held, marker = split_marker(live.fields, self.basis.marker_place)
        found = compare(self.kind, spec, None, held, manage_observed=all_fields)
        names = [change.name for change in found.fields]
        names += [self.kind.lines] * bool(found.line_updates)
        names += ["the marker"] * (marker != self.marker)
        names += ["status"] * (live.status != POSTED)
        return tuple(names)

    def _intent(
        self,
        act: Act,
        *,
        number: str | None = None,
        payload: str | None = None,
        spec: Mapping[str, Value] | None = None,
    ) -> Intent:
        return Intent(
            address=self.change.address,
            act=act,
            number=number,
            incarnation=self.recorded.incarnation,
            attempt=self.recorded.attempt,
            track_id=self.doors.new_track_id(),
            payload=payload,
            spec=spec,
            protect=self.change.protect,
            server_at=self.doors.ledger.server_time(),
        )

    def _read(self, number: str) -> Live | None:
        return self.doors.ledger.read(self.kind, number)

    def _wanted(self) -> Mapping[str, Value]:
        assert self.change.after is not None
        return self.change.after

    def _result(
        self, outcome: Outcome, error: LedgerError | None = None, *, message: str = ""
    ) -> Applied:
        return Applied(
            change=self.change,
            outcome=outcome,
            number=self.number,
            steps=tuple(self.done),
            message=error.message if error else message,
            remedy=error.remedy if error else "",
            track_id=error.track_id if error else "",
            error=error,
        )


_PERFORM: Mapping[Verb, Callable[[_Work, Step], None]] = {
    Verb.CREATE: _Work.create,
    Verb.UPDATE: _Work.update,
    Verb.CANCEL: _Work.cancel,
    Verb.DELETE: _Work.delete,
}


def note(book: Book, intent: Intent) -> None:
    """Write an intent that needs no call, with its outcome."""
    book.conclude(book.intend(intent), Result.DONE, number=intent.number)


def result_of(error: LedgerError) -> Result:
    """What an error says of the call's effect."""
    if isinstance(error, LedgerUnreachable):
        return Result.UNSENT
    definite = isinstance(error, RequestRefused | AccessRefused) and error.status != KEY_MISMATCH
    return Result.REFUSED if definite else Result.UNKNOWN


def _as_unknown(error: LedgerError) -> OutcomeUnknown:
    if isinstance(error, OutcomeUnknown):
        return error
    return OutcomeUnknown(
        error.message, remedy=error.remedy, status=error.status, track_id=error.track_id
    )


def _keyed(intent: Intent, basis: Basis) -> Intent:
    return replace(intent, key=idempotency_key(basis, intent))


def _known(step: Step) -> str:
    assert step.number is not None
    return step.number
