"""The steps of jobs: process a run, cancel its entries, delete them (facts 5.4)."""

from collections.abc import Callable, Sequence

from sqlalchemy import RowMapping, exists, select

from ..journals import allocation
from ..journals.entries import KIND as ENTRY
from ..journals.entries import UNCANCELLABLE_STATES
from ..storage.tables import journal_entries
from . import job_queue, summarization
from .job_queue import JobContext
from .operations import KIND

ENTRIES_PER_STEP = 20
"""Entries per transaction: few, so that requests hardly wait."""

_ENTRY = journal_entries.c


def cancel(context: JobContext) -> None:
    """Cancel the next entries. Transferred ones, or those in transfer, are not cancelled.

    Each entry is tried once. At the end the run is Cancelled if all its entries are, else
    Completed.
    """
    entries = _next(context)
    for entry in entries:
        if (
            entry["status"] == "Created"
            and entry["transferred_to_accounting"] not in UNCANCELLABLE_STATES
        ):
            context.author.change(journal_entries, entry, {"status": "Cancelled"})
            allocation.release_entry(context.tx, entry)
            context.author.record(
                "cancel", ENTRY, entry["number"], {"journalRun": context.run["number"]}
            )
    if _more(context, entries):
        return
    status = "Completed" if _any_created(context) else "Cancelled"
    context.finish({"status": status})
    context.author.record("cancelled", KIND, context.run["number"], {"status": status})


def delete(context: JobContext) -> None:
    """Delete the next entries of a cancelled run, and finally the run."""
    entries = _next(context)
    for entry in entries:
        context.author.change(journal_entries, entry, {"deleted": True})
        context.author.record(
            "delete", ENTRY, entry["number"], {"journalRun": context.run["number"]}
        )
    if _more(context, entries):
        return
    context.finish({"deleted": True})
    context.author.record("deleted", KIND, context.run["number"], {})


STEPS: dict[str, Callable[[JobContext], None]] = {
    job_queue.PROCESS: summarization.process,
    job_queue.CANCEL: cancel,
    job_queue.DELETE: delete,
}


def _next(context: JobContext) -> Sequence[RowMapping]:
    query = (
        select(journal_entries)
        .where(
            _ENTRY.tenant_id == context.tenant_id,
            _ENTRY.journal_run_id == context.run["id"],
            _ENTRY.run_position > context.job["handled"],
            _ENTRY.deleted.is_(False),
        )
        .order_by(_ENTRY.run_position)
        .limit(ENTRIES_PER_STEP)
    )
    return context.tx.execute(query).mappings().all()


def _more(context: JobContext, entries: Sequence[RowMapping]) -> bool:
    """Whether more entries may follow; if so, stores the progress of the job."""
    if len(entries) < ENTRIES_PER_STEP:
        return False
    job_queue.handled(context.tx, context.job, entries[-1]["run_position"])
    return True


def _any_created(context: JobContext) -> bool:
    query = exists().where(
        _ENTRY.tenant_id == context.tenant_id,
        _ENTRY.journal_run_id == context.run["id"],
        _ENTRY.status == "Created",
        _ENTRY.deleted.is_(False),
    )
    return bool(context.tx.execute(select(query)).scalar_one())
