"""Which requests are for the pages and which for the API, beside which they are served."""

import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_READ = re.compile(r"/(entries/[^/]*|runs(/[^/]*)?|trial-balance)?")
_PAGES = re.compile(rf"{_READ.pattern}|/(sign-in|sign-out|pages/[^/]*)")
_BELOW = re.compile(r"/(entries|runs|trial-balance|sign-in|sign-out|pages)(/.*)?", re.DOTALL)


def with_pages(api: WsgiApp, make_pages: Callable[[], WsgiApp]) -> WsgiApp:
    """An app that answers pages at their paths and leaves everything else to the API.

    The pages are made by the first request for one: who never looks at them pays nothing.
    """
    made: list[WsgiApp] = []
    making = threading.Lock()

    def served(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path, accept = environ.get("PATH_INFO", ""), environ.get("HTTP_ACCEPT", "")
        if not is_for_pages(path, accept, has_token="HTTP_AUTHORIZATION" in environ):
            return api(environ, start_response)
        with making:
            if not made:
                made.append(make_pages())
        return made[0](environ, start_response)

    return served


def is_for_pages(path: str, accept: str, *, has_token: bool) -> bool:
    """Whether a page answers this: at its path, unless JSON is asked for or the API's token sent.

    Who asks for HTML gets a page all the same, and that for an unknown path below a page's, too.
    """
    taken = {part.partition(";")[0].strip().lower() for part in accept.split(",")} - {""}
    if "text/html" in taken:
        return _BELOW.fullmatch(path) is not None or path == "/"
    asks_the_api = has_token or "application/json" in taken
    return _PAGES.fullmatch(path) is not None and not asks_the_api


def is_read(path: str) -> bool:
    """Whether this is the path of a page to read, where somebody who signs in may be sent."""
    return _READ.fullmatch(path) is not None
