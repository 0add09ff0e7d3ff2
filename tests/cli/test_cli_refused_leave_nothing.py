"""A verb that is refused leaves no file: no daybook, no lock, no draft, no directory."""

import shlex
from contextlib import ExitStack

import pytest
from books_harness import SMALL, credit, debit, reconciler

from reconciler.app.state_directory import workspace_daybook
from reconciler.cli.main import _COMMANDS
from reconciler.http_client import retry
from reconciler.workspace.settings import Settings

USAGE, READING, LEDGER = "usage", "reading", "ledger"

REFUSED = {
    "init": {
        USAGE: "init other --name 'A B' => lower-case letters",
        READING: "init books => already exists",
    },
    "fmt": {
        USAGE: "fmt -w books nosuch.yaml => there is no file",
        READING: "fmt -w books broken => the file has problems",
    },
    "plan": {
        USAGE: "plan -w books --target nosuch --out x.json => matches nothing",
        READING: "plan -w wrong --out x.json => yaml-syntax",
        LEDGER: "plan -w away --out x.json => nothing was sent",
    },
    "apply": {
        USAGE: "apply -w books -y --target nosuch => matches nothing",
        READING: "apply -w wrong -y => yaml-syntax",
        LEDGER: "apply -w away -y => nothing was sent",
        "refused by the plan": "apply -w limited -y => change-limit",
        "not confirmed": "apply -w books => no terminal",
        "another plan": f"apply -w books --plan-digest {'0' * 64} => not the reviewed",
    },
    "import": {
        USAGE: "import -w books JE-1 => is not the number of",
        READING: "import -w wrong JE-00000001 => yaml-syntax",
        LEDGER: "import -w away JE-00000001 => nothing was sent",
        "no such number": "import -w books JE-09999999 => is not in the ledger",
        "a file outside": "import -w strange JE-00000001 --to ../x.yaml => outside the workspace",
        "a hidden file": "import -w strange JE-00000001 --to .x/x.yaml => hidden",
        "a rule of its own": "import -w strange JE-00000001 --to sub/x.yaml => house/no-entries",
        "a period": "import -w books -y --period Jan-1999 => no accounting period",
        "a sheet": "import -w books --from sheet.csv --mapping nosuch => no SpreadsheetMapping",
    },
    "export": {
        USAGE: "export -w books --period nosuch --to x.csv => no declared entry matches",
        READING: "export -w wrong --to x.csv => yaml-syntax",
        LEDGER: "export -w away --live --to x.csv => no daybook yet",
        "no directory": "export -w books --to nosuch/x.csv => cannot be written",
    },
    "generate": {
        USAGE: "generate -w books nosuch => there is no schedule",
        READING: "generate -w wrong => yaml-syntax",
        "a period": "generate -w books --through nosuch => no period nosuch",
    },
    "reverse": {
        USAGE: "reverse -w books nosuch => no entry is named",
        READING: "reverse -w wrong entry-00 => yaml-syntax",
        LEDGER: "reverse -w away JE-00000001 => nothing was sent",
        "a file outside": "reverse -w books JE-00000001 --to ../x.yaml => outside the workspace",
        "a rule that it breaks": (
            "reverse -w strange JE-00000001 --to sub/x.yaml => house/no-entries"
        ),
    },
    "forget": {
        USAGE: "forget -w books -y nosuch => knows nosuch",
        READING: "forget -w wrong -y entry-00 => yaml-syntax",
        LEDGER: "forget -w away -y entry-00 => nothing was sent",
    },
    "daybook": {
        USAGE: "daybook -w books import nosuch => does not exist",
        READING: "daybook -w books import empty.txt => it has no heading",
        "an export of none": "daybook -w books export x.jsonl => no daybook yet",
        "nothing to unlock": "daybook -w books unlock nosuch => nobody holds",
        LEDGER: "daybook recover -w away --posted JournalEntry/x=JE-00000001 => no daybook yet",
    },
    "schema": {
        USAGE: "schema -w books JournalEntry --write => takes no KIND",
        READING: "schema -w wrong --write => yaml-syntax",
    },
    "ledger": {
        USAGE: "ledger create-client --database sqlite:///new.db --name x --permission no => no",
        READING: "ledger load-transactions --database sqlite:///new.db no.csv => does not exist",
        "transactions": (
            "ledger load-transactions --database sqlite:///new.db sheet.csv => id is required"
        ),
        "a period": "ledger close-period --database sqlite:///new.db nosuch => nosuch",
        "an entity": "ledger create-client --database sqlite:///new.db --name x --entity y => y",
        "no reference": (
            "ledger serve --port 0 --database sqlite:///new.db --reference sheet.csv => sheet.csv"
        ),
        "a reference": (
            "ledger serve --port 0 --database sqlite:///new.db --reference no => does not exist"
        ),
    },
}
"""By verb, where it is refused, a command that is, and words of the refusal."""

READ_ONLY = {"validate", "show", "comment", "drift", "close-check", "doctor", "explain", "version"}
"""The verbs that write no file."""

SETTINGS = Settings(name="books")

AWAY = "target: {baseUrl: 'http://127.0.0.1:9'}"


@pytest.fixture
def home(opened, small_template, empty_template, tmp_path, monkeypatch):
    """Books that were posted, and lost their daybook; others with a flaw."""
    books = opened(small_template)
    for path in (books.root / ".reconciler").glob("daybook*"):
        path.unlink()
    away = opened(empty_template, name="away")
    away.settings(spec="{" + AWAY + "}")
    away.declare("entry-00")
    wrong = opened(empty_template, name="wrong")
    wrong.declare("entry-00", debit("1.00"), credit("2.00"))
    wrong.write("torn.yaml", "a: [")
    limited = opened(empty_template, name="limited")
    limited.settings(spec="{policy: {limits: {changes: 0}}}")
    limited.declare("entry-00")
    strange = opened(small_template, name="strange")
    strange.remove(*SMALL)
    rule = "{id: no-entries, title: None, remedy: None., schema: none.json}"
    strange.settings(spec="{policy: {houseRules: [" + rule + "]}}")
    strange.write("none.json", '{"properties": {"kind": {"const": "none"}}}')
    for path in (strange.root / ".reconciler").glob("daybook*"):
        path.unlink()
    for path in (away.root / ".reconciler").iterdir():
        path.unlink()
    (away.root / ".reconciler").rmdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "x.yaml").write_text("a: [\n")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "sheet.csv").write_text("a,b\n1,2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listing(home):
    """Every path below a directory; the embedded ledger and the caches may come and go."""
    paths = (path.relative_to(home).as_posix() for path in home.rglob("*"))
    own = ("/.reconciler/ledger", "/.reconciler/cache.db", "/.reconciler/files.db")
    return sorted(path for path in paths if not any(one in path for one in own))


CASES = [
    pytest.param(*row.split(" => "), id=f"{verb}, {where}")
    for verb, rows in REFUSED.items()
    for where, row in rows.items()
]


@pytest.mark.parametrize(("command", "words"), CASES)
def test_a_verb_that_is_refused_leaves_no_file(home, command, words, monkeypatch):
    if "-w away" in command:
        monkeypatch.setenv("ZUORA_TOKEN", "token-of-somebody")
        monkeypatch.setattr(retry, "_backoff", lambda *_: 0)
    before = listing(home)
    ended = reconciler(*shlex.split(command))
    assert ended.code not in (0, 2), ended.said
    assert words in " ".join(ended.said.split())
    assert "Traceback" not in ended.said
    assert listing(home) == before, ended.said


def test_a_run_that_waited_for_a_refused_one_has_git_ignore_its_daybook(tmp_path):
    with ExitStack() as refused:
        refused.enter_context(workspace_daybook(tmp_path, SETTINGS, command="apply"))
        waited = workspace_daybook(
            tmp_path,
            SETTINGS,
            command="apply",
            lock_timeout=5,
            pause=lambda _: refused.close(),
        )
        with waited:
            assert (tmp_path / ".reconciler" / ".gitignore").read_text() == "*\n"


def test_every_verb_is_in_the_table():
    assert {*REFUSED} | READ_ONLY == {*_COMMANDS}
    assert {*REFUSED} & READ_ONLY == set()
