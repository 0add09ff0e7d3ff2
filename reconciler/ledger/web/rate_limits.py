"""Rate limits and concurrency limits (API facts 7.3, 7.4).

Each app counts its own requests, also where several processes serve one database.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits; None means unlimited, without headers.

    Requests are counted per tenant, concurrent requests per entity, token requests per address.
    Windows begin at whole minutes, hours and days in UTC.
    """

    requests_per_minute: int | None = None
    requests_per_hour: int | None = None
    requests_per_day: int | None = None
    concurrency: int | None = None
    token_requests_per_minute: int | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise ValueError(f"{name} must be at least 1, not {limit}")

    @property
    def windows(self) -> tuple[tuple[int, int], ...]:
        """Limit and length in seconds of every window there is, the shortest first."""
        spans = (
            (self.requests_per_minute, MINUTE),
            (self.requests_per_hour, HOUR),
            (self.requests_per_day, DAY),
        )
        return tuple((limit, seconds) for limit, seconds in spans if limit is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The result of counting a request, with the figures of the nearest window.

    The nearest window is the one with the fewest requests left, or of several the one that ends
    last. `reset` is the number of seconds until it ends.
    """

    admitted: bool
    limit: int
    remaining: int
    reset: int
    seconds: int


class RequestCounter:
    """Counts requests by key in windows of fixed length. Thread-safe."""

    def __init__(self, *windows: tuple[int, int]) -> None:
        self._windows = windows
        self._lock = threading.Lock()
        self._used: dict[str, list[tuple[int, int]]] = {}
        self._latest = 0

    def count(self, key: str, *, now: int) -> Usage:
        """Count a request; `now` is in seconds since 1970. A rejected one counts in the minute."""
        with self._lock:
            latest = now - now % self._windows[-1][1]
            if latest > self._latest:  # all windows are over, so no key has to be kept
                self._latest = latest
                self._used.clear()
            used = self._counts(key, now)
            admitted = all(
                count < limit for (limit, _), (_, count) in zip(self._windows, used, strict=True)
            )
            self._used[key] = used = [
                (begun, count + (admitted or seconds == MINUTE))
                for (_, seconds), (begun, count) in zip(self._windows, used, strict=True)
            ]
        return self._usage(used, now, admitted=admitted)

    def _counts(self, key: str, now: int) -> list[tuple[int, int]]:
        """The beginning and the count of each window. A late thread does not reopen an old one."""
        used = self._used.get(key) or [(0, 0)] * len(self._windows)
        begins = [now - now % seconds for _, seconds in self._windows]
        return [
            (begin, 0) if begin > begun else (begun, count)
            for begin, (begun, count) in zip(begins, used, strict=True)
        ]

    def _usage(self, used: list[tuple[int, int]], now: int, *, admitted: bool) -> Usage:
        found = [
            Usage(
                admitted=admitted,
                limit=limit,
                remaining=max(limit - count, 0),
                reset=min(begun + seconds - now, seconds),
                seconds=seconds,
            )
            for (limit, seconds), (begun, count) in zip(self._windows, used, strict=True)
        ]
        return min(found, key=lambda usage: (usage.remaining, -usage.reset))


class ConcurrencyLimit:
    """Limits concurrent requests by key. The figure it reports is sampled once a second."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._inside: dict[str, int] = {}
        self._samples: dict[str, tuple[int, int]] = {}

    def acquire(self, key: str, *, now: int) -> bool:
        """Whether the request may proceed; if so, it must be released."""
        with self._lock:
            inside = self._inside.get(key, 0)
            admitted = inside < self.limit
            if admitted:
                self._inside[key] = inside = inside + 1
            if self._samples.get(key, (-1, 0))[0] != now:
                self._samples[key] = (now, self.limit - inside)
        return admitted

    def release(self, key: str) -> None:
        with self._lock:
            self._inside[key] -= 1
            if not self._inside[key]:
                del self._inside[key]

    def remaining(self, key: str) -> int:
        return self._samples[key][1]


class Limiter:
    def __init__(self, limits: Limits) -> None:
        tokens = limits.token_requests_per_minute
        self.windows = limits.windows
        self.requests = RequestCounter(*self.windows) if self.windows else None
        self.tokens = RequestCounter((tokens, MINUTE)) if tokens is not None else None
        self.concurrency = (
            ConcurrencyLimit(limits.concurrency) if limits.concurrency is not None else None
        )


def rate_headers(usage: Usage, windows: tuple[tuple[int, int], ...]) -> Mapping[str, str]:
    """Headers for rate limits: the nearest window first, then all."""
    every = [f"{limit};w={seconds}" for limit, seconds in windows]
    return {
        "RateLimit-Limit": ", ".join([str(usage.limit), *every]),
        "RateLimit-Remaining": str(usage.remaining),
        "RateLimit-Reset": str(usage.reset),
    }


def concurrency_headers(concurrency: ConcurrencyLimit, key: str) -> Mapping[str, str]:
    """Headers for the concurrency limit. All operations here have the default type."""
    return {
        "Concurrency-Limit-Type": "Default",
        "Concurrency-Limit-Limit": str(concurrency.limit),
        "Concurrency-Limit-Remaining": str(concurrency.remaining(key)),
    }
