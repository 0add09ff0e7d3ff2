"""What reverses an entry: its lines with the sides swapped, in an open period."""

from collections.abc import Iterable, Mapping

from reconciler.core.model.canonical import with_lines
from reconciler.core.model.enumerations import PeriodStatus, Side
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.policy import NOTHING_FROZEN, Freeze
from reconciler.core.model.resource import Value, rows_of, text_of
from reconciler.core.model.tenant import AccountingPeriod, next_open
from reconciler.values import dataclass

SUFFIX = "-reversal"
"""The end of a reversal's name."""

REBOOKED = "-rebooked"
"""The end of the name of the entry that takes the place of a reversed one."""

LONGEST_NAME = 63
"""The most characters that a name may have."""

_OTHER_SIDE = {Side.DEBIT: Side.CREDIT.value, Side.CREDIT: Side.DEBIT.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dating:
    """The accounting period of an entry by its name, and the date."""

    period: str
    date: str

    @classmethod
    def of(cls, spec: Mapping[str, Value]) -> "Dating":
        period, date = (
            text_of(spec.get(one)) for one in (JOURNAL_ENTRY.period, JOURNAL_ENTRY.date)
        )
        return cls(period=period or "", date=date or "")

    @property
    def fields(self) -> Mapping[str, Value]:
        """The fields of the entry."""
        return {JOURNAL_ENTRY.period: self.period, JOURNAL_ENTRY.date: self.date}


def dating_of(
    original: Mapping[str, Value],
    periods: Iterable[AccountingPeriod],
    *,
    freeze: Freeze = NOTHING_FROZEN,
    period: str = "",
    date: str = "",
) -> Dating | None:
    """The period and the date of a reversal; None if no open period follows that of the original.

    The default is the period of the original while it is open, else the earliest open one that
    starts after it and has an end. Neither is one that the policy freezes. The date stays in the
    same period; elsewhere it is the first day. What is given is taken as it is.
    """
    by_name = {one.name: one for one in periods}
    own = by_name.get(text_of(original.get(JOURNAL_ENTRY.period)) or "")
    chosen = by_name.get(period)
    if not period:
        if own is None:
            return None
        free = [one for one in by_name.values() if not freeze.covers(one.name, one.status)]
        stays = own.status == PeriodStatus.OPEN and own in free
        chosen = own if stays else next_open(own, free)
        if chosen is None:
            return None
    if not date:
        same = chosen is not None and chosen == own
        day = text_of(original.get(JOURNAL_ENTRY.date)) or ""
        date = day if same or chosen is None else chosen.start_date
    return Dating(period=chosen.name if chosen is not None else period, date=date)


def reversed_spec(original: Mapping[str, Value], dating: Dating, notes: str) -> dict[str, Value]:
    """What reverses a posted entry: every line as it is, in its order, on the other side.

    Home amounts keep the rate of the original. The transfer state and notes are its own.
    """
    kept = {
        name: value
        for name, value in original.items()
        if name not in JOURNAL_ENTRY.externally_written and name != "notes"
    }
    rows = (
        {**row, "type": _OTHER_SIDE[Side(str(row["type"]))]}
        for row in rows_of(original.get(JOURNAL_ENTRY.lines))
    )
    return with_lines(JOURNAL_ENTRY, {**kept, **dating.fields, "notes": notes}, rows)
