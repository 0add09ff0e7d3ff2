"""Classifies responses of the journal API before their content is decoded."""

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlsplit

from reconciler.core.model.json_text import Unreadable, read_object
from reconciler.core.model.resource import EMPTY, Value
from reconciler.http_client.exchange import RequestOutcome, Response
from reconciler.http_client.retry import Attempt
from reconciler.values import dataclass


class Operation(StrEnum):
    READ = "read"
    CREATE = "create"
    CHANGE = "change"
    TOKEN = "token"  # noqa: S105 - a sort of call, not a secret
    QUERY = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReason:
    """A reason of the ledger: its code, None when it is not valid, and its text."""

    code: int | None
    message: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification(Attempt):
    """The outcome of an attempt. `detail` is for messages, and may contain secrets."""

    status: int | None = None
    reasons: tuple[ErrorReason, ...] = ()
    document: Mapping[str, Value] = field(default_factory=lambda: EMPTY, repr=False)
    detail: str = field(default="", repr=False)
    unknown_value: bool = False
    """Whether the response is not usable because of a word that this version does not know."""


CATEGORIES: Mapping[int, RequestOutcome] = {
    10: RequestOutcome.DENIED,
    11: RequestOutcome.SIGNED_OUT,
    **dict.fromkeys((20, 21, 22, 23, 27, 30, 45, 90), RequestOutcome.REFUSED),
    40: RequestOutcome.MISSING,
    **dict.fromkeys((50, 70), RequestOutcome.BUSY),
    **dict.fromkeys((60, 61, 99), RequestOutcome.FAILED),
}
"""By the last two digits of a reason code (API facts 7.2)."""

_LOCK = 50
"""Lock contention, which a first request that is still running also causes (7.2, 7.5)."""

WEIGHT = (
    # Of several reasons the one that promises least decides: one among others does not make a
    # request refused, or an object missing.
    RequestOutcome.FAILED,
    RequestOutcome.RUNNING,
    RequestOutcome.SIGNED_OUT,
    RequestOutcome.DENIED,
    RequestOutcome.REFUSED,
    RequestOutcome.BUSY,
    RequestOutcome.MISSING,
)

STATUSES: Mapping[int, RequestOutcome] = {
    401: RequestOutcome.SIGNED_OUT,
    403: RequestOutcome.DENIED,
    408: RequestOutcome.LOST,
    422: RequestOutcome.MISMATCHED,
    425: RequestOutcome.LOST,
    429: RequestOutcome.BUSY,
}
"""Those whose meaning does not depend on the body (API facts 7.1, 7.2, 7.5)."""


def classify(reply: Response, operation: Operation) -> Classification:
    """The outcome of a response. Not every endpoint has the envelope of the journal API."""
    document, detail = _document(reply)
    reasons = reasons_of(document)
    success = document.get("success")
    outcome = _outcome_of(operation, reply.status, success, reasons, detail)
    if outcome is RequestOutcome.REDIRECTED:
        detail = _target(reply)
    elif outcome is RequestOutcome.UNREADABLE:
        detail = detail or "the response has no `success`"
    return Classification(
        outcome=outcome, status=reply.status, reasons=reasons, document=document, detail=detail
    )


def _outcome_of(
    operation: Operation, status: int, success: Value, reasons: tuple[ErrorReason, ...], detail: str
) -> RequestOutcome:
    keyed = operation is Operation.CREATE
    if operation is Operation.TOKEN:  # it has no `success` (API facts 2)
        if status in (400, 401, 403):
            return RequestOutcome.DENIED
        success, reasons = None, ()
    if operation is Operation.QUERY and status in NO_SUCH_QUERY:
        return RequestOutcome.REFUSED
    # A query job has `data`, or `code` and `message` (API facts 6.1).
    bare = operation in (Operation.TOKEN, Operation.QUERY) and success is not False
    if bare and status == 200:
        return RequestOutcome.UNREADABLE if detail else RequestOutcome.DONE
    outcome = _outcome(status, success, reasons, keyed=keyed)
    # The first request with this key may hold the lock, and still be running.
    running = keyed and outcome is RequestOutcome.BUSY and _is_lock(reasons)
    return RequestOutcome.RUNNING if running else outcome


NO_SUCH_QUERY = frozenset({400, 404, 405, 415, 422})
"""Statuses of a tenant without Data Query, or of one that does not accept the statement."""


def reasons_of(document: Mapping[str, Value]) -> tuple[ErrorReason, ...]:
    """The reasons of a response: the list in the envelope, else its code and message."""
    listed = document.get("reasons")
    if not isinstance(listed, tuple):
        listed = (document,) if "message" in document else ()
    return tuple(
        ErrorReason(code=_code(item.get("code")), message=_message(item.get("message")))
        for item in listed[:20]
        if isinstance(item, Mapping)
    )


def _document(reply: Response) -> tuple[Mapping[str, Value], str]:
    """The object in a response, or an empty one and the reason. Incomplete bodies are not read."""
    if reply.fault:
        return EMPTY, reply.fault
    media, _, parameters = reply.headers.get("content-type", "").partition(";")
    if media.strip().lower() != "application/json":
        return EMPTY, "the content type of the response is not JSON"
    charset = parameters.strip().lower().replace('"', "")
    if charset not in ("", "charset=utf-8", "charset=utf8"):
        return EMPTY, "the charset of the response is not UTF-8"
    try:
        return read_object(reply.body), ""
    except Unreadable as error:
        return EMPTY, str(error)


def _outcome(
    status: int, success: Value, reasons: tuple[ErrorReason, ...], *, keyed: bool
) -> RequestOutcome:
    if status in STATUSES:
        return STATUSES[status]
    if status == 200 and isinstance(success, bool):
        # Older minor versions return every categorised error as 200. An unknown category is
        # treated as a server error.
        return (
            RequestOutcome.DONE
            if success
            else _categorised(reasons, otherwise=RequestOutcome.FAILED)
        )
    if status == 409:
        return _conflict(success, reasons, keyed=keyed)
    if 400 <= status < 500:
        return _client_error(status, success, reasons)
    if 300 <= status < 400:
        return RequestOutcome.REDIRECTED
    return RequestOutcome.FAILED if status >= 500 else RequestOutcome.UNREADABLE


def _conflict(success: Value, reasons: tuple[ErrorReason, ...], *, keyed: bool) -> RequestOutcome:
    """A 409 is a lock, the replayed first response, or a first request still running (7.2, 7.5)."""
    if success is True and keyed:
        return RequestOutcome.DONE
    if success is False and reasons:
        outcome = _categorised(reasons, otherwise=RequestOutcome.RUNNING)
        return RequestOutcome.REFUSED if outcome is RequestOutcome.MISSING else outcome
    return RequestOutcome.RUNNING


def _client_error(status: int, success: Value, reasons: tuple[ErrorReason, ...]) -> RequestOutcome:
    if success is not False or not any(reason.code for reason in reasons):
        return RequestOutcome.REJECTED
    outcome = _categorised(reasons, otherwise=RequestOutcome.REFUSED)
    if outcome is RequestOutcome.MISSING and status != 404:
        return RequestOutcome.REFUSED
    return outcome


def _is_lock(reasons: tuple[ErrorReason, ...]) -> bool:
    return any(reason.code is not None and reason.code % 100 == _LOCK for reason in reasons)


def _categorised(reasons: tuple[ErrorReason, ...], *, otherwise: RequestOutcome) -> RequestOutcome:
    found = {
        CATEGORIES.get(reason.code % 100, otherwise) if reason.code else otherwise
        for reason in reasons
    } or {otherwise}
    return next((outcome for outcome in WEIGHT if outcome in found), otherwise)


def _code(value: Value) -> int | None:
    """A code as integer or text: guides and specification differ (API facts 7.1)."""
    if isinstance(value, Decimal):
        value = str(value)
    if isinstance(value, str) and len(value) == 8 and value.isascii() and value.isdigit():
        return int(value)
    return None


def _message(value: Value) -> str:
    return value[:1000] if isinstance(value, str) else ""


def _target(reply: Response) -> str:
    try:
        host = urlsplit(reply.headers.get("location", "")).hostname
    except ValueError:
        host = None
    return f"its target is {host}" if host else "it names no other host"
