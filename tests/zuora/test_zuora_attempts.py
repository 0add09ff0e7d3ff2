"""What is sent again, what is not, and what is known afterwards (I-05, I-34, N01 to N27)."""

import socket
import time
from contextlib import ExitStack, contextmanager, nullcontext

import fault_server as wire
import pytest
from fault_server import CREATED, ENTRY, Act, FaultServer, answer, envelope
from fault_table import ATTEMPTS, CALLS, FAULTS, HTML, KIND, NUMBER, PATIENCE, patience

from reconciler.errors import (
    LedgerError,
    LedgerUnreachable,
    OutcomeUnknown,
    RequestRefused,
)
from reconciler.zuora.connection import CallLimits


@pytest.mark.parametrize("fault", ["N09 silence", "N16 500", "N20 HTML", "N11 half body"])
def test_attempts_of_a_create_are_byte_identical(server, connect, fault):
    act, _ = FAULTS[fault]
    client = connect(server.url, limits=patience(act, passing=True))
    client.tenant()
    server.play(act, act)
    body = b'{"amount": "400.90",  "odd":"spacing"}'
    assert client.create(KIND, body, key="key-1", track_id="t-1") == NUMBER
    first, *others = server.calls
    assert len(others) == 2
    assert all(other == first for other in others)
    assert (first.method, first.target) == ("POST", "/v1/journal-entries")
    assert first.body == body
    assert first.headers["idempotency-key"] == "key-1"
    assert first.headers["zuora-track-id"] == "t-1"


@pytest.mark.parametrize("call", ["read", "update", "cancel", "delete", "token"])
def test_only_a_create_has_a_key(server, connect, call):
    CALLS[call](connect(server.url))
    assert all("idempotency-key" not in request.headers for request in server.requests)


@pytest.mark.parametrize(
    "number",
    [
        None,
        1,
        "",
        "JE-1",
        "JR-00000001",
        "JE-00000001\n",
        "JE-0000000\uff11",
        "je-00000001",
        " JE-00000001",
    ],
)
def test_n21_a_create_without_a_proper_number_is_unknown(server, connect, number):
    client = connect(server.url, limits=PATIENCE)
    client.tenant()
    server.play(then=answer(document={"success": True, "journalEntryNumber": number}))
    with pytest.raises(OutcomeUnknown):
        CALLS["create"](client)


@pytest.mark.parametrize("number", [None, 1, "JE-00000002", "JE-00000001 ", "JE-000000010"])
def test_n21_a_read_of_another_number_is_an_error(server, connect, number):
    client = connect(server.url, limits=PATIENCE)
    server.play(then=answer(document=ENTRY | {"number": number}))
    with pytest.raises(LedgerError) as caught:
        CALLS["read"](client)
    assert type(caught.value) is LedgerError


def test_n13_a_slow_answer_is_an_answer(server, connect):
    act = answer(document=CREATED)
    server.play(Act(send=act.send, delay=0.05))
    assert CALLS["create"](connect(server.url)) == NUMBER


@pytest.mark.parametrize("call", ["create", "read", "update", "cancel", "delete"])
def test_n06_a_reset_on_accept_is_no_success_whether_or_not_a_byte_had_left(server, connect, call):
    client = connect(server.url, limits=PATIENCE)
    client.tenant()
    server.play(then=wire.RESET_ON_ACCEPT)
    with pytest.raises((LedgerUnreachable, OutcomeUnknown)):
        CALLS[call](client)
    assert server.calls == []


def test_n01_refused_is_tried_again_and_nothing_was_sent(connect, clock):
    gone = FaultServer()
    gone.stop()
    with pytest.raises(LedgerUnreachable, match="nothing was sent"):
        CALLS["cancel"](connect(gone.url))
    assert len(clock.slept) == 5


def test_n02_a_name_that_does_not_exist_is_tried_again(connect, clock):
    with pytest.raises(LedgerUnreachable, match="nothing was sent"):
        CALLS["create"](connect("https://ledger.invalid"))
    assert len(clock.slept) == 5


@contextmanager
def silent(host, port=0):
    """A listener that opens no connection, because its backlog is full. Yields its port."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, port))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((host, port))
        yield port


def test_n03_a_connection_that_never_opens_is_tried_again(connect, clock):
    with silent("127.0.0.1") as port:
        limits = CallLimits(attempts=ATTEMPTS, connect_timeout=0.1)
        client = connect(f"http://127.0.0.1:{port}", limits=limits)
        with pytest.raises(LedgerUnreachable, match="nothing was sent"):
            CALLS["token"](client)
    assert len(clock.slept) == ATTEMPTS - 1


def has_addresses(monkeypatch, *addresses):
    """Let the name localhost have these addresses."""
    look_up = socket.getaddrinfo

    def looked_up(host, *more, **given):
        named = addresses if host == "localhost" else (host,)
        return [row for one in named for row in look_up(one, *more, **given)]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)


def test_n03_all_addresses_of_a_host_share_the_time_to_connect(connect, monkeypatch):
    addresses = [f"127.0.0.{last}" for last in range(2, 8)]
    has_addresses(monkeypatch, *addresses)
    with silent(addresses[0]) as port, ExitStack() as stack:
        for address in addresses[1:]:
            stack.enter_context(silent(address, port))
        limits = CallLimits(attempts=1, connect_timeout=0.6)
        client = connect(f"http://localhost:{port}", limits=limits)
        begun = time.monotonic()
        with pytest.raises(LedgerUnreachable, match="nothing was sent"):
            CALLS["token"](client)
        assert time.monotonic() - begun < 2 * limits.connect_timeout


def test_n03_the_handshake_shares_the_time_to_connect(connect, monkeypatch):
    has_addresses(monkeypatch, "127.0.0.2", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with silent("127.0.0.2", port):
            limits = CallLimits(attempts=1, connect_timeout=1.0)
            client = connect(f"https://localhost:{port}", limits=limits)
            begun = time.monotonic()
            with pytest.raises(LedgerUnreachable, match="nothing was sent"):
                CALLS["token"](client)
            assert time.monotonic() - begun < 1.4 * limits.connect_timeout


@pytest.mark.parametrize("first", ["silent", "refused"])
def test_n03_an_address_that_never_answers_leaves_time_for_the_next(
    server, connect, clock, monkeypatch, first
):
    has_addresses(monkeypatch, "127.0.0.2", "127.0.0.1")
    port = int(server.url.rpartition(":")[2])
    with silent("127.0.0.2", port) if first == "silent" else nullcontext():
        limits = CallLimits(attempts=1, connect_timeout=1.0)
        CALLS["token"](connect(f"http://localhost:{port}", limits=limits))
    assert clock.slept == []


def test_n23_an_expired_token_is_renewed_once_with_the_same_key(server, connect):
    client = connect(server.url)
    server.play(answer(401, {"message": "Authentication error"}))
    assert CALLS["create"](client) == NUMBER
    first, second = server.calls
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert len(server.token_requests) == 2


def test_n25_nothing_goes_where_a_redirect_points(server, connect):
    trap = FaultServer()
    try:
        there = [("Location", f"{trap.url}/v1/journal-entries")]
        server.play(then=answer(307, raw=b"", headers=there))
        with pytest.raises(OutcomeUnknown, match=r"127\.0\.0\.1"):
            CALLS["create"](connect(server.url))
        assert trap.connections == 0
    finally:
        trap.stop()


def test_n26_a_replayed_first_answer_gives_its_number(server, connect):
    client = connect(server.url)
    server.play(
        wire.RESET_AFTER_REQUEST,
        answer(409, {"success": True, "journalEntryNumber": "JE-00000777"}),
    )
    assert CALLS["create"](client) == "JE-00000777"


@pytest.mark.parametrize(
    ("later", "error"),
    [
        pytest.param(answer(400, envelope((58730030, "No"))), RequestRefused, id="its own no"),
        pytest.param(answer(401, {"message": "No"}), OutcomeUnknown, id="signed out"),
        pytest.param(answer(403, {}), OutcomeUnknown, id="forbidden"),
        pytest.param(answer(422, {}), OutcomeUnknown, id="key mismatch"),
        pytest.param(answer(429, {}), OutcomeUnknown, id="limit"),
        pytest.param(answer(404, **HTML), OutcomeUnknown, id="not the API"),
        pytest.param(answer(200, envelope((50000050, "Lock"))), OutcomeUnknown, id="lock"),
    ],
)
def test_a_lost_create_stays_unknown_whatever_stands_in_the_way_later(
    server, connect, later, error
):
    client = connect(server.url, limits=PATIENCE)
    client.tenant()
    server.play(wire.RESET_AFTER_REQUEST, then=later)
    with pytest.raises(LedgerError) as caught:
        CALLS["create"](client)
    assert type(caught.value) is error


def test_a_lost_create_stays_unknown_when_the_server_is_gone_afterwards(server, connect):
    client = connect(server.url, limits=PATIENCE)
    client.tenant()
    server.script = lambda request, index: server.vanish(wire.RESET_AFTER_REQUEST)
    with pytest.raises(OutcomeUnknown):
        CALLS["create"](client)


def test_a_lost_create_stays_unknown_when_signing_in_again_fails(server, connect):
    client = connect(server.url, limits=PATIENCE)
    client.tenant()
    server.play(wire.RESET_AFTER_REQUEST, answer(401, {}), then=answer(403, {}))
    server.scripts_token = True
    with pytest.raises(OutcomeUnknown, match="Signing in"):
        CALLS["create"](client)


@pytest.mark.parametrize(
    "number", ["JE-1", "JE-00000001/cancel", "../JE-00000001", "JE-00000001\n"]
)
@pytest.mark.parametrize("call", ["read", "cancel", "delete"])
def test_i34_an_odd_number_never_enters_a_url(server, connect, call, number):
    client = connect(server.url)
    with pytest.raises(RequestRefused, match="nothing was sent"):
        getattr(client, call)(KIND, number)
    assert server.requests == []
