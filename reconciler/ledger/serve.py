"""The ledger on a socket, in the foreground, until it is told to stop."""

import ipaddress
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

import waitress  # type: ignore[import-untyped]

from .app import create_app
from .failures import LedgerUnusable
from .ledger import Ledger
from .web.headers import LOOPBACK_HOSTS

THREADS = 8


def serve(ledger: Ledger, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then finish and return. Call it from the main thread.

    `port` 0 takes a free one. `ready` is told the base URL once connections are accepted. On a
    loopback address only loopback host names are answered. Raises LedgerUnusable when the address
    cannot be bound.
    """
    local = LOOPBACK_HOSTS | {_in_url(host)}
    app = create_app(ledger, allowed_hosts=local if is_loopback(host) else None)
    try:
        server = waitress.create_server(
            app,
            host=host.strip("[]"),
            port=port,
            threads=THREADS,
            ident=None,
            max_request_body_size=8
            * 1024
            * 1024,  # the app answers for anything over its own bound
        )
    except (OSError, ValueError) as error:
        raise LedgerUnusable(f"cannot listen on {host} port {port}: {error}") from error
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _stop)
    try:
        ready(_address(server, host))
        server.run()
    except KeyboardInterrupt:
        pass  # the signal came while no connection was being served
    finally:
        server.close()


def is_loopback(host: str) -> bool:
    """Whether a host to listen on is reachable from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _stop(_signal: int, _frame: FrameType | None) -> None:
    # The server's loop ends on this exception, after its threads have answered what they hold.
    raise KeyboardInterrupt


def _address(server: Any, host: str) -> str:
    port = getattr(server, "effective_port", None) or server.effective_listen[0][1]
    return f"http://{_in_url(host)}:{port}"


def _in_url(host: str) -> str:
    return f"[{host.strip('[]')}]" if ":" in host else host
