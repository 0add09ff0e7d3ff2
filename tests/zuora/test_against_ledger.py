"""The client and the embedded ledger understand each other, in process and over a socket."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
import waitress
from httpx_transport import HttpxTransport
from waitress import wasyncore

from reconciler.core.model.kinds import KINDS
from reconciler.core.recovery.marker_search import statement_of
from reconciler.errors import AccessRefused, RequestRefused
from reconciler.http_client.clock import Clock
from reconciler.http_client.in_process import InProcess
from reconciler.ledger import Ledger, create_app, open_ledger
from reconciler.zuora.client import Client
from reconciler.zuora.connection import Connection, Credentials

KIND = KINDS["JournalEntry"]
REFERENCE = Path(__file__).parents[2] / "journals" / "reference.yaml"


def body(*, amount: str = "400.90", credit: str | None = None, **changes: object) -> bytes:
    lines = [
        {
            "accountingCodeName": name,
            "type": side,
            "amount": value,
            "homeCurrencyAmount": value,
        }
        for name, side, value in (
            ("Deferred Revenue", "Debit", amount),
            ("Subscription Revenue", "Credit", credit or amount),
        )
    ]
    spec = {
        "accountingPeriodName": "Jan-2026",
        "currency": "USD",
        "journalEntryDate": "2026-01-31",
        "notes": "True-up",
        "journalEntryItems": lines,
    }
    return json.dumps(spec | changes).encode()


@contextmanager
def in_process(app) -> Iterator[tuple[str, InProcess | None]]:
    yield "http://localhost", InProcess(app)


@contextmanager
def on_a_socket(app) -> Iterator[tuple[str, InProcess | None]]:
    sockets: dict = {}
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=8, map=sockets)
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            wasyncore.loop(timeout=0.02, map=sockets, count=1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}", None
    finally:
        stopping.set()
        thread.join()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)


Open = Callable[..., Client]


@pytest.fixture(params=[in_process, on_a_socket], ids=["in process", "on a socket"])
def place(request, ledger) -> Iterator[tuple[str, InProcess | None]]:
    with request.param(create_app(ledger, failed_login_delay=0)) as place:
        yield place


@pytest.fixture(scope="session")
def seeded(tmp_path_factory) -> Path:
    """A database with the reference of the example books, made once and copied for each test."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    open_ledger(f"sqlite:///{path}", REFERENCE).close()
    return path


@pytest.fixture
def ledger(seeded, tmp_path) -> Iterator[Ledger]:
    path = shutil.copy(seeded, tmp_path)
    with open_ledger(f"sqlite:///{path}") as ledger:
        yield ledger


@pytest.fixture
def opened(place, ledger) -> Iterator[Open]:
    base_url, transport = place
    clients = []

    def opened(permissions: list[str] | None = None, *, secret: str = "") -> Client:
        client_id, issued = ledger.issue_client("test", permissions)
        credentials = Credentials(client_id=client_id, client_secret=secret or issued)
        connection = Connection(base_url=base_url)
        clients.append(
            Client(connection, credentials, transport=transport, clock=Clock(sleep=lambda _: None))
        )
        return clients[-1]

    yield opened
    for client in clients:
        client.close()


@pytest.fixture
def client(opened) -> Client:
    return opened()


def test_the_tenant_is_the_ledgers(client, ledger):
    tenant = client.tenant()
    assert tenant.tenant_id == ledger.tenant_id != ""
    assert tenant.host in ("localhost", "127.0.0.1")


def test_an_entry_is_created_read_updated_cancelled_and_deleted(client):
    number = client.create(KIND, body(), key="key-1", track_id="track-1")
    live = client.read(KIND, number)
    assert (live.number, live.status, live.fields["notes"]) == (number, "Created", "True-up")
    assert (
        sorted(line["amount"] for line in live.fields["journalEntryItems"])
        == [Decimal("400.90")] * 2
    )

    client.update(KIND, number, b'{"notes": "Checked"}')
    assert client.read(KIND, number).fields["notes"] == "Checked"

    client.cancel(KIND, number)
    assert client.read(KIND, number).status == "Cancelled"

    client.delete(KIND, number)
    assert client.read(KIND, number) is None


@pytest.mark.parametrize("amount", ["0.01", "0.10", "400.90", "9007199254740.93", "123456789.12"])
def test_amounts_go_there_and_back_exactly(client, amount):
    number = client.create(KIND, body(amount=amount), key="k")
    assert {
        line[field]
        for line in client.read(KIND, number).fields["journalEntryItems"]
        for field in ("amount", "homeCurrencyAmount")
    } == {Decimal(amount)}


def test_the_same_key_gives_the_same_number(client):
    first = client.create(KIND, body(), key="key-1")
    assert client.create(KIND, body(), key="key-1") == first
    assert client.create(KIND, body(), key="key-2") != first


def test_nothing_is_live_under_a_number_never_given(client):
    assert client.read(KIND, "JE-00009999") is None


@pytest.mark.parametrize("call", ["cancel", "delete"])
def test_a_number_never_given_cannot_be_changed(client, call):
    with pytest.raises(RequestRefused) as caught:
        getattr(client, call)(KIND, "JE-00009999")
    assert [code % 100 for code in caught.value.codes] == [40]


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        pytest.param(body(credit="400.80"), "", id="unbalanced"),
        pytest.param(body(currency="XXX"), "XXX", id="unknown currency"),
        pytest.param(body(accountingPeriodName="Never"), "Never", id="unknown period"),
        pytest.param(b"{", "", id="not JSON"),
    ],
)
def test_a_create_the_ledger_refuses_says_why(client, refused, says):
    with pytest.raises(RequestRefused) as caught:
        client.create(KIND, refused, key="k")
    assert caught.value.codes
    assert says in caught.value.message
    assert client.read(KIND, "JE-00000001") is None


def test_an_entry_is_deleted_only_after_it_was_cancelled(client):
    number = client.create(KIND, body(), key="k")
    with pytest.raises(RequestRefused):
        client.delete(KIND, number)
    assert client.read(KIND, number).status == "Created"


@pytest.mark.parametrize(
    ("call", "permission"),
    [
        ("create", "Create Journal Entry"),
        ("update", "Edit Journal Entry"),
        ("cancel", "Cancel Journal Entry"),
        ("delete", "Delete Cancelled Journal Entry"),
    ],
)
def test_a_missing_permission_is_named(client, opened, call, permission):
    number = client.create(KIND, body(), key="k")
    clerk = opened([])
    calls = {
        "create": lambda: clerk.create(KIND, body(), key="another"),
        "update": lambda: clerk.update(KIND, number, b'{"notes": "x"}'),
        "cancel": lambda: clerk.cancel(KIND, number),
        "delete": lambda: clerk.delete(KIND, number),
    }
    with pytest.raises(AccessRefused) as caught:
        calls[call]()
    assert permission in caught.value.remedy
    live = client.read(KIND, number)
    assert (live.status, live.fields["notes"]) == ("Created", "True-up")


def test_a_wrong_secret_is_refused(opened):
    with pytest.raises(AccessRefused) as caught:
        opened(secret="x" * 42).tenant()
    assert "ZUORA_CLIENT_SECRET" in caught.value.remedy


def test_codes_and_periods_are_those_of_the_reference(client):
    codes = {code.name: code for code in client.accounting_codes()}
    assert len(codes) > 40  # more than one page
    assert codes["Deferred Revenue"].type == "DeferredRevenue"
    assert codes["License Revenue"].status == "Inactive"
    periods = {period.name: period for period in client.accounting_periods()}
    assert periods["Jan-2026"].end_date == "2026-01-31"
    assert periods["Open-Ended"].end_date is None


def test_the_ledgers_clock_is_known_after_a_call(client):
    client.tenant()
    assert client.server_time().utcoffset().total_seconds() == 0


def test_n08_an_answer_lost_after_the_commit_gives_the_first_number(ledger):
    lost = []

    def lose_first(commit: object) -> None:
        if not lost:
            lost.append(commit)
            raise httpx.ReadError("the connection is gone")

    app = create_app(ledger, after_commit=lose_first)
    client_id, secret = ledger.issue_client("test")
    connection = Connection(base_url="http://localhost")
    credentials = Credentials(client_id=client_id, client_secret=secret)
    transport = HttpxTransport(httpx.WSGITransport(app=app))
    with Client(
        connection, credentials, transport=transport, clock=Clock(sleep=lambda _: None)
    ) as client:
        client.tenant()
        number = client.create(KIND, body(), key="key-1")
        assert lost
        assert client.read(KIND, number).status == "Created"
        assert client.read(KIND, f"JE-{int(number[3:]) + 1:08d}") is None


def test_eight_threads_share_a_client(client):
    numbers: list[str] = []

    def work(index: int) -> None:
        for turn in range(3):
            number = client.create(KIND, body(), key=f"key-{index}-{turn}")
            assert client.read(KIND, number).number == number
            numbers.append(number)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(numbers)) == 24


def test_a_query_finds_entries_by_their_marker(client):
    number = client.create(KIND, body(ReconcilerKey__c="books/a_b"), key="k1")
    client.create(KIND, body(ReconcilerKey__c="bookszz/a"), key="k2")
    statement = statement_of(KIND, "books", "ReconcilerKey__c")
    assert client.query(statement) == (
        {"number": number, "status": "Created", "marker": "books/a_b"},
    )
    assert client.query(statement_of(KIND, "books", "ReconcilerKey__c", ["a"])) == ()
    with pytest.raises(RequestRefused):
        client.query("DROP TABLE JournalEntry")
