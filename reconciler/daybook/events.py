"""The events of a daybook: their types and contents, and the chain of their hashes."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from msgspec import structs

from reconciler.core.model.canonical import StoredSpec, spec_text
from reconciler.core.model.history import Act, CallOutcome, Result
from reconciler.core.model.resource import Address, Value
from reconciler.values import dataclass

FORMAT = "3"

GENESIS = "0" * 64
"""The hash before the first event."""


class EventType(StrEnum):
    CREATED = "created"
    BOUND_TO_TENANT = "bound-to-tenant"
    MARKED_COMPLETE = "marked-complete"
    LEASE_TAKEN = "lease-taken"
    LEASE_BROKEN = "lease-broken"
    RUN_BEGUN = "run-begun"
    RUN_ENDED = "run-ended"
    INTENT = "intent"
    OUTCOME = "outcome"
    EXPORTED = "exported"
    IMPORTED = "imported"


STATE = frozenset({EventType.INTENT, EventType.OUTCOME})
"""Types that the recorded state follows from. They raise the serial."""


UNUSED = frozenset({EventType.CREATED, EventType.LEASE_TAKEN, EventType.BOUND_TO_TENANT})
"""Types that say nothing of what was posted."""


class Damaged(ValueError):
    """A daybook was altered, or cannot be read."""


class Event(NamedTuple):
    """One event as it is stored. `content` is canonical JSON, never decoded and encoded again.

    A tuple is made faster than a dataclass, and who opens a daybook makes one of each event.
    """

    seq: int
    at: str
    type: str
    content: str
    hash: str


def seal(previous: str, seq: int, at: str, event_type: str, content: str) -> str:
    """The hash of an event, over its own fields and the hash of the event before it."""
    # Only the content holds free text, and JSON text has no line breaks.
    text = f"{previous}\n{seq}\n{at}\n{event_type}\n{content}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One call as it is about to be made. `payload` is the exact body, `key` its idempotency key.
    Of a note, `payload` holds what the ledger stored otherwise than it was sent.

    `spec` is what the file declares; of a cancel, which entries of a run were cancelled before.
    `reverses` is the name of the entry that a cancelled one reverses.
    `server_at` is the ledger's own time when the intent was written. Only the ledger's clock
    decides how long a key protects against a second entry.
    `answered` are the numbers that an open call was answered with, whatever became of them.
    """

    address: Address
    act: Act
    number: str | None = None
    incarnation: int = 0
    attempt: int = 0
    key: str | None = None
    track_id: str | None = None
    payload: str | None = None
    spec: Mapping[str, Value] | None = None
    protect: bool = False
    reverses: str = ""
    server_at: datetime | None = None
    seq: int = 0
    answered: tuple[str, ...] = ()


class Content(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """The content of an event. Fields that a later version adds are ignored."""


class Created(Content):
    lineage: str
    workspace: str = ""


class BoundToTenant(Content):
    tenant: str
    workspace: str = ""
    marker: str = ""
    """The field that holds the markers of the entries."""


class MarkedComplete(Content):
    holds: bool = True
    """False once the ledger showed that the daybook may lack entries."""


class LeaseTaken(Content):
    id: str
    fence: int
    holder: dict[str, Any] = {}
    instead_of: str = ""
    """The lease of a process that ended, or did not renew it in time."""


class LeaseBroken(Content):
    id: str
    fence: int
    holder: dict[str, Any] = {}
    by: dict[str, Any] = {}


class RunBegun(Content):
    run: str
    plan: str
    commit: str = ""
    """The commit of the files, if the run changes anything."""


class RunEnded(Content):
    run: str
    commit: str = ""
    """The commit of the files, if everything that they declare was applied."""
    policy: str = ""
    """The policy of the workspace, as text."""
    checked: bool = False
    """Whether the ledger was searched for what another apply posted at the same time."""


NO_SPEC = msgspec.Raw()


class Intended(Content):
    """An intent. Its spec stays text until it is needed."""

    run: str
    kind: str
    name: str
    act: str
    number: str | None = None
    incarnation: int = 0
    attempt: int = 0
    key: str | None = None
    track_id: str | None = None
    payload: str | None = None
    protect: bool = False
    server_at: str | None = None
    reverses: str = ""
    spec: msgspec.Raw = NO_SPEC


class Concluded(Content):
    intent: int
    result: str
    number: str | None = None
    detail: str = ""
    entries: tuple[str, ...] = ()


class Transferred(Content):
    """An export or an import: by whom, and the number of events."""

    holder: dict[str, Any] = {}
    events: int = 0


CONTENTS: Mapping[EventType, type[Content]] = {
    EventType.CREATED: Created,
    EventType.BOUND_TO_TENANT: BoundToTenant,
    EventType.MARKED_COMPLETE: MarkedComplete,
    EventType.LEASE_TAKEN: LeaseTaken,
    EventType.LEASE_BROKEN: LeaseBroken,
    EventType.RUN_BEGUN: RunBegun,
    EventType.RUN_ENDED: RunEnded,
    EventType.INTENT: Intended,
    EventType.OUTCOME: Concluded,
    EventType.EXPORTED: Transferred,
    EventType.IMPORTED: Transferred,
}

_DECODERS = {each.value: msgspec.json.Decoder(CONTENTS[each]) for each in EventType}
encoder = msgspec.json.Encoder(decimal_format="number")
"""Gives the canonical text of a content: fields in order, unset fields omitted."""


def content_of(event: Event) -> Content:
    decoder = _DECODERS.get(event.type)
    if decoder is None:
        raise Damaged(f"event {event.seq} has an unknown type, {event.type!r}")
    try:
        return decoder.decode(event.content)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Damaged(f"event {event.seq} cannot be read") from error


_SAME = (
    *("number", "incarnation", "attempt", "key", "track_id"),
    *("payload", "protect", "reverses"),
)
"""The fields of an intent that are written as they are."""


def intended(intent: Intent, *, run: str) -> Intended:
    return Intended(
        **{name: getattr(intent, name) for name in _SAME},
        run=run,
        kind=intent.address.kind,
        name=intent.address.name,
        act=intent.act.value,
        server_at=intent.server_at.isoformat() if intent.server_at else None,
        spec=NO_SPEC if intent.spec is None else spec_text(intent.spec),
    )


def concluded(seq: int, outcome: CallOutcome) -> Concluded:
    return Concluded(intent=seq, **asdict(outcome) | {"result": outcome.result.value})


def outcome_of(content: Concluded | None) -> CallOutcome | None:
    if content is None:
        return None
    fields = structs.asdict(content) | {"result": Result(content.result)}
    del fields["intent"]
    return CallOutcome(**fields)


def intent_of(content: Intended, seq: int) -> Intent:
    return Intent(
        **{name: getattr(content, name) for name in _SAME},
        address=Address(content.kind, content.name),
        act=Act(content.act),
        spec=StoredSpec(content.spec) if content.spec else None,
        server_at=None if content.server_at is None else datetime.fromisoformat(content.server_at),
        seq=seq,
    )
