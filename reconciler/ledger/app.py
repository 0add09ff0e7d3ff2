"""The WSGI app: routes, headers and error forms around the ledger's operations."""

import gzip
import uuid
from collections.abc import Callable, Collection, Iterable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

import falcon
from falcon.routing import CompiledRouter

from .instance import Ledger
from .pages.routing import WsgiApp, with_pages
from .query import endpoint as data_query
from .query.jobs import Jobs
from .routes import ROUTES
from .runs.worker import Worker
from .storage.idempotency import Answer
from .web import errors, headers
from .web.authentication import authenticate, with_release
from .web.call import Route
from .web.endpoint import Commit, Services, refusal_for, refuse_options, respond
from .web.rate_limits import Limiter, Limits
from .web.responses import encode, failure
from .web.token_endpoint import TokenRequest

JSON = "application/json;charset=utf-8"
COMPRESS_OVER = 1000
"""Longer bodies, in bytes, are compressed for callers who accept it (API facts 1)."""

DESCRIPTION = "/openapi.json"
"""The path of the OpenAPI document."""
WORK_SLICE = 0.1
TOKEN_LIFETIME = 3600
"""Seconds that a token is valid, unless its client has a lifetime of its own (API facts 2)."""


def create_app(  # noqa: PLR0913 - keywords, each with a default
    ledger: Ledger,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    after_commit: Callable[[Commit], None] | None = None,
    strict_idempotency: bool = True,
    token_lifetime: int = TOKEN_LIFETIME,
    allowed_hosts: Collection[str] | None = None,
    failed_login_delay: float = 0.1,
    worker: Worker | None = None,
    limits: Limits | None = None,
    query_lag: float = 0,
) -> WsgiApp:
    """The journal API over an open ledger, for any WSGI server or for httpx.WSGITransport.

    `clock` gives aware UTC times, and is the only clock. `after_commit` is called when a write is
    on disk and not yet answered; what it raises leaves the app, as a crash would.
    `strict_idempotency` refuses another body under a used Idempotency-Key with 422; without it, the
    first answer is replayed. `token_lifetime` and `failed_login_delay` are in seconds.
    `allowed_hosts` are the values of the Host header that are answered, without a port; None allows
    any.

    `worker` executes journal runs and must be kept running by the caller. Without one, each request
    first works on them for WORK_SLICE seconds, so a client that polls sees them end.

    `limits` are the rate and concurrency limits; answers report them. Without it, nothing is
    counted. A Data Query reads the ledger as it was `query_lag` seconds ago.

    `/` and a few other paths are pages for people. They require a login unless `allowed_hosts` has
    loopback names only.
    """
    limiter = Limiter(limits or Limits())
    own = Worker(ledger.store, clock=clock)
    services = Services(
        store=ledger.store,
        work=(lambda: own.work_for(WORK_SLICE)) if worker is None else lambda: None,
        wake=(worker or own).wake,
        clock=clock,
        token_lifetime=token_lifetime,
        strict_idempotency=strict_idempotency,
        allowed_hosts=None if allowed_hosts is None else frozenset(allowed_hosts),
        failed_login_delay=failed_login_delay,
        limiter=limiter,
    )
    jobs = Jobs(ledger.store, lag=timedelta(seconds=query_lag))
    app: falcon.App[Any, Any] = falcon.App(
        middleware=[_Frame(services, jobs)], media_type=JSON, router=_router()
    )
    app.add_sink(_nowhere)
    app.add_error_handler(Exception, _on_error)
    app.add_error_handler(falcon.HTTPError, _on_http_error)
    app.add_error_handler(errors.Refusal, _on_refusal)
    served = _latin_paths(app)
    if after_commit is not None:
        served = _with_hook(served, after_commit)
    return with_pages(with_release(served, limiter), lambda: _pages(services, ledger))


@cache
def _router() -> CompiledRouter:
    """The routes of every app. What answers finds the services of its app in the request."""
    router = CompiledRouter()
    router.add_route("/oauth/token", TokenRequest())
    router.add_route(DESCRIPTION, _Description())
    for path in {route.path: None for route in ROUTES}:
        router.add_route(path, _resource([route for route in ROUTES if route.path == path]))
    for path, resource in data_query.RESOURCES.items():
        router.add_route(path, resource())
    return router


def _pages(services: Services, ledger: Ledger) -> WsgiApp:
    from .pages.app import pages_app  # noqa: PLC0415 - loaded for the first page

    return _latin_paths(pages_app(services, tenant_id=ledger.tenant_id))


def _latin_paths(app: WsgiApp) -> WsgiApp:
    """The app for callers in process too, who may pass a path as text instead of Latin-1 bytes."""

    def served(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        if not path.isascii() and any(ord(character) > 0xFF for character in path):
            environ["PATH_INFO"] = path.encode("utf-8", "replace").decode("latin-1")
        return app(environ, start_response)

    return served


def _with_hook(app: WsgiApp, after_commit: Callable[[Commit], None]) -> WsgiApp:
    """The app with the hook outside its error handlers, so that a crash is not answered."""

    def hooked(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started: list[tuple[Any, ...]] = []
        chunks = app(environ, lambda *args: started.append(args))
        commit = environ.get(_COMMIT)
        if commit is not None:
            after_commit(commit)
        start_response(*started[-1])
        return chunks

    return hooked


_COMMIT = "reconciler.ledger.commit"


class _Frame:
    """What happens around every request: ids, clock, version, host, compression."""

    def __init__(self, services: Services, jobs: Jobs) -> None:
        self._services = services
        self._jobs = jobs

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        """Fill the request's context before anything can go wrong, then check its headers."""
        context = request.context
        context.services = self._services
        context.jobs = self._jobs
        context.request_id = str(uuid.uuid4())
        context.now = self._services.clock()
        context.errors_have_status = True
        context.resource = errors.GENERAL
        context.track_id = None
        headers.check_host(request, self._services.allowed_hosts)
        context.errors_have_status = headers.errors_have_status(request)
        context.track_id = headers.track_id(request)

    def process_resource(
        self,
        request: falcon.Request,
        response: falcon.Response,
        resource: object,
        params: dict[str, str],
    ) -> None:
        """Authenticate before any responder; one that reads prepared does so by itself."""
        public = getattr(resource, "public", False)
        if not public and request.method not in getattr(resource, "prepared", ()):
            with self._services.store.reading_prepared() as tx:
                authenticate(self._services, tx, request, response)
        refuse_options(request, resource)

    def process_response(
        self, request: falcon.Request, response: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        context = request.context
        if "zuora-request-id" not in response.headers:
            response.set_header("Zuora-Request-Id", context.request_id)
        if context.track_id is not None:
            response.set_header("Zuora-Track-Id", context.track_id)
        response.set_header("Date", format_datetime(context.now, usegmt=True))
        body = response.data
        if body is not None and len(body) > COMPRESS_OVER:
            response.append_header("Vary", "Accept-Encoding")
            if headers.accepts_gzip(request):
                response.data = gzip.compress(body, mtime=0)
                response.set_header("Content-Encoding", "gzip")
        if hasattr(context, "commit"):
            request.env[_COMMIT] = context.commit


class _Description:
    public = True

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        from .openapi.document import document  # noqa: PLC0415 - few ask for it

        response.data = document()


def _nowhere(req: falcon.Request, resp: falcon.Response, **kwargs: Any) -> None:
    services: Services = req.context.services
    with services.store.reading_prepared() as tx:
        authenticate(services, tx, req, resp)
    raise errors.refusal(errors.NOT_FOUND, f"There is no resource at {req.path[:200]!r}")


def _resource(routes: list[Route]) -> object:
    responders = {f"on_{route.method.lower()}": _responder(route) for route in routes}
    prepared = frozenset(route.method for route in routes if route.prepared)
    return SimpleNamespace(prepared=prepared, **responders)


def _responder(route: Route) -> Callable[..., None]:
    def answered(request: falcon.Request, response: falcon.Response, **path: str) -> None:
        services: Services = request.context.services
        services.work()
        with services.store.reading_prepared() if route.prepared else nullcontext() as tx:
            if tx is not None:
                authenticate(services, tx, request, response)
            request.context.resource = route.error_resource
            _write(response, respond(services, route, request, path, reading=tx))

    return answered


def _write(response: falcon.Response, answer: Answer) -> None:
    response.status = answer.status
    response.data = answer.body
    response.content_type = JSON
    response.set_header("Zuora-Request-Id", answer.request_id)


def _on_refusal(
    request: falcon.Request,
    response: falcon.Response,
    error: errors.Refusal,
    params: dict[str, Any],
) -> None:
    if request.path.startswith(data_query.PREFIX):
        code = data_query.RESOURCE * 100 + error.reasons[0].category.number
        _write_plain(response, request, error.status, {"code": code, "message": str(error)})
        return
    _write(response, failure(error, request))


_CATEGORIES = {
    404: errors.NOT_FOUND,
    405: errors.NOT_SUPPORTED,
    406: errors.NOT_SUPPORTED,
    415: errors.NOT_SUPPORTED,
}
FORM_CODE = 90000020


def _on_http_error(
    request: falcon.Request,
    response: falcon.Response,
    error: falcon.HTTPError,
    params: dict[str, Any],
) -> None:
    """Answer errors of the framework, and those without an envelope."""
    response.set_headers(error.headers or {})
    status = error.status_code
    message = error.description or f"{request.method} is answered with {error.title}"
    if status == 401:
        # The proxy in front of the API answers these (API facts 2, 7.1).
        _write_plain(response, request, 401, {"message": "Authentication error"})
    elif status == 403 or request.path == "/oauth/token":
        _write_plain(response, request, status, {"code": FORM_CODE, "message": message})
    else:
        category: errors.Category = _CATEGORIES.get(
            status, errors.INVALID_VALUE if status < 500 else errors.INTERNAL
        )
        _on_refusal(request, response, errors.refusal(category, message, status=status), params)


def _write_plain(
    response: falcon.Response, request: falcon.Request, status: int, payload: object
) -> None:
    answer = Answer(status=status, body=encode(payload), request_id=request.context.request_id)
    _write(response, answer)


def _on_error(
    request: falcon.Request, response: falcon.Response, error: Exception, params: dict[str, Any]
) -> None:
    _on_refusal(request, response, refusal_for(error), params)
