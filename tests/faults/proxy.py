"""A proxy on real sockets between client and ledger, which does wrong to one call of a run.

It knows HTTP, and it knows when the ledger has received a request and when it has committed one:
"received, before commit" and "committed, before the answer" are exact.
"""

import http.client
import re
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import fault_server as wire
from fault_server import Act, FaultServer, Received
from laboratory import Lab

CALLS: tuple[tuple[str, str, str], ...] = (
    ("token", "POST", r"/oauth/token"),
    ("create", "POST", r"/v1/journal-entries"),
    ("list by run", "GET", r"/v1/journal-entries/journal-runs/[^/]+"),
    ("get", "GET", r"/v1/journal-entries/[^/]+"),
    ("update", "PUT", r"/v1/journal-entries/[^/]+/basic-information"),
    ("cancel", "PUT", r"/v1/journal-entries/[^/]+/cancel"),
    ("delete", "DELETE", r"/v1/journal-entries/[^/]+"),
    ("run create", "POST", r"/v1/journal-runs"),
    ("run get", "GET", r"/v1/journal-runs/[^/]+"),
    ("run cancel", "PUT", r"/v1/journal-runs/[^/]+/cancel"),
    ("run delete", "DELETE", r"/v1/journal-runs/[^/]+"),
)
"""The calls that faults strike: name, method, path."""


def call_of(request: Received) -> str:
    """What a request asks for; `other` when no fault strikes it."""
    path = request.target.partition("?")[0]
    found = (
        name
        for name, method, pattern in CALLS
        if method == request.method and re.fullmatch(pattern, path)
    )
    return next(found, "other")


@dataclass(frozen=True, kw_only=True)
class Strike:
    """Which request is struck: the so-manieth of a call, once or from there on.

    With `since` it is counted from the moment when that call came so many times.
    """

    call: str
    nth: int = 1
    lasting: bool = False
    since: tuple[str, int] = ("", 0)


Fault = Callable[["Proxy", socket.socket, Received], bool]
"""What happens to a struck request; answers whether the connection goes on."""


class Proxy(FaultServer):
    """Stands before a laboratory's ledger, which has to be hosted.

    Every answer ends its connection, so that what strikes a connection strikes one call.
    """

    def __init__(
        self,
        lab: Lab,
        strike: Strike | None = None,
        fault: Fault | None = None,
        *,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.lab, self._strike, self._fault = lab, strike, fault
        self._upstream = urlsplit(lab.url)
        self._seen: Counter[str] = Counter()
        self._counted = 0
        self.order: list[str] = []
        """The calls in the order they came."""
        self.struck = 0
        self.held: list[Received] = []
        """Requests that are delivered late: after the next one."""
        self.resets = False
        """Whether every connection is reset as soon as it is accepted."""
        self._gate: Callable[[Proxy], None] | None = None
        self._gate_at, self._gate_call = 0, ""
        super().__init__(context=context)

    def at(self, index: int, gate: "Callable[[Proxy], None]") -> "Proxy":
        """Have the gate close when so many requests were answered, before the next connects."""
        self._gate, self._gate_at = gate, index
        if index == 0:
            self._shut_gate()
        return self

    def after(self, call: str, nth: int, gate: "Callable[[Proxy], None]") -> "Proxy":
        """Have the gate close when the so-manieth of a call was answered."""
        self._gate, self._gate_at, self._gate_call = gate, nth, call
        return self

    def _shut_gate(self) -> None:
        self.struck += 1
        assert self._gate is not None
        self._gate(self)

    def _early(self, connection: socket.socket) -> bool:
        if self.resets:
            wire._reset(connection)
        return self.resets

    def _answer(self, connection: socket.socket) -> bool:
        request = wire._read(connection)
        if request is None:
            return False
        with self._lock:
            call = call_of(request)
            self._seen[call] += 1
            self.order.append(call)
            count, number = len(self.order), self._seen[call]
            struck = self._is_struck(call)
            self.struck += struck
            late, self.held = self.held, []
        if struck:
            assert self._fault is not None
            goes_on = self._fault(self, connection, request)
        else:
            answered = self.forward(request)
            reached = count
            if self._gate_call:
                reached = number if call == self._gate_call else 0
            if self._gate is not None and reached == self._gate_at:
                self._shut_gate()
            goes_on = self.perform(connection, answered)
        for held in late:
            self.forward(held)
        return goes_on

    @property
    def nameless(self) -> Path:
        """While this file is there, the client finds no host by its name."""
        return self.lab.root / "nameless"

    def unname(self) -> None:
        self.nameless.touch()

    def cease(self) -> None:
        """Closes the listener, and lets what is being answered end."""
        self._mute.set()
        with socket.socket() as wake:
            wake.connect(("127.0.0.1", self._port))
        self._thread.join()
        self._listener.close()

    def _is_struck(self, call: str) -> bool:
        strike = self._strike
        if strike is None or call != strike.call:
            return False
        begun, times = strike.since
        if self._seen[begun] < times:
            return False
        self._counted += 1
        return self._counted == strike.nth or (strike.lasting and self._counted > strike.nth)

    def forward(self, request: Received) -> Act:
        """What the ledger answers to a request, with the connection closed after it."""
        upstream = http.client.HTTPConnection(
            self._upstream.hostname or "", self._upstream.port or 0, timeout=30
        )
        try:
            headers = {n: v for n, v in request.headers.items() if n != "connection"}
            upstream.request(request.method, request.target, request.body or None, headers)
            response = upstream.getresponse()
            body = response.read()
        finally:
            upstream.close()
        lines = [f"HTTP/1.1 {response.status} {response.reason}"]
        lines += [f"{n}: {v}" for n, v in response.getheaders() if n.lower() != "connection"]
        lines.append("Connection: close")
        return Act(send="\r\n".join(lines).encode() + b"\r\n\r\n" + body, end="close")


# Faults of a request.


def plays(act: Act) -> Fault:
    """Something between answers so, and the ledger never hears of it."""
    return lambda proxy, connection, request: proxy.perform(connection, act)


def plays_after(act: Act) -> Fault:
    """The ledger carries the request out, and this is answered in its place."""

    def fault(proxy: Proxy, connection: socket.socket, request: Received) -> bool:
        proxy.forward(request)
        return proxy.perform(connection, act)

    return fault


def cut_on_receipt(proxy: Proxy, connection: socket.socket, request: Received) -> bool:
    """The connection breaks when the ledger has the request and has not committed it."""
    proxy.lab.on_receipt = lambda received: wire._reset(connection)
    return _cut(proxy, request)


def cut_on_commit(proxy: Proxy, connection: socket.socket, request: Received) -> bool:
    """The connection breaks when the commit is on disk and nothing is answered yet."""
    proxy.lab.on_commit = lambda commit: wire._reset(connection)
    return _cut(proxy, request)


def _cut(proxy: Proxy, request: Received) -> bool:
    proxy.forward(request)
    proxy.lab.calm()
    return False


def late(proxy: Proxy, connection: socket.socket, request: Received) -> bool:
    """Silence; the request reaches the ledger after the client has looked and gone on."""
    proxy.held.append(request)
    return proxy.perform(connection, wire.SILENCE)


def twice(proxy: Proxy, connection: socket.socket, request: Received) -> bool:
    """A middlebox delivers the request a second time, and passes the second answer on."""
    proxy.forward(request)
    return proxy.perform(connection, proxy.forward(request))


def slowly(proxy: Proxy, connection: socket.socket, request: Received) -> bool:
    """The answer takes its time, and less than the client allows."""
    answered = proxy.forward(request)
    proxy._stopped.wait(0.25)
    return proxy.perform(connection, answered)


def cut_short(keep: float, *, head: bool = False) -> Fault:
    """The ledger's own answer breaks off inside its headers, or inside its body."""

    def fault(proxy: Proxy, connection: socket.socket, request: Received) -> bool:
        whole = proxy.forward(request).send
        top, _, body = whole.partition(b"\r\n\r\n")
        sent = top[: int(len(top) * keep)] if head else whole[: -max(1, int(len(body) * keep))]
        return proxy.perform(connection, Act(send=sent, end="close"))

    return fault


def dripping(proxy: Proxy, connection: socket.socket, request: Received) -> bool:
    """The ledger's own answer comes byte by byte, and would take minutes."""
    act = proxy.forward(request)
    return proxy.perform(connection, Act(send=act.send, drip=0.05, end="close"))


# Gates: what stands where the next connection would be made.


def refusing(proxy: Proxy) -> None:
    """Nobody listens any more."""
    proxy.cease()


def mute(proxy: Proxy) -> None:
    """Connections are not taken any more, and nobody says so."""
    proxy.fall_mute()
