"""Runners that share a daybook on PostgreSQL, on the command line."""

import os
import pty
import re
import signal
import subprocess

import pytest
from program import Program

from reconciler.cli.main import run


@pytest.fixture
def books(tmp_path, shared_database, on_postgresql):
    """A starter workspace whose daybook is on PostgreSQL, reached as its schema wants it."""
    server, _ = shared_database
    root = tmp_path / "books"
    assert run(["init", str(root), "--name", on_postgresql.workspace]) == 0
    settings = root / "reconciler.yaml"
    url = server.url_of_daybook("daybooks")
    settings.write_text(settings.read_text() + f"  daybook: {url}\n")
    return root


def said(capsys, *words) -> tuple[int, str]:
    code = run([str(word) for word in words])
    told = capsys.readouterr()
    return code, " ".join((told.out + told.err).split())


def test_an_apply_writes_to_postgresql_and_nothing_into_the_workspace(books, capsys):
    assert said(capsys, "apply", "-y", "-w", books)[0] == 0
    assert not list(books.glob(".reconciler/daybook*"))
    assert said(capsys, "plan", "--detailed-exitcode", "-w", books)[0] == 0
    code, text = said(capsys, "daybook", "show", "-w", books)
    assert (code, "JournalEntry/first-entry JE-00000001 recorded" in text) == (0, True)
    assert said(capsys, "daybook", "verify", "-w", books)[0] == 0
    assert "entry recorded" in said(capsys, "doctor", "-w", books)[1]


def test_i42_x4_on_the_command_line_a_stuck_apply_is_shut_out(books, capsys):
    """X4, I-42: the apply waits at its prompt, is stopped, unlocked, passed, and woken."""
    script = (
        "import sys; sys.stdin = open(sys.argv[1])\n"
        "from reconciler.cli.main import main; main(['apply', '-w', sys.argv[2]])"
    )
    ours, theirs = pty.openpty()
    with Program(
        [os.ttyname(theirs), books],
        script=script,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as apply:
        try:
            seen = ""
            while "Only yes is accepted" not in seen:
                seen += apply.stdout.read(1)
            apply.send_signal(signal.SIGSTOP)
            code, text = said(capsys, "apply", "-y", "-w", books)
            assert code == 1
            lease = re.search(r"daybook unlock ([0-9a-f-]{36})", text)[1]
            assert said(capsys, "daybook", "unlock", lease, "-w", books)[0] == 0
            assert said(capsys, "apply", "-y", "-w", books)[0] == 0
            apply.send_signal(signal.SIGCONT)
            os.write(ours, b"yes\n")
            rest = apply.stdout.read()
            assert apply.wait() not in (0, None)
            assert "took the daybook over" in " ".join(rest.split())
        finally:
            apply.kill()
            os.close(ours)
            os.close(theirs)
    assert said(capsys, "plan", "--detailed-exitcode", "-w", books)[0] == 0
