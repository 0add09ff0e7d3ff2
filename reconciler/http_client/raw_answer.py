"""One request as it is sent, its answer as it arrives, and what transports them."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from reconciler.http_client.base_url import BaseUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """One attempt. `target` begins with the path of the base URL.

    `deadline` is a moment on the caller's clock. `timeout` and `connect_timeout` are in seconds,
    and bound single waits.
    """

    method: str
    base_url: BaseUrl
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    deadline: float
    timeout: float
    connect_timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """Header names are in lower case. `chunks` is the body as it arrives, encoded as it is."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    chunks: Iterable[bytes] = field(repr=False)


def joined(headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Headers as a `RawAnswer` has them; the texts of one that occurs again are joined."""
    found: dict[str, str] = {}
    for name, text in headers:
        lower = name.lower()
        found[lower] = f"{found[lower]}, {text}" if lower in found else text
    return MappingProxyType(found)


class NoAnswer(Exception):
    """The request may have been sent, and no complete answer came."""


class NotSent(NoAnswer):
    """There was no connection, so no byte of the request was sent."""


class Untrusted(NotSent):
    """The certificate of the server was not accepted."""


class Transport(Protocol):
    """Sends requests: over a socket, or to an application in this process."""

    def answer(self, request: RawRequest) -> AbstractContextManager[RawAnswer]:
        """The answer, readable within the context. Entering and reading raise NoAnswer."""

    def close(self) -> None:
        """Give up connections that are kept."""
