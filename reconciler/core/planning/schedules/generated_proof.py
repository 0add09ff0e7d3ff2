"""Proves that generated entries are what their sources compute, and says what is missing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace

from reconciler.core.model.command import suggested
from reconciler.core.model.finding import Finding, counted, listed
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.resource import Address, Declared, Path, Source, SupportingDocument
from reconciler.core.model.schedule import SCHEDULE
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.schedules.generation import Computed, GeneratedEntry
from reconciler.core.planning.schedules.regular_periods import unknown_period
from reconciler.core.rules.catalog import finding, finding_at
from reconciler.core.rules.entries import WORKSPACE_FILE

REVERSE_ON: Path = ("metadata", "reverseOn")
GENERATED_BY: Path = ("metadata", "generatedBy")


def last_start(tenant: Tenant, through: str) -> str:
    """The start of the last period whose parts are due; empty if all are."""
    known = tenant.periods_by_name.get(through)
    return known.start_date if known else ""


def due(
    computed: Computed, declared: Mapping[Address, Declared], tenant: Tenant, through: str
) -> dict[Address, GeneratedEntry]:
    """The entries that their files have to hold: those up to a period, and those written before.

    A reversal is due as soon as its original is there, and an entry is never removed by `through`.
    """
    last = last_start(tenant, through)
    written = {address for address, one in declared.items() if one.generated_by is not None}
    wanted = {
        address: one
        for address, one in computed.entries.items()
        if not last or one.starts <= last or address in written
    }
    for address, one in computed.entries.items():
        original = Address(address.kind, one.declared.reverses or "")
        if original in wanted or original in declared:
            wanted[address] = one
    return wanted


def check_generated(
    computed: Computed,
    declared: Mapping[Address, Declared],
    sources: Iterable[SupportingDocument],
    tenant: Tenant,
    through: str,
) -> Iterator[Finding]:
    """Findings about the sources, and about the entries that were generated from them."""
    yield from computed.findings
    if through and tenant.complete and through not in tenant.periods_by_name:
        path = ("spec", "generate", "through")
        yield unknown_period(tenant, through, path).found(Source(path=WORKSPACE_FILE))
    places = {one.address: one.source for one in sources}
    places |= {address: one.source for address, one in declared.items() if one.reverse_on}
    for one in declared.values():
        if one.generated_by is not None and one.generated_by not in computed.flawed:
            yield from _against(one, computed.entries.get(one.address), places)
    yield from _absent(due(computed, declared, tenant, through), declared)
    for origin, waits in computed.waiting:
        if Address(waits.kind, waits.name) in declared:
            fact = f"the reversal of {waits.name} waits for {waits.awaited}, which is not known yet"
            yield finding_at(origin, "reversal-waiting", REVERSE_ON, fact)


def _against(
    one: Declared, wanted: GeneratedEntry | None, places: Mapping[Address, Source]
) -> Iterator[Finding]:
    by = one.generated_by
    assert by is not None
    place = places.get(by)
    if place is None:
        fact = f"{by} is not declared" + ("" if by.kind == SCHEDULE else " with `reverseOn`")
        yield finding(one, "generated-orphan", GENERATED_BY, fact)
        return
    remedy = f"Edit {by.name} ({place}), then run {suggested('generate', by.name)}."
    if wanted is None or wanted.declared.generated_by != by:
        fact = f"{by} does not compute {one.address.name}"
        yield finding(one, "generated-stale", GENERATED_BY, fact, remedy)
    elif path := _difference(one, wanted.declared):
        fact = f"{path[-1]} is not what {by} computes"
        yield finding(one, "generated-stale", path, fact, remedy)
    elif one.source.path != wanted.declared.source.path:
        fact = f"the entry belongs into {wanted.declared.source.path}"
        remedy = f"Run {suggested('generate', by.name)}, which moves it."
        yield finding(one, "generated-stale", GENERATED_BY, fact, remedy)


_NAMES: Mapping[str, Path] = {
    "labels": ("metadata", "labels"),
    "protect": ("metadata", "protect"),
    "adopts": ("metadata", "adopts"),
    "acknowledges": ("metadata", "acknowledges"),
    "reverses": ("metadata", "reverses"),
    "reverse_on": ("metadata", "reverseOn"),
    "previous_name": ("metadata", "previousName"),
    "made_by": ("metadata", "journalRun"),
    "imported_from": ("metadata", "importedFrom"),
}


def _difference(one: Declared, wanted: Declared) -> Path:
    """The first field in which a declaration differs from what is wanted; empty if none does."""
    if replace(one, source=wanted.source) == wanted:
        return ()
    for name in (*wanted.spec, *one.spec):
        if one.spec.get(name) != wanted.spec.get(name):
            return ("spec", name)
    names = (item.name for item in fields(wanted) if item.name in _NAMES)
    differing = (name for name in names if getattr(one, name) != getattr(wanted, name))
    return _NAMES[next(differing)]


def _absent(
    wanted: Mapping[Address, GeneratedEntry], declared: Mapping[Address, Declared]
) -> Iterator[Finding]:
    """What is due and not declared, a finding for each source; and names that others have."""
    missing: dict[tuple[Source, Address], list[str]] = {}
    for address, one in wanted.items():
        by = one.declared.generated_by
        assert by is not None
        other = declared.get(address)
        if other is None:
            missing.setdefault((one.origin, by), []).append(address.name)
        elif other.generated_by is None:
            fact = f"{address.name} is declared at {other.source} already, and is not generated"
            remedy = "Rename one of the two, or remove the entry that was written by hand."
            yield finding_at(one.origin, "generated-name", ("metadata", "name"), fact, remedy)
    for (origin, by), names in missing.items():
        entries = counted(len(names), *JOURNAL_ENTRY.nouns)
        fact = f"{entries} of {by.name} {'is' if len(names) == 1 else 'are'} not written"
        remedy = f"Run {suggested('generate', by.name)}."
        yield finding_at(
            origin, "generated-missing", ("metadata", "name"), f"{fact}: {listed(names, 1)}", remedy
        )
