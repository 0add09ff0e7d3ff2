"""The clock that deadlines are measured on."""

import time

_SINCE_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def steady() -> float:
    """Seconds that only rise, and go on rising while the machine is suspended where it can tell.

    A key protects a create by the ledger's clock: a laptop that slept through a deadline must not
    believe that no time has passed.
    """
    return time.monotonic() if _SINCE_BOOT is None else time.clock_gettime(_SINCE_BOOT)
