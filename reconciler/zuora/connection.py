"""Base URL, tenant headers, credentials and limits of the calls to a ledger."""

import re
from typing import NoReturn

from reconciler.errors import AccessRefused, LedgerUnreachable
from reconciler.http_client.base_url import WITHOUT_TLS, BaseUrl, UnusableUrl, parse_base_url
from reconciler.http_client.exchange import HttpLimits
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The base URL of a ledger, with entity and organizations.

    `base_url` is an https URL, or http to a loopback host. `hosts` are the only allowed hosts;
    None allows the host of `base_url`. `ca_bundle` is a PEM file of authorities that are trusted
    in addition to the machine's.
    """

    base_url: str
    zuora_version: str = "2025-08-12"
    entity_id: str | None = None
    organization_ids: tuple[str, ...] = ()
    hosts: frozenset[str] | None = None
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantIdentity:
    """The tenant of a client. `tenant_id` is empty when the token does not contain it."""

    host: str
    tenant_id: str = ""
    entity_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits(HttpLimits):
    """Limits of the calls to a ledger; `deadline` is for one call.

    `query_deadline` bounds a query from submission to its last row, `result_bytes` its result
    file. The ledger returns no more than `result_rows` (API facts 6.1).
    """

    concurrency: int = 8
    result_bytes: int = 64 * 1024 * 1024
    result_rows: int = 500_000
    query_deadline: float = 180.0
    page_size: int = 40  # lists cap at 40 silently, whatever their pages say (API facts 3.4)
    pages: int = 1000


TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,8192}=*")
"""Characters of a bearer token. None of them ends a header."""


class Credentials:
    """An OAuth client, or a bearer token. They are never printed, compared, copied or pickled."""

    __slots__ = ("_client_id", "_client_secret", "_token")

    def __init__(self, *, client_id: str = "", client_secret: str = "", token: str = "") -> None:
        if not token and not (client_id and client_secret):
            raise AccessRefused(
                "There are no credentials for the ledger.",
                remedy="Set ZUORA_CLIENT_ID and ZUORA_CLIENT_SECRET, or ZUORA_TOKEN.",
            )
        if token and not TOKEN.fullmatch(token):
            raise AccessRefused(
                "The token has characters that a bearer token cannot have, such as spaces.",
                remedy="Set ZUORA_TOKEN to the access token alone.",
            )
        self._client_id = client_id
        self._client_secret = client_secret
        self._token = token

    @property
    def token(self) -> str:
        """The bearer token; empty when it must be requested."""
        return self._token

    def form(self) -> dict[str, str]:
        """The form of a token request (API facts 2)."""
        return {
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "grant_type": "client_credentials",
        }

    def secrets(self) -> tuple[str, ...]:
        """Every text that must never be shown, for the redactor only."""
        pair = f"{self._client_id}:{self._client_secret}" if self._client_secret else ""
        texts = (self._client_secret, self._client_id, pair, self._token)
        return tuple(text for text in texts if text)

    def __repr__(self) -> str:
        return "Credentials(token=…)" if self._token else "Credentials(client_id=…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Credentials are not pickled or copied.")


def base_url_of(connection: Connection) -> BaseUrl:
    """The base URL. Raises LedgerUnreachable for one that credentials must not be sent to."""
    try:
        origin = parse_base_url(connection.base_url)
    except UnusableUrl as error:
        if error.reason == WITHOUT_TLS:
            raise _unusable(
                f"The base URL names {error.host} without TLS. Only a ledger on this machine may "
                "use http."
            ) from error
        raise _unusable("The base URL of the ledger is not an http or https URL.") from error
    host, hosts = origin.host, connection.hosts
    allowed = {host} if hosts is None else {name.lower() for name in hosts}
    if host not in allowed:
        raise _unusable(f"The workspace does not allow the host {host}.")
    return origin


HEADER_WORD = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Characters of an id or version that becomes part of a header."""


def headers_of(connection: Connection) -> dict[str, str]:
    """The headers of every call (API facts 1.1). Raises LedgerUnreachable for unusable values."""
    headers = {"Zuora-Version": connection.zuora_version}
    words = [connection.zuora_version, *connection.organization_ids]
    if connection.entity_id is not None:
        headers["Zuora-Entity-Ids"] = connection.entity_id
        words.append(connection.entity_id)
    if connection.organization_ids:
        headers["Zuora-Org-Ids"] = ",".join(connection.organization_ids)
    if not all(HEADER_WORD.fullmatch(word) for word in words):
        raise _unusable("The API version, the entity or an organization id has unusual characters.")
    return headers


def _unusable(message: str) -> LedgerUnreachable:
    return LedgerUnreachable(
        message, remedy="Correct the target in reconciler.yaml, or ZUORA_BASE_URL."
    )
