"""What a change posts and touches: entries, their lines as postings, periods, transfer states."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from reconciler.core.model.enumerations import TransferState
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.money import ZERO
from reconciler.core.model.plan import Action, Change, Transfers
from reconciler.core.model.resource import Address, Value, header_of, rows_of, text_of
from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.planning.line_matching import line_address
from reconciler.core.planning.request_body import completed
from reconciler.core.planning.run_members import is_posted, transfer_of
from reconciler.core.planning.snapshot import Snapshot
from reconciler.values import dataclass

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
    blocked = change.action is Action.BLOCKED
    if not blocked and (change.posts or change.cancels):
        return newly_posted(change)
    posted = posted_before(change)
    if blocked or not change.comparison.line_updates:
        return posted
    return tuple((name, _updated(KINDS[name], spec, change)) for name, spec in posted)


def _updated(kind: Kind, spec: Mapping[str, Value], change: Change) -> Mapping[str, Value]:
    """A posted entry with what the change updates on its lines."""
    updates = {line_address(kind, one.line): one.fields for one in change.comparison.line_updates}
    rows = (
        {**line, **updates.get(line_address(kind, line), {})}
        for line in rows_of(spec.get(kind.lines))
    )
    return {**spec, kind.lines: tuple(rows)}


def newly_posted(change: Change) -> tuple[Entry, ...]:
    """The entries that a change posts, as far as its declaration states them."""
    kind = KINDS[change.address.kind]
    return ((kind.name, change.after),) if change.posts and change.after and kind.lines else ()


def newly_cancelled(change: Change) -> tuple[Entry, ...]:
    """The entries that a change cancels."""
    return posted_before(change) if change.cancels else ()


def not_in_runs(changes: Sequence[Change]) -> Iterator[Change]:
    """The changes, without those of entries that count with their journal run."""
    in_runs = {member.number for change in changes for member in change.members}
    return (change for change in changes if change.number not in in_runs)


Values: TypeAlias = tuple[str, ...]
"""The values of dimensions, in the order of their names; empty text where a line has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One line as a posting: where, on which side, how much.

    `line` and `segments` are what it has its dimensions from.
    """

    period: str
    code: str
    code_type: str
    currency: str
    debit: Decimal
    credit: Decimal
    home_net: Decimal | None
    line: Mapping[str, Value]
    segments: Mapping[str, str]

    def values(self, names: Iterable[str]) -> Values:
        """The values for these dimensions: segments, or custom fields of the line."""
        return tuple(map(self._value, names))

    def _value(self, name: str) -> str:
        if name in self.segments:
            return self.segments[name]
        value = self.line.get(name)
        return "" if value is None else str(value)


def postings(kind: str, spec: Mapping[str, Value], home_currency: str | None) -> Iterator[Posting]:
    """The lines of an entry as postings.

    The home amount is signed, debit positive, and None where no home currency is known.
    """
    known_kind = KINDS[kind]
    period = text_of(spec.get(known_kind.period)) or ""
    currency = text_of(spec.get(known_kind.currency)) or ""
    types = known_kind.line_address_type
    # All lines of an entry have its segments.
    segments = {
        text_of(row.get("segmentName")) or "": text_of(row.get("segmentValue")) or ""
        for row in rows_of(spec.get("segments"))
    }
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
            code_type=text_of(known_kind.canonical_spelling(types, line.get(types))) or "",
            currency=currency,
            debit=amount if debit else ZERO,
            credit=ZERO if debit else amount,
            home_net=home_net,
            line=line,
            segments=segments,
        )


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
            found |= {*periods_of(kind, spec, periods)}
    stated = [(kind.name, spec) for spec in (change.before, change.after) if spec is not None]
    for name, spec in stated if kind.lines else posted_before(change):
        for posting in postings(name, spec, None):
            codes.add(posting.code)
            found.add(posting.period)
    return Affected(
        periods=frozenset(found - {""}),
        codes=frozenset(codes - {""}),
        unknown=change.posts and not kind.lines,
    )


def periods_of(kind: Kind, spec: Mapping[str, Value], periods: Periods) -> Iterator[str]:
    """The periods of a spec: the one that it names, or those that its days touch."""
    if named := text_of(spec.get(kind.period)):
        yield named
        return
    spans = (kind.span or (kind.date, kind.date), (kind.date, kind.date))
    days = [tuple(text_of(spec.get(name)) or "" for name in span) for span in spans]
    for period in periods.values():
        if any(first and last and period.touches(first, last) for first, last in days):
            yield period.name


def transfers_of(changes: Iterable[Change], starts: Mapping[str, str]) -> tuple[Transfers, ...]:
    """The transfer states of all posted entries managed here, as they were read.

    There is a row for each period, in the order of `starts`. An entry of a journal run counts once.
    """
    counts: dict[str, Counter[str]] = {}
    failed: dict[str, dict[str, str]] = {}
    for period, number, state, name in posted_states(changes):
        counts.setdefault(period, Counter())[state] += 1
        if state == TransferState.ERROR:
            failed.setdefault(period, {})[number] = name
    return tuple(
        Transfers(
            period=period,
            counts=dict(sorted(counts[period].items())),
            failed=dict(sorted(failed.get(period, {}).items())),
        )
        for period in sorted(counts, key=lambda name: (starts.get(name, ""), name))
    )


def posted_states(changes: Iterable[Change]) -> Iterator[tuple[str, str, str, str]]:
    """Period, number, transfer state and declaration of each posted entry managed here."""
    for change in not_in_runs(tuple(changes)):
        kind, name = KINDS[change.address.kind], change.address.name
        for member in filter(is_posted, change.members) if kind.members else ():
            period = text_of(member.fields.get(KINDS[str(kind.members)].period)) or ""
            yield period, member.number, transfer_of(member), name
        for _, spec in () if kind.members else posted_before(change):
            state = change.transferred or TransferState.NO.value
            # The period of what is kept is the one that its file declares.
            kept = change.action is Action.KEEP
            period = change.period if kept else text_of(*header_of(spec, kind.period)) or ""
            yield period, change.number or "", state, name


def transfer_states(snapshot: Snapshot) -> Mapping[Address, frozenset[str]]:
    """The transfer states of the posted entry of each address, or of the entries of its run."""
    found: dict[Address, frozenset[str]] = {}
    for address in {*snapshot.declared, *snapshot.recorded}:
        declared, recorded = snapshot.declared.get(address), snapshot.recorded.get(address)
        number = recorded.number if recorded else None
        live = snapshot.live.get(number or (declared.adopts if declared else None) or "")
        if live is None:
            continue
        entries = live.members if KINDS[address.kind].members else (live,)
        found[address] = frozenset(transfer_of(one) for one in entries if is_posted(one))
    return found
