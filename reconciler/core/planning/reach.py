"""Where in the books a change reaches: its periods, its accounting codes, the money it moves."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import ZERO, total
from reconciler.core.model.plan import Action, Change
from reconciler.core.model.resource import Value, text_of
from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.planning.impact import newly_posted, posted_before, postings, taken_back

Periods = Mapping[str, AccountingPeriod]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What one change touches. `unknown` says that only the ledger will know what it posts."""

    periods: frozenset[str]
    codes: frozenset[str]
    unknown: bool = False


def reach_of(change: Change, periods: Periods) -> Reach:
    """The periods and accounting codes of what stands before a change and after it.

    Where a declaration names dates and no period, every period that they lie in counts.
    """
    kind = KINDS[change.address.kind]
    found, codes = set(), set()
    for spec in (change.before, change.after):
        if spec is not None:
            found |= set(_periods(change, spec, periods))
    sides = [*posted_before(change), *newly_posted(change)]
    if kind.lines:
        sides += [(kind.name, spec) for spec in (change.before, change.after) if spec is not None]
    for name, spec in sides:
        for posting in postings(name, spec, None):
            codes.add(posting.code)
            found.add(posting.period)
    return Reach(
        periods=frozenset(found - {""}),
        codes=frozenset(codes - {""}),
        unknown=change.posts and not kind.lines,
    )


def _periods(change: Change, spec: Mapping[str, Value], periods: Periods) -> Iterator[str]:
    kind = KINDS[change.address.kind]
    named = text_of(spec.get(kind.period))
    if named:
        yield named
        return
    first, last = (text_of(spec.get(name)) or "" for name in kind.span or (kind.date, kind.date))
    dated = text_of(spec.get(kind.date)) or ""
    for period in periods.values():
        end = period.end_date
        if end is None:
            continue
        overlaps = bool(first and last) and period.start_date <= last and first <= end
        if overlaps or period.start_date <= dated <= end:
            yield period.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The money that changes post or take back: debits, by currency.

    What moves in another currency counts in the home currency too. `foreign` are those of which a
    part has no worth in the home currency.
    """

    amounts: Mapping[str, Decimal]
    home_currency: str | None
    foreign: frozenset[str]

    def unmeasured(self, named: Collection[str]) -> tuple[str, ...]:
        """The currencies that sums in the named ones say nothing about."""
        measured = self.home_currency in named
        return tuple(
            currency
            for currency in self.amounts
            if currency not in named and not (measured and currency not in self.foreign)
        )


def money_moved(changes: Iterable[Change], home_currency: str | None) -> Moved:
    """The debits that changes post or take back; what is blocked moves nothing."""
    moved: dict[str, list[Decimal]] = defaultdict(list)
    foreign: set[str] = set()
    for change in changes:
        if change.action is Action.BLOCKED:
            continue
        for kind, spec in (*newly_posted(change), *taken_back(change)):
            for posting in postings(kind, spec, home_currency):
                if posting.debit <= ZERO:
                    continue
                moved[posting.currency].append(posting.debit)
                if home_currency is None or posting.currency == home_currency:
                    continue
                if posting.home_net is None:
                    foreign.add(posting.currency)
                else:
                    moved[home_currency].append(posting.home_net.copy_abs())
    return Moved(
        amounts={currency: total(amounts) for currency, amounts in sorted(moved.items())},
        home_currency=home_currency,
        foreign=frozenset(foreign),
    )
