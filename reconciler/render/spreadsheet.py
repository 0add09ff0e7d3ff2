"""What a plan posts and takes back, for a spreadsheet: one row for each line of the ledger."""

import csv
from collections.abc import Iterator
from io import StringIO

from reconciler.core.books import Entry, newly_posted, postings, taken_back
from reconciler.core.kinds import KINDS
from reconciler.core.money import written
from reconciler.core.plan import Change, Plan
from reconciler.core.values import text_of
from reconciler.render.encode import cell

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
    "home currency",
    "home net",
    "file",
)
"""Debit and credit are those of the line; where the effect is `taken back` it leaves the books.
The home net is signed, debit positive, and empty where it is not known."""


def plan_csv(plan: Plan) -> str:
    """The postings of all feasible changes as CSV. Amounts have a point and no separators."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    home = plan.basis.home_currency
    for change in plan.feasible:
        for effect, entries in (("take back", taken_back(change)), ("post", newly_posted(change))):
            for entry in entries:
                writer.writerows(_rows(change, effect, entry, home))
    return text.getvalue()


def _rows(change: Change, effect: str, entry: Entry, home: str | None) -> Iterator[list[str]]:
    kind, spec = entry
    number = change.number if effect == "take back" else None
    for posting in postings(kind, spec, home):
        net = posting.home_net
        amounts = [
            written(amount, posting.currency) if amount else ""
            for amount in (posting.debit, posting.credit)
        ]
        facts = [
            effect,
            change.action.value,
            change.address.name,
            number or "",
            posting.period,
            text_of(spec.get(KINDS[kind].date)) or "",
            posting.code,
            posting.currency,
        ]
        # Amounts are digits of ours, and a sign is no formula in front of them.
        yield [
            *map(cell, facts),
            *amounts,
            cell(home or ""),
            "" if net is None or home is None else written(net, home),
            cell(str(change.source) if change.source else ""),
        ]
