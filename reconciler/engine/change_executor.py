"""Executes one change: intent in the daybook, call, read-back, outcome in the daybook."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import field, replace
from functools import partial
from typing import NoReturn

from reconciler.core.model.canonical import fingerprint
from reconciler.core.model.history import ADOPTIONS, Act, Recorded, Result
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import MARKER, is_rest_of, marker_of
from reconciler.core.model.plan import CANCELLED, UNCHANGED, Action, Basis, Change, Step, Verb
from reconciler.core.model.report import Applied, Outcome, left_out
from reconciler.core.model.resource import Live, text_of
from reconciler.core.planning.blockers import refused_by_period
from reconciler.core.planning.request_body import create_body, update_body
from reconciler.core.planning.run_members import numbers_of, unposted_note, unposted_numbers
from reconciler.daybook import CallOutcome, Intent
from reconciler.engine.call_outcome import (
    KEY_MISMATCH,
    as_unknown,
    ended_by,
    idempotency_key,
)
from reconciler.engine.double_postings import posted_under_key, standing
from reconciler.engine.intent_log import IntentLog
from reconciler.engine.period_watch import PeriodWatch
from reconciler.engine.ports import Ports
from reconciler.engine.read_back import Expectation, ReadBack, shows_in_a_read
from reconciler.engine.repeatable_call import RepeatableCall
from reconciler.engine.search import was_deleted
from reconciler.errors import (
    DaybookError,
    EntryMoved,
    LedgerError,
    MarkerLost,
    OutcomeUnknown,
    PostedByAnother,
    ReconcilerError,
    RequestRefused,
    RunFailed,
)
from reconciler.values import dataclass

_MOST_PREDECESSORS = 10
"""The most entries of one declaration that were posted and ended within the life of a key."""


@dataclass(slots=True, kw_only=True)
class ChangeExecutor:
    """One change: its steps in order, those that are done, and the resulting number."""

    change: Change
    basis: Basis
    recorded: Recorded
    ports: Ports
    periods: PeriodWatch
    done: list[Step] = field(default_factory=list)
    number: str | None = None
    kind: Kind = field(init=False)
    marker: str = field(init=False)
    unmoved: Expectation = field(init=False)
    """What a read shows unless somebody else changed the entry."""
    marked: str = ""
    """The fingerprint of the live entry once it carries the declaration's marker."""
    intents: IntentLog = field(init=False)
    reader: ReadBack = field(init=False)

    def __post_init__(self) -> None:
        self.kind = KINDS[self.change.address.kind]
        self.marker = marker_of(self.basis.workspace, self.change.address)
        self.unmoved = Expectation(fingerprint=self.change.fingerprint)
        self.intents = IntentLog(change=self.change, recorded=self.recorded, ports=self.ports)
        self.reader = ReadBack(
            ports=self.ports,
            kind=self.kind,
            marker=self.marker,
            marker_place=self.basis.marker_place,
        )
        self.number = self.change.number

    def run(self) -> Applied:
        """Execute the steps in order, until one fails, and return the result."""
        try:
            needed = self.change.steps
            if needed and (block := refused_by_period(self.change, self.periods.tenant())):
                return left_out(self.change, block)
            self._check_unmoved()
            self.intents.note_what_needs_no_call()
            if self.change.action is Action.FORGET or not self.change.status:
                self.number = None
            for step in self.change.steps:
                if self.ports.stop.is_set():
                    outcome = Outcome.FAILED if self.done else Outcome.NOT_ATTEMPTED
                    return self._result(outcome, message=self.ports.why_stopped())
                _PERFORM[step.verb](self, step)
        except OutcomeUnknown as error:
            return self._result(Outcome.UNKNOWN, error)
        except DaybookError as error:
            return self._unwritten(error)
        except LedgerError as error:
            block = None
            if not self.done and isinstance(error, RequestRefused):
                tenant = self.periods.tenant(refused=True)
                said = f"; the ledger refused it: {error.message}"
                block = refused_by_period(self.change, tenant, said)
            return left_out(self.change, block) if block else self._result(Outcome.FAILED, error)
        return self._result(Outcome.DONE)

    def aborted_by(self, error: BaseException) -> Applied:
        """The result of the change after an unexpected error."""
        # Its text may contain anything; the traceback shows it.
        return self._result(
            Outcome.UNKNOWN if self.intents.open else Outcome.FAILED,
            message=f"an unexpected {type(error).__name__} ended it",
        )

    def create(self, step: Step) -> None:
        """Create the entry under a unique key, and read it back."""
        assert self.change.after is not None
        spec = self.change.after
        body = create_body(
            self.kind,
            spec,
            home_currency=self.basis.home_currency,
            marker_place=self.basis.marker_place,
            marker=self.marker,
        )
        intent = self.intents.intent(Act.CREATE, payload=body.decode(), spec=spec)
        after = self.change.number or self.recorded.last
        for left in reversed(range(_MOST_PREDECESSORS)):
            intent = self._post(intent, body, after, step)
            number = self.number or ""
            live = self.reader.read_back(number, f"{number} was created")
            if not left or not self._ended_before(live, intent, body):
                break
            # The key is that of an earlier create, whose daybook was lost.
            self.intents.skip(number, gone=live is None)
            self.done.remove(step)
            after, self.number = number, None
        if live is None and not self.intents.open:
            # It may be shown late. If a query showed it as deleted, no read settles that.
            live = self.reader.read_back(number, f"{number} was created", late=True)
        track_id = intent.track_id or ""
        expected = Expectation(spec=spec)
        fault = self.reader.not_ours(live, expected)
        if live is None or fault:
            self._disown(live, intent, step, f"the ledger answered {number}, {fault}")
        if live.status in self.kind.failed:
            why = text_of(live.fields.get("errorMessage"))
            raise RunFailed(
                f"{number} was created, and ended in the status {live.status}"
                + (f": {why}" if why else ""),
                remedy=f"Check {number} in the ledger. The next plan cancels it and creates it "
                "again.",
                track_id=track_id,
            )
        if live.members:
            outcome = CallOutcome(
                result=Result.DONE, number=number, entries=numbers_of(live.members)
            )
            self.intents.record_outcome(intent, outcome, happened=f"{number} was created")
        differing = self.reader.differing_fields(live, expected)
        if differing:
            # Not all of what is posted was applied by this run.
            found = self.reader.shown(live, expected, intent.payload)
            note = self.intents.intent(
                Act.NOTE, number=number, payload=found.otherwise, spec=found.applied
            )
            self.intents.note(note)
            raise PostedByAnother(
                f"{number} is posted for this declaration, but a read shows other values than "
                f"declared: {', '.join(differing)}. Another apply posted it under the same key, "
                "or the ledger stored other values. Nothing more was posted",
                remedy=f"Check {number} in the ledger, then plan again: the plan shows what "
                "differs. Declare a value as the ledger shows it if the ledger changes it. Let all "
                "jobs of a workspace share one daybook.",
                track_id=track_id,
            )

    def _post(self, intent: Intent, body: bytes, after: str | None, step: Step) -> Intent:
        """Send a create that follows a number, and record the number that it is answered with."""
        key = idempotency_key(self.basis, intent, after=after)
        intent = self.intents.record_intent(replace(intent, key=key))
        track_id = intent.track_id or ""
        try:
            number = self.ports.ledger.create(self.kind, body, key=key, track_id=track_id)
        except LedgerError as error:
            outcome = ended_by(error)
            self.intents.record_outcome(intent, outcome)
            if error.status == KEY_MISMATCH and outcome.result is Result.UNSENT:
                found = standing(self.ports.ledger, self.basis, {intent.address: ()})
                raise posted_under_key(found, intent, self.marker) from error
            if outcome.result is Result.UNKNOWN:
                raise as_unknown(error) from error
            raise
        self.number = number
        self.done.append(step)
        # Record the number first; the read-back may still fail.
        outcome = CallOutcome(result=Result.DONE, number=number)
        self.intents.record_outcome(intent, outcome, happened=f"{number} was created")
        return intent

    def _ended_before(self, live: Live | None, intent: Intent, body: bytes) -> bool:
        """Whether the answered number is that of an earlier entry, cancelled or deleted since.

        A read that finds nothing proves nothing: the entry may not be visible yet. A query must
        show it as deleted. The answer may still be wrong, so it must be repeated, and neither a
        read nor a search may find an entry.
        """
        if live is not None:
            return live.status == CANCELLED and self.reader.marker_of(live) == self.marker
        number, ledger, place = self.number or "", self.ports.ledger, self.basis.marker_place
        if not was_deleted(ledger, self.kind, number, marker=self.marker, place=place):
            return False
        # If the ledger forgets the key just now, this call posts: it is open until it is answered.
        unknown = CallOutcome(result=Result.UNKNOWN)
        self.intents.record_outcome(intent, unknown, happened=f"{number} was answered")
        key, track_id = intent.key or "", intent.track_id or ""
        try:
            again = ledger.create(self.kind, body, key=key, track_id=track_id, sent_before=True)
            if again != number or self.reader.read(number) is not None:
                return False
        except LedgerError as error:
            raise as_unknown(error) from error
        found = standing(ledger, self.basis, {self.change.address: ()})
        if found.failure or any(found.numbers.values()):
            return False
        self.intents.record_outcome(intent, CallOutcome(result=Result.DONE, number=number))
        return True

    def update(self, step: Step) -> None:
        """Update basic information, and read it back. An adoption also writes the marker.

        So does the update of an entry that lost it.
        """
        number, change = _known(step), self.change
        # An entry that is replaced under another name only gets the marker of the new name.
        renames = change.cancels
        comparison = UNCHANGED if renames else change.comparison
        spec = change.before or {} if renames else change.after
        assert spec is not None
        moved = {field.name: field.after for field in comparison.fields}
        act = self.intents.updating
        adopts = act in ADOPTIONS
        marks = adopts or MARKER in moved
        body = update_body(
            self.kind,
            comparison,
            # Notes that the file does not declare stay, followed by the marker.
            after={**(change.before or {}), **moved, **spec} if marks else spec,
            marker_place=self.basis.marker_place,
            marker=self.marker,
            adopts=adopts,
        )
        payload = body.decode()
        sent = json.loads(payload)
        intended = self.intents.spec_before if renames else spec
        RepeatableCall(
            step=step,
            send=partial(self.ports.ledger.update, self.kind, number, body),
            effect=Expectation(
                spec=spec,
                applied=None if renames else self.recorded.spec,
                # A field that other systems write too counts where the call sets it.
                all_fields=not self.kind.externally_written.isdisjoint(sent),
            ),
            precondition=self.unmoved,
            # No read shows a write-only field: only an answer confirms it.
            read_proves_effect=shows_in_a_read(self.kind, sent),
            done=self.done,
            intents=self.intents,
            reader=self.reader,
        ).make(self.intents.intent(act, number=number, payload=payload, spec=intended))
        if renames:
            self.intents.next_incarnation()
            self.unmoved = Expectation(fingerprint=self.marked)
            self._check_unmoved()

    def cancel(self, step: Step) -> None:
        """Cancel the entry or run; a read must show it cancelled."""
        number = _known(step)
        gone = unposted_note(self.change.members)
        RepeatableCall(
            step=step,
            send=partial(self.ports.ledger.cancel, self.kind, number),
            effect=Expectation(status=CANCELLED),
            precondition=self.unmoved,
            already_cancelled=unposted_numbers(self.change.members),
            done=self.done,
            intents=self.intents,
            reader=self.reader,
        ).make(self.intents.intent(Act.CANCEL, number=number, spec=gone))

    def delete(self, step: Step) -> None:
        """Delete an entry that a read shows as cancelled and ours (I-24), and read it gone."""
        number = _known(step)
        live = self.reader.read(number)
        deletable = Expectation(status=CANCELLED, marked=True)
        if live is None:
            self.intents.note(self.intents.intent(Act.FORGET, number=number))
            self.done.append(step)
        elif not self.reader.shows(live, deletable):
            raise EntryMoved(
                f"{number} is no longer a cancelled entry of this declaration, so it was not "
                "deleted",
                remedy="Plan again.",
            )
        else:
            RepeatableCall(
                step=step,
                send=partial(self.ports.ledger.delete, self.kind, number),
                effect=Expectation(absent=True),
                precondition=deletable,
                done=self.done,
                intents=self.intents,
                reader=self.reader,
            ).make(self.intents.intent(Act.DELETE, number=number))
        if self.number == number:
            self.number = None

    def _check_unmoved(self) -> None:
        """The live entry must be what the plan was computed from (I-31)."""
        number, expected = self.change.number, self.change.fingerprint
        if number is None or not (expected or self.change.posts):
            return
        live = self.reader.read(number)
        if not expected and live is not None and self.reader.marker_of(live) != self.marker:
            # Nothing was live under the number, and another entry has it now: it is not touched.
            return
        if not self.reader.shows(live, self.unmoved):
            raise EntryMoved(
                f"{number} changed since the plan was made, so it was left as it is",
                remedy="Plan again, and review what changed.",
            )
        # An entry that is renamed before it is cancelled or reversed carries the new marker then.
        if live is not None and self.change.cancels and not self.marked:
            self.marked = fingerprint(self.reader.marked(live))

    def _disown(self, live: Live | None, intent: Intent, step: Step, fact: str) -> NoReturn:
        """Do not record a number that is not ours (I-34)."""
        number, self.number = self.number, None
        self.done.remove(step)
        remedy = f"Check {number} in the ledger: it was not recorded."
        lost = live is not None and is_rest_of(self.reader.marker_of(live), self.marker)
        if lost:
            remedy += f" Have the ledger keep what is sent in its field {self.basis.marker_place}."
        sort = MarkerLost if lost else OutcomeUnknown
        error = sort(fact, remedy=remedy, track_id=intent.track_id or "")
        self.intents.record_outcome(intent, ended_by(error, Result.UNKNOWN))
        raise error

    def _unwritten(self, error: DaybookError) -> Applied:
        """The result when the daybook could not be written: it says what happened (I-43)."""
        with suppress(LedgerError):
            self._disclaim_ended()
        happened = self.intents.unrecorded
        said = f"{happened}; this is not recorded: {error.message}" if happened else error.message
        outcome = Outcome.UNKNOWN if self.intents.open else Outcome.FAILED
        return replace(self._result(outcome, error), message=said)

    def _disclaim_ended(self) -> None:
        """Do not report as created what the key of an earlier create was answered with."""
        number = self.number or ""
        created = [step for step in self.done if step.verb is Verb.CREATE]
        live = self.reader.read(number) if created else None
        if created and (live is None or live.status == CANCELLED):
            self.done.remove(*created)
            self.number = None
            self.intents.unrecorded = f"the ledger answered {number}, which is not posted"

    def _result(
        self, outcome: Outcome, error: ReconcilerError | None = None, *, message: str = ""
    ) -> Applied:
        return Applied(
            change=self.change,
            outcome=outcome,
            number=self.number,
            steps=tuple(self.done),
            message=error.message if error else message,
            remedy=error.remedy if error else "",
            track_id=error.track_id if isinstance(error, LedgerError) else "",
            error=error,
        )


_PERFORM: Mapping[Verb, Callable[[ChangeExecutor, Step], None]] = {
    Verb.CREATE: ChangeExecutor.create,
    Verb.UPDATE: ChangeExecutor.update,
    Verb.CANCEL: ChangeExecutor.cancel,
    Verb.DELETE: ChangeExecutor.delete,
}


def _known(step: Step) -> str:
    assert step.number is not None
    return step.number
