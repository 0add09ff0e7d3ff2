"""The only base URL a client sends to, checked before anything is sent."""

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from reconciler.core.model.urls import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseUrl:
    """Scheme, host and port that a client sends to, and the path that every target is below."""

    scheme: str
    host: str
    port: int
    prefix: str

    @property
    def authority(self) -> str:
        """Host and port, as a Host header has them: without the usual port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL as text, without a slash at the end."""
        return f"{self.scheme}://{self.authority}{self.prefix}"

    def includes(self, url: SplitResult) -> bool:
        """Whether a URL has this scheme, host and port. A relative one has."""
        if not url.scheme and not url.netloc:
            return True
        return (url.scheme, url.hostname, port_of(url)) == (self.scheme, self.host, self.port)


DEFAULT_PORTS = {"https": 443, "http": 80}


class UnusableUrl(ValueError):
    """A URL that no secret may be sent to. `reason` says why, `host` which host it names."""

    def __init__(self, reason: str, *, host: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.host = host


NOT_PLAIN = "not plain"
WITHOUT_TLS = "without TLS"


def parse_base_url(text: str) -> BaseUrl:
    """A base URL: https, or http to this machine only.

    Raises UnusableUrl for any other URL. It has no user, query, fragment or unusual characters.
    """
    url, host, port = split_url(text)
    if url.query or url.fragment:
        raise UnusableUrl(NOT_PLAIN)
    if url.scheme == "http" and not is_loopback(host):
        raise UnusableUrl(WITHOUT_TLS, host=host)
    return BaseUrl(scheme=url.scheme, host=host, port=port, prefix=url.path.rstrip("/"))


def port_of(url: SplitResult) -> int | None:
    """The port a URL names or implies; None when there is no such port."""
    try:
        return url.port or DEFAULT_PORTS.get(url.scheme)
    except ValueError:
        return None


def split_url(text: str) -> tuple[SplitResult, str, int]:
    """The parts of a URL of http or https, its host and its port.

    Raises UnusableUrl for any other text, for one with a user, and for unusual characters.
    """
    try:
        url = urlsplit(text)
        host, port = (url.hostname or "").lower(), port_of(url)
    except ValueError:
        raise UnusableUrl(NOT_PLAIN) from None
    plain = text.isascii() and text.isprintable() and not {" ", "\\"} & {*text}
    # A part of any other length cannot be looked up, which the standard library does not expect.
    named = all(0 < len(label) < 64 for label in host.removesuffix(".").split("."))
    known = url.scheme in DEFAULT_PORTS and named and "@" not in url.netloc
    if not plain or not known or port is None:
        raise UnusableUrl(NOT_PLAIN)
    return url, host, port
