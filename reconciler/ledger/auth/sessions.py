"""Sessions of people in a browser: they stand for a client as a token does, and are no token.

A session is kept beside the tokens, under a hash of another sort. So it ends with its time, spans
what its client spans, and neither can be passed off as the other: the API finds no token under the
hash of a session's text, and no page finds a session under that of a token's.
"""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete

from ..storage.tables import tokens
from .clients import Caller, caller_with_hash, store_token, verified

LIFETIME = 3600
"""Seconds. A client whose tokens live shorter has shorter sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session just begun: the only moment its text is known. `expires_in` is in seconds."""

    text: str
    expires_in: int


def begin(tx: Connection, *, client_id: str, client_secret: str, now: int) -> Session | None:
    """A session of the client, or None when id and secret do not belong together."""
    client = verified(tx, client_id=client_id, client_secret=client_secret)
    if client is None:
        return None
    seconds = min(client["token_lifetime"] or LIFETIME, LIFETIME)
    text = secrets.token_urlsafe(32)
    store_token(tx, client, token_hash=_hash(text), expires_at=now + seconds, now=now)
    return Session(text=text, expires_in=seconds)


def caller_of(tx: Connection, text: str, *, now: int) -> Caller | None:
    """The client a session was begun by, or None when it is unknown, over or ended."""
    return caller_with_hash(tx, _hash(text), now=now)


def end(tx: Connection, text: str) -> None:
    """End a session before its time."""
    tx.execute(delete(tokens).where(tokens.c.token_hash == _hash(text)))


def _hash(text: str) -> str:
    return hashlib.blake2s(text.encode(), person=b"session").hexdigest()
