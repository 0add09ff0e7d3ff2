"""A server on a real socket that does wrong by script: resets, drips, lies and silence."""

import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

CLIENT_ID = "canary-id-4d51-4b2a-9c3e-000000000001"
SECRET = "canary/secret+A=b&c d%é"
TOKEN = "canary-token-5f0c1d2e3b4a"
TOKEN_DOCUMENT = {
    "access_token": TOKEN,
    "token_type": "bearer",
    "expires_in": 3599,
    "scope": "user.1234 entity.5678 tenant.4711 openid",
}

ENTRY = {
    "success": True,
    "number": "JE-00000001",
    "status": "Created",
    "accountingPeriodName": "Jan-2026",
    "currency": "USD",
    "journalEntryDate": "2026-01-31",
    "notes": None,
    "transferredToAccounting": "No",
    "journalEntryItems": [
        {"accountingCodeName": "Cash", "type": "Debit", "amount": "400.90"},
        {"accountingCodeName": "Sales", "type": "Credit", "amount": "400.90"},
    ],
}
CREATED = {"success": True, "journalEntryNumber": "JE-00000001"}
DONE = {"success": True}


def envelope(*reasons: tuple[object, str]) -> dict:
    """A failure as the API words it: codes and messages."""
    return {
        "success": False,
        "processId": "CBCFED6580B4E076",
        "requestId": "359b0b97-0000-4000-8000-000000000000",
        "reasons": [{"code": code, "message": message} for code, message in reasons],
    }


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request as it came in, byte for byte."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def for_token(self) -> bool:
        return self.target.endswith("/oauth/token")


@dataclass(frozen=True, kw_only=True)
class Act:
    """What the server does once: before it reads, what it sends, and how it ends."""

    send: bytes = b""
    reset_on_accept: bool = False
    reset_inside_request: bool = False
    delay: float = 0.0
    drip: float = 0.0
    flood: int = 0
    end: str = "keep"  # keep the connection, "close" it, "reset" it, or stay "silent"


def answer(
    status: int = 200,
    document: object = None,
    *,
    raw: bytes | None = None,
    headers: Iterable[tuple[str, str]] = (),
    content_type: str = "application/json",
) -> Act:
    """A whole HTTP answer."""
    body = json.dumps(document).encode() if raw is None else raw
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines.extend(f"{name}: {text}" for name, text in headers)
    return Act(send="\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def zipped(raw: bytes, *, cut: int | None = None) -> Act:
    """A gzip answer, cut off inside its stream when asked to."""
    return answer(raw=gzip.compress(raw)[:cut], headers=[("Content-Encoding", "gzip")])


def closing(act: Act) -> Act:
    """The act, with the connection closed after it."""
    return replace(act, end="close")


RESET_ON_ACCEPT = Act(reset_on_accept=True)
RESET_INSIDE_REQUEST = Act(reset_inside_request=True)
RESET_AFTER_REQUEST = Act(end="reset")
CLOSED_AFTER_REQUEST = Act(end="close")
SILENCE = Act(end="silent")
HALF_HEADERS = Act(send=b"HTTP/1.1 200 OK\r\nContent-Type: appl", end="close")
HALF_BODY = replace(answer(document=ENTRY | CREATED), end="close")
HALF_BODY = replace(HALF_BODY, send=HALF_BODY.send[:-40])
DRIP_BODY = replace(answer(document=ENTRY | CREATED), drip=0.02)
DRIP_HEADERS = Act(send=b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 2000, drip=0.02)
FLOOD = Act(
    send=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n",
    flood=1 << 30,
)


def good(request: Received) -> Act:
    """What a sound ledger answers."""
    if request.for_token:
        # Closed, so that the call that follows opens the connection its fault is played on.
        return closing(answer(document=TOKEN_DOCUMENT, headers=[("Connection", "close")]))
    if request.method == "GET":
        return answer(document=ENTRY)
    return answer(document=CREATED if request.method == "POST" else DONE)


Script = Callable[[Received, int], Act]
"""The act for a request, given how many scripted ones came before it."""


@dataclass
class FaultServer:
    """Listens on a loopback port and plays `script`; token requests are sound unless scripted."""

    script: Script = lambda request, _: good(request)
    scripts_token: bool = False
    context: ssl.SSLContext | None = None
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    played: int = 0
    """Acts played, sound ones included; token requests count only when they are scripted."""

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(10)
        self._port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._mute = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        scheme = "http" if self.context is None else "https"
        return f"{scheme}://127.0.0.1:{self._port}"

    @property
    def calls(self) -> list[Received]:
        """The requests other than for a token."""
        return [request for request in self.requests if not request.for_token]

    @property
    def token_requests(self) -> list[Received]:
        return [request for request in self.requests if request.for_token]

    def play(self, *acts: Act, then: Act | None = None) -> "FaultServer":
        """Plays acts one after the other, then a sound ledger, or `then` for ever."""

        def script(request: Received, index: int) -> Act:
            return acts[index] if index < len(acts) else (then or good(request))

        self.script = script
        return self

    def vanish(self, last: Act) -> Act:
        """Refuses every connection from now on; what is being answered gets `last`."""
        if not self._stopped.is_set():
            self._stopped.set()
            with socket.socket() as wake, contextlib.suppress(OSError):
                wake.settimeout(0.2)
                wake.connect(("127.0.0.1", self._port))
            self._thread.join()
            self._listener.close()
        return last

    def fall_mute(self) -> None:
        """Takes no connection from now on: the kernel's queue is full, and it drops who knocks."""
        self._mute.set()
        self._listener.listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self._port))
            self._open.append(filler)
        # One of them wakes the thread that accepts, which ends; the others fill the queue.
        self._thread.join()

    def stop(self) -> None:
        self.vanish(Act())
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            _shut(connection)
            connection.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            if self._stopped.is_set():
                connection.close()
                return
            if self._mute.is_set():
                self._open.append(connection)
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.append(connection)
        try:
            if self._early(connection):
                return
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
                with self._lock:
                    self._open.append(connection)
            while self._answer(connection):
                pass
        except OSError:
            pass
        finally:
            connection.close()

    def _early(self, connection: socket.socket) -> bool:
        """Plays the acts that come before a request is read."""
        probe = Received(method="", target="", headers={}, body=b"")
        with self._lock:
            act = self.script(probe, self.played)
            if not (act.reset_on_accept or act.reset_inside_request):
                return False
            self.played += 1
        if act.reset_inside_request:
            connection.recv(10)
        _reset(connection)
        return True

    def _answer(self, connection: socket.socket) -> bool:
        request = _read(connection)
        if request is None:
            return False
        with self._lock:
            self.requests.append(request)
            if request.for_token and not self.scripts_token:
                act = good(request)
            else:
                act = self.script(request, self.played)
                self.played += 1
        return self.perform(connection, act)

    def perform(self, connection: socket.socket, act: Act) -> bool:
        if act.delay and self._stopped.wait(act.delay):
            return False
        if act.drip:
            for position in range(len(act.send)):
                connection.sendall(act.send[position : position + 1])
                if self._stopped.wait(act.drip):
                    return False
        else:
            connection.sendall(act.send)
        for _ in range(act.flood >> 16):
            connection.sendall(b" " * (1 << 16))
        if act.end == "silent":
            self._stopped.wait()
        if act.end == "reset":
            _reset(connection)
        return act.end == "keep" and not self._stopped.is_set()


def _read(connection: socket.socket) -> Received | None:
    stream = connection.makefile("rb")
    with stream:
        line = stream.readline().decode("latin-1").strip()
        if line.count(" ") != 2:
            return None
        headers = {}
        while text := stream.readline().decode("latin-1").strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
    method, target, _ = line.split(" ")
    return Received(method=method, target=target, headers=headers, body=body)


def _reset(connection: socket.socket) -> None:
    """Closes with RST: nothing unsent is sent any more."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
