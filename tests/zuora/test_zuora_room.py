"""A client takes the room that the ledger has, and is refused nothing: counted in calls."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from server_clock import Clock as ServerClock
from socket_server import on_a_socket

from reconciler.core.model.kinds import KINDS
from reconciler.http_client.clock import Clock
from reconciler.ledger import Limits, create_app, open_ledger
from reconciler.zuora.client import Client
from reconciler.zuora.connection import CallLimits, Connection, Credentials
from reconciler.zuora.rate_limit import RateLimiter

KIND = KINDS["JournalEntry"]
NOTHING = "JE-00000001"
REFERENCE = Path(__file__).parents[2] / "journals" / "reference.yaml"
ENTRY = {
    "accountingPeriodName": "Jan-2026",
    "currency": "USD",
    "journalEntryDate": "2026-01-31",
    "journalEntryItems": [
        {"accountingCodeName": code, "type": side, "amount": "1.00", "homeCurrencyAmount": "1.00"}
        for code, side in (("Deferred Revenue", "Debit"), ("Subscription Revenue", "Credit"))
    ],
}


class Tenant:
    """An embedded ledger with limits, on a socket; and the status of each answer."""

    def __init__(self, root, limits: Limits) -> None:
        self.clock = ServerClock()
        self.clock.time = self.clock.time.replace(second=30)
        self.slept: list[float] = []
        self.statuses: list[str] = []
        self.ledger = open_ledger(f"sqlite:///{root / 'ledger.db'}", REFERENCE)
        self._app = create_app(
            self.ledger,
            clock=self.clock,
            limits=limits,
            # Calls overlap inside the ledger.
            after_commit=lambda commit: time.sleep(0.01),
        )

    def app(self, environ, start):
        def noted(status, headers, *error):
            if environ["PATH_INFO"] != "/oauth/token":
                self.statuses.append(status[:3])
            return start(status, headers, *error)

        return self._app(environ, noted)

    def now(self) -> float:
        return self.clock.time.timestamp()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.pass_by(seconds=seconds)

    @property
    def refused(self) -> int:
        return self.statuses.count("429")


@pytest.fixture
def opened(tmp_path) -> Iterator[Callable[..., tuple[Tenant, Client]]]:
    """Makes a tenant with limits, and a client of it."""
    made = []

    def make(*, parallelism: int, **limits: int) -> tuple[Tenant, Client]:
        tenant = Tenant(tmp_path, Limits(**limits))
        serving = on_a_socket(tenant.app)
        client_id, secret = tenant.ledger.issue_client("room")
        client = Client(
            Connection(base_url=serving.__enter__()),
            Credentials(client_id=client_id, client_secret=secret),
            limits=CallLimits(concurrency=parallelism),
            clock=Clock(now=tenant.now, sleep=tenant.sleep),
        )
        made.extend((client.close, lambda: serving.__exit__(None, None, None), tenant.ledger.close))
        return tenant, client

    yield make
    for close in made:
        close()


@pytest.mark.parametrize(("slots", "used"), [(4, 3), (2, 1), (1, 1), (40, 8)])
def test_eight_threads_find_the_room_that_the_ledger_has(opened, slots, used):
    """A tenth of the slots, and one at least, is left to others, unless there is one only."""
    tenant, client = opened(parallelism=8, concurrency=slots)
    body = json.dumps(ENTRY).encode()
    with ThreadPoolExecutor(8) as pool:
        made = [*pool.map(lambda at: client.create(KIND, body, key=f"k{at}"), range(24))]
    assert (len({*made}), len(tenant.statuses), tenant.refused) == (24, 24, 0)
    assert client._caller._limiter.allowed == used


def test_a_window_that_is_used_up_is_waited_for_and_not_tried(opened):
    tenant, client = opened(parallelism=1, requests_per_minute=10)
    for _ in range(25):
        client.read(KIND, NOTHING)
    assert (len(tenant.statuses), tenant.refused) == (25, 0)
    assert tenant.slept == [30, 60]


def told(free=None, *, of=None, left=None, reset=60, refused=False):
    """An answer with its headers, in the words of the API."""
    figures = {
        "concurrency-limit-remaining": free,
        "concurrency-limit-limit": of,
        "ratelimit-remaining": left,
        "ratelimit-reset": None if left is None else reset,
    }
    headers = {name: str(figure) for name, figure in figures.items() if figure is not None}
    return headers, refused


SCARCE, PLENTY, SILENT, REFUSED = told(5), told(39), told(), told(refused=True)


@pytest.mark.parametrize(
    ("answers", "allowed"),
    [
        pytest.param([SILENT] * 8, [2, 3, 4, 5, 6, 7, 8, 8], id="no headers"),
        pytest.param([PLENTY], [8], id="plenty"),
        pytest.param([told(9)] * 4, [3, 4, 5, 6], id="half of few slots at once"),
        pytest.param([told(0), SCARCE, PLENTY], [1, 2, 8], id="others use the slots"),
        pytest.param([REFUSED, PLENTY, PLENTY], [1, 2, 2], id="refused before"),
        pytest.param([told(3, of=4)] * 3, [2, 3, 3], id="four slots"),
        pytest.param([told(0, of=1)] * 2, [1, 1], id="one slot"),
        pytest.param(
            [*[SILENT] * 3, REFUSED, *[SILENT] * 4], [2, 3, 4, 2, 2, 2, 3, 3], id="refused"
        ),
        pytest.param([told(left=9)] * 2, [2, 3], id="a window with room"),
        pytest.param([SILENT, told(left=2), told(left=9)], [2, 2, 2], id="answers out of order"),
        pytest.param([told(left=1, reset=1), told(left=9, reset=60)], [1, 3], id="the next window"),
        pytest.param([told("soon"), told(-1), told("٣")], [2, 3, 4], id="no numbers"),
    ],
)
def test_the_room_follows_from_the_answers(answers, allowed):
    limiter = RateLimiter(CallLimits(concurrency=8), clock=Clock(now=lambda: 1000.0))
    assert limiter.allowed == 1, "the first answer tells of the limits"
    found = []
    for headers, refused in answers:
        limiter.observe(headers, refused=refused)
        found.append(limiter.allowed)
    assert found == allowed


def rounds(calls: int, *, parallelism: int, slots: int) -> tuple[int, int]:
    """How often all calls in flight are waited for, and the calls refused: no clock is involved."""
    now, sample, waited, refused = [1000.0], (0.0, 0), 0, 0
    limiter = RateLimiter(CallLimits(concurrency=parallelism), clock=Clock(now=lambda: now[0]))
    while calls > 0:
        answers, held = [], []
        for inside in range(1, min(calls, limiter.allowed) + 1):
            held.append(limiter.slot(deadline=now[0]))
            assert held[-1].__enter__()
            if sample[0] != now[0] // 1:
                sample = now[0] // 1, max(0, slots - inside)
            answers.append(told(sample[1], of=slots, refused=inside > slots))
        now[0] += 0.05
        for slot, (headers, no) in zip(held, answers, strict=True):
            limiter.observe(headers, refused=no)
            slot.__exit__(None, None, None)
            calls, refused = calls - (not no), refused + no
        waited += 1
    return waited, refused


@pytest.mark.parametrize(
    ("slots", "waited"),
    [
        pytest.param(40, 8, id="one call, half of the slots, and 36 at a time"),
        pytest.param(200, 6, id="one call, and 40 at a time"),
        pytest.param(4, 68, id="one call, two, and three at a time"),
        pytest.param(1, 200, id="one at a time"),
    ],
)
def test_two_hundred_calls_of_forty_threads_use_the_room_almost_from_the_start(slots, waited):
    assert rounds(200, parallelism=40, slots=slots) == (waited, 0)


def test_a_used_up_window_pauses_all_calls_until_it_ends():
    limiter = RateLimiter(CallLimits(concurrency=8), clock=Clock(now=lambda: 1000.0))
    limiter.observe(told(left=0, reset=17)[0])
    assert limiter.remaining_wait() == 17
