"""The impact of a plan by period, accounting code and currency, and its balance."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import ZERO, total
from reconciler.core.model.plan import Action, Balance, Change, Impact
from reconciler.core.model.resource import header_of, text_of
from reconciler.core.planning.dimensions import BY_SEGMENTS, Divide, Key, by_values, home_change
from reconciler.core.planning.posting import (
    Entry,
    Posting,
    newly_cancelled,
    newly_posted,
    not_in_runs,
    posted_after,
    posted_before,
    postings,
)


def impact_of(
    changes: Iterable[Change],
    home_currency: str | None,
    starts: Mapping[str, str] = MappingProxyType({}),
    *,
    named: Container[str] = (),
    divide: Divide = BY_SEGMENTS,
) -> tuple[Impact, ...]:
    """The rows that the plan changes, with sums over all entries managed here.

    Rows are sorted by the start of their period (`starts`, by name), accounting code and currency.
    A code name with several types has one row for each type, named `code (type)`. So has a code
    in `named`, because of entries that are not among the changes. `divide` says which dimensions
    divide a row: then it is one row for each of their values, also for those that do not move.
    """
    moving, kept = _moving_and_kept(tuple(changes), home_currency)
    key = _key_of((*moving[0], *moving[1], *kept), named)
    sides: dict[Key, tuple[list[Posting], list[Posting]]] = {
        key(posting): ([], []) for side in moving for posting in side
    }
    for at, found in enumerate(moving):
        for posting in (*found, *kept):
            if (row := sides.get(key(posting))) is not None:
                row[at].append(posting)
    rows: list[Impact] = []
    for one in sorted(sides, key=lambda row: (starts.get(row[0], ""), row)):
        found_there = tuple(_parts(one, divide(one, *sides[one]), *sides[one]))
        if any(map(_changes_amounts, found_there)):
            rows.extend(found_there)
    return tuple(rows)


def _moving_and_kept(
    changes: Sequence[Change], home_currency: str | None
) -> tuple[tuple[list[Posting], list[Posting]], list[Posting]]:
    """The postings that change, before and after, and those that stay in the same periods."""
    kept: list[Entry] = []
    before: list[Posting] = []
    after: list[Posting] = []
    for change in not_in_runs(changes):
        old = posted_before(change)
        moves = change.posts or change.cancels or change.comparison.line_updates
        new = posted_after(change) if moves else old
        if old == new:
            kept.extend(old)
            continue
        for entries, side in ((old, before), (new, after)):
            for kind, spec in entries:
                side.extend(postings(kind, spec, home_currency))
    periods = {posting.period for posting in (*before, *after)}
    # Unchanged entries in other periods are in no row.
    near = [
        (kind, spec)
        for kind, spec in (kept if periods else ())
        if text_of(*header_of(spec, KINDS[kind].period)) in periods
    ]
    staying = [one for kind, spec in near for one in postings(kind, spec, home_currency)]
    return (before, after), staying


def _parts(
    key: Key, names: tuple[str, ...], before: Sequence[Posting], after: Sequence[Posting]
) -> Iterator[Impact]:
    """A row for each of the values that its postings have for these dimensions, or one row."""
    if not names:
        yield _row(key, before, after)
        return
    for values, both in sorted(by_values(names, before, after).items()):
        yield replace(_row(key, *both), dimensions=dict(zip(names, values, strict=True)))


def _key_of(known: Iterable[Posting], named: Container[str]) -> Callable[[Posting], Key]:
    types: dict[str, set[str]] = defaultdict(set)
    for posting in known:
        types[posting.code].add(posting.code_type)

    def key(posting: Posting) -> Key:
        # A file may omit the type if the name is unambiguous; the ledger always has it.
        typed = f"{posting.code} ({posting.code_type})"
        shared = len(types[posting.code] - {""}) > 1 or typed in named
        code = typed if posting.code_type and shared else posting.code
        return posting.period, code, posting.currency

    return key


def _row(key: Key, before: Sequence[Posting], after: Sequence[Posting]) -> Impact:
    period, code, currency = key
    return Impact(
        period=period,
        code=code,
        currency=currency,
        debit_before=total(posting.debit for posting in before),
        credit_before=total(posting.credit for posting in before),
        debit_after=total(posting.debit for posting in after),
        credit_after=total(posting.credit for posting in after),
        home_change=home_change(before, after),
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
