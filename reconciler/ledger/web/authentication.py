"""Authentication by bearer token: the caller, its entity and organizations, and its limits."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import falcon
from sqlalchemy import Connection

from ..auth.clients import Caller, caller_of
from . import headers
from .endpoint import Services
from .errors import INVALID_VALUE, MISSING_PARAMETER, PERMISSION, TOO_MANY, Refusal, refusal
from .rate_limits import DAY, HOUR, MINUTE, Limiter, concurrency_headers, rate_headers

ENTITY, ORGANIZATIONS = "Zuora-Entity-Ids", "Zuora-Org-Ids"
"""The headers of the entity and of the organizations of a request (API facts 1.1)."""
_COUNTED = "reconciler.ledger.counted"
_SPANS = {MINUTE: "minute", HOUR: "hour", DAY: "day"}


def authenticate(
    services: Services, tx: Connection, request: falcon.Request, response: falcon.Response
) -> None:
    """Put the caller into the request's context, and count the request. `tx` reads prepared.

    Raises the framework's 401, or Refusal if a limit is exceeded. The headers about limits are set
    here, so that every answer to a known caller has them.
    """
    caller = _authenticated(tx, request)
    _count(services.limiter, request, response, key=caller.owner_id)
    request.context.caller = caller = _scoped(request, caller)
    if request.path.startswith("/v1/"):
        _count_concurrent(services.limiter, request, response, key=caller.tenant_id)


def count_token_request(services: Services, request: falcon.Request) -> Mapping[str, str]:
    """Count a token request by its address; returns headers, or raises the framework's 429."""
    if services.limiter.tokens is None:
        return {}
    usage = services.limiter.tokens.count(request.remote_addr, now=_now(request))
    limits = {
        "X-RateLimit-Limit-minute": str(usage.limit),
        "X-RateLimit-Remaining-minute": str(usage.remaining),
    }
    if not usage.admitted:
        raise falcon.HTTPTooManyRequests(
            description=f"Too many token requests: {usage.limit} in a minute are allowed",
            headers={**limits, "Retry-After": str(usage.reset)},
        )
    return limits


def with_release(
    app: Callable[..., Iterable[bytes]], limiter: Limiter
) -> Callable[..., Iterable[bytes]]:
    """The app, which releases the concurrency slot of each request when it ends."""

    concurrency = limiter.concurrency
    if concurrency is None:
        return app

    def served(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            return app(environ, start_response)
        finally:
            entered = environ.pop(_COUNTED, None)
            if entered is not None:
                concurrency.release(entered)

    return served


def _authenticated(tx: Connection, request: falcon.Request) -> Caller:
    token = headers.bearer(request)
    caller = None if token is None else caller_of(tx, token, now=_now(request))
    if caller is None:
        raise falcon.HTTPUnauthorized
    return caller


def _scoped(request: falcon.Request, caller: Caller) -> Caller:
    """The caller, limited to the entity and organizations of the headers. Raises Refusal."""
    entity = request.get_header(ENTITY)
    if caller.entities:
        entity_id = _chosen(request, caller)
        caller = replace(caller, tenant_id=caller.entities[entity_id], entity_id=entity_id)
    elif entity is not None and entity.strip() != caller.entity_id:
        raise refusal(PERMISSION, f"{ENTITY} names an entity the token does not span")
    asked = _listed(request, ORGANIZATIONS)
    if not asked:
        return caller
    if caller.organizations is None:
        raise refusal(PERMISSION, f"{ORGANIZATIONS} needs a Multi-Org tenant")
    if not set(asked) <= set(caller.organizations):
        raise refusal(PERMISSION, f"{ORGANIZATIONS} names an organization that is not the user's")
    return replace(caller, organizations={key: caller.organizations[key] for key in asked})


def _chosen(request: falcon.Request, caller: Caller) -> str:
    asked = _listed(request, ENTITY)
    if len(caller.entities) == 1:
        if request.get_header(ENTITY) is not None:
            raise refusal(
                INVALID_VALUE, f"{ENTITY} must not be sent: the token spans a single entity"
            )
        return next(iter(caller.entities))
    if not asked:
        raise refusal(MISSING_PARAMETER, f"{ENTITY} is required: the token spans several entities")
    if len(asked) > 1:
        raise refusal(INVALID_VALUE, f"{ENTITY} must name one entity")
    if asked[0] not in caller.entities:
        raise refusal(PERMISSION, f"{ENTITY} names an entity the token does not span")
    return asked[0]


def _listed(request: falcon.Request, name: str) -> list[str]:
    return [part.strip() for part in (request.get_header(name) or "").split(",") if part.strip()]


def _count(
    limiter: Limiter, request: falcon.Request, response: falcon.Response, *, key: str
) -> None:
    if limiter.requests is None:
        return
    usage = limiter.requests.count(key, now=_now(request))
    response.set_headers(rate_headers(usage, limiter.windows))
    if not usage.admitted:
        span = _SPANS[usage.seconds]
        message = f"Too many requests: {usage.limit} in a {span} are allowed"
        raise _too_many(response, message, wait=usage.reset)


def _count_concurrent(
    limiter: Limiter, request: falcon.Request, response: falcon.Response, *, key: str
) -> None:
    concurrency = limiter.concurrency
    if concurrency is None:
        return
    admitted = concurrency.acquire(key, now=_now(request))
    if admitted:
        request.env[_COUNTED] = key
    response.set_headers(concurrency_headers(concurrency, key))
    if not admitted:
        message = f"Too many concurrent requests: {concurrency.limit} at once are allowed"
        raise _too_many(response, message, wait=1)


def _too_many(response: falcon.Response, message: str, *, wait: int) -> Refusal:
    """A refusal with Retry-After, and its own status for callers of every version."""
    response.set_header("Retry-After", str(wait))
    return refusal(TOO_MANY, message, always=True)


def _now(request: falcon.Request) -> int:
    return int(request.context.now.timestamp())
