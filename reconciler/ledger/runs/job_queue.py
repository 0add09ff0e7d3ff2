"""The queue of jobs for journal runs: in the database, executed by one worker at a time.

A job is written in the transaction that answers the request, so an accepted run is never lost.
Workers execute the oldest job. Its claim names the worker, and expires after a few seconds. The
claim only prevents wasted work. Correctness does not depend on it: each step of a job is a single
transaction that excludes other writers, reads what is next from the rows, and stores its progress.
"""

from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from ..storage.tables import run_jobs
from ..web.call import Call

PROCESS, CANCEL, DELETE = "process", "cancel", "delete"
LEASE = 2
"""Seconds until another worker may take over the job of a worker that has ended."""

_JOB = run_jobs.c


def add(call: Call, run_id: str, work: str) -> None:
    """Queue work for a run in the caller's name. A run has at most one job."""
    last = call.tx.execute(select(func.max(_JOB.position))).scalar_one() or 0
    call.tx.execute(
        insert(run_jobs).values(
            tenant_id=call.tenant_id,
            journal_run_id=run_id,
            position=last + 1,
            work=work,
            handled=0,
            claimed_until=0,
            client_id=call.caller.client_id,
            user_id=call.caller.user_id,
            request_id=call.author.request_id,
            idempotency_key=call.author.idempotency_key,
        )
    )


def waiting(tx: Connection) -> bool:
    """Whether there is any job at all."""
    return tx.execute(select(_JOB.position).limit(1)).first() is not None


def claim(tx: Connection, worker: str, *, now: int) -> RowMapping | None:
    """Claim the oldest job, or renew the claim. None if there is none, or another worker has it."""
    job = tx.execute(select(run_jobs).order_by(_JOB.position).limit(1)).mappings().one_or_none()
    if job is None or (job["claim"] not in (None, worker) and now < job["claimed_until"]):
        return None
    _set(tx, job, claim=worker, claimed_until=now + LEASE)
    return job


def release(tx: Connection, worker: str) -> None:
    """Release the claim of an unfinished job."""
    tx.execute(update(run_jobs).where(_JOB.claim == worker).values(claim=None))


def handled(tx: Connection, job: RowMapping, position: int) -> None:
    """Store that the entries of the run are processed up to this position."""
    _set(tx, job, handled=position)


def drop(tx: Connection, tenant_id: str, run_id: str) -> None:
    """Remove the job of a run from the queue, if any."""
    tx.execute(delete(run_jobs).where(_JOB.tenant_id == tenant_id, _JOB.journal_run_id == run_id))


def _set(tx: Connection, job: RowMapping, **values: Any) -> None:
    tx.execute(
        update(run_jobs)
        .where(_JOB.tenant_id == job["tenant_id"], _JOB.journal_run_id == job["journal_run_id"])
        .values(**values)
    )
