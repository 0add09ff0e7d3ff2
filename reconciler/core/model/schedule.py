"""Schedules and allocation keys: the documents from which entries are computed."""

from collections.abc import Mapping
from decimal import Decimal

from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.resource import (
    Line,
    Source,
    SupportingDocument,
    Value,
    made_of,
    mapping_of,
    rows_of,
    text_of,
    whole_of,
)
from reconciler.values import dataclass

SCHEDULE = "JournalSchedule"
ALLOCATION_KEY = "AllocationKey"
COMPUTED_FROM = frozenset({SCHEDULE, ALLOCATION_KEY})
"""The kinds from which entries are computed."""

NEXT_PERIOD = "next-period-start"
DAILY, RECURRING, ONCE = "daily", "recurring", "once"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingParts:
    """Parts of a schedule, or the reversal of an entry, that are for later periods.

    `kind` and `name` are those of the schedule or of the entry. `amount` are the debits. `parts` of
    `whole` wait; each is None where later periods decide how many. `awaited` names the first
    period, or says in words which it is. What an amendment `dropped` waits for nothing: no period
    posts it.
    """

    kind: str
    name: str
    currency: str
    amount: Decimal
    parts: int | None
    whole: int | None
    awaited: str
    dropped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """A change of a schedule from a period on. What is None stays as it was.

    `items` are the lines with their new totals. `parts` counts all parts, earlier ones included.
    """

    period: str
    total: Decimal | None = None
    items: tuple[Line, ...] | None = None
    parts: int | None = None
    end: str | None = None
    catch_up: bool = False
    keeps_rest: bool = False
    """Whether what is left after an earlier end is not posted (`remainder: none`)."""
    allocate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What is posted in parts, and over which periods.

    `period` names the first one and `parts` counts them; a daily schedule has `start` and `end`,
    both inclusive. `entry` is the spec of an entry without period and date, its amounts Decimal.
    `overrides` are fields of metadata and notes, by the first day of the period of the part.
    """

    name: str
    source: Source
    method: str
    period: str = ""
    parts: int | None = None
    start: str = ""
    end: str = ""
    at_start: bool = False
    skip: frozenset[str] = frozenset()
    entry: Mapping[str, Value]
    amendments: tuple[Amendment, ...] = ()
    overrides: Mapping[str, Mapping[str, Value]]
    previous_name: str | None = None
    labels: Mapping[str, str]
    protect: bool = False
    reversed_on: str | None = None

    @property
    def items(self) -> tuple[Line, ...]:
        """The lines of the entry."""
        return rows_of(self.entry.get(JOURNAL_ENTRY.lines))

    @property
    def repeats(self) -> bool:
        """Whether amounts are those of each part, and not totals to divide."""
        return self.method in (RECURRING, ONCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationTarget:
    """Who takes a share: the fields of its line, or the segments of its entry."""

    share: Decimal
    fields: Mapping[str, Value]
    segments: tuple[Mapping[str, Value], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationKey:
    """Shares by which lines are divided, in the order of the file."""

    name: str
    source: Source
    targets: tuple[AllocationTarget, ...]

    @property
    def by_segment(self) -> bool:
        """Whether every target has an entry of its own."""
        return any(target.segments for target in self.targets)


def schedule_from(document: SupportingDocument) -> Schedule:
    """Read a document of kind JournalSchedule that fits its schema."""
    metadata = mapping_of(document.value["metadata"])
    spec = mapping_of(document.value["spec"])
    return made_of(
        Schedule,
        spec,
        name=document.address.name,
        source=document.source,
        period=text_of(spec.get("from")) or "",
        parts=1 if spec["method"] == ONCE else whole_of(spec.get("parts")),
        at_start=spec.get("date") == "period-start",
        entry=mapping_of(spec["entry"]),
        amendments=tuple(map(_amendment, rows_of(spec.get("amendments")))),
        overrides={
            start: mapping_of(fields) for start, fields in mapping_of(spec.get("overrides")).items()
        },
        previous_name=text_of(metadata.get("previousName")),
        labels={name: str(text) for name, text in mapping_of(metadata.get("labels")).items()},
        protect=metadata.get("protect") is True,
        reversed_on=text_of(metadata.get("reverseOn")),
    )


def _amendment(row: Mapping[str, Value]) -> Amendment:
    lines = JOURNAL_ENTRY.lines
    return made_of(
        Amendment,
        row,
        period=str(row["from"]),
        items=rows_of(row[lines]) if lines in row else None,
        catch_up=row.get("method") == "catch-up",
        keeps_rest=row.get("remainder") == "none",
    )


def key_from(document: SupportingDocument) -> AllocationKey:
    """Read a document of kind AllocationKey that fits its schema."""
    targets = rows_of(mapping_of(document.value["spec"]).get("targets"))
    return AllocationKey(
        name=document.address.name,
        source=document.source,
        targets=tuple(
            AllocationTarget(
                share=Decimal(str(row["share"])),
                segments=rows_of(row.get("segments")),
                fields={
                    name: value for name, value in row.items() if name not in ("share", "segments")
                },
            )
            for row in targets
        ),
    )
