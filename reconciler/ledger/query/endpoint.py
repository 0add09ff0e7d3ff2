"""Data Query over HTTP: answers under `data`, errors as `{code, message}`."""

import hashlib
from collections.abc import Mapping

import falcon

from ..web import body
from ..web.errors import NOT_FOUND, refusal
from ..web.responses import encode
from .jobs import ATTEMPTS, WAITING, Job, Jobs, Status
from .request import read_request

PREFIX = "/query/"
RESOURCE = 520500
"""The resource code of query jobs, chosen by this ledger like those of web.errors."""
_FILES = f"{PREFIX}files"


def _jobs(request: falcon.Request) -> Jobs:
    jobs: Jobs = request.context.jobs
    return jobs


class _All:
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        fields = body.read_object(body.read_bytes(request), request.content_type)
        asked = read_request(fields)
        job = _jobs(request).submit(request.context.caller, asked, now=request.context.now)
        response.data = encode({"data": _shown(request, job)})

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the caller's jobs, newest first, and execute the oldest that waits."""
        body.read_nothing(body.read_bytes(request), request.content_type)
        own = _jobs(request).own(request.context.caller)
        for job in [job for job in own if job.status in WAITING][-1:]:
            _jobs(request).advance(job, now=request.context.now)
        wanted = request.get_param_as_list("queryStatus") or list(Status)
        shown = [_shown(request, job) for job in own if job.status in wanted]
        response.data = encode({"data": shown})


def _found(request: falcon.Request, job_id: str) -> Job:
    body.read_nothing(body.read_bytes(request), request.content_type)
    return _jobs(request).find(request.context.caller, job_id)


class _One:
    def on_get(self, request: falcon.Request, response: falcon.Response, job_id: str) -> None:
        job = _found(request, job_id)
        _jobs(request).advance(job, now=request.context.now)
        response.data = encode({"data": _shown(request, job)})

    def on_delete(self, request: falcon.Request, response: falcon.Response, job_id: str) -> None:
        job = _found(request, job_id)
        _jobs(request).cancel(job, now=request.context.now)
        response.data = encode({"data": _shown(request, job)})


class _File:
    """A result file. Its name is secret, so it needs no token."""

    public = True

    def on_get(self, request: falcon.Request, response: falcon.Response, name: str) -> None:
        content = _jobs(request).file(name, now=request.context.now)
        if content is None:
            raise refusal(NOT_FOUND, "There is no such file, or it has expired", always=True)
        response.set_header("Cache-Control", "no-store")
        response.content_type = "application/octet-stream"
        response.data = content


RESOURCES: dict[str, type[object]] = {
    f"{PREFIX}jobs": _All,
    f"{PREFIX}jobs/{{job_id}}": _One,
    f"{_FILES}/{{name}}": _File,
}


def _shown(request: falcon.Request, job: Job) -> Mapping[str, object]:
    shown: dict[str, object] = {
        "id": job.id,
        "createdBy": hashlib.sha256(job.caller.user_id.encode()).hexdigest(),
        "query": job.request.query,
        "sourceData": job.request.source_data,
        "useIndexJoin": job.request.use_index_join,
        "queryStatus": job.status,
        "remainingRetries": ATTEMPTS - 1,
        "updatedOn": f"{job.updated:%Y-%m-%dT%H:%M:%S}Z",
    }
    if job.status is Status.COMPLETED:
        shown["outputRows"] = job.output_rows
        name = job.file.name if job.file is not None else "expired"
        shown["dataFile"] = f"{request.prefix}{_FILES}/{name}"
    if job.failure is not None:
        shown["errorMessage"] = job.failure
    return shown
