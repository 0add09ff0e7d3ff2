"""Short deadlines and a clock that a wait moves on: nothing in the laboratory sleeps for long.

The defaults of the product's own arguments are replaced, in the process that calls `install`; the
code that keeps to them is the real one.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

VARIABLE = "LAB_PATIENCE"
SHORT = 1.5
"""Seconds for one attempt: enough for a sound answer on a busy machine."""

FIRST_PAUSE = 0.001
"""Seconds before what a ledger may show late is read again: with all later reads, an eighth."""

_NAP = 0.1


class Clock:
    """A monotonic clock on which waits are over almost at once.

    What the ledger is still working on does take real time: it gets a little of it.
    """

    def __init__(self) -> None:
        self.waited = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.waited

    def sleep(self, seconds: float) -> None:
        self.waited += max(seconds, 0)
        time.sleep(min(max(seconds, 0), _NAP))


def install_from_environment() -> None:
    text = os.environ.get(VARIABLE)
    if text:
        install(attempt=float(text))


def install(*, attempt: float = SHORT) -> Clock:
    """Make calls impatient and waits free, for as long as this process lives."""
    clock = Clock()
    for _undo in _changes(attempt, clock):
        pass
    return clock


@contextmanager
def impatient(*, attempt: float = SHORT) -> Iterator[Clock]:
    """The same for a block."""
    clock = Clock()
    undo = list(_changes(attempt, clock))
    try:
        yield clock
    finally:
        for back in reversed(undo):
            back()


def _changes(attempt: float, clock: Clock) -> Iterator[Callable[[], None]]:
    from reconciler.app import apply, session
    from reconciler.engine.ports import PollingPolicy
    from reconciler.http_client.clock import Clock as ClientClock
    from reconciler.zuora.connection import CallLimits

    defaults: Any = CallLimits.__init__.__kwdefaults__  # type: ignore[misc]
    yield _put(defaults, "attempt_timeout", attempt)
    yield _put(defaults, "connect_timeout", attempt)
    yield _put(defaults, "deadline", 15.0)
    timing: Any = ClientClock.__init__.__kwdefaults__  # type: ignore[misc]
    yield _put(timing, "now", clock)
    yield _put(vars(apply), "PollingPolicy", partial(PollingPolicy, shortest=FIRST_PAUSE))
    connected = session.connect

    def connect(*args: Any, **keywords: Any) -> Any:
        return connected(*args, **{**keywords, "sleep": clock.sleep})

    session.connect = connect

    def put_back() -> None:
        session.connect = connected

    yield put_back


def _put(mapping: Any, name: str, value: object) -> Callable[[], None]:
    before = mapping[name]
    mapping[name] = value

    def back() -> None:
        mapping[name] = before

    return back
