"""Limits the calls in flight, and pauses them when the ledger asks for it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import MappingProxyType

from reconciler.http_client.clock import Clock
from reconciler.http_client.retry import retry_after, seconds
from reconciler.zuora.connection import CallLimits

SCARCE = 4
"""Free slots at the server below which the client halves its own: others share the tenant."""

PLENTY = 12
"""Free slots above which it adds one. The server has 40 (API facts 7.4)."""


_HOURLY: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "apisandbox": (5_000, "an API sandbox"),
        "sandbox": (5_000, "an API sandbox"),
        "test": (25_000, "a developer sandbox"),
    }
)
_PRODUCTION = (2_250_000, "a tenant")


def hourly_limit(host: str) -> tuple[int, str] | None:
    """The documented calls an hour of a host and whose they are (API facts 1 and 7.3).

    None for a host that is not Zuora's. A central sandbox has the host of a developer sandbox, and
    allows more.
    """
    first, *rest = host.lower().partition(":")[0].split(".")
    if first != "rest" or rest[-2:] != ["zuora", "com"]:
        return None
    return next((_HOURLY[part] for part in rest if part in _HOURLY), _PRODUCTION)


class RateLimiter:
    """Limits the calls in flight, and pauses all calls when the ledger asks for it."""

    def __init__(self, limits: CallLimits, *, clock: Clock) -> None:
        self._most = limits.concurrency
        self._clock = clock
        self._changed = threading.Condition()
        self._allowed = limits.concurrency
        self._in_flight = 0
        self._closed_until = float("-inf")

    @property
    def allowed(self) -> int:
        return self._allowed

    @contextmanager
    def slot(self, *, deadline: float) -> Iterator[bool]:
        """A request slot for the duration of the block; False when none became free in time."""
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
        """Pauses every call: a rejected request counts towards the limit too (API facts 7.3)."""
        with self._changed:
            self._closed_until = max(self._closed_until, self._clock.now() + wait)

    def remaining_wait(self) -> float:
        return max(0.0, self._closed_until - self._clock.now())

    def wait_until_open(self, *, deadline: float) -> bool:
        """Waits for the end of a pause; False when that is after the deadline.

        A sleep that ends early means that the run must end: the answer is False too.
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
        """Adapts the number of slots to the free slots that the server reports."""
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
    """Seconds that the ledger asks to wait, or None.

    Retry-After in seconds or as a date, else the reset of the rate limit in either spelling (API
    facts 7.3). A date is compared with `now`, the server's own clock, and ignored without it.
    """
    asked = retry_after(headers, now=now)
    if asked is not None:
        return asked
    reset = headers.get("ratelimit-reset") or headers.get("rate-limit-reset") or ""
    return seconds(reset.split(",")[0].split(";")[0].strip())
