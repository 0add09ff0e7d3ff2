"""Records the intents and outcomes of one change, and keeps what is not recorded yet."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.model.history import Act, Recorded, Result
from reconciler.core.model.plan import Action, Change, Reason, Verb
from reconciler.core.model.resource import Value
from reconciler.core.planning.run_members import numbers_of
from reconciler.daybook import CallOutcome, Intent
from reconciler.engine.ports import CallLog, Ports
from reconciler.values import dataclass

_STAYING = frozenset({Reason.RETIRED, Reason.LEFT_TO_RUN})
"""Reasons to forget an entry that stays in the ledger, where a search finds it again."""


@dataclass(slots=True, kw_only=True)
class IntentLog:
    """Intents and outcomes of one change. Its methods raise DaybookError."""

    change: Change
    recorded: Recorded
    ports: Ports
    open: bool = False
    """Whether a recorded call has no definite outcome."""
    unrecorded: str = ""
    """The outcome of a call that the daybook does not have yet."""

    def intent(
        self,
        act: Act,
        *,
        number: str | None = None,
        payload: str | None = None,
        spec: Mapping[str, Value] | None = None,
    ) -> Intent:
        """An intent of this change, with the ledger's own time."""
        return Intent(
            address=self.change.address,
            act=act,
            number=number,
            incarnation=self.recorded.incarnation,
            attempt=self.recorded.attempt,
            track_id=self.ports.new_track_id(),
            payload=payload,
            spec=spec,
            protect=self.change.protect,
            reverses=self.change.reverses if act is Act.CANCEL else "",
            server_at=self.ports.ledger.server_time(),
        )

    def record_intent(self, intent: Intent) -> Intent:
        intent = self.ports.daybook.record_intent(intent)
        self.open = True
        return intent

    def record_outcome(self, intent: Intent, outcome: CallOutcome, *, happened: str = "") -> None:
        """Write an outcome; `happened` describes it in case it cannot be written."""
        self.open = outcome.result is Result.UNKNOWN
        self.unrecorded = happened or outcome.detail
        self.ports.daybook.record_outcome(intent, outcome)
        self.unrecorded = ""

    @property
    def adopting(self) -> Act:
        return Act.ADOPT_FROM_RUN if self.change.journal_run else Act.ADOPT

    def note_what_needs_no_call(self) -> None:
        """Record what needs no call, before any call."""
        change = self.change
        updates = any(step.verb is Verb.UPDATE for step in change.steps)
        replaces_what_is_gone = change.posts and change.number is not None and not change.status
        if change.reason in (Reason.FOUND, Reason.POSTED_AGAIN):
            self._take_over()
        elif change.reason is Reason.RENAMED:
            if not updates:
                # The entry is marked with the new name already, or has no marker.
                self._adopt(self.spec_before if change.cancels else change.after)
        elif change.reason in _STAYING:
            left = self.recorded.leftovers if change.reason is Reason.RETIRED else ()
            for number in (change.number, *left):
                if number is not None:
                    self.note(self.intent(Act.RETIRE, number=number))
        elif change.action is Action.FORGET or replaces_what_is_gone:
            self.note(self.intent(Act.FORGET, number=change.number))
        elif change.action in (Action.UPDATE, Action.ADOPT) and not change.steps:
            self.note(self.intent(self.updating, number=change.number, spec=change.after))

    @property
    def updating(self) -> Act:
        """The act of an update: of basic information, or of an adoption."""
        if self.change.action is Action.ADOPT or self.change.reason is Reason.RENAMED:
            return self.adopting
        return Act.UPDATE if self.change.steps else Act.NOTE

    @property
    def spec_before(self) -> Mapping[str, Value] | None:
        """What was last applied to the entry, as far as is known."""
        return self.change.before if self.recorded.spec is None else self.recorded.spec

    def next_incarnation(self) -> None:
        """Count an adoption like a create, so that no create after it has its key (I-06)."""
        self.recorded = replace(self.recorded, incarnation=self.recorded.incarnation + 1)

    def skip(self, number: str, *, gone: bool) -> None:
        """Count a number that a create was answered with, and that ended before."""
        if gone:
            self.note(self.intent(Act.FORGET, number=number))
        self.next_incarnation()

    def _take_over(self) -> None:
        """Record the number that was found, instead of an outdated one.

        It happens before a replacement. The cancel is then that of a recorded entry, and the key
        of the create differs from the keys of all earlier creates (I-06).
        """
        change, outdated = self.change, self.recorded.number
        deleted = {step.number for step in change.steps if step.verb is Verb.DELETE}
        if outdated is not None and outdated not in deleted:
            self.note(self.intent(Act.FORGET, number=outdated))
        replaces = change.cancels
        if not replaces and any(step.verb is Verb.UPDATE for step in change.steps):
            # The update records the adoption.
            return
        self._adopt(change.before if replaces else change.after)

    def _adopt(self, spec: Mapping[str, Value] | None) -> None:
        self.note(self.intent(self.adopting, number=self.change.number, spec=spec))
        self.next_incarnation()

    def note(self, intent: Intent) -> None:
        """Write an intent that needs no call, and its outcome."""
        change = self.change
        members = change.members if intent.number == change.number else ()
        write_note(self.ports.daybook, intent, numbers_of(members))


def write_note(daybook: CallLog, intent: Intent, entries: tuple[str, ...] = ()) -> None:
    """Write an intent that needs no call, and its outcome. Raises DaybookError."""
    noted = daybook.record_intent(intent)
    outcome = CallOutcome(result=Result.DONE, number=noted.number, entries=entries)
    daybook.record_outcome(noted, outcome)
