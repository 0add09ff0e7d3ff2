"""F3, F4: killed, or told of a broken disk, at the Nth system call of every sort.

No label in the product is needed, so this finds the points that nobody named.
"""

import contextlib
import signal
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import process_hold
import pytest
from actions import ACTIONS, Action
from laboratory import Lab
from program import Program, clean_environment
from recovery import recover
from tracing import require_strace, stopped_thread, traced

LATE_TO_STOP = """
import os, time
import process_hold
stop = os.kill
os.kill = lambda pid, number: (time.sleep(0.3), stop(pid, number))
process_hold.install_from_environment()
"""

MAIN, WRITER = range(2)
"""The threads of an apply with one call at a time: its first one, which reads, and the other.

The finder and a run of the ledger's own may add more; they come last.
"""

DISK = ("write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "ftruncate")
NETWORK = ("sendto", "recvfrom")
ERRORS = {"pwrite64": ("ENOSPC", "EIO", "EDQUOT"), "write": ("ENOSPC",), "fdatasync": ("EIO",),
          "fsync": ("EIO",), "rename": ("EIO",)}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Stop:
    """The Nth call of a sort, in one thread."""

    thread: int
    call: str
    nth: int

    def __str__(self) -> str:
        return f"{self.thread}-{self.call}-{self.nth}"


KILLS = {
    "create": [
        Stop(thread=MAIN, call="pwrite64", nth=4),
        Stop(thread=WRITER, call="fdatasync", nth=6),
        Stop(thread=WRITER, call="recvfrom", nth=9),
    ],
    "replace and delete": [
        Stop(thread=WRITER, call="pwrite64", nth=40),
        Stop(thread=WRITER, call="sendto", nth=20),
    ],
}
"""The coarse sweep of the default suite."""


@pytest.fixture(autouse=True)
def strace() -> None:
    require_strace()


def whole(lab: Lab) -> None:
    """I-40: the daybook opens, as it was before or after the call, and no draft is left open."""
    path = lab.books / ".reconciler" / "daybook.db"
    if path.exists():
        lab.recorded()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def killed(lab: Lab, action: Action, stop: Stop) -> bool:
    """Kill the action at a stop; False when it came to its end before."""
    action.arrange(lab)
    foreign = action.untouched(lab)
    with lab.hosted():
        run = traced(
            lab,
            *action.verb,
            thread=stop.thread,
            calls=stop.call,
            inject=f"signal=KILL:when={stop.nth}",
        )
        if run is None or run.ended.code != -signal.SIGKILL:
            assert run is None or not run.injected, run.ended.said
            return False
        whole(lab)
        lab.require_always()
        recover(lab, action, foreign)
        return True


def test_a_process_is_continued_once_it_is_stopped(tmp_path):
    """It says which thread holds it before that thread has stopped."""
    held = tmp_path / "held"
    env = clean_environment() | {process_hold.VARIABLE: f"{MAIN}:{held}"}
    with Program([], script=LATE_TO_STOP, env=env) as program:
        process = SimpleNamespace(pid=program.pid, running=True)
        tid = stopped_thread(process, held)
        assert "State:\tT" in Path(f"/proc/{program.pid}/task/{tid}/status").read_text()
        program.send_signal(signal.SIGCONT)
    assert program.returncode == 0


@pytest.mark.reaches("F3", "kill")
@pytest.mark.parametrize(
    ("action", "stop"),
    [
        pytest.param(ACTIONS[name], stop, id=f"{name}-{stop}")
        for name, stops in KILLS.items()
        for stop in stops
    ],
)
def test_f3_i01_i02_i10_i40_killed_at_a_system_call(make_lab, tally, action, stop):
    lab = make_lab(action.name, action.prepare)
    with tally.watching("F3", "kill"):
        assert killed(lab, action, stop), "the action makes fewer calls than it did"
        tally.reached("F3", "kill")


@pytest.mark.faults
@pytest.mark.parametrize("call", [*DISK, *NETWORK])
@pytest.mark.parametrize("thread", [MAIN, WRITER, 2, 3])
@pytest.mark.parametrize("action", ACTIONS.values(), ids=list(ACTIONS))
def test_f3_i01_i02_i10_i40_killed_at_every_system_call(make_lab, tally, action, thread, call):
    for nth in range(1, 2000):
        stop = Stop(thread=thread, call=call, nth=nth)
        lab = make_lab(action.name, action.prepare)
        with tally.watching("F3", "kill"):
            if not killed(lab, action, stop):
                return
            tally.reached("F3", f"{action.name} {thread} {call}")
    raise AssertionError("the sweep does not come to an end")


def broken(lab: Lab, action: Action, stop: Stop, error: str, *, for_good: bool) -> bool:
    """Let a call fail, once or from there on; False when the action never made it.

    The run says what is wrong, and never that all is well when an effect is not recorded (I-43).
    """
    action.arrange(lab)
    foreign = action.untouched(lab)
    when = f"{stop.nth}{'+' if for_good else ''}"
    with lab.hosted():
        run = traced(
            lab,
            *action.verb,
            thread=stop.thread,
            calls=stop.call,
            inject=f"error={error}:when={when}",
        )
        if run is None or not run.injected:
            return False
        assert "Traceback" not in run.ended.said, run.ended.said
        whole(lab)
        truth = lab.require_always()
        if run.ended.code == 0:
            known = {state.number for state in lab.recorded().values()}
            standing = {number for numbers in truth.standing.values() for number in numbers}
            assert standing <= known, run.ended.said
        else:
            # 70 is what the laboratory says of an end in an exception, here in printing the error:
            # with both its streams on the broken disk, a process can only end otherwise than well.
            assert run.ended.code in ((1, 6, 70) if stop.call == "write" else (1, 6)), run.ended
            assert run.ended.said.strip() or stop.call == "write"
        recover(lab, action, foreign)
        return True


def breaks(stops: dict[str, list[tuple[Stop, str, bool]]]) -> Iterator[object]:
    for name, cases in stops.items():
        for stop, error, for_good in cases:
            lasting = "from there on" if for_good else "once"
            yield pytest.param(
                ACTIONS[name], stop, error, for_good, id=f"{name}-{stop}-{error}-{lasting}"
            )


BREAKS = {
    "create": [
        (Stop(thread=WRITER, call="pwrite64", nth=12), "ENOSPC", True),
        (Stop(thread=WRITER, call="fdatasync", nth=4), "EIO", False),
    ],
}


@pytest.mark.reaches("F4", "error")
@pytest.mark.parametrize(("action", "stop", "error", "for_good"), list(breaks(BREAKS)))
def test_f4_i40_i43_the_disk_fails_at_a_system_call(make_lab, tally, action, stop, error, for_good):
    lab = make_lab(action.name, action.prepare)
    with tally.watching("F4", "error"):
        assert broken(lab, action, stop, error, for_good=for_good)
        tally.reached("F4", "error")


@pytest.mark.faults
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "from there on"])
@pytest.mark.parametrize(
    ("call", "error"), [(call, error) for call, errors in ERRORS.items() for error in errors]
)
@pytest.mark.parametrize("thread", [MAIN, WRITER, 2, 3])
@pytest.mark.parametrize("action", ACTIONS.values(), ids=list(ACTIONS))
def test_f4_i40_i43_the_disk_fails_at_every_system_call(
    make_lab, tally, action, thread, call, error, for_good
):
    for nth in range(1, 2000):
        stop = Stop(thread=thread, call=call, nth=nth)
        lab = make_lab(action.name, action.prepare)
        with tally.watching("F4", "error"):
            if not broken(lab, action, stop, error, for_good=for_good):
                return
            tally.reached("F4", f"{action.name} {thread} {call} {error}")
    raise AssertionError("the sweep does not come to an end")
