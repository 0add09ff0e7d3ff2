"""Divides the lines of a part over the targets of an allocation key."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from reconciler.core.model.finding import joined
from reconciler.core.model.money import ZERO, largest_remainder, written_decimals
from reconciler.core.model.resource import Line, Path, Value
from reconciler.core.model.schedule import AllocationKey, AllocationTarget
from reconciler.core.model.similar_names import KnownNames, nearest
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.schedules.balancing import AMOUNT, HOME, balanced
from reconciler.core.planning.schedules.parts import Part
from reconciler.core.planning.schedules.regular_periods import Flaw
from reconciler.values import dataclass

_ENTRY: Path = ("spec", "entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatedEntry:
    """One entry of a part: its lines, none of zero, and the segments it gets instead of its own.

    `number` counts targets from 1, in the order of the key; zero without a key of segments.
    """

    number: int
    lines: tuple[Line, ...]
    segments: tuple[Mapping[str, Value], ...] = ()


def key_flaw(key: AllocationKey) -> Flaw | None:
    """Why nothing can be divided by a key; None if it can."""
    path: Path = ("spec", "targets")
    if not any(target.share for target in key.targets):
        return Flaw(rule="allocation-empty", path=path, message="every share is zero")
    for at, target in enumerate(key.targets):
        if bool(target.segments) != key.by_segment:
            fact = "one target has `segments`, and this one has none"
        elif key.by_segment and target.fields:
            fact = f"a target with `segments` has `{min(target.fields)}` too"
        elif not key.by_segment and not target.fields:
            fact = "the target has only a share, so its line equals the others"
        else:
            continue
        return Flaw(rule="allocation-key", path=(*path, at), message=fact)
    return None


def allocated(
    part: Part, keys: Mapping[str, AllocationKey], tenant: Tenant, *, currency: str
) -> tuple[AllocatedEntry, ...]:
    """The entries of a part, at least one unless every amount is zero. Raises Flaw.

    Amounts are divided over the targets of a key by the largest remainders.
    """
    used = [name for name in part.allocate if name]
    if unknown := next((name for name in used if name not in keys), None):
        remedy = nearest(unknown, KnownNames(keys)) or "Declare the key, or correct its name."
        fact = f"no AllocationKey is named {unknown}"
        raise Flaw(rule="allocation-key", path=_ENTRY, message=fact, remedy=remedy)
    spreading = {name: keys[name] for name in used if keys[name].by_segment}
    division = _Division(tenant, currency)
    if len(spreading) > 1:
        fact = f"two keys of segments divide one entry: {joined(sorted(spreading))}"
        remedy = "Keep one of them."
        raise Flaw(rule="allocation-key", path=_ENTRY, message=fact, remedy=remedy)
    if spreading and part.balancing is None:
        fact = "several lines on both sides, and none takes the difference of each target"
        raise Flaw(rule="schedule-balancing", path=_ENTRY, message=fact)
    sets = [AllocatedEntry(number=0, lines=part.lines)]
    for key in spreading.values():
        sets = list(division.by_segments(part, key))
    by_line = [keys[name] if name and name not in spreading else None for name in part.allocate]
    entries = []
    for one in sets:
        lines = tuple(division.lines(one.lines, by_line))
        _require_sound(lines, part)
        lines = tuple(line for line in lines if line[AMOUNT] != ZERO)
        if lines:
            entries.append(AllocatedEntry(number=one.number, lines=lines, segments=one.segments))
    return tuple(entries)


def _require_sound(lines: Sequence[Line], part: Part) -> None:
    where = part.period.name if part.period else "a later period"
    for line in lines:
        amounts = [line[name] for name in (AMOUNT, HOME) if name in line]
        code = line["accountingCodeName"]
        if any(isinstance(one, Decimal) and one < ZERO for one in amounts):
            fact = f"{code} would be below zero in {where}"
            raise Flaw(rule="schedule-sign", path=_ENTRY, message=fact)
        if len({one == ZERO for one in amounts}) > 1:
            fact = f"{code} would be zero in one currency only, in {where}"
            raise Flaw(rule="schedule-zero", path=_ENTRY, message=fact)


class _Division:
    """Divides amounts of one entry, each with the decimal places of its currency."""

    def __init__(self, tenant: Tenant, currency: str) -> None:
        self._places = {
            AMOUNT: tenant.minor_units(currency),
            HOME: tenant.minor_units(tenant.home_currency or currency),
        }

    def by_segments(self, part: Part, key: AllocationKey) -> Iterator[AllocatedEntry]:
        """An entry for each target; the balancing line takes the difference of each."""
        assert part.balancing is not None
        columns = [list(self._over(line, key.targets)) for line in part.lines]
        for at, target in enumerate(key.targets):
            lines = balanced([column[at] for column in columns], part.balancing)
            yield AllocatedEntry(number=at + 1, lines=lines, segments=target.segments)

    def lines(self, lines: Sequence[Line], keys: Sequence[AllocationKey | None]) -> Iterator[Line]:
        """The lines, those with a key divided into one for each target."""
        for line, key in zip(lines, keys, strict=True):
            if key is None:
                yield line
                continue
            for divided, target in zip(self._over(line, key.targets), key.targets, strict=True):
                yield {**divided, **target.fields}

    def _over(self, line: Line, targets: Sequence[AllocationTarget]) -> Iterator[Line]:
        shares = [target.share for target in targets]
        amounts = {}
        for name, places in self._places.items():
            amount = line.get(name)
            if isinstance(amount, Decimal):
                units = written_decimals(amount) if places is None else places
                amounts[name] = largest_remainder(amount, shares, units)
        for at in range(len(targets)):
            yield {**line, **{name: parts[at] for name, parts in amounts.items()}}
