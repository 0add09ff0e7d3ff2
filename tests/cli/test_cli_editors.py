"""Editors: the schema of a workspace, the line that names it, and what a language server does."""

import json
import re
from pathlib import Path, PurePath

import jsonschema_rs
import pytest
from books_harness import JOURNALS, SCHEDULE, reconciler
from language_server import language_server

from reconciler.app.workspace import read_workspace
from reconciler.core.model.resource import Value
from reconciler.workspace.editor_schema import (
    EDITOR_SCHEMA,
    editor_schema,
    has_modeline,
    with_modelines,
)
from reconciler.workspace.json_schema import SCHEMAS, is_date, schema_text
from reconciler.workspace.yaml_reader import read

MODELINE = f"# yaml-language-server: $schema={EDITOR_SCHEMA}\n"
ROOT = Path(__file__).parents[2]
BELOW = f"# yaml-language-server: $schema=../../{EDITOR_SCHEMA}\n"


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A starter workspace in `journals`, below the directory that an editor has open."""
    monkeypatch.chdir(tmp_path)
    assert reconciler("init", "--example").code == 0
    return tmp_path / "journals"


@pytest.fixture(scope="module")
def schema():
    return json.loads(editor_schema(read_workspace(JOURNALS).tenant))


def fits(schema: object, document: Value) -> bool:
    validator = jsonschema_rs.Draft202012Validator(
        schema, validate_formats=True, formats={"date": is_date}
    )
    return validator.is_valid(document)


def documents(text: str) -> list[Value]:
    found, problems = read(text.encode(), path="")
    assert not problems
    return [document.value for document in found]


TYPO = f"""\
{BELOW}apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata: {{name: second}}
spec:
  accountingPeriodName: Jan-2062
  currency: USD
  journalEntryDate: 2026-01-31
  journalEntryItems:
    - {{accountingCodeName: Deferred Revenue, type: Debit, amount: 5.00}}
    - accountingCodeName: Subscription Revenue
      type: Credit
      amount: 5.00
---
{BELOW}apiVersion: journal.reconciler/v1
kind: AllocationKey
metadata: {{name: key}}
spec: {{target: []}}
"""


def test_a_language_server_checks_completes_and_explains(begun):
    """From the files that `init` wrote, without a network, in every document of a file."""
    settings = json.loads(Path(".vscode/settings.json").read_text())
    second, third = begun / "2026" / "01" / "second.yaml", begun / "third.yml"
    second.write_text(TYPO)
    third.write_text("apiVersion: journal.reconciler/v1\nkind: JournalEntry\n")
    with language_server(begun.parent, schemas=settings["yaml.schemas"]) as server:
        for file in sorted(begun.rglob("*.yaml")):
            if file != second:
                assert server.open(file) == []
        missing, unknown, period = sorted(server.open(second))
        assert missing == '19: Missing property "targets".'
        assert unknown == "19: Property target is not allowed."
        assert period.startswith('6: Value is not accepted. Valid values: "Nov-2014", "2020/02", ')
        # The setting of VS Code finds the schema where no line names it.
        assert server.open(third) == [
            '1: Missing property "metadata".',
            '1: Missing property "spec".',
        ]
        codes = server.completions(second, 11, 27)
        assert codes["Deferred Revenue"].startswith("2200 Contract liabilities subscriptions")
        assert "License Revenue" in codes
        assert server.completions(second, 7, 13)["EUR"] == "active"
        fields = server.completions(second, 9, 3)
        assert "SupportingDocument__c" in fields
        assert "ReconcilerKey__c" not in fields
        said = server.hover(second, 10, 30)
        assert "`Deferred Revenue`: 2200 Contract liabilities subscriptions" in said


def test_the_page_shows_the_setting_that_init_writes(begun):
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    assert f"```json\n{Path('.vscode/settings.json').read_text()}```\n" in page
    assert BELOW in page


def test_every_document_that_the_project_ships_names_the_schema_that_is_written():
    """Those of the example books, and those that a page shows with such a line."""
    written = JOURNALS / EDITOR_SCHEMA
    assert written.read_text(encoding="utf-8") == editor_schema(read_workspace(JOURNALS).tenant)
    texts = {file: file.read_text(encoding="utf-8") for file in JOURNALS.rglob("*.yaml")}
    assert len(texts) > 30
    for file, text in texts.items():
        assert with_modelines(text, file.relative_to(JOURNALS)) == text, file
        assert has_modeline(text), file
    pages = (page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    lines = [
        line for page in pages for line in page.splitlines() if "yaml-language-server:" in line
    ]
    assert len(lines) > 1
    assert [line for line in lines if not has_modeline(line)] == []


def test_what_the_books_hold_fits_the_schema_of_their_editor(schema):
    files = sorted(JOURNALS.rglob("*.yaml"))
    held = [one for file in files for one in documents(file.read_text())]
    held += [one for kind in SCHEMAS for one in json.loads(schema_text(kind))["examples"]]
    assert [one for one in held if not fits(schema, one)] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("accountingPeriodName", "Jan-2062"),
        ("currency", "XXX"),
        ("segments", [{"segmentName": "Planet", "segmentValue": "Earth"}]),
        ("journalEntryItems", [{"accountingCodeName": "Cash", "type": "Debit", "amount": 1}] * 2),
    ],
)
def test_the_schema_refuses_a_value_that_the_reference_lacks(schema, field, value):
    (text,) = (JOURNALS / "2026" / "01").glob("commissions.yaml")
    (document,) = documents(text.read_text())
    assert fits(schema, document)
    assert not fits(schema, {**document, "spec": {**document["spec"], field: value}})


def test_without_a_reference_the_schema_lists_nothing(begun):
    (begun / "reference.yaml").unlink()
    assert reconciler("schema", "--write").code == 0
    listed = json.loads((begun / EDITOR_SCHEMA).read_text())["$defs"]
    assert listed.keys() == SCHEMAS.keys()


FOREIGN = "# yaml-language-server: $schema=https://example.com/entry.json\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("kind: A\n", f"{BELOW}kind: A\n", id="none yet"),
        pytest.param("# why\nkind: A\n", f"{BELOW}# why\nkind: A\n", id="before a comment"),
        pytest.param(f"{BELOW}kind: A\n", f"{BELOW}kind: A\n", id="there already"),
        pytest.param(f"{MODELINE}kind: A\n", f"{BELOW}kind: A\n", id="of another folder"),
        pytest.param(f"# why\n{MODELINE}a: 1\n", f"# why\n{BELOW}a: 1\n", id="below a comment"),
        pytest.param(f"{FOREIGN}kind: A\n", f"{FOREIGN}kind: A\n", id="another schema"),
        pytest.param("a: 1\n---\nb: 2\n", f"{BELOW}a: 1\n---\n{BELOW}b: 2\n", id="two documents"),
        pytest.param("---\na: 1\n", f"{BELOW}---\na: 1\n", id="a mark before the first"),
        pytest.param("# why\n---\na: 1\n", f"{BELOW}# why\n---\na: 1\n", id="a comment before it"),
        pytest.param("a: |\n  ---\n", f"{BELOW}a: |\n  ---\n", id="a mark inside of a text"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_every_document_has_the_line_once(text, expected, line_end):
    text, expected = (one.replace("\n", line_end) for one in (text, expected))
    path = PurePath("2026", "01", "a.yaml")
    assert with_modelines(text, path) == expected
    assert with_modelines(expected, path) == expected
    assert documents(expected) == documents(text)


def names_the_schema(root: Path, file: Path) -> bool:
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", file.read_text())
    return named is not None and (file.parent / named[1]).resolve() == root / EDITOR_SCHEMA


def test_every_verb_that_writes_declarations_writes_the_line(small):
    """And `fmt` leaves them as they are, and what computes them finds nothing to do."""
    assert small.run("schema", "--write").code == 0
    number = small.posted()["entry-01"]
    (small.root / "entry-01.yaml").unlink()
    (small.root / "2026").mkdir()
    (small.root / "2026" / "hosting.yaml").write_text(SCHEDULE)
    for words in (
        ("forget", "entry-01", "--yes"),
        ("import", number, "--name", "entry-01"),
        ("reverse", "entry-00", "--to", small.root / "2026" / "02" / "reversal.yaml"),
        ("generate",),
    ):
        assert small.run(*words).code == 0, words
    new = ("imported/entry-01.yaml", "2026/02/reversal.yaml", "2026/hosting.generated.yaml")
    assert [file for file in new if not names_the_schema(small.root, small.root / file)] == []
    assert small.run("generate", "--check").code == 0
    for file in new:
        assert small.run("fmt", "--check", small.root / file).code == 0
    assert small.plan().code == 0


def test_fmt_writes_the_line_and_mends_it_where_a_file_was_moved(begun):
    entry, moved = begun / "2026" / "01" / "first-entry.yaml", begun / "first-entry.yaml"
    entry.rename(moved)
    plain = begun / "plain.yaml"
    plain.write_text(moved.read_text().removeprefix(BELOW).replace("first-entry", "second"))
    assert reconciler("fmt", "--check").out.count("would change") == 2
    assert reconciler("fmt").code == 0
    assert names_the_schema(begun, moved)
    assert names_the_schema(begun, plain)
    assert reconciler("fmt", "--check").code == 0


def test_without_a_schema_no_file_gets_the_line(begun):
    (begun / EDITOR_SCHEMA).unlink()
    plain = begun / "plain.yaml"
    text = (begun / "2026/01/first-entry.yaml").read_text().removeprefix(BELOW)
    plain.write_text(text.replace("first-entry", "plain"))
    assert reconciler("fmt", "--check").code == 0
    assert "editor-schema" not in reconciler("validate").out


def test_validate_says_that_the_schema_is_old_and_its_remedy_works(begun):
    reference = begun / "reference.yaml"
    reference.write_text(reference.read_text().replace("Office Rent", "Rent of offices"))
    old = reconciler("validate")
    assert (old.code, "reconciler.schema.json:1:1: warning[editor-schema]" in old.out) == (0, True)
    assert reconciler("validate", "--strict").code == 3
    assert "editor-schema" not in reconciler("plan", "--offline", "--strict").said
    (remedy,) = re.findall(r"`reconciler (.+?)`", old.out)
    wrote, again = (reconciler(*remedy.split()) for _ in range(2))
    assert (wrote.out, again.out) == (
        f"wrote journals/{EDITOR_SCHEMA}\n",
        f"already up to date: journals/{EDITOR_SCHEMA}\n",
    )
    assert reconciler("validate", "--strict").code == 0


def test_closing_a_period_makes_no_schema_old(begun):
    reference = begun / "reference.yaml"
    text = reference.read_text()
    assert "status: Open" in text
    reference.write_text(text.replace("status: Open", "status: Closed", 1))
    assert "editor-schema" not in reconciler("validate").out


def test_no_schema_is_written_from_files_with_problems(begun):
    before = (begun / EDITOR_SCHEMA).read_text()
    reference = begun / "reference.yaml"
    reference.write_text(reference.read_text().replace("accountingCodes", "accountingCods"))
    ended = reconciler("schema", "--write")
    assert (ended.code, (begun / EDITOR_SCHEMA).read_text()) == (3, before), ended.said
    # The list of codes is missing because of the problem, so the schema is not called old.
    assert "editor-schema" not in reconciler("validate").out


def test_one_schema_is_for_all_kinds(begun):
    ended = reconciler("schema", "JournalEntry", "--write")
    assert (ended.code, "--write takes no KIND" in ended.err) == (64, True)


def test_settings_of_an_editor_that_are_there_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = tmp_path / ".vscode" / "settings.json"
    settings.parent.mkdir()
    settings.write_text("{}")
    assert ".vscode" not in reconciler("init", "--example").out
    assert settings.read_text() == "{}"


def test_a_workspace_that_is_the_open_folder_needs_no_setting(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert reconciler("init", ".", "--example").code == 0
    assert not (tmp_path / ".vscode").exists()
