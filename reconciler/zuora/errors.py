"""The tables of a failed call: what is tried again, what it ends as, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reconciler.errors import (
    AccessRefused,
    LedgerError,
    LedgerUnreachable,
    OutcomeUnknown,
    RequestRefused,
)
from reconciler.http_client.exchange import RequestOutcome
from reconciler.http_client.retry import RetryTable
from reconciler.zuora.responses import Classification, Operation

_NOT_EXECUTED = frozenset({RequestOutcome.NOT_SENT, RequestOutcome.BUSY})
_DOUBTFUL = frozenset(
    {RequestOutcome.LOST, RequestOutcome.FAILED, RequestOutcome.UNREADABLE, RequestOutcome.RUNNING}
)

IN_DOUBT = _DOUBTFUL | {RequestOutcome.REDIRECTED}
"""Outcomes of a write after which it may have taken effect."""

# Reading changes nothing, so anything that may pass is sent again. So is a query: a job that
# nobody asks for again costs its place in the queue, and changes nothing.
_READ = RetryTable(retried=_NOT_EXECUTED | _DOUBTFUL)

RETRIES: Mapping[Operation, RetryTable] = MappingProxyType(
    {
        Operation.READ: _READ,
        Operation.TOKEN: _READ,
        Operation.QUERY: _READ,
        # The key makes the ledger answer a second create with the first one's result.
        Operation.CREATE: RetryTable(retried=_NOT_EXECUTED | _DOUBTFUL, in_doubt=IN_DOUBT),
        # PUT and DELETE have no key: after the request may have left, only a read can tell.
        Operation.CHANGE: RetryTable(retried=_NOT_EXECUTED, in_doubt=IN_DOUBT),
    }
)
"""What is sent again, with the same bytes and key, until attempts or deadline are used up."""

WRITES = frozenset({Operation.CREATE, Operation.CHANGE})

SETTLED = frozenset({RequestOutcome.REFUSED, RequestOutcome.MISSING})
"""Answers that settle an earlier doubt: with the same key they are the first one's, replayed."""

ERRORS: Mapping[RequestOutcome, type[LedgerError]] = MappingProxyType(
    {
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
)
"""What a call ends as when its last attempt came to an outcome, and none is in doubt."""

DESCRIPTIONS: Mapping[RequestOutcome, str] = MappingProxyType(
    {
        RequestOutcome.MISSING: "the ledger does not find it",
        RequestOutcome.REFUSED: "the ledger refused it",
        RequestOutcome.REJECTED: "the answer is a refusal that is not the journal API's own",
        RequestOutcome.MISMATCHED: "the ledger holds the key of this request for another one",
        RequestOutcome.DENIED: "the ledger denied access",
        RequestOutcome.SIGNED_OUT: "the ledger does not accept the credentials",
        RequestOutcome.BUSY: "the ledger has no room for it now and did not execute it",
        RequestOutcome.RUNNING: "the ledger says an earlier request for it has not ended",
        RequestOutcome.REDIRECTED: "the answer is a redirect, which is never followed",
        RequestOutcome.FAILED: "the ledger broke while it answered",
        RequestOutcome.UNREADABLE: "the answer cannot be trusted",
        RequestOutcome.LOST: "it was sent, and no whole answer came",
        RequestOutcome.NOT_SENT: "no connection was made, so nothing was sent",
        RequestOutcome.UNTRUSTED: "the server did not prove who it is, so nothing was sent",
    }
)

REMEDIES: Mapping[RequestOutcome, str] = MappingProxyType(
    {
        RequestOutcome.MISSING: "Compare what the declaration names with what the tenant has.",
        RequestOutcome.REFUSED: "Correct what the ledger names, then plan again.",
        RequestOutcome.REJECTED: "Check that the base URL is the journal API's.",
        RequestOutcome.MISMATCHED: "Run again; if it stays, another tool uses the same keys.",
        RequestOutcome.SIGNED_OUT: "Check the credentials, their tenant and the base URL.",
        RequestOutcome.BUSY: "Wait, then run again, with less parallelism if it stays.",
        RequestOutcome.RUNNING: "Wait a minute, then run again: it is settled before anything new.",
        RequestOutcome.REDIRECTED: "Set the base URL to the host that serves the journal API.",
        RequestOutcome.FAILED: "Run again later; the track id lets the vendor find the request.",
        RequestOutcome.UNREADABLE: "Check for a proxy in between; the track id names the request.",
        RequestOutcome.LOST: "Run again when the network is sound.",
        RequestOutcome.NOT_SENT: "Check the base URL, the network and that the ledger runs.",
        RequestOutcome.UNTRUSTED: "Have its certificate corrected, or give the CA bundle it needs.",
    }
)

DOUBT_REMEDY = (
    "It may have taken effect: run again, which looks at the ledger before it sends anything."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInfo:
    """What a call is about, for the message it may end in. `what` is a phrase in -ing."""

    what: str
    operation: Operation
    permission: str = ""
    track_id: str = ""


def failure(info: CallInfo, ended: Classification, *, in_doubt: bool) -> LedgerError:
    """The error a call ends in. `in_doubt`: an earlier attempt of it may have taken effect."""
    kind = ERRORS[ended.outcome]
    if ended.outcome is RequestOutcome.BUSY and info.operation in WRITES:
        # Not executed for certain. It may be stored under the key, so the next try needs a new one.
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
        parts.append(f"; it asks for {ended.wait:g} seconds of rest")
    return "".join(parts)


def _reason(message: str, code: int | None) -> str:
    words = message.rstrip(".") or "no message"
    return words if code is None else f"{words} (code {code})"


def _remedy(info: CallInfo, ended: Classification) -> str:
    if ended.outcome is not RequestOutcome.DENIED:
        return REMEDIES[ended.outcome]
    if info.operation is Operation.TOKEN:
        return "Check ZUORA_CLIENT_ID and ZUORA_CLIENT_SECRET, their tenant and the base URL."
    return f"Give the API user the permission “{info.permission}” and API write access."
