"""What the command line has to do with the finder: when it is asked, and what is said of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.core.finder import untracked
from reconciler.core.kinds import KINDS
from reconciler.core.values import Address
from reconciler.find import Found

if TYPE_CHECKING:
    from reconciler.cli.wiring import Desk

MOST_NAMED = 10
"""So many untracked entries are named in a plan; of more, the count is said."""


def finding_warnings(desk: "Desk", found: Found) -> Iterator[str]:
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
    yield from _untracked(found)
    unmarked = any(change.posts for change in found.plan.pending if not _marked(change.address))
    if unmarked and not desk.daybook.complete:
        yield (
            "the daybook is new, and journal runs carry no marker that a search could find; "
            "if runs of this workspace were applied before, restore its daybook first"
        )


def _marked(address: Address) -> bool:
    return KINDS[address.kind].marked


def _untracked(found: Found) -> Iterator[str]:
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
