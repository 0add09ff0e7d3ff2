"""Every command that a page tells people to type is executed, or stands here with a reason.

A page with a test of its own is named with it. All others run here, each in its own copy of the
example books, from top to bottom.
"""

import os
import re
import shutil
from pathlib import Path

import pytest
from checkout import ROOT, Run, environment
from program import install_program

BLOCK = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

ELSEWHERE = {
    "README.md": "tests/project/test_readme.py",
    "docs/tour.md": "tests/project/test_readme.py",
    "docs/close.md": "tests/scenarios/test_month_end_page.py",
    "docs/library.md": "tests/project/test_library.py",
    "docs/spreadsheets.md": "tests/project/pictures.py",
    "docs/your-own-books.md": "tests/cli/test_cli_init.py",
}
"""Pages whose blocks another test executes, and the file of that test."""

PREPARED = {
    "docs/approvals.md": "reconciler plan --out plan.json",
    "docs/ci/README.md": "",
    "docs/daybook.md": "reconciler apply --auto-approve",
    "docs/editors.md": "",
    "docs/plans.md": "reconciler plan --out plan.json",
    "docs/rehearsal.md": "",
}
"""Pages that are executed here, and what a reader has done before."""

NOT_RUN = {
    "reconciler comment plan.json --environment production": "it needs a pull request",
    "make faults": "it takes hours",
    "make planted": "it takes minutes, and plants bugs in copies of the checkout",
}
"""Commands that are not executed here, and why. tests/forge posts comments to a served forge."""

EXIT_CODES = {
    "reconciler plan --rehearse --summary "
    '--rehearse-as "Create Journal Entry, Cancel Journal Entry"': 7,
}
"""What a command ends with, where that is not 0."""


def commands(page: str) -> list[str]:
    """The lines of the blocks of a page that somebody types, in their order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [line for block in BLOCK.findall(text) for line in block.splitlines() if line.strip()]
    prompted = [line[2:] for line in lines if line.startswith("$ ")]
    return prompted or lines


PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if BLOCK.search(path.read_text(encoding="utf-8"))
)


def test_every_page_with_commands_is_executed_somewhere() -> None:
    left = {page for page in PAGES if {*commands(page)} - NOT_RUN.keys()}
    assert left == ELSEWHERE.keys() | PREPARED.keys()
    assert not ELSEWHERE.keys() & PREPARED.keys()
    for page, test in ELSEWHERE.items():
        assert Path(page).name.lower() in (ROOT / test).read_text(encoding="utf-8").lower(), page


def test_what_is_not_run_is_documented() -> None:
    """Otherwise a reason would stay when its command has gone."""
    typed = {line for page in PAGES for line in commands(page)}
    assert {*NOT_RUN, *EXIT_CODES} <= typed


@pytest.mark.parametrize("page", PREPARED)
def test_the_commands_of_a_page_work_as_typed(page: str, run: Run, tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "journals", tmp_path / "journals", ignore=shutil.ignore_patterns(".reconciler")
    )
    path = f"{install_program(tmp_path / 'bin').parent}{os.pathsep}{environment()['PATH']}"

    def typed(line: str) -> str:
        ended = run("sh", "-c", line, cwd=tmp_path, env={"PATH": path})
        assert ended.returncode == EXIT_CODES.get(line, 0), ended.stdout + ended.stderr
        return ended.stdout

    digest = ""
    for line in filter(None, (PREPARED[page], *commands(page))):
        if line in NOT_RUN:
            continue
        shown = typed(line.replace("sha256:…", digest))
        digest = "".join(re.findall(r"^Digest: (sha256:\S+)$", shown, re.MULTILINE)[:1]) or digest
