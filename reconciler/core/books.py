"""What a plan does to the books: impact by period, accounting code and currency, and balance."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from reconciler.core.kinds import KINDS
from reconciler.core.money import ZERO, difference, total
from reconciler.core.payload import completed
from reconciler.core.plan import Action, Balance, Change, Impact
from reconciler.core.values import Value, rows_of, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One line as it counts in the books: where, on which side, how much."""

    period: str
    code: str
    currency: str
    debit: Decimal
    credit: Decimal
    home_net: Decimal | None


def postings(kind: str, spec: Mapping[str, Value], home_currency: str | None) -> Iterator[Posting]:
    """The lines of an entry as postings; the home amount is signed, debit positive."""
    known_kind = KINDS[kind]
    period = text_of(spec.get(known_kind.period)) or ""
    currency = text_of(spec.get(known_kind.currency)) or ""
    for line in rows_of(completed(known_kind, spec, home_currency).get(known_kind.lines)):
        amount, home = line.get("amount"), line.get("homeCurrencyAmount")
        if not isinstance(amount, Decimal):
            continue
        debit = line.get("type") == "Debit"
        signed = home if debit or not isinstance(home, Decimal) else -home
        yield Posting(
            period=period,
            code=text_of(line.get("accountingCodeName")) or "",
            currency=currency,
            debit=amount if debit else ZERO,
            credit=ZERO if debit else amount,
            home_net=signed if isinstance(signed, Decimal) else None,
        )


def posted_before(change: Change) -> Mapping[str, Value] | None:
    """What an address has in the books before the plan; None when nothing is posted."""
    return change.before if change.number_posted else None


def posted_after(change: Change) -> Mapping[str, Value] | None:
    """What an address has in the books once the plan is applied."""
    if change.posts and change.action is not Action.BLOCKED:
        return change.after
    if change.takes_back and change.action is not Action.BLOCKED:
        return None
    return posted_before(change)


_Key = tuple[str, str, str]


def impact_of(changes: Iterable[Change], home_currency: str | None) -> tuple[Impact, ...]:
    """The rows that the plan changes, with sums over all entries managed here."""
    before: dict[_Key, list[Posting]] = defaultdict(list)
    after: dict[_Key, list[Posting]] = defaultdict(list)
    touched: set[_Key] = set()
    for change in changes:
        old, new = posted_before(change), posted_after(change)
        for spec, side in ((old, before), (new, after)):
            for posting in postings(change.address.kind, spec or {}, home_currency):
                key = (posting.period, posting.code, posting.currency)
                side[key].append(posting)
                if old is not new:
                    touched.add(key)
    rows = (_row(key, before[key], after[key]) for key in sorted(touched))
    return tuple(row for row in rows if _moves(row))


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


def _moves(row: Impact) -> bool:
    sides = (row.debit_before, row.credit_before) != (row.debit_after, row.credit_after)
    return sides or bool(row.home_change)


def balance_of(changes: Iterable[Change], home_currency: str | None) -> tuple[Balance, ...]:
    """Per currency, and for the home currency too, the sums that are posted and taken back."""
    posted: dict[tuple[str, bool], list[tuple[Decimal, Decimal]]] = defaultdict(list)
    removed: dict[tuple[str, bool], list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for change in changes:
        if change.action is Action.BLOCKED:
            continue
        kind = change.address.kind
        if change.posts and change.after is not None:
            _add(posted, postings(kind, change.after, home_currency), home_currency)
        if change.takes_back and change.before is not None:
            _add(removed, postings(kind, change.before, home_currency), home_currency)
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
            pair = (net, ZERO) if posting.debit else (ZERO, -net)
            sums[home_currency, True].append(pair)
