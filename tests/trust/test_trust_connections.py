"""Connections that send or receive nothing keep nobody out of `ledger serve`."""

import contextlib
import json
import socket
import sqlite3
from urllib.parse import urlsplit

import pytest
from ledger_server import ENTRIES, entry, serving

HEAD = b"POST /oauth/token HTTP/1.1\r\nHost: 127.0.0.1\r\n"
BEGINNINGS = {
    "nothing": b"",
    "half a request line": b"GET /v1/jour",
    "half the headers": HEAD,
    "half the body": HEAD + b"Content-Length: 100\r\n\r\nclient_id=",
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    "a whole request, then nothing": b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}
"""What a caller sends before it stops, by what that is."""


@contextlib.contextmanager
def connected(server, *beginnings, receive=None):
    """Connections that have sent so much. `receive` is the size of their buffers."""
    address = urlsplit(server.url)
    with contextlib.ExitStack() as stack:
        opened = []
        for beginning in beginnings:
            one = stack.enter_context(socket.socket())
            if receive:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
            one.connect((address.hostname, address.port))
            one.sendall(beginning)
            opened.append(one)
        yield opened


def admitted(server, beginning):
    """A connection that the server takes, once it knows that the one before it has ended."""
    for _ in range(1000):
        with contextlib.ExitStack() as stack:
            (one,) = stack.enter_context(connected(server, beginning))
            if (answer := one.recv(12)) != b"HTTP/1.1 503":
                return stack.pop_all(), one, answer
    raise AssertionError("no connection is taken")


def rest(connection):
    """Everything until the server closes the connection."""
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return bytes(received)


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_t18_idle_connections_stop_no_client(tmp_path, beginning):
    with (
        serving(tmp_path / "ledger.db", "--connection-timeout", "600") as server,
        connected(server, *[beginning] * 300),
        server.client() as client,
    ):
        number = client.post(ENTRIES, json=entry()).json()["journalEntryNumber"]
        assert client.get(f"{ENTRIES}/{number}").json()["status"] == "Created"


def test_t18_the_connections_of_an_address_are_limited(tmp_path):
    """The longest idle ones give way: first those that never sent a request, then the others."""
    options = ("--connections-per-address", "20", "--connection-timeout", "600")
    with (
        serving(tmp_path / "ledger.db", *options) as server,
        server.client() as client,  # its connection stays open, and has sent a request
        connected(server, *[HEAD] * 60) as idle,
    ):
        port = (
            client.get("/openapi.json").extensions["network_stream"].get_extra_info("client_addr")
        )
        assert {rest(each) for each in idle[:40]} == {b""}  # closed, for it would wait for ever
        again = client.get("/openapi.json").extensions["network_stream"]
        assert again.get_extra_info("client_addr") == port  # the same connection


def test_t18_a_connection_has_a_deadline_whatever_it_waits_for(tmp_path):
    with (
        serving(tmp_path / "ledger.db", "--connection-timeout", "1") as server,
        connected(server, *BEGINNINGS.values()) as opened,
    ):
        answers = dict(zip(BEGINNINGS, map(rest, opened), strict=True))
        assert answers.pop("a whole request, then nothing").startswith(b"HTTP/1.1 200 OK")
        assert set(answers.values()) == {b""}


def test_t18_an_answer_that_nobody_receives_has_a_deadline(tmp_path):
    asked = 150
    request = BEGINNINGS["a whole request, then nothing"]
    with serving(tmp_path / "ledger.db", "--connection-timeout", "1") as server:
        with connected(server, request) as (one,):
            size = len(rest(one))
        # More than the buffers of both sides hold, and nothing of it is read.
        with connected(server, request * asked, receive=4096) as (slow,):
            with connected(server, request) as (later,):
                rest(later)  # closed by its deadline, so that of the one before is over too
            assert len(rest(slow)) < asked * size


def test_t18_workers_of_one_address_are_not_limited_to_few(tmp_path):
    """40 workers, and others beside them, on the address that everybody here has."""
    with serving(tmp_path / "ledger.db") as server, server.client() as client:
        request = f"GET {ENTRIES}/JE-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
        with connected(server, *[request] * 120) as workers:
            for worker in workers:
                worker.sendall(f"Authorization: {client.headers['Authorization']}\r\n".encode())
            for worker in workers:
                worker.sendall(b"Connection: close\r\n\r\n")
            assert {rest(worker).split()[1] for worker in workers} == {b"404"}


def test_t18_an_address_whose_requests_are_all_at_work_gets_503(tmp_path):
    """What is at work is never closed for a newcomer."""
    database = tmp_path / "ledger.db"
    options = ("--connections-per-address", "1", "--connection-timeout", "600")
    with serving(database, *options) as server, server.client() as client:
        token = client.headers["Authorization"]
        client.close()
        body = json.dumps(entry()).encode()
        head = f"POST {ENTRIES} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n"
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        write = f"{head}{length}Connection: close\r\n\r\n".encode() + body
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # the server waits for this writer
            ahead = BEGINNINGS["a whole request, then nothing"]
            # The answer is to the first request, so the server has the second.
            opened, busy, answer = admitted(server, ahead + write)
            with opened:
                with connected(server, b"") as (second,):
                    assert rest(second).startswith(b"HTTP/1.1 503 ")
                other.execute("ROLLBACK")
                answer += rest(busy)
        assert answer.count(b"HTTP/1.1 200 OK") == 2
        assert b"JE-00000001" in answer
