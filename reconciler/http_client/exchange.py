"""Sends one request and takes in one whole, bounded answer, or says how far it got."""

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
    """What is known after one attempt."""

    DONE = "done"
    MISSING = "missing"  # a positive answer that there is no such object
    REFUSED = "refused"  # the server's own no, with reason codes
    REJECTED = "rejected"  # a 4xx that is not the ledger's envelope
    MISMATCHED = "mismatched"  # the key belongs to another request
    DENIED = "denied"  # permission
    SIGNED_OUT = "signed out"  # the token is not accepted
    BUSY = "busy"  # certainly not executed: a limit, or a lock
    RUNNING = "running"  # the first request with this key has not ended
    REDIRECTED = "redirected"
    FAILED = "failed"  # the server broke; whether before or after it committed is not said
    UNREADABLE = "unreadable"
    LOST = "lost"  # sent, then no whole answer
    NOT_SENT = "not sent"  # no connection, hence no request
    UNTRUSTED = "untrusted"  # the other end could not prove who it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP answer, whole. Header names are lower case; `fault` says why a body is not one."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRequest:
    """No whole answer: `outcome` says whether the request can have left."""

    outcome: RequestOutcome
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What goes over the wire, the same bytes at every attempt. `target` starts with a slash."""

    method: str
    target: str
    body: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """How long and how hard a call tries. Times are seconds, sizes bytes.

    `deadline` bounds all attempts and waits; `attempt_timeout` one attempt, so that a silent
    connection leaves time for another. `gzip_over` compresses request bodies above that size;
    None sends them as they are.
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
"""Errors raised before the first byte of a request is written."""


class Exchange:
    """The connections to one origin. Any number of threads may send; each has its own client."""

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
            # Their records repeat answers as they came, before secrets are taken out.
            logging.getLogger(name).setLevel(logging.WARNING)

    def send(self, request: Request, *, deadline: float) -> Response | FailedRequest:
        """One attempt, ended by `deadline`, a moment on the clock, or its own timeout."""
        client = self._take()
        deadline = min(deadline, self._clock() + self._limits.attempt_timeout)
        try:
            return self._send(client, request, deadline=deadline)
        finally:
            self._give_back(client)

    def close(self) -> None:
        """Closes every connection; those in use as soon as their answer is in."""
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
                return self._receive(response, deadline=deadline)
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
                # No time stamp in the envelope: every attempt sends the same bytes.
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

    def _receive(self, response: httpx.Response, *, deadline: float) -> Response | FailedRequest:
        headers = MappingProxyType({name.lower(): text for name, text in response.headers.items()})
        request_id = next((headers[name] for name in REQUEST_IDS if name in headers), "-")
        log.debug("answered %s, request id %s", response.status_code, request_id)
        fault = ""
        inflater = _Inflater(headers.get("content-encoding", ""), limit=self._limits.body_bytes)
        received, late = 0, False
        try:
            for chunk in response.iter_raw():
                if late:
                    return FailedRequest(
                        outcome=RequestOutcome.LOST, detail="the answer took too long"
                    )
                received += len(chunk)
                inflater.add(chunk)
                # An answer that is whole by now is still an answer: only more of it is too late.
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
            # Cookies would make a request depend on the answers before it.
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        )

    def _give_back(self, client: httpx.Client) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(client)
                return
        client.close()


REQUEST_IDS = ("zuora-request-id", "x-github-request-id", "x-request-id")
"""Under which headers servers name a request, for whoever asks their support about it."""

BASE_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": "reconciler",
}


class _UnusableBody(Exception):
    """The body is cut off, too large or packed in a way nobody asked for."""


class _Inflater:
    """Collects a body, inflated as it comes in and never beyond the limit."""

    def __init__(self, encoding: str, *, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        name = encoding.strip().lower()
        known = name in ("", "identity", "gzip")
        self._refused = "" if known else f"the answer is packed as {name[:20]}, unasked"
        self._gzip = zlib.decompressobj(wbits=31) if name == "gzip" else None

    def add(self, chunk: bytes) -> None:
        """Takes one piece. Raises _UnusableBody as soon as the body cannot be used."""
        if self._refused:
            raise _UnusableBody(self._refused)
        if self._gzip is not None:
            try:
                chunk = self._gzip.decompress(chunk, self._limit + 1 - self._size)
            except zlib.error:
                raise _UnusableBody("the answer is not proper gzip") from None
            if self._gzip.unused_data:
                raise _UnusableBody("the answer goes on after its gzip stream")
        self._size += len(chunk)
        if self._size > self._limit:
            raise _UnusableBody(f"the answer is larger than {self._limit} bytes")
        self._parts.append(chunk)

    def finish(self, *, received: int, promised: str) -> bytes:
        """The whole body. Raises _UnusableBody when a part of it never came."""
        if promised.isascii() and promised.isdigit() and int(promised[:20]) != received:
            raise _UnusableBody("the answer is shorter or longer than it says")
        if self._gzip is not None and received and not self._gzip.eof:
            raise _UnusableBody("the answer ends inside its gzip stream")
        return b"".join(self._parts)


def _not_sent(error: httpx.TransportError) -> FailedRequest:
    cause = _tls_cause(error)
    detail = str(error) or type(error).__name__
    if cause is None or isinstance(cause, RETRIABLE_TLS):
        return FailedRequest(outcome=RequestOutcome.NOT_SENT, detail=detail)
    return FailedRequest(outcome=RequestOutcome.UNTRUSTED, detail=detail)


RETRIABLE_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""A connection cut inside the handshake; any other TLS error would only come again."""


def _tls_cause(error: BaseException) -> ssl.SSLError | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
