"""The impact of a plan by period, accounting code and currency, and its balance."""

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.money import ZERO, difference, total
from reconciler.core.model.plan import Action, Balance, Change, Impact
from reconciler.core.model.resource import Value, rows_of, text_of
from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.planning.request_body import completed


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One line as a posting: where, on which side, how much."""

    period: str
    code: str
    code_type: str
    currency: str
    debit: Decimal
    credit: Decimal
    home_net: Decimal | None


def postings(kind: str, spec: Mapping[str, Value], home_currency: str | None) -> Iterator[Posting]:
    """The lines of an entry as postings.

    The home amount is signed, debit positive, and None where no home currency is known.
    """
    known_kind = KINDS[kind]
    period = text_of(spec.get(known_kind.period)) or ""
    currency = text_of(spec.get(known_kind.currency)) or ""
    for line in rows_of(completed(known_kind, spec, home_currency).get(known_kind.lines)):
        amount = line["amount"]
        # Any other amount would be missing in every sum.
        assert isinstance(amount, Decimal)
        home = line.get("homeCurrencyAmount") if home_currency is not None else None
        debit = line.get("type") == "Debit"
        home_net = home if isinstance(home, Decimal) else None
        if home_net is not None and not debit:
            # The minus operator rounds to the digits of the default context; this does not.
            home_net = home_net.copy_negate()
        yield Posting(
            period=period,
            code=text_of(line.get("accountingCodeName")) or "",
            code_type=text_of(_code_type(known_kind, line)) or "",
            currency=currency,
            debit=amount if debit else ZERO,
            credit=ZERO if debit else amount,
            home_net=home_net,
        )


def _code_type(kind: Kind, line: Mapping[str, Value]) -> Value:
    name = kind.line_address_type
    return kind.canonical_spelling(name, line.get(name))


Entry: TypeAlias = tuple[str, Mapping[str, Value]]
"""The kind and the fields of something that posts."""


def posted_before(change: Change) -> tuple[Entry, ...]:
    """The posted entries of an address before the plan: its own, or those of its run."""
    kind = KINDS[change.address.kind]
    if kind.members:
        return tuple(
            (kind.members, member.fields)
            for member in change.members
            if member.status in KINDS[kind.members].posted_states
        )
    posted = change.before is not None and change.number_posted
    return ((kind.name, change.before),) if posted and change.before is not None else ()


def posted_after(change: Change) -> tuple[Entry, ...]:
    """The posted entries of an address after the plan.

    The entries of a new journal run are unknown until the ledger executes it.
    """
    if change.action is Action.BLOCKED or not (change.posts or change.cancels):
        return posted_before(change)
    return newly_posted(change)


def newly_posted(change: Change) -> tuple[Entry, ...]:
    """The entries that a change posts, as far as its declaration states them."""
    kind = KINDS[change.address.kind]
    return ((kind.name, change.after),) if change.posts and change.after and kind.lines else ()


def newly_cancelled(change: Change) -> tuple[Entry, ...]:
    """The entries that a change cancels."""
    return posted_before(change) if change.cancels else ()


_Key = tuple[str, str, str]


def impact_of(
    changes: Iterable[Change],
    home_currency: str | None,
    starts: Mapping[str, str] = MappingProxyType({}),
    *,
    named: Container[str] = (),
) -> tuple[Impact, ...]:
    """The rows that the plan changes, with sums over all entries managed here.

    Rows are sorted by the start of their period (`starts`, by name), accounting code and currency.
    A code name with several types has one row for each type, named `code (type)`. So has a code
    in `named`, because of entries that are not among the changes.
    """
    changes = tuple(changes)
    in_runs = {member.number for change in changes for member in change.members}
    kept: list[Entry] = []
    before: list[Posting] = []
    after: list[Posting] = []
    for change in changes:
        if change.number in in_runs:
            # It counts with its run.
            continue
        old, new = posted_before(change), posted_after(change)
        if old == new:
            kept.extend(old)
            continue
        for entries, side in ((old, before), (new, after)):
            for kind, spec in entries:
                side.extend(postings(kind, spec, home_currency))
    moving = (*before, *after)
    periods = {posting.period for posting in moving}
    for kind, spec in kept:
        # Unchanged entries in other periods are in no row.
        if spec.get(KINDS[kind].period) in periods:
            found = tuple(postings(kind, spec, home_currency))
            before.extend(found)
            after.extend(found)
    key = _key_of((*before, *after), named)
    sides: dict[_Key, tuple[list[Posting], list[Posting]]] = {
        key(posting): ([], []) for posting in moving
    }
    for at, found_there in enumerate((before, after)):
        for posting in found_there:
            if (row := sides.get(key(posting))) is not None:
                row[at].append(posting)
    order = sorted(sides, key=lambda row: (starts.get(row[0], ""), row))
    rows = (_row(row, *sides[row]) for row in order)
    return tuple(row for row in rows if _changes_amounts(row))


def _key_of(known: Iterable[Posting], named: Container[str]) -> Callable[[Posting], _Key]:
    types: dict[str, set[str]] = defaultdict(set)
    for posting in known:
        types[posting.code].add(posting.code_type)

    def key(posting: Posting) -> _Key:
        # A file may omit the type if the name is unambiguous; the ledger always has it.
        typed = f"{posting.code} ({posting.code_type})"
        shared = len(types[posting.code] - {""}) > 1 or typed in named
        code = typed if posting.code_type and shared else posting.code
        return posting.period, code, posting.currency

    return key


def _row(key: _Key, before: list[Posting], after: list[Posting]) -> Impact:
    period, code, currency = key
    return Impact(
        period=period,
        code=code,
        currency=currency,
        debit_before=total(posting.debit for posting in before),
        credit_before=total(posting.credit for posting in before),
        debit_after=total(posting.debit for posting in after),
        credit_after=total(posting.credit for posting in after),
        home_change=_home_change(before, after),
    )


def _home_change(before: list[Posting], after: list[Posting]) -> Decimal | None:
    nets = [posting.home_net for posting in (*before, *after)]
    if any(net is None for net in nets):
        return None
    return difference(
        total(posting.home_net for posting in after if posting.home_net is not None),
        total(posting.home_net for posting in before if posting.home_net is not None),
    )


def _changes_amounts(row: Impact) -> bool:
    sides = (row.debit_before, row.credit_before) != (row.debit_after, row.credit_after)
    return sides or bool(row.home_change)


def balance_of(changes: Iterable[Change], home_currency: str | None) -> tuple[Balance, ...]:
    """The posted and cancelled sums by currency, and in the home currency."""
    posted: dict[tuple[str, bool], list[tuple[Decimal, Decimal]]] = defaultdict(list)
    removed: dict[tuple[str, bool], list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for change in changes:
        if change.action is Action.BLOCKED:
            continue
        for kind, spec in newly_posted(change):
            _add(posted, postings(kind, spec, home_currency), home_currency)
        for kind, spec in newly_cancelled(change):
            _add(removed, postings(kind, spec, home_currency), home_currency)
    return tuple(
        Balance(
            currency=currency,
            home=home,
            posted_debit=total(debit for debit, _ in posted[currency, home]),
            posted_credit=total(credit for _, credit in posted[currency, home]),
            removed_debit=total(debit for debit, _ in removed[currency, home]),
            removed_credit=total(credit for _, credit in removed[currency, home]),
        )
        for currency, home in sorted({*posted, *removed}, key=lambda row: (row[1], row[0]))
    )


def _add(
    sums: dict[tuple[str, bool], list[tuple[Decimal, Decimal]]],
    rows: Iterable[Posting],
    home_currency: str | None,
) -> None:
    for posting in rows:
        sums[posting.currency, False].append((posting.debit, posting.credit))
        if home_currency is not None and posting.home_net is not None:
            net = posting.home_net
            pair = (net, ZERO) if posting.debit else (ZERO, net.copy_negate())
            sums[home_currency, True].append(pair)


Periods = Mapping[str, AccountingPeriod]


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """What a change affects. `unknown`: only the ledger knows what it will post."""

    periods: frozenset[str]
    codes: frozenset[str]
    unknown: bool = False


def affected_by(change: Change, periods: Periods) -> Affected:
    """The periods and accounting codes of an entry before and after a change.

    If a declaration has dates instead of a period, all periods that overlap them count.
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
    return Affected(
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
class MoneyMovement:
    """The debits that changes post or cancel, by currency.

    Amounts of other currencies count in the home currency too. `foreign` are the currencies with
    amounts that have no home amount.
    """

    amounts: Mapping[str, Decimal]
    home_currency: str | None
    foreign: frozenset[str]

    def unmeasured(self, named: Collection[str]) -> tuple[str, ...]:
        """The currencies that sums in the named currencies do not cover."""
        measured = self.home_currency in named
        return tuple(
            currency
            for currency in self.amounts
            if currency not in named and not (measured and currency not in self.foreign)
        )


def money_moved(changes: Iterable[Change], home_currency: str | None) -> MoneyMovement:
    """The debits that changes post or cancel; blocked changes do not count."""
    moved: dict[str, list[Decimal]] = defaultdict(list)
    foreign: set[str] = set()
    for change in changes:
        if change.action is Action.BLOCKED:
            continue
        for kind, spec in (*newly_posted(change), *newly_cancelled(change)):
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
    return MoneyMovement(
        amounts={currency: total(amounts) for currency, amounts in sorted(moved.items())},
        home_currency=home_currency,
        foreign=frozenset(foreign),
    )
