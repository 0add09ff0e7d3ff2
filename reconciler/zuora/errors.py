"""Tables of failed calls: what is retried, which error results, and its remedy."""

from collections.abc import Mapping

from reconciler.errors import (
    AccessRefused,
    LedgerError,
    LedgerUnreachable,
    OutcomeUnknown,
    RequestRefused,
)
from reconciler.http_client.exchange import RequestOutcome
from reconciler.http_client.retry import RetryTable
from reconciler.values import dataclass
from reconciler.zuora.responses import Classification, Operation

_NOT_EXECUTED = frozenset({RequestOutcome.NOT_SENT, RequestOutcome.BUSY})
_DOUBTFUL = frozenset(
    {RequestOutcome.LOST, RequestOutcome.FAILED, RequestOutcome.UNREADABLE, RequestOutcome.RUNNING}
)

IN_DOUBT = _DOUBTFUL | {RequestOutcome.REDIRECTED}
"""Outcomes after which a write may have taken effect."""

# Reads and queries change nothing, so every outcome that may differ next time is retried.
_READ = RetryTable(retried=_NOT_EXECUTED | _DOUBTFUL)

RETRIES: Mapping[Operation, RetryTable] = {
    Operation.READ: _READ,
    Operation.TOKEN: _READ,
    Operation.QUERY: _READ,
    # With the key the ledger answers a second create with the result of the first.
    Operation.CREATE: RetryTable(retried=_NOT_EXECUTED | _DOUBTFUL, in_doubt=IN_DOUBT),
    # PUT and DELETE have no key: after one may have been sent, only a read shows its effect.
    Operation.CHANGE: RetryTable(retried=_NOT_EXECUTED, in_doubt=IN_DOUBT),
}
"""What is retried, with the same bytes and key."""

WRITES = frozenset({Operation.CREATE, Operation.CHANGE})

SETTLED = frozenset({RequestOutcome.REFUSED, RequestOutcome.MISSING})
"""Outcomes that settle an earlier doubt: with the same key the first response is replayed."""

ERRORS: Mapping[RequestOutcome, type[LedgerError]] = {
    RequestOutcome.UNREADABLE: LedgerError,
    RequestOutcome.REFUSED: RequestRefused,
    RequestOutcome.MISSING: RequestRefused,
    RequestOutcome.REJECTED: RequestRefused,
    RequestOutcome.MISMATCHED: RequestRefused,
    RequestOutcome.REDIRECTED: RequestRefused,
    RequestOutcome.DENIED: AccessRefused,
    RequestOutcome.SIGNED_OUT: AccessRefused,
    RequestOutcome.BUSY: LedgerUnreachable,
    RequestOutcome.RUNNING: LedgerUnreachable,
    RequestOutcome.FAILED: LedgerUnreachable,
    RequestOutcome.LOST: LedgerUnreachable,
    RequestOutcome.NOT_SENT: LedgerUnreachable,
    RequestOutcome.UNTRUSTED: LedgerUnreachable,
}
"""The error of a call by the outcome of its last attempt, when no attempt is in doubt."""

DESCRIPTIONS: Mapping[RequestOutcome, str] = {
    RequestOutcome.MISSING: "the ledger found no such object",
    RequestOutcome.REFUSED: "the ledger refused the request",
    RequestOutcome.REJECTED: "the response is a refusal, but not one of the journal API",
    RequestOutcome.MISMATCHED: "the ledger knows this idempotency key from another request",
    RequestOutcome.DENIED: "the ledger denied access",
    RequestOutcome.SIGNED_OUT: "the ledger does not accept the credentials",
    RequestOutcome.BUSY: (
        "the ledger is over its rate or concurrency limit; the request was not executed"
    ),
    RequestOutcome.RUNNING: "the ledger is still executing an earlier request",
    RequestOutcome.REDIRECTED: "the response is a redirect, and redirects are not followed",
    RequestOutcome.FAILED: "the ledger returned a server error",
    RequestOutcome.UNREADABLE: "the response is not usable",
    RequestOutcome.LOST: "the request was sent, but no complete response arrived",
    RequestOutcome.NOT_SENT: "nothing was sent",
    RequestOutcome.UNTRUSTED: "the server's certificate was not accepted, so nothing was sent",
}

REMEDIES: Mapping[RequestOutcome, str] = {
    RequestOutcome.MISSING: "Check that the tenant has everything that the declaration names.",
    RequestOutcome.REFUSED: "Correct what the ledger names, then plan again.",
    RequestOutcome.REJECTED: "Check that the base URL is that of the journal API.",
    RequestOutcome.MISMATCHED: "Run again. Check whether another tool uses the same keys.",
    RequestOutcome.SIGNED_OUT: "Check the credentials, their tenant and the base URL.",
    RequestOutcome.BUSY: "Wait, then run again. If the error persists, use less parallelism.",
    RequestOutcome.RUNNING: "Wait a minute, then run again: open calls are settled first.",
    RequestOutcome.REDIRECTED: "Set the base URL to the host that serves the journal API.",
    RequestOutcome.FAILED: "Try again later. Give the track id to the vendor.",
    RequestOutcome.UNREADABLE: "Check for a proxy. Give the track id to the vendor.",
    RequestOutcome.LOST: "Run again when the network works.",
    RequestOutcome.NOT_SENT: "Check the base URL, the network and the ledger.",
    RequestOutcome.UNTRUSTED: "Correct the certificate, or name the file of its authority with "
    "--ca-bundle. SSL_CERT_FILE is not read.",
}

DOUBT_REMEDY = "It may have taken effect. Run again: the ledger is read before anything is sent."


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInfo:
    """What a call does, for messages. `what` is a phrase in -ing."""

    what: str
    operation: Operation
    permission: str = ""
    track_id: str = ""


def failure(info: CallInfo, ended: Classification, *, in_doubt: bool) -> LedgerError:
    """The error of a call. With `in_doubt` an attempt of it may have taken effect."""
    kind = ERRORS[ended.outcome]
    if ended.outcome is RequestOutcome.BUSY and info.operation in WRITES:
        # It was not executed, but may be stored with the key: the next try needs a new key.
        kind = RequestRefused
    if in_doubt and ended.outcome not in SETTLED:
        kind = OutcomeUnknown
    remedy = DOUBT_REMEDY if kind is OutcomeUnknown else _remedy(info, ended)
    return kind(
        f"{info.what}: {_description(ended)}. Track id {info.track_id}.",
        remedy=remedy,
        status=ended.status,
        codes=[reason.code for reason in ended.reasons if reason.code is not None],
        track_id=info.track_id,
    )


def _description(ended: Classification) -> str:
    texts = "; ".join(_reason(reason.message, reason.code) for reason in ended.reasons)
    parts = [DESCRIPTIONS[ended.outcome]]
    if ended.status is not None:
        parts.append(f" (HTTP {ended.status})")
    parts.extend(f": {text.rstrip('.')}" for text in (texts, ended.detail) if text)
    if ended.wait is not None:
        parts.append(f"; retry after {ended.wait:g} seconds")
    return "".join(parts)


def _reason(message: str, code: int | None) -> str:
    words = message.rstrip(".") or "no message"
    return words if code is None else f"{words} (code {code})"


_UNKNOWN_VALUE = (
    "This version of reconciler does not know the word: update reconciler. Until then, leave out "
    "the entry that has it: add --exclude NAME."
)


def _remedy(info: CallInfo, ended: Classification) -> str:
    if ended.unknown_value:
        return _UNKNOWN_VALUE
    if ended.outcome is not RequestOutcome.DENIED:
        return REMEDIES[ended.outcome]
    if info.operation is Operation.TOKEN:
        return "Check ZUORA_CLIENT_ID and ZUORA_CLIENT_SECRET, their tenant and the base URL."
    return f"Give the API user the permission “{info.permission}” and API write access."
