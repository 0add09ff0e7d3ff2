"""Query jobs: submitted, executed when they are polled, their results kept for a while.

Jobs are in the memory of their process, so queries never write to the database. After a restart a
client submits them again.
"""

import logging
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from ..auth.clients import Caller
from ..reference_data.tenant_settings import settings_of
from ..storage.store import Contention, Store
from ..web.call import timestamp
from ..web.errors import BUSINESS_RULE, NOT_FOUND, Refusal, refusal
from .execution import Interruption, Output, QueryCancelled, QueryFailed, Translation, execute
from .replica import Reading, Replicas
from .request import QueryRequest
from .results import COMPRESSIONS, written
from .schema import QueryTable, query_tables
from .visibility import Visibility

log = logging.getLogger(__name__)

MAX_RUNNING = 4
"""Jobs executed at a time in a process: half the threads of `ledger serve`."""
MAX_WAITING = 10
"""Waiting jobs of a tenant (API facts 6.1)."""
MAX_JOBS = 200
"""Jobs of a tenant that are kept, the newest."""
MAX_RESULTS = 256 * 1024 * 1024
"""Bytes of all results that are kept, the newest."""
FILE_LIFETIME = timedelta(hours=1)
JOB_LIFETIME = timedelta(hours=24)
ATTEMPTS = 4


class Status(StrEnum):
    """The documented states of a job."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


WAITING = (Status.SUBMITTED, Status.ACCEPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFile:
    name: str
    content: bytes
    expires: datetime


@dataclass(slots=True, kw_only=True)
class Job:
    """A job and its state. Changes need the lock of its Jobs."""

    id: str
    caller: Caller
    request: QueryRequest
    created: datetime
    updated: datetime
    status: Status = Status.SUBMITTED
    failure: str | None = None
    output_rows: int | None = None
    file: ResultFile | None = None


class Jobs:
    """The query jobs of an app. Each reads the database as it was `lag` before. Thread-safe."""

    def __init__(self, store: Store, *, lag: timedelta) -> None:
        self._store = store
        self._replicas = Replicas(store)
        self._lag = lag
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._running = threading.BoundedSemaphore(MAX_RUNNING)

    def submit(self, caller: Caller, request: QueryRequest, *, now: datetime) -> Job:
        """Accept a job. Raises Refusal for an invalid query."""
        with self._store.reading() as tx:
            _translated(tx, caller.tenant_id, request.query, now)
        with self._lock:
            self._forget(now)
            waiting = [job for job in self._of_tenant(caller) if job.status in WAITING]
        if len(waiting) >= MAX_WAITING:
            self.advance(waiting[0], now=now)
        job = Job(
            id=secrets.token_hex(32), caller=caller, request=request, created=now, updated=now
        )
        with self._lock:
            waiting = [other for other in self._of_tenant(caller) if other.status in WAITING]
            if len(waiting) >= MAX_WAITING:
                message = f"{MAX_WAITING} query jobs are waiting already"
                raise refusal(BUSINESS_RULE, message, status=429, always=True)
            self._jobs[job.id] = job
        return job

    def find(self, caller: Caller, job_id: str) -> Job:
        """A job of the caller. Raises Refusal if there is none with this id."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None or job.caller.client_id != caller.client_id:
            raise refusal(NOT_FOUND, f"Cannot find query job {job_id[:64]!r}.", always=True)
        return job

    def own(self, caller: Caller) -> list[Job]:
        with self._lock:
            jobs = [job for job in self._jobs.values() if job.caller.client_id == caller.client_id]
        return jobs[::-1]

    def cancel(self, job: Job, *, now: datetime) -> None:
        """Cancel a job that has not ended. Raises Refusal."""
        with self._lock:
            if job.status not in (*WAITING, Status.IN_PROGRESS):
                message = f"A query job that is {job.status} cannot be cancelled"
                raise refusal(BUSINESS_RULE, message, always=True)
            job.status, job.updated = Status.CANCELLED, now

    def advance(self, job: Job, *, now: datetime) -> None:
        """Execute a waiting job, unless MAX_RUNNING jobs are running."""
        with self._lock:
            if job.status not in WAITING:
                return
            if not self._running.acquire(blocking=False):
                job.status = Status.ACCEPTED
                return
            job.status, job.updated = Status.IN_PROGRESS, now
        try:
            self._execute(job, now)
        finally:
            self._running.release()

    def file(self, name: str, *, now: datetime) -> bytes | None:
        """The content of a result file; None if it is unknown or has expired."""
        with self._lock:
            files = [job.file for job in self._jobs.values() if job.file is not None]
        found = next((file for file in files if file.name == name and now < file.expires), None)
        return None if found is None else found.content

    def _execute(self, job: Job, now: datetime) -> None:
        try:
            output = self._output(job, now)
            file = _file(job.request, output, expires=now + FILE_LIFETIME)
        except QueryCancelled:
            return  # its status is set already
        except Contention:
            self._end(job, Status.ACCEPTED)  # the next poll tries again
            raise
        except (QueryFailed, Refusal) as why:
            self._end(job, Status.FAILED, failure=str(why))
        except Exception:
            log.exception("a query job failed")
            self._end(job, Status.FAILED, failure="unexpected failure; see the log of the ledger")
        else:
            self._end(job, Status.COMPLETED, file=file, output_rows=len(output.rows))

    def _end(
        self,
        job: Job,
        status: Status,
        *,
        failure: str | None = None,
        file: ResultFile | None = None,
        output_rows: int | None = None,
    ) -> None:
        with self._lock:
            if job.status is Status.IN_PROGRESS:  # and not cancelled meanwhile
                job.status, job.failure = status, failure
                job.file, job.output_rows = file, output_rows

    def _output(self, job: Job, now: datetime) -> Output:
        interruption = Interruption(lambda: job.status is Status.CANCELLED)
        tenant_id = job.caller.tenant_id
        replica = self._replicas.of(tenant_id)
        with ExitStack() as snapshots:
            with replica.locked(interruption.check) as tx:
                translated, schema = _translated(tx, tenant_id, job.request.query, now)
                if isinstance(translated, Output):
                    return translated
                visibility = self._visibility(job, translated, now)
                reading = Reading(
                    tx=tx, tenant_id=tenant_id, schema=schema, check_interrupt=interruption.check
                )
                needed = visibility.needs(translated.tables)
                snapshot = snapshots.enter_context(replica.updated(reading, needed))
                reached = visibility.prepare(snapshot, reading, translated.tables)
            return execute(translated, snapshot.copy, reached=reached, interruption=interruption)

    def _visibility(self, job: Job, translated: Translation, now: datetime) -> Visibility:
        both = translated.deleted_too
        return Visibility(
            now=now,
            until=timestamp(now - self._lag) if self._lag else None,
            live=both or not job.request.read_deleted,
            deleted=both or job.request.read_deleted,
            organizations=job.caller.organization_names,
            owner_id=job.caller.owner_id,
        )

    def _of_tenant(self, caller: Caller) -> Iterator[Job]:
        return (job for job in self._jobs.values() if job.caller.tenant_id == caller.tenant_id)

    def _forget(self, now: datetime) -> None:
        size, counts, kept = 0, dict[str, int](), dict[str, Job]()
        for job in reversed(self._jobs.values()):
            tenant = job.caller.tenant_id
            counts[tenant] = counts.get(tenant, 0) + 1
            if now - job.created > JOB_LIFETIME or counts[tenant] > MAX_JOBS:
                continue
            if job.file is not None:
                size += len(job.file.content)
                if size > MAX_RESULTS or now >= job.file.expires:
                    job.file = None
            kept[job.id] = job
        self._jobs = dict(reversed(kept.items()))


def _translated(
    tx: Connection, tenant_id: str, query: str, now: datetime
) -> tuple[Translation | Output, Mapping[str, QueryTable]]:
    """The translated query, or the answer itself. Raises Refusal."""
    # The parser takes longer to load than the rest of the ledger, and most ledgers get no query.
    from .translation import read_and_translate  # noqa: PLC0415

    schema = query_tables(settings_of(tx, tenant_id))
    return read_and_translate(query, schema, now=now), schema


def _file(request: QueryRequest, output: Output, *, expires: datetime) -> ResultFile:
    ending, compress = COMPRESSIONS[request.compression]
    kind = request.output_format.lower()
    content = written(output, fmt=request.output_format, separator=request.separator)
    return ResultFile(
        name=f"{secrets.token_urlsafe(32)}.{kind}{ending}",
        content=compress(content, f"result.{kind}"),
        expires=expires,
    )
