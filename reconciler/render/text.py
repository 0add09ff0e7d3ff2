"""A plan on a terminal: what happens to each entry, its impact, the verdict."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from reconciler.core.model.finding import PlanWarning, Severity, more
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Action, Plan, Reason
from reconciler.core.rules.plan_warnings import ACKNOWLEDGED
from reconciler.render.change_view import (
    FORCES,
    BeforeAfter,
    ChangeView,
    DriftView,
    stated_fields,
)
from reconciler.render.journal_runs import run_lines
from reconciler.render.plan_view import (
    BALANCE_SUMS,
    BALANCE_TITLES,
    NOTHING_POSTED,
    UNKNOWN_AMOUNTS,
    PlanView,
    counts_text,
    view_of,
)
from reconciler.render.postings import posting_lines
from reconciler.render.sections.plan_rows import MOST_PAIRS, MOST_WAITING, WAITING_TITLES
from reconciler.render.sections.rehearsal_text import REHEARSAL_AMOUNTS
from reconciler.render.styled_text import BLANK, Part, line, span, table

LARGE = 10
"""A longer plan does not fit a screen: it is grouped, and ends with what is dangerous."""

MOST_LISTED = 20
"""The number of changes listed in each part; the rest are counted."""


def plan_lines(plan: Plan) -> tuple[Part, ...]:
    """The whole plan, from drift to verdict."""
    view = view_of(plan)
    large = len(view.changes) > LARGE
    return (
        *_header(view),
        *drift_section(view.drift),
        *(_grouped(view) if large else _changes(view, view.changes)),
        *_end(view, dangers=large),
    )


def overview_lines(plan: Plan) -> tuple[Part, ...]:
    """A plan without its changes: impact, what is dangerous, the verdict."""
    view = view_of(plan)
    return (*_header(view), *_end(view, dangers=True))


def _end(view: PlanView, *, dangers: bool) -> Iterator[Part]:
    yield from _impact(view)
    yield from _reversals(view)
    yield from waiting_section(view.waiting)
    yield from _transfers(view)
    yield from _rehearsal(view)
    yield from _notes(view)
    yield from _unanswered(view)
    yield from _largest(view)
    if dangers:
        yield from _listed("Blocked, skipped by an apply:", "blocked", view.blocked)
        yield from _listed(f"{view.cancels} posted entries:", "bad", view.cancelling)
    yield from _verdict(view)
    yield from _refusals(view)


def verdict_lines(plan: Plan) -> tuple[Part, ...]:
    """The end of a plan alone: refusals, counts, balance and digest."""
    view = view_of(plan)
    return (*_unanswered(view), *_verdict(view), *_refusals(view))


_OLDER = {
    "daybook-older": "The daybook is an older copy.",
    "ledger-older": "The ledger is an older copy.",
}


def drift_lines(plan: Plan) -> tuple[Part, ...]:
    """What changed in the ledger, for the `drift` verb."""
    view = view_of(plan)
    found = (*drift_section(view.drift), *_unanswered(view), *_transfers(view))
    told = (*_header(view), *found, *warning_lines(plan.warnings))
    facts = [f"{fact}." for fact in (view.drifted, view.need_person) if fact]
    warned = {one.rule for one in plan.warnings if one.severity is Severity.WARNING}
    facts = facts or [fact for rule, fact in _OLDER.items() if rule in warned]
    if warned and not facts:
        fact = "nothing, but a warning counts as a difference: " + ", ".join(sorted(warned))
        return (*told, line(("Drift: ", "warning"), f"{fact}."))
    if not facts:
        what = "was applied"
        if any(one.rule == ACKNOWLEDGED for one in plan.warnings):
            what += ", or what the files acknowledge"
        return (*told, line(("No drift.", "good"), f" The ledger holds what {what}."))
    return (*told, line(("Drift: ", "warning"), " ".join(facts)))


def _header(view: PlanView) -> Iterator[Part]:
    ledger = ", ".join(map("".join, view.ledger))
    yield line("Workspace ", span(view.plan.basis.workspace, "strong"), f" on {ledger}")
    if view.live:
        yield line(view.live)
    for notice in view.notices:
        yield line((notice, "warning"))
    yield BLANK


def drift_section(drift: tuple[DriftView, ...]) -> Iterator[Part]:
    """What changed in the ledger, entry by entry; nothing when nothing did."""
    if not drift:
        return
    yield line(("Note: these entries changed in the ledger since they were applied.", "warning"))
    yield BLANK
    for moved in drift:
        yield line("  ", span(moved.name, "strong"), f"  {moved.number} {moved.what}")
        for field in moved.fields:
            style = "" if field.line else "warning"
            yield line(span(field.effect or _moved(field), style), indent=6)
    yield BLANK


def _moved(field: BeforeAfter) -> str:
    name = f"line {field.line}: {field.name}" if field.line else field.name
    if not (field.before or field.after):
        return name
    return f"{name}: {field.before} -> {field.after}" if field.before else f"{name}: {field.after}"


def _changes(view: PlanView, changes: Iterable[ChangeView]) -> Iterator[Part]:
    for change in changes:
        yield from lines_of(change, view.plan.basis.home_currency)
        yield BLANK


def _grouped(view: PlanView) -> Iterator[Part]:
    """The changes by accounting period, the earliest first, each with its counts."""
    groups: dict[str, list[ChangeView]] = {}
    for change in view.changes:
        status = change.change.period_status
        period = change.change.period + (f" ({status})" if status else "")
        groups.setdefault(period, []).append(change)
    # Dates in ISO form compare as text.
    first = {period: min(view.day for view in changes) for period, changes in groups.items()}
    for period, changes in sorted(groups.items(), key=lambda item: (first[item[0]], item[0])):
        counts = counts_text(Counter(change.change.action for change in changes))
        yield line((f"{period or 'No accounting period'}: ", "strong"), counts)
        yield BLANK
        yield from _changes(view, changes)


def lines_of(view: ChangeView, home_currency: str | None) -> Iterator[Part]:
    """One change: its action, why, and the lines it posts or cancels."""
    change = view.change
    number, place = (f"  {text}" if text else "" for text in (view.number, view.file))
    action, name = span(str(view.label), view.label.style), span(view.name, "strong")
    yield line("  ", action, "  ", name, number, span(place, "place"))
    for text in (view.headline, view.reason):
        if text:
            yield line(text, indent=6)
    if change.renamed_from:
        yield line("renamed from ", span(change.renamed_from, "strong"), indent=6)
    if change.block is not None:
        yield line(span(change.block.rule, "blocked"), f": {view.blocked}", indent=6)
        yield line(("To fix: ", "strong"), change.block.remedy, indent=6)
    for field in view.fields:
        forces = f"  # {FORCES}" if field.effect == FORCES else ""
        yield line(_moved(field), (forces, "replace"), indent=6)
    if change.wanted is not Action.UPDATE:
        yield from _posted_fields(view)
        yield from posting_lines(change, home_currency or "")
    if change.members:
        yield from run_lines(change)
    several = len(change.steps) > 1 or change.reason is Reason.RESUMED
    if view.calls and (several or change.action is Action.REMOVE):
        yield line(span(f"calls: {view.calls}", "faint"), indent=6)


def _posted_fields(view: ChangeView) -> Iterator[Part]:
    """The fields of what is posted that no other line shows, so that nothing is posted unseen."""
    change = view.change
    kind = KINDS[change.address.kind]
    stated = (
        change.wanted is Action.CREATE
        or (change.wanted is Action.ADOPT and not kind.lines)
        or (change.wanted is Action.REPLACE and change.block is None)
    )
    if not stated or change.after is None:
        return
    for name, value in stated_fields(view):
        yield line(span(f"{name}: {value}", "faint"), indent=6)


def _impact(view: PlanView) -> Iterator[Part]:
    impact = view.impact
    if impact.rows:
        yield line(("Impact", "strong"), " on the entries managed here (net, debit or credit)")
        rows = (impact.titles, *impact.rows)
        yield from table(rows, right=impact.amounts, header=True, indent=2)
        if impact.note:
            yield line(impact.note, indent=2)
        if view.runs:
            yield line((UNKNOWN_AMOUNTS, "warning"), indent=2)
        yield BLANK
    elif view.runs or impact.none:
        none = UNKNOWN_AMOUNTS if view.runs else f"none, {impact.none}."
        yield line(("Impact: ", "strong"), none)
        yield BLANK


def _reversals(view: PlanView) -> Iterator[Part]:
    if not view.reversals:
        return
    yield line(("Reversals", "strong"))
    for title, rows in view.reversals[:MOST_PAIRS]:
        yield line(title, indent=2)
        yield from table(rows, right=frozenset({2, 4, 6}), indent=6)
    if rest := more(len(view.reversals), MOST_PAIRS):
        yield line(rest, indent=2)
    yield BLANK


def warning_lines(warnings: Iterable[PlanWarning]) -> Iterator[Part]:
    """Each warning, with its rule."""
    return (line((str(one), "warning")) for one in warnings)


def waiting_section(rows: Sequence[tuple[str, str, str, str]]) -> Iterator[Part]:
    """What is posted in later periods; nothing when nothing is."""
    if not rows:
        return
    yield line(("Waiting", "strong"), " for later periods")
    shown = (WAITING_TITLES, *rows[:MOST_WAITING])
    yield from table(shown, right=frozenset({2}), header=True, indent=2)
    if rest := more(len(rows), MOST_WAITING):
        yield line(rest, indent=2)
    yield BLANK


def _transfers(view: PlanView) -> Iterator[Part]:
    if not view.transfers:
        return
    titles = ["Transferred", *[""] * (len(view.transfers) - 1)]
    rows = [(title, *row) for title, row in zip(titles, view.transfers, strict=True)]
    yield from table(rows)
    yield BLANK


def _rehearsal(view: PlanView) -> Iterator[Part]:
    found = view.rehearsal
    if found is None:
        return
    yield line(("Rehearsal", "strong"), " on a scratch ledger: ", (found.headline, found.style))
    yield from table(found.failed[:MOST_LISTED], indent=2)
    if left := more(len(found.failed), MOST_LISTED):
        yield line(left, indent=2)
    yield line(found.balance, indent=2)
    if found.rows:
        rows = (found.titles, *found.rows[:MOST_LISTED])
        yield from table(rows, right=REHEARSAL_AMOUNTS, header=True, indent=4)
        if left := more(len(found.rows), MOST_LISTED):
            yield line(left, indent=4)
    for rule, remedy in found.remedies:
        yield line(span(rule, "bad"), ": ", ("To fix: ", "strong"), remedy, indent=2)
    yield line(span(found.unknown, "faint"), indent=2)
    yield BLANK


def _notes(view: PlanView) -> Iterator[Part]:
    yield from warning_lines(view.plan.warnings)
    if view.plan.warnings:
        yield BLANK
    if view.approvals:
        yield line(("Approvals: ", "strong"), view.approvals)
        yield BLANK


def _refusals(view: PlanView) -> Iterator[Part]:
    if view.plan.refusals:
        yield BLANK
    for refusal in view.plan.refusals:
        yield line(("Refused: ", "bad"), f"{refusal.rule}: {refusal.message}")
        yield line(("To fix: ", "strong"), refusal.remedy, indent=4)
    if view.refused:
        yield line((view.refused, "bad"))


def _unanswered(view: PlanView) -> Iterator[Part]:
    if not view.only_unanswered:
        return
    yield line(("No change answers these differences:", "warning"))
    for one in view.only_unanswered[:MOST_LISTED]:
        number = f"  {one.number}" if one.number else ""
        yield line("  ", span(one.name, "strong"), number)
        yield line(span(one.rule, "warning"), f": {one.message}", indent=6)
        yield line(("To fix: ", "strong"), one.remedy, indent=6)
    if left := more(len(view.only_unanswered), MOST_LISTED):
        yield line(span(left, "warning"), indent=2)
    yield BLANK


def _largest(view: PlanView) -> Iterator[Part]:
    rows = [(("Largest change: ", "strong"), *one) for one in view.largest]
    rows += [(("Material: ", "warning"), *one) for one in view.material[:MOST_LISTED]]
    for head, one, amount in rows:
        yield line(head, f"{one.label} ", span(one.name, "strong"), f", {amount}")
    if left := more(len(view.material), MOST_LISTED, " material changes"):
        yield line((left, "warning"))
    if rows:
        yield BLANK


def _listed(title: str, style: str, changes: Sequence[ChangeView]) -> Iterator[Part]:
    if not changes:
        return
    yield line((title, style))
    shown = changes[:MOST_LISTED]
    rows = [
        (
            str(view.label),
            view.name,
            view.number,
            view.change.period,
            view.change.block.rule if view.change.block else view.money,
        )
        for view in shown
    ]
    yield from table(rows, indent=2, styles=[view.label.style for view in shown])
    if left := more(len(changes), MOST_LISTED):
        yield line(span(left, style), indent=2)
    yield BLANK


def _verdict(view: PlanView) -> Iterator[Part]:
    if not view.changes and not view.plan.refusals:
        verdict = view.verdict
        marks = (view.marks, "warning")
        yield line((f"{verdict.words}.", verdict.style), f" {verdict.sentence}", marks)
    else:
        yield line(("Plan: ", "strong"), view.headline, (view.marks, "warning"))
        if view.proofs:
            rows = (BALANCE_TITLES, *(proof.cells for proof in view.proofs))
            yield from table(rows, right=BALANCE_SUMS, header=True)
        else:
            yield line(("Balance: ", "strong"), NOTHING_POSTED)
    yield line(("Digest: ", "strong"), view.plan.digest)
