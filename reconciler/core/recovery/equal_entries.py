"""The search by content: entries that equal what a new daybook would post, under whatever marker.

A marker is found only under the workspace's present name, in its present field. Under a former name
or in a former field the entries are still posted, and their content is the only trace.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.core.model.canonical import as_declaration
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.journal_run import TRANSACTION_TYPES
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import Change
from reconciler.core.model.resource import Address, Declared, Live, Value, text_of
from reconciler.core.planning.diff import compare
from reconciler.core.planning.line_matching import Postings, postings_of
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.recovery.marker_search import address_in, numbered, statement_of_entries

MOST_READ = 1000
"""The most entries to read: each costs a call."""


def first_posts(changes: Iterable[Change], snapshot: Snapshot) -> tuple[Declared, ...]:
    """The declarations that would be posted, and whose entries could be found by a marker."""
    return tuple(
        snapshot.declared[change.address]
        for change in changes
        if change.posts and not change.number_posted and KINDS[change.address.kind].carries_marker
    )


def statement_of_periods(kind: Kind, wanted: Iterable[Declared]) -> str:
    """The query for the entries of the accounting periods of some declarations."""
    periods = sorted({str(one.spec.get(kind.period)) for one in wanted})
    return statement_of_entries(kind, periods, "e.currency AS currency")


def candidates(
    kind: Kind, rows: Iterable[Mapping[str, Value]], wanted: Iterable[Declared]
) -> tuple[str, ...]:
    """The posted numbers in the currency of a declaration. Raises UnexpectedRows."""
    currencies = {text_of(one.spec.get(kind.currency)) for one in wanted}
    numbers = set()
    for number, status, row in numbered(rows):
        by_run = row.get("transactiontype") in TRANSACTION_TYPES
        if status in kind.posted_states and not by_run and row.get("currency") in currencies:
            numbers.add(number)
    return tuple(sorted(numbers))


def with_equal(
    snapshot: Snapshot, wanted: Iterable[Declared], live: Mapping[str, Live | None]
) -> Snapshot:
    """The snapshot with the read entries that equal what would be posted."""
    posted: dict[str, _Posted] = {}
    equal: dict[Address, tuple[Live, ...]] = {}
    for one in wanted:
        kind = KINDS[one.address.kind]
        if kind.name not in posted:
            posted[kind.name] = _posted_by_others(kind, snapshot, live.values())
        found = tuple(
            other
            for other, fields in posted[kind.name].get(postings_of(kind, one.spec), ())
            if not compare(kind, one.spec, None, fields).forced_by
        )
        if found:
            equal[one.address] = found
    return replace(snapshot, equal=equal)


_Posted = Mapping[Postings, Sequence[tuple[Live, Mapping[str, Value]]]]


def _posted_by_others(kind: Kind, snapshot: Snapshot, entries: Iterable[Live | None]) -> _Posted:
    """What stands and belongs to no declaration, as declarations would have it, by its postings."""
    tenant, found = snapshot.tenant, defaultdict(list)
    adopted = {one.adopts for one in snapshot.declared.values()}
    for live in entries:
        if live is None or live.number in adopted or live.status not in kind.posted_states:
            continue
        owner = address_in(kind, live.fields, tenant.workspace, tenant.marker)
        if owner is not None and owner in snapshot.declared:
            # It is that declaration's own, and the search by marker has found it.
            continue
        fields = as_declaration(kind, live.fields)
        found[postings_of(kind, fields)].append((live, fields))
    return found
