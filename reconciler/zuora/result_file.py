"""Downloads the result of a query, which is often on another host."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from reconciler.core.model.json_text import Unreadable
from reconciler.core.model.urls import is_loopback
from reconciler.errors import LedgerError, LedgerUnreachable, RequestRefused
from reconciler.http_client.base_url import BaseUrl, UnusableUrl, split_url
from reconciler.http_client.clock import Clock
from reconciler.http_client.exchange import Exchange, FailedRequest, Request, Response
from reconciler.http_client.raw_answer import Transport
from reconciler.http_client.retry import (
    TRANSIENT,
    HttpAttempt,
    Progress,
    RetryTable,
    outcome_of,
    send_with_retries,
)
from reconciler.zuora.connection import CallLimits

Row = TypeVar("Row")

WHAT = "Downloading the result of a query"


class ResultFiles:
    """The result files of one ledger. Any number of threads may share it.

    A download has no token, no header of the tenant and no cookie, and follows no redirect. It
    uses the ledger's own host or one with TLS. The address is a secret while it is valid, so
    messages show only its host.
    """

    def __init__(
        self,
        origin: BaseUrl,
        *,
        limits: CallLimits,
        transport: Transport | None,
        ca_bundle: str | None,
        clock: Clock,
    ) -> None:
        self._origin = origin
        self._limits = replace(limits, body_bytes=limits.result_bytes)
        self._transport = transport
        self._ca_bundle = ca_bundle
        self._clock = clock

    def rows(
        self, address: str, read: Callable[[bytes], tuple[Row, ...]], *, deadline: float
    ) -> tuple[Row, ...]:
        """What `read` finds in the content at an address. LedgerError if that is incomplete."""
        origin, target = self._place(address)
        own = origin == replace(self._origin, prefix="")
        exchange = Exchange(
            origin,
            limits=self._limits,
            # Only a ledger in the same process has no sockets.
            transport=self._transport if own else None,
            ca_bundle=self._ca_bundle,
            clock=self._clock.now,
        )
        try:
            reply = self._fetched(exchange, target, deadline=deadline)
        finally:
            exchange.close()
        try:
            return read(_whole(reply))
        except Unreadable as error:
            raise LedgerError(
                f"{WHAT} from {origin.host}: {error}.",
                remedy="Check for a proxy between this machine and the ledger, then run again.",
                status=reply.status,
            ) from None

    def _place(self, address: str) -> tuple[BaseUrl, str]:
        """The base URL and target of a result. Raises LedgerError for an unusable address."""
        try:
            url, host, port = split_url(address)
        except UnusableUrl:
            raise LedgerError(
                f"{WHAT}: the ledger returned no usable address.", remedy=NOT_HERE
            ) from None
        # Without TLS only when both hosts are this machine.
        local = url.scheme == "http" and is_loopback(host) and is_loopback(self._origin.host)
        if url.scheme != "https" and not local:
            raise LedgerError(f"{WHAT}: the host {host} is used without TLS.", remedy=NOT_HERE)
        target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        return BaseUrl(scheme=url.scheme, host=host, port=port, prefix=""), target

    def _fetched(self, exchange: Exchange, target: str, *, deadline: float) -> Response:
        request = Request(method="GET", target=target)

        def send() -> HttpAttempt:
            reply = exchange.send(request, deadline=deadline)
            return HttpAttempt(reply=reply, outcome=outcome_of(reply))

        progress = Progress(deadline=deadline)
        reply = send_with_retries(
            send, progress, RETRIED, limits=self._limits, clock=self._clock
        ).reply
        if isinstance(reply, FailedRequest):
            raise LedgerUnreachable(
                f"{WHAT}: {reply.detail}.", remedy="Run again when the network works."
            )
        if reply.status != 200:
            redirect = 300 <= reply.status < 400
            fact = (
                "a redirect, and redirects are not followed" if redirect else f"HTTP {reply.status}"
            )
            raise RequestRefused(
                f"{WHAT}: the response is {fact}.", remedy="Run again.", status=reply.status
            )
        return reply


RETRIED = RetryTable(retried=TRANSIENT)

NOT_HERE = "Report it to the ledger's operator. Nothing was downloaded."


def _whole(reply: Response) -> bytes:
    if reply.fault:
        raise Unreadable(reply.fault)
    return reply.body
