"""A ledger to test against, in process or over a socket, with builders for what is sent to it."""

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import ledger_contract
from ledger_databases import Database
from program import Program
from server_clock import Clock
from socket_server import on_a_socket

from reconciler.cli.main import run
from reconciler.ledger import Ledger, create_app, open_ledger
from reconciler.ledger.runs.worker import Worker

REFERENCE = Path(__file__).parent / "reference.yaml"
PROCESS, SOCKET = "in process", "over a socket"
ENTRIES = "/v1/journal-entries"
RUNS = "/v1/journal-runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and what it wrote to both of its streams."""

    exit_code: int
    output: str


def command(*words: object) -> Ended:
    """`reconciler ledger …` in this process."""
    both = io.StringIO()
    with contextlib.redirect_stdout(both), contextlib.redirect_stderr(both):
        code = run(["ledger", *map(str, words)])
    return Ended(exit_code=code, output=both.getvalue())


def debit(amount: object = "400.90", code: str = "Deferred Revenue", **fields: Any) -> dict:
    return {"accountingCodeName": code, "type": "Debit", "amount": amount, **fields}


def credit(amount: object = "400.90", code: str = "Subscription Revenue", **fields: Any) -> dict:
    return {"accountingCodeName": code, "type": "Credit", "amount": amount, **fields}


def entry(*lines: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A body that creates an entry. A field given as None is left out."""
    body = {
        "accountingPeriodName": "Jan-2026",
        "currency": "USD",
        "journalEntryDate": "2026-01-31",
        "journalEntryItems": list(lines) or [debit(), credit()],
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


def exact(response: httpx.Response) -> Any:
    """The JSON of an answer with every number as the exact Decimal of its digits."""
    return json.loads(response.text, parse_float=Decimal)


def codes_of(response: httpx.Response) -> list[int]:
    return [reason["code"] for reason in response.json()["reasons"]]


def categories_of(response: httpx.Response) -> list[int]:
    """The last two digits of every reason's code."""
    return [code % 100 for code in codes_of(response)]


class Bench:
    """A ledger with an app over it, and the clients made for it.

    `by_hand` leaves the work on journal runs to `step`; otherwise each request does some of it.
    """

    def __init__(
        self,
        database: Database,
        *,
        mode: str = PROCESS,
        reference: Any = None,
        by_hand: bool = False,
        **options: Any,
    ):
        self.database = database
        self.clock = Clock()
        self.ledger: Ledger = open_ledger(database.url, reference)
        self._open = contextlib.ExitStack()
        self._open.callback(self.ledger.close)
        options = {"clock": self.clock, "failed_login_delay": 0, **options}
        self.worker = Worker(self.ledger.store, clock=self.clock)
        if by_hand:
            options["worker"] = self.worker
        self.app = create_app(self.ledger, **options)
        self._url: str | None = None
        if mode == SOCKET:
            self._url = self._open.enter_context(on_a_socket(self.app))

    @property
    def url(self) -> str:
        """Where a bench over a socket is served."""
        assert self._url is not None
        return self._url

    def anonymous(self) -> httpx.Client:
        """A client without a token. Every answer it gets is held to the ledger's description."""
        if self._url is not None:
            client = httpx.Client(base_url=self._url, timeout=None, verify=False)
        else:
            transport = httpx.WSGITransport(app=self.app)
            client = httpx.Client(transport=transport, base_url="http://ledger.test")
        client.event_hooks = {"response": [ledger_contract.check]}
        self._open.callback(client.close)
        return client

    def client(
        self, permissions: Sequence[str] | None = None, *, tenant_id: str | None = None
    ) -> httpx.Client:
        """A client with a token, holding these permissions or the standard ones."""
        credentials = self.ledger.issue_client("test", permissions, tenant_id=tenant_id)
        client = self.anonymous()
        token = sign_in(client, *credentials).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    def step(self, times: int = 1) -> None:
        """Do so many steps of the work on journal runs, with a worker of the bench's own."""
        for _ in range(times):
            self.worker.work(go_on=lambda: False)

    def load(self, *transactions: Mapping[str, Any]) -> None:
        """Load source transactions, by default in JSON lines."""
        file = self.database.folder / "transactions.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in transactions))
        self.ledger.load_transactions(file)

    def truth(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows read from the database behind the server's back."""
        return self.database.truth(query, *values)

    def close(self) -> None:
        self._open.close()


def serve(
    database: Database, *options: str, patch: str = "", forked: bool = True
) -> tuple[subprocess.Popen[str], str]:
    """A server process of its own, as the command starts it, and its URL.

    `patch` is Python that runs in the process first. One that is not forked ends as an interpreter
    does, with what is to be done at its exit.
    """
    script = f"{patch}\nfrom reconciler.cli.ledger import ledger; ledger()"
    arguments = ("serve", "--port", "0", "--database", database.url, *options)
    server: subprocess.Popen[str]
    if forked:
        server = Program(arguments, script=script, stderr=subprocess.PIPE)
    else:
        command = (sys.executable, "-c", script, *arguments)
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    return server, server.stderr.readline().split()[-1]


@contextlib.contextmanager
def serving(
    database: Database, *options: str, **started: Any
) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A server process of its own with a client. It is killed in the end, if it still runs."""
    server, url = serve(database, *options, **started)
    with server:
        try:
            with httpx.Client(base_url=url.replace("0.0.0.0", "127.0.0.1"), timeout=None) as client:
                yield server, client
        finally:
            server.kill()


def sign_in(client: httpx.Client, client_id: str, secret: str, /, **fields: Any) -> httpx.Response:
    form = {
        "client_id": client_id,
        "client_secret": secret,
        "grant_type": "client_credentials",
        **fields,
    }
    return client.post("/oauth/token", data=form)


def post(client: httpx.Client, **fields: Any) -> str:
    """Create an entry and return its number."""
    response = client.post(ENTRIES, json=entry(**fields))
    assert response.status_code == 200, response.text
    return response.json()["journalEntryNumber"]


@contextlib.contextmanager
def opened(*arguments: Any, **options: Any) -> Iterator[Bench]:
    bench = Bench(*arguments, **options)
    try:
        yield bench
    finally:
        bench.close()


def transaction(name: str, amount: object = "10.00", **fields: Any) -> dict[str, Any]:
    """A source transaction of January. A field given as None is left out."""
    row = {
        "id": name,
        "transactionType": "Invoice Item",
        "transactionDate": "2026-01-15",
        "currency": "USD",
        "amount": amount,
        "debitAccountingCodeName": "Accounts Receivable",
        "creditAccountingCodeName": "Subscription Revenue",
        **fields,
    }
    return {name: value for name, value in row.items() if value is not None}


def regions(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Transactions of so many groups, told apart by a segment value: an entry for each."""
    return [
        transaction(
            f"T-{number}", segments={"Department": "Sales", "Region": f"{number:04d}"}, **fields
        )
        for number in range(1, count + 1)
    ]


def run_body(*types: str, **fields: Any) -> dict[str, Any]:
    """A body that creates a run over January. A field given as None is left out."""
    body = {
        "accountingPeriodName": "Jan-2026",
        "journalEntryDate": "2026-01-31",
        "transactionTypes": [{"type": name} for name in types or ("Invoice Item",)],
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


def start_run(client: httpx.Client, *types: str, **fields: Any) -> str:
    """Create a journal run and return its number."""
    response = client.post(RUNS, json=run_body(*types, **fields))
    assert response.status_code == 200, response.text
    return response.json()["journalRunNumber"]


def settled(client: httpx.Client, number: str, *, polls: int = 200) -> dict[str, Any]:
    """The run once nothing is at work on it any more, found by polling."""
    for _ in range(polls):
        run = client.get(f"{RUNS}/{number}").json()
        if run["status"] not in ("Pending", "Processing", "CancelInprogress", "DeleteInprogress"):
            return run
    raise AssertionError(f"the run is still {run['status']}")


def entries_of(client: httpx.Client, number: str) -> list[dict[str, Any]]:
    """All entries of a run, with exact amounts, page by page."""
    url, found = f"{ENTRIES}/journal-runs/{number}?pageSize=300", []
    while url:
        response = client.get(url)
        assert response.status_code == 200, response.text
        page = exact(response)
        found += page["journalEntries"]
        url = page.get("nextPage")
    return found
