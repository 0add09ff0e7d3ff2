"""OAuth clients, tokens and sessions: issued once, kept only as hashes, checked in constant time.

Secrets and tokens are random (250 and 256 bits), so a plain SHA-256 of them cannot be reversed by
guessing; a slow hash would protect only secrets that people choose.

A session of a browser is stored in the table of tokens, under a different hash. So it expires as
tokens do, has the scope of its client, and cannot be used as a token, nor a token as a session.
"""

import hashlib
import hmac
import secrets
import string
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, select

from ..storage.tables import clients, tenants, tokens
from .organizations import entities_of, organizations_of

SECRET_LENGTH = 42
"""The longest secret the API takes (API facts 2)."""
_ALPHABET = string.ascii_letters + string.digits
_COLUMNS = (
    *(column for column in clients.c if column.name not in ("entities", "organizations")),
    clients.c.entities.label("spanned"),
    clients.c.organizations.label("accessible"),
    tenants.c.entity_id,
    tenants.c.entities,
    tenants.c.organizations,
)
_CALLER = (
    select(*_COLUMNS)
    .join(
        tokens, (tokens.c.tenant_id == clients.c.tenant_id) & (tokens.c.client_id == clients.c.id)
    )
    .join(tenants, tenants.c.tenant_id == clients.c.tenant_id)
    .where(tokens.c.token_hash == bindparam("hash"), tokens.c.expires_at > bindparam("now"))
)
SESSION_LIFETIME = 3600
"""Seconds. It is shorter for a client whose tokens expire earlier."""
_NO_HASH = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The client of a request, with the tenant that every query is limited to.

    In a Multi-entity tenant, `tenant_id` is that of the chosen entity and `owner_id` that of the
    client. `entities` maps ids to tenant ids; it is empty if there is no choice. `organizations`
    maps ids to names; None without Multi-Org.
    """

    tenant_id: str
    owner_id: str
    entity_id: str = ""
    client_id: str
    user_id: str
    permissions: frozenset[str]
    entities: Mapping[str, str] = field(default_factory=dict)
    organizations: Mapping[str, str] | None = None

    @property
    def organization_names(self) -> frozenset[str] | None:
        return None if self.organizations is None else frozenset(self.organizations.values())

    def may_see(self, organization: str | None) -> bool:
        """Whether the caller may see an entry of this organization; None is visible to everyone."""
        known = self.organization_names
        return known is None or organization is None or organization in known


def issue_client(tx: Connection, **columns: Any) -> tuple[str, str]:
    """A new client: its id of 36 characters and its secret of 42, stored only as a hash.

    `columns` are those of `clients` that it does not make itself. `entities` (tenant ids) and
    `organizations` (ids) limit the client.
    """
    client_id = str(uuid.uuid4())
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(SECRET_LENGTH))
    made = {"id": client_id, "user_id": uuid.uuid4().hex, "secret_hash": _hash(secret)}
    tx.execute(clients.insert().values(**made, **columns))
    return client_id, secret


def issue_token(
    tx: Connection, client: RowMapping, *, now: int, lifetime: int
) -> dict[str, object]:
    """A token for a client whose secret was verified, as it is answered (API facts 2)."""
    seconds = client["token_lifetime"] or lifetime
    text, jti = _new_token(tx, client, hashed=_hash, seconds=seconds, now=now)
    spanned = " ".join(f"entity.{key}" for key in entities_of(client) or [client["entity_id"]])
    scope = f"user.{client['user_id']} {spanned} tenant.{client['tenant_id']}"
    return {
        "access_token": text,
        "token_type": "bearer",
        "expires_in": seconds,
        "scope": scope,
        "jti": jti,
    }


def verified(tx: Connection, *, client_id: str, client_secret: str) -> RowMapping | None:
    """The client, or None if the secret is wrong. Both take equally long."""
    client = (
        tx.execute(
            select(*_COLUMNS)
            .join(tenants, tenants.c.tenant_id == clients.c.tenant_id)
            .where(clients.c.id == client_id)
        )
        .mappings()
        .one_or_none()
    )
    known = _NO_HASH if client is None else client["secret_hash"]
    return client if hmac.compare_digest(known, _hash(client_secret)) else None


def caller_of(tx: Connection, token: str, *, now: int) -> Caller | None:
    return _caller_with_hash(tx, _hash(token), now=now)


def begin_session(tx: Connection, client: RowMapping, *, now: int) -> tuple[str, int]:
    """The text of a session for a client whose secret was verified, and the seconds it lasts."""
    seconds = min(client["token_lifetime"] or SESSION_LIFETIME, SESSION_LIFETIME)
    text, _id = _new_token(tx, client, hashed=_session_hash, seconds=seconds, now=now)
    return text, seconds


def caller_of_session(tx: Connection, text: str, *, now: int) -> Caller | None:
    return _caller_with_hash(tx, _session_hash(text), now=now)


def end_session(tx: Connection, text: str) -> None:
    tx.execute(delete(tokens).where(tokens.c.token_hash == _session_hash(text)))


def _new_token(
    tx: Connection, client: RowMapping, *, hashed: Callable[[str], str], seconds: int, now: int
) -> tuple[str, str]:
    """The text and the id of a new token or session; its hash is stored until it expires."""
    text, jti = secrets.token_urlsafe(32), uuid.uuid4().hex
    tx.execute(delete(tokens).where(tokens.c.expires_at <= now))
    tx.execute(
        tokens.insert().values(
            tenant_id=client["tenant_id"],
            token_hash=hashed(text),
            client_id=client["id"],
            jti=jti,
            expires_at=now + seconds,
        )
    )
    return text, jti


def _caller_with_hash(tx: Connection, token_hash: str, *, now: int) -> Caller | None:
    """The client of a token or session, by its hash, until it expires."""
    row = tx.execute(_CALLER, {"hash": token_hash, "now": now}).mappings().one_or_none()
    if row is None:
        return None
    return Caller(
        tenant_id=row["tenant_id"],
        owner_id=row["tenant_id"],
        entity_id=row["entity_id"],
        client_id=row["id"],
        user_id=row["user_id"],
        permissions=frozenset(row["permissions"]),
        entities=entities_of(row),
        organizations=organizations_of(row),
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _session_hash(text: str) -> str:
    return hashlib.blake2s(text.encode(), person=b"session").hexdigest()
