"""Carries a call to a forge to its end: attempts, waits, pages, and errors that say what to do."""

import json
import random as chance
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from reconciler.core.model.resource import Value, mapping_of, rows_of, text_of
from reconciler.errors import ForgeError, ForgeRefused, ForgeUnsure, LedgerUnreachable
from reconciler.http_client.base_url import BaseUrl
from reconciler.http_client.exchange import (
    Exchange,
    FailedRequest,
    Request,
    RequestOutcome,
    Response,
)
from reconciler.http_client.redaction import Redactor
from reconciler.http_client.retry import backoff, http_date, monotonic, retry_after, seconds
from reconciler.http_client.strict_json import Unreadable, read_value

Row: TypeAlias = Mapping[str, Value]

PER_PAGE = 100
"""The most rows that either forge gives at once."""

SECONDARY_WAIT = 60.0
"""Seconds to wait for a limit that names none ("Rate limits for the REST API")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how hard a forge is asked. Times are seconds; `deadline` is for a whole run."""

    attempts: int = 5
    deadline: float = 180.0
    attempt_timeout: float = 30.0
    connect_timeout: float = 10.0
    backoff: float = 0.5
    backoff_cap: float = 8.0
    body_bytes: int = 20 * 1024 * 1024
    pages: int = 100
    gzip_over: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """How one forge is spoken of and spoken to."""

    name: str
    token_variable: str
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    moved: str = "Name the repository as it is called now."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What a call is for, in words, and the permission that it needs."""

    what: str
    permission: str
    accepted: frozenset[int] = frozenset()
    """Statuses other than 2xx that are an answer too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer: its status, its headers, the JSON value of its body."""

    status: int
    headers: Mapping[str, str]
    value: Value = None

    @property
    def row(self) -> Row:
        """The answer as one object."""
        return mapping_of(self.value)


class Caller:
    """Speaks to one forge. The token goes to its origin and to no other place."""

    def __init__(  # noqa: PLR0913 - each door to the outside is an argument of its own
        self,
        origin: BaseUrl,
        tongue: Tongue,
        *,
        limits: Limits | None = None,
        ca_bundle: str | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = chance.random,
    ) -> None:
        self._origin = origin
        self._tongue = tongue
        self._limits = limits or Limits()
        self._clock, self._sleep, self._random = clock, sleep, random
        self._redactor = Redactor(tongue.secrets)
        try:
            self._exchange = Exchange(
                origin,
                limits=self._limits,
                transport=transport,
                ca_bundle=ca_bundle,
                clock=clock,
            )
        except LedgerUnreachable as error:
            raise ForgeError(error.message, remedy=error.remedy) from error
        self._deadline = clock() + self._limits.deadline

    @property
    def host(self) -> str:
        """The host that is asked."""
        return self._origin.host

    def close(self) -> None:
        """Closes every connection."""
        self._exchange.close()

    def get(self, target: str, asking: Asking, **parameters: str) -> Answer:
        """One answer to one question."""
        return self.call("GET", target + _query(parameters), asking)

    def rows(self, target: str, asking: Asking, **parameters: str) -> tuple[Row, ...]:
        """The rows of all pages of a list.

        Raises ForgeError when a page names another host, or when there is no end to them: half a
        list is worse than none.
        """
        here = target + _query({**parameters, "per_page": str(PER_PAGE)})
        found: list[Row] = []
        seen: set[str] = set()
        while here:
            if here in seen or len(seen) >= self._limits.pages:
                raise ForgeError(
                    f"{asking.what}: the list of {self._tongue.name} has no end",
                    remedy="Check for a proxy in between that repeats answers.",
                )
            seen.add(here)
            answer = self.call("GET", here, asking)
            if not isinstance(answer.value, tuple):
                raise self._unreadable(asking, "the answer is no list")
            found.extend(rows_of(answer.value))
            here = self._next(here, answer, asking)
        return tuple(found)

    def call(
        self, method: str, target: str, asking: Asking, body: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request until it is answered. A POST is sent again only if it was not taken."""
        request = Request(
            method=method,
            target=target,
            body=None if body is None else json.dumps(body).encode(),
            headers=self._tongue.headers,
        )
        attempt = 0
        while True:
            attempt += 1
            now = self._clock()
            reply = self._exchange.send(
                request, deadline=min(self._deadline, now + self._limits.attempt_timeout)
            )
            if isinstance(reply, Response) and _answers(reply, asking):
                return self._answer(reply, asking)
            again = method != "POST" or _not_taken(reply)
            if not (again and self._waited(reply, attempt)):
                raise self._failure(reply, asking, in_doubt=method == "POST")

    def _answer(self, reply: Response, asking: Asking) -> Answer:
        if reply.fault:
            raise self._unreadable(asking, reply.fault)
        try:
            value = read_value(reply.body) if reply.body else None
        except Unreadable as error:
            raise self._unreadable(asking, str(error)) from None
        return Answer(status=reply.status, headers=reply.headers, value=value)

    def _next(self, here: str, answer: Answer, asking: Asking) -> str:
        """The target of the next page, empty after the last one.

        Both forges send Link; GitLab leaves it to X-Next-Page alone when asked through a proxy
        ("Pagination" in the docs of its REST API).
        """
        number = answer.headers.get("x-next-page")
        if number is not None:
            if not number.strip():
                return ""
            path, _, query = here.partition("?")
            return f"{path}?{urlencode({**dict(parse_qsl(query)), 'page': number.strip()})}"
        link = re.search(r'<([^<>]*)>\s*;[^,<]*\brel="?next"?', answer.headers.get("link", ""))
        if link is None:
            return ""
        try:
            url = urlsplit(link[1])
            below = url.path.startswith(self._origin.prefix + "/")
            if below and self._origin.holds(url) and link[1].isascii() and link[1].isprintable():
                return f"{url.path.removeprefix(self._origin.prefix)}?{url.query}"
        except ValueError:
            pass
        raise ForgeError(
            f"{asking.what}: the next page of the list is said to be on another host",
            remedy="Set the base URL of the API to the one that the forge itself names.",
        )

    def _waited(self, reply: Response | FailedRequest, attempt: int) -> bool:
        """Sit out what is due before the next attempt; False when there is to be none."""
        if attempt >= self._limits.attempts:
            return False
        wait = backoff(
            attempt,
            first=self._limits.backoff,
            cap=self._limits.backoff_cap,
            random=self._random,
        )
        if isinstance(reply, Response):
            if not (reply.status >= 500 or _limited(reply)):
                return False
            wait = max(wait, _asked_wait(reply))
        elif reply.outcome is RequestOutcome.UNTRUSTED:
            return False
        if self._clock() + wait >= self._deadline:
            return False
        self._sleep(wait)
        return True

    def _unreadable(self, asking: Asking, fact: str) -> ForgeError:
        return ForgeError(
            f"{asking.what}: {self._tongue.name} did not answer as its API does; {fact}",
            remedy="Check the base URL of the API, and for a proxy in between.",
        )

    def _failure(
        self, reply: Response | FailedRequest, asking: Asking, *, in_doubt: bool
    ) -> ForgeError:
        name = self._tongue.name
        if isinstance(reply, FailedRequest):
            kind = ForgeUnsure if in_doubt and not _not_taken(reply) else ForgeError
            return kind(
                f"{asking.what}: no answer from {name}; {self._redactor.clean(reply.detail)}",
                remedy="Check the base URL and the network, then run it again.",
            )
        said = self._said(reply)
        message = f"{asking.what}: {name} answered {reply.status}{f' ({said})' if said else ''}"
        kind, remedy = self._verdict(reply, asking)
        if in_doubt and reply.status >= 500:
            kind = ForgeUnsure
        return kind(message, remedy=remedy, status=reply.status)

    def _verdict(self, reply: Response, asking: Asking) -> tuple[type[ForgeError], str]:
        name, token = self._tongue.name, self._tongue.token_variable
        if _limited(reply):
            wait = int(_asked_wait(reply))
            when = f"in {wait:,} seconds" if wait else "later"
            return ForgeError, f"{name} limits requests. Run it again {when}."
        if reply.status >= 500:
            return ForgeError, f"{name} is disturbed. Run it again later."
        if 300 <= reply.status < 400:
            return ForgeError, f"Redirects are not followed. {self._tongue.moved}"
        needs = f"The token needs {asking.permission}."
        table: Mapping[int, tuple[type[ForgeError], str]] = {
            401: (
                ForgeRefused,
                f"Set {token} to a token of this {name} that is valid now. {needs}",
            ),
            403: (
                ForgeRefused,
                f"{needs} A pull request from a fork is given a token that only reads.",
            ),
            404: (
                ForgeRefused,
                f"Check repository and number: what a token may not see is not found. {needs}",
            ),
            422: (ForgeError, f"{name} does not take what was sent: see the answer above."),
        }
        return table.get(reply.status, (ForgeError, f"See what {name} says. {needs}"))

    def _said(self, reply: Response) -> str:
        """The forge's own words, shortened and without secrets."""
        try:
            row = mapping_of(read_value(reply.body))
        except Unreadable:
            return ""
        text = text_of(row.get("message")) or text_of(row.get("error")) or ""
        return self._redactor.clean(text)[:200]


def _answers(reply: Response, asking: Asking) -> bool:
    """Whether this is what was asked for; a limit's 403 says nothing about access."""
    accepted = reply.status in asking.accepted and not _limited(reply)
    return 200 <= reply.status < 300 or accepted


def _query(parameters: Mapping[str, str]) -> str:
    return f"?{urlencode(parameters)}" if parameters else ""


_CERTAIN: Mapping[RequestOutcome, bool] = MappingProxyType(
    {RequestOutcome.NOT_SENT: True, RequestOutcome.UNTRUSTED: True}
)


def _not_taken(reply: Response | FailedRequest) -> bool:
    """Whether it is certain that the request had no effect."""
    if isinstance(reply, FailedRequest):
        return _CERTAIN.get(reply.outcome, False)
    return 300 <= reply.status < 500


def _limited(reply: Response) -> bool:
    """Whether the answer is a limit's ("Rate limits for the REST API", "Exceeding the rate limit").

    A primary limit leaves x-ratelimit-remaining at 0, a secondary one says so in its words; either
    may come as 403.
    """
    if reply.status == 429:
        return True
    return reply.status == 403 and (
        "retry-after" in reply.headers
        or reply.headers.get("x-ratelimit-remaining") == "0"
        or b"secondary rate limit" in reply.body
    )


def _asked_wait(reply: Response) -> float:
    """Seconds that the forge asks to be left alone for; resets are moments since 1970."""
    now = http_date(reply.headers.get("date", ""))
    asked = retry_after(reply.headers, now=now)
    if asked is not None:
        return asked
    for name in ("x-ratelimit-reset", "ratelimit-reset"):
        reset = seconds(reply.headers.get(name, ""))
        if reset is not None and now is not None and _spent(reply):
            return max(0.0, reset - _since_1970(now)) + 1.0
    return SECONDARY_WAIT if reply.status == 403 else 0.0


def _spent(reply: Response) -> bool:
    names = ("x-ratelimit-remaining", "ratelimit-remaining")
    return any(reply.headers.get(name) == "0" for name in names)


def _since_1970(moment: datetime) -> float:
    return moment.timestamp()
