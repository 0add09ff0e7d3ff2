"""Sends one request and receives one complete, bounded response."""

import gzip
import logging
import ssl
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import MappingProxyType

import httpx

from reconciler.http_client.base_url import BaseUrl
from reconciler.http_client.clock import monotonic
from reconciler.http_client.transport import SocketTransport, tls_context

log = logging.getLogger("reconciler.http_client")


class RequestOutcome(StrEnum):
    """How an attempt ended, as far as this is known."""

    DONE = "done"
    MISSING = "missing"  # the server states that there is no such object
    REFUSED = "refused"  # the server refused it, with reason codes
    REJECTED = "rejected"  # a 4xx that is not the ledger's envelope
    MISMATCHED = "mismatched"  # the key belongs to another request
    DENIED = "denied"  # permission
    SIGNED_OUT = "signed out"  # the token is not accepted
    BUSY = "busy"  # not executed: a limit or a lock
    RUNNING = "running"  # the first request with this key has not completed
    REDIRECTED = "redirected"
    FAILED = "failed"  # a server error; it may have committed before
    UNREADABLE = "unreadable"
    LOST = "lost"  # sent, without a complete response
    NOT_SENT = "not sent"  # no connection, so no request
    UNTRUSTED = "untrusted"  # the certificate was not accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete HTTP response, header names in lower case. `fault`: why a body is unusable."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRequest:
    """No complete response. `outcome` says whether the request may have been sent."""

    outcome: RequestOutcome
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, the same bytes at every attempt. `target` starts with a slash.

    The answer to a `confidential` one may hold a secret anywhere, so nothing of it is logged.
    """

    method: str
    target: str
    body: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    confidential: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """Limits of a call: times in seconds, sizes in bytes.

    `deadline` bounds all attempts and waits, `attempt_timeout` one attempt. Request bodies above
    `gzip_over` are compressed; None compresses none.
    """

    attempts: int = 6
    deadline: float = 60.0
    attempt_timeout: float = 30.0
    connect_timeout: float = 10.0
    backoff: float = 0.5
    backoff_cap: float = 8.0
    body_bytes: int = 10 * 1024 * 1024
    gzip_over: int | None = None


CONNECT_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""Errors raised before any byte of a request is written."""


class Exchange:
    """The connections to one base URL. Threads may share it; each uses a client of its own."""

    def __init__(
        self,
        origin: BaseUrl,
        *,
        limits: HttpLimits,
        transport: httpx.BaseTransport | None,
        ca_bundle: str | None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._origin = origin
        self._limits = limits
        self._transport = transport
        secured = transport is None and origin.scheme == "https"
        self._context = tls_context(ca_bundle=ca_bundle) if secured else None
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: list[httpx.Client] = []
        self._closed = False
        for name in ("httpx", "httpcore"):
            # Their records repeat responses with the secrets in them.
            logging.getLogger(name).setLevel(logging.WARNING)

    def send(self, request: Request, *, deadline: float) -> Response | FailedRequest:
        """One attempt. It ends by `deadline`, a moment on the clock, or by its own timeout."""
        client = self._take()
        deadline = min(deadline, self._clock() + self._limits.attempt_timeout)
        try:
            return self._send(client, request, deadline=deadline)
        finally:
            self._give_back(client)

    def close(self) -> None:
        """Closes every connection; those in use when their response is complete."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for client in idle:
            client.close()

    def _send(
        self, client: httpx.Client, request: Request, *, deadline: float
    ) -> Response | FailedRequest:
        left = deadline - self._clock()
        if left <= 0:
            return FailedRequest(
                outcome=RequestOutcome.NOT_SENT, detail="no time was left to connect"
            )
        outgoing = self._outgoing(client, request, deadline=deadline, left=left)
        try:
            response = client.send(outgoing, stream=True)
            try:
                return self._receive(response, request, deadline=deadline)
            finally:
                response.close()
        except CONNECT_ERRORS as error:
            return _not_sent(error)
        except httpx.TransportError as error:
            return FailedRequest(
                outcome=RequestOutcome.LOST, detail=str(error) or type(error).__name__
            )

    def _outgoing(
        self, client: httpx.Client, request: Request, *, deadline: float, left: float
    ) -> httpx.Request:
        headers = dict(request.headers)
        body = request.body
        if body is not None:
            headers["Content-Type"] = request.content_type
            threshold = self._limits.gzip_over
            if threshold is not None and len(body) > threshold:
                # Without a time stamp in the gzip header, every attempt sends the same bytes.
                body = gzip.compress(body, mtime=0)
                headers["Content-Encoding"] = "gzip"
        timeout = httpx.Timeout(left, connect=min(left, self._limits.connect_timeout))
        outgoing = client.build_request(
            request.method,
            self._origin.url + request.target,
            content=body,
            headers=headers,
            timeout=timeout,
        )
        outgoing.extensions["deadline"] = deadline
        return outgoing

    def _receive(
        self, response: httpx.Response, request: Request, *, deadline: float
    ) -> Response | FailedRequest:
        headers = MappingProxyType({name.lower(): text for name, text in response.headers.items()})
        request_id = next((headers[name] for name in REQUEST_IDS if name in headers), "-")
        shown = "not shown" if request.confidential else request_id
        log.debug("answered %s, request id %s", response.status_code, shown)
        fault = ""
        inflater = _Inflater(headers.get("content-encoding", ""), limit=self._limits.body_bytes)
        received, late = 0, False
        try:
            for chunk in response.iter_raw():
                if late:
                    return FailedRequest(
                        outcome=RequestOutcome.LOST, detail="the response took too long"
                    )
                received += len(chunk)
                inflater.add(chunk)
                # A response that is complete by now counts: only more of it is too late.
                late = self._clock() >= deadline
            body = inflater.finish(received=received, promised=headers.get("content-length", ""))
        except _UnusableBody as error:
            body, fault = b"", str(error)
        return Response(status=response.status_code, headers=headers, body=body, fault=fault)

    def _take(self) -> httpx.Client:
        with self._lock:
            if self._closed:
                raise RuntimeError("The client is closed.")
            if self._idle:
                return self._idle.pop()
        transport = self._transport or SocketTransport(context=self._context, clock=self._clock)
        return httpx.Client(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            headers=BASE_HEADERS,
            # Cookies would make a request depend on earlier responses.
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        )

    def _give_back(self, client: httpx.Client) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(client)
                return
        client.close()


REQUEST_IDS = ("zuora-request-id", "x-github-request-id", "x-request-id")
"""Headers in which servers name a request, for questions to their support."""

BASE_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": "reconciler",
}


class _UnusableBody(Exception):
    """The body is cut off, too large, or in an encoding that was not requested."""


class _Inflater:
    """Collects and decompresses a body, up to the limit."""

    def __init__(self, encoding: str, *, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        name = encoding.strip().lower()
        known = name in ("", "identity", "gzip")
        self._refused = (
            "" if known else f"the response has the encoding {name[:20]}, which was not requested"
        )
        self._gzip = zlib.decompressobj(wbits=31) if name == "gzip" else None

    def add(self, chunk: bytes) -> None:
        """Adds one part. Raises _UnusableBody as soon as the body cannot be used."""
        if self._refused:
            raise _UnusableBody(self._refused)
        if self._gzip is not None:
            try:
                chunk = self._gzip.decompress(chunk, self._limit + 1 - self._size)
            except zlib.error:
                raise _UnusableBody("the response is not valid gzip") from None
            if self._gzip.unused_data:
                raise _UnusableBody("the response continues after its gzip stream")
        self._size += len(chunk)
        if self._size > self._limit:
            raise _UnusableBody(f"the response is larger than {self._limit} bytes")
        self._parts.append(chunk)

    def finish(self, *, received: int, promised: str) -> bytes:
        """The complete body. Raises _UnusableBody when a part is missing."""
        if promised.isascii() and promised.isdigit() and int(promised[:20]) != received:
            raise _UnusableBody("the length of the response is not the one it declares")
        if self._gzip is not None and received and not self._gzip.eof:
            raise _UnusableBody("the response ends within its gzip stream")
        return b"".join(self._parts)


def _not_sent(error: httpx.TransportError) -> FailedRequest:
    cause = _tls_cause(error)
    detail = str(error) or type(error).__name__
    if cause is None or isinstance(cause, RETRIABLE_TLS):
        return FailedRequest(outcome=RequestOutcome.NOT_SENT, detail=detail)
    return FailedRequest(outcome=RequestOutcome.UNTRUSTED, detail=detail)


RETRIABLE_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""The connection ended within the handshake. Any other TLS error would occur again."""


def _tls_cause(error: BaseException) -> ssl.SSLError | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
