"""One tenant, and checkouts of one workspace with daybooks of their own: jobs that share none."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
import threading

from program import LONGEST, Program, clean_environment
from server_clock import Clock
from socket_server import on_a_socket

from reconciler.ledger import create_app, open_ledger

CODES = ("Deferred Revenue", "Subscription Revenue")
REFERENCE = {
    "apiVersion": "journal.reconciler/v1",
    "kind": "Reference",
    "metadata": {"name": "two-daybooks"},
    "spec": {
        "currencies": ["USD"],
        "accountingPeriods": [
            {"name": "Jan-2026", "startDate": "2026-01-01", "endDate": "2026-01-31"}
        ],
        "accountingCodes": [
            {"name": name, "type": kind}
            for name, kind in zip(CODES, ("DeferredRevenue", "SalesRevenue"), strict=True)
        ],
        "customFields": {"JournalEntry": [{"name": "ReconcilerKey__c"}]},
    },
}


class Tenant:
    """A ledger on sockets. `arrived` is called with each write before the ledger executes it.

    Something in front of the ledger refuses the writes of those who are `denied`, and every query
    while it is not `searchable`.
    """

    def __init__(self, root, *, strict=True, query_lag=0):
        self.root = root
        self.clock = Clock()
        self.arrived = lambda who, verb: None
        self.searched = lambda: None
        self.denied = set()
        self.searches = 0
        self.searchable = True
        self._open = contextlib.ExitStack()
        self.ledger = self._open.enter_context(
            open_ledger(f"sqlite:///{root / 'ledger.db'}", REFERENCE)
        )
        self._app = create_app(
            self.ledger,
            clock=self.clock,
            failed_login_delay=0,
            strict_idempotency=strict,
            query_lag=query_lag,
        )

    def door(self, who):
        """The URL of the ledger for one caller, by which it is known who calls."""
        app = self._app

        def watched(environ, start):
            path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
            if path == "/query/jobs":
                self.searches += 1
                self.searched()
                if not self.searchable:
                    start("404 Not Found", [("Content-Type", "application/json")])
                    return [b"{}"]
            if method == "GET" or "/v1/journal-" not in path:
                return app(environ, start)
            verb = {"POST": "create", "DELETE": "delete"}.get(method, path.rsplit("/", 1)[-1])
            self.arrived(who, verb)
            if who in self.denied:
                start("403 Forbidden", [("Content-Type", "application/json")])
                return [b"{}"]
            return app(environ, start)

        return self._open.enter_context(on_a_socket(watched))

    def close(self):
        self._open.close()

    def client(self, *permissions):
        client_id, secret = self.ledger.issue_client("job", *([permissions] if permissions else []))
        return {"ZUORA_CLIENT_ID": client_id, "ZUORA_CLIENT_SECRET": secret}

    def cancel(self, number):
        """What a person does in the ledger."""
        with contextlib.closing(sqlite3.connect(self.root / "ledger.db")) as connection:
            connection.execute(
                "update journal_entries set status = 'Cancelled' where number = ?", [number]
            )
            connection.commit()

    def posted(self, name="a"):
        """The numbers of the entries that are posted with the marker of a name."""
        query = (
            "select number from journal_entries where status = 'Created' and not deleted"
            " and json_extract(custom_fields, '$.ReconcilerKey__c') = ? order by number"
        )
        with contextlib.closing(sqlite3.connect(self.root / "ledger.db")) as connection:
            return [number for (number,) in connection.execute(query, [f"books/{name}"])]


class Checkout:
    """A checkout of the workspace with a daybook in a file, and the credentials of its job."""

    def __init__(self, tenant, name, *, of=None, permissions=(), policy=None, daybook=""):
        self.tenant, self.name, self.policy = tenant, name, policy or {}
        self.daybook = f", daybook: '{daybook}'" if daybook else ""
        self.books = tenant.root / name / "books"
        if of is not None:
            shutil.copytree(of.books, self.books)
        self.keys = {"ZUORA_BASE_URL": tenant.door(name), **tenant.client(*permissions)}

    def declare(self, **amounts):
        self.books.mkdir(parents=True, exist_ok=True)
        for old in self.books.glob("e-*.yaml"):
            old.unlink()
        head = "apiVersion: journal.reconciler/v1\nkind: "
        (self.books / "reconciler.yaml").write_text(
            f"{head}Workspace\nmetadata: {{name: books}}\n"
            f"spec: {{policy: {json.dumps(self.policy)}{self.daybook}}}\n"
        )
        (self.books / "reference.yaml").write_text(json.dumps(REFERENCE))
        for name, amount in amounts.items():
            lines = "".join(
                f"    - {{accountingCodeName: {code}, type: {side}, amount: {amount}}}\n"
                for code, side in zip(CODES, ("Debit", "Credit"), strict=True)
            )
            (self.books / f"e-{name}.yaml").write_text(
                f"{head}JournalEntry\nmetadata: {{name: {name}}}\nspec:\n"
                "  accountingPeriodName: Jan-2026\n  currency: USD\n"
                f"  journalEntryDate: 2026-01-31\n  journalEntryItems:\n{lines}"
            )

    def lose_daybook(self):
        shutil.rmtree(self.books / ".reconciler")

    def start(self, *args, install=()):
        return Program(
            [
                *args[: 1 + (args[0] == "daybook")],
                "-w",
                self.books,
                *args[1 + (args[0] == "daybook") :],
            ],
            env={**clean_environment(), **self.keys},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            install=install,
        )

    def run(self, *args):
        return ended(self.start(*args))

    def apply(self, *args):
        return self.run("apply", "--auto-approve", *args)


def ended(process):
    """The exit code of a process and what it said."""
    said, _ = process.communicate(timeout=LONGEST)
    assert "Traceback" not in said, said
    return process.returncode, " ".join(said.split())


class Interleaving:
    """Two applies that meet before each of some writes; after the last one, the first ends first.

    `meet` are verbs of writes, in order. Both have planned when they meet for the first time.
    """

    def __init__(self, tenant, first, second, *meet):
        self.tenant, self.first, self.second, self.meet = tenant, first, second, meet
        self._both = threading.Barrier(2, timeout=LONGEST)
        self._first_ended = threading.Event()
        self._met = {first.name: 0, second.name: 0}

    def run(self):
        """How each of them ended, the first one first."""
        self.tenant.arrived = self._hold
        started = [one.start("apply", "--auto-approve") for one in (self.first, self.second)]
        try:
            before = ended(started[0])
            self._first_ended.set()
            after = ended(started[1])
        finally:
            self._first_ended.set()
            self.tenant.arrived = lambda who, verb: None
        return before, after

    def _hold(self, who, verb):
        at = self._met[who]
        if at == len(self.meet) or self.meet[at] != verb:
            return
        self._met[who] += 1
        self._both.wait()
        if at + 1 == len(self.meet) and who == self.second.name:
            self._first_ended.wait(LONGEST)
