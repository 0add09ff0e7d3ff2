"""The amounts of the parts of a schedule: by its method, and after its amendments."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeAlias

from reconciler.core.model.money import ZERO, cumulative, difference, shown, total, written_decimals
from reconciler.core.model.resource import Key, Line, Path
from reconciler.core.model.schedule import DAILY, ONCE, Amendment, Schedule
from reconciler.core.model.tenant import AccountingPeriod, Tenant
from reconciler.core.planning.schedules.balancing import (
    AMOUNT,
    HOME,
    balanced,
    balancing_line,
    debits,
    decimal_of,
)
from reconciler.core.planning.schedules.regular_periods import (
    Flaw,
    Slot,
    days_through,
    slots_of,
    unknown_period,
)
from reconciler.values import dataclass

_NOT_POSTED = frozenset({"balancing", "allocate"})
_NO_IDENTITY = _NOT_POSTED | {AMOUNT, HOME, "notes"}

_Identity: TypeAlias = tuple[str, Key, int]
"""The code of a line, its fields without amounts and notes, and its repetition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part: its period, None if the Reference lacks it, and its lines in the file's order.

    An amount is zero or more. `allocate` is the key of each line, or empty.
    """

    period: AccountingPeriod | None
    lines: tuple[Line, ...]
    allocate: tuple[str, ...]
    balancing: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedPart:
    """A part that an amendment drops: its period with the first day, empty if it is unknown."""

    period: str
    starts: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleParts:
    """The parts of a schedule in order, and those that an earlier end drops.

    `rest` is what an earlier end leaves, never posted.
    """

    parts: tuple[Part, ...] = ()
    dropped: tuple[DroppedPart, ...] = ()
    rest: Decimal = ZERO


@dataclass(slots=True, kw_only=True)
class _Law:
    """How amounts are divided from the part `first` on."""

    first: int
    path: Path
    items: tuple[Line, ...]
    whole: int
    catch_up: bool = False


def parts_of(schedule: Schedule, tenant: Tenant) -> ScheduleParts:
    """The parts of a schedule whose lines balance. Raises Flaw."""
    _require_form(schedule)
    most = max([schedule.parts or 0, *(one.parts or 0 for one in schedule.amendments)])
    latest = max([schedule.end, *(one.end or "" for one in schedule.amendments)])
    slots = slots_of(schedule, tenant, parts=most, end=latest)
    return _Computation(schedule, tenant, slots).result()


def _require_form(schedule: Schedule) -> None:
    """Refuse the fields that a method does not take."""
    takes = {DAILY: "`start` and `end`", ONCE: "`from` alone"}
    wanted = takes.get(schedule.method, "`from` and `parts`")
    fits = bool(schedule.start) if schedule.method == DAILY else bool(schedule.period)
    if not fits or (schedule.parts is None) != (schedule.method == DAILY):
        fact = f"the method {schedule.method} takes {wanted}"
        raise Flaw(rule="schedule-method", path=("spec", "method"), message=fact)
    if schedule.method == DAILY and schedule.end < schedule.start:
        fact = f"`end` is {schedule.end}, before `start`"
        remedy = "Correct one of the two days."
        raise Flaw(rule="schedule-method", path=("spec", "end"), message=fact, remedy=remedy)
    for at, one in enumerate(schedule.amendments):
        path: Path = ("spec", "amendments", at)
        if schedule.method == ONCE:
            fact = "the method once has one part, which is not amended"
            remedy = "Change the schedule itself."
            raise Flaw(rule="schedule-method", path=path, message=fact, remedy=remedy)
        if (one.end if schedule.method != DAILY else one.parts) is not None:
            fact = f"the method {schedule.method} takes {wanted}"
            raise Flaw(rule="schedule-method", path=path, message=fact)


class _Computation:
    """Computes the parts of one schedule, amendment after amendment."""

    def __init__(self, schedule: Schedule, tenant: Tenant, slots: Sequence[Slot]) -> None:
        self._schedule, self._tenant, self._slots = schedule, tenant, slots
        currency = str(schedule.entry.get("currency"))
        self._currencies = {AMOUNT: currency, HOME: tenant.home_currency or currency}
        self._lines: list[tuple[Line, ...]] = []
        self._balancing: list[int | None] = []
        self._allocate: list[str] = []
        self._dropped: dict[int, Decimal] = {}
        self._count, self._end = schedule.parts or 0, schedule.end

    def result(self) -> ScheduleParts:
        """The parts. Raises Flaw."""
        law = _Law(first=0, path=("spec", "entry"), items=self._schedule.items, whole=self._whole())
        self._follow(law)
        for at, amendment in enumerate(self._schedule.amendments):
            self._dropped |= enumerate(map(debits, self._lines))
            law = self._amended(amendment, law, ("spec", "amendments", at))
        posted = total(map(debits, self._lines))
        return ScheduleParts(
            parts=tuple(
                Part(
                    period=slot.period,
                    lines=tuple(_posted(line) for line in lines),
                    allocate=tuple(
                        (key or str(line["allocate"])) if "allocate" in line else ""
                        for line in lines
                    ),
                    balancing=balancing,
                )
                for slot, lines, balancing, key in zip(
                    self._slots, self._lines, self._balancing, self._allocate, strict=False
                )
            ),
            dropped=tuple(
                DroppedPart(
                    period=period.name if period else "",
                    starts=period.start_date if period else "",
                    amount=amount,
                )
                for at, amount in sorted(self._dropped.items())
                if at >= len(self._lines) and amount != ZERO
                for period in (self._slots[at].period,)
            ),
            rest=ZERO if self._schedule.repeats else difference(debits(law.items), posted),
        )

    def _whole(self) -> int:
        """The weight of the whole schedule: its parts, or its days."""
        if self._schedule.method == DAILY:
            return days_through(self._schedule.start, self._end)
        return self._count

    def _reached(self, at: int) -> int:
        """The weight of the first parts, `at` of them."""
        if at == 0 or self._schedule.method != DAILY:
            return at
        return days_through(self._schedule.start, min(self._slots[at - 1].end, self._end))

    def _limit(self) -> int:
        """How many parts there are."""
        if self._schedule.method != DAILY:
            return self._count
        return sum(1 for slot in self._slots if slot.start <= self._end)

    def _follow(self, law: _Law) -> None:
        """Replace the parts from the first of this law on."""
        limit = self._limit()
        for held in (self._lines, self._balancing):
            del held[law.first :]
        count = limit - law.first
        balancing = balancing_line(law.items)
        if self._schedule.repeats:
            self._lines += [law.items] * count
        elif balancing is None:
            raise Flaw(rule="schedule-balancing", path=law.path, message=NO_LINE)
        else:
            self._lines += self._divided(law, count, balancing)
        self._balancing += [balancing] * count
        del self._allocate[limit:]
        key = self._allocate[-1] if self._allocate else ""
        self._allocate += [key] * (limit - len(self._allocate))

    def _divided(self, law: _Law, count: int, balancing: int) -> list[tuple[Line, ...]]:
        """The lines of each part: apportioned one by one, and the balancing one as difference."""
        earlier = self._earlier(law)
        columns: list[list[Line]] = []
        for at, (key, line) in enumerate(_identified(law.items)):
            amounts: dict[str, list[Decimal]] = {}
            for name in (AMOUNT, HOME):
                if name in line and at != balancing:
                    amounts[name] = self._over_time(
                        law, name, decimal_of(line[name]), earlier.get((name, key), ZERO), count
                    )
            columns.append(
                [
                    {**line, **{name: values[part] for name, values in amounts.items()}}
                    for part in range(count)
                ]
            )
        rows = [tuple(column[part] for column in columns) for part in range(count)]
        rows = [balanced(row, balancing) for row in rows]
        self._check_signs(law, rows, balancing)
        self._check_dropped(law, earlier)
        return rows

    def _over_time(
        self, law: _Law, name: str, amount: Decimal, earlier: Decimal, count: int
    ) -> list[Decimal]:
        passed = 0 if law.catch_up else self._reached(law.first)
        base = ZERO if law.catch_up else earlier
        rest, whole = difference(amount, base), law.whole - passed
        reached = [self._reached(law.first + at + 1) - passed for at in range(count)]
        places = self._places(name)
        due = cumulative(rest, reached, whole, places) if whole else []
        if difference(amount, earlier) < ZERO or (due and total((due[0], base)) < earlier):
            posted, then = self._shown(earlier, name), self._shown(amount, name)
            fact = f"earlier parts have {posted}, the new total is {then}"
            raise Flaw(rule="schedule-negative", path=law.path, message=fact)
        if not count and rest != ZERO:
            fact = f"no part is left for {self._shown(rest, name)}"
            raise Flaw(rule="schedule-amendment", path=law.path, message=fact, remedy=NO_PARTS)
        before = [difference(earlier, base), *due[:-1]]
        return [difference(*pair) for pair in zip(due, before, strict=False)]

    def _places(self, name: str) -> int:
        """The decimal places of a currency; where they are unknown, as many as are written."""
        units = self._tenant.minor_units(self._currencies[name])
        if units is not None:
            return units
        rows = [self._schedule.items, *(one.items or () for one in self._schedule.amendments)]
        amounts = [decimal_of(line[name]) for row in rows for line in row if name in line]
        amounts += [one.total for one in self._schedule.amendments if one.total is not None]
        return max(map(written_decimals, amounts))

    def _earlier(self, law: _Law) -> Mapping[tuple[str, _Identity], Decimal]:
        """What the parts before a law post, by field and line."""
        found: dict[tuple[str, _Identity], Decimal] = {}
        for lines in self._lines[: law.first]:
            for key, line in _identified(lines):
                for name in (AMOUNT, HOME):
                    if name in line:
                        amount = total((found.get((name, key), ZERO), decimal_of(line[name])))
                        found[name, key] = amount
        return found

    def _check_signs(self, law: _Law, rows: Iterable[Sequence[Line]], balancing: int) -> None:
        for at, row in enumerate(rows):
            line = row[balancing]
            for name in (AMOUNT, HOME):
                if name in line and decimal_of(line[name]) < ZERO:
                    period = self._slots[law.first + at].period
                    fact = (
                        f"{line['accountingCodeName']} would be "
                        f"{self._shown(decimal_of(line[name]), name)} in "
                        f"{period.name if period else f'part {law.first + at + 1}'}"
                    )
                    raise Flaw(rule="schedule-sign", path=law.path, message=fact)

    def _check_dropped(self, law: _Law, earlier: Mapping[tuple[str, _Identity], Decimal]) -> None:
        """A line that earlier parts have and a later law does not."""
        kept = {key for key, _ in _identified(law.items)}
        for (name, key), amount in earlier.items():
            if key not in kept and amount != ZERO:
                posted = self._shown(amount, name)
                fact = f"{key[0]} has {posted} in earlier parts, and no line now"
                remedy = "List it with that amount as its total."
                raise Flaw(rule="schedule-negative", path=law.path, message=fact, remedy=remedy)

    def _shown(self, amount: Decimal, name: str) -> str:
        return f"{self._currencies[name]} {shown(amount, self._currencies[name])}"

    def _amended(self, amendment: Amendment, law: _Law, path: Path) -> _Law:
        """The law after an amendment."""
        cut = next(
            (
                at
                for at, slot in enumerate(self._slots)
                if slot.period and slot.period.name == amendment.period
            ),
            None,
        )
        if cut is None and amendment.period not in self._tenant.periods_by_name:
            raise unknown_period(self._tenant, amendment.period, (*path, "from"))
        self._count = amendment.parts or self._count
        self._end = amendment.end or self._end
        if fact := self._misfit(amendment, law, cut):
            raise Flaw(rule="schedule-amendment", path=path, message=fact)
        assert cut is not None
        if amendment.keeps_rest:
            del self._lines[self._limit() :], self._balancing[self._limit() :]
            del self._allocate[self._limit() :]
        elif amendment.total or amendment.items or amendment.parts or amendment.end:
            items = amendment.items or law.items
            if amendment.total is not None:
                items = tuple({**line, AMOUNT: amendment.total} for line in items)
            whole, catch_up = self._whole(), amendment.catch_up
            law = _Law(first=cut, path=path, items=items, whole=whole, catch_up=catch_up)
            self._follow(law)
        if amendment.allocate or amendment.items:
            key = amendment.allocate or ""
            self._allocate[cut:] = [key] * len(self._allocate[cut:])
        return replace(law, first=cut)

    def _misfit(self, amendment: Amendment, law: _Law, cut: int | None) -> str:
        """Why an amendment cannot follow the ones before; empty if it can."""
        two = len(law.items) == 2 and not any(HOME in line for line in law.items)
        limit, now = self._limit(), len(self._lines)
        reasons = (
            (cut is None or cut > max(limit, now), f"{amendment.period} has no part"),
            (cut is not None and cut < limit and cut > now, f"{amendment.period} has no part yet"),
            (cut is not None and law.path[1] == "amendments" and cut <= law.first, NOT_IN_ORDER),
            (cut is not None and limit < cut, f"it ends before {amendment.period}"),
            (bool(amendment.total and amendment.items), "it has `total` and `journalEntryItems`"),
            (amendment.total is not None and not two, NOT_TWO),
            (amendment.keeps_rest and bool(amendment.total or amendment.items), REST_OF_NEW),
            (amendment.keeps_rest and limit >= now, "`remainder: none` needs an earlier end"),
            (amendment.catch_up and self._schedule.repeats, "recurring has no total to catch up"),
        )
        return next((fact for wrong, fact in reasons if wrong), "")


NO_LINE = "several lines on both sides, and none takes the difference"
NO_PARTS = "Write more `parts` or a later `end`, or `remainder: none`."
NOT_IN_ORDER = "it does not begin after the amendment before it"
NOT_TWO = "`total` is for an entry of two lines in one currency"
REST_OF_NEW = "`remainder: none` keeps the amounts, and takes no new ones"


def _posted(line: Line) -> Line:
    return {name: value for name, value in line.items() if name not in _NOT_POSTED}


def _identified(lines: Iterable[Line]) -> Iterator[tuple[_Identity, Line]]:
    """Each line with what identifies it."""
    seen: Counter[Key] = Counter()
    for line in lines:
        fields = tuple(
            f"{name}={value}" for name, value in sorted(line.items()) if name not in _NO_IDENTITY
        )
        yield (str(line["accountingCodeName"]), fields, seen[fields]), line
        seen[fields] += 1
