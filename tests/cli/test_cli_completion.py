"""Completion in shells: values of the workspace, at once, and never an error on the prompt."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from books_harness import Ended, entry, reconciler
from program import clean_environment

from reconciler.cli.main import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")

SCHEDULE = "apiVersion: journal.reconciler/v1\nkind: JournalSchedule\nmetadata: {name: hosting}\n"
HOSTILE = """\
apiVersion: journal.reconciler/v1
kind: Reference
metadata: {name: books}
spec:
  currencies: [USD]
  accountingPeriods:
    - {name: Jan-2026, startDate: 2026-01-01, endDate: 2026-01-31}
    - {name: $(touch x), startDate: 2026-02-01, endDate: 2026-02-28}
  accountingCodes:
    - {name: Cash, type: Cash}
"""


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    root = tmp_path_factory.mktemp("completion") / "books"
    (root / "below").mkdir(parents=True)
    (root / "reconciler.yaml").write_text("kind: Workspace\nmetadata: {name: books}\n")
    (root / "reference.yaml").write_text(HOSTILE)
    (root / "below" / "two.yaml").write_text(f"{entry('rent')}---\n{entry('rent-of-tokyo')}")
    (root / "hosting.yaml").write_text(SCHEDULE)
    assert reconciler("fmt", "-w", root).code == 0
    # What is broken does not hide the others.
    (root / "broken.yaml").write_bytes(b"kind: JournalEntry\nmetadata: {name: \xff")
    return root


@pytest.fixture
def completed(monkeypatch, capsys):
    """What a shell gets for a line, and what is written beside it."""
    return lambda *words, shell="fish": _completed(monkeypatch, capsys, words, shell)


def _completed(monkeypatch, capsys, words, shell) -> Ended:
    monkeypatch.setenv("_RECONCILER_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["reconciler", *words]))
    last = {"bash": len(words), "zsh": len(words), "fish": words[-1]}[shell]
    monkeypatch.setenv("COMP_CWORD", str(last))
    code = run([])
    out, err = capsys.readouterr()
    return Ended(code=code, out=out, err=err)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("pl", ["plan"]),
        ("plan --target rent", ["rent", "rent-of-tokyo"]),
        ("plan --exclude rent-", ["rent-of-tokyo"]),
        ("reverse rent-", ["rent-of-tokyo"]),
        ("generate h", ["hosting"]),
        ("generate rent-", ["rent-of-tokyo"]),
        ("plan --target h", []),
        ("plan --period J", ["Jan-2026"]),
        ("plan --period $", []),
        ("close-check J", ["Jan-2026"]),
        ("import --period J", ["Jan-2026"]),
        ("generate --through J", ["Jan-2026"]),
        ("explain lines-", ["lines-balance"]),
        ("explain nosuch", []),
        ("schema Journal", ["JournalEntry", "JournalRun", "JournalSchedule"]),
        ("daybook ver", ["verify"]),
        ("nosuch x", []),
        ("plan --nosuch x", []),
        ("validate --format j", ["json", "junit"]),
    ],
)
def test_a_shell_gets_words_and_no_error(books, completed, monkeypatch, words, expected):
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("RECONCILER_QQQQ", "sets nothing, which is an error elsewhere")
    ended = completed("-w", str(books), *words.split())
    found = [line.split("\t")[0].split(",")[-1] for line in ended.out.split("\n") if line]
    assert (found, ended.err, ended.code) == (expected, "", 0)


def test_a_shell_says_what_a_word_is(books, completed):
    assert (
        "Jan-2026\t2026-01-01, Open\n" in completed("-w", str(books), "plan", "--period", "J").out
    )
    zsh = completed("-w", str(books), "plan", "--target", "rent-", shell="zsh")
    assert zsh.out.splitlines() == ["plain", "rent-of-tokyo", "JournalEntry"]


@pytest.mark.parametrize("root", ["nosuch", "bare"])
def test_outside_of_a_workspace_there_is_nothing_to_propose(tmp_path, completed, root):
    (tmp_path / "bare").mkdir()
    ended = completed("-w", str(tmp_path / root), "plan", "--target", "r")
    assert (ended.out.strip(), ended.err, ended.code) == ("", "", 0)


def test_an_unknown_shell_is_an_error(monkeypatch):
    monkeypatch.setenv("_RECONCILER_COMPLETE", "csh_source")
    ended = reconciler("plan")
    assert ended.code == 64
    assert "_RECONCILER_COMPLETE is csh_source" in ended.err
    assert "To fix: Write bash_source, zsh_source or fish_source" in ended.err


BASH = """
complete_line() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _reconciler_completion "$1"
  echo "${COMPREPLY[*]}"
}
cd "$PLACE"
complete_line reconciler plan --target rent-
complete_line reconciler -w books plan --period Ja
complete_line reconciler explain lines-b
complete -p reconciler
"""


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_bash_completes_with_the_line_of_the_page(books):
    (line,) = re.findall(r"`(eval .*bash_source.*)`", PAGE)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    place = books.parent
    (place / "journals").symlink_to(books, target_is_directory=True)
    ended = subprocess.run(
        ["bash", "--norc", "-c", f"{line}\n{BASH}"],
        env={**clean_environment(), "PATH": path, "PLACE": str(place)},
        capture_output=True,
        text=True,
        check=True,
    )
    *words, registered = ended.stdout.splitlines()
    assert (words, ended.stderr) == (["rent-of-tokyo", "Jan-2026", "lines-balance"], "")
    assert "_reconciler_completion reconciler" in registered
