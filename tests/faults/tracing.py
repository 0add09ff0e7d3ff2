"""Interferes with the system calls of one thread of a process at work, with strace."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import process_hold
import pytest
from laboratory import Lab
from processes import Ended, Process

STRACE = shutil.which("strace")

_numbers = count(1)


def require_strace() -> None:
    """Skip without strace; but a build server that means to trace must not pass by not tracing."""
    if STRACE is None:
        missing = "strace is not installed; on Debian: apt-get install strace"
        assert not os.environ.get("REQUIRE_STRACE"), missing
        pytest.skip(missing)


@dataclass(frozen=True, kw_only=True)
class Traced:
    """A command whose thread was traced, and how often it was interfered with."""

    ended: Ended
    injected: int
    calls: int
    """How many calls of the traced sort the thread made, the last perhaps not to its end."""


def traced(lab: Lab, *command: object, thread: int, calls: str, inject: str = "") -> Traced | None:
    """Run a command on a laboratory, with an injection into some calls of one of its threads.

    None when the command ended before it had so many threads.
    """
    number = next(_numbers)
    held, log = lab.root / f"held-{number}", lab.root / f"trace-{number}"
    verb, *args = command
    process = lab.start(str(verb), *args, **{process_hold.VARIABLE: f"{thread}:{held}"})
    tid = stopped_thread(process, held)
    if tid is None:
        process.wait()
        return None
    what = ["-e", f"trace={calls}", *(["-e", f"inject={calls}:{inject}"] if inject else [])]
    assert STRACE is not None
    with subprocess.Popen(
        [STRACE, "-qq", *what, "-o", str(log), "-p", tid],
        stderr=subprocess.PIPE,
        text=True,
    ) as tracer:
        # Without -qq it would say so itself; a traced process names its tracer.
        status = Path(f"/proc/{process.pid}/task/{tid}/status")
        while "TracerPid:\t0\n" in status.read_text():
            assert tracer.poll() is None, tracer.communicate()[1]
            time.sleep(0.002)
        process.send_signal(signal.SIGCONT)
        ended = process.wait()
        tracer.wait()
    lines = [line for line in log.read_text().splitlines() if "(" in line]
    injected = sum("(INJECTED)" in line for line in lines)
    return Traced(ended=ended, injected=injected, calls=len(lines))


def stopped_thread(process: Process, held: Path) -> str | None:
    """The id of the thread that holds a process still, once it is stopped; None when it ended.

    It writes its id down before it stops. Who continued it in between would continue nothing, and
    the process would stop then, for ever.
    """
    while process.running:
        if held.exists():
            tid = held.read_text()
            status = Path(f"/proc/{process.pid}/task/{tid}/status")
            if "State:\tT" in status.read_text():
                return tid
        time.sleep(0.002)
    return None
