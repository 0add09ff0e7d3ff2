"""The kinds of document that change the ledger, as data. Only this package names a kind."""

from collections.abc import Mapping

from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.kinds.journal_run import JOURNAL_RUN
from reconciler.core.model.kinds.kind import Kind

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (JOURNAL_ENTRY, JOURNAL_RUN)}

RUN_ENTRY_KIND = KINDS[JOURNAL_RUN.members]
"""The kind of the entries of a journal run."""
