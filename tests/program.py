"""The command line as processes, quick to start: forked from one that has loaded it.

Starting Python and importing the product takes longer than most commands do. What is about the
start itself, such as the environment of the interpreter, runs `python -m reconciler` instead.
"""

import ctypes
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("program_server.py")
ALIEN = (
    *("RECONCILER_", "ZUORA_", "NO_COLOR", "FORCE_COLOR", "COLUMNS"),
    *("CI", "GITHUB_", "GITLAB_", "TF_BUILD", "JENKINS_", "TEAMCITY_", "CODEBUILD_"),
)
"""Beginnings of names that speak to the program: its own, and those that show a CI job."""
LONGEST = 600
"""Seconds after which a process hangs, however busy the machine is."""
_PR_SET_CHILD_SUBREAPER = 36
_STARTING = threading.Lock()


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that speaks to the program."""
    return {name: value for name, value in os.environ.items() if not name.startswith(ALIEN)}


class Server:
    """The process that is forked. It is asked for one process at a time and has one thread."""

    def __init__(self) -> None:
        # A process whose parent has ended belongs to this one, which can wait for it.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._lock = threading.Lock()
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._folder = tempfile.TemporaryDirectory(prefix="program-")
        self.folder = self._folder.name
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, SERVER, str(theirs.fileno()), self.folder],
                env=clean_environment() | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        assert self._line.recv(64) == b"ready", "the process that is forked did not start"

    def fork(self, command: Mapping[str, Any], descriptors: Sequence[int]) -> int:
        """Start a command on three descriptors; answers its process id."""
        with self._lock:
            socket.send_fds(self._line, [json.dumps(command).encode()], descriptors)
            return int(self._line.recv(64))

    @classmethod
    def here(cls) -> "Server":
        """The server of this process. It ends with it, for then its line ends."""
        # Two threads may both start their first program.
        with _STARTING:
            return cls._made()

    @classmethod
    @cache
    def _made(cls) -> "Server":
        return cls()


class Program(subprocess.Popen[str]):
    """`reconciler ARGS`, as `subprocess.Popen` starts it, without the start of an interpreter.

    `terminal` makes its standard input the terminal that controls it; `install` names modules whose
    `install_from_environment` changes the process first. With `script` it runs that instead. It
    starts with the descriptors in `closed` closed, as after `>&-`.
    """

    def __init__(
        self,
        args: Sequence[object],
        *,
        terminal: bool = False,
        install: Sequence[str] = (),
        script: str = "",
        closed: Sequence[int] = (),
        **options: Any,
    ) -> None:
        self._more = {
            "terminal": terminal, "install": [*install], "script": script, "closed": [*closed]
        }  # fmt: skip
        words = [str(arg) for arg in args]
        super().__init__(words, **{"text": True, "env": clean_environment(), **options})

    def _execute_child(self, args: Any, *rest: Any) -> None:  # type: ignore[override]
        """Have the server fork, where the base class would fork and execute."""
        cwd, env, pipes = rest[4], rest[5], rest[9:15]
        command = {"args": args, "cwd": str(cwd or Path.cwd()), "env": dict(env), **self._more}
        given = (pipes[0], pipes[3], pipes[5])
        theirs = [at if one == -1 else one for at, one in enumerate(given)]
        try:
            self.pid = Server.here().fork(command, theirs)
            self._child_created = True
        finally:
            self._close_pipe_fds(*pipes)

    def wait(self, timeout: float | None = LONGEST) -> int:
        return super().wait(timeout)

    def communicate(self, *given: Any, **options: Any) -> tuple[Any, Any]:
        return super().communicate(*given, **({} if given[1:] else {"timeout": LONGEST, **options}))


COMMAND = """\
#!{python} -IS
import json, os, socket, sys
line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
line.connect({address!r})
asked = {{"args": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}}
socket.send_fds(line, [json.dumps(asked).encode()], [0, 1, 2])
sys.exit(int(line.recv(16)))
"""


def install_program(folder: Path) -> Path:
    """Put a program `reconciler` into a folder, for scripts: it has a fork run what it is asked."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "reconciler"
    program.write_text(COMMAND.format(python=sys.executable, address=_asked_by_scripts()))
    program.chmod(0o755)
    return program


@cache
def _asked_by_scripts() -> str:
    """The address at which this process answers scripts, as long as it lives."""
    address = f"{Server.here().folder}/scripts"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(address)
    listener.listen()

    def answer(line: socket.socket) -> None:
        with line:
            asked, descriptors, _, _ = socket.recv_fds(line, 1 << 20, 3)
            for_it = dict(zip(("stdin", "stdout", "stderr"), descriptors, strict=True))
            with Program(**json.loads(asked), **for_it) as running:
                for descriptor in descriptors:
                    os.close(descriptor)
            code = running.returncode
            line.send(str(code if code >= 0 else 128 - code).encode())

    def serve() -> None:
        while True:
            threading.Thread(target=answer, args=[listener.accept()[0]], daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return address
