"""The entries of a journal run, for a review."""

from collections.abc import Iterator

from reconciler.core.model.finding import counted, more
from reconciler.core.model.kinds import RUN_ENTRY_KIND
from reconciler.core.model.money import shown
from reconciler.core.model.plan import Action, Change
from reconciler.core.model.resource import Live, rows_of, text_of
from reconciler.core.planning.run_members import blocks_run_cancel, is_posted, transfer_of
from reconciler.render.phrases import side_total
from reconciler.render.styled_text import Part, line, span, table

_ROWS = 20
"""The number of entries listed, those that block the run first; the rest are counted."""


_STYLES = {"!": "blocked", "-": "remove", "": ""}


def run_lines(change: Change) -> Iterator[Part]:
    """The entries that a run cancels, one row each; those that stay are marked."""
    if change.wanted not in (Action.REMOVE, Action.REPLACE, Action.ADOPT):
        return
    rows = member_cells(change)
    count = max(0, len(rows) - 1)
    gone = len(change.members) - count
    stays = change.block is not None or not change.cancels
    what = "its posted entries" if stays else "cancelled with it"
    yield line(f"{what}: {counted(count, 'entry', 'entries')}", indent=6)
    rows = rows[: _ROWS + 1]
    styles = ["faint", *(_STYLES[row[0]] for row in rows[1:])]
    yield from table(rows, right=_AMOUNTS, header=True, indent=8, styles=styles)
    if left := more(count, _ROWS):
        yield line(span(left, "faint"), indent=8)
    if gone:
        before = f"cancelled before: {counted(gone, 'entry', 'entries')}"
        yield line(span(before, "faint"), indent=8)


_AMOUNTS = frozenset({4})
"""The columns of a run's entries that hold amounts."""


def member_cells(change: Change) -> tuple[tuple[str, ...], ...]:
    """The titles, then the posted entries of a run, those that block it first; empty for none."""
    titles = ("", "Entry", "Period", "Currency", "Debit = credit", "Transferred")
    listed = sorted(
        (member for member in change.members if is_posted(member)),
        key=lambda member: (not blocks_run_cancel(member), member.number),
    )
    cancels = change.wanted is not Action.ADOPT
    rows = tuple(_row(member, cancels=cancels) for member in listed)
    return (titles, *rows) if rows else ()


def _row(member: Live, *, cancels: bool) -> tuple[str, ...]:
    """`cancels` means that the run is to be cancelled, and its entries with it."""
    currency = text_of(member.fields.get(RUN_ENTRY_KIND.currency)) or ""
    debits = side_total(rows_of(member.fields.get(RUN_ENTRY_KIND.lines)), "Debit")
    stays = blocks_run_cancel(member) and cancels
    return (
        "!" if stays else "-" if cancels else "",
        member.number,
        text_of(member.fields.get(RUN_ENTRY_KIND.period)) or "",
        currency,
        shown(debits, currency),
        transfer_of(member) + (", stays" if stays else ""),
    )
