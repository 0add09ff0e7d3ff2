"""How far schedules are: the parts that their files hold, and those that wait for a period."""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal

from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.money import ZERO, difference, total
from reconciler.core.model.resource import Address
from reconciler.core.model.schedule import SCHEDULE, WaitingParts
from reconciler.core.planning.schedules.generation import Computed, GeneratedEntry
from reconciler.core.planning.schedules.parts import DroppedPart
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSummary:
    """A schedule, its parts that are due, and what `generate` wrote of it.

    `count` and `amount` are the parts that are due, `waiting` and `left` those of later periods,
    each None where later periods decide how many. `wrote` are names of new or changed entries.
    """

    name: str
    method: str
    currency: str
    count: int
    parts: int | None
    amount: Decimal
    whole: Decimal
    wrote: tuple[str, ...]
    zero: int
    rest: Decimal
    dropped: tuple[DroppedPart, ...]
    reversed: bool

    @property
    def waiting(self) -> int | None:
        """The parts of later periods; None where those decide how many."""
        return None if self.parts is None else self.parts - self.count

    @property
    def left(self) -> Decimal:
        """The amount of later periods."""
        return difference(self.whole, self.amount)


def summaries(
    computed: Computed,
    wanted: Mapping[Address, GeneratedEntry],
    wrote: Collection[str],
    until: str,
) -> Iterator[ScheduleSummary]:
    """Each schedule with the parts that are `wanted`; `wrote` are names of entries.

    A part of zero has no entry. It counts if it starts `until` a day, always without one.
    """
    present = {
        (one.declared.generated_by, one.starts)
        for one in wanted.values()
        if one.declared.reverses is None
    }
    for one in computed.progress:
        known = list(zip(one.starts, one.amounts, strict=True))
        last = max((start for by, start in present if by == one.address), default="")
        there = [
            amount
            for start, amount in known
            if start <= last or (amount == ZERO and (not until or start <= until))
        ]
        names = {
            item.declared.address.name
            for item in wanted.values()
            if item.declared.generated_by == one.address
        }
        yield ScheduleSummary(
            name=one.address.name,
            method=one.method,
            currency=one.currency,
            count=len(there),
            parts=one.count,
            amount=total(there),
            whole=one.whole,
            wrote=tuple(sorted(names.intersection(wrote))),
            zero=there.count(ZERO),
            rest=one.rest,
            dropped=one.dropped,
            reversed=one.reversed,
        )


def waiting_parts(
    computed: Computed,
    wanted: Mapping[Address, GeneratedEntry],
    declared: Collection[Address],
    until: str,
) -> Iterator[WaitingParts]:
    """What is not posted yet, because its period is later than those that are `wanted`."""
    unknown = {one.address: one.awaited for one in computed.progress}
    later: dict[Address | None, GeneratedEntry] = {}
    for one in computed.entries.values():
        if one.declared.address not in wanted and one.declared.reverses is None:
            by = one.declared.generated_by
            later[by] = min(later.get(by, one), one, key=lambda each: each.starts)
    for told in summaries(computed, wanted, (), until):
        if told.left:
            address = Address(SCHEDULE, told.name)
            first = later.get(address)
            awaited = unknown[address]
            if first is not None:
                awaited = str(first.declared.spec[JOURNAL_ENTRY.period])
            yield WaitingParts(
                kind=address.kind,
                name=told.name,
                currency=told.currency,
                amount=told.left,
                parts=told.waiting,
                whole=told.parts,
                awaited=awaited,
            )
        for part in told.dropped:
            # Until a period is due, only the plan can say that its part is gone.
            if not part.period or (until and part.starts > until):
                yield WaitingParts(
                    kind=SCHEDULE,
                    name=told.name,
                    currency=told.currency,
                    amount=part.amount,
                    parts=1,
                    whole=told.parts,
                    awaited=part.period or "later periods",
                    dropped=True,
                )
    for _, waits in computed.waiting:
        address = Address(waits.kind, waits.name)
        if address in wanted or address in declared:
            yield waits
