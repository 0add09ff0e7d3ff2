"""The accounting periods of a fiscal year: months, weeks in quarters, or thirteen periods."""

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum

from reconciler.core.model.tenant import AccountingPeriod


class Calendar(StrEnum):
    """How a fiscal year is divided into periods."""

    MONTHS = "months"
    WEEKS_445 = "4-4-5"
    WEEKS_454 = "4-5-4"
    WEEKS_544 = "5-4-4"
    THIRTEEN = "13-periods"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def fiscal_year(
    calendar: Calendar, first_day: date, *, long: bool = False
) -> tuple[AccountingPeriod, ...]:
    """The periods of the fiscal year that begins on a day, named by its last day's year.

    Months are named Jan-2026; other periods FY26-P01. A `long` year of weeks has 53 of them, and
    the last period has the additional one. Raises ValueError for months that do not begin on the
    first of a month.
    """
    if calendar is Calendar.MONTHS and first_day.day != 1:
        raise ValueError("a calendar month begins on its first day")
    ends = [*(_months(first_day) if calendar is Calendar.MONTHS else _weeks(calendar, first_day))]
    if long and calendar is not Calendar.MONTHS:
        ends[-1] += timedelta(weeks=1)
    year = ends[-1].year
    starts = (first_day, *(end + timedelta(days=1) for end in ends[:-1]))
    return tuple(
        AccountingPeriod(
            name=f"{_MONTHS[start.month - 1]}-{start.year}"
            if calendar is Calendar.MONTHS
            else f"FY{year % 100:02}-P{number:02}",
            start_date=start.isoformat(),
            end_date=end.isoformat(),
            fiscal_year=year,
            # The fourth quarter of thirteen periods has four.
            fiscal_quarter=min(4, (number + 2) // 3),
        )
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1)
    )


def _months(first_day: date) -> Iterator[date]:
    """The last days of twelve months."""
    for number in range(first_day.month, first_day.month + 12):
        year, month = first_day.year + number // 12, number % 12 + 1
        yield date(year, month, 1) - timedelta(days=1)


def _weeks(calendar: Calendar, first_day: date) -> Iterator[date]:
    """The last days of the periods of 52 weeks."""
    weeks = [4] * 13 if calendar is Calendar.THIRTEEN else [int(n) for n in calendar.split("-")] * 4
    end = first_day - timedelta(days=1)
    for count in weeks:
        end += timedelta(weeks=count)
        yield end
