"""Sends one request and receives one complete, bounded response."""

import logging
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import ModuleType

from reconciler.http_client.base_url import BaseUrl
from reconciler.http_client.clock import monotonic
from reconciler.http_client.raw_answer import (
    NoAnswer,
    NotSent,
    RawAnswer,
    RawRequest,
    Transport,
    Untrusted,
)

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
    """Limits in seconds and bytes. `deadline` bounds all attempts and waits of a call."""

    attempts: int = 6
    deadline: float = 60.0
    attempt_timeout: float = 30.0
    connect_timeout: float = 10.0
    backoff: float = 0.5
    backoff_cap: float = 8.0
    body_bytes: int = 10 * 1024 * 1024


class Exchange:
    """The connections to one base URL, one a thread; or a `transport`, which its owner closes."""

    def __init__(
        self,
        origin: BaseUrl,
        *,
        limits: HttpLimits,
        transport: Transport | None,
        ca_bundle: str | None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._origin = origin
        self._limits = limits
        self._transport = transport
        secured = transport is None and origin.scheme == "https"
        self._context = _sockets().tls_context(ca_bundle=ca_bundle) if secured else None
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: list[Transport] = []
        self._closed = False

    def send(self, request: Request, *, deadline: float) -> Response | FailedRequest:
        """One attempt. It ends by `deadline`, a moment on the clock, or by its own timeout."""
        headers, body = {**BASE_HEADERS, **request.headers}, request.body
        if body is not None:
            headers["Content-Type"] = request.content_type
        deadline = min(deadline, self._clock() + self._limits.attempt_timeout)
        left = deadline - self._clock()
        if left <= 0:
            return FailedRequest(
                outcome=RequestOutcome.NOT_SENT, detail="no time was left to connect"
            )
        outgoing = RawRequest(
            method=request.method,
            base_url=self._origin,
            target=self._origin.prefix + request.target,
            headers=headers,
            body=body,
            deadline=deadline,
            timeout=left,
            connect_timeout=min(left, self._limits.connect_timeout),
        )
        transport = self._take()
        try:
            with transport.answer(outgoing) as answer:
                return self._receive(answer, deadline=deadline, confidential=request.confidential)
        except NoAnswer as error:
            return FailedRequest(outcome=_WITHOUT_ANSWER[type(error)], detail=str(error))
        finally:
            self._give_back(transport)

    def close(self) -> None:
        """Closes every connection; those in use when their response is complete."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for transport in idle:
            transport.close()

    def _receive(
        self, answer: RawAnswer, *, deadline: float, confidential: bool
    ) -> Response | FailedRequest:
        headers = answer.headers
        request_id = next((headers[name] for name in REQUEST_IDS if name in headers), "-")
        shown = "not shown" if confidential else request_id
        log.debug("answered %s, request id %s", answer.status, shown)
        fault = ""
        inflater = _Inflater(headers.get("content-encoding", ""), limit=self._limits.body_bytes)
        received, late = 0, False
        try:
            for chunk in answer.chunks:
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
        return Response(status=answer.status, headers=headers, body=body, fault=fault)

    def _take(self) -> Transport:
        with self._lock:
            if self._closed:
                raise RuntimeError("The client is closed.")
            if self._transport is not None:
                return self._transport
            if self._idle:
                return self._idle.pop()
        connection: Transport = _sockets().SocketTransport(context=self._context, clock=self._clock)
        return connection

    def _give_back(self, transport: Transport) -> None:
        if transport is self._transport:
            return
        with self._lock:
            if not self._closed:
                self._idle.append(transport)
                return
        transport.close()


def _sockets() -> ModuleType:
    """The module of sockets. It takes long to load, and not every command makes a call."""
    from reconciler.http_client import transport  # noqa: PLC0415

    return transport


_WITHOUT_ANSWER: Mapping[type[NoAnswer], RequestOutcome] = {
    NoAnswer: RequestOutcome.LOST,
    NotSent: RequestOutcome.NOT_SENT,
    Untrusted: RequestOutcome.UNTRUSTED,
}

REQUEST_IDS = ("zuora-request-id", "x-github-request-id", "x-request-id")
"""Headers in which servers name a request, for questions to their support."""

BASE_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "reconciler"}


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
        if promised.isascii() and promised.isdigit() and int(promised[:20]) != received:
            raise _UnusableBody("the length of the response is not the one it declares")
        if self._gzip is not None and received and not self._gzip.eof:
            raise _UnusableBody("the response ends within its gzip stream")
        return b"".join(self._parts)
