"""How much a tenant may ask for: requests in a window of time, and requests at once.

The rules are those of API facts 7.3 and 7.4. The counts are those of one app: several server
processes over one database each count their own.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is allowed; None means no limit, and no header that speaks of one.

    Requests are counted per tenant, requests at once per entity, token requests per address of the
    caller. Windows begin at whole minutes, hours and days of UTC.
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
    """How a request fared. `limit`, `remaining` and `reset` are those of the nearest window.

    The nearest window is the one with the fewest requests left, and of several the one that ends
    last; `reset` is the number of seconds until it does.
    """

    admitted: bool
    limit: int
    remaining: int
    reset: int
    seconds: int


class RequestCounter:
    """Counts requests by key in windows of fixed length, exactly, whatever thread they come in."""

    def __init__(self, *windows: tuple[int, int]) -> None:
        self._windows = windows
        self._lock = threading.Lock()
        self._used: dict[str, list[tuple[int, int]]] = {}
        self._latest = 0

    def count(self, key: str, *, now: int) -> Usage:
        """Count a request at a second since 1970. One that is rejected counts in the minute."""
        with self._lock:
            self._drop_expired(now)
            used = self._counts(key, now)
            admitted = all(
                count < limit for (limit, _), (_, count) in zip(self._windows, used, strict=True)
            )
            self._used[key] = used = [
                (begun, count + (admitted or seconds == MINUTE))
                for (_, seconds), (begun, count) in zip(self._windows, used, strict=True)
            ]
        return self._usage(used, now, admitted=admitted)

    def _drop_expired(self, now: int) -> None:
        """Drop every key when all windows are over, so that callers gone by take no memory."""
        latest = now - now % self._windows[-1][1]
        if latest > self._latest:
            self._latest = latest
            self._used.clear()

    def _counts(self, key: str, now: int) -> list[tuple[int, int]]:
        """When each window began and what was counted in it. A late thread opens no old window."""
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
    """Lets so many requests of a key in at once. What it reports is sampled once a second."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._inside: dict[str, int] = {}
        self._samples: dict[str, tuple[int, int]] = {}

    def acquire(self, key: str, *, now: int) -> bool:
        """Whether the request may go on; if so, it must leave again."""
        with self._lock:
            inside = self._inside.get(key, 0)
            admitted = inside < self.limit
            if admitted:
                self._inside[key] = inside = inside + 1
            if self._samples.get(key, (-1, 0))[0] != now:
                self._samples[key] = (now, self.limit - inside)
        return admitted

    def release(self, key: str) -> None:
        """End a request that was let in."""
        with self._lock:
            self._inside[key] -= 1
            if not self._inside[key]:
                del self._inside[key]

    def remaining(self, key: str) -> int:
        """How many more would have been let in when that was last looked at."""
        return self._samples[key][1]


class Limiter:
    """The limits of an app, with what has been used of them."""

    def __init__(self, limits: Limits) -> None:
        tokens = limits.token_requests_per_minute
        self.windows = limits.windows
        self.requests = RequestCounter(*self.windows) if self.windows else None
        self.tokens = RequestCounter((tokens, MINUTE)) if tokens is not None else None
        self.concurrency = (
            ConcurrencyLimit(limits.concurrency) if limits.concurrency is not None else None
        )


def rate_headers(usage: Usage, windows: tuple[tuple[int, int], ...]) -> Mapping[str, str]:
    """What an answer says about the requests that are left: the nearest window, then all."""
    every = [f"{limit};w={seconds}" for limit, seconds in windows]
    return {
        "RateLimit-Limit": ", ".join([str(usage.limit), *every]),
        "RateLimit-Remaining": str(usage.remaining),
        "RateLimit-Reset": str(usage.reset),
    }


def concurrency_headers(concurrency: ConcurrencyLimit, key: str) -> Mapping[str, str]:
    """What an answer says about requests at once. Every operation here is of the default type."""
    return {
        "Concurrency-Limit-Type": "Default",
        "Concurrency-Limit-Limit": str(concurrency.limit),
        "Concurrency-Limit-Remaining": str(concurrency.remaining(key)),
    }
