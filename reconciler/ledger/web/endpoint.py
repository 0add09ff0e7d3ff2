"""The life of one request: permission, idempotency, transaction, answer."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import falcon
from sqlalchemy import Connection

from ..auth.clients import Caller
from ..storage import idempotency
from ..storage.author import Author
from ..storage.idempotency import Answer, KeyConflict
from ..storage.store import Contention, Store
from . import body, headers
from .call import Call, Route, timestamp
from .errors import CONTENTION, INTERNAL, KEY_CONFLICT, NOT_FOUND, PERMISSION, Refusal, refusal
from .rate_limits import Limiter
from .responses import failure, success

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A write that is on disk and not answered yet: the argument of `after_commit`."""

    method: str
    path: str
    idempotency_key: str | None
    status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What all requests share. `clock` gives aware UTC times.

    `work` is called at the beginning of every request, `wake` after a request that queued work.
    """

    store: Store
    work: Callable[[], None]
    wake: Callable[[], None]
    clock: Callable[[], datetime]
    token_lifetime: int
    strict_idempotency: bool
    allowed_hosts: frozenset[str] | None
    failed_login_delay: float
    limiter: Limiter


def respond(
    services: Services,
    route: Route,
    request: falcon.Request,
    path: Mapping[str, str],
    reading: Connection | None = None,
) -> Answer:
    """Execute the request, in the transaction `reading` if there is one, or replay its answer.

    Raises Refusal only before the idempotency key is claimed. A write that took effect is put into
    `request.context.commit`.
    """
    if any("\0" in name for name in path.values()):
        # No name has it, and not every database accepts it in a query.
        raise refusal(NOT_FOUND, "No name contains the character U+0000")
    key = headers.idempotency_key(request)
    raw = body.read_bytes(request)
    if key is None:
        return _execute(services, route, request, path=path, raw=raw, reading=reading)
    claimed, known = _claim(services, request, key=key, raw=raw)
    if known is not None:
        _check_permission(route, request.context.caller)
        return known
    try:
        return _execute(services, route, request, path=path, raw=raw, claimed=claimed)
    except BaseException:
        # No answer was stored, so the next request with the key executes.
        idempotency.release(services.store, claimed)
        raise


def _claim(
    services: Services, request: falcon.Request, *, key: str, raw: bytes
) -> tuple[idempotency.Claim, Answer | None]:
    """The claim on a key, and the stored answer if the key was used. Raises Refusal."""
    caller: Caller = request.context.caller
    wanted = idempotency.Claim(
        tenant_id=caller.tenant_id,
        key=key,
        method=request.method,
        url=request.relative_uri,
        body_digest=hashlib.sha256(raw).hexdigest(),
    )
    now = int(request.context.now.timestamp())
    known = idempotency.claim(services.store, wanted, now=now, strict=services.strict_idempotency)
    if isinstance(known, KeyConflict):
        category, message = _CONFLICTS[known]
        raise refusal(category, message, always=True)
    return wanted, known


_CONFLICTS = {
    KeyConflict.RUNNING: (CONTENTION, "A request with this Idempotency-Key is still running"),
    KeyConflict.OTHER_REQUEST: (
        KEY_CONFLICT,
        "This Idempotency-Key was used with another URL or method",
    ),
    KeyConflict.OTHER_BODY: (KEY_CONFLICT, "This Idempotency-Key was used with another body"),
}


def _execute(  # noqa: PLR0913 - keywords of one request
    services: Services,
    route: Route,
    request: falcon.Request,
    *,
    path: Mapping[str, str],
    raw: bytes,
    claimed: idempotency.Claim | None = None,
    reading: Connection | None = None,
) -> Answer:
    request_id: str = request.context.request_id
    try:
        fields = _admit(route, request, raw)
        with _transaction(services, route, reading) as tx:
            call = Call(
                author=_author(tx, request, key=None if claimed is None else claimed.key),
                caller=request.context.caller,
                path=path,
                url=f"{request.prefix}{request.path}",
                query=_query(request),
                body=fields,
            )
            answer = success(route.operation(call), request_id=request_id)
            if claimed is not None:
                idempotency.store_answer(tx, claimed, answer)
    except Refusal as refused:
        answer = failure(refused, request)
        if claimed is not None:
            with services.store.writing() as tx:
                idempotency.store_answer(tx, claimed, answer)
        return answer
    if route.queues:
        services.wake()
    if route.writes:
        _committed(request, answer)
    return answer


def _transaction(
    services: Services, route: Route, reading: Connection | None
) -> AbstractContextManager[Connection]:
    if reading is not None:
        return nullcontext(reading)
    return services.store.writing() if route.writes else services.store.reading()


def _author(tx: Connection, request: falcon.Request, *, key: str | None) -> Author:
    context = request.context
    return Author(
        tx=tx,
        tenant_id=context.caller.tenant_id,
        client_id=context.caller.client_id,
        user_id=context.caller.user_id,
        happened_on=timestamp(context.now),
        request_id=context.request_id,
        idempotency_key=key,
    )


def _query(request: falcon.Request) -> dict[str, str]:
    """The query. The values of a repeated parameter are joined, so it is not a number."""
    return {
        name: value if isinstance(value, str) else ",".join(value)
        for name, value in request.params.items()
    }


def _admit(route: Route, request: falcon.Request, raw: bytes) -> Mapping[str, Any]:
    _check_permission(route, request.context.caller)
    if route.body:
        return body.read_object(raw, request.content_type)
    body.read_nothing(raw, request.content_type)
    return {}


def _check_permission(route: Route, caller: Caller) -> None:
    missing = [name for name in route.permissions if name not in caller.permissions]
    if missing:
        raise refusal(PERMISSION, f"The user lacks the permission {', '.join(missing)}")


def _committed(request: falcon.Request, answer: Answer) -> None:
    request.context.commit = Commit(
        method=request.method,
        path=request.path,
        idempotency_key=headers.idempotency_key(request),
        status=answer.status,
        body=answer.body,
    )


def refusal_for(error: Exception) -> Refusal:
    if isinstance(error, (Contention, idempotency.ClaimLost)):
        return refusal(CONTENTION, "The ledger is busy; try again")
    log.error("unexpected error", exc_info=error)
    return refusal(INTERNAL, "The ledger failed unexpectedly; see its log")


def refuse_options(request: falcon.Request, resource: object) -> None:
    """Refuse OPTIONS, which the framework would answer by itself; there is no CORS here."""
    if request.method == "OPTIONS":
        methods = ("GET", "HEAD", "POST", "PUT", "DELETE")
        allowed = [each for each in methods if hasattr(resource, f"on_{each.lower()}")]
        raise falcon.HTTPMethodNotAllowed(allowed)
