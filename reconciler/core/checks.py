"""The accounting checks: pure, offline, and exact."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping

from reconciler.core.checks_money import MONEY_CHECKS
from reconciler.core.checks_tenant import TENANT_CHECKS
from reconciler.core.known import LINES, Known, known
from reconciler.core.marker import IN_NOTES, marker_of, notes_suffix
from reconciler.core.rules import FILE_RULES, finding
from reconciler.core.values import Declared, Finding, Source, Value, rows_of

__all__ = ["Known", "check", "check_marker", "check_together", "known"]

MAX_LINES = 100
MAX_NOTES = 2000

WORKSPACE_FILE = "reconciler.yaml"


def check(declared: Declared, known: Known) -> tuple[Finding, ...]:
    """Every finding in one declaration. Its shape is what its schema accepts."""
    return tuple(finding for rule in _CHECKS for finding in rule(declared, known))


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


def check_together(declarations: Iterable[Declared]) -> Iterator[Finding]:
    """Findings that take more than one declaration to see."""
    first: dict[Hashable, Declared] = {}
    for declared in declarations:
        economics = _economics(declared.spec)
        other = first.setdefault(economics, declared)
        if other is not declared:
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


_CHECKS = (*MONEY_CHECKS, *TENANT_CHECKS, _limits)
