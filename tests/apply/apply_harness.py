"""A ledger, a daybook and the way from files to report, with faults on the line between them."""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from builders import declared, entry
from httpx_transport import HttpxTransport
from server_clock import Clock
from socket_server import on_a_socket

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Allowances, Basis, Plan
from reconciler.core.model.policy import Policy
from reconciler.core.model.report import Applied, Report, Settled, report_of
from reconciler.core.model.resource import Declared, Value
from reconciler.core.model.tenant import Tenant
from reconciler.core.planner import make_plan
from reconciler.core.planning.snapshot import Snapshot, to_read
from reconciler.daybook import Daybook, open_daybook
from reconciler.engine.apply import apply
from reconciler.engine.observe import observe, read_all
from reconciler.engine.ports import PollingPolicy, Ports
from reconciler.engine.run_entries import record_entries
from reconciler.engine.search import (
    SearchedPlan,
    SearchPolicy,
    ages,
    mark_complete,
    plan_with_search,
)
from reconciler.engine.settle import settle
from reconciler.engine.settlement_record import confirmed
from reconciler.engine.spill import take_in
from reconciler.http_client.clock import Clock as ClientClock
from reconciler.http_client.clock import monotonic
from reconciler.ledger import Ledger, create_app, open_ledger
from reconciler.zuora.client import Client
from reconciler.zuora.connection import CallLimits, Connection, Credentials

KIND = KINDS["JournalEntry"]
WORKSPACE = "books"
PLENTY = 10**6
HASTY = PollingPolicy(shortest=0.0001)
"""Pauses that no test notices."""

REFERENCE: Mapping[str, Any] = {
    "apiVersion": "journal.reconciler/v1",
    "kind": "Reference",
    "metadata": {"name": "apply-tests"},
    "spec": {
        "currencies": ["USD", "EUR"],
        "accountingPeriods": [
            {"name": f"{month}-2026", "startDate": start, "endDate": end}
            for month, start, end in (
                ("Jan", "2026-01-01", "2026-01-31"),
                ("Feb", "2026-02-01", "2026-02-28"),
            )
        ],
        "accountingCodes": [
            {"name": "Deferred Revenue", "type": "DeferredRevenue"},
            {"name": "Subscription Revenue", "type": "SalesRevenue"},
        ],
        "customFields": {
            "JournalEntry": [{"name": "ReconcilerKey__c"}, {"name": "Ticket__c"}],
            "JournalEntryItem": [{"name": "CostCenter__c"}],
        },
    },
}

Spec = Mapping[str, Value]


def files(**specs: Spec) -> dict[str, Declared]:
    """Declarations by name; the names of keywords are those of the entries."""
    return {name: declared(spec, name=name) for name, spec in specs.items()}


def of(amount: str = "400.90", **fields: Value) -> Spec:
    """The spec of an entry over one amount."""
    lines = tuple(
        {"accountingCodeName": code, "type": side, "amount": Decimal(amount)}
        for code, side in (("Deferred Revenue", "Debit"), ("Subscription Revenue", "Credit"))
    )
    return entry(*lines, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A changing request as it left: what I-05 compares."""

    method: str
    path: str
    key: str
    body: bytes

    @property
    def verb(self) -> str:
        if self.method == "POST":
            return "create"
        return {"DELETE": "delete"}.get(self.method, self.path.rsplit("/", 1)[-1])


def answer(status: int, document: object) -> httpx.Response:
    return httpx.Response(status, json=document)


def refusal(code: int, message: str, status: int = 200) -> httpx.Response:
    return answer(status, {"success": False, "reasons": [{"code": code, "message": message}]})


def refused_connection(line: "Line", request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody listens", request=request)


def lost_before(line: "Line", request: httpx.Request) -> httpx.Response:
    """N07: the request is cut off before the ledger has it."""
    raise httpx.ReadError("reset", request=request)


def lost_after(line: "Line", request: httpx.Request) -> httpx.Response:
    """N08: the ledger has committed, and the answer is lost."""
    line.deliver(request)
    raise httpx.ReadError("reset", request=request)


def instead(response: httpx.Response) -> Callable[["Line", httpx.Request], httpx.Response]:
    """Something between answers, and the ledger never hears of it."""
    return lambda line, request: whole(response, response.content)


def whole(response: httpx.Response, raw: bytes) -> httpx.Response:
    """An answer as it comes from a line, not read yet."""
    return httpx.Response(
        response.status_code, headers=response.headers, stream=httpx.ByteStream(raw)
    )


Fault = Callable[["Line", httpx.Request], httpx.Response]
Choose = Callable[[Sent], Fault | None]


class Line(httpx.BaseTransport):
    """The line to the ledger: writes down what is sent and puts the chosen faults on it."""

    def __init__(self, inner: httpx.BaseTransport, before: Callable[[Sent], None]) -> None:
        self._inner = inner
        self._before = before
        self._lock = threading.Lock()
        self.sent: list[Sent] = []
        self.choose: Choose = lambda sent: None
        self.reads: Fault | None = None
        self.queries: Fault | None = None
        self.searched: list[str] = []
        self.executed: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return (self.reads or Line.deliver)(self, request)
        if request.url.path == "/oauth/token":
            return self.deliver(request)
        if request.url.path == "/query/jobs":
            # A query changes nothing; what becomes of it is chosen apart.
            self.searched.append(json.loads(request.read())["query"])
            return (self.queries or Line.deliver)(self, request)
        sent = Sent(
            method=request.method,
            path=request.url.path,
            key=request.headers.get("idempotency-key", ""),
            body=request.read(),
        )
        with self._lock:
            self._before(sent)
            self.sent.append(sent)
            fault = self.choose(sent)
        return self.deliver(request) if fault is None else fault(self, request)

    def deliver(self, request: httpx.Request) -> httpx.Response:
        """Have the ledger answer, to the last byte."""
        request.read()
        response = self._inner.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        raw = b"".join(response.stream)
        response.stream.close()
        if key := request.headers.get("idempotency-key"):
            self.executed.add(key)
        return whole(response, raw)

    def close(self) -> None:
        self._inner.close()


def nth(number: int, fault: Fault, verb: str = "") -> Choose:
    """The fault at the so-manieth changing request, or at the so-manieth of a verb; from 1."""
    seen = 0

    def choose(sent: Sent) -> Fault | None:
        nonlocal seen
        seen += verb in ("", sent.verb)
        return fault if seen == number and verb in ("", sent.verb) else None

    return choose


def every(fault: Fault, verb: str = "") -> Choose:
    return lambda sent: fault if verb in ("", sent.verb) else None


def each(*faults: Fault | None) -> Choose:
    """The faults one after the other, one for each changing request; then none."""
    left = list(faults)
    return lambda sent: left.pop(0) if left else None


@dataclass
class Bench:
    """One workspace against one ledger. Every run opens daybook and client anew, as a process."""

    root: Path
    over_socket: bool = False
    clock: Clock = field(default_factory=Clock)
    policy: Policy = field(default_factory=Policy)
    on_commit: Callable[[Any], None] = lambda commit: None
    parallelism: int = 1
    query_lag: float = 0
    """Seconds by which queries lag behind the ledger."""
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The client's clock on the wall, and below the one that only rises."""
    steady: Callable[[], float] = monotonic
    doubled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._open = contextlib.ExitStack()
        self.ledger: Ledger = self._open.enter_context(open_ledger(f"sqlite:///{self.ledger_path}"))
        self.app = create_app(
            self.ledger,
            clock=self.clock,
            after_commit=self._committed,
            failed_login_delay=0,
            query_lag=self.query_lag,
        )
        self.url = "http://localhost"
        inner: httpx.BaseTransport = httpx.WSGITransport(app=self.app)
        if self.over_socket:
            self.url = self._open.enter_context(on_a_socket(self.app))
            inner = httpx.HTTPTransport()
        self.line = Line(inner, self._require_intent)
        self._open.callback(self.line.close)
        self._credentials = self.ledger.issue_client("apply-tests")

    def close(self) -> None:
        self._open.close()

    # What the tool does.

    @property
    def daybook_path(self) -> Path:
        return self.root / "daybook.db"

    @contextlib.contextmanager
    def daybook(self, *, write: bool = True) -> Iterator[Daybook]:
        book = open_daybook(self.daybook_path, write=write, clock=self.wall)
        try:
            yield book
        finally:
            book.close()

    @contextlib.contextmanager
    def client(self, *, token: str = "") -> Iterator[Client]:
        client_id, secret = self._credentials
        credentials = Credentials(client_id=client_id, client_secret=secret, token=token)
        with Client(
            Connection(base_url=self.url),
            credentials,
            transport=HttpxTransport(self.line),
            limits=CallLimits(concurrency=max(self.parallelism, 1)),
            clock=ClientClock(now=self.steady, sleep=lambda seconds: None, random=lambda: 0.5),
        ) as client:
            if not token:
                client.tenant()
            yield client

    def plan(self, client: Client, book: Daybook, wanted: Mapping[str, Declared]) -> Plan:
        """The plan made for people to read."""
        return self.find(
            client, book, wanted, SearchPolicy(complete=book.complete, new=book.new)
        ).plan

    def find(
        self,
        client: Client,
        book: Daybook,
        wanted: Mapping[str, Declared],
        finding: SearchPolicy,
    ) -> SearchedPlan:
        recorded = book.recorded()
        declared = {item.address: item for item in wanted.values()}
        seen = observe(to_read(declared, recorded.values()), client, parallelism=1)
        snapshot = Snapshot(
            declared=declared,
            recorded=recorded,
            live=seen.live,
            tenant=Tenant(
                codes=seen.codes,
                periods=seen.periods,
                marker="ReconcilerKey__c",
                workspace=WORKSPACE,
            ),
            policy=self.policy,
        )
        basis = Basis(
            workspace=WORKSPACE,
            host="localhost",
            tenant_id=self.ledger.tenant_id,
            entity_id="",
            lineage=book.lineage,
            home_currency=None,
            marker_place="ReconcilerKey__c",
            serial=book.serial,
        )
        make = partial(
            make_plan,
            basis=basis,
            allowances=Allowances(
                max_removals=PLENTY, max_missing=PLENTY, adopt_found=PLENTY, allow_equal=PLENTY
            ),
        )
        read = partial(read_all, ledger=client, parallelism=1)
        finding = replace(finding, ages=partial(ages, client, book))
        return plan_with_search(snapshot, make, ledger=client, read=read, finding=finding)

    def settle(self, client: Client, book: Daybook) -> tuple[Settled, ...]:
        return tuple(settle(book, client, workspace=WORKSPACE, marker_place="ReconcilerKey__c"))

    def take_in(self, path: Path) -> list[str]:
        """Reads a spill file into the daybook, and says how its calls ended."""
        words = {"workspace": WORKSPACE, "marker_place": "ReconcilerKey__c"}
        with self.daybook() as book, self.client() as client:
            found = take_in(book, path, confirm=partial(confirmed, client, **words))
            return [item.result.value for item in found]

    def apply(self, wanted: Mapping[str, Declared], **options: Any) -> Report:
        """Settle, plan, apply: what `reconciler apply` does between files and report."""
        before = options.pop("between", lambda: None)
        ports = options.pop("ports", {})
        with self.daybook() as book, self.client(token=options.pop("token", "")) as client:
            settled = self.settle(client, book)
            finding = SearchPolicy(
                complete=book.complete, new=book.new, posting=True, **options.pop("finding", {})
            )
            found = self.find(client, book, wanted, finding)
            if found.lacking:
                book.mark_incomplete()
            plan = self.planned = found.plan
            # The guards that count removals are for real books, and these are small.
            if any(one.rule in ("unsearched-ledger", "unread-posting") for one in plan.refusals):
                self.last = report_of((), plan.pending, settled=settled)
                return self.last
            first = finding.first_apply
            mark_complete(book, found.search, found.snapshot.found, first_apply=first)
            record_entries(book, [one for one in plan.changes if one.members])
            before()
            ended: list[Applied] = []
            recorded = book.recorded()
            way = Ports(ledger=client, daybook=book, **{"polling": HASTY, **ports})
            options.setdefault("parallelism", self.parallelism)
            try:
                ended.extend(apply(plan, recorded, way, settled=settled, **options))
            finally:
                self.last = report_of(ended, plan.pending, settled=settled)
            mark_complete(book, found.search, found.snapshot.found, first_apply=first)
        return self.last

    def converge(self, wanted: Mapping[str, Declared]) -> None:
        """One undisturbed apply, and all that must hold after it (I-01, I-02, I-03, I-10)."""
        self.line.choose, self.line.reads = lambda sent: None, None
        report = self.apply(wanted)
        assert outcomes(report) <= {"done"}, [
            (item.outcome, item.message) for item in report.applied
        ]
        self.require_converged(wanted)

    def require_converged(self, wanted: Mapping[str, Declared]) -> None:
        live = self.live()
        assert {name: len(numbers) for name, numbers in live.items()} == dict.fromkeys(wanted, 1)
        assert self.doubled == [], "two stood at once (I-03)"
        with self.daybook(write=False) as book, self.client() as client:
            recorded = {
                item.address.name: item.number for item in book.recorded().values() if item.number
            }
            assert recorded == {name: numbers[0] for name, numbers in live.items()}
            assert self.plan(client, book, wanted).pending == ()
            for name, numbers in live.items():
                held = client.read(KIND, numbers[0])
                assert held is not None
                assert content(held.fields) == content(wanted[name].spec)
        before = len(self.line.sent)
        assert self.apply(wanted).applied == ()
        assert len(self.line.sent) == before

    def require_true(self, report: Report) -> None:
        """I-33: what the report says is done, is done."""
        stands = {number: status for number, status, _ in self.all_entries()}
        for item in report.applied:
            for step in item.steps:
                number = step.number or item.number
                assert number is not None
                expected = {"create": {"Created"}, "update": {"Created"}, "delete": {None}}
                allowed = expected.get(step.verb.value, {"Cancelled", None})
                assert stands.get(number) in allowed, (step, stands)
            if item.outcome.value == "done":
                assert item.steps == item.change.steps

    # What the ledger holds, read behind the server's back.

    @property
    def ledger_path(self) -> Path:
        return self.root / "ledger.db"

    def rows(self, query: str, path: Path | None = None) -> list[sqlite3.Row]:
        with contextlib.closing(sqlite3.connect(path or self.ledger_path)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(query).fetchall()

    def execute(self, statement: str) -> None:
        """A statement on the ledger's database, behind the server's back."""
        with contextlib.closing(sqlite3.connect(self.ledger_path)) as connection:
            connection.execute(statement)
            connection.commit()

    def live(self) -> dict[str, list[str]]:
        """The numbers of the entries that stand, by the name in their marker."""
        found: dict[str, list[str]] = {}
        for row in self.rows(
            "select number, custom_fields from journal_entries "
            "where status = 'Created' and not deleted order by number"
        ):
            workspace, _, name = (
                json.loads(row["custom_fields"]).get("ReconcilerKey__c", "").partition("/")
            )
            if workspace == WORKSPACE:
                found.setdefault(name, []).append(row["number"])
        return found

    def all_entries(self) -> list[tuple[str, str, str]]:
        """Every entry that is not deleted: number, status, marker."""
        return [
            (row["number"], row["status"], json.loads(row["custom_fields"]).get("ReconcilerKey__c"))
            for row in self.rows("select * from journal_entries where not deleted order by number")
        ]

    def foreign(self) -> list[tuple[Any, ...]]:
        """Everything that is held of the entries of others."""
        return [
            tuple(row)
            for row in self.rows("select * from journal_entries order by number")
            if not json.loads(row["custom_fields"]).get("ReconcilerKey__c", "").startswith("books/")
        ]

    def verbs(self) -> list[str]:
        """What was sent, in order; clears the list."""
        sent, self.line.sent = self.line.sent, []
        return [item.verb for item in sent]

    def api(self, method: str, path: str, document: object = None) -> Any:
        """A call by somebody else, past the line and past the daybook."""
        client_id, secret = self.ledger.issue_client("somebody else", EVERYTHING)
        with httpx.Client(
            transport=httpx.WSGITransport(app=self.app), base_url="http://localhost"
        ) as client:
            form = {"client_id": client_id, "client_secret": secret}
            token = client.post(
                "/oauth/token", data={**form, "grant_type": "client_credentials"}
            ).json()["access_token"]
            answered = client.request(
                method, path, json=document, headers={"Authorization": f"Bearer {token}"}
            )
        assert answered.json()["success"] is True, answered.text
        return answered.json()

    def close_period(self, name: str, status: str = "Closed") -> None:
        """Close a period for everybody, or begin to."""
        for how in ("pending-close", "close")[: 1 + (status == "Closed")]:
            self.api("PUT", f"/v1/accounting-periods/{self._period(name)}/{how}")

    def reopen_period(self, name: str) -> None:
        self.api("PUT", f"/v1/accounting-periods/{self._period(name)}/reopen")

    def _period(self, name: str) -> str:
        periods = self.api("GET", "/v1/accounting-periods")["accountingPeriods"]
        return next(str(period["id"]) for period in periods if period["name"] == name)

    def post_foreign(self, **fields: object) -> str:
        """An entry that somebody made by hand."""
        spec = json.loads(json.dumps(of(), default=str))
        return str(
            self.api("POST", "/v1/journal-entries", {**spec, **fields})["journalEntryNumber"]
        )

    def _committed(self, commit: Any) -> None:
        if "journal-entries" in commit.path:
            self.doubled += [name for name, numbers in self.live().items() if len(numbers) > 1]
            self.on_commit(commit)

    def _require_intent(self, sent: Sent) -> None:
        """I-04: what is sent stands in the daybook, in the same words, and is open."""
        row = self.rows(
            "select i.content ->> 'key' as key, i.content ->> 'payload' as payload, "
            "i.content ->> 'number' as number from events i left join events o "
            "on o.type = 'outcome' and o.content ->> 'intent' = i.seq where i.type = 'intent' "
            "and (o.seq is null or o.content ->> 'result' = 'unknown') order by i.seq",
            self.daybook_path,
        )
        number = sent.path.split("/")[3] if len(sent.path.split("/")) > 3 else None
        assert any(
            (item["key"] or "", (item["payload"] or "").encode(), item["number"])
            == (sent.key, sent.body, number)
            for item in row
        ), f"no open intent for {sent}"


EVERYTHING = (
    "Create Journal Entry",
    "Edit Journal Entry",
    "Cancel Journal Entry",
    "Cancel Journal Run",
    "Delete Cancelled Journal Entry",
    "Override Transferred to Accounting",
    "Manage Close Process",
    "Run Trial Balance",
    "Reopen Accounting Period",
)


def closed_first(bench: Bench, status: str = "Closed", fault: Fault = Line.deliver) -> Fault:
    """January is closed after its last read and before a call arrives."""

    def closes(line: Line, request: httpx.Request) -> httpx.Response:
        bench.close_period("Jan-2026", status)
        return fault(line, request)

    return closes


def outcomes(report: Report) -> set[str]:
    return {item.outcome.value for item in report.applied}


def content(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    """What of an entry a declaration can say, in one form."""
    lines = sorted(
        (line["accountingCodeName"], line["type"], str(Decimal(line["amount"]).normalize()))
        for line in fields["journalEntryItems"]
    )
    names = ("accountingPeriodName", "currency", "journalEntryDate", "notes", "Ticket__c")
    return (*(fields.get(name) for name in names), lines)
