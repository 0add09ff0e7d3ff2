"""Nothing that was looked at is no success: a path, a filter, a baseline that matches nothing."""

import json
import os
import re
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from books_harness import Books, credit, debit, process, reconciler

from reconciler.cli.main import _COMMANDS

EXPORT_WITHOUT_EVENTS = {
    "daybook": "3", "lineage": "", "workspace": "", "tenant": None, "events": 0, "serial": 0,
    "hash": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(small_template, tmp_path_factory):
    """Sound books, and the files that the cases below name. Nothing may change them."""
    home = tmp_path_factory.mktemp("nothing")
    texts = {
        "empty.txt": "", "empty.json": "", "object.json": "{}", "empty.csv": "", "empty.yaml": "",
        "heading.csv": "id,transactionType\n", "empty.jsonl": "\n", "loose.yaml": "a: 1\n",
        "no-events.jsonl": json.dumps(EXPORT_WITHOUT_EVENTS) + "\n",
    }  # fmt: skip
    for name, text in texts.items():
        (home / name).write_text(text)
    (home / "bare").mkdir()
    with closing(Books(Path(shutil.copytree(small_template, home / "books")))) as books:
        (books.root / "notes.txt").write_text("no YAML\n")
        (books.root / "folder").mkdir()
        (books.root / "folder" / ".hidden.yaml").write_text("a: 1\n")
        assert books.plan("--out", home / "plan.json").code == 0
        yield books


LEDGER = "--database=sqlite:///books/.reconciler/ledger.db"
INPUTS = {
    "validate": """
        nosuch/x.yaml | books/nosuch.yaml | bare | loose.yaml | books/notes.txt
        books/folder/nosuch
        books/entry-00.yaml nosuch.yaml | --format=junit nosuch | --format=json nosuch
        --format=sarif bare | --format=github bare
    """,
    "fmt": """
        nosuch.yaml | nosuch | bare | books/folder | --check bare | --check nosuch.yaml
        --check books bare | empty.txt
    """,
    "plan": """
        --target=nosuch | --target=nosuch-* | --target=JournalRun/* | --target= | --exclude=nosuch
        --exclude=* | --period=Jan-1999 | --period=Dec-2026 | --select=team=nobody
        --offline --target=nosuch | --offline --target= | --offline --exclude=* | --find --target=x
        --offline --period=Jan-1999 | --offline --select=team=nobody | --offline --base=nosuch
        --target=entry-00 --target=nosuch | --target=entry-00 --exclude=entry-00
        --target=entry-00 --period=Feb-2026
    """,
    "apply": """
        -y --target=nosuch | -y --select=team=nobody | nosuch.json | empty.json | object.json | bare
    """,
    "show": """
        nosuch.json | empty.json | object.json | bare | plan.json --diff=nosuch.json
        plan.json --diff=empty.json | plan.json --diff=object.json
    """,
    "comment": "--dry-run nosuch.json | --dry-run empty.json | --dry-run object.json",
    "close-check": "Jan-1999 | Jan-2026 Jan-1999 | --managed-only nosuch",
    "import": """
        JE-09999999 | --run=JR-09999999 | --period=Jan-1999 | -y --period=Dec-2026
        --write-only --period=Dec-2026 | --from=nosuch.csv --mapping=nosuch
        --from=empty.csv --mapping=nosuch
    """,
    "export": """
        --period=Jan-1999 | --select=team=nobody | --format=xlsx --to=x.xlsx --period=x
        --live --period=Jan-1999 | --live --select=team=nobody
    """,
    "generate": "nosuch | --check nosuch | --through=Jan-1999",
    "reverse": "nosuch | JE-09999999 | --offline nosuch | --check nosuch",
    "forget": "-y nosuch | -y entry-00 nosuch",
    "explain": "nosuch | house/nosuch",
    "schema": "nosuch",
    "daybook": """
        verify --against=nosuch | verify --against=empty.jsonl | verify --against=no-events.jsonl
        unlock nosuch | import nosuch | import empty.jsonl | import no-events.jsonl | nosuch
        recover --posted=JournalEntry/nosuch=JE-00000001 | recover --not-posted=JournalEntry/nosuch
    """,
    "ledger": f"""
        load-transactions {LEDGER} nosuch.csv | load-transactions {LEDGER} empty.csv
        load-transactions {LEDGER} heading.csv | load-transactions {LEDGER} empty.yaml
        load-transactions {LEDGER} empty.jsonl | serve --port=0 {LEDGER} --reference=nosuch
        serve --port=0 {LEDGER} --reference=empty.yaml
        create-client {LEDGER} --name=x --permission=nosuch
        create-client {LEDGER} --name=x --entity=nosuch
    """,
}
"""By verb, lists of arguments of which one matches nothing."""


CASES = [
    pytest.param([verb, *arguments.split()], id=f"{verb} {arguments.strip()}")
    for verb, rows in INPUTS.items()
    for arguments in re.split(r"[|\n]", rows)
    if arguments.strip()
]


@pytest.mark.parametrize("command", CASES)
def test_t02_what_matches_nothing_is_no_success(shared, command, monkeypatch):
    monkeypatch.chdir(shared.root.parent)
    held = shared.content()
    files = {path: path.read_bytes() for path in shared.root.glob("*.yaml")}
    verb, *arguments = command
    common = [] if verb == "ledger" else ["-w", "books"]
    ended = reconciler(*common, verb, *arguments)
    assert ended.code not in (0, 2), ended.said
    assert "Traceback" not in ended.said
    assert ended.err, "it says what matched nothing"
    assert shared.content() == held
    assert {path: path.read_bytes() for path in shared.root.glob("*.yaml")} == files


def test_t02_every_verb_has_its_inputs():
    """A verb without a row takes nothing that can match nothing."""
    assert set(_COMMANDS) - set(INPUTS) == {"init", "drift", "doctor", "version"}


OUTSIDE = [
    ["validate"], ["validate", "loose.yaml"], ["validate", "--format", "junit"], ["fmt"],
    ["fmt", "--check"], ["plan"], ["plan", "--offline"], ["apply", "-y"], ["drift"], ["doctor"],
    ["doctor", "--ci"], ["import", "JE-00000001"], ["forget", "-y", "x"], ["daybook", "show"],
    ["daybook", "verify"], ["daybook", "recover"], ["daybook", "export", "x"],
]  # fmt: skip


def test_t02_outside_a_workspace_nothing_succeeds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loose.yaml").write_text("a: 1\n")
    for arguments in OUTSIDE:
        ended = reconciler(*arguments)
        assert ended.code not in (0, 2), (arguments, ended.said)
        assert "workspace-file" in ended.said, (arguments, ended.said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["loose.yaml"]


@pytest.mark.parametrize("where", ["inside", "beside", "above"])
def test_t02_a_workspace_that_is_near_is_named(small, tmp_path, monkeypatch, where):
    """In a subdirectory nobody is told to begin another workspace, and what is told works."""
    home = small.root
    if where == "beside":
        home = home.rename(tmp_path / "journals")
    there = {"inside": home / "2026" / "01", "beside": tmp_path / "src", "above": tmp_path}[where]
    there.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(there)
    for arguments in OUTSIDE:
        if "loose.yaml" in arguments:
            continue
        ended = reconciler(*arguments)
        assert ended.code not in (0, 2), (arguments, ended.said)
        assert f"-w {home}" in ended.said, (arguments, ended.said)
        assert "reconciler init" not in ended.said
    for arguments in (["plan"], ["validate"], ["drift"], ["fmt"], ["daybook", "verify"]):
        assert reconciler(*arguments, "-w", home).code == 0


def test_t02_far_from_any_workspace_init_is_proposed(tmp_path):
    """With the real command line."""
    for verb in (["validate"], ["fmt", "--check"], ["validate", "nosuch/x.yaml"]):
        ended = process(*verb, cwd=tmp_path)
        assert ended.code == 3, ended.said
    assert "reconciler init" in process("validate", cwd=tmp_path).said


@pytest.fixture
def there(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return small


def test_t02_paths_that_match_are_looked_at(there):
    for paths in ("books", "books/entry-00.yaml", there.root, "books/reference.yaml"):
        assert reconciler("validate", "-w", "books", paths).code == 0
        assert reconciler("fmt", "-w", "books", paths).code == 0
    there.declare("wrong", debit("1.00"), credit("2.00"))
    assert reconciler("validate", "-w", "books", "books/wrong.yaml").code == 3
    assert reconciler("validate", "-w", "books", "books/entry-00.yaml").code == 0


def test_t02_settings_that_are_wrong_are_told_for_every_path(there):
    """Without them, rules about the marker and rules of the workspace are left out."""
    there.write("reconciler.yaml", "apiVersion: journal.reconciler/v1\nkind: Workspace\n")
    ended = reconciler("validate", "-w", "books", "books/entry-00.yaml")
    assert ended.code == 3
    assert "reconciler.yaml" in ended.out


def test_t02_one_path_that_matches_nothing_stops_the_others(there):
    path = there.declare("spaced", debit("1.0"), credit("1.0"))
    text = path.read_text()
    assert reconciler("fmt", "-w", "books", path, "nosuch.yaml").code == 64
    assert path.read_text() == text


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_t02_a_directory_that_cannot_be_listed_is_not_canonical(there):
    (there.root / "folder").mkdir(mode=0)
    ended = reconciler("fmt", "--check", "-w", "books")
    (there.root / "folder").chmod(0o700)
    assert (ended.code, "cannot be listed" in ended.err) == (3, True)


def test_t02_doctor_prints_the_problem_that_it_counts(there):
    there.declare("wrong", debit("1.00"), credit("2.00"))
    ended = there.run("doctor")
    assert ended.code == 3
    assert "error[lines-balance]" in ended.out
    assert "1 problem in the files" in ended.out
    command = re.search(r"`reconciler (explain [a-z-]+) ", ended.out)[1]
    assert reconciler(*command.split()).code == 0


def test_t02_without_a_daybook_nothing_was_compared(small):
    """A job that lost its daybook must not report that all is well."""
    for file in (small.root / ".reconciler").glob("daybook*"):
        file.unlink()
    for verb in (["drift"], ["daybook", "verify"], ["daybook", "recover"]):
        ended = small.run(*verb)
        assert ended.code == 1, ended.said
        assert "there is no daybook yet" in ended.err
        assert "restore its daybook" in ended.err
    assert not (small.root / ".reconciler" / "daybook.db").exists()


def test_t02_an_import_of_what_is_managed_already_has_looked_at_it(small):
    ended = small.run("import", "-y", "--period", "Jan-2026")
    assert ended.code == 0
    assert "not imported: JE-00000001  already recorded as entry-00" in ended.out
