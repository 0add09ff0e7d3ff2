"""Sockets on which no wait exceeds the deadline of the call."""

import logging
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import certifi
import httpcore

from reconciler.errors import LedgerUnreachable
from reconciler.http_client.clock import monotonic
from reconciler.http_client.raw_answer import (
    NoAnswer,
    NotSent,
    RawAnswer,
    RawRequest,
    Untrusted,
    joined,
)

SLICE = 16 * 1024
"""Bytes written at once. The deadline is checked between slices."""

IDLE = 20.0
"""Seconds an idle connection is kept: load balancers commonly allow 60."""

MACHINE_STORES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine
    "/etc/pki/tls/cert.pem",  # Fedora
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, without its keychains
)
"""Where systems keep the authorities that they trust. Only an administrator writes there."""


def tls_context(*, ca_bundle: str | None = None) -> ssl.SSLContext:
    """A context that verifies host and chain, with TLS 1.2 or later.

    It trusts the authorities of the machine, or those of certifi where it has none, and those in
    `ca_bundle`, a PEM file. The environment has no influence. Raises LedgerUnreachable when that
    file cannot be read.
    """
    context = _trusting_machine()
    # On Windows a store is no file, and lacks public authorities until they are met.
    for data, encoding, trusted in getattr(ssl, "enum_certificates", lambda _store: ())("ROOT"):
        if encoding == "x509_asn" and (trusted is True or ssl.Purpose.SERVER_AUTH.oid in trusted):
            context.load_verify_locations(cadata=data)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=ca_bundle)
        except OSError as error:
            raise LedgerUnreachable(
                f"The CA bundle {ca_bundle} cannot be read: {error.strerror or error}.",
                remedy="Name a PEM file of certificates, or omit the CA bundle.",
            ) from error
    return context


def _trusting_machine() -> ssl.SSLContext:
    for store in MACHINE_STORES:
        with suppress(OSError):
            return ssl.create_default_context(cafile=store)
    return ssl.create_default_context(cafile=certifi.where())


class SocketTransport:
    """One connection for one worker: direct, HTTP/1.1, no proxy, no redirect, no retry of its own.

    In httpcore each wait has a timeout, so a server that sends one byte a second never times out.
    Here the deadline of the request, a moment on `clock`, bounds all waits.
    """

    def __init__(
        self, *, context: ssl.SSLContext | None, clock: Callable[[], float] = monotonic
    ) -> None:
        # Its records repeat responses with the secrets in them.
        logging.getLogger("httpcore").setLevel(logging.WARNING)
        self._deadline = Deadline(clock)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=IDLE,
            http1=True,
            http2=False,
            retries=0,
            network_backend=_Backend(self._deadline),
        )

    @contextmanager
    def answer(self, request: RawRequest) -> Iterator[RawAnswer]:
        """The answer, readable within the context. Entering and reading raise NoAnswer."""
        self._deadline.set(request.deadline)
        waits = dict.fromkeys(("read", "write", "pool"), request.timeout)
        # Some servers refuse such a request that does not say how long its body is.
        bare = request.body is None and request.method in ("POST", "PUT", "PATCH")
        base_url = request.base_url
        try:
            with self._pool.stream(
                request.method,
                httpcore.URL(
                    scheme=base_url.scheme,
                    host=base_url.host,
                    port=base_url.port,
                    target=request.target,
                ),
                headers=[("Host", base_url.authority), *request.headers.items()],
                content=b"" if bare else request.body,
                extensions={"timeout": {**waits, "connect": request.connect_timeout}},
            ) as response:
                pairs = ((name.decode("latin-1"), text) for name, text in response.headers)
                yield RawAnswer(
                    status=response.status,
                    headers=joined((name, text.decode("latin-1")) for name, text in pairs),
                    chunks=response.iter_stream(),
                )
        except CONNECT_ERRORS as error:
            raise _not_sent(error) from error
        except ERRORS as error:
            raise NoAnswer(str(error) or type(error).__name__) from error

    def close(self) -> None:
        self._pool.close()


CONNECT_ERRORS = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout)
"""Errors raised before any byte of a request is written."""

ERRORS = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


def _not_sent(error: Exception) -> NotSent:
    cause = _tls_cause(error)
    detail = str(error) or type(error).__name__
    if cause is None or isinstance(cause, RETRIABLE_TLS):
        return NotSent(detail)
    return Untrusted(detail)


RETRIABLE_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""The connection ended within the handshake. Any other TLS error would occur again."""


def _tls_cause(error: BaseException) -> ssl.SSLError | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


class Deadline:
    """A moment on the monotonic clock that bounds every wait on a connection."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._at = float("inf")

    def set(self, at: float) -> None:
        self._at = at

    def within(self, timeout: float | None) -> "Deadline":
        """The earlier one: this deadline, or that of a wait that begins now."""
        earlier = Deadline(self._clock)
        earlier.set(self._at if timeout is None else min(self._at, self._clock() + timeout))
        return earlier

    def clamp(self, timeout: float | None, error: type[Exception]) -> float:
        """The seconds a wait may take; raises `error` when none are left."""
        left = self._at - self._clock()
        if left <= 0:
            raise error("The deadline of the call has passed.")
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    """A connection whose waits are limited by the deadline; its handshake by that of connecting."""

    def __init__(
        self, inner: httpcore.NetworkStream, deadline: Deadline, connecting: Deadline
    ) -> None:
        self._inner = inner
        self._deadline = deadline
        self._connecting = connecting

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._deadline.clamp(timeout, httpcore.ReadTimeout)
        return self._inner.read(max_bytes, timeout=left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), SLICE):
            left = self._deadline.clamp(timeout, httpcore.WriteTimeout)
            self._inner.write(buffer[start : start + SLICE], timeout=left)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._connecting.clamp(timeout, httpcore.ConnectTimeout)
        secured = self._inner.start_tls(ssl_context, server_hostname, timeout=left)
        return _Stream(secured, self._deadline, self._connecting)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()


class _Backend(httpcore.NetworkBackend):
    """Connects to one address of a host after the other, all within one timeout."""

    def __init__(self, deadline: Deadline) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        connecting = self._deadline.within(timeout)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(error) from error
        addresses = [*dict.fromkeys(str(place[0]) for *_, place in found)]
        while True:
            left = connecting.clamp(None, httpcore.ConnectTimeout)
            try:
                # An address that never answers leaves their share to the others.
                stream = self._inner.connect_tcp(
                    addresses.pop(0),
                    port,
                    timeout=left / (len(addresses) + 1),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not addresses:
                    raise
            else:
                return _Stream(stream, self._deadline, connecting)
