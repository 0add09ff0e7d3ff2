"""Makes a call that may be sent again, and reads its effect."""

from collections.abc import Callable
from typing import NoReturn

from reconciler.core.model.history import ADOPTIONS, Act, Result
from reconciler.core.model.plan import CANCELLED, Step
from reconciler.core.model.resource import Live
from reconciler.core.planning.run_members import PARTIAL_CANCEL_REMEDY, cancelled_in_part
from reconciler.daybook import CallOutcome, Intent
from reconciler.engine.call_outcome import ended_by, unread
from reconciler.engine.intent_log import IntentLog
from reconciler.engine.read_back import Expectation, ReadBack
from reconciler.errors import (
    CancelledInPart,
    LedgerError,
    OutcomeUnknown,
    ReadBackDiffers,
    RequestRefused,
    StillAtWork,
)
from reconciler.values import dataclass

_SENDS = 3
"""How often a call is sent before its outcome counts as unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatableCall:
    """A call on an entry that may be sent again.

    `effect` is what a read shows once the call took effect. `read_proves_effect` says that such a
    read proves it without an answer. The call is sent again only while a read still shows the
    `precondition`. `already_cancelled` are the entries of a run that were cancelled or deleted
    before. `done` receives the step once it took effect.
    """

    step: Step
    send: Callable[..., None]
    effect: Expectation
    precondition: Expectation
    read_proves_effect: bool = True
    already_cancelled: frozenset[str] = frozenset()
    done: list[Step]
    intents: IntentLog
    reader: ReadBack

    def make(self, intent: Intent) -> None:
        """Send the call until its outcome is known, and record it. Raises what stops the change."""
        intent = self.intents.record_intent(intent)
        doubt: OutcomeUnknown | None = None
        for sent in range(1, _SENDS + 1):
            error = _failure(self.send, intent.track_id or "")
            if error is None:
                return self._check_effect(intent)
            # A request without an answer may still arrive, whatever became of a later one.
            doubt = error if isinstance(error, OutcomeUnknown) else doubt
            if doubt is None and not isinstance(error, RequestRefused):
                self._give_up(intent, error)
            live = self._read_after(intent, doubt or error)
            self._check_whole(intent, live)
            # Refused because it was done before, or done without an answer: both are done.
            if self.read_proves_effect and self.reader.shows(live, self.effect):
                return self._took_effect(intent)
            unchanged = self.reader.shows(live, self.precondition)
            if error is not doubt or sent == _SENDS or not unchanged:
                self._give_up(intent, doubt or error)
        return None

    def _check_effect(self, intent: Intent) -> None:
        """Read back what the ledger acknowledged (I-32)."""
        number, what = intent.number or "", f"the {intent.act.value} of {intent.number}"
        try:
            live = self.reader.read_when_idle(
                number, f"{what} was acknowledged", self.effect, self.precondition
            )
        except LedgerError as error:
            self.done.append(self.step)
            # Left open: the next run reads its effect.
            self.intents.record_outcome(
                intent, ended_by(error, Result.UNKNOWN), happened=f"{what} was acknowledged"
            )
            if isinstance(error, StillAtWork):
                raise
            raise unread(error, f"{what} was acknowledged") from error
        if self.reader.shows(live, self.effect):
            return self._took_effect(intent)
        self._check_whole(intent, live)
        if intent.act is Act.CANCEL and self.reader.shows(live, self.precondition):
            # Left open: if it shows later, this call did it, and nobody else.
            late = OutcomeUnknown(
                f"the ledger acknowledged {what}, but a read does not show it yet",
                remedy="Run `reconciler apply` again: it reads whether the entry is cancelled.",
                track_id=intent.track_id or "",
            )
            self._give_up(intent, late)
        # The marker alone proves an adoption: the entry is ours, whatever else it shows.
        marker = self.reader.marker_of(live) if live is not None else None
        adopted = intent.act in ADOPTIONS and marker == self.reader.marker
        differing: tuple[str, ...] = ()
        if live is not None and (adopted or intent.act is Act.UPDATE):
            # Somebody changed the entry after the update, which may show in part. Or the ledger
            # stored other values.
            found = self.reader.shown(live, self.effect, intent.payload)
            differing = found.differing
            note = self.intents.intent(
                Act.NOTE, number=number, payload=found.otherwise, spec=found.applied
            )
            self.intents.note(note)
        shows = f"shows other values than were sent: {', '.join(differing)}"
        differs = ReadBackDiffers(
            f"the ledger acknowledged {what}, but a read "
            + (shows if adopted and differing else "does not show it"),
            remedy="Check the entry in the ledger, then plan again.",
            track_id=intent.track_id or "",
        )
        if adopted:
            self._took_effect(intent)
        else:
            self.intents.record_outcome(intent, ended_by(differs, Result.UNSENT))
        raise differs

    def _took_effect(self, intent: Intent) -> None:
        self.done.append(self.step)
        happened = f"the {intent.act.value} of {intent.number} took effect"
        outcome = CallOutcome(result=Result.DONE, number=intent.number)
        self.intents.record_outcome(intent, outcome, happened=happened)

    def _give_up(self, intent: Intent, error: LedgerError) -> NoReturn:
        self.intents.record_outcome(intent, ended_by(error))
        raise error

    def _read_after(self, intent: Intent, error: LedgerError) -> Live | None:
        """Read the object after an error. If it is neither done nor unchanged, read it once more.

        The ledger may begin its work on a run between the read of the run and of its entries.
        """
        number = intent.number or ""
        for left in (1, 0) if self.reader.kind.busy_states else (0,):
            try:
                live = self.reader.read_when_idle(number, f"the {intent.act.value} of {number}")
            except LedgerError as failed:
                if left and isinstance(failed, RequestRefused):
                    continue
                self._give_up(intent, error)
            if self.reader.shows(live, self.effect) or self.reader.shows(live, self.precondition):
                break
        return live

    def _check_whole(self, intent: Intent, live: Live | None) -> None:
        """Stop at a run of which only some entries were cancelled."""
        if intent.act is not Act.CANCEL or live is None or live.status == CANCELLED:
            return
        fact = cancelled_in_part(live, gone=self.already_cancelled)
        if fact:
            error = CancelledInPart(
                fact, remedy=PARTIAL_CANCEL_REMEDY, track_id=intent.track_id or ""
            )
            self.intents.record_outcome(intent, ended_by(error, Result.PARTLY))
            raise error


def _failure(send: Callable[..., None], track_id: str) -> LedgerError | None:
    try:
        send(track_id=track_id)
    except LedgerError as error:
        return error
    return None
