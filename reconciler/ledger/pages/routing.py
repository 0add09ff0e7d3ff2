"""Routing between pages and API, which share paths."""

import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_READ = re.compile(r"/(entries/[^/]*|runs(/[^/]*)?|trial-balance)?")
_PAGES = re.compile(rf"{_READ.pattern}|/(sign-in|sign-out|pages/[^/]*)")
_BELOW = re.compile(r"/(entries|runs|trial-balance|sign-in|sign-out|pages)(/.*)?", re.DOTALL)


def with_pages(api: WsgiApp, make_pages: Callable[[], WsgiApp]) -> WsgiApp:
    """An app that answers pages at their paths and passes other requests to the API."""
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
    """Whether a page answers: at its path, unless JSON is accepted or a token is sent.

    A request that accepts HTML always gets a page, also for unknown paths below those of pages.
    """
    taken = {part.partition(";")[0].strip().lower() for part in accept.split(",")} - {""}
    if "text/html" in taken:
        return _BELOW.fullmatch(path) is not None or path == "/"
    asks_the_api = has_token or "application/json" in taken
    return _PAGES.fullmatch(path) is not None and not asks_the_api


def is_read(path: str) -> bool:
    """Whether a path is that of a page, to which a login may redirect."""
    return _READ.fullmatch(path) is not None
