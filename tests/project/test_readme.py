"""The README is true: its commands exist and its tour works as typed, its exit codes are ours."""

import inspect
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from checkout import ROOT, Run, environment
from program import install_program

from reconciler import errors
from reconciler.cli.main import INTERRUPTED, USAGE_ERROR
from reconciler.cli.main import root as command_line
from reconciler.cli.plan import CHANGES_PENDING

README = (ROOT / "README.md").read_text(encoding="utf-8")
TOUR = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
DEVELOPMENT = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
DAYBOOK = (ROOT / "docs" / "daybook.md").read_text(encoding="utf-8")
PLANS = (ROOT / "docs" / "plans.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "journal-runs.md").read_text(encoding="utf-8")
SHEETS = (ROOT / "docs" / "spreadsheets.md").read_text(encoding="utf-8")
EDITORS = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
OWN = (ROOT / "docs" / "your-own-books.md").read_text(encoding="utf-8")
NAMES = (ROOT / "docs" / "names.md").read_text(encoding="utf-8")
APPROVALS = (ROOT / "docs" / "approvals.md").read_text(encoding="utf-8")
CI = (ROOT / "docs" / "ci" / "README.md").read_text(encoding="utf-8")
REHEARSAL = (ROOT / "docs" / "rehearsal.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def command_lines(text: str) -> Iterator[str]:
    """Every `reconciler …` that a document tells people to type."""
    for block in blocks(text, "sh"):
        yield from re.findall(r"^reconciler .*$", block, re.MULTILINE)
    yield from re.findall(r"`(reconciler [^`]*)`", text)


TEXTS = (
    README,
    TOUR,
    REFERENCE,
    CI,
    DEVELOPMENT,
    DAYBOOK,
    GUIDE,
    APPROVALS,
    NAMES,
    PLANS,
    REHEARSAL,
    SHEETS,
    OWN,
    EDITORS,
)
FLAGS = "".join({*TEXTS, CHANGELOG} - {DEVELOPMENT})
COMMANDS = sorted({line for text in TEXTS for line in command_lines(text)})


def test_there_are_commands_to_check() -> None:
    verbs = {line.split()[1] for line in COMMANDS}
    assert verbs >= {"validate", "plan", "apply", "drift", "show", "init", "ledger", "schema"}


@pytest.mark.parametrize("line", COMMANDS)
def test_documented_commands_exist(line: str) -> None:
    words = iter(shlex.split(line)[1:])
    command: click.Command = command_line
    context = click.Context(command_line)
    for word in words:
        if isinstance(command, click.Group):
            found = command.get_command(context, word)
            assert found is not None, f"there is no verb {word}"
            command = found
        elif word.startswith("-"):
            assert word.partition("=")[0] in flags(command), f"{command.name} has no {word}"


@pytest.mark.parametrize("flag", sorted(set(re.findall(r"`(--[a-z-]+)", FLAGS))))
def test_flags_named_in_the_text_exist(flag: str) -> None:
    commands = (command_line, *every_command(command_line))
    everywhere = set().union(*(flags(command) for command in commands))
    assert flag in everywhere


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make ([a-z-]+)`?\s+[#|]?", README))))
def test_documented_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_exit_codes_are_those_of_the_program() -> None:
    section = REFERENCE.partition("## Exit codes")[2].partition("\n## ")[0]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    raised = {
        value.exit_code
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, errors.ReconcilerError)
    }
    assert documented == raised | {0, CHANGES_PENDING, USAGE_ERROR, INTERRUPTED}


def test_links_lead_to_files() -> None:
    texts = {
        "README.md": README,
        "docs/tour.md": TOUR,
        "docs/reference.md": REFERENCE,
        "docs/approvals.md": APPROVALS,
        "docs/ci/README.md": CI,
        "docs/daybook.md": DAYBOOK,
        "docs/development.md": DEVELOPMENT,
        "docs/journal-runs.md": GUIDE,
        "docs/names.md": NAMES,
        "docs/plans.md": PLANS,
        "docs/rehearsal.md": REHEARSAL,
    }
    for file, text in texts.items():
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert ((ROOT / file).parent / link).exists(), f"{file} links to {link}"


def test_the_example_file_is_valid(run: Run, tmp_path: Path) -> None:
    example, *_ = blocks(REFERENCE, "yaml")
    (tmp_path / "reconciler.yaml").write_text(
        "apiVersion: journal.reconciler/v1\nkind: Workspace\nmetadata: {name: example}\n"
    )
    (tmp_path / "entry.yaml").write_text(example, encoding="utf-8")
    (tmp_path / "reference.yaml").write_bytes((ROOT / "journals" / "reference.yaml").read_bytes())
    ended = run("reconciler", "validate", "--workspace", tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "3 files, 1 entry: 0 errors, 0 warnings.\n")


def test_the_example_policy_is_valid(run: Run, tmp_path: Path) -> None:
    (example,) = blocks(APPROVALS, "yaml")
    (tmp_path / "reconciler.yaml").write_text(example, encoding="utf-8")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "ticket-in-notes.schema.json").write_text("{}")
    ended = run("reconciler", "validate", "--workspace", tmp_path)
    assert "house-schema" not in ended.stdout
    assert ended.returncode == 0, ended.stdout
    assert "warning[waiver-" in ended.stdout


def test_the_tour_works_as_typed(run: Run, tmp_path: Path) -> None:
    """Also the pull request of the README, in the workspace of the tour. `serve` never ends."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("journals", "schemas"):
        (checkout / name).symlink_to(ROOT / name)
    copy = "cp -rL journals ../tour\nrm -rf ../tour/journals/.reconciler"
    tour = "".join([*blocks(TOUR, "sh"), *blocks(README, "sh")]).replace(
        "cp -r journals ../tour", copy
    )
    tour = re.sub(r"^(reconciler ledger serve .*)$", "", tour, flags=re.MULTILINE)
    tour = tour.replace("/tmp/ledger.db", f"{tmp_path}/ledger.db")
    path = f"{install_program(tmp_path / 'bin').parent}{os.pathsep}{environment()['PATH']}"
    ended = run("sh", "-eux", "-c", tour, cwd=checkout, env={"PATH": path})
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No drift." in ended.stdout


def flags(command: click.Command) -> set[str]:
    """Every spelling of every option of a command."""
    options = [param for param in command.params if isinstance(param, click.Option)]
    return {flag for option in options for flag in option.opts} | {"--help", "-h"}


def every_command(group: click.Group) -> Iterator[click.Command]:
    """All verbs, those of groups included."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield command
        if isinstance(command, click.Group):
            yield from every_command(command)
