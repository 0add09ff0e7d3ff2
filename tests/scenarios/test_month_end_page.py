"""The month of docs/close.md: its files, its commands and its output are those of a run."""

import re
import shlex
import subprocess
from itertools import takewhile
from pathlib import Path

import pytest
from books_harness import reconciler
from program import clean_environment

PAGE = Path(__file__).parents[2] / "docs" / "close.md"
BLOCK = re.compile(r"^```(yaml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELISION = "..."


def story():
    """The fenced blocks of the part that tells the month, in order."""
    text = PAGE.read_text(encoding="utf-8")
    return BLOCK.findall(text.partition("\n## Close check\n")[0])


def commands(block):
    """Each command of a block, with the lines that it is shown to print."""
    rows = block.splitlines()
    starts = [at for at, row in enumerate(rows) if row.startswith("$ ")]
    for at in starts:
        shown = takewhile(lambda row: not row.startswith("$ "), rows[at + 1 :])
        yield rows[at].removeprefix("$ "), list(shown)


def prints(shown, printed):
    """Whether the lines are printed in this order, with others only where lines are left out."""
    pattern = "".join(r"(?:.*\n)*?" if row == ELISION else re.escape(row) + r"\n" for row in shown)
    return re.fullmatch(pattern, printed) is not None


def code_of(words, shown):
    """A check whose shown lines say so exits 7."""
    fails = words[1] == "close-check" and any("FAIL" in row for row in shown)
    return 7 if fails else 0


def write(block, root):
    """A file as its first line names it; what belongs at the end of a file is appended."""
    first, _, rest = block.partition("\n")
    name, _, end = first.removeprefix("# ").partition(", ")
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    before = place.read_text(encoding="utf-8") if end == "at the end" else ""
    place.write_text(before + rest, encoding="utf-8")


def execute(command, root):
    ended = subprocess.run(
        shlex.split(command),
        cwd=root,
        env=clean_environment() | GIT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr


GIT = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Accountant"), ("EMAIL", "accountant@example.com"))
}


def test_a_month_end_goes_as_the_page_shows(tmp_path, monkeypatch):
    for name in ("ZUORA_BASE_URL", "RECONCILER_WORKSPACE", "CI"):
        monkeypatch.delenv(name, raising=False)
    for sort, block in story():
        if sort == "yaml":
            write(block, tmp_path)
            continue
        for command, shown in commands(block):
            words = shlex.split(command)
            if words[0] != "reconciler":
                execute(command, tmp_path)
                continue
            ended = reconciler(*words[1:], cwd=tmp_path)
            assert ended.code == code_of(words, shown), f"{command}\n{ended.said}"
            if shown:
                assert prints(shown, ended.out), f"{command}\n{ended.out}"


@pytest.mark.parametrize(
    ("shown", "printed", "holds"),
    [
        (["a", "b"], "a\nb\n", True),
        (["a", "b"], "a\nx\nb\n", False),
        (["a", ELISION, "b"], "a\nx\ny\nb\n", True),
        (["a", ELISION], "b\na\n", False),
        ([ELISION, "a"], "x\na\nb\n", False),
    ],
)
def test_lines_are_left_out_only_where_the_page_says_so(shown, printed, holds):
    assert prints(shown, printed) is holds
