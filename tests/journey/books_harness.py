"""Books to tell stories with: a workspace on disk, its ledger, and the verbs as people run them."""

import contextlib
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from document_schemas import must_fit
from program import LONGEST, Program, clean_environment
from socket_server import on_a_socket

from reconciler.cli.main import run
from reconciler.ledger import create_app, open_ledger

JOURNALS = Path(__file__).parents[2] / "journals"
REFERENCE = Path(__file__).with_name("reference.yaml")
PROGRAM = (sys.executable, "-m", "reconciler")
EMBEDDED, SERVED, BY_COMMAND = "embedded", "served", "served by the command"
SMALL = tuple(f"entry-{number:02}" for number in range(6))
"""The names of the entries of the small books."""

WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {{name: {name}}}
spec: {spec}
"""
_NAMES_LEDGER = re.compile(r"(?m)^  target: embedded\n|target: embedded(, )?")
_IS_OUTPUT = re.compile(r'\{\n  "format_version": "[0-9.]+",\n  "command"')
SCHEDULE = """\
apiVersion: journal.reconciler/v1
kind: JournalSchedule
metadata: {name: hosting}
spec:
  method: straight-line
  from: Jan-2026
  parts: 2
  entry:
    currency: USD
    journalEntryItems:
      - {accountingCodeName: Deferred Revenue, type: Debit, amount: 9.00}
      - {accountingCodeName: Subscription Revenue, type: Credit, amount: 9.00}
"""

_ENTRY = """\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata: {metadata}
spec: {spec}
"""


def debit(amount: str, code: str = "Deferred Revenue", **fields: str) -> dict[str, str]:
    return {"accountingCodeName": code, "type": "Debit", "amount": amount, **fields}


def credit(amount: str, code: str = "Subscription Revenue", **fields: str) -> dict[str, str]:
    return {"accountingCodeName": code, "type": "Credit", "amount": amount, **fields}


def entry(name: str, *lines: Mapping[str, str], **fields: Any) -> str:
    """A document that declares an entry: 400.90 from one code to another, where not told otherwise.

    Amounts are written as given, without quotes. `metadata` adds to its name.
    """
    metadata = {"name": name, **fields.pop("metadata", {})}
    spec = {
        "accountingPeriodName": "Jan-2026",
        "currency": "USD",
        "journalEntryDate": "2026-01-31",
        "journalEntryItems": list(lines) or [debit("400.90"), credit("400.90")],
        **fields,
    }
    return _ENTRY.format(metadata=_flow(metadata), spec=_flow(spec))


def _flow(value: Any, name: str = "") -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item, key)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    bare = name in ("amount", "homeCurrencyAmount", "transferredToAccounting")
    return str(value) if bare else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def reconciler(*args: object, cwd: Path | None = None) -> Ended:
    """A command in this process, with both its streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(cwd or Path.cwd()))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        words = [str(arg) for arg in args]
        code = run(words)
        _hold_to_schemas(words, out.getvalue())
    return Ended(code=code, out=out.getvalue(), err=err.getvalue())


def _hold_to_schemas(words: list[str], printed: str) -> None:
    """Every document that a test has a verb write is one that its schema describes."""
    for flag, name in (("--out", "plan"), ("--report", "report")):
        if flag in words[:-1]:
            written = Path(words[words.index(flag) + 1])
            if written.is_file():
                must_fit(name, written.read_text(encoding="utf-8"))
    if _IS_OUTPUT.match(printed):
        must_fit("output", printed)


def process(*args: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ended:
    """A command in a process of its own, with no terminal."""
    return _ended(Program(args, env=clean_environment() | dict(env or {}), cwd=cwd, **_PIPED))


def interpreter(*args: object, env: Mapping[str, str] | None = None, **options: Any) -> Ended:
    """The same in a new interpreter, where its own environment or its end is the subject."""
    command, env = [*PROGRAM, *(str(arg) for arg in args)], clean_environment() | dict(env or {})
    return _ended(subprocess.Popen(command, env=env, text=True, **{**_PIPED, **options}))


_PIPED: dict[str, Any] = {
    "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE
}  # fmt: skip


def _ended(process: "subprocess.Popen[str]") -> Ended:
    with process:
        out, err = process.communicate(timeout=LONGEST)
    return Ended(code=process.returncode, out=out, err=err)


class Books:
    """A workspace and its ledger, with the verbs run on it and the API beside them."""

    names_ledger = True

    def __init__(self, root: Path, database: Path | None = None) -> None:
        self.root = root
        self.database = database or root / ".reconciler" / "ledger.db"
        self.env: dict[str, str] = {}
        self._open = contextlib.ExitStack()
        self._api: httpx.Client | None = None

    # What people do.

    def run(self, verb: str, *args: object) -> Ended:
        """A verb on this workspace, in this process."""
        with _environment(self.env):
            return reconciler(verb, "-w", self.root, *args)

    def process(self, verb: str, *args: object) -> Ended:
        """A verb on this workspace, in a process of its own."""
        return process(verb, "-w", self.root, *args, env=self.env)

    def plan(self, *args: object) -> Ended:
        return self.run("plan", *args)

    def plan_document(self, *args: object) -> Any:
        """The plan as JSON, whatever its verdict."""
        made = self.run("plan", "--format", "json", *args)
        must_fit("plan", made.out)
        return made.json

    def actions(self) -> dict[str, str]:
        """What the plan made now would do, by name."""
        return {change["name"]: change["action"] for change in self.plan_document()["changes"]}

    def apply(self, *args: object) -> Ended:
        return self.run("apply", "--auto-approve", *args)

    def applied(self, *args: object) -> Ended:
        """An apply that goes through, with nothing left to do after it."""
        ended = self.apply(*args)
        assert ended.code == 0, ended.said
        again = self.plan("--detailed-exitcode")
        assert again.code == 0, again.said
        return ended

    # What stands in the files.

    def write(self, path: str, text: str | bytes) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
        return place

    def declare(self, name: str, *lines: Mapping[str, str], **fields: Any) -> Path:
        return self.write(f"{name}.yaml", entry(name, *lines, **fields))

    def remove(self, *names: str) -> None:
        for name in names:
            (self.root / f"{name}.yaml").unlink()

    def edit(self, path: str, before: str, after: str) -> None:
        place = self.root / path
        text = place.read_text()
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {path}"
        place.write_text(text.replace(before, after))

    def settings(self, name: str = "acme-books", spec: str = "{}") -> None:
        """Write the workspace's settings. They name the ledger, so that tests may be CI jobs."""
        if self.names_ledger and "target:" not in spec:
            assert spec.startswith("{"), "a mapping on one line"
            spec = "{" + ", ".join(filter(None, ("target: embedded", spec[1:-1]))) + "}"
        self.write("reconciler.yaml", WORKSPACE.format(name=name, spec=spec))

    def leave_ledger_open(self) -> None:
        """Name no ledger in the settings, so that the environment may."""
        text = (self.root / "reconciler.yaml").read_text()
        (self.root / "reconciler.yaml").write_text(_NAMES_LEDGER.sub("", text))

    # What stands in the ledger.

    @property
    def api(self) -> httpx.Client:
        """A client of the ledger that is not ours: every permission, no marker, no daybook."""
        if self._api is None:
            self._api = self._client()
        return self._api

    def _client(self) -> httpx.Client:
        ledger = self._open.enter_context(open_ledger(f"sqlite:///{self.database}"))
        key, secret = ledger.issue_client("somebody else", _EVERYTHING)
        app = create_app(ledger, failed_login_delay=0)
        client = httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://localhost")
        self._open.enter_context(client)
        return _signed_in(client, key, secret)

    def call(self, method: str, path: str, **body: Any) -> Any:
        """A direct call to the API, which must succeed."""
        answer = self.api.request(method, f"/v1/{path}", json=body or None)
        assert answer.json()["success"], answer.text
        return answer.json()

    def set(self, name: str, **fields: Any) -> None:
        """Change an entry's basic information behind the reconciler's back."""
        number = self.number(name)
        self.call("PUT", f"journal-entries/{number}/basic-information", **fields)

    def cancel(self, name: str) -> None:
        """Cancel an entry behind the reconciler's back."""
        self.call("PUT", f"journal-entries/{self.number(name)}/cancel")

    def close_period(self, name: str) -> None:
        """Close a period, and those before it, as the ledger demands."""
        periods = self.call("GET", "accounting-periods")["accountingPeriods"]
        for period in sorted(periods, key=lambda period: period["startDate"]):
            for how in ("pending-close", "close"):
                self.call("PUT", f"accounting-periods/{period['id']}/{how}")
            if period["name"] == name:
                return

    def get(self, number: str) -> dict[str, Any]:
        """An entry as the API shows it."""
        return self.call("GET", f"journal-entries/{number}")

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of the ledger's database, read behind the server's back."""
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    def entries(self) -> dict[str, list[tuple[str, str]]]:
        """Every entry in the database by its marker: its number and what became of it."""
        found: dict[str, list[tuple[str, str]]] = {}
        for row in self.rows("select * from journal_entries order by number"):
            marker = json.loads(row["custom_fields"]).get("ReconcilerKey__c", "")
            status = "Deleted" if row["deleted"] else row["status"]
            found.setdefault(marker.partition("/")[2], []).append((row["number"], status))
        return found

    def posted(self) -> dict[str, str]:
        """The numbers of the entries that stand in the books; never two under one name."""
        posted = {}
        for name, found in self.entries().items():
            standing = [number for number, status in found if status == "Created"]
            assert len(standing) < 2, f"{name} stands twice: {standing}"
            if standing:
                posted[name] = standing[0]
        return posted

    def number(self, name: str) -> str:
        return self.posted()[name]

    def content(self) -> list[tuple[Any, ...]]:
        """All that the ledger holds of entries and lines: equal when nothing was written."""
        entries = self.rows("select * from journal_entries order by number")
        lines = self.rows("select * from journal_entry_items order by id")
        return [tuple(row.values()) for row in (*entries, *lines)]

    def close(self) -> None:
        self._open.close()


class ServedBooks(Books):
    """Books whose ledger is on a socket, found through the environment alone.

    It is served by a thread, or `by_command` by a process of its own, as people do.
    """

    names_ledger = False

    def __init__(self, root: Path, *, by_command: bool = False) -> None:
        database = root.parent / f"{root.name}-ledger.db"
        inside = root / ".reconciler" / "ledger.db"
        if inside.exists():
            shutil.move(inside, database)
            for rest in (root / ".reconciler").glob("ledger*"):
                # A copy that queries are executed on is a directory.
                shutil.rmtree(rest) if rest.is_dir() else rest.unlink()
        super().__init__(root, database)
        if (root / "reconciler.yaml").exists():
            self.leave_ledger_open()
        serve, own = served if by_command else served_here, root / "reference.yaml"
        self.url = self._open.enter_context(serve(database, own if own.exists() else REFERENCE))
        self.credentials()

    def credentials(self, *permissions: str) -> None:
        """Use a new client, with these permissions or the standard ones."""
        self.env = credentials(self.database, *permissions) | {"ZUORA_BASE_URL": self.url}

    def _client(self) -> httpx.Client:
        keys = credentials(self.database, *_EVERYTHING)
        client = self._open.enter_context(httpx.Client(base_url=self.url, timeout=30))
        return _signed_in(client, keys["ZUORA_CLIENT_ID"], keys["ZUORA_CLIENT_SECRET"])


_EVERYTHING = (
    "Create Journal Entry",
    "Edit Journal Entry",
    "Cancel Journal Entry",
    "Delete Cancelled Journal Entry",
    "Override Transferred to Accounting",
    "Manage Close Process",
    "Run Trial Balance",
    "Reopen Accounting Period",
    "Configure Accounting Codes",
    "Manage Accounting Code",
)


def credentials(database: Path, *permissions: str) -> dict[str, str]:
    """A new client of a ledger, as the command that makes clients prints it."""
    flags = [flag for name in permissions for flag in ("--permission", name)]
    made = reconciler(
        "ledger", "create-client", "--database", f"sqlite:///{database}",
        "--name", "test", "--format", "json", *flags,
    )  # fmt: skip
    assert made.code == 0, made.err
    keys = made.json
    return {"ZUORA_CLIENT_ID": keys["client_id"], "ZUORA_CLIENT_SECRET": keys["client_secret"]}


@contextlib.contextmanager
def served_here(database: Path, reference: Path = REFERENCE) -> Iterator[str]:
    """A ledger served by a thread, until the block ends; yields its base URL."""
    with (
        open_ledger(f"sqlite:///{database}", reference) as ledger,
        on_a_socket(create_app(ledger)) as url,
    ):
        yield url


@contextlib.contextmanager
def served(database: Path, reference: Path) -> Iterator[str]:
    """A ledger served by a process of its own, until the block ends; yields its base URL."""
    command = ["ledger", "serve", "--port", "0", "--database", f"sqlite:///{database}"]
    with Program([*command, "--reference", reference], stderr=subprocess.PIPE) as server:
        assert server.stderr is not None
        try:
            ready = server.stderr.readline()
            assert ready.startswith("Ledger ready at http://127.0.0.1:"), ready
            yield ready.rsplit(" ", 1)[1].strip()
        finally:
            server.terminate()
            server.communicate()


def _signed_in(client: httpx.Client, key: str, secret: str) -> httpx.Client:
    form = {"client_id": key, "client_secret": secret, "grant_type": "client_credentials"}
    token = client.post("/oauth/token", data=form).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


@contextlib.contextmanager
def _environment(said: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in said}
    os.environ.update(said)
    try:
        yield
    finally:
        for name, text in before.items():
            if text is None:
                del os.environ[name]
            else:
                os.environ[name] = text


def standing(books):
    rows = books.rows(
        "select number from journal_entries where status = 'Created' and not deleted "
        "order by number"
    )
    return [row["number"] for row in rows]


def by_hand(books, **fields):
    """An entry that somebody posted without us."""
    body = {
        "accountingPeriodName": "Jan-2026",
        "currency": "USD",
        "journalEntryDate": "2026-01-31",
        "notes": "Posted by hand: 100 %",
        "journalEntryItems": [
            {
                "accountingCodeName": code,
                "type": side,
                "amount": "1234.50",
                "homeCurrencyAmount": "1234.50",
            }
            for code, side in (("Deferred Revenue", "Debit"), ("Subscription Revenue", "Credit"))
        ],
        **fields,
    }
    return books.call("POST", "journal-entries", **body)["journalEntryNumber"]
