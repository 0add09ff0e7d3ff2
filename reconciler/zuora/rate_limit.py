"""Decides how long to wait, and how many calls may be in flight at once."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from reconciler.http_client.clock import Clock
from reconciler.http_client.retry import retry_after, seconds
from reconciler.zuora.connection import CallLimits

SCARCE = 4
"""Free places at the server below which the client halves its own: others share the tenant."""

PLENTY = 12
"""Free places above which it takes one back. The server counts 40 in all (API facts 7.4)."""


class RateLimiter:
    """Bounds the calls in flight, and holds all of them back when the ledger asks for it."""

    def __init__(self, limits: CallLimits, *, clock: Clock) -> None:
        self._most = limits.concurrency
        self._clock = clock
        self._changed = threading.Condition()
        self._allowed = limits.concurrency
        self._in_flight = 0
        self._closed_until = float("-inf")

    @property
    def allowed(self) -> int:
        """How many calls may be in flight now."""
        return self._allowed

    @contextmanager
    def slot(self, *, deadline: float) -> Iterator[bool]:
        """A place in flight for as long as the block lasts; False when none came free in time."""
        timeout = max(0.0, deadline - self._clock.now())
        with self._changed:
            free = self._changed.wait_for(lambda: self._in_flight < self._allowed, timeout)
            if free:
                self._in_flight += 1
        try:
            yield free
        finally:
            if free:
                with self._changed:
                    self._in_flight -= 1
                    self._changed.notify()

    def close_for(self, wait: float) -> None:
        """Keeps every call back for that long: a rejected request counts too (API facts 7.3)."""
        with self._changed:
            self._closed_until = max(self._closed_until, self._clock.now() + wait)

    def remaining_wait(self) -> float:
        """Seconds until the next call may be sent."""
        return max(0.0, self._closed_until - self._clock.now())

    def wait_until_open(self, *, deadline: float) -> bool:
        """Sits out a pause the ledger asked for; False when it outlasts the call, or is cut short.

        A sleep that ends early says that the run is to end: waiting on would only spin.
        """
        while (wait := self.remaining_wait()) > 0:
            began = self._clock.now()
            if began + wait >= deadline:
                return False
            self._clock.sleep(wait)
            if self._clock.now() - began < wait / 2:
                return False
        return True

    def observe(self, headers: Mapping[str, str]) -> None:
        """Narrows or widens the gate by what the server says is left of its own."""
        remaining = seconds(headers.get("concurrency-limit-remaining", ""))
        if remaining is None:
            return
        with self._changed:
            if remaining <= SCARCE:
                self._allowed = max(1, self._allowed // 2)
            elif remaining >= PLENTY and self._allowed < self._most:
                self._allowed += 1
                self._changed.notify()


def requested_wait(headers: Mapping[str, str], *, now: datetime | None) -> float | None:
    """Seconds the ledger asks to be left alone for, None when it does not say.

    Retry-After in seconds or as a date, else the reset of the rate limit in either spelling (API
    facts 7.3). A date is measured against `now`, the server's own clock, and means nothing
    without it.
    """
    asked = retry_after(headers, now=now)
    if asked is not None:
        return asked
    reset = headers.get("ratelimit-reset") or headers.get("rate-limit-reset") or ""
    return seconds(reset.split(",")[0].split(";")[0].strip())
