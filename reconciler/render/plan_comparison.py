"""The difference between two plans on a terminal: the reviewed one, and the one made now."""

from collections.abc import Iterator, Mapping

from reconciler.core.documents.plan_comparison import (
    OTHERS,
    AmountDifference,
    ChangeDifference,
    PlanDiff,
)
from reconciler.core.model.finding import counted
from reconciler.core.model.money import shown
from reconciler.core.model.plan import Plan
from reconciler.core.model.resource import Value, text_of
from reconciler.render.phrases import amount_text, sided, value_text
from reconciler.render.plan_view import counts_of
from reconciler.render.styled_text import BLANK, Part, line, span, table

MOST_SHOWN = 100
"""The number of addresses shown; the rest are counted."""


def plan_diff_lines(reviewed: Plan, now: Plan, found: PlanDiff) -> Iterator[Part]:
    """All that differs: address by address, then impact and balance, then both counts."""
    yield from (line(text, indent=2) for text in found.whole)
    for one in found.addresses[:MOST_SHOWN]:
        yield from _difference(one)
    if (more := len(found.addresses) - MOST_SHOWN) > 0:
        yield line(f"and {counted(more, 'more entry', 'more entries')}", indent=2)
    yield BLANK
    yield from _money("Impact (net change)", found.impact, _NET_TITLES)
    yield from _money("Balance (debits)", found.balance, _SUM_TITLES)
    yield line(("Reviewed: ", "strong"), f"{counts_of(reviewed)} {reviewed.digest}")
    yield line(("Now:      ", "strong"), f"{counts_of(now)} {now.digest}")


def _difference(one: ChangeDifference) -> Iterator[Part]:
    symbol, style = (
        ("+", "create") if one.before is None else ("-", "remove") if one.after is None else
        ("~", "update")
    )  # fmt: skip
    yield line("  ", (f"{symbol} ", style), span(one.address.name, "strong"), f": {one.what}")
    for fact in one.moved:
        what = f"{fact.name}: {value_text(fact.before)} -> {value_text(fact.after)}"
        others = fact.before is None and fact.after == OTHERS
        yield line(f"{fact.name} differ" if others else what, indent=6)
    was, now = (change.currency if change else "" for change in (one.before, one.after))
    for row in one.lines_removed:
        yield line((f"- {_posting(row, was)}", "remove"), indent=6)
    for row in one.lines_added:
        yield line((f"+ {_posting(row, now)}", "create"), indent=6)


def _posting(row: Mapping[str, Value], currency: str) -> str:
    """All fields of a line, so that no difference is hidden."""
    stated = [text_of(row.get(name)) or "" for name in ("type", "accountingCodeName")]
    stated.append(amount_text(row.get("amount"), currency))
    more = (f"{name}: {value_text(value)}" for name, value in row.items() if name not in _STATED)
    return ", ".join([" ".join(stated), *more])


_STATED = frozenset({"type", "accountingCodeName", "amount"})


_NET_TITLES = ("Period", "Accounting code", "Currency", "Reviewed", "Now")
_SUM_TITLES = ("", "Currency", "Reviewed", "Now")


def _money(
    title: str, rows: tuple[AmountDifference, ...], titles: tuple[str, ...]
) -> Iterator[Part]:
    if not rows:
        return
    text = sided if titles is _NET_TITLES else shown
    cells = [
        (*row.names, *(text(amount, row.currency) for amount in (row.before, row.after)))
        for row in rows
    ]
    amounts = frozenset({len(titles) - 2, len(titles) - 1})
    yield line((title, "strong"), " differs")
    yield from table([titles, *cells], right=amounts, header=True, indent=2)
    yield BLANK
