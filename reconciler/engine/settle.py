"""Settles open calls of earlier runs, with their original payload, before a plan is made."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from reconciler.core.model.command import suggested
from reconciler.core.model.finding import joined
from reconciler.core.model.history import ADOPTIONS, Act, Recorded, Result
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.marker import is_rest_of, marker_of, split_marker
from reconciler.core.model.plan import CANCELLED
from reconciler.core.model.report import Settled
from reconciler.core.model.resource import Address, Live
from reconciler.core.planning.diff import read_back
from reconciler.core.planning.run_members import cancelled_in_part, noted_unposted
from reconciler.core.recovery.marker_search import (
    LAG,
    Search,
    is_posted_with_marker,
    recorded_numbers,
)
from reconciler.daybook import CallOutcome, Intent
from reconciler.engine.call_outcome import KEY_MISMATCH, settlement_of
from reconciler.engine.ports import LedgerReader, PostingLedger, SettlingDaybook
from reconciler.engine.read_back import shows_in_a_read
from reconciler.engine.search import search_ledger, search_or_probe, was_deleted
from reconciler.engine.settlement_record import confirmed, record_settled, settled_by, shown_by
from reconciler.errors import DaybookError, LedgerError, RequestRefused
from reconciler.values import dataclass

SAFE_WINDOW = timedelta(hours=20)
"""A key is forgotten 24 hours after it was set (API facts 7.5); four of them are margin."""

FORGOTTEN = timedelta(hours=24)
"""After this and `LAG`, a create that no search finds was not executed. Until its key is forgotten,
a late first request, or the same request sent again, might still be executed."""

HOUR = timedelta(hours=1)
SKEW = HOUR
"""How far apart the clocks of one ledger's servers may be."""


def settle(  # noqa: PLR0913 - keywords, each with its usual value
    daybook: SettlingDaybook,
    ledger: PostingLedger,
    *,
    workspace: str,
    marker_place: str,
    adopts: Mapping[Address, str] = MappingProxyType({}),
    may_send: bool = True,
) -> Iterator[Settled]:
    """Settle every open call and yield its result.

    A create is sent again under its own key while the key still protects (I-07, I-09). After that,
    a search for its marker decides. A read of the live entry settles all other calls. `adopts` are
    the numbers that files name: one that matches an open create is its entry. Without `may_send`
    nothing is sent again, and creates are only searched for.
    """
    intents = daybook.unsettled()
    if not intents:
        return
    settlement = _Settlement(
        daybook=daybook,
        ledger=ledger,
        creates=tuple(intent.address for intent in intents if intent.act is Act.CREATE),
        recorded=daybook.recorded(),
        workspace=workspace,
        marker_place=marker_place,
        adopts=adopts,
        may_send=may_send,
    )
    for intent in intents:
        settled = (
            settlement.create(intent) if intent.act is Act.CREATE else settlement.by_reading(intent)
        )
        try:
            record_settled(daybook, intent, settled)
        except DaybookError as error:
            found = f" ({settled.number})" if settled.number else ""
            raise DaybookError(
                f"the {intent.act.value} of {intent.address.name}{found} is "
                f"{settled.result.value}, but this is not recorded: {error.message}",
                remedy=error.remedy,
            ) from error
        yield settled


@dataclass(slots=True, kw_only=True)
class _Settlement:
    """Settles open calls, one at a time."""

    daybook: SettlingDaybook
    ledger: PostingLedger
    creates: tuple[Address, ...]
    recorded: Mapping[Address, Recorded]
    workspace: str
    marker_place: str
    adopts: Mapping[Address, str]
    may_send: bool
    searched: Search | None = None
    """For all creates, and only once one of them is too old for its key."""

    def create(self, intent: Intent) -> Settled:
        """Send a create again under its key, search for its entry, or leave it open."""
        try:
            return self._create(intent)
        except LedgerError as error:
            # A read that fails or is refused says nothing of the create.
            return settlement_of(intent, Result.UNKNOWN, message=error.message)

    def _create(self, intent: Intent) -> Settled:
        kind, payload = KINDS[intent.address.kind], (intent.payload or "").encode()
        key, track_id = intent.key or "", intent.track_id or ""
        if named := self._named(intent):
            return named
        age = age_of(self.ledger, intent)
        if not self.may_send or age is None or not -SKEW <= age < SAFE_WINDOW:
            return self._by_search(intent, age)
        # From now on, the outcome of the first attempt settles nothing.
        outcome = CallOutcome(result=Result.UNKNOWN, detail="it is sent again")
        self.daybook.record_outcome(intent, outcome)
        try:
            number = self.ledger.create(kind, payload, key=key, track_id=track_id, sent_before=True)
        except RequestRefused as error:
            return settlement_of(intent, Result.REFUSED, message=error.message)
        except LedgerError as error:
            if error.status == KEY_MISMATCH and kind.carries_marker:
                return self._by_search(intent, age)
            raise
        return self._answered(intent, number, self.ledger.read(kind, number))

    def _answered(self, intent: Intent, number: str, live: Live | None) -> Settled:
        """Settle a create by the number that it is answered with, and a read of it."""
        kind, marker = KINDS[intent.address.kind], marker_of(self.workspace, intent.address)
        if live is None and not was_deleted(
            self.ledger, kind, number, marker=marker, place=self.marker_place
        ):
            message = (
                f"the ledger answered {number}, which neither a read nor a query of deleted "
                f"{kind.nouns[1]} finds"
            )
            return settlement_of(intent, Result.UNKNOWN, message=message)
        if live is not None and kind.carries_marker and self._marker_in(live) != marker:
            return self._unmarked(intent, number, self._marker_in(live))
        settled = settled_by(intent, number, live, marker_place=self.marker_place)
        if settled.differs and not kind.carries_marker:
            # Nothing but its values could prove that the object is the declared one.
            named = f"if it is the declared one, name it with `metadata.adopts: {number}`"
            message = f"{settled.message}; {named}"
            return settlement_of(intent, Result.UNSENT, message=message)
        return settled

    def _unmarked(self, intent: Intent, number: str, found: str | None) -> Settled:
        """A create that was answered with an entry without its marker, which may be its own."""
        marker, place = marker_of(self.workspace, intent.address), self.marker_place
        hours = (FORGOTTEN + LAG) // HOUR
        message = (
            f'the ledger answered {number}, which does not carry the marker "{marker}"; if it is '
            f"the declared entry, write the marker into its field {place}, or cancel it there; if "
            f"it is another one, run "
            f"{suggested('daybook', 'recover', '--not-posted', intent.address)} after {hours} hours"
        )
        settled = settlement_of(intent, Result.UNKNOWN, number=number, message=message)
        return replace(settled, marker_lost=is_rest_of(found, marker))

    def _as_answered(self, intent: Intent) -> Settled | None:
        """Settle a create by a posted entry that it was answered with; None without one.

        A ledger may ignore the field of the marker, or keep only the beginning of its text. Then no
        search finds the entry.
        """
        kind, marker = KINDS[intent.address.kind], marker_of(self.workspace, intent.address)
        known = recorded_numbers(self.recorded.values())
        for number in (one for one in intent.answered if one not in known):
            live = self.ledger.read(kind, number)
            found = self._marker_in(live) if live is not None else None
            if live is not None and live.status in kind.posted_states:
                if found == marker:
                    return settled_by(intent, number, live, marker_place=self.marker_place)
                if is_rest_of(found, marker):
                    return self._unmarked(intent, number, found)
        return None

    def _named(self, intent: Intent) -> Settled | None:
        """The settlement by the number that the file names, if the create can have made it."""
        number = self.adopts.get(intent.address)
        known = recorded_numbers(self.recorded.values())
        if number is None or number in known:
            return None
        settled = confirmed(
            self.ledger,
            intent,
            number,
            workspace=self.workspace,
            marker_place=self.marker_place,
            message="named by metadata.adopts",
        )
        return settled if settled.result is Result.DONE else None

    def _by_search(self, intent: Intent, age: timedelta | None) -> Settled:
        """Settle a create by its marker, because its key may no longer protect (I-09).

        An entry that is found settles it at any time. Finding nothing settles it only when the
        request can no longer arrive and a query would show its entry.
        """
        why = "its key may no longer protect" if self.may_send else "nobody approved it"
        unsent = f"{why}, so it is not sent again; "
        if not KINDS[intent.address.kind].carries_marker:
            message = (
                f"{unsent}check the ledger for the object that it declares, and name it with "
                f"`metadata.adopts`, or with `--posted {intent.address}=NUMBER` of "
                f"{suggested('daybook', 'recover')}"
            )
            return settlement_of(intent, Result.UNKNOWN, message=message)
        if self.searched is None:
            self.searched = search_ledger(
                self.ledger, self.workspace, self.marker_place, names=self.creates
            )
        search = self.searched
        if search.failure:
            begin = self.daybook.last_number(intent.address.kind, before=intent)
            search = search_or_probe(self.ledger, search, begin, self.workspace, self.marker_place)
        standing = self._unrecorded(intent.address, search)
        if len(standing) == 1:
            live = self.ledger.read(KINDS[intent.address.kind], standing[0])
            found = "found by its marker"
            return settled_by(
                intent, standing[0], live, marker_place=self.marker_place, message=found
            )
        if standing:
            marker = marker_of(self.workspace, intent.address)
            message = (
                f'{joined(standing)} carry the marker "{marker}"; look at each, and leave '
                "one of those that this workspace posted"
            )
            return settlement_of(intent, Result.UNKNOWN, message=message)
        if answered := self._as_answered(intent):
            return answered
        past = age is not None and age >= FORGOTTEN + LAG
        if past and not search.failure and not search.probed:
            message = f"no entry carries its marker after {(FORGOTTEN + LAG) // HOUR} hours"
            return settlement_of(intent, Result.REFUSED, message=message)
        message = unsent + self._not_found(intent, search)
        return settlement_of(intent, Result.UNKNOWN, message=message)

    def _not_found(self, intent: Intent, search: Search) -> str:
        """What to do by hand after a search that found nothing."""
        marker = marker_of(self.workspace, intent.address)
        look = f'check the ledger for an entry with the marker "{marker}"'
        if search.failure:
            return f"{look}; the search failed: {search.failure}"
        if search.probed:
            # A gap of deleted entries may look like the end, so this is no proof.
            return (
                f"none of {search.probed} carries its marker; {look}; if there is none, run "
                f"{suggested('daybook', 'recover', '--not-posted', intent.address)}"
            )
        return (
            "no search finds its entry, which proves nothing before "
            f"{(FORGOTTEN + LAG) // HOUR} hours have passed; until then, {look}"
        )

    def _unrecorded(self, address: Address, search: Search) -> tuple[str, ...]:
        """Posted numbers with the marker of an address that no record has."""
        known = recorded_numbers(self.recorded.values())
        kind, place = KINDS[address.kind], self.marker_place
        return tuple(
            number
            for number in search.numbers.get(address, ())
            if number not in known
            and is_posted_with_marker(
                address, self.ledger.read(kind, number), self.workspace, place
            )
        )

    def by_reading(self, intent: Intent) -> Settled:
        """Read whether a call that may be repeated took effect."""
        kind, number = KINDS[intent.address.kind], intent.number or ""
        try:
            live = self.ledger.read(kind, number)
        except LedgerError as error:
            return settlement_of(intent, Result.UNKNOWN, message=error.message)
        if live is not None and live.status in kind.busy_states:
            message = f'{number} has the status "{live.status}"; wait until that has ended'
            return settlement_of(intent, Result.UNKNOWN, number=number, message=message)
        if self._took_effect(intent, live):
            if intent.act in ADOPTIONS:
                return settled_by(intent, number, live, marker_place=self.marker_place)
            return settlement_of(intent, Result.DONE, number=number)
        if intent.act is Act.UPDATE:
            return self._not_shown(intent, live)
        in_part = ""
        if live is not None and intent.act is Act.CANCEL:
            in_part = cancelled_in_part(live, gone=noted_unposted(intent.spec))
        result = Result.PARTLY if in_part else Result.UNSENT
        return settlement_of(intent, result, number=number, message=in_part)

    def _took_effect(self, intent: Intent, live: Live | None) -> bool:
        if live is None:
            return intent.act is Act.DELETE
        if intent.act is Act.CANCEL:
            return live.status == CANCELLED
        if intent.act in ADOPTIONS and KINDS[intent.address.kind].carries_marker:
            return self._marker_in(live) == marker_of(self.workspace, intent.address)
        return intent.act is Act.UPDATE and self._updated(intent, live)

    def _not_shown(self, intent: Intent, live: Live | None) -> Settled:
        """An update that a read does not show. It may have been changed by hand since."""
        settled = settlement_of(intent, Result.UNSENT, number=intent.number)
        state = self.recorded.get(intent.address)
        before = state.spec if state else None
        found = shown_by(intent, before, live, marker_place=self.marker_place)
        if found is None or found.applied == before:
            return settled
        return replace(settled, differs=True, applied=found.applied, otherwise=found.otherwise)

    def _marker_in(self, live: Live) -> str | None:
        return split_marker(live.fields, self.marker_place)[1]

    def _updated(self, intent: Intent, live: Live) -> bool:
        """Whether the update is visible. If no read can show it, it is planned again."""
        kind, body = KINDS[intent.address.kind], json.loads(intent.payload or "{}")
        if intent.spec is None or not shows_in_a_read(kind, body):
            return False
        state = self.recorded.get(intent.address)
        held, _ = split_marker(live.fields, self.marker_place)
        return not read_back(
            kind,
            intent.spec,
            state.spec if state else None,
            held,
            # A field that other systems write too counts where the call set it.
            manage_observed=not kind.externally_written.isdisjoint(body),
        )


def age_of(ledger: LedgerReader, intent: Intent) -> timedelta | None:
    """The age of a key by the ledger's own clock; None when it is unknown."""
    now = ledger.server_time()
    if now is None:
        # With a token fetched elsewhere, there was no call yet. Any answer has the time.
        ledger.accounting_periods()
        now = ledger.server_time()
    return None if now is None or intent.server_at is None else now - intent.server_at
