"""What a plan posts and cancels, for a spreadsheet: one row for each line of the ledger."""

import csv
from collections.abc import Iterator
from dataclasses import field
from decimal import Decimal

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import written
from reconciler.core.model.plan import Change, Plan
from reconciler.core.model.resource import text_of
from reconciler.core.planning.posting import Entry, newly_cancelled, newly_posted, postings
from reconciler.render.escaping import cell
from reconciler.render.sections.plan_rows import waiting_rows
from reconciler.render.sections.rehearsal_text import by_the_plan
from reconciler.values import dataclass

COLUMNS = (
    "effect",
    "action",
    "name",
    "number",
    "accounting period",
    "entry date",
    "accounting code",
    "currency",
    "debit",
    "credit",
    "net change",
    "home currency",
    "home net change",
    "file",
    "reverses",
    "reversed by",
    "message",
)
"""Debit and credit are those of the ledger's line. The changes are debit positive, so that their
sums equal the impact. The change in home currency is empty where it is unknown."""


@dataclass(frozen=True, slots=True)
class _Text:
    """What the writer of the standard library writes to, without a file."""

    rows: list[str] = field(default_factory=list)

    def write(self, row: str) -> None:
        self.rows.append(row)


def plan_csv(plan: Plan) -> str:
    """The postings of all feasible changes as CSV. Amounts have a point and no separators.

    A difference that no change answers, what waits for a later period, and each change of a
    rehearsal have a row without amounts. The trial balance of a rehearsal has its sums afterwards.
    """
    text = _Text()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    home = plan.basis.home_currency
    for change in plan.feasible:
        for effect, entries in (
            ("cancel", newly_cancelled(change)),
            ("post", newly_posted(change)),
        ):
            for entry in entries:
                writer.writerows(_rows(change, effect, entry, home))
    writer.writerows(_more_rows(plan))
    return "".join(text.rows)


def _more_rows(plan: Plan) -> Iterator[list[str]]:
    for one in plan.unanswered:
        yield _row(
            effect="unanswered",
            action=one.rule,
            name=one.name,
            number=one.number,
            file=f"{one.path}:{one.line}" if one.path else "",
            message=one.message,
        )
    for waits, (_, what, amount, _) in zip(plan.waiting, waiting_rows(plan.waiting), strict=True):
        yield _row(
            effect="waiting",
            name=waits.name,
            accounting_period=waits.awaited,
            currency=waits.currency,
            message=f"{what}, {amount}",
        )
    if plan.rehearsal is None:
        return
    for change in plan.rehearsal.changes:
        facts = {"action": change.action, "name": change.name, "message": change.message}
        yield _row(effect=f"rehearsal {change.outcome}", **facts)
    for row in plan.rehearsal.balances:
        drawn = _row(
            effect="rehearsal balance",
            action="agrees" if row.agrees else "differs",
            accounting_period=row.period,
            accounting_code=row.code,
            currency=row.currency,
            message="" if row.agrees else f"{by_the_plan(row)} by the plan",
        )
        for name in ("debit", "credit"):
            after = getattr(row, f"{name}_after")
            drawn[COLUMNS.index(name)] = _digits(after, row.currency)
        yield drawn


def _row(**facts: str) -> list[str]:
    """A row with these cells; an underscore stands for a blank in the name of a column."""
    return [cell(facts.get(name.replace(" ", "_"), "")) for name in COLUMNS]


def _rows(change: Change, effect: str, entry: Entry, home: str | None) -> Iterator[list[str]]:
    kind, spec = entry
    cancels = effect == "cancel"
    for posting in postings(kind, spec, home):
        net = posting.debit or posting.credit.copy_negate()
        facts = (
            effect,
            change.action.value,
            change.address.name,
            (change.number or "") if cancels else "",
            posting.period,
            text_of(spec.get(KINDS[kind].date)) or "",
            posting.code,
            posting.currency,
        )
        # Amounts are our own digits, and a sign before digits is no formula.
        yield [
            *map(cell, facts),
            _digits(posting.debit or None, posting.currency),
            _digits(posting.credit or None, posting.currency),
            _digits(net, posting.currency, negated=cancels),
            cell(home or ""),
            _digits(posting.home_net, home or "", negated=cancels),
            cell(str(change.source) if change.source else ""),
            cell(change.reverses),
            cell(change.reversed_by),
            "",
        ]


def _digits(amount: Decimal | None, currency: str, *, negated: bool = False) -> str:
    if amount is None:
        return ""
    return written(amount.copy_negate() if negated else amount, currency)
