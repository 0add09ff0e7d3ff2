"""Where the ledger is, who asks, and how patient a call may be."""

import re
from dataclasses import dataclass
from typing import NoReturn

from reconciler.errors import AccessRefused, LedgerUnreachable
from reconciler.http_client.base_url import WITHOUT_TLS, BaseUrl, UnusableUrl, parse_base_url
from reconciler.http_client.exchange import HttpLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where a ledger is and in which entity and organizations it is entered.

    `base_url` is an https URL; plain http is for a loopback host alone. `hosts` are the only hosts
    that may be spoken to, None meaning the host of `base_url`. `ca_bundle` is a PEM file of
    authorities trusted besides the public ones, as a company with its own authority needs.
    """

    base_url: str
    zuora_version: str = "2025-08-12"
    entity_id: str | None = None
    organization_ids: tuple[str, ...] = ()
    hosts: frozenset[str] | None = None
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantIdentity:
    """Whose books a client is looking at. `tenant_id` is empty when the token does not tell."""

    host: str
    tenant_id: str = ""
    entity_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits(HttpLimits):
    """Limits of the calls to a ledger; `deadline` is for one call.

    `query_deadline` and `result_bytes` bound a query from its submission to its last row, and the
    file that holds these.
    """

    concurrency: int = 8
    result_bytes: int = 64 * 1024 * 1024
    query_deadline: float = 180.0
    page_size: int = 40  # lists cap at 40 silently, whatever their pages say (API facts 3.4)
    pages: int = 1000


TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,8192}=*")
"""What a bearer token may consist of, so that none can end a header and begin another."""


class Credentials:
    """An OAuth client of the tenant, or a token that was fetched elsewhere.

    Nothing that prints, compares, copies or pickles a value shows them.
    """

    __slots__ = ("_client_id", "_client_secret", "_token")

    def __init__(self, *, client_id: str = "", client_secret: str = "", token: str = "") -> None:
        if not token and not (client_id and client_secret):
            raise AccessRefused(
                "There are no credentials for the ledger.",
                remedy="Set ZUORA_CLIENT_ID and ZUORA_CLIENT_SECRET, or ZUORA_TOKEN.",
            )
        if token and not TOKEN.fullmatch(token):
            raise AccessRefused(
                "The token has characters that no bearer token has, such as spaces or line ends.",
                remedy="Set ZUORA_TOKEN to the access token alone.",
            )
        self._client_id = client_id
        self._client_secret = client_secret
        self._token = token

    @property
    def token(self) -> str:
        """The bearer token, empty when one is to be fetched."""
        return self._token

    def form(self) -> dict[str, str]:
        """The form of a token request (API facts 2)."""
        return {
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "grant_type": "client_credentials",
        }

    def secrets(self) -> tuple[str, ...]:
        """Every text that must never be shown, for the redactor alone."""
        pair = f"{self._client_id}:{self._client_secret}" if self._client_secret else ""
        texts = (self._client_secret, self._client_id, pair, self._token)
        return tuple(text for text in texts if text)

    def __repr__(self) -> str:
        return "Credentials(token=…)" if self._token else "Credentials(client_id=…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Credentials are not pickled or copied.")


def base_url_of(connection: Connection) -> BaseUrl:
    """The origin of a connection, checked before any byte can leave.

    Raises LedgerUnreachable when the URL is not one a client may send credentials to.
    """
    try:
        origin = parse_base_url(connection.base_url)
    except UnusableUrl as error:
        if error.reason == WITHOUT_TLS:
            raise _unusable(
                f"The base URL names {error.host} without TLS; http is for a ledger on this "
                "machine alone."
            ) from error
        raise _unusable("The base URL of the ledger is not a plain http or https URL.") from error
    host, hosts = origin.host, connection.hosts
    allowed = {host} if hosts is None else {name.lower() for name in hosts}
    if host not in allowed:
        raise _unusable(f"The host {host} is not one this workspace may talk to.")
    return origin


HEADER_WORD = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What an id or version from a workspace must look like to become part of a header."""


def headers_of(connection: Connection) -> dict[str, str]:
    """The headers every call on a connection carries (API facts 1.1).

    Raises LedgerUnreachable when a value is not one a header may carry.
    """
    headers = {"Zuora-Version": connection.zuora_version}
    words = [connection.zuora_version, *connection.organization_ids]
    if connection.entity_id is not None:
        headers["Zuora-Entity-Ids"] = connection.entity_id
        words.append(connection.entity_id)
    if connection.organization_ids:
        headers["Zuora-Org-Ids"] = ",".join(connection.organization_ids)
    if not all(HEADER_WORD.fullmatch(word) for word in words):
        raise _unusable("The API version, entity or an organization id is not one word of ASCII.")
    return headers


def _unusable(message: str) -> LedgerUnreachable:
    return LedgerUnreachable(
        message,
        remedy="Correct the target in reconciler.yaml, or ZUORA_BASE_URL.",
    )
