"""Request headers, each checked before it is used (API facts 1.1)."""

import ipaddress
import re
from datetime import date

import falcon

from .errors import INVALID_VALUE, refusal

_TRACK_ID = re.compile(r"[ !#-&(-9<-~]{1,64}")
_KEY = re.compile(r"[ -~]{1,254}")
DEFAULT_VERSION = "2025-08-12"
"""The newest minor version that answers follow (API facts 1)."""
STATUS_SINCE = date(2024, 5, 20)
_NUMERIC = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?")
_DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


def check_host(request: falcon.Request, allowed: frozenset[str] | None) -> None:
    """Refuse an unknown Host, as protection against DNS rebinding."""
    if allowed is None:
        return
    host = re.sub(r":[0-9]*$", "", request.get_header("Host") or "").lower()
    if host not in allowed:
        raise falcon.HTTPForbidden(description="This host name is not served here")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def errors_have_status(request: falcon.Request) -> bool:
    """Whether errors have their own HTTP status. Older versions answer them with HTTP 200.

    Raises Refusal if Zuora-Version is neither a date nor a number such as 196.0 (API facts 1, 7.2).
    """
    version = request.get_header("Zuora-Version", default=DEFAULT_VERSION)
    if _NUMERIC.fullmatch(version):
        return False
    if _DATED.fullmatch(version):
        try:
            return date.fromisoformat(version) >= STATUS_SINCE
        except ValueError:
            pass  # not in the calendar
    raise refusal(
        INVALID_VALUE,
        "Zuora-Version must be a date such as 2025-08-12 or a number such as 196.0",
        always=True,
    )


def track_id(request: falcon.Request) -> str | None:
    """The Zuora-Track-Id, which the answer repeats. Raises Refusal."""
    value: str | None = request.get_header("Zuora-Track-Id")
    if value is not None and not _TRACK_ID.fullmatch(value):
        raise refusal(
            INVALID_VALUE,
            "Zuora-Track-Id must have 1 to 64 ASCII characters, none of : ; \" '",
            always=True,
        )
    return value


def idempotency_key(request: falcon.Request) -> str | None:
    """The Idempotency-Key of a POST; other methods ignore it (API facts 7.5)."""
    value: str | None = request.get_header("Idempotency-Key")
    if value is None or request.method != "POST":
        return None
    if not _KEY.fullmatch(value):
        raise refusal(
            INVALID_VALUE, "Idempotency-Key must have 1 to 254 ASCII characters", always=True
        )
    return value


def bearer(request: falcon.Request) -> str | None:
    """The token of the Authorization header, if it carries one."""
    scheme, _space, token = (request.get_header("Authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def accepts_gzip(request: falcon.Request) -> bool:
    """Whether Accept-Encoding takes gzip, and not with a weight of zero."""
    for part in (request.get_header("Accept-Encoding") or "").lower().split(","):
        coding, _semicolon, weight = part.partition(";")
        if coding.strip() == "gzip":
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False
