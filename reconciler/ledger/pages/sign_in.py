"""Sign-in with a client's id and secret for a session cookie, and sign-out."""

import re
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import falcon

from ..auth.clients import begin_session, end_session
from ..web.authentication import count_token_request
from ..web.endpoint import Services
from ..web.token_endpoint import read_form, verified_client
from . import rendering
from .access import COOKIE, is_open
from .routing import is_read
from .view import Page

_PAST = datetime(1970, 1, 1, tzinfo=UTC)
_TYPED = re.compile(r"[!-~]{1,100}")
WRONG = "The client id or the secret is wrong."


def sign_in_redirect(request: falcon.Request) -> falcon.HTTPSeeOther:
    """The redirect to the form, which returns to the requested page."""
    then = urlencode({"then": request.relative_uri[:1000]})
    return falcon.HTTPSeeOther(f"/sign-in?{then}")


class SignIn:
    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        if is_open(self._services, request):
            raise falcon.HTTPSeeOther("/")
        _show(response, then=request.get_param("then", default="/"), problem=None)

    on_head = on_get

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Begin a session if the secret is right; else show the form again."""
        _check_origin(request)
        count_token_request(self._services, request)
        form = read_form(request)
        then = form.get("then", "/")
        typed = [form.get(name, "").strip() for name in ("client_id", "client_secret")]
        fits = all(map(_TYPED.fullmatch, typed))
        # What no client can have takes as long as what is wrong.
        client = verified_client(self._services, *(typed if fits else ("", "")))
        if client is None:
            response.status = 401
            _show(response, then=then, problem=WRONG)
            return
        with self._services.store.writing() as tx:
            text, seconds = begin_session(tx, client, now=int(request.context.now.timestamp()))
        _set_cookie(request, response, text, seconds=seconds)
        raise falcon.HTTPSeeOther(_local(then))


class SignOut:
    def __init__(self, services: Services) -> None:
        self._services = services

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        _check_origin(request)
        text = request.cookies.get(COOKIE)
        if text:
            with self._services.store.writing() as tx:
                end_session(tx, text)
        _set_cookie(request, response, "", seconds=0)
        raise falcon.HTTPSeeOther("/")


def _set_cookie(
    request: falcon.Request, response: falcon.Response, text: str, *, seconds: int
) -> None:
    """A cookie that is hidden from scripts and other sites; zero seconds delete it."""
    forwarded = request.forwarded_scheme.partition(",")[0]
    response.set_cookie(
        COOKIE,
        text,
        expires=None if seconds else _PAST,
        max_age=seconds,
        path="/",
        secure="https" in (request.scheme, forwarded.strip().lower()),
        http_only=True,
        same_site="Strict",
    )


def _show(response: falcon.Response, *, then: str, problem: str | None) -> None:
    values = {"then": _local(then), "problem": problem}
    page = Page(template="sign_in.html", title="Sign in", section="", values=values)
    rendering.write(response, page)


def _local(path: str) -> str:
    """A local page to redirect to, whatever was requested."""
    fits = re.fullmatch(r"[!-~]+", path) is not None
    return path if fits and is_read(path.partition("?")[0]) else "/"


def _check_origin(request: falcon.Request) -> None:
    """Refuse a form from another site. A request without Origin is not from a browser."""
    origin = request.get_header("Origin")
    site = request.get_header("Sec-Fetch-Site")
    hosts = {request.get_header("Host"), request.get_header("X-Forwarded-Host")}
    ours = origin is None or (origin == "null" and site == "same-origin")
    if not ours and origin is not None and origin != "null":
        ours = _netloc(origin) in {(host or "").lower() for host in hosts} - {""}
    if not ours or site not in (None, "same-origin", "none"):
        raise falcon.HTTPForbidden(
            description="The form did not come from these pages. Open the page and try again; "
            "a proxy in front must pass on the Host header."
        )


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
