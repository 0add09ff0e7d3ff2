"""Time and randomness of a client, as arguments, so that tests control both."""

import random as randomness
import time
from collections.abc import Callable
from dataclasses import dataclass

_SINCE_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def monotonic() -> float:
    """Seconds that only rise, on most systems also while the machine is suspended.

    An idempotency key expires by the ledger's clock. A laptop that was suspended past a deadline
    must notice it.
    """
    return time.monotonic() if _SINCE_BOOT is None else time.clock_gettime(_SINCE_BOOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A monotonic clock, a sleep and random numbers from 0 to 1."""

    now: Callable[[], float] = monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = randomness.random
