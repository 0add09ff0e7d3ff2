"""The table of changes: a row each, what it unfolds, and where each stands when it is sorted."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import shown
from reconciler.core.model.plan import Action, Block, Change, Plan
from reconciler.core.model.plan import Comparison as Compared
from reconciler.core.model.resource import Value, text_of
from reconciler.core.planning.impact import posted_after, posted_before
from reconciler.render.html.comparison import Comparison, codes_of, comparison_of
from reconciler.render.journal_runs import member_cells
from reconciler.render.phrases import value_text
from reconciler.render.text import (
    WORDS,
    Word,
    block_text,
    calls_text,
    debits_of,
    period_text,
    reason_text,
    spec_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A field before and after; `effect` says what the difference demands."""

    name: str
    before: str
    after: str
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a change stands: in the plan, from 1, and when the table is filtered or sorted.

    `periods` and `codes` are positions in the lists that the filter offers; `ranks` has its place
    among all changes, for each column to sort by.
    """

    at: int
    periods: tuple[int, ...]
    codes: tuple[int, ...]
    ranks: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One change as its row shows it, and all that unfolds from it."""

    place: Place
    word: Word
    action: str
    name: str
    noun: str
    number: str
    period: str
    period_status: str
    date: str
    currency: str
    amount: str
    file: str
    leaves: bool
    why: str
    block: Block | None
    blocked: str
    facts: tuple[str, ...]
    forced_by: tuple[str, ...]
    moved: tuple[Moved, ...]
    line_moves: tuple[Moved, ...]
    stated: tuple[tuple[str, str], ...]
    comparison: Comparison | None
    members: tuple[tuple[str, ...], ...]
    calls: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The rows of a plan in its order, and what they can be filtered by."""

    rows: tuple[Row, ...]
    periods: tuple[str, ...]
    codes: tuple[str, ...]
    actions: tuple[tuple[str, str, int], ...]
    """The style, the words and the count of each action there is."""


def changes_of(plan: Plan) -> Changes:
    """The pending changes of a plan, as rows."""
    pending, home = plan.pending, plan.basis.home_currency
    periods = {change.address: tuple(_periods_of(change)) for change in pending}
    codes = {change.address: frozenset(_codes_of(change)) for change in pending}
    starts = _starts(plan, periods)
    all_periods = tuple(sorted(starts, key=lambda name: (starts[name], name)))
    all_codes = tuple(sorted(frozenset().union(*codes.values())))
    period_at = {name: at for at, name in enumerate(all_periods)}
    code_at = {name: at for at, name in enumerate(all_codes)}
    ranks = [_ranks(pending, key) for key in _sort_keys(period_at)]
    rows = (
        _row(
            change,
            home,
            Place(
                at=at + 1,
                periods=tuple(sorted(period_at[name] for name in periods[change.address])),
                codes=tuple(sorted(code_at[name] for name in codes[change.address])),
                ranks=tuple(column[at] for column in ranks),
            ),
        )
        for at, change in enumerate(pending)
    )
    counts = ((action, sum(change.action is action for change in pending)) for action in WORDS)
    return Changes(
        rows=tuple(rows),
        periods=all_periods,
        codes=all_codes,
        actions=tuple(
            (WORDS[action].style, WORDS[action].word, count) for action, count in counts if count
        ),
    )


def _row(change: Change, home: str | None, place: Place) -> Row:
    kind, spec, word = KINDS[change.address.kind], spec_of(change), WORDS[change.action]
    blocked = change.action is Action.BLOCKED
    has_amount = bool(kind.currency and spec)
    return Row(
        place=place,
        word=word,
        action=f"{word.word}: {change.wanted}" if blocked and change.wanted in WORDS else word.word,
        name=change.address.name,
        noun="" if kind.lines else kind.nouns[0],
        number=change.number or "",
        period=period_text(change),
        period_status=change.period_status,
        date=value_text(spec.get(kind.date)) if spec else "",
        currency=change.currency,
        amount=shown(debits_of(change, spec), change.currency) if has_amount else "",
        file=str(change.source) if change.source else "",
        leaves=change.takes_back and not blocked,
        why=reason_text(change),
        block=change.block,
        blocked=block_text(change) if change.block else "",
        facts=tuple(_facts(change)),
        forced_by=change.comparison.forced_by if change.wanted is Action.REPLACE else (),
        moved=tuple(_moved(change)),
        line_moves=tuple(line_moves(change.comparison)),
        stated=tuple(_stated(change)),
        comparison=comparison_of(change, home),
        members=_members(change),
        calls=calls_text(change),
    )


def _facts(change: Change) -> Iterator[str]:
    """What is special about a change."""
    if change.takes_back and change.action is not Action.BLOCKED:
        yield f"takes {change.number} out of the books"
    if change.transferred not in ("", "No"):
        yield f"transferred {change.transferred}"
    if change.protect:
        yield "protected"
    if change.journal_run:
        yield f"made by {change.journal_run}"
    if change.renamed_from:
        yield f"renamed from {change.renamed_from}"


def _moved(change: Change) -> Iterator[Moved]:
    """The fields that differ, with what each one forces; the lines are compared apart."""
    kind = KINDS[change.address.kind]
    for field in change.comparison.fields:
        if field.name != kind.lines:
            forces = not field.in_place and change.wanted is not Action.ADOPT
            before, after = value_text(field.before), value_text(field.after)
            effect = "forces replacement" if forces else "in place"
            yield Moved(name=field.name, before=before, after=after, effect=effect)


def line_moves(comparison: Compared) -> Iterator[Moved]:
    """What changes in place on single lines, each named by its code and side."""
    for update in comparison.line_updates:
        place = f"{text_of(update.line.get('accountingCodeName'))} ({update.line.get('type')})"
        for name in sorted(update.fields):
            before, after = value_text(update.before.get(name)), value_text(update.fields[name])
            yield Moved(name=f"{place} {name}", before=before, after=after)


def _stated(change: Change) -> Iterator[tuple[str, str]]:
    """What the entry says besides its headline, its lines and what moves in it."""
    kind = KINDS[change.address.kind]
    shown_already = {kind.lines, *kind.headline, *(f.name for f in change.comparison.fields)}
    spec = spec_of(change)
    for name in sorted(spec, key=lambda name: (name != _NOTES, name)):
        if name not in shown_already and spec[name] not in (None, "", ()):
            yield name, value_text(spec[name])


_NOTES = "notes"
"""What a reader looks for first."""


def _members(change: Change) -> tuple[tuple[str, ...], ...]:
    cells = member_cells(change) if change.members else []
    return tuple(map(tuple, cells)) if len(cells) > 1 else ()


def _specs(change: Change) -> tuple[tuple[str, Mapping[str, Value] | None], ...]:
    kind = change.address.kind
    own = ((kind, change.before), (kind, change.after)) if KINDS[kind].lines else ()
    return (*own, *posted_before(change), *posted_after(change))


def _codes_of(change: Change) -> Iterable[str]:
    return codes_of(_specs(change))


def _periods_of(change: Change) -> Iterator[str]:
    found = (text_of((spec or {}).get(KINDS[kind].period)) for kind, spec in _specs(change))
    yield from dict.fromkeys(name for name in (change.period, *found) if name)


def _starts(plan: Plan, periods: Mapping[Any, tuple[str, ...]]) -> dict[str, str]:
    """When each period begins, as far as the dates of its entries tell."""
    dates: dict[str, list[str]] = defaultdict(list)
    for change in plan.pending:
        date = text_of(spec_of(change).get(KINDS[change.address.kind].date)) or "9999"
        for name in periods[change.address]:
            # An entry that leaves a period for another has the date of the one it goes to.
            dates[name].append(date if name == change.period else "9999")
    return {name: min(found) for name, found in dates.items()}


_Key: TypeAlias = Callable[[Change], Any]


def _sort_keys(period_at: Mapping[str, int]) -> tuple[_Key, ...]:
    """What each column is sorted by; amounts exactly, and by currency first."""
    order = {action: at for at, action in enumerate((*WORDS, Action.KEEP))}

    def amount(change: Change) -> tuple[Any, ...]:
        return change.currency, debits_of(change, spec_of(change))

    def date(change: Change) -> str:
        return text_of(spec_of(change).get(KINDS[change.address.kind].date)) or ""

    return (
        lambda change: (order[change.action], order[change.wanted]),
        lambda change: change.address.name,
        lambda change: change.number or "",
        lambda change: period_at.get(change.period, -1),
        date,
        amount,
        lambda change: str(change.source or ""),
    )


def _ranks(pending: tuple[Change, ...], key: _Key) -> list[int]:
    """The place of each change in the order of a key; what is equal has one place."""
    keys = [key(change) for change in pending]
    place = {value: at for at, value in enumerate(sorted(set(keys)))}
    return [place[value] for value in keys]
