"""A plan on a terminal: what happens to each entry, what that means for the books, the verdict."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import shown, total
from reconciler.core.model.plan import CANCELLED, Action, Change, Drift, FieldChange, Plan, Reason
from reconciler.core.model.resource import Value, rows_of, text_of
from reconciler.core.planning.run_members import MEMBERS, PART_WAY_OUT
from reconciler.render.approvals import requirement_lines
from reconciler.render.attention import LARGE, attention_section, by_period
from reconciler.render.books import balance_proofs, impact_section
from reconciler.render.journal_runs import run_lines
from reconciler.render.notice import scope_badges, scope_notice
from reconciler.render.phrases import PARTICIPLES, value_text
from reconciler.render.postings import posting_lines
from reconciler.render.styled_text import BLANK, Line, Span, line, span


class Word(NamedTuple):
    """How an action looks: its symbol, its word, its style."""

    symbol: str
    word: str
    style: str


WORDS: Mapping[Action, Word] = MappingProxyType(
    {
        Action.CREATE: Word("+", "create", "create"),
        Action.UPDATE: Word("~", "update", "update"),
        Action.REPLACE: Word("-/+", "replace", "replace"),
        Action.REMOVE: Word("-", "remove", "remove"),
        Action.ADOPT: Word("=", "adopt", "adopt"),
        Action.FORGET: Word(".", "forget", "forget"),
        Action.BLOCKED: Word("!", "blocked", "blocked"),
    }
)

_REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.DRIFTED: "the ledger moved; the file did not",
        Reason.UNDECLARED: "no longer declared",
        Reason.CANCELLED_IN_LEDGER: "cancelled in the ledger by someone else",
        Reason.MISSING_IN_LEDGER: "not in the ledger any more",
        Reason.RESUMED: "finishes what an earlier run began",
        Reason.RECORD_ONLY: "only the daybook changes; no call is made",
        Reason.FAILED_IN_LEDGER: "ended in an error in the ledger",
        Reason.ADOPTED: "stands in the ledger already, and is managed from here on",
        Reason.FOUND: "found in the ledger by its marker; the daybook does not know it",
        Reason.LEFT_TO_RUN: "no longer declared: it is left to its journal run",
        Reason.RETIRED: "retired: it stays in the ledger as it is, and nobody speaks of it",
    }
)


_BY_US = frozenset({Reason.RESUMED, Reason.ADOPTED})
"""Reasons that say what will be done, and so nothing of a change that is blocked."""

_MOVED: Mapping[str, str] = MappingProxyType({"gone": "is gone", CANCELLED: "was cancelled"})


def plan_lines(plan: Plan) -> tuple[Line, ...]:
    """The whole plan, from what drifted to the verdict."""
    large = len(plan.pending) > LARGE
    return (
        *_header(plan),
        *drift_section(plan.drift),
        *(_grouped(plan) if large else _changes(plan, plan.pending)),
        *impact_section(plan),
        *_warnings(plan),
        *requirement_lines(plan.requirement),
        *_refusals(plan),
        *(attention_section(plan, _symbol) if large else ()),
        *_verdict(plan),
    )


def overview_lines(plan: Plan) -> tuple[Line, ...]:
    """A plan without its changes: what is dangerous, what it means for the books, the verdict."""
    return (
        *_header(plan),
        *impact_section(plan),
        *_warnings(plan),
        *requirement_lines(plan.requirement),
        *_refusals(plan),
        *attention_section(plan, _symbol),
        *_verdict(plan),
    )


def verdict_lines(plan: Plan) -> tuple[Line, ...]:
    """The end of a plan alone: refusals, counts, balance and digest."""
    return (*_refusals(plan), *_verdict(plan))


def drift_lines(plan: Plan) -> tuple[Line, ...]:
    """What moved in the ledger, for the `drift` verb."""
    if not plan.drift:
        return (*_header(plan), line(("No drift.", "good"), " The ledger holds what was applied."))
    count = len(plan.drift)
    moved = f"{count} {'entry has' if count == 1 else 'entries have'} moved."
    return (*_header(plan), *drift_section(plan.drift), line(("Drift: ", "warning"), moved))


def _header(plan: Plan) -> Iterator[Line]:
    basis = plan.basis
    where = f"{basis.host}" + (f", tenant {basis.tenant_id}" if basis.tenant_id else "")
    where += f", entity {basis.entity_id}" if basis.entity_id else ""
    yield line(("Workspace ", ""), span(basis.workspace, "strong"), f" on {where}")
    for notice in scope_notice(plan):
        yield line((notice, "warning"))
    yield BLANK


def drift_section(drift: tuple[Drift, ...]) -> Iterator[Line]:
    """What moved in the ledger, entry by entry; nothing when nothing did."""
    if not drift:
        return
    yield line(("Note: these entries moved in the ledger since they were applied.", "warning"))
    yield BLANK
    for moved in drift:
        kind = KINDS[moved.address.kind]
        yield line(
            "  ", span(moved.address.name, "strong"), f"  {moved.number} {drift_text(moved)}"
        )
        for field in moved.comparison.fields:
            if field.name == kind.lines:
                continue
            # The comparison leads from live back to what was applied; drift went the other way.
            was, now = value_text(field.after), value_text(field.before)
            if field.name == MEMBERS:
                yield line(span(f"{field.name}: {field.before}", "warning"), indent=6)
                continue
            yield line(span(f"{field.name}: {was} -> {now}", "warning"), indent=6)
        for update in moved.comparison.line_updates:
            yield from _line_update(update.line, update.fields, update.before)
        if moved.comparison.lines_added or moved.comparison.lines_removed:
            yield line(span("the lines differ", "warning"), indent=6)
        if moved_in_part(moved):
            yield line(("way out: ", "strong"), PART_WAY_OUT, indent=6)
    yield BLANK


def drift_text(moved: Drift) -> str:
    """What became of an entry that moved: `differs`, `is gone`."""
    if moved_in_part(moved):
        return "was cancelled in part"
    stands = moved.status in KINDS[moved.address.kind].posted_states
    return _MOVED.get(moved.status, "differs" if stands else f'has the status "{moved.status}"')


def moved_in_part(moved: Drift) -> bool:
    """Whether what moved is a journal run of which some entries are cancelled."""
    return any(field.name == MEMBERS for field in moved.comparison.fields)


def _changes(plan: Plan, changes: Iterable[Change]) -> Iterator[Line]:
    for change in changes:
        yield from change_lines(change, plan.basis.home_currency)
        yield BLANK


def _grouped(plan: Plan) -> Iterator[Line]:
    """The changes by accounting period, the earliest first, each with its counts."""
    for period, changes in by_period(plan.pending):
        counts = _counts(Counter(change.action for change in changes))
        yield line((f"{period or 'No accounting period'}: ", "strong"), counts)
        yield BLANK
        yield from _changes(plan, changes)


def _symbol(change: Change) -> Span:
    word = WORDS[change.action]
    return span(f"{word.symbol} {word.word}", word.style)


def change_lines(change: Change, home_currency: str | None) -> Iterator[Line]:
    """One change: its verdict, why, and the lines it posts or takes back."""
    word = WORDS[change.action]
    place = f"  {change.source}" if change.source else ""
    number = f"  {change.number}" if change.number else ""
    yield line(
        "  ",
        span(f"{word.symbol} {word.word}", word.style),
        "  ",
        span(change.address.name, "strong"),
        number,
        span(place, "faint"),
    )
    if change.after is not None or change.before is not None:
        yield line(headline_facts(change), indent=6)
    if why := reason_text(change):
        yield line(why, indent=6)
    if change.renamed_from:
        yield line("renamed from ", span(change.renamed_from, "strong"), indent=6)
    if change.block is not None:
        yield from _block(change)
    yield from _field_changes(change)
    yield from _stated_fields(change)
    yield from posting_lines(change, home_currency or "")
    yield from run_lines(change)
    told = len(change.steps) > 1 or change.reason is Reason.RESUMED
    if (told or change.action is Action.REMOVE) and (calls := calls_text(change)):
        yield line(span(f"calls: {calls}", "faint"), indent=6)


def reason_text(change: Change) -> str:
    """Why a change is needed, where its action does not say it already; else empty."""
    resumed = change.reason is Reason.RESUMED
    if resumed and change.status == CANCELLED and change.posts:
        return "cancelled by an earlier run, so the books lack it until this is applied"
    said_of_us = change.block is not None and change.reason in _BY_US
    return "" if said_of_us else _REASONS.get(change.reason, "")


def calls_text(change: Change) -> str:
    """The calls that an apply makes, in their order; empty when it makes none."""
    if change.block is not None:
        return ""
    return ", ".join(f"{step.verb} {step.number or ''}".rstrip() for step in change.steps)


def headline_facts(change: Change) -> str:
    """Period, date and amount of a change, and what is special about it."""
    kind = KINDS[change.address.kind]
    spec = spec_of(change)
    status = f" ({change.period_status})" if change.period_status else ""
    facts = [f"{period_text(change)}{status}"]
    facts.append(f"dated {value_text(spec.get(kind.date))}")
    if kind.currency:
        debits = debits_of(change, spec)
        facts.append(f"{change.currency} {shown(debits, change.currency)}")
    else:
        facts.insert(0, "a journal run")
    if change.journal_run:
        facts.append(f"made by {change.journal_run}")
    if change.transferred not in ("", "No"):
        facts.append(f"transferred {change.transferred}")
    if change.protect:
        facts.append("protected")
    return ", ".join(facts)


def spec_of(change: Change) -> Mapping[str, Value]:
    """What a change is about, as it is declared, or else as it stands."""
    return change.after if change.after is not None else change.before or {}


def period_text(change: Change) -> str:
    """The accounting period of a change, or the days it spans."""
    span_of = KINDS[change.address.kind].span or ()
    spec = spec_of(change)
    return change.period or " to ".join(value_text(spec.get(field)) for field in span_of)


def _block(change: Change) -> Iterator[Line]:
    assert change.block is not None
    rule = span(f"{change.block.rule}", "blocked")
    yield line(rule, f": {block_text(change)}", indent=6)
    yield line(("way out: ", "strong"), change.block.remedy, indent=6)


def block_text(change: Change) -> str:
    """What stands in the way of a blocked change, and what it therefore cannot be."""
    assert change.block is not None
    wanted = PARTICIPLES.get(change.wanted)
    return change.block.message + (f", so it cannot be {wanted}" if wanted else "")


def _field_changes(change: Change) -> Iterator[Line]:
    lines_field = KINDS[change.address.kind].lines
    for field in change.comparison.fields:
        if field.name == lines_field:
            yield line(lines_field, _forces(change, field), indent=6)
        else:
            yield line(_moved(field), _forces(change, field), indent=6)
    for update in change.comparison.line_updates:
        yield from _line_update(update.line, update.before, update.fields)


def _stated_fields(change: Change) -> Iterator[Line]:
    """What a new entry says besides its lines, so that nothing is posted unseen."""
    kind = KINDS[change.address.kind]
    stated = change.wanted is Action.CREATE or (change.wanted is Action.ADOPT and not kind.lines)
    if not stated or change.after is None:
        return
    for name in change.after:
        if name not in (kind.lines, *kind.headline):
            yield line(span(f"{name}: {value_text(change.after[name])}", "faint"), indent=6)


def _moved(field: FieldChange) -> str:
    return f"{field.name}: {value_text(field.before)} -> {value_text(field.after)}"


def _forces(change: Change, field: FieldChange) -> Span:
    forces = change.wanted is not Action.ADOPT and not field.in_place
    return ("  # forces replacement", "replace") if forces else ("", "")


def _line_update(
    row: Mapping[str, Value], before: Mapping[str, Value], after: Mapping[str, Value]
) -> Iterator[Line]:
    name = f"{text_of(row.get('accountingCodeName'))} ({text_of(row.get('type'))})"
    for field in sorted(after):
        moved = f"{field}: {value_text(before.get(field))} -> {value_text(after[field])}"
        yield line(f"line {name}: {moved}", indent=6)


def _warnings(plan: Plan) -> Iterator[Line]:
    for warning in plan.warnings:
        yield line((warning, "warning"))
    if plan.warnings:
        yield BLANK


def _refusals(plan: Plan) -> Iterator[Line]:
    for refusal in plan.refusals:
        yield line(("Refused: ", "bad"), f"{refusal.rule}: {refusal.message}")
        yield line(refusal.remedy, indent=4)
    if plan.refusals:
        yield BLANK


def _verdict(plan: Plan) -> Iterator[Line]:
    badges = "".join(f" ({badge})" for badge in scope_badges(plan))
    if not plan.pending:
        yield line(("No changes.", "good"), f" {unchanged_text(plan)}", (badges, "warning"))
    else:
        yield line(("Plan: ", "strong"), summary(plan), (badges, "warning"))
        first, *rest = balance_proofs(plan)
        yield line(("Balance: ", "strong"), first)
        for proof in rest:
            yield line(proof, indent=len("Balance: "))
    yield line(("Digest: ", "strong"), plan.digest)


def unchanged_text(plan: Plan) -> str:
    """What a plan without changes says, and no more than it can know."""
    holder = "daybook" if plan.scope.offline else "ledger"
    what = "the files in scope declare" if plan.partial else "the files declare"
    return f"The {holder} holds what {what}."


def summary(plan: Plan) -> str:
    """The counts: `3 to create, 1 to update, 1 blocked.`"""
    return _counts(plan.summary)


def _counts(of: Mapping[Action, int]) -> str:
    counts = [
        f"{of[action]} {'blocked' if action is Action.BLOCKED else f'to {word.word}'}"
        for action, word in WORDS.items()
        if of.get(action)
    ]
    return ", ".join(counts) + "."


def debits_of(change: Change, spec: Mapping[str, Value]) -> Decimal:
    """The sum of an entry's debits."""
    amounts = (
        row.get("amount")
        for row in rows_of(spec.get(KINDS[change.address.kind].lines))
        if row.get("type") == "Debit"
    )
    return total(amount for amount in amounts if isinstance(amount, Decimal))
