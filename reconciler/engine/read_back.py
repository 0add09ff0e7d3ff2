"""What reads show of the live object that a change is about, waiting where the ledger works."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from reconciler.core.model.canonical import fingerprint
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import split_marker, with_marker
from reconciler.core.model.plan import CANCELLED
from reconciler.core.model.resource import Live, Value, text_of
from reconciler.core.planning.diff import read_back
from reconciler.core.planning.run_members import holds_its_run, stands
from reconciler.engine.call_outcome import unread
from reconciler.engine.ports import Ports
from reconciler.errors import LedgerError, StillAtWork


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """Reads of one kind, in the light of what a declaration expects to find.

    `marker` is the declaration's own, and `marker_place` where an entry carries it.
    """

    ports: Ports
    kind: Kind
    marker: str
    marker_place: str

    def read(self, number: str) -> Live | None:
        """What is live under a number now, the entries of a run included."""
        return self.ports.ledger.read(self.kind, number)

    def read_back(self, number: str, what: str) -> Live | None:
        """What `what` came to, once the ledger has done its work on it. Raises LedgerError."""
        try:
            return self.read_when_idle(number, what)
        except StillAtWork:
            raise
        except LedgerError as error:
            raise unread(error, what) from error

    def read_when_idle(
        self, number: str, what: str, expected: Callable[[Live | None], bool] = lambda _: True
    ) -> Live | None:
        """What is live under a number when the ledger no longer works on it.

        A ledger may say yes before it begins: until a read is as `expected`, a number that looks
        at rest is looked at again, for a short while. Raises StillAtWork when it takes too long
        or the run is to end, besides what a read raises.
        """
        if not self.kind.busy_states:
            return self.read(number)
        polling, stop = self.ports.polling, self.ports.stop
        began = polling.clock()
        pause, told = polling.shortest, ""
        while True:
            live = self.ports.ledger.read_status(self.kind, number)
            waited = polling.clock() - began
            if live is not None and (said := self._progress(live)) != told:
                polling.tell(said)
                told = said
            if live is not None and not self._works_on(live):
                # With its entries; and the ledger may have begun since the look.
                live = self.read(number)
            if not self._works_on(live):
                if expected(live) or waited >= polling.grace or stop.is_set():
                    return live
            elif waited >= polling.longest_wait or stop.is_set():
                ended = f"when {self.ports.why_stopped()}"
                why = ended if stop.is_set() else f"after {waited:.0f} s"
                status = live.status if live is not None else ""
                raise StillAtWork(
                    f"{what}, and {number} was still {status} {why}",
                    remedy="The ledger goes on by itself: wait, then plan again.",
                )
            stop.wait(pause)
            pause = min(2 * pause, polling.longest)

    def _works_on(self, live: Live | None) -> bool:
        return live is not None and live.status in self.kind.busy_states

    def _progress(self, live: Live) -> str:
        count = text_of(live.fields.get("totalJournalEntryCount"))
        so_far = " so far" if live.status in self.kind.busy_states else ""
        return f"{live.number} is {live.status}" + (f", {count} entries{so_far}" if count else "")

    def marker_of(self, live: Live) -> str | None:
        """The marker that a live object carries; the declaration's own where none can be."""
        if not self.kind.carries_marker:
            return self.marker
        return split_marker(live.fields, self.marker_place)[1]

    def marked(self, live: Live) -> Live:
        """A live object as it is when only the declaration's marker is written to it."""
        if not self.kind.carries_marker:
            return live
        held, _ = split_marker(live.fields, self.marker_place)
        return replace(live, fields=with_marker(held, self.marker_place, self.marker))

    def deletable(self, live: Live | None) -> bool:
        """Whether something is cancelled and ours (I-24)."""
        return live is not None and live.status == CANCELLED and self.marker_of(live) == self.marker

    def differing_fields(
        self,
        live: Live,
        spec: Mapping[str, Value],
        *,
        applied: Mapping[str, Value] | None,
        all_fields: bool = True,
    ) -> tuple[str, ...]:
        """The names of what a read shows otherwise than it was asked for (I-32)."""
        held, _ = split_marker(live.fields, self.marker_place)
        found = read_back(self.kind, spec, applied, held, manage_observed=all_fields)
        names = [change.name for change in found.fields]
        names += [self.kind.lines] * bool(found.line_updates)
        names += ["the marker"] * (self.marker_of(live) != self.marker)
        names += ["the status"] * (live.status not in self.kind.posted_states)
        return tuple(names)


def fingerprint_of(live: Live | None) -> str:
    """The fingerprint of what a read showed; empty when it showed nothing."""
    return fingerprint(live) if live is not None else ""


def cancelled_as_far_as_can_be(live: Live | None) -> bool:
    """Whether a cancel has ended: nothing is left in the books but what holds its run."""
    if live is None or live.status == CANCELLED:
        return True
    left = [member for member in live.members if stands(member)]
    return bool(left) and all(holds_its_run(member) for member in left)
