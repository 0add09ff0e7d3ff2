"""The table of exit codes: every documented code is reached, by the cause it stands for."""

import re
import signal
import subprocess

import pytest
from books_harness import Books, credit, debit, interpreter, process, reconciler
from program import Program


def no_change(books):
    return books.plan("--detailed-exitcode")


def a_file_that_is_not_there(books):
    return books.run("show", books.root / "no-plan.json")


def a_change(books):
    books.declare("new")
    return books.plan("--detailed-exitcode")


def a_finding(books):
    books.declare("new", debit("1.00"), credit("2.00"))
    return books.run("validate")


def a_guard(books):
    books.remove(*[f"entry-{number:02}" for number in range(5)])
    return books.plan("--detailed-exitcode")


def a_block(books):
    books.set("entry-00", transferredToAccounting="Yes")
    books.remove("entry-00")
    return books.apply()


def another_digest(books):
    return books.run("apply", "--plan-digest", "sha256:" + "0" * 64)


def part_of_a_change(books):
    books.credentials("Cancel Journal Entry")
    books.remove("entry-00")
    return books.apply()


def drift(books):
    books.set("entry-00", notes="By hand")
    return books.run("drift")


def an_unexpected_change(books):
    books.declare("new")
    return books.plan("--expect-no-changes")


def another_secret(books):
    books.env["ZUORA_CLIENT_SECRET"] = "x" * 42
    return books.plan()


def a_slip(books):
    return books.run("plan", "--detailed-exitcodes")


TABLE = {
    "no change": (0, no_change),
    "no file": (1, a_file_that_is_not_there),
    "changes pending": (2, a_change),
    "a finding": (3, a_finding),
    "a guard": (4, a_guard),
    "a block": (4, a_block),
    "stale": (5, another_digest),
    "in part": (6, part_of_a_change),
    "drift": (7, drift),
    "expectation": (7, an_unexpected_change),
    "access": (8, another_secret),
    "usage": (64, a_slip),
}
ON_A_SOCKET = ("in part", "access")


@pytest.mark.parametrize("cause", TABLE)
def test_a_cause_ends_in_its_code(request, cause):
    """I-81: every way to fail has its documented code."""
    code, scene = TABLE[cause]
    books = request.getfixturevalue("served_small" if cause in ON_A_SOCKET else "small")
    ended = scene(books)
    assert ended.code == code, ended.said
    assert "Traceback" not in ended.said


def test_a_second_interrupt_is_130_too(small):
    """Ctrl-C while the program waits for an answer at its prompt."""
    small.declare("new")
    database = f"sqlite:///{small.root}/l.db"
    with Program(
        ["ledger", "serve", "--port", "0", "--database", database], stderr=subprocess.PIPE
    ) as running:
        running.stderr.readline()
        running.send_signal(signal.SIGINT)
        _, err = running.communicate()
    assert running.returncode in (0, 130)
    assert "Traceback" not in err


def test_help_names_every_code():
    text = reconciler("--help").out
    assert re.findall(r"(\d+) [a-z]", text.partition("Exit codes:")[2]) == [
        *("0", "1", "2", "3", "4", "5", "6", "7", "8", "64", "130")
    ]


@pytest.mark.parametrize(
    "args",
    [
        ["--detailed-exitcode", "plan"],
        ["plna"],
        ["plan", "--frobnicate"],
        ["plan", "--parallelism", "0"],
        ["plan", "--parallelism", "41"],
        ["plan", "--parallelism", "many"],
        ["plan", "--max-removals", "-1"],
        ["plan", "--format", "yaml"],
        ["plan", "stray"],
        ["plan", "--out"],
        ["show"],
        ["apply", "--auto-approve", "one", "two"],
        ["explain", "no-such-rule"],
        ["schema", "NoSuchKind"],
        ["ledger"],
        ["ledger", "frobnicate"],
        ["ledger", "serve"],
        ["ledger", "create-client", "--database", "sqlite:///x.db"],
        ["-w"],
    ],
    ids=" ".join,
)
def test_a_slip_on_the_command_line_is_never_a_2(args, tmp_path):
    ended = reconciler(*args, cwd=tmp_path)
    assert ended.code == 64, ended.said
    assert ended.out == "" or args == ["ledger"]
    assert "Traceback" not in ended.said
    assert list(tmp_path.iterdir()) == []


def test_a_slip_in_a_process_is_64_and_explains_itself(tmp_path):
    ended = interpreter("plan", "--outt", "x", cwd=tmp_path)
    assert ended == process("plan", "--outt", "x", cwd=tmp_path), "a fork ends in the same way"
    assert (ended.code, ended.out) == (64, "")
    assert "--outt" in ended.err
    assert "--out" in ended.err


def test_without_a_verb_there_is_help(tmp_path):
    ended = reconciler(cwd=tmp_path)
    assert ended.code == 64
    assert ended.err.startswith("Usage: reconciler")


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize(
    "verb",
    [
        *("", "init", "validate", "fmt", "plan", "show", "apply", "drift", "doctor", "schema"),
        *("explain", "version", "ledger", "ledger serve", "ledger create-client"),
    ],
)
def test_every_verb_explains_itself(verb, flag, tmp_path):
    ended = reconciler(*verb.split(), flag, cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert ended.out.startswith("Usage: reconciler")
    assert ended.err == ""


def test_no_terminal_and_no_consent_is_a_slip(small):
    small.declare("new")
    ended = small.process("apply")
    assert ended.code == 64
    assert "--auto-approve" in ended.err
    assert "new" not in small.posted()


@pytest.mark.parametrize("flag", ["--auto-approve", "--yes", "-y"])
def test_consent_has_three_spellings(small, flag):
    small.declare("new")
    assert Books.run(small, "apply", flag).code == 0
    assert "new" in small.posted()
