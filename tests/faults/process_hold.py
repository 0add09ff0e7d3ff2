"""Holds a process still at the start of one of its threads, so that a tracer can take hold of it.

strace counts the calls of each thread by itself, and a thread that has begun already may hide the
calls of the next: so one thread is traced at a time, from its first call on.
"""

import contextlib
import ctypes
import os
import signal
import threading
from itertools import count
from pathlib import Path

VARIABLE = "LAB_HELD"
"""`NTH:PATH`: the thread, 0 for the first of the process, and where to write its id."""

_ANYBODY = ctypes.c_ulong(-1)
_PR_SET_PTRACER = 0x59616D61


def install_from_environment() -> None:
    text = os.environ.pop(VARIABLE, "")
    if not text:
        return
    nth, _, path = text.partition(":")
    if nth == "0":
        _hold(Path(path))
        return
    numbers, run = count(1), threading.Thread.run

    def held(thread: threading.Thread) -> None:
        if thread.name.startswith("ThreadPoolExecutor") and next(numbers) == int(nth):
            _hold(Path(path))
        run(thread)

    threading.Thread.run = held  # type: ignore[method-assign]


def _hold(path: Path) -> None:
    with contextlib.suppress(OSError):
        # Where only a parent may trace its children, say that anybody may trace this one.
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
    draft = path.with_suffix(".new")
    draft.write_text(str(threading.get_native_id()))
    draft.rename(path)
    os.kill(os.getpid(), signal.SIGSTOP)
