"""Reads after a call: what they show, and waiting until the ledger is idle."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.core.model.canonical import fingerprint
from reconciler.core.model.finding import counted
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import marker_in, split_marker, with_marker
from reconciler.core.model.plan import CANCELLED
from reconciler.core.model.resource import Live, Value, whole_of
from reconciler.core.planning.diff import read_back
from reconciler.core.planning.run_members import blocks_run_cancel, is_posted
from reconciler.core.recovery.applied_values import Shown, shown
from reconciler.engine.call_outcome import unread
from reconciler.engine.ports import Ports
from reconciler.errors import LedgerError, StillAtWork
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a read must show: nothing, one exact state, the fields of a spec, or a status.

    `fingerprint` is that of the whole object, empty where nothing is live. `applied` is what held
    before `spec` was written; `all_fields` includes those that other systems write as well.
    With a status, `marked` requires the declaration's own marker.
    """

    absent: bool = False
    fingerprint: str | None = None
    spec: Mapping[str, Value] | None = None
    applied: Mapping[str, Value] | None = None
    all_fields: bool = True
    status: str = ""
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """Reads the objects of one declaration.

    `marker` is the marker of the declaration, `marker_place` the field that holds it.
    """

    ports: Ports
    kind: Kind
    marker: str
    marker_place: str

    def read(self, number: str) -> Live | None:
        return self.ports.ledger.read(self.kind, number)

    def read_back(self, number: str, what: str, *, late: bool = False) -> Live | None:
        """Read the object after a call; wait until the ledger is idle. Raises LedgerError.

        If it may be shown `late`, wait for a short time until it is there.
        """
        try:
            if late:
                self._read_late(number, before=Expectation(absent=True))
            return self.read_when_idle(number, what)
        except StillAtWork:
            raise
        except LedgerError as error:
            raise unread(error, what) from error

    def _read_late(
        self, number: str, *, before: Expectation, expected: Expectation | None = None
    ) -> Live | None:
        """The live object of a number after an acknowledged call, which reads may show late.

        While it is as it was `before`, and not as `expected`, it is read again for a short time.
        """
        live, pause = self.read(number), self.ports.polling.shortest
        for _ in range(self.ports.polling.late_reads):
            shown = expected is not None and self.shows(live, expected)
            if shown or not self.shows(live, before) or self.ports.stop.wait(pause):
                break
            live, pause = self.read(number), 2 * pause
        return live

    def read_when_idle(
        self,
        number: str,
        what: str,
        expected: Expectation | None = None,
        before: Expectation | None = None,
    ) -> Live | None:
        """The live object of a number, once the ledger no longer works on it.

        A ledger may acknowledge a call before it begins, or before reads show it. An idle number is
        therefore read again, for a short time, until a read shows what is `expected`; an entry,
        while it is as it was `before`. Raises StillAtWork when it takes too long or the run is to
        end, in addition to what a read raises.
        """
        if not self.kind.busy_states:
            if before is None:
                return self.read(number)
            return self._read_late(number, before=before, expected=expected)
        polling, stop = self.ports.polling, self.ports.stop
        began = polling.clock()
        pause, told = polling.shortest, ""
        while True:
            live = self.ports.ledger.read_status(self.kind, number)
            waited = polling.clock() - began
            if live is not None:
                busy = self._works_on(live)
                if (said := progress_of(live, busy=busy)) != told:
                    polling.tell(said)
                    told = said
                if not busy:
                    # Read it with its entries; the ledger may have begun since.
                    live = self.read(number)
            if not self._works_on(live):
                if self._call_has_ended(live, expected) or waited >= polling.grace or stop.is_set():
                    return live
            elif waited >= polling.longest_wait or stop.is_set():
                ended = f"when {self.ports.why_stopped()}"
                why = ended if stop.is_set() else f"after {waited:.0f} s"
                status = live.status if live is not None else ""
                raise StillAtWork(
                    f"{what}, and {number} was still {status} {why}",
                    remedy="The ledger continues by itself: wait, then plan again.",
                )
            stop.wait(pause)
            pause = min(2 * pause, polling.longest)

    def _call_has_ended(self, live: Live | None, expected: Expectation | None) -> bool:
        if expected is None or self.shows(live, expected):
            return True
        return expected.status == CANCELLED and cancelled_as_far_as_can_be(live)

    def _works_on(self, live: Live | None) -> bool:
        return live is not None and live.status in self.kind.busy_states

    def marker_of(self, live: Live) -> str | None:
        """The marker of a live object; the expected one for kinds without a marker."""
        if not self.kind.carries_marker:
            return self.marker
        return marker_in(live.fields, self.marker_place)

    def marked(self, live: Live) -> Live:
        """The live object as it is once the marker of the declaration is written to it."""
        if not self.kind.carries_marker:
            return live
        held, _ = split_marker(live.fields, self.marker_place)
        return replace(live, fields=with_marker(held, self.marker_place, self.marker))

    def shows(self, live: Live | None, expected: Expectation) -> bool:
        if expected.fingerprint is not None:
            return fingerprint(live) == expected.fingerprint
        if live is None or expected.absent:
            return live is None and expected.absent
        if expected.spec is not None:
            return not self.differing_fields(live, expected)
        unmarked = expected.marked and self.marker_of(live) != self.marker
        return live.status == expected.status and not unmarked

    def differing_fields(self, live: Live, expected: Expectation) -> tuple[str, ...]:
        """The names of fields in which a read differs from the expected spec (I-32)."""
        held, marker = split_marker(live.fields, self.marker_place)
        unmarked = self.kind.carries_marker and marker != self.marker
        found = read_back(
            self.kind,
            expected.spec or {},
            expected.applied,
            held,
            manage_observed=expected.all_fields,
        )
        names = [change.name for change in found.fields]
        names += [self.kind.lines] * bool(found.line_updates)
        names += ["the marker"] * unmarked
        names += ["the status"] * (live.status not in self.kind.posted_states)
        return tuple(names)

    def shown(self, live: Live, expected: Expectation, payload: str | None) -> Shown:
        """What of the expected spec counts as applied, by a read that differs from it."""
        held, _ = split_marker(live.fields, self.marker_place)
        spec, before = expected.spec or {}, expected.applied
        return shown(self.kind, spec, before, held, payload=payload)

    def not_ours(self, live: Live | None, expected: Expectation) -> str:
        """Why an answered number is not the entry of a create; empty when it may be.

        A kind without a marker is recognized by its fields.
        """
        if live is None:
            return "which a read does not find"
        if self.marker_of(live) != self.marker:
            return f'which does not carry the marker "{self.marker}"'
        if self.kind.carries_marker:
            return ""
        names = {*self.differing_fields(live, expected)} - {"the status"}
        return f"which differs from the declaration: {', '.join(sorted(names))}" if names else ""


def shows_in_a_read(kind: Kind, body: Mapping[str, Any]) -> bool:
    """Whether a read shows any field of an update, and so can prove it."""
    unread = {*kind.line_address, kind.line_address_type, *kind.write_only}
    lines = body.get(kind.lines, ())
    return bool(body.keys() - {kind.lines}) or any(line.keys() - unread for line in lines)


def progress_of(live: Live, *, busy: bool) -> str:
    """How far the ledger is with a run, as text."""
    count = whole_of(live.fields.get("totalJournalEntryCount"))
    made = "" if count is None else f", {counted(count, 'entry', 'entries')}{' so far' * busy}"
    return f"{live.number} is {live.status}{made}"


def cancelled_as_far_as_can_be(live: Live | None) -> bool:
    """Whether a cancel has ended: only entries that cannot be cancelled are still posted."""
    if live is None or live.status == CANCELLED:
        return True
    left = [member for member in live.members if is_posted(member)]
    return bool(left) and all(blocks_run_cancel(member) for member in left)
