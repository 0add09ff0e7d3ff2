"""Browser sessions: they identify a client as a token does, but are not tokens.

A session is stored in the table of tokens, under a different hash. So it expires as tokens do, has
the scope of its client, and cannot be used as a token, nor a token as a session.
"""

import hashlib

from sqlalchemy import Connection, RowMapping, delete

from ..storage.tables import tokens
from .clients import Caller, caller_with_hash, new_token

LIFETIME = 3600
"""Seconds. It is shorter for a client whose tokens expire earlier."""


def begin(tx: Connection, client: RowMapping, *, now: int) -> tuple[str, int]:
    """The text of a session for a client whose secret was verified, and the seconds it lasts."""
    seconds = min(client["token_lifetime"] or LIFETIME, LIFETIME)
    text, _id = new_token(tx, client, hashed=_hash, seconds=seconds, now=now)
    return text, seconds


def caller_of(tx: Connection, text: str, *, now: int) -> Caller | None:
    """The client of a session; None if it is unknown, expired or ended."""
    return caller_with_hash(tx, _hash(text), now=now)


def end(tx: Connection, text: str) -> None:
    tx.execute(delete(tokens).where(tokens.c.token_hash == _hash(text)))


def _hash(text: str) -> str:
    return hashlib.blake2s(text.encode(), person=b"session").hexdigest()
