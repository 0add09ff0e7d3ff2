"""The result of a rehearsal in words and cells: what was refused, which balances differ."""

from reconciler.core.model.finding import counted
from reconciler.core.model.money import difference
from reconciler.core.model.proofs.rehearsal import Rehearsal, Rehearsed, RehearsedBalance
from reconciler.core.rules.verb_rules import REHEARSAL_RULES
from reconciler.render.phrases import sided
from reconciler.values import dataclass

_TITLES = ("Period", "Accounting code", "Currency", "Before", "After", "By the plan")

EQUAL = "equal"
"""Stands for the amount by the plan, where it is the ledger's."""

REFUSED, DIFFERS = "rehearsal-refused", "rehearsal-differs"
"""The rules of a rehearsal."""

REHEARSAL_AMOUNTS = frozenset({3, 4, 5})
"""The columns of amounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalView:
    """A rehearsal as formats show it; `remedies` are pairs of a rule and what to do."""

    style: str
    headline: str
    failed: tuple[tuple[str, str, str, str], ...]
    """Outcome, name, action and the ledger's words of each change that was not accepted."""
    balance: str
    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The trial balance of the scratch ledger; those rows first that are not the plan's."""
    unknown: str
    remedies: tuple[tuple[str, str], ...]


def rehearsal_view(rehearsal: Rehearsal) -> RehearsalView:
    """The rehearsal as formats show it."""
    failed = rehearsal.ended(Rehearsed.REFUSED, Rehearsed.NOT_ATTEMPTED)
    differing, rows = rehearsal.differing, len(rehearsal.balances)
    accepted = len(rehearsal.changes) - len(failed)
    offline = " (OFFLINE: nothing was read from the ledger)" if rehearsal.offline else ""
    broken = ((REFUSED, failed), (DIFFERS, differing))
    return RehearsalView(
        style="good" if rehearsal.holds else "bad",
        headline=f"{accepted:,} of {counted(len(rehearsal.changes), 'change')} accepted{offline}",
        failed=tuple(
            (one.outcome.value.replace("-", " "), one.name, one.action, one.message)
            for one in failed
        ),
        balance=f"trial balance after = plan's impact in {rows - len(differing):,} of "
        f"{counted(rows, 'row')}"
        if rows
        else "no amount moves in the trial balance",
        titles=_TITLES,
        rows=tuple(
            (
                *(row.period, row.code, row.currency),
                sided(difference(row.debit_before, row.credit_before), row.currency),
                sided(difference(row.debit_after, row.credit_after), row.currency),
                EQUAL if row.agrees else by_the_plan(row),
            )
            for row in sorted(rehearsal.balances, key=lambda row: row.agrees)
        ),
        unknown=f"not known here: {', '.join(rehearsal.unknown)}",
        remedies=tuple((rule, REHEARSAL_RULES[rule].remedy) for rule, found in broken if found),
    )


def by_the_plan(row: RehearsedBalance) -> str:
    """The net after the plan, by its impact."""
    return sided(difference(row.planned_debit_after, row.planned_credit_after), row.currency)
