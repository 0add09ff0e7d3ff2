"""What goes to which stream, in what dress, and what a person at a terminal is asked."""

import errno
import os
import pty
import re
import select
import time
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from itertools import count

import pytest
from books_harness import SMALL, Books, credit, debit, interpreter, process
from program import LONGEST, Program, clean_environment
from rich.console import Console

from reconciler.cli import terminal

LONG = pytest.mark.long
ESCAPE = "\x1b["
COLOR = re.compile(r"\x1b\[[0-9;]*m")


def at_a_terminal(
    books: Books, *args: str, typed: str = "", prompt: str = "Only yes is accepted", **env: str
) -> tuple[int, str]:
    """Run a verb on a pseudo-terminal, type something, and take down what is on screen."""
    ours, theirs = pty.openpty()
    with Program(
        [*args, "-w", books.root],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=clean_environment() | {"TERM": "xterm-256color", "COLUMNS": "120"} | env,
        terminal=True,
    ) as running:
        os.close(theirs)
        seen, until, sent = b"", time.monotonic() + LONGEST, not typed
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    piece = os.read(ours, 65536)
                except OSError as error:
                    assert error.errno == errno.EIO
                    break
                if not piece:
                    break
                seen += piece
            if not sent and prompt.encode() in seen:
                # Nobody types within the microseconds between a prompt and the wait for an answer.
                time.sleep(0.2)
                os.write(ours, typed.encode())
                sent = True
        else:
            running.kill()
        code = running.wait()
    os.close(ours)
    return code, seen.decode().replace("\r\n", "\n")


@pytest.fixture
def pending(small):
    small.declare("new")
    return small


def test_a_terminal_is_painted_and_says_the_same(pending):
    code, screen = at_a_terminal(pending, "plan", COLUMNS="400")
    assert code == 0
    assert ESCAPE + "32m+ create" in screen
    plain = COLOR.sub("", screen)
    piped = pending.process("plan").out
    for row in piped.splitlines():
        assert row in plain


@pytest.mark.parametrize(
    ("args", "env", "painted"),
    [
        (["validate"], {}, True),
        (["validate", "--no-color"], {}, False),
        pytest.param(["--no-color", "validate"], {}, False, marks=LONG),
        (["validate"], {"NO_COLOR": "1"}, False),
        (["validate"], {"TERM": "dumb"}, False),
        pytest.param(["validate"], {"RECONCILER_NO_COLOR": "1"}, False, marks=LONG),
        (["validate", "--no-such-flag"], {"NO_COLOR": "1"}, False),
        pytest.param(["plan", "--no-color"], {}, False, marks=LONG),
    ],
)
def test_a_terminal_stays_plain_when_asked(pending, args, env, painted):
    _, screen = at_a_terminal(pending, *args, **env)
    assert bool(COLOR.findall(screen)) == painted


def test_what_is_piped_is_plain(pending):
    assert "\x1b" not in pending.process("plan").said
    for verb in ("plan", "doctor", "validate", "drift"):
        assert "\x1b" not in pending.run(verb).said


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        pytest.param("yes\n", 0, id="yes"),
        pytest.param("y\n", 4, id="y", marks=LONG),
        pytest.param("YES\n", 4, id="YES", marks=LONG),
        pytest.param("no\n", 4, id="no", marks=LONG),
        pytest.param("\n", 4, id="nothing"),
        pytest.param("yes please\n", 4, id="more", marks=LONG),
        pytest.param("\x03", 130, id="Ctrl-C"),
        pytest.param("\x04", 130, id="Ctrl-D", marks=LONG),
    ],
)
def test_only_yes_applies(pending, typed, code):
    ended, screen = at_a_terminal(pending, "apply", typed=typed)
    assert ended == code, screen
    assert "Apply 1 change?\nOnly yes is accepted: " in COLOR.sub("", screen)
    assert ("To run the command again:" in screen) == (code == 130)
    assert "Traceback" not in screen
    assert ("new" in pending.posted()) == (code == 0)


def test_the_question_says_what_is_cancelled(small):
    """A replacement and a removal, each with its amount; the total is asked about."""
    small.remove("entry-01")
    small.declare("entry-02", debit("7.00"), credit("7.00"))
    code, screen = at_a_terminal(small, "apply", typed="no\n", COLUMNS="60")
    assert code == 4
    screen = COLOR.sub("", screen)
    question = "Apply 2 changes? This cancels 2 posted entries, USD 801.80."
    assert f"\n{question}\nOnly yes is accepted: " in screen, screen
    assert "\nDigest:\n    sha256:" in screen, "a narrow screen gets folded lines"


def test_nobody_is_asked_when_there_is_nothing_to_apply(small):
    code, screen = at_a_terminal(small, "apply")
    assert code == 0
    assert "Only yes is accepted" not in screen


def test_nobody_is_asked_about_a_plan_that_is_refused(small):
    small.remove(*[f"entry-{number:02}" for number in range(5)])
    code, screen = at_a_terminal(small, "apply")
    assert (code, "too-many-removals" in screen) == (4, True)
    assert "Only yes is accepted" not in screen


def test_results_are_on_stdout_and_all_else_on_stderr(pending, tmp_path):
    planned = pending.plan("--out", tmp_path / "plan.json")
    assert planned.out.startswith("Workspace acme-books")
    assert planned.out.splitlines()[-1].startswith("Digest: sha256:")
    assert planned.err.startswith("Saved to ")
    pending.write("bad.yaml", "kind: [\n")
    refused = pending.plan()
    assert refused.out == ""
    assert "bad.yaml:" in refused.err
    assert "Error: 1 problem in the files" in refused.err


def test_quiet_leaves_results_and_problems(pending, tmp_path):
    loud = pending.plan("--out", tmp_path / "a.json")
    quiet = pending.plan("-q", "--out", tmp_path / "b.json")
    assert (quiet.out, quiet.err) == (loud.out, "")
    pending.write("bad.yaml", "kind: [\n")
    assert "bad.yaml:" in pending.plan("-q").err


def test_verbose_tells_more_on_stderr_alone(pending):
    calm, verbose = pending.process("plan"), pending.process("plan", "-v")
    assert verbose.out == calm.out
    assert verbose.code == calm.code
    assert len(verbose.err) > len(calm.err)


def test_paths_lead_from_the_current_directory(pending):
    pending.write("bad.yaml", "kind: [\n")
    ended = process("validate", "-w", "books", cwd=pending.root.parent)
    assert ended.out.startswith("books/bad.yaml:")
    inside = process("validate", cwd=pending.root)
    assert inside.out.startswith("bad.yaml:")


@pytest.mark.parametrize(
    "verb", ["plan", pytest.param("validate", marks=LONG), pytest.param("explain", marks=LONG)]
)
def test_a_reader_that_goes_away_is_no_error(pending, verb):
    for number in range(200):
        name = f"many-{number}"
        pending.declare(name)
    reading, writing = os.pipe()
    os.close(reading)
    ended = interpreter(verb, "-w", pending.root, stdout=writing)
    os.close(writing)
    assert "Traceback" not in ended.err
    assert "Exception" not in ended.err
    assert ended.code in (0, 1, 141)


def test_a_locale_without_utf8_does_no_harm(pending):
    pending.edit("new.yaml", '"USD"', '"USD", notes: "Überstunden für März — ¥"')
    ended = pending.process("plan")
    assert ended.code == 0
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    ascii_only = interpreter("plan", "-w", pending.root, env=env)
    assert "Traceback" not in ascii_only.err
    assert ascii_only.code == 0


def test_a_bar_shows_the_rate_and_the_time_left(monkeypatch):
    screen, times = StringIO(), count(step=20)
    console = Console(file=screen, force_terminal=True, width=100)
    monkeypatch.setattr(terminal, "has_bar", lambda: True)
    monkeypatch.setattr(terminal, "noter", lambda: pytest.fail)
    monkeypatch.setattr(terminal, "bar_console", lambda colour: console)
    monkeypatch.setattr(terminal, "monotonic", lambda: next(times))
    with terminal.progress("Applying", 3) as advance:
        advance()
        advance()
    last = COLOR.sub("", screen.getvalue())
    assert "0 of 3" in last
    assert "2 of 3, 3.0 a minute, 20 s left" in last


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        pytest.param(1, [30, 60, 90], id="a step each second"),
        pytest.param(20, [2, 4, 6, 8, 10, 12], id="a step every twenty seconds"),
        pytest.param(45, [*range(1, 13)], id="steps that take longer than the interval"),
        pytest.param(0.1, [], id="done before the interval ends"),
    ],
)
def test_a_pace_is_told_at_intervals(monkeypatch, seconds, told):
    now, found, shown = [0.0], [], []
    steps = 100 if seconds == 1 else 12
    monkeypatch.setattr(terminal, "monotonic", lambda: now[0])
    meter = terminal.Meter("Applying", steps, show=shown.append, tell=found.append)
    for _ in range(steps):
        now[0] += seconds
        meter.step()
    assert [pace.done for pace in found] == told
    assert [pace.done for pace in shown] == [*range(1, steps + 1)]
    assert all(pace.elapsed == pytest.approx(pace.done * seconds) for pace in found)


def test_steps_of_several_threads_are_shown_in_order():
    shown = []
    meter = terminal.Meter("Reading", 400, show=shown.append, tell=pytest.fail)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: meter.step(), range(400)))
    assert [pace.done for pace in shown] == [*range(1, 401)]


def test_a_refusal_stands_once_on_a_screen(small):
    """Apart, each of stdout and stderr has it."""
    for name in SMALL:
        (small.root / f"{name}.yaml").unlink()
    for verb in (("plan",), ("apply", "--auto-approve")):
        code, screen = at_a_terminal(small, *verb)
        assert (code, screen.count("REFUSED, nothing was applied")) == (4, 1), screen
        assert f"--max-removals {len(SMALL)}" in screen
        apart = small.run(*verb)
        assert "REFUSED, nothing was applied" in apart.out
        assert "REFUSED, nothing was applied" in apart.err
