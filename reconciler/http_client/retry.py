"""The one loop of attempts: what is sent again, after which wait, and until when."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from reconciler.http_client.clock import Clock
from reconciler.http_client.exchange import (
    FailedRequest,
    HttpLimits,
    RequestOutcome,
    Response,
)

FOREVER = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryTable:
    """Which outcomes are sent again, and after which the request may have taken effect."""

    retried: frozenset[RequestOutcome]
    in_doubt: frozenset[RequestOutcome] = frozenset()


TRANSIENT = frozenset(
    {RequestOutcome.NOT_SENT, RequestOutcome.LOST, RequestOutcome.FAILED, RequestOutcome.BUSY}
)
"""Outcomes that may differ at the next attempt."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a call is. `deadline`, a moment on the clock, bounds its attempts and waits.

    `in_doubt` says that an attempt of the call may have taken effect.
    """

    deadline: float
    attempt: int = 0
    in_doubt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How one attempt ended, and for how many seconds the server asks to wait, if it does."""

    outcome: RequestOutcome
    wait: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAttempt(Attempt):
    """An attempt that is understood by its HTTP status alone."""

    reply: Response | FailedRequest


Ended = TypeVar("Ended", bound=Attempt)


def send_with_retries(
    send: Callable[[], Ended],
    progress: Progress,
    table: RetryTable,
    *,
    limits: HttpLimits,
    clock: Clock,
) -> Ended:
    """The last attempt: one that is not sent again, or for whose successor nothing is left."""
    while True:
        progress.attempt += 1
        ended = send()
        progress.in_doubt |= ended.outcome in table.in_doubt
        if ended.outcome not in table.retried or progress.attempt >= limits.attempts:
            return ended
        if ended.wait is None:
            wait = _backoff(progress.attempt, limits, clock)
        else:
            wait = ended.wait + limits.backoff * clock.random()
        if clock.now() + wait >= progress.deadline:
            return ended
        clock.sleep(wait)


def _backoff(attempt: int, limits: HttpLimits, clock: Clock) -> float:
    """Seconds to wait after an attempt, counted from 1: doubling, capped, half of it random."""
    full: float = min(limits.backoff_cap, limits.backoff * 2.0 ** (attempt - 1))
    return full * (0.5 + 0.5 * clock.random())


def outcome_of(reply: Response | FailedRequest) -> RequestOutcome:
    """What the HTTP status of an answer means, whoever sent it."""
    if isinstance(reply, FailedRequest):
        return reply.outcome
    if reply.status == 429:
        return RequestOutcome.BUSY
    return _BY_HUNDREDS.get(reply.status // 100, RequestOutcome.FAILED)


_BY_HUNDREDS = {
    2: RequestOutcome.DONE,
    3: RequestOutcome.REDIRECTED,
    4: RequestOutcome.REJECTED,
}


def retry_after(headers: Mapping[str, str], *, now: datetime | None) -> float | None:
    """What Retry-After asks for, in seconds; None when it does not say.

    A date is measured against `now`, the server's own clock, and means nothing without it.
    """
    text = headers.get("retry-after", "").strip()
    requested = seconds(text)
    if requested is None and now is not None:
        date = http_date(text)
        requested = None if date is None else max(0.0, (date - now).total_seconds())
    return requested


def http_date(text: str) -> datetime | None:
    """The moment an HTTP date names, in UTC, or None when it is none."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


def seconds(text: str) -> float | None:
    """A header's plain number of seconds; None for anything else."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text.strip()):
        return None
    return FOREVER if len(text.strip()) > 10 else float(text)
