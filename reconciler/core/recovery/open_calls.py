"""Calls with an unknown outcome, the result of a recovery, and its JSON document."""

from datetime import datetime, timedelta
from typing import Any

from reconciler.core.model.history import Result
from reconciler.core.model.report import Settled, settled_rows
from reconciler.core.model.resource import Address
from reconciler.core.recovery.spill_record import SpillRecord
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """A call with an unknown outcome.

    `since` is the ledger's time of the intent, and `age` the time since then by the same clock;
    None when unknown. `settled_by` says what will show the outcome.
    """

    address: Address
    act: str
    number: str | None
    since: datetime | None
    age: timedelta | None
    track_id: str
    settled_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """The result of a recovery; `changed` is False when it was read-only.

    `spill_file` is its path, or empty. `records` are its lines that match the daybook, and
    `problems` say why others do not.
    """

    open: tuple[OpenCall, ...]
    spill_file: str = ""
    records: tuple[SpillRecord, ...] = ()
    problems: tuple[str, ...] = ()
    settled: tuple[Settled, ...] = ()
    changed: bool = True

    @property
    def unknown(self) -> tuple[Settled, ...]:
        return tuple(item for item in self.settled if item.result is Result.UNKNOWN)

    @property
    def complete(self) -> bool:
        """Whether no call is open and no line of the spill file is left."""
        left = self.unknown if self.changed else self.open or self.records
        return not left and not self.problems


def hours(span: timedelta) -> str:
    """A span of time in hours and minutes."""
    minutes = max(int(span.total_seconds()) // 60, 0)
    return f"{minutes // 60} h {minutes % 60:02} min"


def recovery_document(recovery: Recovery) -> dict[str, Any]:
    """The recovery as plain JSON values."""
    spill_file = {
        "file": recovery.spill_file,
        "lines": [
            {
                "address": str(line.address),
                "call": line.act.value,
                "result": line.outcome.result.value,
                "number": line.outcome.number,
            }
            for line in recovery.records
        ],
        "problems": list(recovery.problems),
    }
    return {
        "changed": recovery.changed,
        "open": [
            {
                "address": str(call.address),
                "call": call.act,
                "number": call.number,
                "since": call.since.isoformat() if call.since else None,
                "age_seconds": None if call.age is None else int(call.age.total_seconds()),
                "track_id": call.track_id,
                "settled_by": call.settled_by,
            }
            for call in recovery.open
        ],
        "rescue": spill_file if recovery.spill_file else None,
        "settled": settled_rows(recovery.settled),
        "unknown": settled_rows(recovery.unknown),
    }
