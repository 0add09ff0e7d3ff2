"""Forks processes that run the real command line, from one that has loaded it: the far side.

Reads lines of JSON from standard input: `{"start": {"args": [...], "env": {...}, "out": PATH}}` is
answered with the process id, `{"reap": PID}` with the exit code of a process that has ended. It has
one thread, so that forking it is safe.
"""

import importlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

WARM = (
    "reconciler.cli.main",
    "reconciler.cli.apply",
    "reconciler.cli.plan",
    "reconciler.cli.importing",
    "reconciler.cli.ledger",
    "reconciler.app.workspace",
    "reconciler.app.session",
    "reconciler.cli.terminal",
    "reconciler.engine.apply",
    "reconciler.engine.search",
    "reconciler.engine.settle",
    "reconciler.cli.daybook",
    "reconciler.daybook",
    "reconciler.daybook.postgresql",
    "reconciler.core.documents.plan_file",
    "reconciler.core.documents.plan_comparison",
    "reconciler.core.planning.adoption",
    "reconciler.ledger.serve",
    "reconciler.ledger.pages.site",
    "reconciler.zuora.client",
    "reconciler.render.report",
    "reconciler.render.text",
    "reconciler.workspace.formatter.writer",
    "psycopg",
    "connector",
    "crash_points",
    "process_hold",
    "deadlines",
)
"""What a command loads when it runs: loaded here once, every fork has it."""


def main() -> None:
    for name in WARM:
        importlib.import_module(name)
    warm_up(sys.argv[1])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = start(asked["start"]) if "start" in asked else reap(asked["reap"])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def warm_up(workspace: str) -> None:
    """Compile what is compiled on first use, such as the schemas."""
    from reconciler.cli.main import run

    keep = os.dup(1)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    try:
        if code := run(["validate", "-w", workspace]):
            raise SystemExit(f"the workspace for warming up has findings: {code}")
        sys.stdout.flush()
    finally:
        os.dup2(keep, 1)


def start(command: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = child(command)
        except BaseException:  # noqa: BLE001 - a fork must never return into the loop below
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return pid


def child(command: dict[str, Any]) -> int:
    """The command line, as `python -m reconciler` runs it, with the points it is to reach."""
    out = os.open(command["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.closerange(3, 256)
    sys.stdin = os.fdopen(0, closefd=False)
    os.environ.update(command["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import connector
    import crash_points
    import deadlines
    import process_hold

    forget_names()
    crash_points.install_from_environment()
    connector.install_from_environment()
    deadlines.install_from_environment()
    process_hold.install_from_environment()
    from reconciler.cli.main import main as run_main

    try:
        run_main(command["args"])
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    return 0


def forget_names() -> None:
    """N02: while the file of the environment is there, no host has a name or an address."""
    import socket

    file, look_up = os.environ.get("RECONCILER_LAB_NAMELESS"), socket.getaddrinfo

    def looked_up(*args: Any, **keywords: Any) -> Any:
        if file and Path(file).exists():
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(*args, **keywords)

    socket.getaddrinfo = looked_up


def reap(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    main()
