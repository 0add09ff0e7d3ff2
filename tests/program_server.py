"""The far side of `program`: forks processes that run the command line, from one that loaded it.

It has one thread, so that forking it is safe.
"""

import contextlib
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import termios
import threading
import traceback
from pathlib import Path
from typing import Any

from statements import compile_once

LATE = ("psycopg", "encodings.idna", "click._textwrap")
"""What is loaded at first use, outside the package."""
VERBS = ("validate", "plan", "apply --yes", "plan", "drift", "daybook show")


def main() -> None:
    line = socket.socket(fileno=int(sys.argv[1]))
    compile_once()
    warm_up(Path(sys.argv[2]))
    line.send(b"ready")
    while True:
        asked, descriptors, _, _ = socket.recv_fds(line, 1 << 20, 3)
        if not asked:
            return
        pid = fork(json.loads(asked), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        line.send(str(pid).encode())


def warm_up(folder: Path) -> None:
    """Load every module, and compile what commands use at first use, as schemas and statements."""
    import reconciler
    from reconciler.cli.main import run

    modules = (one.name for one in pkgutil.walk_packages(reconciler.__path__, "reconciler."))
    for name in (*modules, *LATE):
        # These two do what they are for when they are loaded.
        if not name.endswith((".__main__", ".migrations.env")):
            importlib.import_module(name)
    commands = ["init books", *(f"{verb} -w books" for verb in VERBS)]
    with (
        contextlib.chdir(folder),
        Path(os.devnull).open("w") as null,
        contextlib.redirect_stdout(null),
        contextlib.redirect_stderr(null),
    ):
        codes = [run(command.split()) for command in commands]
    assert not any(codes), codes
    assert threading.active_count() == 1
    gc.collect()
    gc.freeze()


def fork(command: dict[str, Any], descriptors: list[int]) -> int:
    """Start a process that is a child of nobody here, so that whoever asked can wait for it."""
    for name in command["install"]:
        importlib.import_module(name)
    reading, writing = os.pipe()
    between = os.fork()
    if between == 0:
        pid = os.fork()
        if pid == 0:
            _be(command, descriptors)
        os.write(writing, str(pid).encode())
        os._exit(0)
    os.waitpid(between, 0)
    pid = int(os.read(reading, 64))
    os.close(reading)
    os.close(writing)
    return pid


def _be(command: dict[str, Any], descriptors: list[int]) -> None:
    """Be the process that was asked for, and end."""
    code = 70
    try:
        for at, descriptor in enumerate(descriptors):
            os.dup2(descriptor, at)
        os.closerange(3, 256)
        os.chdir(command["cwd"])
        os.environ.clear()
        os.environ.update(command["env"])
        # As on a terminal, also where the tests themselves run under nohup or in the background.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        if command["terminal"]:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        sys.stdin = os.fdopen(0, closefd=False)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
        for descriptor in command["closed"]:
            # What an interpreter makes of one that is closed when it starts.
            os.close(descriptor)
            setattr(sys, ("stdin", "stdout", "stderr")[descriptor], None)
        for name in command["install"]:
            importlib.import_module(name).install_from_environment()
        code = _run(command["args"], command["script"])
    except BaseException:  # noqa: BLE001 - a fork must never return into the loop of the server
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):
                stream.flush()
        os._exit(code)


def _run(args: list[str], script: str) -> int:
    from reconciler.cli.main import main as run_main

    sys.argv = ["reconciler", *args]
    try:
        if script:
            exec(script, {"__name__": "__main__"})
        else:
            run_main(args)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    return 0


if __name__ == "__main__":
    main()
