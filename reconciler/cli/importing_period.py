"""What `reconciler import --period` takes from an accounting period, and what it leaves."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from reconciler.cli.terminal import err, out, progress
from reconciler.errors import Refused
from reconciler.render.styled_text import line, span

if TYPE_CHECKING:
    from reconciler.app.session import Desk
    from reconciler.cli.importing import Found
    from reconciler.core.model.kinds.kind import Kind
    from reconciler.core.model.resource import Live

MOST_SHOWN = 50
"""So many entries that are left are shown one by one; of more, the count is said."""


_BY_NUMBER = "Import the entries by their numbers."


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What is imported of a period now, what is left with its reason, and how many wait."""

    found: "tuple[Found, ...]"
    left: tuple[tuple[str, str], ...]
    waiting: int


def gather(
    desk: "Desk", period: str, *, limit: int, name_of: "Callable[[Kind, Live], Found]"
) -> Gathered:
    """Search a period, read what is nobody's, and name it. Raises Refused and LedgerError.

    Entries are taken in the order of their numbers, at most `limit` of them; whoever asks again
    when they are imported gets the next ones.
    """
    from reconciler.core.model.kinds import RUN_ENTRY_KIND
    from reconciler.core.recovery.marker_search import UnexpectedRows
    from reconciler.core.recovery.period_import import seen_in, sort_out, statement_for, why_left

    _require_period(desk, period)
    place = desk.settings.marker
    rows = desk.client.query(statement_for(RUN_ENTRY_KIND, period, place))
    recorded = desk.daybook.recorded().values()
    workspace = desk.settings.name
    try:
        sorted_out = sort_out(RUN_ENTRY_KIND, seen_in(rows, place), recorded, workspace=workspace)
    except UnexpectedRows as error:
        raise Refused(f"the ledger cannot be searched: {error}", remedy=_BY_NUMBER) from error
    found, left = [], list(sorted_out.left)
    wanted = sorted_out.wanted[:limit]
    with progress("Reading entries", len(wanted)) as advance:
        for number in wanted:
            live = desk.client.read(RUN_ENTRY_KIND, number)
            why = why_left(RUN_ENTRY_KIND, live, period=period, workspace=workspace, place=place)
            try:
                if live is not None and not why:
                    found.append(name_of(RUN_ENTRY_KIND, live))
            except Refused as refusal:
                why = refusal.message
            if why:
                left.append((number, why))
            advance()
    return Gathered(
        found=tuple(found),
        left=tuple(sorted(left)),
        waiting=len(sorted_out.wanted) - len(wanted),
    )


def _require_period(desk: "Desk", period: str) -> None:
    names = [one.name for one in desk.client.accounting_periods()]
    if period not in names:
        close = get_close_matches(period, names, n=1)
        hint = f"Did you mean {close[0]}?" if close else "Check the name."
        raise Refused(f"the ledger has no accounting period {period}", remedy=hint)


def show(gathered: Gathered, period: str) -> None:
    """Say what is written where, and what is left."""
    out([line(("Import of ", ""), span(period, "strong"))])
    for item in gathered.found:
        where = str(item.path) if item.path is not None else "declared, and adopted now"
        out([line("  ", span("=", "adopt"), f" {item.live.number}  {item.address.name}  {where}")])
    for number, why in gathered.left[:MOST_SHOWN]:
        out([line("  ", span(f"left: {number}", "faint"), f"  {why}")])
    if (more := len(gathered.left) - MOST_SHOWN) > 0:
        out([line("  ", span(f"left: {more} more", "faint"))])
    if gathered.waiting:
        said = f"{gathered.waiting} more wait: run it again, or raise --limit."
        out([line("  ", said)])


def consented(gathered: Gathered) -> bool:
    """Ask whether to go on."""
    count = len(gathered.found)
    question = f"Import {count} {'entry' if count == 1 else 'entries'}? Only yes imports"
    answer = click.prompt(question, default="no", show_default=False, err=True)
    if str(answer) == "yes":
        return True
    err([line("Nothing was imported.")])
    return False
