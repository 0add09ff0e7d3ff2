"""What schedules and reversals post in later periods, as a row for each source."""

from collections.abc import Iterable

from reconciler.core.model.finding import counted
from reconciler.core.model.money import shown
from reconciler.core.model.schedule import SCHEDULE, WaitingParts

MOST_WAITING = 20
"""The most sources that are shown; the rest are counted."""

WAITING_TITLES = ("Source", "Not posted yet", "Debits", "First period")


def waiting_rows(waiting: Iterable[WaitingParts]) -> tuple[tuple[str, str, str, str], ...]:
    """The cells under WAITING_TITLES."""
    return tuple(
        (one.name, _what(one), f"{one.currency} {shown(one.amount, one.currency)}", one.awaited)
        for one in waiting
    )


def _what(one: WaitingParts) -> str:
    if one.dropped:
        return "dropped by an amendment"
    if one.kind != SCHEDULE:
        return "its reversal"
    if one.parts is None or one.whole is None:
        return "parts by days"
    return f"{one.parts:,} of {counted(one.whole, 'part')}"
