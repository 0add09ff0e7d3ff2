"""The idempotency key of a create, and what an error says of the effect of a call."""

import hashlib

from reconciler.core.model.history import Result
from reconciler.core.model.plan import Basis
from reconciler.core.model.report import Settled
from reconciler.daybook import CallOutcome, Intent
from reconciler.errors import (
    AccessRefused,
    LedgerError,
    LedgerUnreachable,
    OutcomeUnknown,
    RequestRefused,
)

KEY_MISMATCH = 422
"""The key was used for another request, so this one was not executed (API facts 7.5)."""


def idempotency_key(basis: Basis, intent: Intent, *, after: str | None = None) -> str:
    """The key of a create: tenant, workspace, address, predecessor and attempt.

    The content is no part of it: of two applies that post one declaration at once, with different
    values, the ledger executes one. `after` is the number that the address had before, which no
    other create of the address follows, whatever daybook it is made from. Without one the
    incarnation stands for it, so that an undone removal posts again (I-05, I-06).
    """
    parts = (
        basis.tenant_id or basis.host,
        basis.entity_id,
        basis.workspace,
        str(intent.address),
        after or str(intent.incarnation),
        str(intent.attempt),
    )
    return "reconciler-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()


def settlement_of(
    intent: Intent, result: Result, *, number: str | None = None, message: str = ""
) -> Settled:
    """How an open call ended, for the report."""
    return Settled(
        address=intent.address, act=intent.act.value, result=result, number=number, message=message
    )


def result_of(error: LedgerError) -> Result:
    """What an error says of the effect of its call."""
    definite = isinstance(error, RequestRefused | AccessRefused)
    # A key that another request has used is kept: a new one might post a second time.
    if isinstance(error, LedgerUnreachable) or (definite and error.status == KEY_MISMATCH):
        return Result.UNSENT
    return Result.REFUSED if definite else Result.UNKNOWN


def ended_by(error: LedgerError, result: Result | None = None) -> CallOutcome:
    """The outcome of a call that an error ended; without a result, by what the error says."""
    return CallOutcome(result=result or result_of(error), detail=error.message)


def unread(error: LedgerError, what: str) -> LedgerError:
    """The error of a read that should confirm a call; `what` says what is known of the call."""
    return type(error)(
        f"{what}, and it could not be read back. {error.message}",
        remedy=error.remedy,
        status=error.status,
        codes=error.codes,
        track_id=error.track_id,
    )


def as_unknown(error: LedgerError) -> OutcomeUnknown:
    """An error of a call whose effect is unknown, as OutcomeUnknown."""
    if isinstance(error, OutcomeUnknown):
        return error
    return OutcomeUnknown(
        error.message, remedy=error.remedy, status=error.status, track_id=error.track_id
    )
