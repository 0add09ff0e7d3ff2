"""A plan on a terminal: what happens to each entry, what that means for the books, the verdict."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from reconciler.core.compare import FieldChange
from reconciler.core.kinds import KINDS
from reconciler.core.money import ZERO, shown, total
from reconciler.core.plan import (
    CANCELLED,
    POSTED,
    Action,
    Change,
    Drift,
    Impact,
    Plan,
    Reason,
)
from reconciler.core.values import Value, rows_of, text_of
from reconciler.render.spans import BLANK, Line, Span, line, span, table


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
    }
)


_PARTICIPLES: Mapping[Action, str] = MappingProxyType(
    {
        Action.CREATE: "created",
        Action.UPDATE: "updated",
        Action.REPLACE: "replaced",
        Action.REMOVE: "removed",
        Action.ADOPT: "adopted",
        Action.FORGET: "forgotten",
    }
)

_MOVED: Mapping[str, str] = MappingProxyType(
    {"gone": "is gone", CANCELLED: "was cancelled", POSTED: "differs"}
)


def plan_lines(plan: Plan) -> tuple[Line, ...]:
    """The whole plan, from what drifted to the verdict."""
    return (
        *_header(plan),
        *_drift_section(plan.drift),
        *_changes(plan),
        *_impact_section(plan),
        *_warnings(plan),
        *_refusals(plan),
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
    return (*_header(plan), *_drift_section(plan.drift), line(("Drift: ", "warning"), moved))


def _header(plan: Plan) -> Iterator[Line]:
    basis = plan.basis
    where = f"{basis.host}" + (f", tenant {basis.tenant_id}" if basis.tenant_id else "")
    where += f", entity {basis.entity_id}" if basis.entity_id else ""
    yield line(("Workspace ", ""), span(basis.workspace, "strong"), f" on {where}")
    yield BLANK


def _drift_section(drift: tuple[Drift, ...]) -> Iterator[Line]:
    if not drift:
        return
    yield line(("Note: these entries moved in the ledger since they were applied.", "warning"))
    yield BLANK
    for moved in drift:
        what = _MOVED.get(moved.status, f'has the status "{moved.status}"')
        yield line("  ", span(moved.address.name, "strong"), f"  {moved.number} {what}")
        for field in moved.comparison.fields:
            if field.name == KINDS[moved.address.kind].lines:
                continue
            # The comparison leads from live back to what was applied; drift went the other way.
            was, now = _value(field.after), _value(field.before)
            yield line(span(f"{field.name}: {was} -> {now}", "warning"), indent=6)
        for update in moved.comparison.line_updates:
            yield from _line_update(update.line, update.fields, update.before)
        if moved.comparison.lines_added or moved.comparison.lines_removed:
            yield line(span("the lines differ", "warning"), indent=6)
    yield BLANK


def _changes(plan: Plan) -> Iterator[Line]:
    for change in plan.pending:
        yield from change_lines(change, plan.basis.home_currency)
        yield BLANK


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
        yield line(_facts(change), indent=6)
    resumed = change.reason is Reason.RESUMED
    if change.reason in _REASONS and not (resumed and change.block):
        yield line(span(_REASONS[change.reason]), indent=6)
    if change.block is not None:
        yield from _block(change)
    yield from _field_changes(change)
    yield from _stated_fields(change)
    yield from _postings(change, home_currency or "")
    told = len(change.steps) > 1 or resumed or change.action is Action.REMOVE
    if told and change.steps and change.block is None:
        calls = ", ".join(f"{step.verb} {step.number or ''}".rstrip() for step in change.steps)
        yield line(span(f"calls: {calls}", "faint"), indent=6)


def _facts(change: Change) -> str:
    kind = KINDS[change.address.kind]
    spec = change.after if change.after is not None else change.before or {}
    status = f" ({change.period_status})" if change.period_status else ""
    debits = _total(change, spec, "Debit")
    facts = [f"{change.period}{status}", f"dated {_value(spec.get(kind.date))}"]
    facts.append(f"{change.currency} {shown(debits, change.currency)}")
    if change.transferred not in ("", "No"):
        facts.append(f"transferred {change.transferred}")
    if change.protect:
        facts.append("protected")
    return ", ".join(facts)


def _block(change: Change) -> Iterator[Line]:
    assert change.block is not None
    wanted = _PARTICIPLES.get(change.wanted)
    so = f", so it cannot be {wanted}" if wanted else ""
    rule = span(f"{change.block.rule}", "blocked")
    yield line(rule, f": {change.block.message}{so}", indent=6)
    yield line(("way out: ", "strong"), change.block.remedy, indent=6)


def _field_changes(change: Change) -> Iterator[Line]:
    lines_field = KINDS[change.address.kind].lines
    for field in change.comparison.fields:
        if field.name == lines_field:
            yield line(lines_field, _forces(field), indent=6)
        else:
            yield line(_moved(field), _forces(field), indent=6)
    for update in change.comparison.line_updates:
        yield from _line_update(update.line, update.before, update.fields)


def _stated_fields(change: Change) -> Iterator[Line]:
    """What a new entry says besides its lines, so that nothing is posted unseen."""
    if change.wanted is not Action.CREATE or change.after is None:
        return
    kind = KINDS[change.address.kind]
    for name in change.after:
        if name not in (kind.lines, *kind.headline):
            yield line(span(f"{name}: {_value(change.after[name])}", "faint"), indent=6)


def _moved(field: FieldChange) -> str:
    return f"{field.name}: {_value(field.before)} -> {_value(field.after)}"


def _forces(field: FieldChange) -> Span:
    return ("", "") if field.in_place else ("  # forces replacement", "replace")


def _line_update(
    row: Mapping[str, Value], before: Mapping[str, Value], after: Mapping[str, Value]
) -> Iterator[Line]:
    name = f"{text_of(row.get('accountingCodeName'))} ({text_of(row.get('type'))})"
    for field in sorted(after):
        moved = f"{field}: {_value(before.get(field))} -> {_value(after[field])}"
        yield line(f"line {name}: {moved}", indent=6)


def _postings(change: Change, home: str) -> Iterator[Line]:
    """The debit and credit table: whole entries that come or go, changed lines of a replacement.

    A replacement whose lines stay as they are posts them anew, so they are shown whole.
    """
    comparison = change.comparison
    replaces = change.wanted is Action.REPLACE and change.posts
    if replaces and (comparison.lines_added or comparison.lines_removed):
        yield from _changed_lines(change, home)
    elif replaces or change.wanted in (Action.CREATE, Action.REMOVE):
        spec = change.before if change.wanted is Action.REMOVE else change.after
        rows = rows_of((spec or {}).get(KINDS[change.address.kind].lines))
        yield from _money_table([("", row) for row in rows], change.currency, home)


def _changed_lines(change: Change, home: str) -> Iterator[Line]:
    comparison = change.comparison
    rows = [("-", row) for row in comparison.lines_removed]
    rows += [("+", row) for row in comparison.lines_added]
    yield from _money_table(rows, change.currency, home)
    kept = len(rows_of((change.after or {}).get(KINDS[change.address.kind].lines)))
    kept -= len(comparison.lines_added)
    if kept:
        yield line(span(f"({kept} unchanged lines)", "faint"), indent=8)


def _money_table(
    rows: list[tuple[str, Mapping[str, Value]]], currency: str, home: str
) -> tuple[Line, ...]:
    foreign = currency != home and any("homeCurrencyAmount" in row for _, row in rows)
    cells = [["", "Accounting code", "Debit", "Credit", *([f"In {home}"] if foreign else [])]]
    for sign, row in rows:
        amount = _shown(row.get("amount"), currency)
        debit = row.get("type") == "Debit"
        cells.append(
            [
                sign,
                text_of(row.get("accountingCodeName")) or "",
                amount if debit else "",
                "" if debit else amount,
                *([_shown(row.get("homeCurrencyAmount"), home)] if foreign else []),
            ]
        )
    marked = any(sign for sign, _ in rows)
    if not marked:
        cells = [row[1:] for row in cells]
    first = 2 if marked else 1
    styles = ["faint", *({"+": "create", "-": "remove"}.get(sign, "") for sign, _ in rows)]
    right = frozenset(range(first, first + 3))
    return table(cells, right=right, indent=8, styles=styles)


def _impact_section(plan: Plan) -> Iterator[Line]:
    if not plan.impact:
        if plan.feasible:
            yield line(("Impact: ", "strong"), "none, no amount in the books changes.")
            yield BLANK
        return
    home = plan.basis.home_currency
    yield line(("Impact", "strong"), " on the entries managed here (net, debit or credit)")
    yield from impact_table(plan.impact, home)
    yield BLANK


def impact_table(rows: tuple[Impact, ...], home: str | None) -> tuple[Line, ...]:
    """Before, change and after by period, accounting code and currency."""
    with_home = home is not None and any(
        row.home_change is not None and row.currency != home for row in rows
    )
    cells = [["Period", "Accounting code", "Currency", "Before", "Change", "After"]]
    if with_home:
        cells[0].append(f"Change in {home}")
    shown_rows = [row for row in rows if row.net_before or row.net_after or row.home_change]
    for row in shown_rows:
        cells.append(
            [
                row.period,
                row.code,
                row.currency,
                *(sided(net, row.currency) for net in (row.net_before, row.net_change)),
                sided(row.net_after, row.currency),
            ]
        )
        if with_home:
            known = row.home_change is not None and home is not None
            cells[-1].append(sided(row.home_change or ZERO, home or "") if known else "?")
    return table(cells, right=frozenset({3, 4, 5, 6}), header=True, indent=2)


def sided(net: Decimal, currency: str) -> str:
    """A net amount as accountants write it: a size and its side."""
    if net == ZERO:
        return shown(ZERO, currency) + "   "
    return f"{shown(abs(net), currency)} {'Dr' if net > ZERO else 'Cr'}"


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
    if not plan.pending:
        yield line(("No changes.", "good"), " The ledger holds what the files declare.")
    else:
        yield line(("Plan: ", "strong"), summary(plan))
        first, *rest = balance_proofs(plan)
        yield line(("Balance: ", "strong"), first)
        for proof in rest:
            yield line(proof, indent=len("Balance: "))
    yield line(("Digest: ", "strong"), plan.digest)


def summary(plan: Plan) -> str:
    """The counts: `3 to create, 1 to update, 1 blocked.`"""
    counts = [
        f"{plan.summary[action]} {'blocked' if action is Action.BLOCKED else f'to {word.word}'}"
        for action, word in WORDS.items()
        if plan.summary.get(action)
    ]
    return ", ".join(counts) + "."


def balance_proofs(plan: Plan) -> tuple[str, ...]:
    """The proof, row by row: what is posted and taken back is equal on both sides."""
    foreign = any(not row.home and row.currency != plan.basis.home_currency for row in plan.balance)
    proofs = []
    for row in plan.balance:
        if row.home and not foreign:
            continue  # the same sums again
        for word, debit, credit in (
            ("posted", row.posted_debit, row.posted_credit),
            ("taken back", row.removed_debit, row.removed_credit),
        ):
            if debit or credit:
                sign = "=" if debit == credit else "≠"
                left, right = shown(debit, row.currency), shown(credit, row.currency)
                home = ", in home currency" if row.home else ""
                proofs.append(f"{row.currency} {left} {sign} {right} {word}{home}")
    return tuple(proofs) or ("nothing is posted or taken back",)


def _total(change: Change, spec: Mapping[str, Value], side: str) -> Decimal:
    amounts = (
        row.get("amount")
        for row in rows_of(spec.get(KINDS[change.address.kind].lines))
        if row.get("type") == side
    )
    return total(amount for amount in amounts if isinstance(amount, Decimal))


def _shown(value: Value, currency: str) -> str:
    return shown(value, currency) if isinstance(value, Decimal) else ""


def _value(value: Value) -> str:
    if value is None or value == "":
        return "(none)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_pair(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) and " " in value else str(value)


def _pair(item: Value) -> str:
    if isinstance(item, Mapping):
        return "=".join(str(value) for value in item.values())
    return str(item)
