"""Whether the figures that a plan shows follow from the changes that it holds."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from reconciler.core.model.money import ZERO, difference
from reconciler.core.model.plan import Action, Impact, Plan
from reconciler.core.planning.impact import balance_of, impact_of


class _Moved(NamedTuple):
    """What a row of the impact changes. What stands besides is the ledger's, in no change."""

    debit: Decimal
    credit: Decimal
    home: Decimal | None


def first_unsupported_figure(plan: Plan) -> str:
    """The first figures of a plan that its changes do not bear out, in words; empty for none.

    A plan file holds no entry that stays as it is. So of the impact the change is known and not
    what it is added to, and of what is unchanged the number is not known.
    """
    return next(_unfounded(plan), "")


def _unfounded(plan: Plan) -> Iterator[str]:
    home_currency = plan.basis.home_currency
    if plan.balance != balance_of(plan.pending, home_currency):
        yield "its balance"
    if not _impact_holds(plan):
        yield "its impact on the books"
    counts = Counter(change.action for change in plan.pending)
    if any(
        plan.summary.get(action, 0) != counts[action]
        for action in Action
        if action is not Action.KEEP
    ):
        yield "its summary"


def _impact_holds(plan: Plan) -> bool:
    shown = {(row.period, row.code, row.currency): row for row in plan.impact}
    named = {code for _, code, _ in shown}
    made = {
        (row.period, row.code, row.currency): row
        for row in impact_of(plan.pending, plan.basis.home_currency, named=named)
    }
    if len(shown) != len(plan.impact):
        return False
    # Where an entry that stays has no amount in home currency, no change of that alone is shown.
    needed = {key for key, row in made.items() if _moved(row)[:2] != (ZERO, ZERO) or key in shown}
    return shown.keys() == needed and all(_bears(made[key], shown[key]) for key in shown)


def _bears(made: Impact, shown: Impact) -> bool:
    if shown.debit_before < made.debit_before or shown.credit_before < made.credit_before:
        return False
    was, says = _moved(made), _moved(shown)
    # An entry that stays may have no amount in home currency, and then its row has none.
    home = says.home is None or says.home == was.home
    return home and (was.debit, was.credit) == (says.debit, says.credit)


def _moved(row: Impact) -> _Moved:
    return _Moved(
        debit=difference(row.debit_after, row.debit_before),
        credit=difference(row.credit_after, row.credit_before),
        home=row.home_change,
    )
