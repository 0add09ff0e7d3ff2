"""A line of a spill file: an outcome that could not be written to the daybook."""

import hashlib
import json
import re
from typing import Any

from reconciler.core.model.canonical import digest, harmless_json
from reconciler.core.model.history import CALLS, Act, Result
from reconciler.core.model.json_text import Unreadable, read_json
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.resource import Address
from reconciler.values import dataclass

FORMAT = 1

MOST_BYTES = 4 * 1024 * 1024
"""A spill file has a few lines: the calls in flight when the daybook failed."""

_CHECKSUM = "seal"
_DETAIL = 400
"""The most characters of a message: a line must fit on a screen, to be copied."""


class UnreadableSpillRecord(ValueError):
    """A line is not as it was written; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpillRecord:
    """The outcome of one call. `intent` is its number in the daybook of that `lineage`.

    `key` is the digest of the idempotency key, empty for a call without one.
    """

    lineage: str
    intent: int
    address: Address
    act: Act
    result: Result
    number: str | None = None
    key: str = ""
    detail: str = ""


def key_digest(key: str | None) -> str:
    """The digest of a key for a spill file."""
    return digest(key) if key else ""


def line_of(record: SpillRecord) -> str:
    """The line in ASCII, without its line feed, so that it can be copied from a screen."""
    document = {
        "rescue": FORMAT,
        "lineage": record.lineage,
        "intent": record.intent,
        "kind": record.address.kind,
        "name": record.address.name,
        "act": record.act.value,
        "result": record.result.value,
        "number": record.number,
        "key": record.key,
        "detail": record.detail[:_DETAIL],
    }
    return harmless_json(json.dumps({**document, _CHECKSUM: _checksum_of(document)}))


def record_from(text: str) -> SpillRecord:
    """The value of a line. Raises UnreadableSpillRecord."""
    try:
        document = read_json(text)
    except Unreadable:
        raise UnreadableSpillRecord("it is incomplete") from None
    if not isinstance(document, dict) or "rescue" not in document:
        raise UnreadableSpillRecord("it is not a line of a spill file")
    if document["rescue"] != FORMAT:
        raise UnreadableSpillRecord("another version of reconciler wrote it")
    if document.pop(_CHECKSUM, None) != _checksum_of(document):
        raise UnreadableSpillRecord("its checksum does not match")
    try:
        record = SpillRecord(
            lineage=str(document["lineage"]),
            intent=int(document["intent"]),
            address=Address(str(document["kind"]), str(document["name"])),
            act=Act(document["act"]),
            result=Result(document["result"]),
            number=document["number"],
            key=str(document["key"]),
            detail=str(document["detail"]),
        )
    except (KeyError, ValueError, TypeError):
        raise UnreadableSpillRecord("a field is missing or malformed") from None
    if fault := _why_invalid(record):
        raise UnreadableSpillRecord(fault)
    return record


def _why_invalid(record: SpillRecord) -> str:
    """Why a line is malformed, whatever the daybook records; empty when it is not."""
    kind = KINDS.get(record.address.kind)
    if kind is None or record.act not in CALLS:
        return "it names a call that this version does not make"
    number = record.number
    if number is not None and not (
        isinstance(number, str) and len(number) <= 40 and re.fullmatch(kind.number_pattern, number)
    ):
        return "its number is malformed"
    if record.result is Result.DONE and number is None:
        return "its number is missing"
    return ""


def _checksum_of(document: dict[str, Any]) -> str:
    """A checksum against truncation and typing errors, not against forgery."""
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
