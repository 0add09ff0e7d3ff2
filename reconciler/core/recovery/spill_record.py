"""A line of a spill file: an outcome that could not be written to the daybook."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from reconciler.core.model.canonical import digest, harmless_json
from reconciler.core.model.history import CALLS, Act, CallOutcome, Result
from reconciler.core.model.json_text import Unreadable, read_json
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.kinds.kind import Kind
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
    outcome: CallOutcome
    key: str = ""


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
        "key": record.key,
        **asdict(record.outcome),
        "detail": record.outcome.detail[:_DETAIL],
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
            outcome=_outcome_in(document),
            key=str(document["key"]),
        )
    except (KeyError, ValueError, TypeError):
        raise UnreadableSpillRecord("a field is missing or malformed") from None
    if fault := _why_invalid(record):
        raise UnreadableSpillRecord(fault)
    return record


def _outcome_in(document: Mapping[str, Any]) -> CallOutcome:
    """The outcome in a line: an earlier version wrote fewer fields of it."""
    names = (field.name for field in fields(CallOutcome))
    values = {name: document[name] for name in names if name in document}
    if not isinstance(values.get("detail", ""), str):
        raise TypeError("the detail is no text")
    return CallOutcome(
        **values | {"result": Result(values["result"]), "entries": tuple(values.get("entries", ()))}
    )


def _is_number(value: object, kind: Kind) -> bool:
    """Whether a value is the number of an object of this kind."""
    text = value if isinstance(value, str) else ""
    return len(text) <= 40 and re.fullmatch(kind.number_pattern, text) is not None


def _why_invalid(record: SpillRecord) -> str:
    """Why a line is malformed, whatever the daybook records; empty when it is not."""
    kind = KINDS.get(record.address.kind)
    if kind is None or record.act not in CALLS:
        return "it names a call that this version does not make"
    number = record.outcome.number
    if number is not None and not _is_number(number, kind):
        return "its number is malformed"
    if not all(_is_number(entry, JOURNAL_ENTRY) for entry in record.outcome.entries):
        return "the number of an entry is malformed"
    if record.outcome.result is Result.DONE and number is None:
        return "its number is missing"
    return ""


def _checksum_of(document: dict[str, Any]) -> str:
    """A checksum against truncation and typing errors, not against forgery."""
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
