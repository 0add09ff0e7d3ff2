"""What leaves the process: encoded, without secrets, and with an exit code that tells of a loss."""

import base64
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from deadlines import VARIABLE as PATIENCE
from hypothesis import given
from hypothesis import strategies as st
from listening import end_listening
from pairs import pairs
from program import LONGEST, Program, clean_environment

from reconciler.core.model.canonical import readable_json

FULL = Path("/dev/full")
ID, SECRET = "client-id-0123456789", "s3cret/with+signs=0123456789"
TOKEN = "tok-en.0123456789abcdef"
HOSTILE = "\x1b[31mred\x07 \x9b2J \u202eevil\r\n::add-mask::x\n##[error]no \x00"


def reconciler(*words, env=None, **options):
    """A command in a process of its own; what it wrote to streams that are not given."""
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    with Program(words, env={**clean_environment(), **(env or {})}, text=False, **given) as process:
        out, err = process.communicate(timeout=LONGEST)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


# Number 24: a server that sends what harms a terminal, a log or a runner, and secrets.


class HostileServer:
    """Answers each request with controls, commands and the secrets that it was sent."""

    def __init__(self, *, status, documents):
        self._status, self._documents = status, documents
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        end_listening(self._socket)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        with (
            contextlib.suppress(OSError, ValueError),
            connection,
            connection.makefile("rb") as read,
        ):
            while head := read.readline():
                sent = {}
                while (field := read.readline()) not in (b"\r\n", b""):
                    name, _, value = field.decode("latin-1").partition(":")
                    sent[name.lower()] = value.strip()
                body = read.read(int(sent.get("content-length", 0)))
                self.asked += 1
                connection.sendall(self._answer(head.split()[1].decode(), sent, body))

    def _answer(self, path, sent, body):
        echo = f"{sent.get('authorization', '')} {body.decode('latin-1')} {SECRET} {TOKEN}"
        code = base64.b64encode(SECRET.encode()).decode()
        if path.startswith("/oauth/token"):
            status, document = 200, {
                "access_token": TOKEN, "token_type": "bearer", "expires_in": 3600,
                "scope": f"tenant.11e64eef-8d30-0de4-a1f1-{'0' * 12}",
            }  # fmt: skip
        elif self._documents and path.startswith("/repos/"):
            status, document = 200, of_forge(path)
        elif self._documents:
            status, document = 200, {
                "success": True, "id": HOSTILE, "number": HOSTILE + echo, "data": HOSTILE,
                "accountingCodes": [{"name": HOSTILE + SECRET, "type": "Cash", "status": "Active"}],
                "accountingPeriods": [{"name": HOSTILE + TOKEN, "status": "Open"}],
            }  # fmt: skip
        else:
            said = f"{HOSTILE} {echo} {code}"
            reasons = [{"code": 53200020, "message": said}]
            status, document = self._status, {"success": False, "reasons": reasons, "message": said}
        raw = json.dumps(document).encode()
        # Bytes from 0x80 on are allowed in a header, and so are the commands of a runner.
        named = f"::add-mask::{SECRET} ##[error]{TOKEN} \x9b31m"
        lines = [
            f"HTTP/1.1 {status} {SECRET}",
            "Content-Type: application/json",
            f"Zuora-Request-Id: {named}",
            f"X-Request-Id: {named}",
            f"Retry-After: {0}",
            f"Content-Length: {len(raw)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + raw


def of_forge(path):
    """A document of GitHub with harm in every text that it leaves open."""
    person = {"login": HOSTILE + SECRET, "type": "User"}
    match path.partition("?")[0].rsplit("/", 1)[-1]:
        case "7":
            home = {"full_name": HOSTILE, "default_branch": HOSTILE}
            end = {"sha": "a" * 40, "ref": HOSTILE, "repo": home}
            return {"number": 7, "state": "open", "user": person, "head": end, "base": end}
        case "comments":
            return [{"id": 1, "user": person, "body": HOSTILE + SECRET}]
        case "reviews":
            row = {"id": 1, "user": person, "body": HOSTILE, "commit_id": HOSTILE}
            return [{**row, "state": state} for state in ("APPROVED", "CHANGES_REQUESTED")]
        case "commits":
            git = {"name": HOSTILE, "email": HOSTILE + SECRET}
            commit = {"author": git, "committer": git, "message": HOSTILE}
            return [{"sha": HOSTILE, "commit": commit}]
    return []


ANSWERS = [(200, False), (403, False), (200, True)]
"""The status of what a hostile server answers, and whether its documents are those expected."""


@pytest.fixture(params=ANSWERS, ids=str)
def hostile(request):
    server = HostileServer(status=request.param[0], documents=request.param[1])
    yield server
    server.close()


@pytest.fixture
def books(tmp_path):
    root = tmp_path / "books"
    assert reconciler("init", root).returncode == 0
    settings = root / "reconciler.yaml"
    settings.write_text(settings.read_text().replace("  target: embedded\n", ""))
    return root


VERBS = (
    ("plan",),
    ("plan", "--format", "json"),
    ("apply", "--auto-approve"),
    ("apply", "--auto-approve", "--format", "json"),
    ("drift",),
    ("drift", "--format", "json"),
    ("doctor",),
    ("import", "JE-00000001"),
    ("forget", "first-entry"),
    ("daybook", "recover"),
    ("validate",),
    ("daybook", "show"),
)
SECRETS = (SECRET, TOKEN, base64.b64encode(SECRET.encode()).decode(), SECRET.encode().hex())
CONTROLS = "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]"
HARM = re.compile(CONTROLS + r"|^\s*::[a-z]|##\[", re.MULTILINE | re.IGNORECASE)


@pytest.mark.parametrize(
    ("hostile", "loud", "part"), pairs(ANSWERS, ["-v", "-q", ""], range(3)), indirect=["hostile"]
)
def test_t24_b39_a_hostile_server_gets_nothing_through(hostile, books, loud, part):
    """Each test has a third of the verbs."""
    env = {
        "ZUORA_BASE_URL": hostile.url,
        "ZUORA_CLIENT_ID": ID,
        "ZUORA_CLIENT_SECRET": SECRET,
        PATIENCE: str(LONGEST),
    }
    for verb in VERBS[part::3]:
        words = (*verb, *([loud] if loud else []), "-w", books)
        done = reconciler(*words, env=env, install=["deadlines"])  # no wait for the next attempt
        require_harmless(verb, done)
        if loud == "-v" and verb == ("plan",):
            assert b"request id" in done.stderr and b"[redacted]" in done.stderr, done.stderr
    assert hostile.asked


def require_harmless(words, done):
    for name, raw in (("stdout", done.stdout), ("stderr", done.stderr)):
        text = raw.decode()
        assert "Traceback" not in text, text
        assert not (found := HARM.search(text)), (words, name, found, text)
        assert not [one for one in SECRETS if one.lower() in text.lower()], (words, name, text)


@pytest.mark.parametrize("loud", ["-v", "-q"], ids=["verbose", "quiet"])
def test_t24_a_hostile_forge_gets_nothing_through(hostile, books, loud):
    settings = books / "reconciler.yaml"
    policy = "  policy:\n    approvals: {tiers: [{required: 1}]}\n"
    settings.write_text(
        settings.read_text().replace("  policy:\n", policy) + "  target: embedded\n"
    )
    plan = books.parent / "plan.json"
    assert reconciler("plan", "--offline", "-w", books, "--out", plan).returncode == 0
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": hostile.url,
        "GITHUB_REPOSITORY": "acme/books",
        "GITHUB_TOKEN": SECRET,
        "ZUORA_TOKEN": TOKEN,  # another secret of the job
        PATIENCE: str(LONGEST),
    }
    words = ("comment", plan, "--pr", "7", loud)
    require_harmless(words, reconciler(*words, env=env, install=["deadlines"]))
    assert hostile.asked


@given(st.text(), st.text(alphabet="#[:x\x7f\x9b\u202e\U000e0041"))
def test_t24_json_does_no_harm_where_it_is_shown(text, hostile):
    """A runner reads commands anywhere in a line. The value of each text stays."""
    value = {text: [hostile, f"{text}##[error]{hostile}"]}
    shown = readable_json(value)
    assert json.loads(shown) == value
    assert not HARM.search(shown)


@pytest.mark.parametrize("style", ["json", "sarif", "junit"])
def test_t24_findings_do_no_harm_where_they_are_shown(books, style):
    file = next(books.rglob("first-entry.yaml"))
    file.write_text(file.read_text().replace("currency: USD", 'currency: "##[error]U\\x9bD"'))
    words = ("validate", "--format", style)
    done = reconciler(*words, "-w", books)
    assert done.returncode == 3
    require_harmless(words, done)


def test_t24_what_python_itself_shows_is_encoded_too():
    """Records of other libraries, warnings, and an error that nobody expected."""
    script = (
        "import logging, threading, warnings\n"
        "from reconciler.cli import streams\n"
        "streams.take_over_process(); streams.begin()\n"
        "hostile = '\\x1b[31m\\n::add-mask::x ' + " + repr(SECRET) + "\n"
        "logging.getLogger('elsewhere').warning('%s', hostile)\n"
        "warnings.warn(hostile)\n"
        "def fail(): raise ValueError(hostile)\n"
        "one = threading.Thread(target=fail); one.start(); one.join()\n"
        "fail()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**clean_environment(), "ZUORA_CLIENT_SECRET": SECRET},
        capture_output=True, check=False, timeout=LONGEST,
    )  # fmt: skip
    text = done.stderr.decode()
    assert text.count("[redacted]") == 4, text
    assert SECRET not in text and not HARM.search(text), text
    assert done.returncode == 1


# Number 29: streams that are closed or full.

COMMANDS = (
    ("plan", "-w", "BOOKS"),
    ("apply", "--auto-approve", "-w", "BOOKS"),
    ("validate", "-w", "BOOKS"),
    ("drift", "-w", "BOOKS"),
    ("doctor", "-w", "BOOKS"),
    ("daybook", "show", "-w", "BOOKS"),
    ("daybook", "verify", "-w", "BOOKS"),
    ("explain", "lines-balance"),
    ("schema", "Workspace"),
    ("version",),
    ("--help",),
    ("plan", "--format", "json", "-w", "BOOKS"),
)


@contextlib.contextmanager
def closed_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


HOW = {
    "closed": ">&-",
    "closed both": ">&- 2>&-",
    "full": ">/dev/full",
    "full both": ">/dev/full 2>&1",
    "no reader": "| true",
}


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """A workspace of its own ledger, with nothing left to do."""
    root = tmp_path_factory.mktemp("settled") / "books"
    assert reconciler("init", root).returncode == 0
    assert reconciler("apply", "--auto-approve", "-w", root).returncode == 0
    return root


def redirected(words, how, settled, tmp_path):
    """A command with its streams redirected: its exit code, and what went to stderr."""
    if "/dev/full" in how and not FULL.exists():
        pytest.skip(f"this machine has no {FULL}")
    err = tmp_path / "err"
    words = [str(settled) if word == "BOOKS" else word for word in words]
    closed = [at for at, one in enumerate(("<&-", ">&-", "2>&-")) if one in how.split()]
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(FULL.open("wb")) if "/dev/full" in how else None
        stderr = full if "2>" in how else stack.enter_context(err.open("wb"))
        stdout = full if how.startswith(">") else subprocess.DEVNULL
        stdout = stack.enter_context(closed_pipe()) if how == "| true" else stdout
        code = reconciler(*words, stdout=stdout, stderr=stderr, closed=closed).returncode
    return code, err.read_text() if err.exists() else ""


@pytest.mark.parametrize(
    ("words", "how"),
    [
        pytest.param(words, how, id=f"{' '.join(words)} {name}")
        for words in COMMANDS
        for name, how in HOW.items()
    ],
)
def test_t29_output_that_is_lost_is_no_success(settled, tmp_path, words, how):
    code, said = redirected(words, how, settled, tmp_path)
    assert code == 1, said
    assert "Traceback" not in said and "Exception" not in said, said
    assert "2>" in how or "Error: the output: " in said, said


def test_t29_an_interpreter_that_starts_with_closed_streams_does_the_same():
    words = [sys.executable, "-m", "reconciler", "version"]
    done = subprocess.run(["sh", "-c", '"$@" >&- 2>&-', "sh", *words], check=False, timeout=LONGEST)
    assert done.returncode == 1


@pytest.mark.parametrize("how", ["2>&-", "2>/dev/full", "<&-"])
@pytest.mark.parametrize(
    ("words", "usual"),
    [
        pytest.param(("plan", "-v", "-w", "BOOKS"), 0, id="diagnostics"),
        pytest.param(("nosuch",), 64, id="usage"),
        pytest.param(("plan", "-w", "/nowhere"), 3, id="error"),
        pytest.param(("apply", "-w", "BOOKS"), 64, id="a prompt"),
    ],
)
def test_t29_diagnostics_that_are_lost_are_no_success(settled, tmp_path, words, usual, how):
    code, said = redirected(words, how, settled, tmp_path)
    lost = how != "<&-" and "-v" in words
    assert code == (1 if lost else usual), said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "lacks"),
    [
        (("validate", "-w", "BOOKS"), "markdown"),
        (("plan", "-w", "BOOKS"), "sarif"),
        (("daybook", "show", "-w", "BOOKS"), "csv"),
        (("version",), "nosuch"),
    ],
    ids=str,
)
def test_t29_a_format_in_the_environment_that_a_verb_lacks_is_ignored_with_a_note(
    settled, words, lacks
):
    words = [settled if word == "BOOKS" else word for word in words]
    done = reconciler(*words, env={"RECONCILER_FORMAT": lacks})
    assert (done.returncode, done.stdout) == (0, reconciler(*words).stdout)
    assert f"RECONCILER_FORMAT={lacks} is ignored" in done.stderr.decode()
    assert reconciler(*words, "--format", lacks).returncode == 64
