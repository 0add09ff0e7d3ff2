"""`--format json`: one document on stdout for every verb, errors and refusals too."""

import json
import re
from pathlib import Path

import click
import pytest
from books_harness import SCHEDULE, Ended, reconciler
from document_schemas import must_fit

from reconciler.cli.main import root as command_line
from reconciler.workspace import schema_text

ROOT = Path(__file__).parents[2]
OWN = {"plan", "show", "apply", "close-check", "ledger create-client"}
"""Verbs whose document is their own; `schema KIND` prints one, too."""
NONE = {"export", "ledger serve"}
"""A table, and a server."""


def verbs(command: click.Command, *path: str):
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        yield from verbs(command.get_command(context, name), *path, name)


VERBS = dict(verbs(command_line))


def formats(command: click.Command) -> set[str]:
    found = (one.type.choices for one in command.params if "--format" in one.opts)
    return {choice for choices in found for choice in choices}


def test_every_verb_but_two_reports_as_json():
    assert {name for name, verb in VERBS.items() if "json" not in formats(verb)} == NONE


def test_the_schema_describes_something_of_every_verb():
    described = " ".join(
        one["description"] for one in json.loads(schema_text("output"))["properties"].values()
    )
    named = set(re.findall(r"`([a-z -]+)`", described)) | {"daybook export", "daybook import"}
    words = {" ".join(word for word in one.split() if word[0] != "-") for one in named}
    assert set(VERBS) - OWN - NONE - words == set()


def output(*words: object) -> tuple[Ended, dict]:
    """How a command ended, and its one document."""
    ended = reconciler(*words, "--format", "json")
    must_fit("output", ended.out)
    assert ended.json["exit_code"] == ended.code
    return ended, ended.json


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("plan --target nosuch", 64, "--target nosuch matches nothing in the workspace"),
        ("apply", 64, "there is no terminal to confirm on"),
        ("apply nosuch.json", 1, "nosuch.json cannot be read"),
        ("close-check Jan-1999", 4, "no accounting period Jan-1999"),
        ("show nosuch.json", 1, "nosuch.json cannot be read"),
        ("explain nosuch", 64, "there is no rule nosuch"),
        ("schema nosuch", 64, "there is no kind nosuch"),
        ("reverse nosuch", 64, "no entry is named nosuch"),
        ("generate nosuch", 64, "nosuch"),
        ("forget -y nosuch", 4, "knows nosuch"),
        ("import JE-09999999", 4, "JE-09999999 is not in the ledger"),
        ("import --from nosuch.csv --mapping nosuch", 64, "nosuch"),
        ("comment nosuch.json", 1, "nosuch.json cannot be read"),
        ("drift --nosuch", 64, "No such option"),
        ("daybook nosuch", 64, "there is no command nosuch"),
        ("plan --parallelism 0", 64, "--parallelism"),
        ("ledger verify --database nonsense", 1, "the database URL is not understood"),
    ],
)
def test_an_error_is_the_document(small, words, code, said):
    verb, *rest = words.split()
    common = [] if verb == "ledger" else ["-w", small.root]
    ended, found = output(*common, verb, *rest)
    assert (ended.code, said in found["error"]["message"]) == (code, True), ended.said
    assert said in ended.err, "people read it on stderr"
    assert found["error"]["remedy"]


def test_the_page_shows_such_a_document(small):
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert output("plan", "--target", "nosuch", "-w", small.root)[0].out == shown


def test_an_error_has_its_problems_and_commands_that_can_be_pasted(small):
    small.declare("worse", currency="XXX")
    (small.root / "bad.yaml").write_text("a: 1\n")
    _, found = output("plan", "-w", small.root)
    assert "document-shape" in {one["rule"] for one in found["problems"]}
    assert f"`reconciler explain document-shape -w {small.root}`" in found["error"]["remedy"]


def test_what_verbs_report(small, tmp_path):
    """A story, with a look at each document."""
    number = small.posted()["entry-01"]
    assert len(output("fmt", "--check", "-w", small.root)[1]["would_write"]) == 6
    entry = small.root / "entry-00.yaml"
    assert output("reverse", "entry-00", "-w", small.root)[1]["written"] == [
        str(entry.with_name("entry-00.reversal.yaml"))
    ]
    (small.root / "entry-01.yaml").unlink()
    forgotten = output("forget", "entry-01", "--yes", "-w", small.root)[1]["report"]
    assert [change["action"] for change in forgotten["changes"]] == ["forget"]
    imported = output("import", number, "--name", "entry-01", "-w", small.root)[1]
    assert imported["written"] == [str(small.root / "imported" / "entry-01.yaml")]
    assert imported["report"]["summary"]["done"] == 1
    assert output("validate", "-w", small.root)[1]["valid"]
    checks = output("doctor", "-w", small.root)[1]["checks"]
    assert {"status": "ok", "subject": "files"}.items() <= checks[0].items()
    assert len(output("daybook", "show", "-w", small.root)[1]["entries"]) == 6
    copy = tmp_path / "copy.jsonl"
    exported = output("daybook", "export", copy, "-w", small.root)[1]
    verified = output("daybook", "verify", "--against", copy, "-w", small.root)[1]
    assert exported["events"] == verified["events"] > 0
    assert output("daybook", "recover", "-w", small.root)[1]["open"] == []
    assert output("drift", "-w", small.root)[1]["drift"] == []
    (small.root / "hosting.yaml").write_text(SCHEDULE)
    (schedule,) = output("generate", "-w", small.root)[1]["schedules"]
    assert (schedule["count"], schedule["amount"], schedule["left"]) == (2, "9", "0")
    (rule,) = output("explain", "lines-balance")[1]["rules"]
    assert (rule["id"], rule["severity"]) == ("lines-balance", "error")
    assert output("schema")[1]["schemas"]["output"] == "output.schema.json"
    assert output("schema", "--write", "-w", small.root)[1]["written"] == [
        str(small.root / "reconciler.schema.json")
    ]


def test_a_diff_is_in_the_document(small):
    _, found = output("reverse", "entry-00", "--dry-run", "-w", small.root)
    (path,) = found["would_write"]
    assert f"+++ {path}" in found["diff"]


REFUSED = {
    "an unknown flag": ("apply", "--nosuch"),
    "an unknown flag of the program": ("--nosuch", "apply"),
    "a wrong value": ("apply", "--parallelism", "0"),
    "a wrong format": ("apply", "--format", "yaml"),
    "a word too many": ("apply", "plan.json", "other.json"),
    "no consent": ("apply",),
    "an unknown variable": ("apply", "-y"),
    "a file of events that cannot be": ("apply", "-y", "--events", "nosuch/events.jsonl"),
    "two documents on stdout": ("apply", "-y", "--events", "-", "--format", "json"),
}


@pytest.mark.parametrize("through", ["flags", "variables"])
@pytest.mark.parametrize("case", REFUSED)
def test_a_run_that_is_refused_leaves_what_it_was_asked_for(
    small, tmp_path, monkeypatch, case, through
):
    words = REFUSED[case]
    report, events = tmp_path / "report.json", tmp_path / "events.jsonl"
    files = {"report": report, "events": events, "format": "json"}
    given = {name for name in files if f"--{name}" in words}
    files = {name: text for name, text in files.items() if name not in given}
    if case == "an unknown variable":
        monkeypatch.setenv("CI", "true")
        monkeypatch.setenv("RECONCILER_NOSUCH", "1")
    for name, text in files.items():
        if through == "variables":
            monkeypatch.setenv(f"RECONCILER_APPLY_{name.upper()}", str(text))
        else:
            words = (*words, f"--{name}", str(text))
    ended = reconciler("-w", small.root, *words)
    assert ended.code in (1, 64), ended.said
    run = json.loads(report.read_text())["run"]
    assert (run["exit_code"], bool(run["error"]), bool(run["ended_at"])) == (ended.code, True, True)
    assert run["error"] in ended.err
    must_fit("report", report.read_text())
    if "format" in files:
        assert ended.json["exit_code"] == ended.code
        must_fit("output", ended.out)
    told = events.read_text() if "events" in files else ended.out
    told = "" if case == "a file of events that cannot be" else told
    rows = [json.loads(row) for row in told.splitlines()]
    assert [row["event"] for row in rows] == ["run_ended"] * bool(told)
    assert all(row["error"] == run["error"] for row in rows)
