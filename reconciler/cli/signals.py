"""What ends a run early: the first signal, the second, and the end of its time."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from reconciler.app.apply import Stop
from reconciler.cli.terminal import err
from reconciler.render.styled_text import line


@contextmanager
def unguarded() -> Iterator[None]:
    """While nothing is in flight, a signal ends the run at once."""
    usual: dict[int, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
    }
    guarded = {number: signal.signal(number, handler) for number, handler in usual.items()}
    try:
        yield
    finally:
        for number, handler in guarded.items():
            signal.signal(number, handler)


@contextmanager
def stopping(stop: Stop, *, after: float) -> Iterator[None]:
    """The first signal ends the run after the calls in flight; the second ends it at once.

    So does the end of its time, `after` that number of seconds.
    """

    def handle(number: int, frame: Any) -> None:
        if stop.signalled:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.signalled = True
        stop.event.set()
        err([line("Stopping after the calls in flight; a second signal stops at once.")])

    def end() -> None:
        stop.late = True
        stop.event.set()

    before: dict[int, Callable[..., Any] | int | None] = {}
    for number in (int(signal.SIGINT), int(signal.SIGTERM)):
        before[number] = signal.signal(number, handle)
    timer = threading.Timer(min(after, threading.TIMEOUT_MAX), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
