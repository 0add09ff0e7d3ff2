"""Processes that run the real command line, quick to start: forked from one that has loaded it."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ALIEN = ("RECONCILER_", "ZUORA_", "NO_COLOR", "FORCE_COLOR", "COLUMNS")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended: its exit code, negative for a signal, and all that it wrote."""

    code: int
    said: str


class Process:
    """A command at work. `pid` may be sent any signal."""

    def __init__(self, pool: "Processes", pid: int, out: Path) -> None:
        self.pid = pid
        self._pool, self._out = pool, out
        self._handle = os.pidfd_open(pid)
        self._ended: Ended | None = None

    @property
    def running(self) -> bool:
        return self._ended is None and not _readable(self._handle, 0)

    @property
    def said(self) -> str:
        """What it has written so far, both streams."""
        return self._out.read_text(errors="replace") if self._out.exists() else ""

    def send_signal(self, number: int) -> None:
        if self._ended is None:
            signal.pidfd_send_signal(self._handle, number)

    def wait(self, timeout: float = 60) -> Ended:
        """How it ended. One that does not is killed, and fails the test (I-11)."""
        if self._ended is None:
            late = not _readable(self._handle, timeout)
            if late:
                self.send_signal(signal.SIGKILL)
                _readable(self._handle, 10)
            code = int(self._pool.ask({"reap": self.pid}))
            self._ended = Ended(code=code, said=self.said)
            os.close(self._handle)
            assert not late, f"still running after {timeout} seconds (I-11): {self.said}"
        return self._ended

    def until(self, text: str, timeout: float = 30) -> str:
        """Wait until it has written a text; answers all it wrote by then."""
        deadline = time.monotonic() + timeout
        while text not in self.said:
            assert self.running and time.monotonic() < deadline, self.said
            time.sleep(0.005)
        return self.said


class Processes:
    """Starts commands. Threads may share it; `close` ends what is left running."""

    def __init__(self, folder: Path, *, warm: Path) -> None:
        """`folder` is for what they write; `warm` is a sound workspace to load everything with."""
        self._folder = folder
        self._count = 0
        self._lock = threading.Lock()
        self._started: list[Process] = []
        clean = {name: text for name, text in os.environ.items() if not name.startswith(ALIEN)}
        paths = [str(HERE), str(HERE.parent), str(HERE.parents[1]), clean.get("PYTHONPATH", "")]
        self._server = subprocess.Popen(
            [sys.executable, str(HERE / "process_server.py"), str(warm)],
            env={**clean, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._server.stdout is not None
        said = self._server.stdout.readline()
        assert said == "ready\n", said

    def start(self, args: Sequence[object], env: Mapping[str, str]) -> Process:
        """`reconciler ARGS`, in a process of its own, with these variables set."""
        with self._lock:
            self._count += 1
            out = self._folder / f"process-{self._count}.txt"
        command = {"args": [str(arg) for arg in args], "env": dict(env), "out": str(out)}
        process = Process(self, int(self.ask({"start": command})), out)
        self._started.append(process)
        return process

    def ask(self, question: Any) -> str:
        with self._lock:
            assert self._server.stdin is not None and self._server.stdout is not None
            self._server.stdin.write(json.dumps(question) + "\n")
            self._server.stdin.flush()
            return self._server.stdout.readline()

    def end_all(self) -> None:
        """Kill what is still running, so that no test leaves anything to the next."""
        for process in self._started:
            if process.running:
                process.send_signal(signal.SIGKILL)
            process.wait(10)
        self._started.clear()

    def close(self) -> None:
        self.end_all()
        self._server.communicate()


def _readable(handle: int, timeout: float) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(int(timeout * 1000)))
