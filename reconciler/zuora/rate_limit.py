"""Limits the calls in flight, and pauses them when the ledger asks for it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from reconciler.http_client.clock import Clock
from reconciler.http_client.retry import retry_after, seconds
from reconciler.zuora.connection import CallLimits

LIMIT = 40
"""The server's slots where it does not say how many (API facts 7.4)."""

WINDOW = 60.0
"""Seconds of the window that a call waits for beyond its own time (API facts 7.3)."""

_HOURLY: Mapping[str, tuple[int, str]] = {
    "apisandbox": (5_000, "an API sandbox"),
    "sandbox": (5_000, "an API sandbox"),
    "test": (25_000, "a developer sandbox"),
}
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
    """Limits the calls in flight to what the ledger has room for, and pauses all when it asks.

    The room follows from the headers of each answer: the free slots, of which a tenth is left to
    others, and the requests left in the nearest window. Half of the free slots are taken at once.
    The rest, and all without headers, is taken one by one: one more with each answer. A refusal
    halves the room; afterwards it grows by one for as many answers as there are slots.
    """

    def __init__(self, limits: CallLimits, *, clock: Clock) -> None:
        self._most = limits.concurrency
        self._clock = clock
        self._changed = threading.Condition()
        self._room = 1.0
        """How far this client may go by the answers so far: the first one tells of the limits."""
        self._free = self._most
        """How far it may go by the free slots of the server."""
        self._sample: tuple[float, int] = (-1, 0)
        """The free slots that were told last, and the own calls in flight when they were first."""
        self._left: tuple[float, float] = (0, float("-inf"))
        """Requests left in the nearest window, and when it ends."""
        self._refused = False
        self._in_flight = 0
        self._closed_until = float("-inf")

    @property
    def allowed(self) -> int:
        left, until = self._left
        room = min(self._room, self._free, left if self._clock.now() < until else self._most)
        return max(1, int(room))

    @contextmanager
    def slot(self, *, deadline: float) -> Iterator[bool]:
        """A request slot for the duration of the block; False when none became free in time.

        After a pause there is a window's time more.
        """
        began = self._clock.now()
        timeout = max(0.0, deadline - began)
        with self._changed:
            free = self._changed.wait_for(self._has_slot, timeout)
            if not free and self._closed_until > began:
                free = self._changed.wait_for(self._has_slot, WINDOW)
            if free:
                self._in_flight += 1
        try:
            yield free
        finally:
            if free:
                with self._changed:
                    self._in_flight -= 1
                    self._changed.notify()

    def _has_slot(self) -> bool:
        return self._in_flight < self.allowed

    def close_for(self, wait: float) -> None:
        """Pauses every call: a rejected request counts towards the limit too (API facts 7.3)."""
        with self._changed:
            self._closed_until = max(self._closed_until, self._clock.now() + wait)

    def remaining_wait(self) -> float:
        return max(0.0, self._closed_until - self._clock.now())

    def wait_until_open(self, *, deadline: float) -> bool:
        """Waits for the end of a pause; False if that is too late, or the run must end."""
        while (wait := self.remaining_wait()) > 0:
            began = self._clock.now()
            if began + wait >= deadline:
                return False
            self._clock.sleep(wait)
            if self._clock.now() - began < wait / 2:
                return False  # a sleep that ends early means that the run must end
        return True

    def observe(self, headers: Mapping[str, str], *, refused: bool = False) -> None:
        """Adapts the room to an answer, which may be a refusal for lack of it."""
        with self._changed:
            if refused:
                self._room, self._refused = max(1.0, self.allowed / 2), True
            else:
                self._room += 1 / self._room if self._refused else 1
                self._room = min(self._room, self._most)
            self._observe_slots(headers)
            self._observe_window(headers)
            # As many as may start: each release of a slot wakes one more.
            self._changed.notify(max(0, self.allowed - self._in_flight))

    def _observe_slots(self, headers: Mapping[str, str]) -> None:
        free = seconds(headers.get("concurrency-limit-remaining", ""))
        if free is None:
            return
        limit = seconds(headers.get("concurrency-limit-limit", "")) or LIMIT
        spare = max(1, limit // 10)
        if free != self._sample[0]:
            # Sampled once a second (API facts 7.4): calls that began since then are not counted.
            self._sample = free, self._in_flight + 1
        room = min(limit - spare, self._sample[1] + free - spare)
        self._free = int(min(room, self._most))
        if not self._refused:
            # At most half at once: other clients read the same figure, up to a second old.
            self._room = max(self._room, room / 2)

    def _observe_window(self, headers: Mapping[str, str]) -> None:
        left = _first_figure(headers, "remaining")
        reset = _first_figure(headers, "reset")
        if left is None or reset is None:
            return
        now = self._clock.now()
        known, until = self._left
        if now < until and now + reset <= until + 1:
            # Answers of one window may come in another order than they were counted.
            left = min(left, known)
        self._left = left, now + reset
        if not left:
            self._closed_until = max(self._closed_until, now + reset)


def _first_figure(headers: Mapping[str, str], name: str) -> float | None:
    """The figure of the nearest window, in either spelling of the header (API facts 7.3)."""
    text = headers.get(f"ratelimit-{name}") or headers.get(f"rate-limit-{name}") or ""
    return seconds(text.split(",")[0].split(";")[0].strip())


def requested_wait(headers: Mapping[str, str], *, now: datetime | None) -> float | None:
    """Seconds that the ledger asks to wait, or None.

    Retry-After in seconds or as a date, else the reset of the rate limit in either spelling (API
    facts 7.3). A date is compared with `now`, the server's own clock, and ignored without it.
    While requests are left in the window, its reset is no reason to wait.
    """
    asked = retry_after(headers, now=now)
    if asked is not None or _first_figure(headers, "remaining"):
        return asked
    return _first_figure(headers, "reset")
