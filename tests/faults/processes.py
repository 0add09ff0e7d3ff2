"""Processes that run the real command line, with what interferes with them."""

import itertools
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from program import LONGEST, Program, clean_environment

INTERFERING = ("name_lookup", "crash_points", "connector", "deadlines", "process_hold")
"""What changes a process before it runs, where its environment asks for that."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended: its exit code, negative for a signal, and all that it wrote."""

    code: int
    said: str


class Process:
    """A command at work. `pid` may be sent any signal."""

    def __init__(self, args: Sequence[object], env: Mapping[str, str], out: Path) -> None:
        self._out = out
        with out.open("wb") as written:
            self._program = Program(
                args,
                env=clean_environment() | dict(env),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                install=INTERFERING,
            )
        self.pid = self._program.pid

    @property
    def running(self) -> bool:
        return self._program.poll() is None

    @property
    def said(self) -> str:
        """What it has written so far, both streams."""
        return self._out.read_text(errors="replace")

    def send_signal(self, number: int) -> None:
        self._program.send_signal(number)

    def wait(self, timeout: float = LONGEST) -> Ended:
        """How it ended. One that does not is killed, and fails the test (I-11)."""
        try:
            self._program.wait(timeout)
        except subprocess.TimeoutExpired:
            threads = statuses(self.pid)
            self.send_signal(signal.SIGKILL)
            self._program.wait(LONGEST)
            late = f"still running after {timeout} seconds (I-11): {self.said}\n{threads}"
            raise AssertionError(late) from None
        return Ended(code=self._program.returncode, said=self.said)

    def until(self, text: str) -> str:
        """Wait until it has written a text; answers all it wrote by then."""
        until = time.monotonic() + LONGEST
        while text not in self.said:
            assert self.running and time.monotonic() < until, f"{self.said}\n{statuses(self.pid)}"
            time.sleep(0.005)
        return self.said


class Processes:
    """Starts commands. Threads may share it; `end_all` ends what is left running."""

    def __init__(self, folder: Path) -> None:
        """`folder` is for what they write."""
        self._folder = folder
        self._numbers = itertools.count(1)
        self._started: list[Process] = []

    def start(self, args: Sequence[object], env: Mapping[str, str]) -> Process:
        """`reconciler ARGS`, in a process of its own, with these variables set."""
        process = Process(args, env, self._folder / f"process-{next(self._numbers)}.txt")
        self._started.append(process)
        return process

    def end_all(self) -> None:
        """Kill what is still running, so that no test leaves anything to the next."""
        for process in self._started:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self._started.clear()


def statuses(pid: int) -> str:
    """What the kernel says of each thread of a process: whether it is stopped, traced or asleep."""
    kept = ("Name:", "State:", "Tgid:", "Pid:", "TracerPid:", "SigPnd:", "ShdPnd:", "SigBlk:")
    found = []
    for status in sorted(Path(f"/proc/{pid}/task").glob("*/status")):
        lines = status.read_text().splitlines()
        found.append(" ".join(line.replace("\t", " ") for line in lines if line.startswith(kept)))
    return "\n".join(found)
