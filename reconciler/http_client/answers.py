"""What came of one request: a whole answer, or how far it got without one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What is known after one attempt."""

    DONE = "done"
    MISSING = "missing"  # a positive answer that there is no such object
    REFUSED = "refused"  # the server's own no, with reason codes
    REJECTED = "rejected"  # a 4xx that is not the ledger's envelope
    MISMATCHED = "mismatched"  # the key belongs to another request
    DENIED = "denied"  # permission
    SIGNED_OUT = "signed out"  # the token is not accepted
    BUSY = "busy"  # certainly not executed: a limit, or a lock
    RUNNING = "running"  # the first request with this key has not ended
    REDIRECTED = "redirected"
    FAILED = "failed"  # the server broke; whether before or after it committed is not said
    UNREADABLE = "unreadable"
    LOST = "lost"  # sent, then no whole answer
    NOT_SENT = "not sent"  # no connection, hence no request
    UNTRUSTED = "untrusted"  # the other end could not prove who it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer, whole. Header names are lower case; `fault` says why a body is not one."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """No whole answer: `outcome` says whether the request can have left."""

    outcome: Outcome
    detail: str
