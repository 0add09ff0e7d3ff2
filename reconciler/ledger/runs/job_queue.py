"""The queue of jobs for journal runs: in the database, executed by one worker at a time.

A job is written in the transaction that answers the request, so an accepted run is never lost.
Workers execute the oldest job. Its claim names the worker, and expires after a few seconds. The
claim only prevents wasted work. Correctness does not depend on it: each step of a job is a single
transaction that excludes other writers, reads what is next from the rows, and stores its progress.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from ..storage.author import Author
from ..storage.tables import journal_runs, run_jobs
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
    return tx.execute(select(_JOB.position).limit(1)).first() is not None


def claim(tx: Connection, worker: str, *, now: int) -> RowMapping | None:
    """Claim the oldest job, or renew the claim. None if there is none, or another worker has it."""
    job = tx.execute(select(run_jobs).order_by(_JOB.position).limit(1)).mappings().one_or_none()
    if job is None or (job["claim"] not in (None, worker) and now < job["claimed_until"]):
        return None
    _set(tx, job, claim=worker, claimed_until=now + LEASE)
    return job


def release(tx: Connection, worker: str) -> None:
    tx.execute(update(run_jobs).where(_JOB.claim == worker).values(claim=None))


def handled(tx: Connection, job: RowMapping, position: int) -> None:
    """Store that the entries of the run are processed up to this position."""
    _set(tx, job, handled=position)


def drop(tx: Connection, tenant_id: str, run_id: str) -> None:
    tx.execute(delete(run_jobs).where(_JOB.tenant_id == tenant_id, _JOB.journal_run_id == run_id))


def _set(tx: Connection, job: RowMapping, **values: Any) -> None:
    tx.execute(
        update(run_jobs)
        .where(_JOB.tenant_id == job["tenant_id"], _JOB.journal_run_id == job["journal_run_id"])
        .values(**values)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """One step of a job, inside its transaction."""

    author: Author
    job: RowMapping
    run: RowMapping

    @property
    def tx(self) -> Connection:
        return self.author.tx

    @property
    def tenant_id(self) -> str:
        return self.author.tenant_id

    def finish(self, values: Mapping[str, object]) -> None:
        """Set the final columns of the run, and remove the job from the queue."""
        self.author.change(journal_runs, self.run, values)
        drop(self.tx, self.tenant_id, self.run["id"])


def job_context_of(tx: Connection, job: RowMapping, *, timestamp: str) -> JobContext:
    """The next step of a job, at a time."""
    row = journal_runs.c
    query = select(journal_runs).where(
        row.tenant_id == job["tenant_id"], row.id == job["journal_run_id"]
    )
    author = Author(
        tx=tx,
        tenant_id=job["tenant_id"],
        client_id=job["client_id"],
        user_id=job["user_id"],
        happened_on=timestamp,
        request_id=job["request_id"],
        idempotency_key=job["idempotency_key"],
    )
    return JobContext(author=author, job=job, run=tx.execute(query).mappings().one())
