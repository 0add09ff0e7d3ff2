"""A client with a real connection and a clock that only sleeping moves forward quickly."""

import time
from collections.abc import Callable, Iterator

import pytest
from fault_server import CLIENT_ID, SECRET, FaultServer

from reconciler.http_client.clock import Clock as ClientClock
from reconciler.zuora.client import Client
from reconciler.zuora.connection import CallLimits, Connection, Credentials

DEFAULTS = CallLimits()


class Clock:
    """Real time plus everything slept, so that waits are recorded instead of endured."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return time.monotonic() + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[FaultServer]:
    server = FaultServer()
    yield server
    server.stop()


Connect = Callable[..., Client]


@pytest.fixture
def connect(clock: Clock) -> Iterator[Connect]:
    """Makes clients of a base URL; `limits` and what a Connection takes may be given."""
    clients: list[Client] = []

    def connected(
        base_url: str, *, limits: CallLimits = DEFAULTS, token: str = "", **where: object
    ) -> Client:
        credentials = Credentials(client_id=CLIENT_ID, client_secret=SECRET, token=token)
        client = Client(
            Connection(base_url=base_url, **where),
            credentials,
            limits=limits,
            clock=ClientClock(now=clock.now, sleep=clock.sleep, random=lambda: 0.5),
        )
        clients.append(client)
        return client

    yield connected
    for client in clients:
        client.close()
