"""Calls to the REST API of a forge: attempts, pages and errors."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Self, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

from reconciler.core.model.json_text import Unreadable, read_value
from reconciler.core.model.resource import EMPTY, Value, mapping_of, rows_of, text_of
from reconciler.errors import ForgeError, ForgeRefused, ForgeUnsure, LedgerUnreachable
from reconciler.http_client.base_url import BaseUrl
from reconciler.http_client.clock import Clock
from reconciler.http_client.exchange import (
    Exchange,
    FailedRequest,
    HttpLimits,
    Request,
    RequestOutcome,
    Response,
)
from reconciler.http_client.redaction import Redactor
from reconciler.http_client.retry import (
    TRANSIENT,
    HttpAttempt,
    Progress,
    RetryTable,
    http_date,
    outcome_of,
    retry_after,
    seconds,
    send_with_retries,
)
from reconciler.values import dataclass

Row: TypeAlias = Mapping[str, Value]

PER_PAGE = 100
"""The largest page of both forges."""

SECONDARY_WAIT = 60.0
"""Seconds to wait when a limit names none ("Rate limits for the REST API")."""

_REPEATABLE = RetryTable(retried=TRANSIENT)
_POST = RetryTable(
    # A second POST makes a second comment. It is sent only if the first had no effect.
    retried=frozenset({RequestOutcome.NOT_SENT, RequestOutcome.BUSY}),
    in_doubt=frozenset({RequestOutcome.LOST, RequestOutcome.FAILED}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeLimits(HttpLimits):
    """Limits of the calls to a forge; `deadline` is for all calls of a run."""

    attempts: int = 5
    deadline: float = 180.0
    body_bytes: int = 20 * 1024 * 1024
    pages: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a call does, for messages, and the permission that it needs."""

    what: str
    permission: str
    accepted: frozenset[int] = frozenset()
    """Statuses other than 2xx that mean an empty result."""

    def accepting(self, *statuses: int) -> Self:
        """The same purpose with these statuses accepted."""
        return replace(self, accepted=frozenset(statuses))


class ForgeApi:
    """The API of one forge. The token is sent to its base URL only."""

    def __init__(  # noqa: PLR0913 - what differs between forges is an argument
        self,
        base_url: BaseUrl,
        *,
        name: str,
        token: str,
        token_variable: str,
        headers: Mapping[str, str],
        limits: ForgeLimits | None = None,
        ca_bundle: str | None = None,
    ) -> None:
        self._base_url = base_url
        self._name = name
        self._token_variable = token_variable
        self._headers = headers
        self._limits = limits or ForgeLimits()
        self._clock = Clock()
        self._redactor = Redactor([token])
        try:
            self._exchange = Exchange(
                base_url, limits=self._limits, transport=None, ca_bundle=ca_bundle
            )
        except LedgerUnreachable as error:
            raise ForgeError(error.message, remedy=error.remedy) from error
        self._deadline = self._clock.now() + self._limits.deadline

    @property
    def host(self) -> str:
        return self._base_url.host

    def close(self) -> None:
        self._exchange.close()

    def get(self, target: str, purpose: Purpose, **parameters: str) -> Row:
        """One object; an empty one for the other statuses that the purpose accepts."""
        return self.send("GET", target + _query(parameters), purpose)

    def rows(self, target: str, purpose: Purpose, **parameters: str) -> tuple[Row, ...]:
        """The rows of all pages of a list.

        Raises ForgeError when a page names another host, is repeated, or when there are too many.
        """
        here = target + _query({**parameters, "per_page": str(PER_PAGE)})
        found: list[Row] = []
        seen: set[str] = set()
        while here:
            if here in seen or len(seen) >= self._limits.pages:
                raise ForgeError(
                    f"{purpose.what}: {self._name} returned more than "
                    f"{self._limits.pages} pages, or the same page twice",
                    remedy="Check for a proxy that repeats responses.",
                )
            seen.add(here)
            value, headers = self._answer("GET", here, purpose)
            if not isinstance(value, tuple):
                raise self._unreadable(purpose, "the response is not a list")
            found.extend(rows_of(value))
            here = self._next(here, headers, purpose)
        return tuple(found)

    def send(
        self, method: str, target: str, purpose: Purpose, body: Mapping[str, str] | None = None
    ) -> Row:
        """The object in the response to a request."""
        value, _ = self._answer(method, target, purpose, body)
        return mapping_of(value)

    def _answer(
        self, method: str, target: str, purpose: Purpose, body: Mapping[str, str] | None = None
    ) -> tuple[Value, Mapping[str, str]]:
        request = Request(
            method=method,
            target=target,
            body=None if body is None else json.dumps(body).encode(),
            headers=self._headers,
        )
        progress = Progress(deadline=self._deadline)
        last = send_with_retries(
            lambda: _attempt(self._exchange.send(request, deadline=self._deadline)),
            progress,
            _POST if method == "POST" else _REPEATABLE,
            limits=self._limits,
            clock=self._clock,
        )
        reply = last.reply
        if isinstance(reply, Response):
            if last.outcome is RequestOutcome.DONE:
                return self._value(reply, purpose), reply.headers
            if last.outcome is not RequestOutcome.BUSY and reply.status in purpose.accepted:
                return EMPTY, reply.headers
        raise self._error(last, purpose, in_doubt=progress.in_doubt)

    def _value(self, reply: Response, purpose: Purpose) -> Value:
        if reply.fault:
            raise self._unreadable(purpose, reply.fault)
        try:
            return read_value(reply.body) if reply.body else None
        except Unreadable as error:
            raise self._unreadable(purpose, str(error)) from None

    def _next(self, here: str, headers: Mapping[str, str], purpose: Purpose) -> str:
        """The target of the next page, empty after the last one.

        Both forges send Link. Behind a proxy GitLab may send X-Next-Page only ("Pagination" in the
        documentation of its REST API).
        """
        number = headers.get("x-next-page")
        if number is not None:
            if not number.strip():
                return ""
            path, _, query = here.partition("?")
            return f"{path}?{urlencode({**dict(parse_qsl(query)), 'page': number.strip()})}"
        link = re.search(r'<([^<>]*)>\s*;[^,<]*\brel="?next"?', headers.get("link", ""))
        if link is None:
            return ""
        try:
            url = urlsplit(link[1])
            prefix = self._base_url.prefix
            below = url.path.startswith(prefix + "/") and self._base_url.includes(url)
            if below and link[1].isascii() and link[1].isprintable():
                return f"{url.path.removeprefix(prefix)}?{url.query}"
        except ValueError:
            pass
        raise ForgeError(
            f"{purpose.what}: the next page of the list is on another host",
            remedy="Set the base URL of the API to the URL that the forge itself names.",
        )

    def _unreadable(self, purpose: Purpose, fact: str) -> ForgeError:
        return ForgeError(
            f"{purpose.what}: the response of {self._name} is not one of its API: {fact}",
            remedy="Check the base URL of the API, and whether there is a proxy.",
        )

    def _error(self, last: HttpAttempt, purpose: Purpose, *, in_doubt: bool) -> ForgeError:
        reply = last.reply
        if isinstance(reply, FailedRequest):
            message = f"no response from {self._name}: {self._redactor.redact(reply.detail)}"
            remedy = "Check the base URL and the network, then run again."
            kind, status = ForgeError, None
        else:
            reason = self._message_of(reply)
            message = f"{self._name} returned HTTP {reply.status}{f' ({reason})' if reason else ''}"
            kind, remedy = self._error_of(last, reply.status, purpose)
            status = reply.status
        if in_doubt:
            kind = ForgeUnsure
        return kind(f"{purpose.what}: {message}", remedy=remedy, status=status)

    def _error_of(
        self, last: HttpAttempt, status: int, purpose: Purpose
    ) -> tuple[type[ForgeError], str]:
        name = self._name
        needs = f"The token needs {purpose.permission}."
        if last.outcome is RequestOutcome.BUSY:
            when = f"in {int(last.wait):,} seconds" if last.wait else "later"
            return ForgeError, f"The rate limit of {name} was exceeded. Try again {when}."
        if last.outcome is RequestOutcome.FAILED:
            return ForgeError, f"{name} returned a server error (HTTP {status}). Try again later."
        if last.outcome is RequestOutcome.REDIRECTED:
            return ForgeError, "Redirects are not followed. Use the present name of the repository."
        table: Mapping[int, tuple[type[ForgeError], str]] = {
            401: (
                ForgeRefused,
                f"Set {self._token_variable} to a valid token of this {name}. {needs}",
            ),
            403: (
                ForgeRefused,
                f"{needs} In a pull request from a fork, the token is read-only.",
            ),
            404: (
                ForgeRefused,
                f"Check the repository and the number. {needs}",
            ),
            422: (
                ForgeError,
                f"{name} did not accept the request. The message above gives its reason.",
            ),
        }
        return table.get(
            status, (ForgeError, f"The message above gives the reason of {name}. {needs}")
        )

    def _message_of(self, reply: Response) -> str:
        """The message of the forge, shortened and without secrets."""
        try:
            row = mapping_of(read_value(reply.body))
        except Unreadable:
            return ""
        text = text_of(row.get("message")) or text_of(row.get("error")) or ""
        return self._redactor.redact(text)[:200]


def text_at(row: Row, *path: str) -> str:
    """The text at a path of nested objects; empty when there is none."""
    *parents, name = path
    for parent in parents:
        row = mapping_of(row.get(parent))
    return text_of(row.get(name)) or ""


def whole_number(value: Value) -> int:
    """The number of an object of a forge; 0 when there is none."""
    return int(value) if isinstance(value, Decimal) else 0


def moment_of(value: Value) -> datetime | None:
    """A time with its zone, as the forges write it; None for anything else."""
    try:
        moment = datetime.fromisoformat(text_of(value) or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Names in order, without duplicates and empty ones."""
    return tuple(dict.fromkeys(filter(None, names)))


def _query(parameters: Mapping[str, str]) -> str:
    return f"?{urlencode(parameters)}" if parameters else ""


def _attempt(reply: Response | FailedRequest) -> HttpAttempt:
    if isinstance(reply, FailedRequest):
        return HttpAttempt(reply=reply, outcome=reply.outcome)
    outcome = RequestOutcome.BUSY if _is_limited(reply) else outcome_of(reply)
    return HttpAttempt(reply=reply, outcome=outcome, wait=_requested_wait(reply))


def _is_limited(reply: Response) -> bool:
    """Whether a limit was exceeded ("Rate limits for the REST API", "Exceeding the rate limit").

    With a primary limit x-ratelimit-remaining is 0; a secondary limit is named in the text. Both
    may have the status 403.
    """
    return reply.status == 403 and (
        "retry-after" in reply.headers
        or reply.headers.get("x-ratelimit-remaining") == "0"
        or b"secondary rate limit" in reply.body
    )


def _requested_wait(reply: Response) -> float | None:
    """Seconds that the forge asks to wait. Resets are seconds since 1970."""
    now = http_date(reply.headers.get("date", ""))
    requested = retry_after(reply.headers, now=now)
    if requested is not None:
        return requested
    for name in ("x-ratelimit-reset", "ratelimit-reset"):
        reset = seconds(reply.headers.get(name, ""))
        if reset is not None and now is not None and _is_spent(reply):
            return max(0.0, reset - now.timestamp()) + 1.0
    return SECONDARY_WAIT if reply.status == 403 else None


def _is_spent(reply: Response) -> bool:
    names = ("x-ratelimit-remaining", "ratelimit-remaining")
    return any(reply.headers.get(name) == "0" for name in names)
