"""Looks for a workspace's entries number by number, where the ledger cannot be searched."""

from collections.abc import Callable, Mapping

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.resource import Live
from reconciler.core.recovery.marker_search import Search
from reconciler.core.recovery.number_probe import Probe

Read = Callable[[tuple[tuple[Kind, str], ...]], Mapping[str, Live | None]]
"""Reads numbers, each with its kind: what is live under every one of them."""


def probe_ledger(read: Read, begin: str, workspace: str, place: str, *, why: str) -> Search:
    """Look upward from a number until nothing more stands there. Raises LedgerError.

    Only entries are looked for, for nothing else carries a marker. `why` says what made it
    necessary.
    """
    kind = next(kind for kind in KINDS.values() if kind.marked)
    probe = Probe(kind=kind, begin=begin, workspace=workspace, place=place)
    while not probe.over:
        probe.take(read(probe.batch()))
    return probe.search(why)
