"""A step of a job: its run, and the client that asked for it as the author of changes."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from ..storage.author import Author
from ..storage.tables import journal_runs
from . import job_queue


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
        job_queue.drop(self.tx, self.tenant_id, self.run["id"])


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
