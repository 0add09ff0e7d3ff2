"""Settles what an earlier run left open, with its original payload, before anything is planned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from reconciler.calls import Book, LedgerWrite, shows_in_a_read, transfer_asked
from reconciler.core.compare import read_back
from reconciler.core.facts import AccountingPeriod
from reconciler.core.history import ADOPTIONS, Act, Result
from reconciler.core.kinds import KINDS
from reconciler.core.marker import marker_of, split_marker
from reconciler.core.members import cancelled_in_part
from reconciler.core.plan import CANCELLED
from reconciler.core.recorded import Recorded
from reconciler.core.report import Settled
from reconciler.core.values import Address, Live
from reconciler.daybook import Intent
from reconciler.errors import DaybookError, LedgerError, RequestRefused

SAFE_WINDOW = timedelta(hours=20)
"""A key is forgotten 24 hours after it was set (API facts 7.5); four of them are margin."""

SKEW = timedelta(hours=1)
"""How far apart the clocks of one ledger's servers may be; further, and they tell nothing."""


class SettlingBook(Book, Protocol):
    """A daybook that can tell what is open."""

    def unsettled(self) -> tuple[Intent, ...]: ...
    def recorded(self) -> Mapping[Address, Recorded]: ...


class SettlingLedger(LedgerWrite, Protocol):
    """A ledger that can be asked something harmless, to learn its time."""

    def accounting_periods(self) -> tuple[AccountingPeriod, ...]: ...


def settle(
    book: SettlingBook, ledger: SettlingLedger, *, workspace: str, marker_place: str
) -> Iterator[Settled]:
    """Settle every open call and yield what became of it.

    A create is sent again under its own key while the key still protects (I-07, I-09); after that
    only its entry's marker could tell, so it stays unknown. The others show in the live entry.
    """
    intents = book.unsettled()
    if not intents:
        return
    desk = _Desk(
        ledger=ledger, recorded=book.recorded(), workspace=workspace, marker_place=marker_place
    )
    for intent in intents:
        settled = desk.create(intent) if intent.act is Act.CREATE else desk.by_reading(intent)
        try:
            book.conclude(intent, settled.result, number=settled.number, detail=settled.message)
        except DaybookError as error:
            found = f" ({settled.number})" if settled.number else ""
            raise DaybookError(
                f"the {intent.act.value} of {intent.address.name}{found} was found to be "
                f"{settled.result.value}, and this is not recorded: {error.message}",
                remedy=error.remedy,
            ) from error
        yield settled


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What an open call is settled with."""

    ledger: SettlingLedger
    recorded: Mapping[Address, Recorded]
    workspace: str
    marker_place: str

    def create(self, intent: Intent) -> Settled:
        """Send a create again under its key, or leave it open."""
        marker = marker_of(self.workspace, intent.address)
        kind, payload = KINDS[intent.address.kind], (intent.payload or "").encode()
        key, track_id = intent.key or "", intent.track_id or ""
        try:
            if not self._protected(intent.server_at):
                message = "its key may protect no longer, so it is not sent again; look in the "
                message += (
                    f'ledger for an entry with the marker "{marker}"'
                    if kind.marked
                    else "ledger for what it asks for"
                )
                return _settled(intent, Result.UNKNOWN, message=message)
            number = self.ledger.create(kind, payload, key=key, track_id=track_id, sent_before=True)
            live = self.ledger.read(kind, number)
        except RequestRefused as error:
            return _settled(intent, Result.REFUSED, message=error.message)
        except LedgerError as error:
            return _settled(intent, Result.UNKNOWN, message=error.message)
        if live is not None and kind.marked and self._marker_in(live) != marker:
            message = f'the ledger answered {number}, which does not carry the marker "{marker}"'
            return _settled(intent, Result.UNKNOWN, message=message)
        return _settled(intent, Result.DONE, number=number)

    def _protected(self, since: datetime | None) -> bool:
        """Whether a key that was set then is surely still known, by the ledger's own clock."""
        now = self.ledger.server_time()
        if now is None:
            # With a token that was fetched elsewhere, nothing was asked yet. Any answer tells.
            self.ledger.accounting_periods()
            now = self.ledger.server_time()
        return now is not None and since is not None and -SKEW <= now - since < SAFE_WINDOW

    def by_reading(self, intent: Intent) -> Settled:
        """Look whether a call that may be repeated took effect."""
        kind, number = KINDS[intent.address.kind], intent.number or ""
        try:
            live = self.ledger.read(kind, number)
        except LedgerError as error:
            return _settled(intent, Result.UNKNOWN, message=error.message)
        if live is not None and live.status in kind.at_work:
            message = f'{number} has the status "{live.status}"; wait until that has ended'
            return _settled(intent, Result.UNKNOWN, number=number, message=message)
        if self._took_effect(intent, live):
            return _settled(intent, Result.DONE, number=number)
        in_part = cancelled_in_part(live) if live is not None and intent.act is Act.CANCEL else ""
        result = Result.PARTLY if in_part else Result.UNSENT
        return _settled(intent, result, number=number, message=in_part)

    def _took_effect(self, intent: Intent, live: Live | None) -> bool:
        if live is None:
            return intent.act is Act.DELETE
        if intent.act is Act.CANCEL:
            return live.status == CANCELLED
        if intent.act in ADOPTIONS and KINDS[intent.address.kind].marked:
            return self._marker_in(live) == marker_of(self.workspace, intent.address)
        return intent.act is Act.UPDATE and self._updated(intent, live)

    def _marker_in(self, live: Live) -> str | None:
        return split_marker(live.fields, self.marker_place)[1]

    def _updated(self, intent: Intent, live: Live) -> bool:
        """Whether an update shows. One that no read can show is planned again: it may be."""
        kind, payload = KINDS[intent.address.kind], intent.payload or "{}"
        if intent.spec is None or not shows_in_a_read(kind, payload):
            return False
        state = self.recorded.get(intent.address)
        held, _ = split_marker(live.fields, self.marker_place)
        return not read_back(
            kind,
            intent.spec,
            state.spec if state else None,
            held,
            manage_observed=transfer_asked(kind, payload),
        )


def _settled(
    intent: Intent, result: Result, *, number: str | None = None, message: str = ""
) -> Settled:
    return Settled(
        address=intent.address, act=intent.act.value, result=result, number=number, message=message
    )
