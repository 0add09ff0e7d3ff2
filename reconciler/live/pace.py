"""Decides how long to wait, and how many calls may be in flight at once."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from reconciler.live.connection import Limits

SCARCE = 4
"""Free places at the server below which the client halves its own: others share the tenant."""

PLENTY = 12
"""Free places above which it takes one back. The server counts 40 in all (API facts 7.4)."""

FOREVER = 1e9


class Gate:
    """Bounds the calls in flight, and holds all of them back when the ledger asks for it."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float]) -> None:
        self._most = limits.concurrency
        self._clock = clock
        self._changed = threading.Condition()
        self._allowed = limits.concurrency
        self._inside = 0
        self._closed_until = float("-inf")

    @property
    def allowed(self) -> int:
        """How many calls may be in flight now."""
        return self._allowed

    @contextmanager
    def place(self, *, timeout: float) -> Iterator[bool]:
        """A place in flight for as long as the block lasts; False when none came free in time."""
        with self._changed:
            free = self._changed.wait_for(lambda: self._inside < self._allowed, max(timeout, 0))
            if free:
                self._inside += 1
        try:
            yield free
        finally:
            if free:
                with self._changed:
                    self._inside -= 1
                    self._changed.notify()

    def hold(self, seconds: float) -> None:
        """Keeps every call back for that long: a rejected request counts too (API facts 7.3)."""
        with self._changed:
            self._closed_until = max(self._closed_until, self._clock() + seconds)

    def held(self) -> float:
        """Seconds until the next call may be sent."""
        return max(0.0, self._closed_until - self._clock())

    def observe(self, headers: Mapping[str, str]) -> None:
        """Narrows or widens the gate by what the server says is left of its own."""
        remaining = _seconds(headers.get("concurrency-limit-remaining", ""))
        if remaining is None:
            return
        with self._changed:
            if remaining <= SCARCE:
                self._allowed = max(1, self._allowed // 2)
            elif remaining >= PLENTY and self._allowed < self._most:
                self._allowed += 1
                self._changed.notify()


def backoff(attempt: int, *, limits: Limits, random: Callable[[], float]) -> float:
    """Seconds to wait after an attempt, counted from 1: doubling, capped, half of it by chance."""
    full: float = min(limits.backoff_cap, limits.backoff * 2.0 ** (attempt - 1))
    return full * (0.5 + 0.5 * random())


def asked_wait(headers: Mapping[str, str], *, now: datetime | None) -> float | None:
    """Seconds the ledger asks to be left alone for, None when it does not say.

    Retry-After in seconds or as a date, else the reset of the rate limit in either spelling (API
    facts 7.3). A date is measured against `now`, the server's own clock, and means nothing
    without it.
    """
    retry_after = headers.get("retry-after", "").strip()
    seconds = _seconds(retry_after)
    if seconds is None and now is not None:
        date = http_date(retry_after)
        seconds = None if date is None else max(0.0, (date - now).total_seconds())
    if seconds is not None:
        return seconds
    reset = headers.get("ratelimit-reset") or headers.get("rate-limit-reset") or ""
    return _seconds(reset.split(",")[0].split(";")[0].strip())


def http_date(text: str) -> datetime | None:
    """The moment an HTTP date names, in UTC, or None when it is none."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


def _seconds(text: str) -> float | None:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text.strip()):
        return None
    return FOREVER if len(text.strip()) > 9 else float(text)
