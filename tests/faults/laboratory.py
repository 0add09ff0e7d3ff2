"""A workspace and its ledger, prepared once and copied for each fault; and what must hold after.

The ledger is served by a thread of the test, which sees every request and stands on the commit
hook, or by a process of its own that can be killed. The tool always runs as a process.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import oracle
from connector import VARIABLE as CONNECTOR
from crash_points import Blow
from deadlines import SHORT
from deadlines import VARIABLE as PATIENCE
from fault_counts import Tally
from ledger_databases import Database, PostgresDatabase
from oracle import Request, Truth, read_truth
from processes import Ended, Process, Processes
from server_clock import Clock
from socket_server import on_a_socket

from reconciler.core.model.history import Recorded
from reconciler.core.model.resource import Address
from reconciler.daybook import Daybook, Intent, open_daybook
from reconciler.ledger import create_app, open_ledger

MONTHS = {"Jan": 31, "Feb": 28, "Mar": 31, "Apr": 30, "May": 31, "Jun": 30}
DAYS = {
    f"{name}-2026": (f"2026-{number:02}-01", f"2026-{number:02}-{last}")
    for number, (name, last) in enumerate(MONTHS.items(), start=1)
}
"""The first and the last day of every accounting period, by its name."""

CODES = ("Deferred Revenue", "Subscription Revenue", "Accounts Receivable")
REFERENCE: Mapping[str, Any] = {
    "apiVersion": "journal.reconciler/v1",
    "kind": "Reference",
    "metadata": {"name": "laboratory"},
    "spec": {
        "currencies": ["USD", "EUR"],
        "accountingPeriods": [
            {"name": name, "startDate": first, "endDate": last}
            for name, (first, last) in DAYS.items()
        ],
        "accountingCodes": [
            {"name": name, "type": kind}
            for name, kind in zip(
                CODES, ("DeferredRevenue", "SalesRevenue", "AccountsReceivable"), strict=True
            )
        ],
        "customFields": {"JournalEntry": [{"name": oracle.MARKER}]},
    },
}

Spec = Mapping[str, Any]
NO_RUNS: Mapping[str, Spec] = {}


def entry(amount: str = "400.90", **fields: Any) -> dict[str, Any]:
    """The spec of an entry over one amount, as a file declares it."""
    return {
        "accountingPeriodName": "Jan-2026",
        "currency": "USD",
        "journalEntryDate": "2026-01-31",
        **fields,
        "journalEntryItems": [
            {"accountingCodeName": code, "type": side, "amount": amount}
            for code, side in zip(CODES, ("Debit", "Credit"), strict=False)
        ],
    }


def content_of_run(spec: Spec) -> tuple[Any, ...]:
    """What a declaration of a run over one period asks for, as `oracle.HeldRun.content` has it."""
    kinds = tuple(sorted(one["type"] for one in spec["transactionTypes"]))
    return (spec["journalEntryDate"], *DAYS[spec["accountingPeriodName"]], kinds)


def run_of(period: str, **fields: Any) -> dict[str, Any]:
    """The spec of a journal run over one period."""
    return {
        "accountingPeriodName": period,
        "journalEntryDate": DAYS[period][1],
        "transactionTypes": [{"type": "Invoice Item"}],
        **fields,
    }


@dataclass(frozen=True, kw_only=True)
class Books:
    """What the files of a workspace say: entries and journal runs by name, and its settings."""

    entries: Mapping[str, Spec] = field(default_factory=dict)
    runs: Mapping[str, Spec] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SharedDaybook:
    """A daybook on PostgreSQL: its database, and its URL as settings have it."""

    database: PostgresDatabase

    @property
    def url(self) -> str:
        return self.database.server.url_of_daybook(self.database.name)


class Lab:
    """One workspace with its ledger. Its daybook is on `daybook`; without one, in a file inside."""

    def __init__(
        self,
        root: Path,
        database: Database,
        processes: Processes,
        tally: Tally,
        *,
        daybook: SharedDaybook | None = None,
    ) -> None:
        self.root, self.database, self.processes, self.tally = root, database, processes, tally
        self.books = root / "books"
        self.daybook = daybook
        self.clock = Clock()
        self.requests: list[Request] = []
        self.on_receipt: Callable[[Request], None] = lambda request: None
        self.on_commit: Callable[[Any], None] = lambda commit: None
        self.url = ""
        self._open = contextlib.ExitStack()

    # The files.

    def declare(self, books: Books) -> None:
        """Make the files say this, and nothing else but what was imported."""
        self.books.mkdir(parents=True, exist_ok=True)
        for old in self.books.glob("d-*.yaml"):
            old.unlink()
        settings = dict(books.settings)
        if self.daybook is not None:
            settings["daybook"] = self.daybook.url
        self._write("reconciler.yaml", "Workspace", "books", settings)
        (self.books / "reference.yaml").write_text(json.dumps(REFERENCE))
        for kind, specs in (("JournalEntry", books.entries), ("JournalRun", books.runs)):
            for name, spec in specs.items():
                self._write(f"d-{name}.yaml", kind, name, spec)

    def _write(self, file: str, kind: str, name: str, spec: Spec) -> None:
        head = {"apiVersion": "journal.reconciler/v1", "kind": kind, "metadata": {"name": name}}
        (self.books / file).write_text(json.dumps({**head, "spec": spec}))

    def declares(self, number: str) -> bool:
        """Whether a file of the workspace adopts this number."""
        return any(number in file.read_text() for file in self.books.rglob("*.yaml"))

    # The ledger.

    @contextlib.contextmanager
    def hosted(self, **options: Any) -> Iterator["Lab"]:
        """Serve the ledger from a thread of this process, on its clock, with its hooks."""
        with open_ledger(self.database.url) as ledger:
            app = create_app(
                ledger,
                clock=self.clock,
                after_commit=self._committed,
                failed_login_delay=0,
                **options,
            )
            with on_a_socket(self._watched(app)) as url:
                self.url = url
                yield self

    def _committed(self, commit: Any) -> None:
        self.on_commit(commit)

    def _watched(self, app: Any) -> Any:
        """The app behind something that writes down every changing request it receives."""

        def watched(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
            if environ["REQUEST_METHOD"] != "GET" and "/v1/journal-" in environ["PATH_INFO"]:
                body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                environ["wsgi.input"] = _Body(body)
                request = Request(
                    method=environ["REQUEST_METHOD"],
                    path=environ["PATH_INFO"],
                    key=environ.get("HTTP_IDEMPOTENCY_KEY", ""),
                    body=body,
                )
                self.requests.append(request)
                self.on_receipt(request)
            return app(environ, start)

        return watched

    @contextlib.contextmanager
    def served(self, blow: Blow | None = None, *, connected: bool = False) -> Iterator[Process]:
        """Serve the ledger from a process of its own; it may be told where to die.

        One that is `connected` has its connector take an entry of the first run.
        """
        variables = blow.variables(self.tally) if blow else {}
        if connected:
            variables[CONNECTOR] = self.database.url
        server = self.processes.start(
            ["ledger", "serve", "--port", "0", "--database", self.database.url], variables
        )
        try:
            said = server.until("Ledger ready at http://")
            self.url = next(
                line.rsplit(" ", 1)[1] for line in said.splitlines() if "ready at" in line
            )
            yield server
        finally:
            server.send_signal(15)
            server.wait(20)

    def calm(self) -> None:
        """From now on nobody interferes."""
        self.on_receipt = self.on_commit = lambda what: None

    # The tool.

    @property
    def keys(self) -> dict[str, str]:
        """The credentials of the ledger's client that was made with the workspace."""
        return dict(json.loads((self.root / "client.json").read_text()))

    def start(self, verb: str, *args: object, blow: Blow | None = None, **env: str) -> Process:
        """A verb on this workspace, in a process of its own; its waits take no time."""
        variables = {
            **self.keys,
            "ZUORA_BASE_URL": self.url,
            PATIENCE: str(SHORT),
            **(blow.variables(self.tally) if blow else {}),
            **env,
        }
        return self.processes.start([verb, "-w", self.books, *args], variables)

    def run(self, verb: str, *args: object, **options: Any) -> Ended:
        return self.start(verb, *args, **options).wait()

    def apply(self, *args: object, **options: Any) -> Ended:
        """`reconciler apply`, asking nobody, one change at a time."""
        return self.run("apply", *APPLY, *args, **options)

    # What is so.

    def truth(self) -> Truth:
        return read_truth(self.database)

    def recorded(self) -> Mapping[Address, Recorded]:
        """What the daybook remembers."""
        with self._daybook() as book:
            return book.recorded()

    def unsettled(self) -> tuple[Intent, ...]:
        """The calls that the daybook has no definite outcome of."""
        with self._daybook() as book:
            return book.unsettled()

    def break_lease(self) -> str | None:
        """What somebody does who finds the daybook held by a process that is gone.

        Answers what was refused before the lease was broken; None when nobody held the daybook.
        In a file there is no lease that outlasts its process.
        """
        with self._daybook() as book:
            lease = book.held_by() if self.daybook is not None else None
        if lease is None:
            return None
        refused = self.apply()
        assert refused.code == 1 and "another apply is writing" in refused.said, refused.said
        broken = self.processes.start(["daybook", "-w", self.books, "unlock", lease.id], {}).wait()
        assert broken.code == 0, broken.said
        return refused.said

    @contextlib.contextmanager
    def _daybook(self) -> Iterator[Daybook]:
        file = self.books / ".reconciler" / "daybook.db"
        place = self.daybook.url if self.daybook is not None else file
        book = open_daybook(place, write=False, workspace="books")
        try:
            yield book
        finally:
            book.close()

    def require_always(self) -> Truth:
        """What holds however a run ended."""
        now = self.truth()
        oracle.require(oracle.always(now, self.requests))
        return now

    def require_converged(
        self,
        wanted: Mapping[str, Spec],
        *,
        foreign: Mapping[str, tuple[Any, ...]],
        runs: Mapping[str, Spec] = NO_RUNS,
        again: tuple[object, ...] = (),
    ) -> None:
        """One live entry for each declaration, no orphan, and a second apply that writes nothing.

        I-01, I-02, I-03, I-05, I-10, I-60, I-62, I-70; and the daybook agrees.
        """
        before, recorded = self.truth(), self.recorded()
        contents = {name: content_of_run(spec) for name, spec in runs.items()}
        oracle.require(
            oracle.always(before, self.requests),
            oracle.i01(before, wanted),
            oracle.i01_runs(before, contents, recorded),
            oracle.i02(before, wanted, recorded, foreign=foreign),
            oracle.agrees(before, recorded),
        )
        sent = len(self.requests)
        ended = self.apply("--format", "json", *again)
        assert ended.code == 0, ended.said
        planned = json.loads(ended.said[ended.said.index("{") :])["changes"]
        oracle.require(
            oracle.i10(
                before, self.truth(), requests=len(self.requests) - sent, planned=len(planned)
            )
        )


APPLY = ("--auto-approve", "--parallelism", "1", "--max-removals", "99")


class _Body:
    """A request's body, read once and handed on."""

    def __init__(self, body: bytes) -> None:
        self._left = body

    def read(self, size: int = -1) -> bytes:
        size = len(self._left) if size is None or size < 0 else size
        part, self._left = self._left[:size], self._left[size:]
        return part
