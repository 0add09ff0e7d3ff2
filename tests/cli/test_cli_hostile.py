"""Whatever is typed, pointed at or left lying about: a plain sentence and a code, no traceback."""

import json
import shutil
from pathlib import Path

import pytest
from books_harness import Books, interpreter, reconciler

FULL = Path("/dev/full")
DIRECTORY, MISSING, BINARY, EMPTY, HUGE = "a directory", "missing", "binary", "empty", "deep"


@pytest.fixture
def odd_file(tmp_path):
    """A file that is not what anybody hoped for."""

    def odd_file(sort):
        path = tmp_path / "odd"
        if sort == DIRECTORY:
            path.mkdir()
        elif sort == BINARY:
            path.write_bytes(bytes(range(256)) * 99)
        elif sort == EMPTY:
            path.write_bytes(b"")
        elif sort == HUGE:
            path.write_text("[" * 100_000)
        return path

    return odd_file


PLANS = {
    "text": "hello",
    "null": "null",
    "list": "[]",
    "nothing in it": "{}",
    "number": "1e999999999",
    "not a number": '{"format_version": NaN}',
    "half": '{"format_version": "1.0", "changes": [',
    "wrong types": json.dumps({"format_version": "1.0", "changes": 3, "checksum": []}),
    "old": json.dumps({"format_version": "0.1"}),
    "version is a list": json.dumps({"format_version": ["1.0"]}),
    "lone surrogate": '{"format_version": "\\ud800"}',
}


@pytest.mark.parametrize("verb", ["show", "apply"])
@pytest.mark.parametrize("text", PLANS.values(), ids=PLANS)
def test_a_file_that_is_no_plan(small, tmp_path, verb, text):
    path = tmp_path / "plan.json"
    path.write_text(text)
    before = small.content()
    ended = small.run(verb, path)
    assert ended.code == 5, ended.said
    assert ended.err.startswith("Error: ")
    assert small.content() == before


@pytest.mark.parametrize(
    ("sort", "codes"),
    [(DIRECTORY, (64,)), (MISSING, (1,)), (BINARY, (1,)), (EMPTY, (5,)), (HUGE, (5,))],
)
@pytest.mark.parametrize("verb", ["show", "apply"])
def test_a_path_that_is_no_plan(small, odd_file, verb, sort, codes):
    ended = small.run(verb, odd_file(sort))
    assert ended.code in codes, ended.said
    assert "Traceback" not in ended.said
    assert ended.err


@pytest.mark.parametrize("sort", [DIRECTORY, MISSING, BINARY, EMPTY, HUGE])
@pytest.mark.parametrize("verb", ["validate", "plan", "apply", "drift", "doctor", "fmt"])
def test_a_workspace_that_is_none(odd_file, verb, sort):
    ended = reconciler(verb, "-w", odd_file(sort), *(["-y"] if verb == "apply" else []))
    assert "Traceback" not in ended.said
    if verb != "fmt" or sort != DIRECTORY:
        assert ended.code in (1, 3, 64), ended.said
        assert ended.said


@pytest.mark.parametrize("sort", [MISSING, BINARY, EMPTY, HUGE])
def test_fmt_leaves_what_it_cannot_read(odd_file, sort):
    path = odd_file(sort)
    before = path.read_bytes() if path.exists() else None
    ended = reconciler("fmt", path)
    assert ended.code in (0, 1, 3, 64)
    assert "Traceback" not in ended.said
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.parametrize("path", ["no/such/directory/plan.json", "reference.yaml/plan.json"])
def test_a_plan_that_cannot_be_saved(small, path):
    ended = small.plan("--out", small.root / path)
    assert (ended.code, "cannot be written" in ended.err) == (1, True), ended.said
    assert "Traceback" not in ended.said


def test_saving_over_a_directory_is_a_slip(small, tmp_path):
    assert small.plan("--out", tmp_path).code == 64


def test_a_full_disk_behind_the_output_is_called_that(small):
    if not FULL.exists():
        pytest.skip(f"this machine has no {FULL}")
    with FULL.open("w") as full:
        ended = interpreter("-w", small.root, "plan", stdout=full)
    assert (ended.code, ended.err) == (1, "Error: the output: No space left on device\n")


WRITING = (
    "apply --auto-approve --report {0}",
    "apply --auto-approve --events {0}",
    "plan --out {0}",
    "export --to {0}",
    "export --live --to {0}",
    "daybook export {0}",
)


@pytest.mark.parametrize("command", WRITING)
@pytest.mark.parametrize("place", ["no/file", "reference.yaml/file"])
def test_a_file_that_cannot_be_written_is_said_before_the_work(small, command, place):
    """Afterwards the entry is posted, or the daybook has moved on, and nobody has the result."""
    small.declare("new")
    before, daybook = small.content(), (small.root / ".reconciler" / "daybook.db").read_bytes()
    verb, *words = command.format(small.root / place).split()
    ended = small.run(verb, *words)
    assert (ended.code, "cannot be written" in ended.err) == (1, True), ended.said
    assert "To fix: " in ended.err and "Traceback" not in ended.err
    assert small.content() == before
    assert (small.root / ".reconciler" / "daybook.db").read_bytes() == daybook


def test_a_file_that_can_be_written_stays_if_the_run_is_refused(small, tmp_path):
    kept = tmp_path / "plan.json"
    assert small.plan("--out", kept).code == 0
    before = kept.read_bytes()
    assert small.plan("--target", "nosuch", "--out", kept).code == 64
    assert (kept.read_bytes(), [*tmp_path.glob(".*")]) == (before, [])


def test_a_workspace_that_may_only_be_read(small):
    """Root may write anywhere, so a file stands where the state directory should be."""
    shutil.rmtree(small.root / ".reconciler")
    (small.root / ".reconciler").write_text("in the way")
    for ended in (small.plan(), small.apply(), small.run("drift"), small.run("doctor")):
        assert ended.code == 1, ended.said
        assert "Traceback" not in ended.said


BROKEN_KEYS = {
    "empty": "",
    "text": "hello",
    "list": "[]",
    "other keys": '{"id": 1}',
    "null": "null",
}


@pytest.mark.parametrize("text", BROKEN_KEYS.values(), ids=BROKEN_KEYS)
def test_the_embedded_ledgers_keys_are_broken(small, text):
    small.write(".reconciler/ledger-client.json", text)
    ended = small.plan()
    assert ended.code in (0, 1, 8), ended.said
    assert "Traceback" not in ended.said
    assert ended.said


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://x",
        "http://",
        "https://user:pw@host",
        "http://[::1",
        "https://h:99999",
    ],
)
def test_a_base_url_that_is_none(small, url):
    small.leave_ledger_open()
    small.env = {"ZUORA_BASE_URL": url, "ZUORA_TOKEN": "token"}
    ended = small.plan()
    assert ended.code == (64 if url == "" else 1), ended.said
    assert "Traceback" not in ended.said
    assert "pw" not in ended.said


@pytest.mark.parametrize(
    ("name", "value"),
    [("ZUORA_TOKEN", "two words"), ("ZUORA_TOKEN", "a\nb"), ("ZUORA_CLIENT_ID", "only the id")],
)
def test_credentials_that_are_none(served_small, name, value):
    served_small.env = {"ZUORA_BASE_URL": served_small.url, name: value}
    ended = served_small.plan()
    assert ended.code == 8
    assert "Traceback" not in ended.said
    assert value not in ended.said or name == "ZUORA_CLIENT_ID"


@pytest.mark.parametrize(
    "args",
    [
        ["plan", "-w", "x" * 5000],
        ["show", "x" * 5000],
        ["fmt", "x" * 5000],
        ["explain", "\x1b[31m"],
        ["schema", "../../etc/passwd"],
        ["\x1b[31m"],
        ["plan", "--\x1b[31m"],
        ["ledger", "create-client", "--database", "nonsense", "--name", "x"],
        ["ledger", "create-client", "--database", "sqlite:////no/such/dir/l.db", "--name", "x"],
        ["ledger", "create-client", "--database", "sqlite://", "--name", "x"],
        ["ledger", "serve", "--database", "mysql://x/y"],
        ["ledger", "serve", "--database", "sqlite:///l.db", "--port", "65536"],
        ["ledger", "serve", "--database", "sqlite:///l.db", "--reference", "missing.yaml"],
        ["ledger", "serve", "--database", "sqlite:///l.db", "--host", "0.0.0.0"],
        ["init", "file"],
    ],
    ids=lambda args: " ".join(args)[:40],
)
def test_hostile_arguments(tmp_path, args):
    (tmp_path / "file").write_text("in the way")
    ended = reconciler(*args, cwd=tmp_path)
    assert ended.code in (1, 3, 64), ended.said
    assert "Traceback" not in ended.said
    assert "\x1b" not in ended.said
    assert ended.err or ended.out


def test_a_workspace_with_an_odd_name(small, tmp_path):
    odd = tmp_path / "bücher [bold] 'x' \x1b[31m"
    shutil.move(small.root, odd)
    books = Books(odd)
    books.declare("bad name")
    for verb in ("validate", "plan", "doctor"):
        ended = books.run(verb)
        assert ended.code == 3
        assert "\x1b" not in ended.said
