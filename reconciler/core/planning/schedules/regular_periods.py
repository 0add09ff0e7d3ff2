"""The accounting periods that parts of a schedule fall into, and those that a Reference lacks."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date

from reconciler.core.model.finding import Finding
from reconciler.core.model.resource import Path, Source
from reconciler.core.model.schedule import DAILY, Schedule
from reconciler.core.model.similar_names import nearest
from reconciler.core.model.tenant import AccountingPeriod, Tenant
from reconciler.core.rules.catalog import finding_at
from reconciler.values import dataclass

_LAST = "9999-12-31"


class Flaw(ValueError):
    """What keeps the parts of a schedule from being computed, at a path of its document."""

    def __init__(self, *, rule: str, path: Path, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.rule, self.path, self.message, self.remedy = rule, path, message, remedy

    def found(self, source: Source) -> Finding:
        """The flaw as a finding in the document."""
        return finding_at(source, self.rule, self.path, self.message, self.remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Where one part falls: a period, or None for what the Reference does not have yet."""

    period: AccountingPeriod | None
    start: str = ""
    end: str = _LAST


def regular_periods(tenant: Tenant, skip: Collection[str] = ()) -> tuple[AccountingPeriod, ...]:
    """The periods that have an end, by start, without those that overlap the one before.

    A period that overlaps its predecessor is one for adjustments.
    """
    found: list[AccountingPeriod] = []
    ended = [one for one in tenant.periods if one.end_date and one.name not in skip]
    for one in sorted(ended, key=lambda one: (one.start_date, one.end_date or "", one.name)):
        if not found or one.start_date > (found[-1].end_date or ""):
            found.append(one)
    return tuple(found)


def following_period(
    tenant: Tenant, period: AccountingPeriod, skip: Collection[str] = ()
) -> AccountingPeriod | None:
    """The regular period that follows a period, without those to skip; None if it is not known yet.

    A period that begins later is another one: a gap is a period that the Reference lacks.
    """
    reached = period.end_date or _LAST
    skipped = (one for one in tenant.periods if one.name in skip and one.end_date)
    periods = (*regular_periods(tenant, skip), *skipped)
    for one in sorted(periods, key=lambda one: one.start_date):
        if one.start_date > reached and one.start_date != _shifted(reached, 1):
            return None
        if one.start_date > reached and one.name not in skip:
            return one
        reached = max(reached, one.end_date or "")
    return None


def unknown_period(tenant: Tenant, name: str, path: Path) -> Flaw:
    """The flaw of a period that the Reference does not have."""
    remedy = ADD_PERIOD
    if meant := nearest(name, tenant.similar_periods):
        remedy = f"{meant} {remedy}"
    return Flaw(
        rule="schedule-period", path=path, message=f"the tenant has no period {name}", remedy=remedy
    )


ADD_PERIOD = "Correct the name, or add the period to the Reference."


def slots_of(schedule: Schedule, tenant: Tenant, *, parts: int, end: str) -> tuple[Slot, ...]:
    """Where the parts fall, in order, those of later periods included. Raises Flaw.

    `parts` is the largest number of parts, or `end` the latest day of a daily schedule. Its days
    after the last period of the Reference are in slots of that length.
    """
    periods = regular_periods(tenant, schedule.skip)
    if schedule.method == DAILY:
        used = [one for one in periods if schedule.start <= (one.end_date or "")]
        used = [one for one in used if one.start_date <= end]
        known = _slots(used)
        if not known or known[-1].end < end:
            first = _shifted(known[-1].end, 1) if known else schedule.start
            known = (*known, *_assumed(first, end, periods[-1] if periods else None))
        before = schedule.start
    else:
        names = [one.name for one in periods]
        if schedule.period not in names:
            raise _no_first(schedule, tenant)
        at = names.index(schedule.period)
        known = _slots(periods[at : at + parts])
        before = known[0].start
        known = (*known, *(Slot(period=None) for _ in range(parts - len(known))))
    for days in _missing(known, before, _skipped(schedule, tenant)):
        raise _gap(schedule, *days)
    return known


def _no_first(schedule: Schedule, tenant: Tenant) -> Flaw:
    path = ("spec", "from")
    if schedule.period not in tenant.periods_by_name:
        return unknown_period(tenant, schedule.period, path)
    return Flaw(
        rule="schedule-period",
        path=path,
        message=f"{schedule.period} is skipped, has no end, or overlaps the period before it",
        remedy="Begin with another period.",
    )


def _slots(periods: Sequence[AccountingPeriod]) -> tuple[Slot, ...]:
    return tuple(
        Slot(period=one, start=one.start_date, end=one.end_date or _LAST) for one in periods
    )


def _assumed(first: str, end: str, last: AccountingPeriod | None) -> Iterator[Slot]:
    """Slots from a day on, each as long as a period: in whole months or in days."""
    days, months = 0, 1
    if last is not None and last.end_date:
        days = days_through(last.start_date, last.end_date)
        months = (days + 15) // 30 if _shifted(last.end_date, 1).endswith("-01") else 0
    for _ in range(MOST_PARTS):
        until = _months_on(first, months) if months else _shifted(first, days - 1)
        yield Slot(period=None, start=first, end=until)
        if until >= end:
            return
        first = _shifted(until, 1)
    yield Slot(period=None, start=first)


MOST_PARTS = 600
"""The most parts of a schedule."""


def _months_on(day: str, months: int) -> str:
    """The last day of that number of months, the first included."""
    year, month = divmod(date.fromisoformat(day).month - 1 + months, 12)
    year += date.fromisoformat(day).year
    return _shifted(f"{year:04}-{month + 1:02}-01", -1) if year <= date.max.year else _LAST


def _skipped(schedule: Schedule, tenant: Tenant) -> tuple[AccountingPeriod, ...]:
    """The periods without a part: of a daily schedule none, for its days must be covered."""
    if schedule.method == DAILY:
        return ()
    return tuple(one for one in tenant.periods if one.name in schedule.skip and one.end_date)


def _missing(
    slots: Sequence[Slot], before: str, skipped: Sequence[AccountingPeriod]
) -> Iterator[tuple[str, str]]:
    """The first and last day of each gap between the periods that are known."""
    covered = [(one.start, one.end) for one in slots if one.period]
    covered += [(one.start_date, one.end_date or _LAST) for one in skipped]
    until = max((one.end for one in slots if one.period), default="")
    wanted = before
    for start, end in sorted(covered):
        if wanted < start <= until:
            yield wanted, _shifted(start, -1)
        wanted = max(wanted, _shifted(end, 1))


def _gap(schedule: Schedule, first: str, last: str) -> Flaw:
    daily = schedule.method == DAILY
    return Flaw(
        rule="schedule-gap",
        path=("spec", "start" if daily else "from"),
        message=f"no period covers {first} to {last}",
    )


def _shifted(day: str, days: int) -> str:
    found = date.fromisoformat(day).toordinal() + days
    return str(date.fromordinal(min(found, date.max.toordinal()))) if day != _LAST else day


def days_through(first: str, last: str) -> int:
    """The number of days from the first to the last, both included; zero if none lies between."""
    return max(0, (date.fromisoformat(last) - date.fromisoformat(first)).days + 1)
