"""The only retry loop: which outcomes are retried, after which wait, and until when."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from reconciler.http_client.clock import Clock
from reconciler.http_client.exchange import FailedRequest, HttpLimits, RequestOutcome, Response

FOREVER = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryTable:
    """Which outcomes are retried, and after which the request may have taken effect."""

    retried: frozenset[RequestOutcome]
    in_doubt: frozenset[RequestOutcome] = frozenset()


TRANSIENT = frozenset(
    {RequestOutcome.NOT_SENT, RequestOutcome.LOST, RequestOutcome.FAILED, RequestOutcome.BUSY}
)
"""Outcomes that may differ at the next attempt."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """A call so far, which `deadline` bounds. If it is `in_doubt`, it may have taken effect."""

    deadline: float
    attempt: int = 0
    in_doubt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How an attempt ended. `wait` is how many seconds the server asks to wait, if it does."""

    outcome: RequestOutcome
    wait: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAttempt(Attempt):
    """An attempt that is classified by its HTTP status alone."""

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
    """The last attempt: a final outcome, or the end of the attempts or of the time."""
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
    """Exponential backoff after an attempt, counted from 1: capped, half of it random."""
    full: float = min(limits.backoff_cap, limits.backoff * 2.0 ** (attempt - 1))
    return full * (0.5 + 0.5 * clock.random())


def outcome_of(reply: Response | FailedRequest) -> RequestOutcome:
    """What an HTTP status means, without reading the body."""
    if isinstance(reply, FailedRequest):
        return reply.outcome
    if reply.status == 429:
        return RequestOutcome.BUSY
    return _BY_HUNDREDS.get(reply.status // 100, RequestOutcome.FAILED)


_BY_HUNDREDS = {2: RequestOutcome.DONE, 3: RequestOutcome.REDIRECTED, 4: RequestOutcome.REJECTED}


def retry_after(headers: Mapping[str, str], *, now: datetime | None) -> float | None:
    """The seconds of Retry-After, or None. A date is compared with `now`, the server's clock."""
    text = headers.get("retry-after", "").strip()
    requested = seconds(text)
    if requested is None and now is not None:
        date = http_date(text)
        requested = None if date is None else max(0.0, (date - now).total_seconds())
    return requested


def http_date(text: str) -> datetime | None:
    """An HTTP date in UTC; None for any other text."""
    with suppress(ValueError):
        return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    # The obsolete forms, which a server may still send (RFC 9110, 5.6.7).
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - brings half of the network in

    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


def seconds(text: str) -> float | None:
    """A number of seconds in a header; None for any other text."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text.strip()):
        return None
    return FOREVER if len(text.strip()) > 10 else float(text)
