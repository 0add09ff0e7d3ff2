"""How far schedules are, on a terminal: one line each, and what waits for later periods."""

from collections.abc import Iterator, Sequence

from reconciler.core.model.finding import counted, joined, listed
from reconciler.core.model.money import ZERO, shown, total
from reconciler.core.planning.schedules.summary import ScheduleSummary
from reconciler.render.styled_text import Part, line, table


def schedule_lines(
    found: Sequence[ScheduleSummary], through: str, *, writing: bool
) -> Iterator[Part]:
    """A line for each schedule, and one for the parts of later periods."""
    yield from table([(one.name, one.method, _extent(one), _wrote(one, writing)) for one in found])
    for one in found:
        if one.dropped:
            parts = [
                f"{part.period or 'a later period'} {one.currency} "
                f"{shown(part.amount, one.currency)}"
                for part in one.dropped
            ]
            count = counted(len(parts), "part")
            yield line(f"{one.name} ends early, without {count}: {listed(parts)}.")
        if one.rest > ZERO:
            left = shown(one.rest, one.currency)
            yield line(f"{one.name} ends early: {one.currency} {left} are not posted by it.")
    yield from _waiting([one for one in found if one.left], through)


def _extent(one: ScheduleSummary) -> str:
    of = f" of {one.parts}" if one.parts is not None else ""
    amounts = f"{shown(one.amount, one.currency)} of {shown(one.whole, one.currency)}"
    text = f"{one.count}{of} {'part' if (one.parts or one.count) == 1 else 'parts'}"
    text += f", {amounts} {one.currency}"
    if one.zero:
        text += f", {one.zero} of zero without an entry"
    return text + (", each reversed at the next period's start" if one.reversed else "")


def _wrote(one: ScheduleSummary, writing: bool) -> str:
    if not one.wrote:
        return ""
    verb = "wrote" if writing else "would write"
    name = f": {one.wrote[0]}" if len(one.wrote) == 1 else ""
    return f"{verb} {len(one.wrote)}{name}"


def _waiting(found: Sequence[ScheduleSummary], through: str) -> Iterator[Part]:
    if not found:
        return
    known = [one.waiting for one in found if one.waiting is not None]
    parts = [counted(sum(known), "part")] if known else []
    for currency in sorted({one.currency for one in found if one.waiting is None}):
        left = total(one.left for one in found if one.waiting is None and one.currency == currency)
        parts.append(f"{currency} {shown(left, currency)} by days")
    after = f"after {through}" if through else "that the Reference does not have yet"
    of = counted(len(found), "schedule")
    yield line(f"Waiting: {joined(parts)} of {of}, for periods {after}.")
