"""How much money changes move, as limits, tiers and materiality measure it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from reconciler.core.model.finding import joined
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import ZERO, at_rate, rate_of, shown, total
from reconciler.core.model.plan import Action, Change
from reconciler.core.model.policy import Rates
from reconciler.core.planning.posting import Entry, newly_cancelled, newly_posted, postings
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyMovement:
    """The debits that changes post or cancel, by currency.

    Foreign currency counts in another one too: by its home amount, which a file states, and at
    least at the rate of the policy. `own` are the currencies of the entries. `rated` are, by
    currency, those that count there by a rate of the policy.
    """

    amounts: Mapping[str, Decimal]
    home_currency: str | None
    own: frozenset[str]
    rates: Rates
    rated: Mapping[str, frozenset[str]]

    def unmeasured(self, named: Collection[str]) -> tuple[str, ...]:
        """The currencies that sums in the named currencies do not cover.

        A home amount covers nothing: the author of a change states it.
        """
        return tuple(
            currency
            for currency in sorted(self.own)
            if currency not in named
            and not any(currency in self.rates.get(one, {}) for one in named)
        )

    def said(self, currency: str) -> str:
        """The sum in a currency, and which others count at a rate of the policy."""
        rated = joined(sorted(self.rated.get(currency, ())))
        at = f", with {rated} at the rate of the policy," if rated else ""
        return f"{currency} {shown(self.amounts.get(currency, ZERO), currency)}{at}"


def money_moved(
    changes: Iterable[Change], home_currency: str | None, rates: Rates
) -> MoneyMovement:
    """The debits that changes post or cancel; blocked changes do not count."""
    return moved_by(
        (
            entry
            for change in changes
            if change.action is not Action.BLOCKED
            for entry in (*newly_posted(change), *newly_cancelled(change))
        ),
        home_currency,
        rates,
    )


def moved_by(entries: Iterable[Entry], home_currency: str | None, rates: Rates) -> MoneyMovement:
    """The debits of entries."""
    moved: dict[str, list[Decimal]] = defaultdict(list)
    own: set[str] = set()
    rated: dict[str, set[str]] = defaultdict(set)
    for kind, spec in entries:
        for posting in postings(kind, spec, home_currency):
            if posting.debit <= ZERO:
                continue
            currency = posting.currency
            own.add(currency)
            moved[currency].append(posting.debit)
            stated = {}
            if home_currency not in (None, currency) and posting.home_net is not None:
                stated[home_currency] = posting.home_net.copy_abs()
            for other, known in rates.items():
                if currency in known and other != currency:
                    least = at_rate(posting.debit, known[currency], other)
                    if least > stated.get(other, ZERO):
                        stated[other] = least
                        rated[other].add(currency)
            for other, amount in stated.items():
                moved[other].append(amount)
    return MoneyMovement(
        amounts={currency: total(amounts) for currency, amounts in sorted(moved.items())},
        home_currency=home_currency,
        own=frozenset(own),
        rates=rates,
        rated={currency: frozenset(others) for currency, others in rated.items()},
    )


def material(
    changes: Iterable[Change],
    limits: Mapping[str, Decimal],
    home_currency: str | None,
    rates: Rates,
) -> Iterator[tuple[Change, str]]:
    """The changes that reach a limit of their currency or of another, each with why.

    Without limits there are none. With limits, an amount that none of them covers is material.
    Those come first, then those that exceed their limit the most: a reader may see only some.
    """
    found = []
    for change in changes if limits else ():
        if change.action is not Action.BLOCKED and (
            reached := [*_material(change, limits, home_currency, rates)]
        ):
            over, why = max(reached, key=lambda row: row[0])
            found.append((over, change, why))
    for _, change, why in sorted(found, key=lambda row: -row[0]):
        yield change, why


_WITHOUT_END = Decimal("Infinity")


def _material(
    change: Change, limits: Mapping[str, Decimal], home_currency: str | None, rates: Rates
) -> Iterator[tuple[Decimal, str]]:
    """For each limit that a change reaches: how many times the limit it is, and in words."""
    if change.posts and not KINDS[change.address.kind].lines:
        yield _WITHOUT_END, "amounts known only after the run"
        return
    for entries in (newly_posted(change), newly_cancelled(change)):
        moved = moved_by(entries, home_currency, rates)
        for currency, least in sorted(limits.items()):
            amount = moved.amounts.get(currency)
            if amount is not None and amount >= least:
                times = rate_of(least, amount) if least else _WITHOUT_END
                yield times, moved.said(currency).rstrip(",")
        if unmeasured := moved.unmeasured(limits):
            said = (f"{moved.said(one).rstrip(',')}, without a limit" for one in unmeasured)
            yield _WITHOUT_END, " and ".join(said)


class Largest(NamedTuple):
    """The largest change in a currency, and its debits: posted or cancelled, the larger sum."""

    change: Change
    currency: str
    amount: Decimal


def largest_of(
    changes: Iterable[Change], home_currency: str | None, rates: Rates
) -> tuple[Largest, ...]:
    """The largest change in the home currency, and in each one that no rate converts to it."""
    found: dict[str, Largest] = {}
    rated = rates.get(home_currency or "", {})
    for change in changes:
        if change.action is Action.BLOCKED:
            continue
        for entries in (newly_posted(change), newly_cancelled(change)):
            for currency, amount in moved_by(entries, home_currency, rates).amounts.items():
                # With an amount at the rate of the policy, its own says nothing more.
                if currency in rated:
                    continue
                if currency not in found or amount > found[currency].amount:
                    found[currency] = Largest(change, currency, amount)
    return tuple(one for _, one in sorted(found.items()))
