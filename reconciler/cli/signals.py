"""What ends a run early: the first signal, the second, and the end of its time."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from reconciler.app.apply import Stop
from reconciler.cli.options import given_options
from reconciler.cli.terminal import err, show_error
from reconciler.errors import DaybookError
from reconciler.render.styled_text import line

_ENDING: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_Handler = Callable[[int, Any], Any] | int | None


@contextmanager
def unguarded() -> Iterator[None]:
    """While nothing is in flight, a signal ends the run at once."""
    usual: dict[int, _Handler] = dict.fromkeys(_ENDING, signal.SIG_DFL)
    usual[signal.SIGINT] = signal.default_int_handler
    guarded = _installed(usual)
    try:
        yield
    finally:
        _installed(guarded)


@contextmanager
def stopping(stop: Stop, *, after: float) -> Iterator[None]:
    """The first signal ends the run after the calls in flight; the second ends it at once.

    So does the end of its time, `after` that number of seconds. Once the run has ended, its exit
    code stands: one more signal does not change it.
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

    before = _installed(dict.fromkeys(_ENDING, handle))
    timer = threading.Timer(min(after, threading.TIMEOUT_MAX), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except DaybookError as error:
        if not stop.signalled:
            raise
        show_error(error)
        raise KeyboardInterrupt from error
    finally:
        timer.cancel()
        _installed(dict.fromkeys(before, _once) if given_options().own_process else before)


def _installed(handlers: dict[int, _Handler]) -> dict[int, _Handler]:
    """Install handlers, and return those that were there. What is ignored stays ignored."""
    before: dict[int, _Handler] = {}
    for number, handler in handlers.items():
        # A program that was started with nohup goes on without its terminal.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, handler)
    return before


def _once(number: int, frame: Any) -> None:
    """Let one signal pass; the next one ends the process, whatever it waits for."""
    signal.signal(number, signal.SIG_DFL)
