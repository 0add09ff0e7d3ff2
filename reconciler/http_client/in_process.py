"""Sends requests to a WSGI application in this process (PEP 3333)."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from reconciler.http_client.raw_answer import RawAnswer, RawRequest, joined

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class InProcess:
    """A transport without sockets, for any threads. What the application raises is raised."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    @contextmanager
    def answer(self, request: RawRequest) -> Iterator[RawAnswer]:
        """The answer of the application, readable within the context."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
        ) -> Any:
            if exc_info:
                raise exc_info[1]
            started.append((status, headers))
            return _no_writing

        parts = self._application(_environ(request), start_response)
        try:
            rest = iter(parts)
            # An application may start with its first part, which is not empty.
            first = [next(filter(None, rest), b"")]
            status, headers = started[-1]
            yield RawAnswer(
                status=int(status.partition(" ")[0]),
                headers=joined(headers),
                chunks=chain(filter(None, first), rest),
            )
        finally:
            if close := getattr(parts, "close", None):
                close()

    def close(self) -> None:
        """Nothing is kept."""


def _environ(request: RawRequest) -> dict[str, Any]:
    base_url = request.base_url
    path, _, query = request.target.partition("?")
    body = request.body or b""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": base_url.host,
        "SERVER_PORT": str(base_url.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": base_url.authority,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": base_url.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, text in request.headers.items():
        key = name.upper().replace("-", "_")
        if key == "ACCEPT_ENCODING":
            # Nothing is gained by compressing what no wire carries.
            continue
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = text
    return environ


def _no_writing(part: bytes, /) -> None:
    raise NotImplementedError("An application returns its answer; it does not write it.")
