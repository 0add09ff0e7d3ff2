"""Which journal runs of a workspace could take the same source transactions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.core.model.known import Known
from reconciler.core.model.resource import Address, Declared, Finding, Value, rows_of
from reconciler.core.rules.catalog import finding
from reconciler.core.rules.journal_runs import (
    LABELS,
    PERIOD,
    TYPES,
    target_dates,
    transaction_types,
)


def overlaps(runs: Iterable[Declared], known: Known) -> Iterator[Finding]:
    """Runs that sum up a type of transactions over the same days; the later run is pointed at.

    Runs whose organizations are plainly different ones do not meet.
    """
    spans = sorted((_span(run, known) for run in runs), key=lambda span: (span.start, span.run))
    shared: dict[tuple[Address, Address], list[str]] = {}
    still_open: dict[tuple[str, str], list[_Span]] = {}
    for span in spans:
        for name in transaction_types(span.declared):
            key = name, span.unknown_period
            others = [other for other in still_open.get(key, ()) if span.start <= other.end]
            met = next((other for other in others if not span.is_apart(other)), None)
            if met is not None:
                shared.setdefault((span.run, met.run), []).append(name)
            still_open[key] = [*others, span]
    by_address = {span.run: span.declared for span in spans}
    for (later, earlier), names in shared.items():
        other = by_address[earlier]
        message = f"{', '.join(names)} of some of these days is summed up by {other.address.name}"
        path = ("spec", TYPES)
        yield finding(by_address[later], "run-overlap", path, f"{message} too ({other.source})")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """The days that a run sums up, and of which organizations."""

    declared: Declared
    start: str
    end: str
    unknown_period: str
    """The name that stands for the days when nobody knows which they are; else empty."""
    organizations: frozenset[tuple[str, str]] | None
    """Fields of the labels with their values; None when they may mean any organization."""

    @property
    def run(self) -> Address:
        return self.declared.address

    def is_apart(self, other: "_Span") -> bool:
        """Whether the two have plainly no organization in common."""
        if self.organizations is None or other.organizations is None:
            return False
        both = self.organizations | other.organizations
        # An id and a name may mean the same organization.
        one_sort = len({field for field, _ in both}) == 1
        return one_sort and self.organizations.isdisjoint(other.organizations)


def _span(run: Declared, known: Known) -> _Span:
    dates = target_dates(run, known)
    start, end = dates or ("", "")
    return _Span(
        declared=run,
        start=start,
        end=end,
        unknown_period="" if dates else str(run.spec.get(PERIOD)),
        organizations=_organizations(run.spec.get(LABELS), known),
    )


def _organizations(labels: Value, known: Known) -> frozenset[tuple[str, str]] | None:
    names = {item.id: item.name for item in known.facts.organizations}
    rows = rows_of(labels)
    if not rows or any(row.get(field) is True for row in rows for field in _WIDENING):
        return None
    stated = ((field, str(row[field])) for row in rows for field in (_ID, _NAME) if row.get(field))
    return frozenset(
        (_NAME, names[value]) if field == _ID and value in names else (field, value)
        for field, value in stated
    )


_ID, _NAME = "organizationId", "organizationName"
_WIDENING = ("cascadingDown", "excluded")
