"""What the ledger's database holds at one moment, read past the tool, as values."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ledger_databases import Database

MARKER = "ReconcilerKey__c"
STANDING = "Created"
DELETED = "Deleted"

Spec = Mapping[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Held:
    """An entry as the database has it; `status` is Deleted for a tombstone."""

    number: str
    status: str
    marker: str
    run: str | None
    content: tuple[Any, ...]
    bytes: tuple[Any, ...]
    """Every column of the entry and of its lines: equal when nothing was written."""

    @property
    def stands(self) -> bool:
        return self.status == STANDING


@dataclass(frozen=True, kw_only=True)
class HeldRun:
    """A journal run as the database has it."""

    number: str
    status: str
    content: tuple[Any, ...]
    standing: tuple[str, ...]
    """The numbers of its entries that stand in the books."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of the audit chain: an effect that was committed."""

    sequence: int
    action: str
    kind: str
    name: str
    key: str | None
    request: str
    details: Any


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What is kept under an idempotency key; `number` is that of the create it answered."""

    key: str
    method: str
    url: str
    digest: str
    status: int | None
    number: str | None


@dataclass(frozen=True, kw_only=True)
class Truth:
    """All that a ledger's database held at one moment. `workspace` is whose marker is ours."""

    workspace: str
    entries: tuple[Held, ...]
    runs: tuple[HeldRun, ...]
    events: tuple[Event, ...]
    replays: tuple[Replay, ...]
    lines: tuple[Row, ...]
    """Every line of every entry, with the entry's currencies."""

    @property
    def ours(self) -> tuple[Held, ...]:
        """The entries that carry the workspace's marker, the dead ones included."""
        return tuple(one for one in self.entries if one.marker.startswith(f"{self.workspace}/"))

    @property
    def foreign(self) -> dict[str, tuple[Any, ...]]:
        """The entries of others, byte for byte, by number; those that journal runs made are not."""
        return {
            one.number: one.bytes
            for one in self.entries
            if not one.marker.startswith(f"{self.workspace}/") and one.run is None
        }

    @property
    def standing(self) -> dict[str, tuple[str, ...]]:
        """The numbers that stand in the books, by the name in their marker."""
        found: dict[str, tuple[str, ...]] = {}
        for one in self.ours:
            if one.stands:
                found[self.name(one)] = (*found.get(self.name(one), ()), one.number)
        return found

    @property
    def effects(self) -> int:
        """How many effects were ever committed; a write of any sort raises it."""
        return len(self.events)

    def name(self, one: Held) -> str:
        return one.marker.partition("/")[2]


def read_truth(database: Database, *, workspace: str = "books") -> Truth:
    """What the database holds now, at one moment, through a connection of its own."""
    lines, rows, run_rows, events, replays = database.snapshot(
        _LINES, _ENTRIES, _RUNS, _EVENTS, "SELECT * FROM replays"
    )
    by_entry: dict[str, list[Row]] = {}
    for line in lines:
        by_entry.setdefault(line["journal_entry_id"], []).append(line)
    entries = tuple(_held(row, by_entry.get(row["id"], [])) for row in rows)
    standing: dict[str, tuple[str, ...]] = {}
    for one in entries:
        if one.stands and one.run:
            standing[one.run] = (*standing.get(one.run, ()), one.number)
    return Truth(
        workspace=workspace,
        entries=entries,
        runs=tuple(_held_run(row, standing) for row in run_rows),
        events=tuple(_event(row) for row in events),
        replays=tuple(_replay(row) for row in replays),
        lines=tuple(lines),
    )


_ENTRIES = (
    "SELECT entry.*, period.name AS period_name, run.number AS run_number "
    "FROM journal_entries AS entry "
    "JOIN accounting_periods AS period ON period.id = entry.accounting_period_id "
    "LEFT JOIN journal_runs AS run ON run.id = entry.journal_run_id ORDER BY entry.number"
)
_LINES = (
    "SELECT item.*, code.name AS code_name, entry.currency, entry.home_currency, "
    "entry.number AS entry_number FROM journal_entry_items AS item "
    "JOIN accounting_codes AS code ON code.id = item.accounting_code_id "
    "JOIN journal_entries AS entry ON entry.id = item.journal_entry_id "
    "ORDER BY item.journal_entry_id, item.position"
)
_RUNS = "SELECT * FROM journal_runs ORDER BY number"
_EVENTS = "SELECT * FROM audit_events ORDER BY tenant_id, sequence"


def _held(row: Row, lines: Sequence[Row]) -> Held:
    custom = json.loads(row["custom_fields"])
    marker = str(custom.pop(MARKER, None) or "")
    return Held(
        number=row["number"],
        status=DELETED if row["deleted"] else row["status"],
        marker=marker,
        run=row["run_number"],
        content=(
            row["period_name"],
            row["currency"],
            row["journal_entry_date"],
            row["notes"],
            tuple(sorted((name, value) for name, value in custom.items() if value is not None)),
            tuple(sorted(_line(line["code_name"], line["type"], line["amount"]) for line in lines)),
        ),
        bytes=(*row.values(), *(tuple(line.values()) for line in lines)),
    )


def _line(code: str, side: str, amount: object) -> tuple[str, str, str]:
    return code, side, format(Decimal(str(amount)).normalize(), "f")


def _held_run(row: Row, standing: Mapping[str, tuple[str, ...]]) -> HeldRun:
    kinds = sorted(json.loads(row["transaction_types"]))
    return HeldRun(
        number=row["number"],
        status=DELETED if row["deleted"] else row["status"],
        content=(
            row["journal_entry_date"],
            row["target_start_date"],
            row["target_end_date"],
            tuple(kinds),
        ),
        standing=standing.get(row["number"], ()),
    )


def _event(row: Row) -> Event:
    return Event(
        sequence=row["sequence"],
        action=row["action"],
        kind=row["object_type"],
        name=row["object_name"],
        key=row["idempotency_key"],
        request=row["request_id"],
        details=json.loads(row["details"], parse_float=Decimal),
    )


def _replay(row: Row) -> Replay:
    answer = json.loads(row["body"]) if row["body"] else {}
    return Replay(
        key=row["key"],
        method=row["method"],
        url=row["url"],
        digest=row["body_digest"],
        status=row["status"],
        number=answer.get("journalEntryNumber") or answer.get("journalRunNumber"),
    )


def declared_content(spec: Spec) -> tuple[Any, ...]:
    """What a declaration of an entry asks for, in the form of `Held.content`."""
    custom = sorted((name, value) for name, value in spec.items() if name.endswith("__c"))
    lines = spec["journalEntryItems"]
    return (
        spec["accountingPeriodName"],
        spec["currency"],
        spec["journalEntryDate"],
        spec.get("notes"),
        tuple(custom),
        tuple(sorted(_line(ln["accountingCodeName"], ln["type"], ln["amount"]) for ln in lines)),
    )
