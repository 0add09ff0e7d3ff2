"""Idempotency keys: one claim per key, and its first answer for 24 hours (API facts 7.5).

A claim is committed before the work starts, so that threads and processes see it. The answer is
stored in the transaction of the change, so that they exist together or not at all. If the holder of
a claim dies, another request can take it over after a few seconds. The old holder then finds the
claim lost and rolls back.
"""

import secrets
from dataclasses import asdict, dataclass, field
from enum import Enum, auto

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from .store import Store
from .tables import replays

_KEY = (replays.c.tenant_id == bindparam("tenant"), replays.c.key == bindparam("keyed"))
_HELD = (*_KEY, replays.c.claim == bindparam("token"))
_FORGET = delete(replays).where(replays.c.expires_at <= bindparam("now"))
_FIND = select(replays).where(*_KEY)
_ADD = insert(replays)
_TAKE_OVER = (
    update(replays)
    .where(*_KEY)
    .values(claim=bindparam("token"), claimed_at=bindparam("now"), body_digest=bindparam("digest"))
)
_SETTLE = (
    update(replays)
    .where(*_HELD)
    .values(
        claim=None,
        status=bindparam("answered"),
        body=bindparam("text"),
        request_id=bindparam("request"),
    )
)
_RELEASE = delete(replays).where(*_HELD)

LIFETIME = 24 * 60 * 60
LEASE = 10
"""Seconds until a claim expires. Work that takes longer is rolled back, never repeated."""
_SOMETIMES = "00"
"""How the token begins of a claim that also deletes what has expired: one of 256 does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: bytes
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The claim of a request on a key, until its lease expires; later requests are compared."""

    tenant_id: str
    key: str
    method: str
    url: str
    body_digest: str
    claim: str = field(default_factory=lambda: secrets.token_hex(16))


class KeyConflict(Enum):
    RUNNING = auto()
    OTHER_REQUEST = auto()
    OTHER_BODY = auto()


class ClaimLost(Exception):
    """Another request has taken over the claim; the work must not be committed."""


def claim(store: Store, wanted: Claim, *, now: int, strict: bool) -> Answer | KeyConflict | None:
    """Claim the key, or return its stored answer or the conflict. `strict` compares bodies too."""
    mine = {"tenant": wanted.tenant_id, "keyed": wanted.key}
    with store.writing_relaxed() as tx:
        known = tx.execute(_FIND, mine).mappings().one_or_none()
        expired = known is not None and known["expires_at"] <= now
        if expired or wanted.claim.startswith(_SOMETIMES):
            tx.execute(_FORGET, {"now": now})
        if known is None or expired:
            tx.execute(_ADD, {**asdict(wanted), "claimed_at": now, "expires_at": now + LIFETIME})
            return None
        if (known["method"], known["url"]) != (wanted.method, wanted.url):
            return KeyConflict.OTHER_REQUEST
        if strict and known["body_digest"] != wanted.body_digest:
            return KeyConflict.OTHER_BODY
        if known["status"] is not None:
            return Answer(
                status=known["status"], body=known["body"].encode(), request_id=known["request_id"]
            )
        if now < known["claimed_at"] + LEASE:
            return KeyConflict.RUNNING
        taken = {"token": wanted.claim, "now": now, "digest": wanted.body_digest}
        tx.execute(_TAKE_OVER, {**mine, **taken})
        return None


def store_answer(tx: Connection, claimed: Claim, answer: Answer) -> None:
    """Store the answer in the transaction of its effect. Raises ClaimLost after a take-over."""
    settled = tx.execute(
        _SETTLE,
        {
            **_held(claimed),
            "answered": answer.status,
            "text": answer.body.decode(),
            "request": answer.request_id,
        },
    )
    if settled.rowcount != 1:
        raise ClaimLost


def release(store: Store, claimed: Claim) -> None:
    """Release the claim without an answer, so that the next request executes."""
    with store.writing_relaxed() as tx:
        tx.execute(_RELEASE, _held(claimed))


def _held(claimed: Claim) -> dict[str, str]:
    return {"tenant": claimed.tenant_id, "keyed": claimed.key, "token": claimed.claim}
