"""Settles what an earlier run left open, with its original payload, before anything is planned."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Protocol

from reconciler.apply import KEY_MISMATCH, Book, LedgerWrite
from reconciler.core.compare import compare
from reconciler.core.decide import CANCELLED
from reconciler.core.history import Act, Result
from reconciler.core.kinds import KINDS
from reconciler.core.marker import marker_of, split_marker
from reconciler.core.report import Settled
from reconciler.core.values import Live
from reconciler.daybook import Intent
from reconciler.errors import LedgerError, RequestRefused

SAFE_WINDOW = timedelta(hours=20)
"""A key is forgotten 24 hours after it was set (API facts 7.5); four of them are margin."""


class SettlingBook(Book, Protocol):
    """A daybook that can tell what is open."""

    def unsettled(self) -> tuple[Intent, ...]: ...


def settle(
    book: SettlingBook, ledger: LedgerWrite, *, workspace: str, marker_place: str
) -> Iterator[Settled]:
    """Settle every open call and yield what became of it.

    A create is sent again under its own key while the key still protects (I-07, I-09); after that
    only its entry's marker could tell, so it stays unknown. The others show in the live entry.
    """
    for intent in book.unsettled():
        if intent.act is Act.CREATE:
            settled = _create(intent, ledger, workspace, marker_place)
        else:
            settled = _by_reading(intent, ledger, marker_place)
        book.conclude(intent, settled.result, number=settled.number, detail=settled.message)
        yield settled


def _create(intent: Intent, ledger: LedgerWrite, workspace: str, marker_place: str) -> Settled:
    marker = marker_of(workspace, intent.address)
    now = ledger.server_time()
    if now is None or intent.server_at is None or now - intent.server_at >= SAFE_WINDOW:
        return _settled(
            intent,
            Result.UNKNOWN,
            message="the key of its create protects no longer, so it is not sent again; look in "
            f'the ledger for an entry with the marker "{marker}"',
        )
    kind, payload = KINDS[intent.address.kind], (intent.payload or "").encode()
    try:
        number = ledger.create(kind, payload, key=intent.key or "", track_id=intent.track_id or "")
        live = ledger.read(kind, number)
    except RequestRefused as error:
        result = Result.UNKNOWN if error.status == KEY_MISMATCH else Result.REFUSED
        return _settled(intent, result, message=error.message)
    except LedgerError as error:
        return _settled(intent, Result.UNKNOWN, message=error.message)
    if live is not None and split_marker(live.fields, marker_place)[1] != marker:
        message = f'the ledger answered {number}, which does not carry the marker "{marker}"'
        return _settled(intent, Result.UNKNOWN, message=message)
    return _settled(intent, Result.DONE, number=number)


def _by_reading(intent: Intent, ledger: LedgerWrite, marker_place: str) -> Settled:
    number = intent.number or ""
    try:
        live = ledger.read(KINDS[intent.address.kind], number)
    except LedgerError as error:
        return _settled(intent, Result.UNKNOWN, message=error.message)
    result = Result.DONE if _took_effect(intent, live, marker_place) else Result.UNSENT
    return _settled(intent, result, number=number)


def _took_effect(intent: Intent, live: Live | None, marker_place: str) -> bool:
    if live is None:
        return intent.act is Act.DELETE
    if intent.act is Act.CANCEL:
        return live.status == CANCELLED
    if intent.act is Act.UPDATE and intent.spec is not None:
        held, _ = split_marker(live.fields, marker_place)
        return not compare(KINDS[intent.address.kind], intent.spec, None, held)
    return False


def _settled(
    intent: Intent, result: Result, *, number: str | None = None, message: str = ""
) -> Settled:
    return Settled(
        address=intent.address, act=intent.act.value, result=result, number=number, message=message
    )
