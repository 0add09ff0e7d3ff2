"""By which dimensions a row of the impact is divided, so that it hides no movement of money."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from reconciler.core.model.enumerations import TransferState
from reconciler.core.model.finding import PlanWarning
from reconciler.core.model.kinds import RUN_ENTRY_KIND
from reconciler.core.model.money import ZERO, difference, total
from reconciler.core.model.plan import Change
from reconciler.core.model.resource import Value
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.posting import Posting, Values
from reconciler.core.rules.plan_warnings import warning
from reconciler.values import dataclass

Key: TypeAlias = tuple[str, str, str]
"""A row of the impact before it is divided: its period, accounting code and currency."""

Divide: TypeAlias = Callable[[Key, Sequence[Posting], Sequence[Posting]], tuple[str, ...]]
"""The dimensions that divide a row, by its key and its postings before and after."""

Sums: TypeAlias = tuple[Decimal, ...]
"""Changes of sums that are judged apart: of debits, of credits, in the home currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """Divides a row by the dimensions between whose values the plan moves money.

    `fields` are the custom fields of lines that count as dimensions; segments always do. Every
    row is divided by the dimensions of `by`.
    """

    fields: tuple[str, ...] = ()
    by: tuple[str, ...] = ()

    def __call__(
        self, _: Key, before: Sequence[Posting], after: Sequence[Posting]
    ) -> tuple[str, ...]:
        """The dimensions of one row, custom fields first, then segments by name."""
        segments = {name for posting in (*before, *after) for name in posting.segments}
        names = (*self.fields, *sorted(segments.union(self.by) - {*self.fields}))
        if not names:
            return ()
        sides = by_values(names, before, after)
        return dividing(names, self.by, {values: _moved(*both) for values, both in sides.items()})


BY_SEGMENTS = Division()


UNKNOWN_DIMENSION = (
    "Name a segment, or list the custom field of lines in `spec.dimensions` of reconciler.yaml."
)


def by_values(
    names: Sequence[str], before: Iterable[Posting], after: Iterable[Posting]
) -> Mapping[Values, tuple[list[Posting], list[Posting]]]:
    """The postings before and after, by their values of these dimensions."""
    sides: dict[Values, tuple[list[Posting], list[Posting]]] = defaultdict(lambda: ([], []))
    for at, found in enumerate((before, after)):
        for posting in found:
            sides[posting.values(names)][at].append(posting)
    return sides


def unknown_dimension(names: Iterable[str], tenant: Tenant) -> str:
    """What is wrong with the first name that is no dimension of the workspace; empty for none."""
    known = (*tenant.dimensions, *(tenant.segments or ()))
    for name in names:
        # Without a Reference nobody knows the segments.
        segment = tenant.segments is None and not name.endswith(RUN_ENTRY_KIND.custom_suffix)
        if name not in known and not segment:
            one_of = f" It knows {', '.join(known)}." if known else ""
            return f"the workspace has no dimension {name}.{one_of}"
    return ""


def dividing(
    names: Sequence[str], by: Collection[str], changes: Mapping[Values, Sums]
) -> tuple[str, ...]:
    """The names between whose values money moves, and those of `by`, in their order.

    `changes` are the sums that move, for each combination of the values of all names. If only
    several names together show a movement, as many divide the row as that takes.
    """
    chosen = {name for name in names if name in by or _moves(name, names, changes)}
    for name in names:
        if not _hides(chosen, names, changes):
            break
        chosen.add(name)
    return tuple(name for name in names if name in chosen)


def transferred_moves(changes: Iterable[Change], fields: Sequence[str]) -> Iterator[PlanWarning]:
    """A warning for each transferred entry of which a dimension changes in place."""
    for change in changes:
        if change.transferred not in _SENT or change.block is not None or change.posts:
            continue
        moves = [
            f"{name} {_named(update.before.get(name))} -> {_named(update.fields[name])}"
            for update in change.comparison.line_updates
            for name in fields
            if name in update.fields
        ]
        if moves:
            text = (
                f"{change.address.name} ({change.number}) is transferred, and "
                f"{', '.join(dict.fromkeys(moves))} reaches the journal alone: the general ledger "
                "keeps the former value"
            )
            yield warning("dimension-transferred", text, place=str(change.source or ""))


_SENT = (TransferState.YES, TransferState.PROCESSING)


def _named(value: Value) -> str:
    return "(none)" if value is None else str(value)


def home_change(before: Iterable[Posting], after: Iterable[Posting]) -> Decimal | None:
    """The net change in the home currency; None if one amount is unknown."""
    nets = [[posting.home_net for posting in side] for side in (before, after)]
    if any(net is None for side in nets for net in side):
        return None
    was, now = (total(net for net in side if net is not None) for side in nets)
    return difference(now, was)


def _moved(before: Sequence[Posting], after: Sequence[Posting]) -> Sums:
    return (
        difference(total(one.debit for one in after), total(one.debit for one in before)),
        difference(total(one.credit for one in after), total(one.credit for one in before)),
        home_change(before, after) or ZERO,
    )


def _moves(name: str, names: Sequence[str], changes: Mapping[Values, Sums]) -> bool:
    """Whether money leaves one value of a dimension for another one."""
    groups = _groups({name}, names, changes)
    return _opposed([tuple(map(total, zip(*rows, strict=True))) for rows in groups])


def _hides(chosen: set[str], names: Sequence[str], changes: Mapping[Values, Sums]) -> bool:
    """Whether a row for some values of the chosen names still adds up opposite movements."""
    return any(map(_opposed, _groups(chosen, names, changes)))


def _groups(
    chosen: set[str], names: Sequence[str], changes: Mapping[Values, Sums]
) -> Collection[list[Sums]]:
    groups: dict[Values, list[Sums]] = defaultdict(list)
    for values, sums in changes.items():
        pairs = zip(names, values, strict=True)
        groups[tuple(value for name, value in pairs if name in chosen)].append(sums)
    return groups.values()


def _opposed(rows: Sequence[Sums]) -> bool:
    """Whether one sum rises in a row and falls in another."""
    return any(min(column) < ZERO < max(column) for column in zip(*rows, strict=True))
