"""Where a daybook on PostgreSQL is, and whether its password may be sent there.

The URL comes from the workspace, so a change can name any host. The environment of the job names
the hosts that its password may go to. What libpq would read elsewhere is stated or refused here
(PostgreSQL documentation, "Parameter Key Words", "Environment Variables", "The Connection Service
File", "SSL Support").
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import certifi

from reconciler.core.model.finding import joined
from reconciler.core.model.urls import is_loopback
from reconciler.core.model.variables import DAYBOOK_HOSTS as HOSTS
from reconciler.errors import DaybookError
from reconciler.values import dataclass

_PORT = 5432
_VERIFIED = "verify-full"
_ELSEWHERE = ("PGHOSTADDR", "PGSERVICE")
"""Variables that libpq follows to another server, whatever parameters it is given."""

_HOST = re.compile(r"[a-z0-9.-]+")
"""One host. libpq takes lists, and a directory for a socket."""

_NO_FILE = f"{os.devnull}/none"
"""A path that is never a file."""

_URL = (
    "Write postgresql://user@host/database. The password comes from PGPASSWORD or ~/.pgpass, once "
    f"{HOSTS} names the host."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A database to connect to: its text for messages, and its parameters for libpq."""

    place: str
    parameters: Mapping[str, str]


def destination_of(url: str, environment: Mapping[str, str]) -> Destination:
    """The destination that a URL names. Raises DaybookError when nothing may be sent there."""
    try:
        address = urlsplit(url, allow_fragments=False)
        port = address.port or _PORT
    except ValueError:
        # The text of the error may repeat the password.
        raise DaybookError("the daybook's URL cannot be read", remedy=_URL) from None
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    if address.password is not None or "password" in query:
        raise DaybookError("the daybook's URL holds a password", remedy=_URL)
    host, database = (address.hostname or "").lower(), ""
    if address.path.startswith("/"):
        database = unquote(address.path.removeprefix("/"))
    if address.scheme != "postgresql" or not database or not _HOST.fullmatch(host):
        raise DaybookError("the daybook's URL does not name a PostgreSQL database", remedy=_URL)
    if other := ", ".join(sorted(query.keys() - {"sslmode"})):
        raise DaybookError(
            f"the daybook's URL sets {other}, which can lead to another server", remedy=_URL
        )
    shown = f"{host}:{address.port}" if address.port else host
    return Destination(
        place=f"postgresql://{shown}/{database}",
        parameters={
            "host": host,
            "port": str(port),
            "dbname": database,
            **({"user": unquote(address.username)} if address.username else {}),
            **_protection(host, query.get("sslmode", ""), environment),
            **_secrets(host, port, environment),
            # Otherwise libpq prefers encryption by Kerberos, which checks no certificate.
            "gssencmode": "disable",
        },
    )


def _secrets(host: str, port: int, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Parameters that let libpq use a password, or keep it from one."""
    name = host if port == _PORT else f"{host}:{port}"
    if elsewhere := [variable for variable in _ELSEWHERE if environment.get(variable)]:
        raise DaybookError(
            f"{joined(elsewhere)} would send the daybook's password to another server than {name}",
            remedy=f"Unset {joined(elsewhere)}. The daybook's URL names its server.",
        )
    if name in re.split(r"[,\s]+", environment.get(HOSTS, "").lower()):
        return {}
    if is_loopback(host) and not environment.get("PGPASSWORD"):
        return {"passfile": _NO_FILE}
    raise DaybookError(
        f"the daybook is at {name}, which {HOSTS} does not name, so no password is sent to it",
        remedy=f"If this is the server of your daybook, set {HOSTS} to {name} in the environment "
        "of the job. If a change moved the daybook there, do not apply it.",
    )


def _protection(host: str, mode: str, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Parameters for TLS: away from this machine the certificate must be that of the host."""
    if is_loopback(host):
        return {"sslmode": mode} if mode else {}
    if mode not in ("", _VERIFIED):
        raise DaybookError(
            f"sslmode={mode} in the daybook's URL does not prove that the server is {host}",
            remedy=f"Remove sslmode, or write sslmode={_VERIFIED}. PGSSLROOTCERT names the file "
            "of a private authority.",
        )
    own = Path("~/.postgresql/root.crt").expanduser()
    stated = environment.get("PGSSLROOTCERT") or own.is_file()
    return {"sslmode": _VERIFIED, **({} if stated else {"sslrootcert": certifi.where()})}
