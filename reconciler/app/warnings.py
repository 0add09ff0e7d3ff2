"""What the command line has to do with the finder: when it is asked, and what is said of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.core.model.kinds import KINDS, RUN_ENTRY_KIND
from reconciler.core.model.plan import Action, Reason
from reconciler.core.model.resource import Address
from reconciler.core.recovery.marker_search import unrecorded, untracked
from reconciler.engine.search import SearchedPlan

if TYPE_CHECKING:
    from reconciler.app.session import Desk

MOST_NAMED = 10
"""So many untracked entries are named in a plan; of more, the count is said."""


def finding_warnings(desk: "Desk", found: SearchedPlan) -> Iterator[str]:
    """What a reader of the plan has to know of the search, or of its absence."""
    failure = found.search.failure if found.search else ""
    if failure and not desk.daybook.complete and found.doubts:
        yield (
            "the daybook is new, so every entry counts as new, and the ledger cannot be searched: "
            f"{failure}; if entries of this workspace were applied before, restore its daybook "
            "first"
        )
    elif failure:
        yield (
            "the ledger cannot be searched for entries that the daybook does not know: "
            f"{failure}; the plan rests on the daybook alone"
        )
    if found.search and found.search.probed and not failure:
        yield (
            f"the ledger cannot be searched: {found.search.instead_of}; {found.search.probed} were "
            "looked at one by one instead, which shows nothing below them, and nothing above a gap"
        )
    yield from _older(desk, found)
    yield from _untracked(found)
    unmarked = any(change.posts for change in found.plan.pending if not _marked(change.address))
    if unmarked and not desk.daybook.complete:
        yield (
            "the daybook is new, and journal runs carry no marker that a search could find; "
            "if runs of this workspace were applied before, restore its daybook first"
        )


def probe_begin(desk: "Desk", probe_from: str | None) -> str | None:
    """Where looking upward begins: where the user says, or after all that the daybook knows.

    A daybook that may lack entries knows no such number: what it lacks may stand below.
    """
    if probe_from is not None or not desk.daybook.complete:
        return probe_from
    return desk.daybook.last_number(RUN_ENTRY_KIND.name)


def _older(desk: "Desk", found: SearchedPlan) -> Iterator[str]:
    """What tells that the daybook is a copy from before the last apply (I-44)."""
    since = unrecorded(found.world) if desk.daybook.complete else ()
    if since:
        named = ", ".join(f"{number} ({address.name})" for address, number in since[:MOST_NAMED])
        more = f" and {len(since) - MOST_NAMED} more" if len(since) > MOST_NAMED else ""
        yield (
            "the daybook is older than the ledger, as a copy is that was restored: it does not "
            f"know {named}{more}; what it lacks is taken back, except for journal runs, which no "
            "search can find"
        )
    gone = sum(
        1
        for change in found.plan.changes
        if change.action is Action.FORGET and change.reason is Reason.MISSING_IN_LEDGER
    )
    if gone:
        entries = "1 entry is" if gone == 1 else f"{gone} entries are"
        yield (
            f"{entries} gone from the ledger that the daybook has and no file declares: somebody "
            "deleted what is gone, or the daybook is an older copy, from before it was removed"
        )


def _marked(address: Address) -> bool:
    return KINDS[address.kind].carries_marker


def _untracked(found: SearchedPlan) -> Iterator[str]:
    strangers = untracked(found.world)
    for address, number in strangers[:MOST_NAMED]:
        yield (
            f'{number} stands in the ledger with the marker of "{address.name}", and no file or '
            f"record speaks of it; it is left alone; to declare it: reconciler import {number}; "
            f"to hear no more of it: reconciler forget {address.name}"
        )
    more = len(strangers) - MOST_NAMED
    if more > 0:
        entries = "entry stands" if more == 1 else "entries stand"
        yield f"{more} more {entries} in the ledger that no file or record speaks of"
