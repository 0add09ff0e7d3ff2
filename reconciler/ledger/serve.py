"""The ledger on a socket, in the foreground, until SIGTERM or SIGINT."""

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType

from waitress import wasyncore  # type: ignore[import-untyped]

from .app import TOKEN_LIFETIME, create_app
from .connections import ConnectionLimits, Server
from .errors import LedgerUnusable
from .instance import Ledger
from .runs.worker import Worker
from .web.headers import LOOPBACK_HOSTS, is_loopback
from .web.rate_limits import Limits

THREADS = 8
MAX_REQUEST = 8 * 1024 * 1024
"""Bytes the server reads of a request. The app has a smaller limit of its own."""
FAREWELL = 5
"""Seconds that running requests get to finish after the signal to stop."""


def serve(  # noqa: PLR0913 - keywords, half of them with a default
    ledger: Ledger,
    *,
    host: str,
    port: int,
    ready: Callable[[str], None],
    connections: ConnectionLimits,
    limits: Limits | None = None,
    query_lag: float = 0,
    token_lifetime: int = TOKEN_LIFETIME,
    strict_idempotency: bool = True,
) -> None:
    """Serve until SIGTERM or SIGINT, finish running requests, return. For the main thread only.

    A thread executes the journal runs of the database, including those of a server that was killed.
    `port` 0 takes a free one. `ready` gets the base URL once connections are accepted. On a
    loopback address only loopback host names are answered. The options from `limits` on are those
    of create_app. Raises LedgerUnusable if the address cannot be bound.
    """
    local = LOOPBACK_HOSTS | {_in_url(host)}
    worker = Worker(ledger.store, clock=lambda: datetime.now(UTC))
    hosts = local if is_loopback(host) else None
    app = create_app(
        ledger,
        allowed_hosts=hosts,
        worker=worker,
        limits=limits,
        query_lag=query_lag,
        token_lifetime=token_lifetime,
        strict_idempotency=strict_idempotency,
    )
    listener = _listener(host.strip("[]"), port)
    server = Server(
        app,
        listener,
        connections,
        threads=THREADS,
        ident=None,
        max_request_body_size=MAX_REQUEST,
        # The pages require a login if headers show a proxy.
        clear_untrusted_proxy_headers=False,
    )
    # More callers than threads need no warning on the terminal: they wait.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()
        server.pull_trigger()  # wakes the loop below

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    working = threading.Thread(target=worker.run, args=(stopping,), name="journal runs")
    working.start()
    try:
        ready(f"http://{_in_url(host)}:{listener.getsockname()[1]}")
        _run(server, stopping)
    finally:
        stopping.set()
        worker.wake()
        working.join()


def _run(server: Server, stopping: threading.Event) -> None:
    """The server's own loop would lose answers when it ends."""
    sockets = server._map  # noqa: SLF001
    while not stopping.is_set():
        wasyncore.loop(timeout=server.pause, use_poll=True, map=sockets, count=1)
        server.close_late()
    wasyncore.dispatcher.close(server)
    deadline = time.monotonic() + FAREWELL
    while _at_work(server) and time.monotonic() < deadline:
        wasyncore.loop(timeout=0.05, use_poll=True, map=sockets, count=1)
    server.task_dispatcher.shutdown()
    wasyncore.close_all(sockets)


def _at_work(server: Server) -> bool:
    channels = list(server.active_channels.values())
    return any(channel.requests or channel.total_outbufs_len for channel in channels)


def _listener(host: str, port: int) -> socket.socket:
    """A bound socket; IPv4 if a name has addresses of both families."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _type, _protocol, _name, address = min(found, key=lambda info: info[0])
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            # On Windows, SO_REUSEADDR would let another program listen on the same port.
            reuse = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
            listener.setsockopt(socket.SOL_SOCKET, reuse, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise LedgerUnusable(
            f"cannot listen on {host} port {port}: {reason}", remedy="Choose another host or port."
        ) from error
    return listener


def _in_url(host: str) -> str:
    return f"[{host.strip('[]')}]" if ":" in host else host
