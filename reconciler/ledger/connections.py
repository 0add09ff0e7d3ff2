"""The server's connections: how many an address may have, and how long each may take.

A thread gets only complete requests. What idle callers could use up are connections, so these are
limited in number and in time.
"""

import socket
import time
from dataclasses import dataclass
from typing import Any

from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.server import TcpWSGIServer  # type: ignore[import-untyped]

TOTAL = 800
"""Connections of all addresses. Most systems permit 1,024 open files in a process."""
_OTHER_FILES = 200
"""Files that databases, bodies and the server itself need."""


_BODY = b'{"message":"Too many connections from this address"}'
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """`timeout` is in seconds: to send a request, between two, and to receive an answer."""

    timeout: float = 60.0
    per_address: int = 200


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection, with what it does and since when."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.answered = 0
        self._does = ("silent", 0)
        self.since = time.monotonic()
        super().__init__(*arguments, **options)

    def service(self) -> None:
        try:
            super().service()
        finally:
            self.answered += 1

    def late(self, now: float, timeout: float) -> bool:
        """Whether the caller takes too long. The server's own work has no deadline here."""
        if self.total_outbufs_len:
            state = "receiving"
        elif self.requests:
            state = "served"
        else:
            state = "silent" if self.request is None else "sending"
        does = (state, self.answered)
        if does != self._does:
            self._does, self.since = does, now
        return state != "served" and now - self.since > timeout

    def yields(self) -> bool:
        """Whether it can be closed for another one, because no request would be lost."""
        return not self.requests and not self.total_outbufs_len


def _most_files() -> int:
    """How many files the process may open; negative if the system does not say, as Windows."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return -1
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Server(TcpWSGIServer):  # type: ignore[misc]
    """A server that closes late connections, and makes room for new ones.

    If one address, or all together, have too many connections, the one is closed that has waited
    longest without a complete request; those that never sent one come first. So idle connections
    keep nobody out. If all are being answered, the new one is refused with 503.
    """

    channel_class = Channel

    def __init__(
        self, app: Any, listener: socket.socket, limits: ConnectionLimits, **options: Any
    ) -> None:
        self._limits = limits
        files = _most_files()
        self._total = TOTAL if files < 0 else max(1, min(TOTAL, files - _OTHER_FILES))
        self.pause = min(1.0, limits.timeout / 4)
        """Seconds between two looks at the deadlines."""
        self._next_look = 0.0
        super().__init__(
            app,
            _sock=listener,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
            sockets=[listener],
            # Its own limits would stop accepting, and spare what is half sent or half received.
            connection_limit=2 * TOTAL,
            channel_timeout=10**9,
            **options,
        )

    def close_late(self) -> None:
        """Close every connection whose caller takes too long. To be called again and again."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + self.pause
        for channel in list(self.active_channels.values()):
            if channel.late(now, self._limits.timeout):
                channel.handle_close()

    def handle_accept(self) -> None:
        known = set(self.active_channels.values())
        super().handle_accept()
        for new in set(self.active_channels.values()) - known:
            others = [each for each in known if each.addr[0] == new.addr[0]]
            if len(others) >= self._limits.per_address:
                self._make_room(others, new)
            elif len(known) >= self._total:
                self._make_room(list(known), new)

    def _make_room(self, others: list[Channel], new: Channel) -> None:
        idle = [each for each in others if each.yields()]
        if idle:
            min(idle, key=lambda each: (each.answered > 0, each.since)).handle_close()
        else:
            new.send(_REFUSAL)
            new.handle_close()
