"""The accounting checks: pure, offline, and exact."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.kinds.journal_run import JOURNAL_RUN
from reconciler.core.model.known import LINES, Known, known
from reconciler.core.model.marker import IN_NOTES, marker_of, notes_suffix
from reconciler.core.model.resource import Declared, Finding, Source, Value, rows_of
from reconciler.core.rules.catalog import FILE_RULES, finding
from reconciler.core.rules.journal_runs import RUN_CHECKS
from reconciler.core.rules.money import MONEY_CHECKS
from reconciler.core.rules.overlaps import overlaps
from reconciler.core.rules.tenant import TENANT_CHECKS, custom_fields

__all__ = ["Known", "check", "check_marker", "check_together", "known"]

MAX_LINES = 100
MAX_NOTES = 2000

WORKSPACE_FILE = "reconciler.yaml"


def check(declared: Declared, known: Known) -> tuple[Finding, ...]:
    """Every finding in one declaration. Its shape is what its schema accepts.

    An entry that a journal run made is never posted from here, so only what an update may change
    is held to the rules.
    """
    rules = _CHECKS[declared.address.kind] if declared.made_by is None else BASIC_CHECKS
    return tuple(finding for rule in rules for finding in rule(declared, known))


def check_marker(known: Known) -> Iterator[Finding]:
    """Whether the tenant can carry the marker where the workspace wants it."""
    if known.complete and known.marker != IN_NOTES and known.marker not in known.facts.entry_fields:
        yield Finding(
            source=Source(path=WORKSPACE_FILE),
            path=("spec", "identity", "marker"),
            rule="marker-field",
            message=f"the tenant has no custom field {known.marker} on JournalEntry",
            remedy=FILE_RULES["marker-field"].remedy,
        )


def check_together(declarations: Iterable[Declared], known: Known) -> Iterator[Finding]:
    """Findings that take more than one declaration to see."""
    by_kind: dict[str, list[Declared]] = {}
    for declared in declarations:
        by_kind.setdefault(declared.address.kind, []).append(declared)
    for kind, of_kind in by_kind.items():
        yield from _TOGETHER[kind](of_kind, known)


def _same_economics(entries: Iterable[Declared], known: Known) -> Iterator[Finding]:
    first: dict[Hashable, Declared] = {}
    for declared in entries:
        economics = _economics(declared.spec)
        other = first.setdefault(economics, declared)
        # Two entries that stand in the ledger under numbers of their own are two postings.
        if other is not declared and not (other.adopts and declared.adopts):
            yield finding(
                declared,
                "same-economics",
                ("spec", LINES),
                f"the same period, currency and lines as {other.address.name} ({other.source})",
            )


def _economics(spec: Mapping[str, Value]) -> Hashable:
    """What an entry posts, whatever the order of its lines; 400.9 and 400.90 are one amount."""
    rows = (
        (str(line.get("accountingCodeName")), str(line.get("type")), line.get("amount"))
        for line in rows_of(spec.get(LINES))
    )
    posted = frozenset(Counter(rows).items())
    return spec.get("accountingPeriodName"), spec.get("currency"), posted


def _limits(declared: Declared, known: Known) -> Iterator[Finding]:
    count = len(rows_of(declared.spec.get(LINES)))
    if count > MAX_LINES:
        message = f"the entry has {count} lines; {MAX_LINES} fit"
        yield finding(declared, "line-limit", ("spec", LINES), message)
    notes = declared.spec.get("notes")
    room = MAX_NOTES
    if known.marker == IN_NOTES:
        # The suffix stands on a line of its own.
        room -= len(notes_suffix(marker_of(known.workspace, declared.address))) + 1
    if isinstance(notes, str) and len(notes) > room:
        message = f"the notes have {len(notes):,} characters; {room:,} fit"
        yield finding(declared, "notes-length", ("spec", "notes"), message)


_Check: TypeAlias = Callable[[Declared, Known], Iterator[Finding]]
_Together: TypeAlias = Callable[[Iterable[Declared], Known], Iterator[Finding]]

BASIC_CHECKS: tuple[_Check, ...] = (custom_fields, _limits)
"""What an update may change: custom fields and notes."""

_CHECKS: Mapping[str, tuple[_Check, ...]] = MappingProxyType(
    {
        JOURNAL_ENTRY.name: (*MONEY_CHECKS, *TENANT_CHECKS, _limits),
        JOURNAL_RUN.name: RUN_CHECKS,
    }
)
_TOGETHER: Mapping[str, _Together] = MappingProxyType(
    {JOURNAL_ENTRY.name: _same_economics, JOURNAL_RUN.name: overlaps}
)
