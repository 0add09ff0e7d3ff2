"""The token that all threads share. It is requested once, also when several threads wait."""

import copy
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import field
from decimal import Decimal

from reconciler.core.model.json_text import Unreadable
from reconciler.core.model.resource import Value
from reconciler.errors import LedgerError, LedgerUnreachable
from reconciler.values import dataclass
from reconciler.zuora.connection import TOKEN

MARGIN = 60.0
"""Seconds before expiry at which a token is renewed; at most a tenth of its lifetime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token. `lifetime` is in seconds; None means that it is unknown."""

    text: str = field(repr=False)
    lifetime: float | None = None
    tenant_id: str = ""


class TokenSource:
    """The shared token. `fetch` requests one by a deadline; without it `bearer` is the only one."""

    def __init__(
        self,
        fetch: Callable[[float], Token] | None,
        *,
        clock: Callable[[], float],
        bearer: Token | None = None,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._fetching = threading.Lock()
        self._swapping = threading.Lock()
        self._current = None if bearer is None else (bearer, float("inf"))
        self._fetches = 0
        self._failure: LedgerError | None = None

    def token(self, *, deadline: float) -> Token:
        """A valid token, or the LedgerError of its request. Threads share the request."""
        before = self._fetches
        token = self._usable()
        if token is not None:
            return token
        if not self._fetching.acquire(timeout=max(0.0, deadline - self._clock())):
            raise LedgerUnreachable(
                "Signing in: the token request of another call did not end before the deadline.",
                remedy="Check the base URL and the network, and that the ledger is running.",
            )
        try:
            if self._fetches != before and self._failure is not None:
                raise copy.copy(self._failure)
            return self._usable() or self._fetched(deadline)
        finally:
            self._fetching.release()

    def renew(self, refused: Token | None) -> bool:
        """Discards a token that the ledger refused; False when no other one can be requested."""
        if self._fetch is None:
            return False
        with self._swapping:
            # Another thread may have renewed it already.
            if self._current is not None and self._current[0] is refused:
                self._current = None
        return True

    def _usable(self) -> Token | None:
        current = self._current
        return current[0] if current is not None and self._clock() < current[1] else None

    def _fetched(self, deadline: float) -> Token:
        assert self._fetch is not None, "a bearer token does not expire"
        try:
            token = self._fetch(deadline)
        except LedgerError as error:
            self._failure = error
            raise
        else:
            self._failure = None
            lifetime = token.lifetime or 0.0
            with self._swapping:
                self._current = (token, self._clock() + lifetime - min(MARGIN, lifetime / 10))
            return token
        finally:
            self._fetches += 1


def token_of(document: Mapping[str, Value]) -> Token:
    """The token in a response (API facts 2). Raises Unreadable."""
    text, lifetime = document.get("access_token"), document.get("expires_in")
    sort = document.get("token_type", "bearer")
    if not isinstance(text, str) or not TOKEN.fullmatch(text):
        raise Unreadable("the response has no usable access_token")
    if not isinstance(sort, str) or sort.lower() != "bearer":
        raise Unreadable("the token is not a bearer token")
    if not isinstance(lifetime, Decimal) or lifetime <= 0:
        raise Unreadable("the response does not say how long the token is valid")
    return Token(text=text, lifetime=float(lifetime), tenant_id=_tenant_of(document.get("scope")))


def _tenant_of(scope: Value) -> str:
    elements = scope.split(" ") if isinstance(scope, str) else []
    found = (re.fullmatch(r"tenant\.([A-Za-z0-9_-]{1,64})", element) for element in elements)
    return next((match[1] for match in found if match), "")
