"""What is still to be done for journal runs: a queue in the database, worked on by one at a time.

A job is written in the transaction that answers the request, so that no accepted run is forgotten.
The oldest job is worked on; its claim says by whom, and a claim that is not renewed for a few
seconds can be taken over. The claim spares workers from getting in each other's way. That nothing
is done twice does not hang on it: every step of a job is one transaction that excludes every other
writer, finds in the rows what comes next, and notes in the job how far it came.
"""

from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from ..storage.tables import run_jobs
from ..web.call import Call

PROCESS, CANCEL, DELETE = "process", "cancel", "delete"
LEASE = 2
"""Seconds until the job of a worker that is gone can be taken over."""

_JOB = run_jobs.c


def add(call: Call, run_id: str, work: str) -> None:
    """Queue work for a run on behalf of the caller. A run has at most one job."""
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
            request_id=call.request_id,
            idempotency_key=call.idempotency_key,
        )
    )


def waiting(tx: Connection) -> bool:
    """Whether there is any job at all."""
    return tx.execute(select(_JOB.position).limit(1)).first() is not None


def claim(tx: Connection, worker: str, *, now: int) -> RowMapping | None:
    """Claim the oldest job, or go on with it. None when there is none or another worker has it."""
    job = tx.execute(select(run_jobs).order_by(_JOB.position).limit(1)).mappings().one_or_none()
    if job is None or (job["claim"] not in (None, worker) and now < job["claimed_until"]):
        return None
    _set(tx, job, claim=worker, claimed_until=now + LEASE)
    return job


def release(tx: Connection, worker: str) -> None:
    """Let go of a job that is not finished, so that any worker can go on with it."""
    tx.execute(update(run_jobs).where(_JOB.claim == worker).values(claim=None))


def handled(tx: Connection, job: RowMapping, position: int) -> None:
    """Note that the entries of the run are dealt with up to this position."""
    _set(tx, job, handled=position)


def finish(tx: Connection, job: RowMapping) -> None:
    """Take a job that is done out of the queue."""
    drop(tx, job["tenant_id"], job["journal_run_id"])


def drop(tx: Connection, tenant_id: str, run_id: str) -> None:
    """Take whatever is queued for a run out of the queue."""
    tx.execute(delete(run_jobs).where(_JOB.tenant_id == tenant_id, _JOB.journal_run_id == run_id))


def _set(tx: Connection, job: RowMapping, **values: Any) -> None:
    tx.execute(
        update(run_jobs)
        .where(_JOB.tenant_id == job["tenant_id"], _JOB.journal_run_id == job["journal_run_id"])
        .values(**values)
    )
