"""Runs a Data Query: submits it, waits for its end and reads its rows (API facts 6.1)."""

import json
import re
from collections.abc import Callable, Mapping

from reconciler.core.model.json_text import Texts, Unreadable, plain_texts, read_object
from reconciler.core.model.resource import Value, text_of, whole_of
from reconciler.errors import LedgerError, LedgerUnreachable, RequestRefused
from reconciler.http_client.clock import Clock
from reconciler.http_client.exchange import Request
from reconciler.values import dataclass
from reconciler.zuora.calls import Call, Caller
from reconciler.zuora.connection import CallLimits
from reconciler.zuora.errors import CallInfo
from reconciler.zuora.responses import Operation
from reconciler.zuora.result_file import ResultFiles, Row
from reconciler.zuora.token import TokenSource

JOBS = "/query/jobs"
JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")

AT_WORK = frozenset({"submitted", "accepted", "in_progress"})
COMPLETED = "completed"
ENDED_BADLY = frozenset({"failed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A query job according to a response. `rows` is None when it has no count."""

    id: str
    status: str
    address: str = ""
    rows: int | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Data Queries of one ledger. `request` builds a request from its parts."""

    caller: Caller
    tokens: TokenSource
    files: ResultFiles
    limits: CallLimits
    clock: Clock
    request: Callable[[str, str, bytes | None], Request]
    new_track_id: Callable[[], str]
    redact: Callable[[str], str]
    """Removes secrets from texts of the ledger."""

    def rows(
        self, statement: str, read: Callable[[bytes], tuple[Row, ...]], *, all_of_them: bool = False
    ) -> tuple[Row, ...]:
        """The rows of a statement, as `read` finds them in the result.

        A result that reached the limit of the ledger may lack rows. It is refused to a caller that
        needs `all_of_them`, because a row that it lacks proves nothing.
        A query has no effect, so it may be repeated. Raises AccessRefused without the permission,
        RequestRefused when the ledger does not offer or refuses the query, and another LedgerError
        when it fails or does not end before the deadline.
        """
        deadline = self.clock.now() + self.limits.query_deadline
        body = json.dumps(
            {
                "query": statement,
                "outputFormat": "JSON",
                "compression": "NONE",
                "output": {"target": "S3"},
            }
        )
        job = self._job("Submitting a query", "POST", JOBS, body.encode(), deadline=deadline)
        job = self._ended(job, deadline=deadline)
        if job.status != COMPLETED:
            reason = f": {self.redact(job.failure)[:200]}" if job.failure else ""
            raise RequestRefused(
                f"A query ended with the status {job.status}{reason}.", remedy="Run again later."
            )
        rows = self.files.rows(job.address, read, deadline=deadline)
        if job.rows is not None and job.rows != len(rows):
            raise LedgerError(
                f"The result of a query has {len(rows)} rows; the ledger reported {job.rows}.",
                remedy="Check for a proxy between this machine and the ledger, then run again.",
            )
        if all_of_them and len(rows) >= self.limits.result_rows:
            raise LedgerError(
                f"The result of a query reached the limit of {self.limits.result_rows:,} rows, so "
                "it may lack rows.",
                remedy="Divide the workspace into several, so that each has fewer entries.",
            )
        return rows

    def _ended(self, job: Job, *, deadline: float) -> Job:
        now, pause = self.clock.now, 0.0
        while job.status in AT_WORK:
            began = now()
            if began + pause >= deadline:
                raise _not_ended(f"{self.limits.query_deadline:g} seconds")
            if pause:
                self.clock.sleep(pause)
                if now() - began < pause / 2:
                    # A sleep that ends early means that the run must end.
                    raise _not_ended("this run")
            pause = min(max(pause * 1.5, self.limits.backoff), self.limits.backoff_cap)
            target = f"{JOBS}/{job.id}"
            job = self._job("Reading the status of a query", "GET", target, None, deadline=deadline)
        return job

    def _job(
        self, what: str, method: str, target: str, body: bytes | None, *, deadline: float
    ) -> Job:
        call: Call[Job] = Call(
            info=CallInfo(
                what=what,
                operation=Operation.QUERY,
                permission="Data Query",
                track_id=self.new_track_id(),
            ),
            request=self.request(method, target, body),
            accept=_job_of,
        )
        until = min(deadline, self.clock.now() + self.limits.deadline)
        return self.caller.perform(call, tokens=self.tokens, deadline=until)


def _job_of(document: Mapping[str, Value]) -> Job:
    data = document.get("data")
    if not isinstance(data, Mapping):
        raise Unreadable("the response has no query job")
    job_id, status = data.get("id"), data.get("queryStatus")
    if not isinstance(job_id, str) or not JOB_ID.fullmatch(job_id):
        raise Unreadable("the query job has no valid id")
    if not isinstance(status, str) or status not in {*AT_WORK, *ENDED_BADLY, COMPLETED}:
        raise Unreadable("the query job has an unknown status")
    address, failure, rows = (data.get(name) for name in ("dataFile", "errorMessage", "outputRows"))
    if status == COMPLETED and not isinstance(address, str):
        raise Unreadable("the query job is completed but names no result")
    return Job(
        id=job_id,
        status=status,
        address=address if isinstance(address, str) else "",
        rows=whole_of(rows),
        failure=failure if isinstance(failure, str) else "",
    )


def _not_ended(what: str) -> LedgerUnreachable:
    return LedgerUnreachable(
        f"A query did not end within {what}.",
        remedy="Run again later. Other queries of the tenant may delay it.",
    )


def objects(body: bytes) -> tuple[Mapping[str, Value], ...]:
    """The rows, one JSON object a line, by lower-case names of columns. Raises Unreadable."""
    rows = (read_object(row) for row in body.split(b"\n") if row.strip())
    return tuple({name.lower(): value for name, value in row.items()} for row in rows)


def texts(body: bytes, columns: tuple[str, ...]) -> tuple[Texts, ...]:
    """The same rows: these columns as texts, None for what is absent. Raises Unreadable."""
    plain = plain_texts(body, columns)
    if plain is not None:
        return plain
    return tuple(tuple(text_of(row.get(name)) for name in columns) for row in objects(body))
