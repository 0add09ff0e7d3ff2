"""The pages of journal runs: progress, entries, and what blocks a cancellation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, func, select

from ..journals.allocation import count_remaining_groups
from ..journals.entries import UNCANCELLABLE_STATES
from ..runs.operations import BUSY_STATES, KIND
from ..storage.tables import journal_entries, journal_runs
from .history import history
from .listing import list_entries, page_by_number, visible_entries, visible_runs_of
from .view import Page, PageNotFound, View

SIZE = 25
BLOCKING = 50
"""Entries that block a cancellation are listed up to this number."""
REFRESH = 3
"""Seconds between refreshes of the page of a busy run."""

_RUN, _ENTRY = journal_runs.c, journal_entries.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The entries of a run by state. `held` are not cancelled with the run."""

    created: int = 0
    held: int = 0
    cancelled: int = 0
    deleted: int = 0

    @property
    def there(self) -> int:
        return self.created + self.cancelled

    @property
    def ever(self) -> int:
        return self.there + self.deleted


def page(view: View) -> Page:
    query = select(journal_runs).where(*visible_runs_of(view))
    runs, newer, older = page_by_number(view, query, _RUN.number, size=SIZE, path="/runs", kept={})
    counts = _counts_of(view, runs)
    return Page(
        template="runs.html",
        title="Journal runs",
        section="runs",
        values={
            "runs": [
                (run, counts[run["id"]], _progress(view, run, counts[run["id"]])) for run in runs
            ],
            "newer": newer,
            "older": older,
        },
        refresh=_refresh(view, runs),
    )


def page_of_one(view: View) -> Page:
    """The run of the path, with its entries. Raises PageNotFound."""
    query = select(journal_runs).where(*visible_runs_of(view), _RUN.number == view.number)
    run = view.tx.execute(query).mappings().one_or_none()
    if run is None:
        raise PageNotFound(
            f"There is no journal run {view.path['number'][:40]} in this ledger. It may have been "
            "deleted, with its entries."
        )
    counts = _counts_of(view, [run])[run["id"]]
    path = f"/runs/{run['number']}"
    return Page(
        template="run.html",
        title=run["number"],
        section="runs",
        values={
            "run": run,
            "counts": counts,
            "progress": _progress(view, run, counts),
            "blocking": _blocking(view, run) if counts.held else (),
            "listing": list_entries(view, [_ENTRY.journal_run_id == run["id"]], path=path, kept={}),
            "events": history(view, KIND, run["number"]),
            "path": path,
        },
        refresh=_refresh(view, [run]),
    )


def _refresh(view: View, runs: Sequence[RowMapping]) -> int | None:
    """The refresh interval while a run is busy, unless it is switched off."""
    moving = any(run["status"] in BUSY_STATES for run in runs)
    return REFRESH if moving and view.query.get("refresh") != "off" else None


def _counts_of(view: View, runs: Sequence[RowMapping]) -> Mapping[str, Counts]:
    row = _ENTRY
    same = (row.journal_run_id, row.status, row.deleted, row.transferred_to_accounting)
    query = (
        select(*same, func.count())
        .where(
            _ENTRY.tenant_id == view.tenant_id,
            _ENTRY.journal_run_id.in_([run["id"] for run in runs]),
            *view.viewer.entry_filter(),
        )
        .group_by(*same)
    )
    found: dict[str, dict[str, int]] = {run["id"]: {} for run in runs}
    for run_id, status, deleted, transfer, count in view.tx.execute(query):
        sums = found[run_id]
        sort = "deleted" if deleted else status.lower()
        sums[sort] = sums.get(sort, 0) + count
        if transfer in UNCANCELLABLE_STATES and sort == "created":
            sums["held"] = sums.get("held", 0) + count
    return {run_id: Counts(**sums) for run_id, sums in found.items()}


def _progress(view: View, run: RowMapping, counts: Counts) -> dict[str, object] | None:
    """The progress of a busy run in entries; `of` is None while the total is unknown."""
    match run["status"]:
        case "Pending":
            return {"verb": "made", "done": 0, "of": None}
        case "Processing":
            remaining = count_remaining_groups(view.tx, run)
            return {"verb": "made", "done": counts.ever, "of": counts.ever + remaining}
        case "CancelInprogress":
            return {"verb": "cancelled", "done": counts.cancelled, "of": counts.there}
        case "DeleteInprogress":
            return {"verb": "deleted", "done": counts.deleted, "of": counts.ever}
    return None


def _blocking(view: View, run: RowMapping) -> Sequence[RowMapping]:
    """The entries that a cancellation of the run does not cancel, in order of creation."""
    query = (
        select(_ENTRY.number, _ENTRY.transferred_to_accounting)
        .where(
            *visible_entries(view),
            _ENTRY.journal_run_id == run["id"],
            _ENTRY.status == "Created",
            _ENTRY.transferred_to_accounting.in_(UNCANCELLABLE_STATES),
        )
        .order_by(_ENTRY.run_position)
        .limit(BLOCKING)
    )
    return view.tx.execute(query).mappings().all()
