"""The same rules hold when a transport of the caller's takes the place of sockets."""

import gzip
import json
import threading
import time
from wsgiref.validate import validator

import httpx
import pytest
from fault_server import ENTRY, TOKEN_DOCUMENT
from httpx_transport import HttpxTransport

from reconciler.core.model.kinds import KINDS
from reconciler.engine.observe import read_all
from reconciler.errors import LedgerError, LedgerUnreachable, OutcomeUnknown
from reconciler.http_client.base_url import parse_base_url
from reconciler.http_client.clock import Clock
from reconciler.http_client.in_process import InProcess
from reconciler.http_client.raw_answer import RawRequest
from reconciler.zuora.client import Client
from reconciler.zuora.connection import CallLimits, Connection, Credentials

KIND = KINDS["JournalEntry"]
NUMBER = "JE-00000001"
JSON = ("Content-Type", "application/json")
WHOLE = json.dumps(ENTRY).encode()
TWICE = CallLimits(attempts=2)


def client_of(app, *, limits: CallLimits = TWICE, **doors) -> Client:
    return Client(
        Connection(base_url="http://localhost"),
        Credentials(token="ready"),
        **{
            "clock": Clock(sleep=lambda _: None),
            "transport": InProcess(app),
            "limits": limits,
            **doors,
        },
    )


def app_of(*parts: bytes, headers=(JSON,), pause: float = 0.0):
    def app(environ, start_response):
        start_response("200 OK", list(headers))
        for part in parts:
            time.sleep(pause)
            yield part

    return app


def test_an_answer_in_pieces_is_read():
    pieces = [WHOLE[at : at + 7] for at in range(0, len(WHOLE), 7)]
    with client_of(app_of(*pieces)) as client:
        assert client.read(KIND, NUMBER).number == NUMBER


def test_an_application_is_called_as_by_a_server():
    """The validator of the standard library holds both sides to PEP 3333."""
    seen = []

    def app(environ, start_response):
        seen.append({**environ, "body": environ["wsgi.input"].read(100)})
        start_response("200 OK", [JSON, ("X-Twice", "1"), ("X-Twice", "2")])
        return [WHOLE]

    raw = RawRequest(
        method="PUT",
        base_url=parse_base_url("http://localhost:8021"),
        target="/v1/a%20b/%C3%A9?q=%C3%A9&r=1",
        headers={"Content-Type": "application/json", "Zuora-Track-Id": "t"},
        body=b"{}",
        deadline=1e9,
        timeout=1,
        connect_timeout=1,
    )
    with InProcess(validator(app)).answer(raw) as answer:
        assert b"".join(answer.chunks) == WHOLE
    assert (answer.status, answer.headers["x-twice"]) == (200, "1, 2")
    wanted = {
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": "/v1/a b/\u00c3\u00a9",
        "QUERY_STRING": "q=%C3%A9&r=1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "2",
        "HTTP_HOST": "localhost:8021",
        "SERVER_PORT": "8021",
        "HTTP_ZUORA_TRACK_ID": "t",
        "body": b"{}",
    }
    assert {name: seen[0][name] for name in wanted} == wanted


def test_nothing_is_to_be_compressed_in_one_process():
    asked = []

    def app(environ, start_response):
        asked.append(environ)
        start_response("200 OK", [JSON])
        return [WHOLE]

    with client_of(app) as client:
        client.read(KIND, NUMBER)
    assert "HTTP_ACCEPT_ENCODING" not in asked[0]
    assert asked[0]["HTTP_ACCEPT"]


def test_reads_one_at_a_time_need_no_thread():
    threads = []

    class Ledger:
        def read(self, kind, number):
            threads.append(threading.current_thread())
            if number == "lost":
                raise LedgerUnreachable("gone", remedy="")

    wanted = [(KIND, "a"), (KIND, "b")]
    assert read_all(wanted, Ledger(), parallelism=1) == {"a": None, "b": None}
    assert threads == [threading.main_thread()] * 2
    with pytest.raises(LedgerUnreachable):
        read_all([(KIND, "lost"), *wanted], Ledger(), parallelism=1)
    assert len(threads) == 3


def test_a_compressed_answer_in_pieces_is_read():
    packed = gzip.compress(WHOLE)
    pieces = [packed[at : at + 7] for at in range(0, len(packed), 7)]
    with client_of(app_of(*pieces, headers=[JSON, ("Content-Encoding", "gzip")])) as client:
        assert client.read(KIND, NUMBER).number == NUMBER


@pytest.mark.parametrize(
    ("body", "headers", "says"),
    [
        pytest.param(WHOLE, [("Content-Length", "7")], "length of the response", id="longer"),
        pytest.param(WHOLE, [("Content-Length", "9999")], "length of the response", id="shorter"),
        pytest.param(
            gzip.compress(WHOLE) + gzip.compress(b"{}"),
            [("Content-Encoding", "gzip")],
            "continues after",
            id="a second gzip stream",
        ),
        pytest.param(b" " * 2000 + WHOLE, [], "larger than 1000 bytes", id="too large"),
        pytest.param(
            gzip.compress(b" " * 2000 + WHOLE),
            [("Content-Encoding", "gzip")],
            "larger than 1000 bytes",
            id="too large once inflated",
        ),
    ],
)
def test_a_body_that_is_not_what_it_says_is_an_error(body, headers, says):
    limits = CallLimits(attempts=1, body_bytes=1000)
    with (
        client_of(app_of(body, headers=[JSON, *headers]), limits=limits) as client,
        pytest.raises(LedgerError, match=says),
    ):
        client.read(KIND, NUMBER)


def test_n12_a_slow_body_ends_with_the_deadline():
    app = app_of(*[b" "] * 100_000, pause=0.01)
    start = time.monotonic()
    with (
        client_of(app, limits=CallLimits(deadline=0.1)) as client,
        pytest.raises(OutcomeUnknown, match="took too long"),
    ):
        client.cancel(KIND, NUMBER)
    assert time.monotonic() - start < 500, "the whole body takes a thousand seconds"


def test_an_error_of_the_transport_before_anything_left_promises_that():
    def refuse(request):
        raise httpx.ConnectError("no way there")

    refusing = HttpxTransport(httpx.MockTransport(refuse))
    with (
        client_of(None, transport=refusing) as client,
        pytest.raises(LedgerUnreachable, match="no way there"),
    ):
        client.cancel(KIND, NUMBER)


def test_a_defect_of_the_app_is_not_hidden():
    def app(environ, start_response):
        raise ZeroDivisionError

    with client_of(app) as client, pytest.raises(ZeroDivisionError):
        client.cancel(KIND, NUMBER)


def test_a_place_that_stays_taken_ends_a_call_that_sent_nothing():
    entered, leave, seen = threading.Event(), threading.Event(), []

    def app(environ, start_response):
        seen.append(environ["PATH_INFO"])
        entered.set()
        leave.wait(10)
        start_response("200 OK", [JSON])
        return [WHOLE]

    limits = CallLimits(concurrency=1, deadline=0.2, attempts=1)
    with client_of(app, limits=limits) as client:
        first = threading.Thread(target=lambda: client.read(KIND, NUMBER))
        first.start()
        entered.wait(10)
        try:
            with pytest.raises(LedgerUnreachable, match="nothing was sent"):
                client.cancel(KIND, NUMBER)
        finally:
            leave.set()
            first.join()
    assert len(seen) == 1


def test_a_client_may_be_closed_while_a_call_is_in_flight():
    entered, leave, read = threading.Event(), threading.Event(), []

    def app(environ, start_response):
        entered.set()
        leave.wait(10)
        start_response("200 OK", [JSON])
        return [WHOLE]

    client = client_of(app)
    thread = threading.Thread(target=lambda: read.append(client.read(KIND, NUMBER)))
    thread.start()
    entered.wait(10)
    client.close()
    leave.set()
    thread.join()
    assert read[0].number == NUMBER


def test_waiting_for_anothers_token_ends_with_the_deadline():
    entered, leave = threading.Event(), threading.Event()

    def app(environ, start_response):
        entered.set()
        leave.wait(10)
        start_response("200 OK", [JSON])
        return [json.dumps(TOKEN_DOCUMENT).encode()]

    client = Client(
        Connection(base_url="http://localhost"),
        Credentials(client_id="i" * 36, client_secret="s" * 42),
        transport=InProcess(app),
        limits=CallLimits(deadline=0.2, attempts=1),
    )
    first = threading.Thread(target=client.tenant)
    with client:
        first.start()
        entered.wait(10)
        try:
            with pytest.raises(LedgerUnreachable, match="Signing in"):
                client.read(KIND, NUMBER)
        finally:
            leave.set()
            first.join()
