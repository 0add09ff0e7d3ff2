"""Writes down what one change intends and what came of it, and knows what is not written yet."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.calls import Doors
from reconciler.core.history import Act, Result
from reconciler.core.plan import Change
from reconciler.core.recorded import Recorded
from reconciler.core.values import Value
from reconciler.daybook import Intent
from reconciler.errors import LedgerError


@dataclass(slots=True, kw_only=True)
class Pen:
    """The pen of one change. Its methods raise DaybookError when the daybook takes no more."""

    change: Change
    recorded: Recorded
    doors: Doors
    open: bool = False
    """Whether a call was intended of which nothing is known to have come."""
    unrecorded: str = ""
    """What came of a call, while the daybook does not hold it yet."""

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
            track_id=self.doors.new_track_id(),
            payload=payload,
            spec=spec,
            protect=self.change.protect,
            server_at=self.doors.ledger.server_time(),
        )

    def intend(self, intent: Intent) -> Intent:
        """Write an intent before its call."""
        intent = self.doors.book.intend(intent)
        self.open = True
        return intent

    def conclude(
        self,
        intent: Intent,
        result: Result,
        error: LedgerError | None = None,
        *,
        number: str | None = None,
        happened: str = "",
    ) -> None:
        """Write an outcome; `happened` says it in words, for the case that it cannot be written."""
        detail = error.message if error else ""
        self.open = result is Result.UNKNOWN
        self.unrecorded = happened or detail
        self.doors.book.conclude(intent, result, number=number, detail=detail)
        self.unrecorded = ""

    def note(self, intent: Intent) -> None:
        """Write an intent that needs no call, with its outcome."""
        book = self.doors.book
        book.conclude(book.intend(intent), Result.DONE, number=intent.number)


def words_of(intent: Intent) -> str:
    """A call on an entry, in words."""
    return f"the {intent.act.value} of {intent.number}"
