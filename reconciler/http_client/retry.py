"""How long to wait before an attempt: what a server asks for, and what is decent without a word."""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FOREVER = 1e9


def backoff(attempt: int, *, first: float, cap: float, random: Callable[[], float]) -> float:
    """Seconds to wait after an attempt, counted from 1: doubling, capped, half of it by chance."""
    full: float = min(cap, first * 2.0 ** (attempt - 1))
    return full * (0.5 + 0.5 * random())


def retry_after(headers: Mapping[str, str], *, now: datetime | None) -> float | None:
    """What Retry-After asks for, in seconds; None when it does not say.

    A date is measured against `now`, the server's own clock, and means nothing without it.
    """
    text = headers.get("retry-after", "").strip()
    asked = seconds(text)
    if asked is None and now is not None:
        date = http_date(text)
        asked = None if date is None else max(0.0, (date - now).total_seconds())
    return asked


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


_SINCE_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def monotonic() -> float:
    """Seconds that only rise, and go on rising while the machine is suspended where it can tell.

    A key protects a create by the ledger's clock: a laptop that slept through a deadline must not
    believe that no time has passed.
    """
    return time.monotonic() if _SINCE_BOOT is None else time.clock_gettime(_SINCE_BOOT)
