"""The entries that schedules and `reverseOn` ask for, as declarations, and those that wait."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from decimal import Decimal

from reconciler.core.model.finding import Finding, Severity
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.money import ZERO, total
from reconciler.core.model.resource import (
    Acknowledgement,
    Address,
    Declared,
    Path,
    ReverseOn,
    Source,
    SupportingDocument,
    Value,
    all_made_of,
    rows_of,
    text_of,
)
from reconciler.core.model.schedule import (
    ALLOCATION_KEY,
    SCHEDULE,
    AllocationKey,
    Schedule,
    WaitingParts,
    key_from,
    schedule_from,
)
from reconciler.core.model.tenant import AccountingPeriod, Tenant
from reconciler.core.planning.reversing.reversal import LONGEST_NAME, Dating, reversed_spec
from reconciler.core.planning.schedules.allocation import AllocatedEntry, allocated, key_flaw
from reconciler.core.planning.schedules.balancing import debits
from reconciler.core.planning.schedules.parts import (
    DroppedPart,
    Part,
    ScheduleParts,
    parts_of,
)
from reconciler.core.planning.schedules.regular_periods import Flaw, following_period
from reconciler.core.rules.catalog import finding_at
from reconciler.core.rules.entries import MAX_LINES, check
from reconciler.values import dataclass

LINES, PERIOD, DATE = JOURNAL_ENTRY.lines, JOURNAL_ENTRY.period, JOURNAL_ENTRY.date
GENERATED = ".generated.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedEntry:
    """A computed entry, as the loader reads it from its file.

    `origin` is the document it comes from. `starts` is the first day of its period; of a reversal,
    that of the entry that it reverses.
    """

    declared: Declared
    origin: Source
    starts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleProgress:
    """How far a schedule is: its parts, and the amounts of its debits.

    `known` are the parts whose period the Reference has, `count` all parts, None where later
    periods decide how many. Parts of zero have no entry. `rest` is never posted by the schedule,
    nor are the `dropped` parts, whose amounts others may take. `awaited` says in words which
    periods the parts wait for that have none.
    """

    address: Address
    method: str
    currency: str
    starts: tuple[str, ...]
    amounts: tuple[Decimal, ...]
    count: int | None
    whole: Decimal
    awaited: str
    rest: Decimal = ZERO
    dropped: tuple[DroppedPart, ...] = ()
    reversed: bool = False


@dataclass(slots=True, kw_only=True)
class Computed:
    """Everything that the sources of a workspace ask for, and what is wrong with them."""

    entries: dict[Address, GeneratedEntry] = field(default_factory=dict)
    waiting: list[tuple[Source, WaitingParts]] = field(default_factory=list)
    """The reversals whose period the Reference lacks, each with the document that asks for it."""
    progress: list[ScheduleProgress] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    flawed: set[Address] = field(default_factory=set)
    """The sources whose entries are not known, because they have a flaw."""


def compute(
    documents: Iterable[SupportingDocument], entries: Iterable[Declared], tenant: Tenant
) -> Computed:
    """Compute the entries of every schedule, and the reversal of every entry with `reverseOn`."""
    computed = Computed()
    documents = tuple(documents)
    keys = [key_from(one) for one in documents if one.address.kind == ALLOCATION_KEY]
    for key in keys:
        if flaw := key_flaw(key):
            computed.findings.append(flaw.found(key.source))
    sound = {key.name: key for key in keys if key_flaw(key) is None}
    faulty = {key.name for key in keys} - set(sound)
    for document in documents:
        if document.address.kind == SCHEDULE:
            _Expansion(schedule_from(document), sound, faulty, tenant, computed).run()
    for one in entries:
        if one.reverse_on is not None:
            _reverse(one, one.reverse_on, tenant, computed)
    return computed


class _Expansion:
    """The entries of one schedule."""

    def __init__(
        self,
        schedule: Schedule,
        keys: Mapping[str, AllocationKey],
        faulty: set[str],
        tenant: Tenant,
        computed: Computed,
    ) -> None:
        self._schedule, self._keys, self._tenant = schedule, keys, tenant
        self._computed, self._faulty = computed, faulty
        self._address = Address(SCHEDULE, schedule.name)

    def run(self) -> None:
        """Add the entries, or the findings for which there are none."""
        schedule, computed = self._schedule, self._computed
        found = tuple(_unsound(schedule, self._tenant))
        named = {str(line["allocate"]) for line in schedule.items if "allocate" in line}
        named |= {one.allocate for one in schedule.amendments if one.allocate}
        if found or named & self._faulty:
            computed.findings += found
            computed.flawed.add(self._address)
            return
        try:
            result = parts_of(schedule, self._tenant)
            made = self._entries(result.parts)
        except Flaw as flaw:
            computed.findings.append(flaw.found(schedule.source))
            computed.flawed.add(self._address)
            return
        for one in made:
            computed.entries[one.declared.address] = one
            if schedule.reversed_on:
                self._reversal(one)
        self._tell(result)

    def _entries(self, parts: Sequence[Part]) -> list[GeneratedEntry]:
        made: list[GeneratedEntry] = []
        starts: set[str] = set()
        currency = str(self._schedule.entry.get("currency"))
        for part in parts:
            found = allocated(part, self._keys, self._tenant, currency=currency)
            if part.period:
                made += (self._entry(one, part.period) for one in found)
                starts |= {self._suffix(one, part.period) for one in found}
        self._require_names(made)
        self._require_overrides(parts, starts)
        return made

    def _reversal(self, one: GeneratedEntry) -> None:
        period = self._tenant.periods_by_name[str(one.declared.spec[PERIOD])]
        later = following_period(self._tenant, period, self._schedule.skip)
        if later is not None:
            declared = reversal_of(one.declared, later, by=self._address)
            self._computed.entries[declared.address] = replace(one, declared=declared)
            return
        self._computed.waiting.append((one.origin, _reversal_waits(one.declared)))

    def _suffix(self, entry: AllocatedEntry, period: AccountingPeriod) -> str:
        return f"{period.start_date}.{entry.number}" if entry.number else period.start_date

    def _entry(self, entry: AllocatedEntry, period: AccountingPeriod) -> GeneratedEntry:
        schedule, suffix = self._schedule, self._suffix(entry, period)
        override = schedule.overrides.get(suffix, {})
        spec = {
            PERIOD: period.name,
            **schedule.entry,
            DATE: period.start_date if schedule.at_start else period.end_date,
            LINES: entry.lines,
        }
        if entry.segments:
            spec["segments"] = entry.segments
        if "notes" in override:
            spec["notes"] = override["notes"]
        declared = Declared(
            address=Address(JOURNAL_ENTRY.name, f"{schedule.name}.{suffix}"),
            spec=spec,
            source=beside(schedule.source),
            labels=schedule.labels,
            protect=schedule.protect,
            previous_name=_with_suffix(schedule.previous_name, f".{suffix}"),
            adopts=text_of(override.get("adopts")),
            acknowledges=all_made_of(Acknowledgement, override.get("acknowledges")),
            generated_by=self._address,
        )
        return GeneratedEntry(declared=declared, origin=schedule.source, starts=period.start_date)

    def _require_names(self, made: Iterable[GeneratedEntry]) -> None:
        longest = LONGEST_NAME - (len(REVERSAL) if self._schedule.reversed_on else 0)
        for one in made:
            name = one.declared.address.name
            lines = len(rows_of(one.declared.spec.get(LINES)))
            if len(name) > longest:
                raise _too_long(name, longest, len(name) - len(self._schedule.name))
            if lines > MAX_LINES:
                fact = f"{name} would have {lines} lines; at most {MAX_LINES} are allowed"
                remedy = "Divide by a key of segments, or split the schedule."
                raise Flaw(rule="line-limit", path=("spec", "entry"), message=fact, remedy=remedy)

    def _require_overrides(self, parts: Sequence[Part], starts: set[str]) -> None:
        """An override of a part that does not exist would change nothing, silently."""
        last = max((part.period.end_date or "" for part in parts if part.period), default="")
        open_end = any(part.period is None for part in parts)
        for suffix in self._schedule.overrides:
            if suffix not in starts and not (open_end and suffix > last):
                fact = f"no part has the name {self._schedule.name}.{suffix}"
                path: Path = ("spec", "overrides", suffix)
                raise Flaw(rule="schedule-override", path=path, message=fact)

    def _tell(self, result: ScheduleParts) -> None:
        schedule, parts = self._schedule, result.parts
        known = [part for part in parts if part.period]
        counted = len(known) == len(parts) or schedule.parts is not None
        amounts = tuple(debits(part.lines) for part in known)
        last = known[-1].period if known else None
        self._computed.progress.append(
            ScheduleProgress(
                address=self._address,
                method=schedule.method,
                currency=str(schedule.entry.get("currency")),
                starts=tuple(part.period.start_date for part in known if part.period),
                amounts=amounts,
                count=len(parts) if counted else None,
                whole=total(debits(part.lines) for part in parts),
                awaited=f"periods after {last.name}" if last else "its first period",
                rest=result.rest,
                dropped=result.dropped,
                reversed=schedule.reversed_on is not None,
            )
        )


def _unsound(schedule: Schedule, tenant: Tenant) -> Iterator[Finding]:
    """What is wrong with the totals of a schedule, before anything is divided."""
    if not tenant.complete:
        fact = "the workspace has no Reference, so no period is known"
        yield finding_at(
            schedule.source, "schedule-period", ("spec",), fact, "Add a Reference to the workspace."
        )
        return
    totals: list[tuple[Path, Mapping[str, Value]]] = [(("spec", "entry"), schedule.entry)]
    for at, one in enumerate(schedule.amendments):
        if one.items is not None:
            totals.append((("spec", "amendments", at), {**schedule.entry, LINES: one.items}))
        elif one.total is not None:
            rows = tuple({**line, "amount": one.total} for line in schedule.items)
            totals.append((("spec", "amendments", at, "total"), {**schedule.entry, LINES: rows}))
    for path, spec in totals:
        address = Address(JOURNAL_ENTRY.name, schedule.name)
        whole = Declared(
            address=address, spec={PERIOD: "", DATE: "", **spec}, source=schedule.source
        )
        for found in check(whole, tenant):
            # Facts of the tenant count for the parts, which may be posted already.
            if found.severity is Severity.ERROR and not found.of_tenant:
                ends = path[-1] == "total"
                yield replace(found, path=path if ends else (*path, *found.path[1:]))


def _reverse(one: Declared, on: ReverseOn, tenant: Tenant, computed: Computed) -> None:
    """The reversal of an entry that asks for it, or that it waits."""
    own, by = tenant.periods_by_name.get(str(one.spec.get(PERIOD))), one.address
    try:
        period = _reversal_period(one, on, own, tenant)
    except Flaw as flaw:
        computed.findings.append(flaw.found(one.source))
        computed.flawed.add(by)
        return
    if period is None:
        computed.waiting.append((one.source, _reversal_waits(one, on.period)))
    else:
        declared = reversal_of(one, period, date=on.date, by=by)
        declared = replace(declared, source=beside(one.source))
        entry = GeneratedEntry(
            declared=declared, origin=one.source, starts=own.start_date if own else ""
        )
        computed.entries[declared.address] = entry


def _reversal_period(
    one: Declared, on: ReverseOn, own: AccountingPeriod | None, tenant: Tenant
) -> AccountingPeriod | None:
    """The period of a reversal; None if it is not known yet. Raises Flaw."""
    if len(one.address.name) + len(REVERSAL) > LONGEST_NAME:
        raise _too_long(f"{one.address.name}{REVERSAL}", LONGEST_NAME, len(REVERSAL))
    path: Path = ("metadata", "reverseOn")
    if on.period:
        period = tenant.periods_by_name.get(on.period)
        if own and period and period.start_date < own.start_date:
            fact = f"{on.period} begins before {own.name}"
            raise Flaw(rule="schedule-period", path=path, message=fact, remedy=LATER_PERIOD)
        return period
    if own is not None and own.end_date is None:
        fact = f"no period follows {own.name}, which has no end"
        remedy = "Name the period: `reverseOn: {period: NAME}`."
        raise Flaw(rule="schedule-period", path=path, message=fact, remedy=remedy)
    return following_period(tenant, own) if own else None


def _reversal_waits(one: Declared, period: str = "") -> WaitingParts:
    """The reversal of an entry waits for a period, by default for the next one."""
    return WaitingParts(
        kind=one.address.kind,
        name=one.address.name,
        parts=1,
        whole=1,
        awaited=period or f"a period after {one.spec.get(PERIOD)}",
        amount=debits(rows_of(one.spec.get(LINES))),
        currency=str(one.spec.get("currency")),
    )


def reversal_of(
    entry: Declared, period: AccountingPeriod, *, by: Address, date: str = ""
) -> Declared:
    """The entry that reverses another: the same lines with the sides swapped.

    Its date is that of the entry in the same period, else the first day of the period.
    """
    name, spec = entry.address.name, entry.spec
    if not date:
        date = str(spec[DATE]) if spec.get(PERIOD) == period.name else period.start_date
    return Declared(
        address=Address(entry.address.kind, f"{name}{REVERSAL}"),
        spec=reversed_spec(
            spec, Dating(period=period.name, date=date), notes=f"Reversal of {name}"
        ),
        source=entry.source,
        labels=entry.labels,
        protect=entry.protect,
        previous_name=_with_suffix(entry.previous_name, REVERSAL),
        reverses=name,
        generated_by=by,
    )


def _with_suffix(name: str | None, suffix: str) -> str | None:
    return f"{name}{suffix}" if name else None


def _too_long(name: str, longest: int, added: int) -> Flaw:
    fact = f"{name} has {len(name)} characters; at most {longest} are allowed"
    remedy = f"Choose a name of at most {longest - added} characters."
    return Flaw(rule="generated-name", path=("metadata", "name"), message=fact, remedy=remedy)


def beside(source: Source) -> Source:
    """The file of generated entries beside a file."""
    stem = source.path.removesuffix(".yaml").removesuffix(".yml")
    return Source(path=f"{stem}{GENERATED}")


REVERSAL = ".reversal"
LATER_PERIOD = "Name the period of the entry, or a later one."
