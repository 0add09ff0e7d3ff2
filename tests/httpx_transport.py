"""A transport of httpx as one of the client: faults on a line are written for httpx."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from reconciler.http_client.raw_answer import NoAnswer, NotSent, RawAnswer, RawRequest, joined


class HttpxTransport:
    """Sends requests by a transport of httpx."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._client = httpx.Client(transport=inner, trust_env=False)

    @contextmanager
    def answer(self, request: RawRequest) -> Iterator[RawAnswer]:
        outgoing = self._client.build_request(
            request.method,
            f"{request.base_url.scheme}://{request.base_url.authority}{request.target}",
            content=request.body,
            headers=request.headers,
            timeout=httpx.Timeout(request.timeout, connect=request.connect_timeout),
        )
        try:
            response = self._client.send(outgoing, stream=True)
            try:
                yield RawAnswer(
                    status=response.status_code,
                    headers=joined(response.headers.multi_items()),
                    chunks=response.iter_raw(),
                )
            finally:
                response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotSent(str(error) or type(error).__name__) from error
        except httpx.TransportError as error:
            raise NoAnswer(str(error) or type(error).__name__) from error

    def close(self) -> None:
        self._client.close()
