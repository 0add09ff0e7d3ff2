"""The app of the pages: routes, access, headers and error pages."""

import logging
from typing import Any

import falcon
from sqlalchemy import Connection

from ..reference_data.tenant_settings import settings_of
from ..storage.store import Contention
from ..web import headers
from ..web.endpoint import Services, refuse_options
from . import entries, entry, rendering, runs, trial_balance
from .access import Viewer, viewer_of
from .routing import WsgiApp
from .sign_in import SignIn, SignOut, sign_in_redirect
from .view import Page, PageFunction, PageNotFound, View

log = logging.getLogger(__name__)

PAGES: dict[str, PageFunction] = {
    "/": entries.page,
    "/entries/{number}": entry.page,
    "/runs": runs.page,
    "/runs/{number}": runs.page_of_one,
    "/trial-balance": trial_balance.page,
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def pages_app(services: Services, *, tenant_id: str) -> WsgiApp:
    """The pages. Without a login, a viewer sees `tenant_id`."""
    app: falcon.App[Any, Any] = falcon.App(middleware=[_Frame(services)], media_type=rendering.HTML)
    for path, page_function in PAGES.items():
        app.add_route(path, _Resource(services, page_function, tenant_id=tenant_id))
    app.add_route("/sign-in", SignIn(services))
    app.add_route("/sign-out", SignOut(services))
    app.add_route("/pages/{name}", _Static())
    app.add_error_handler(Exception, _on_error)
    app.add_error_handler(falcon.HTTPError, _on_http_error)
    return app


class _Frame:
    """Common to all requests: the clock, the check of the host, strict headers."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        request.context.now = self._services.clock()
        response.set_headers(HEADERS)
        headers.check_host(request, self._services.allowed_hosts)

    def process_resource(
        self,
        request: falcon.Request,
        response: falcon.Response,
        resource: object,
        params: dict[str, str],
    ) -> None:
        refuse_options(request, resource)


class _Resource:
    def __init__(self, services: Services, page_function: PageFunction, *, tenant_id: str) -> None:
        self._services = services
        self._page_function = page_function
        self._tenant_id = tenant_id

    def on_get(self, request: falcon.Request, response: falcon.Response, **path: str) -> None:
        """Answer the page, or redirect to the login."""
        with self._services.store.reading() as tx:
            viewer = viewer_of(tx, self._services, request, tenant_id=self._tenant_id)
            if viewer is None:
                raise sign_in_redirect(request)
            view: View | None = None
            try:
                view = _view(tx, viewer, request, path)
                page = self._page_function(view)
            except PageNotFound as error:
                page, response.status = _problem("Not found", str(error)), 404
        if page.refresh is not None:
            response.set_header("Refresh", str(page.refresh))
        rendering.write(response, page, viewer=viewer, view=view)

    on_head = on_get


class _Static:
    """Stylesheet and icon, which are public."""

    def on_get(self, request: falcon.Request, response: falcon.Response, name: str) -> None:
        if name not in rendering.STATIC:
            raise falcon.HTTPNotFound
        response.data = rendering.static(name)
        response.content_type = rendering.STATIC[name]

    on_head = on_get


def _view(tx: Connection, viewer: Viewer, request: falcon.Request, path: dict[str, str]) -> View:
    """The request for a page of an entity, by default the first. Raises PageNotFound."""
    query = _query(request)
    asked = query.pop("entity", None)
    for entity in viewer.entities:
        if asked in (None, entity.id):
            settings = settings_of(tx, entity.tenant_id)
            return View(
                tx=tx, viewer=viewer, entity=entity, settings=settings, path=path, query=query
            )
    raise PageNotFound("This entity does not exist, or you have no access to it.")


def _query(request: falcon.Request) -> dict[str, str]:
    """The parameters with a value, in text that databases accept; the last of each name."""
    last = {
        name: value if isinstance(value, str) else value[-1]
        for name, value in request.params.items()
    }
    clean = {name: value.replace("\0", "").strip()[:200] for name, value in last.items()}
    return {name: value for name, value in clean.items() if value}


def _problem(title: str, message: str) -> Page:
    return Page(template="problem.html", title=title, section="", values={"message": message})


_SAYS = {
    403: "This host name is not served here.",
    404: "There is no page at this address.",
    405: "Pages are read-only. Use the API to change entries.",
}


def _on_http_error(
    request: falcon.Request,
    response: falcon.Response,
    error: falcon.HTTPError,
    params: dict[str, Any],
) -> None:
    """Answer errors of the framework, and those without a viewer."""
    response.status = error.status_code
    response.set_headers(error.headers or {})
    title = (error.title or "").partition(" ")[2].capitalize() or "Error"
    message = error.description or _SAYS.get(error.status_code, "The request is not understood.")
    rendering.write(response, _problem(title, message))


def _on_error(
    request: falcon.Request, response: falcon.Response, error: Exception, params: dict[str, Any]
) -> None:
    if isinstance(error, Contention):
        response.status = 409
        rendering.write(response, _problem("Busy", "The ledger is busy; try again."))
        return
    log.error("unexpected error", exc_info=error)
    response.status = 500
    rendering.write(response, _problem("Failure", "The ledger failed unexpectedly; see its log."))
