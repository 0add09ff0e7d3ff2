"""The steps of every job: process a run, cancel its entries one by one, delete them (facts 5.4)."""

from collections.abc import Callable, Sequence

from sqlalchemy import RowMapping, exists, select

from ..journals import allocation
from ..journals.entries import HELD
from ..journals.entries import KIND as ENTRY
from ..storage.tables import journal_entries
from . import job_queue, summarization
from .job_context import Task
from .operations import KIND

ENTRIES_PER_STEP = 20
"""Entries handled in one transaction: few enough that requests in between hardly wait."""

_ENTRY = journal_entries.c


def cancel(task: Task) -> None:
    """Cancel the next few entries. One that is transferred, or on its way there, stays.

    Each is looked at once. When none is left, the run is Cancelled if all of its entries are, and
    Completed again if one is not.
    """
    entries = _next(task)
    for entry in entries:
        if entry["status"] == "Created" and entry["transferred_to_accounting"] not in HELD:
            task.set_entry(entry, {"status": "Cancelled"})
            allocation.untie(task.tx, entry)
            task.record("cancel", ENTRY, entry["number"], {"journalRun": task.run["number"]})
    if _more(task, entries):
        return
    status = "Completed" if _any_created(task) else "Cancelled"
    task.finish({"status": status})
    task.record("cancelled", KIND, task.run["number"], {"status": status})


def delete(task: Task) -> None:
    """Delete the next few entries of a cancelled run, and in the end the run itself."""
    entries = _next(task)
    for entry in entries:
        task.set_entry(entry, {"deleted": True})
        task.record("delete", ENTRY, entry["number"], {"journalRun": task.run["number"]})
    if _more(task, entries):
        return
    task.finish({"deleted": True})
    task.record("deleted", KIND, task.run["number"], {})


STEPS: dict[str, Callable[[Task], None]] = {
    job_queue.PROCESS: summarization.process,
    job_queue.CANCEL: cancel,
    job_queue.DELETE: delete,
}
"""By the work a job is for."""


def _next(task: Task) -> Sequence[RowMapping]:
    """The entries after the ones that are handled, in the order they were made."""
    query = (
        select(journal_entries)
        .where(
            _ENTRY.tenant_id == task.tenant_id,
            _ENTRY.journal_run_id == task.run["id"],
            _ENTRY.run_position > task.job["handled"],
            _ENTRY.deleted.is_(False),
        )
        .order_by(_ENTRY.run_position)
        .limit(ENTRIES_PER_STEP)
    )
    return task.tx.execute(query).mappings().all()


def _more(task: Task, entries: Sequence[RowMapping]) -> bool:
    """Whether there may be entries after these; if so, notes how far the job has come."""
    if len(entries) < ENTRIES_PER_STEP:
        return False
    job_queue.handled(task.tx, task.job, entries[-1]["run_position"])
    return True


def _any_created(task: Task) -> bool:
    query = exists().where(
        _ENTRY.tenant_id == task.tenant_id,
        _ENTRY.journal_run_id == task.run["id"],
        _ENTRY.status == "Created",
        _ENTRY.deleted.is_(False),
    )
    return bool(task.tx.execute(select(query)).scalar_one())
