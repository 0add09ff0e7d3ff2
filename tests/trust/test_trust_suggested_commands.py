"""A command that a message suggests can be pasted: with the workspace, and quoted for a shell."""

import ast
import html
import os
import re
import shlex
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import click
import pytest
from books_harness import Books, by_hand, credit, debit, process, reconciler
from program import LONGEST, clean_environment, install_program

from reconciler.cli.main import root as command_line
from reconciler.core.model.command import completed, completed_document, suggested

PACKAGE = Path(__file__).parents[2] / "reconciler"
PLACE = "it's my books"
COMMAND = re.compile(r"`(reconciler (?:'[^']*'|\"[^\"]*\"|[^`'\"])*)`")
WITHOUT_WORKSPACE = ("ledger", "schema", "version")


def commands_in(text):
    return COMMAND.findall(text)


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Runs a line as a shell does that somebody pastes it into."""
    folder = install_program(tmp_path_factory.mktemp("bin")).parent
    env = clean_environment() | {"PATH": os.pathsep.join([str(folder), os.environ["PATH"]])}

    def pasted(line, cwd):
        return subprocess.run(
            ["sh", "-c", line],
            cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=LONGEST, check=False,
        )  # fmt: skip

    return pasted


@pytest.fixture
def books(small_template, tmp_path, monkeypatch):
    """Applied entries in a workspace whose path a shell would split."""
    monkeypatch.chdir(tmp_path)
    with closing(Books(Path(shutil.copytree(small_template, tmp_path / PLACE)))) as opened:
        opened.root = Path(PLACE)
        yield opened


def said_by_everyday_runs(books):
    """What a number of ordinary and of unfortunate runs print."""
    run = books.run
    yield run("plan", "--out", "my plan.json")
    yield run("plan", "--offline", "--out", "offline plan.json")
    yield run("apply", "offline plan.json")
    yield run("validate")
    yield run("doctor")
    yield run("explain", "lines-balanc")
    yield run("explain", "nothing-like-it")
    yield run("import", "JE-00000001")
    yield run("import", "-y", "--period", "Jan-2026")
    number = by_hand(books)
    yield run("import", "--write-only", number)
    stray = by_hand(books, ReconcilerKey__c="acme-books/stray")
    yield run("plan", "--find")
    yield run("forget", "-y", "entry-00")
    books.declare("entry-00", debit("5.00"), credit("5.00"))
    yield run("apply", "my plan.json")
    yield run("plan")
    yield run("daybook", "recover", "--not-posted", "JournalEntry/entry-00")
    yield run("plann", "--out", "my plan.json")
    yield run("recover")
    books.declare("wrong", debit("5.00"), credit("6.00"))
    for verb in ("validate", "plan", "apply", "drift", "doctor", "fmt"):
        yield run(verb)
    books.remove("wrong")
    for file in (books.root / ".reconciler").glob("daybook*"):
        file.unlink()
    for verb in (["drift"], ["daybook", "verify"], ["daybook", "export", "x"]):
        yield run(*verb)
    assert stray
    (books.root / ".reconciler" / "daybook.db").write_bytes(b"no database")
    yield run("plan")


def test_t27_every_suggested_command_is_accepted(books, shell, tmp_path):
    texts = [ended.said for ended in said_by_everyday_runs(books)]
    found = sorted({command for text in texts for command in commands_in(text)})
    verbs = {shlex.split(command)[1] for command in found}
    assert {"plan", "apply", "validate", "explain", "import", "forget", "daybook"} <= verbs, found
    for command in found:
        words = shlex.split(command)
        if words[1] not in WITHOUT_WORKSPACE:
            assert words[words.index("-w") + 1] == PLACE, command
        ended = shell(command, tmp_path)
        assert ended.returncode not in (126, 127), (command, ended.stderr)
        if ended.returncode == 64:
            assert "there is no terminal to confirm on" in ended.stderr, (command, ended.stderr)
    for text in texts:
        for line in text.splitlines():
            bare = re.sub(r"`[^`]*`|^Usage: .*|^Try '.*", "", line)
            assert not re.search(r"\breconciler (?:plan|apply|import|forget|show)\b", bare), line


def test_t27_the_command_of_a_saved_plan_applies_it(books, shell, tmp_path):
    """With the real command line, the file's name quoted too."""
    books.declare("new")
    saved = process("plan", "-w", PLACE, "--out", "plan of the month's end.json", cwd=tmp_path)
    assert saved.code == 0, saved.said
    (command,) = commands_in(saved.err)
    ended = shell(command, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "new" in books.posted()


@pytest.mark.parametrize("style", ["markdown", "html"])
def test_t27_the_command_of_a_plan_names_the_workspace(books, shell, tmp_path, style):
    books.declare("new")
    ended = books.plan("--format", style)
    text = ended.out.replace("&#x27;", "'").replace("&quot;", '"')
    command = re.search(r"reconciler apply --plan-digest sha256:[0-9a-f]{64} -w [^`<]+", text)[0]
    assert shell(command, tmp_path).returncode == 0
    assert "new" in books.posted()


SUGGESTED = re.compile(r"reconciler (?:apply|import|forget|validate|explain) [^`<|\n]*")


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--find", "--format", "markdown"),
        ("plan", "--find", "--format", "html"),
        ("plan", "--find", "--format", "github"),
        ("show", "plan.json", "--format", "markdown"),
        ("comment", "plan.json", "--dry-run"),
    ],
    ids=" ".join,
)
def test_t27_every_format_of_a_plan_names_the_workspace(books, words):
    """In the warnings of what it shows, and in the command that applies it."""
    by_hand(books, ReconcilerKey__c="acme-books/stray")
    books.declare("new", debit("5.00"), credit("5.00"))
    books.run("plan", "--find", "--out", "plan.json")
    found = SUGGESTED.findall(html.unescape(books.run(*words).out))
    assert {"import", "forget"} <= {command.split()[1] for command in found}
    for command in found:
        assert "-w" in command


def test_t27_documents_name_the_workspace_in_what_they_say_and_nowhere_else():
    """What a file or the ledger says is never changed, and a saved plan is applied elsewhere."""
    text = "see `reconciler validate`"
    document = {"message": text, "notes": text, "changes": [{"remedy": text, "number": 1}]}
    shown = completed_document(document, lambda one: completed(one, "my books"))
    whole = "see `reconciler validate -w 'my books'`"
    assert shown == {"message": whole, "notes": text, "changes": [{"remedy": whole, "number": 1}]}


def test_t27_a_finding_names_the_workspace(books):
    """Without a workspace file, the remedy is a command."""
    (books.root / "reconciler.yaml").unlink()
    (found,) = books.run("validate", "--format", "json").json["problems"]
    assert shlex.split(commands_in(found["remedy"])[0])[-1] == PLACE


def test_t27_without_w_no_workspace_is_added(books, tmp_path):
    inside = tmp_path / PLACE
    ended = reconciler("plan", "--out", "plan.json", cwd=inside)
    assert commands_in(ended.err) == ["reconciler apply plan.json"]


def test_t27_a_workspace_of_the_environment_is_named_too(books, monkeypatch):
    monkeypatch.setenv("RECONCILER_WORKSPACE", PLACE)
    (command,) = commands_in(reconciler("plan", "--out", "plan.json").err)
    assert shlex.split(command) == ["reconciler", "apply", "plan.json", "-w", PLACE]


def test_t27_init_suggests_a_plan_of_what_it_wrote(shell, tmp_path):
    made = reconciler("init", "new 'books'", cwd=tmp_path)
    command = made.out.rpartition("Next: ")[2].strip()
    assert shell(command, tmp_path).returncode == 0
    missing = reconciler("validate", "-w", "other books", cwd=tmp_path / "new 'books'")
    assert "reconciler init" not in missing.said, "a workspace is near, so none is begun"


def test_t27_init_is_proposed_for_the_directory_that_was_named(shell, tmp_path):
    missing = reconciler("validate", "-w", "other books", cwd=tmp_path)
    (command,) = commands_in(missing.out)
    assert command == "reconciler init 'other books'"
    assert shell(command, tmp_path).returncode == 0
    assert (tmp_path / "other books" / "reconciler.yaml").is_file()


SLIPS = [
    ("plann", "plan"),
    ("aply -y", "apply -y"),
    ("valdate x.yaml", "validate x.yaml"),
    ("Plan", "plan"),
    ("daybok show", "daybook show"),
    ("daybook shwo", "daybook show"),
    ("daybook unlok 'a b'", "daybook unlock 'a b'"),
    ("unlock x", "daybook unlock x"),
    ("recover --dry-run", "daybook recover --dry-run"),
    ("serve --port 0", "ledger serve --port 0"),
    ("ledger create-cleint", "ledger create-client"),
    ("load-transaction f", "ledger load-transactions f"),
]


@pytest.mark.parametrize(("typed", "meant"), SLIPS)
def test_t27_a_wrong_verb_gets_the_right_command(typed, meant):
    ended = reconciler(*shlex.split(typed))
    assert ended.code == 64
    assert f"Did you mean `reconciler {meant}`?" in ended.err
    named = reconciler("-w", "my books", *shlex.split(typed))
    wanted = [] if meant.startswith("ledger") else ["-w", "my books"]
    words = ["reconciler", *shlex.split(meant), *wanted]
    assert shlex.split(commands_in(named.err)[0]) == words


@pytest.mark.parametrize("typed", ["plan --ofline", "daybook show --formt json", "apply --yess"])
def test_t27_a_wrong_flag_gets_the_right_one(typed):
    ended = reconciler(*typed.split())
    assert ended.code == 64
    assert "Did you mean" in ended.err


def test_t27_a_verb_like_no_other_gets_no_guess():
    ended = reconciler("qqqqqqqqq")
    assert ended.code == 64
    assert "Did you mean" not in ended.err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Run `reconciler plan`.", "Run `reconciler plan -w 'a b'`."),
        (
            "`reconciler daybook recover --dry-run`",
            "`reconciler daybook recover --dry-run -w 'a b'`",
        ),
        ("`reconciler plan -w x`", "`reconciler plan -w x`"),
        ("`reconciler show 'a`b.json'`", "`reconciler show 'a`b.json' -w 'a b'`"),
        ("`reconciler ledger serve`", "`reconciler ledger serve`"),
        ('notes: "`reconciler plan`"', 'notes: "`reconciler plan`"'),
        ('12" `reconciler plan`', "12\" `reconciler plan -w 'a b'`"),
        ("reconciler plan", "reconciler plan"),
    ],
)
def test_t27_completion(text, expected):
    assert completed(text, "a b") == expected


def test_t27_text_from_a_file_is_shown_as_it_is(books):
    note = "Run `reconciler apply` now"
    books.declare("new", notes=note)
    assert f'"{note}"' in books.plan().out


def literals(tree):
    """Every text of a module, interpolated values as `{source}`."""
    inside = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
        for part in node.values
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [
                str(part.value)
                if isinstance(part, ast.Constant)
                else f"{{{ast.unparse(part.value)}}}"
                for part in node.values
            ]
            yield node, "".join(parts)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in inside
        ):
            yield node, node.value


PLAIN = {"{first}", "{lease.id}", "{0}"}
"""Interpolated values that no shell splits: a rule, a lease, a name that the schemas allow."""


def test_t27_every_command_in_the_package_is_one():
    """Verbs and flags exist, no word stands for another, and what may need quotes gets them."""
    wrong, seen = [], 0
    for file in PACKAGE.rglob("*.py"):
        if file.is_relative_to(PACKAGE / "ledger"):
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        docs = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, documented) and ast.get_docstring(node)
        }
        for node, text in literals(tree):
            if id(node) in docs:
                continue
            for command in commands_in(text):
                if ".*" in command or "(?P" in command:
                    continue
                seen += 1
                wrong += [f"{file.name}:{node.lineno}: {command}: {why}" for why in flaws(command)]
    assert wrong == []
    assert seen > 15


def flaws(command):
    here, context = command_line, click.Context(command_line)
    for word in command.split()[1:]:
        if isinstance(here, click.Group):
            here = here.get_command(context, word)
            if here is None:
                yield f"there is no verb {word}"
                return
        elif word.startswith("{"):
            if word not in PLAIN:
                yield f"{word} is not quoted: use suggested()"
        elif word.startswith("--"):
            if not any(word in option.opts for option in here.params):
                yield f"there is no flag {word}"
        elif word.isupper():
            yield f"{word} stands for another word"


def test_t27_words_are_quoted():
    assert suggested("apply", Path("a b"), "it's") == "`reconciler apply 'a b' 'it'\"'\"'s'`"
