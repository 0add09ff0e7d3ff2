"""What a plan means for the books: impact by period, code and currency, and the balance proof."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import ZERO, shown
from reconciler.core.model.plan import Change, Impact, Plan
from reconciler.render.journal_runs import UNKNOWN_AMOUNTS
from reconciler.render.styled_text import BLANK, Line, line, table


def impact_section(plan: Plan) -> Iterator[Line]:
    """The impact under its heading, or the word that there is none."""
    runs = posts_unknown_amounts(plan)
    if not plan.impact:
        if plan.feasible:
            none = UNKNOWN_AMOUNTS if runs else "none, no amount in the books changes."
            yield line(("Impact: ", "strong"), none)
            yield BLANK
        return
    home = plan.basis.home_currency
    yield line(("Impact", "strong"), " on the entries managed here (net, debit or credit)")
    yield from impact_table(plan.impact, home)
    if runs:
        yield line((UNKNOWN_AMOUNTS, "warning"), indent=2)
    yield BLANK


def impact_table(rows: tuple[Impact, ...], home: str | None) -> tuple[Line, ...]:
    """Before, change and after by period, accounting code and currency."""
    return table(impact_cells(rows, home), right=IMPACT_AMOUNTS, header=True, indent=2)


IMPACT_AMOUNTS = frozenset({3, 4, 5, 6})
"""The columns of the impact that hold amounts; those before them hold names."""


def impact_cells(rows: tuple[Impact, ...], home: str | None) -> list[list[str]]:
    """The impact as cells, the titles first; a change in home currency that is not known is `?`."""
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
    return cells


def posts_unknown_amounts(plan: Plan) -> bool:
    """Whether the plan begins journal runs, whose amounts only the ledger will know."""
    return any(True for _ in posting_unknown_amounts(plan))


def posting_unknown_amounts(plan: Plan) -> Iterator[Change]:
    """The journal runs that the plan begins."""
    return (
        change for change in plan.feasible if change.posts and not KINDS[change.address.kind].lines
    )


def sided(net: Decimal, currency: str) -> str:
    """A net amount as accountants write it: a size and its side."""
    if net == ZERO:
        return shown(ZERO, currency) + "   "
    return f"{shown(abs(net), currency)} {'Dr' if net > ZERO else 'Cr'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That two sums are equal: what is posted, or taken back, on either side in one currency."""

    currency: str
    debit: Decimal
    credit: Decimal
    word: str
    home: bool

    @property
    def holds(self) -> bool:
        """Whether debits equal credits."""
        return self.debit == self.credit


def proofs_of(plan: Plan) -> Iterator[Proof]:
    """The proof that the plan is in balance, row by row; sums of nothing are left out."""
    foreign = any(not row.home and row.currency != plan.basis.home_currency for row in plan.balance)
    for row in plan.balance:
        if row.home and not foreign:
            continue  # the same sums again
        for word, debit, credit in (
            ("posted", row.posted_debit, row.posted_credit),
            ("taken back", row.removed_debit, row.removed_credit),
        ):
            if debit or credit:
                yield Proof(
                    currency=row.currency, debit=debit, credit=credit, word=word, home=row.home
                )


def balance_proofs(plan: Plan) -> tuple[str, ...]:
    """The proof in words: what is posted and taken back is equal on both sides."""
    proofs = []
    for proof in proofs_of(plan):
        left, right = shown(proof.debit, proof.currency), shown(proof.credit, proof.currency)
        home = ", in home currency" if proof.home else ""
        sign = "=" if proof.holds else "≠"
        proofs.append(f"{proof.currency} {left} {sign} {right} {proof.word}{home}")
    return tuple(proofs) or (NOTHING_POSTED,)


NOTHING_POSTED = "nothing is posted or taken back"


def leaving(plan: Plan) -> tuple[Change, ...]:
    """The changes that take posted entries out of the books: first those that post nothing new."""
    found = (change for change in plan.feasible if change.takes_back)
    return tuple(sorted(found, key=lambda change: change.posts))
