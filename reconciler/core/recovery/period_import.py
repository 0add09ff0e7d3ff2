"""Decides which entries of an accounting period are imported."""

from collections.abc import Iterable, Iterator, Mapping

from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds.journal_run import TRANSACTION_TYPES
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import split_marker
from reconciler.core.model.resource import Live, Value
from reconciler.core.recovery.marker_search import numbered, statement_of_entries
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEntry:
    """An entry as a search returned it, to decide whether to read it."""

    number: str
    status: str
    marker: str | None
    transaction_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSelection:
    """The numbers to import, and the skipped ones with the reason."""

    wanted: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()


def statement_for(kind: Kind, period: str, place: str) -> str:
    """The query for all entries of a kind in an accounting period."""
    return statement_of_entries(kind, [period], f"e.{place} AS marker")


def listed_entries(rows: Iterable[Mapping[str, Value]], place: str) -> Iterator[ListedEntry]:
    """The rows of the query as values. Raises UnexpectedRows."""
    for number, status, row in numbered(rows):
        made = row.get("transactiontype")
        yield ListedEntry(
            number=number,
            status=status,
            marker=split_marker({place: row.get("marker")}, place)[1],
            transaction_type=made if isinstance(made, str) else "",
        )


def select_entries(
    kind: Kind, seen: Iterable[ListedEntry], recorded: Iterable[Recorded], *, workspace: str
) -> ImportSelection:
    """The entries without an owner, or of this workspace but not recorded; by number."""
    known: dict[str, str] = {}
    for state in recorded:
        name = state.address.name
        known |= dict.fromkeys(state.retired, f"forgotten, as {name}")
        held = (state.number, *state.leftovers)
        known |= {number: f"already recorded as {name}" for number in held if number is not None}
    wanted, left = [], []
    for one in sorted({each.number: each for each in seen}.values(), key=lambda one: one.number):
        why = known.get(one.number) or _reason_to_skip(kind, one, workspace)
        if why:
            left.append((one.number, why))
        else:
            wanted.append(one.number)
    return ImportSelection(wanted=tuple(wanted), left=tuple(left))


def reason_to_skip(
    kind: Kind, live: Live | None, *, period: str, workspace: str, place: str
) -> str:
    """Why an entry is not imported after its read; empty when it is."""
    if live is None:
        return "no longer in the ledger"
    if live.fields.get(kind.period) != period:
        return f"no longer in {period}"
    seen = ListedEntry(
        number=live.number,
        status=live.status,
        marker=split_marker(live.fields, place)[1],
        transaction_type=str(live.fields.get("transactionType") or ""),
    )
    return _reason_to_skip(kind, seen, workspace)


def _reason_to_skip(kind: Kind, seen: ListedEntry, workspace: str) -> str:
    if seen.status not in kind.posted_states:
        return f"has the status {seen.status}"
    if seen.marker is not None and seen.marker.partition("/")[0] != workspace:
        return f'carries the marker "{seen.marker}": it belongs to another workspace'
    if seen.transaction_type in TRANSACTION_TYPES:
        return "made by a journal run: import the run"
    return ""
