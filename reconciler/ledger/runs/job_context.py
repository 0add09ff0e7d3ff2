"""A step of a job: transaction, run, time, and the client that asked for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, Table, select, update

from ..storage import audit
from ..storage.tables import journal_runs
from . import job_queue


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """One step of a job, inside its transaction. `timestamp` is the time of the step."""

    tx: Connection
    job: RowMapping
    run: RowMapping
    timestamp: str

    @property
    def tenant_id(self) -> str:
        tenant_id: str = self.run["tenant_id"]
        return tenant_id

    @property
    def user_id(self) -> str:
        """The user who asked for the job and is stored as the author of changes."""
        user_id: str = self.job["user_id"]
        return user_id

    def change(self, table: Table, row: RowMapping, values: Mapping[str, object]) -> None:
        """Set columns of a row, its last change included."""
        self.tx.execute(
            update(table)
            .where(table.c.tenant_id == self.tenant_id, table.c.id == row["id"])
            .values(**values, updated_by=self.user_id, updated_on=self.timestamp)
        )

    def finish(self, values: Mapping[str, object]) -> None:
        """Set the final columns of the run, and remove the job from the queue."""
        self.change(journal_runs, self.run, values)
        job_queue.drop(self.tx, self.tenant_id, self.run["id"])

    def record(self, action: str, kind: str, name: str, details: object) -> None:
        """Append an audit event in the name of the client that asked for the job."""
        act = audit.AuditContext(
            tenant_id=self.tenant_id,
            actor=self.job["client_id"],
            happened_on=self.timestamp,
            request_id=self.job["request_id"],
            idempotency_key=self.job["idempotency_key"],
        )
        audit.record(
            self.tx, act, action=action, object_type=kind, object_name=name, details=details
        )


def job_context_of(tx: Connection, job: RowMapping, *, timestamp: str) -> JobContext:
    """The next step of a job."""
    row = journal_runs.c
    query = select(journal_runs).where(
        row.tenant_id == job["tenant_id"], row.id == job["journal_run_id"]
    )
    return JobContext(tx=tx, job=job, run=tx.execute(query).mappings().one(), timestamp=timestamp)
