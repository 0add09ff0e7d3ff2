"""Limits: how many requests, how many at once, and what every answer says about them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ledger_harness import (
    ENTRIES,
    PROCESS,
    REFERENCE,
    SOCKET,
    Bench,
    categories_of,
    codes_of,
    entry,
    sign_in,
)

from reconciler.ledger import Limits
from reconciler.ledger.web.rate_limits import (
    DAY,
    HOUR,
    MINUTE,
    ConcurrencyLimit,
    RequestCounter,
    Usage,
)

NOON = 1_767_225_600  # a midnight of UTC, so that every window begins here
RATE = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
CONCURRENCY = tuple(f"Concurrency-Limit-{name}" for name in ("Type", "Limit", "Remaining"))
MISSING = f"{ENTRIES}/JE-00000001"


@pytest.fixture(params=[PROCESS, SOCKET])
def limited(request: Any, make_database: Callable[..., Any]) -> Iterator[Callable[..., Bench]]:
    """Makes ledgers with limits, in process and over a socket, at the start of a day."""
    made: list[Bench] = []

    def make(limits: Limits | None, **options: Any) -> Bench:
        made.append(Bench(make_database(), mode=request.param, limits=limits, **options))
        clock = made[-1].clock
        clock.time = clock.time.replace(hour=0, minute=0, second=0)
        return made[-1]

    yield make
    for bench in made:
        bench.close()


def said(response: Any, names: tuple[str, ...] = RATE) -> tuple[str | None, ...]:
    return tuple(response.headers.get(name) for name in names)


class TestRate:
    def test_answers_say_what_is_left_of_the_nearest_window_and_name_all(self, limited):
        bench = limited(Limits(requests_per_minute=3, requests_per_hour=4, requests_per_day=9))
        client = bench.client()
        windows = "3;w=60, 4;w=3600, 9;w=86400"
        assert said(client.get(MISSING)) == (f"3, {windows}", "2", "60")
        bench.clock.pass_by(seconds=15)
        assert said(client.get(MISSING)) == (f"3, {windows}", "1", "45")
        bench.clock.pass_by(minutes=1)
        assert said(client.get(MISSING)) == (f"4, {windows}", "1", "3525")

    def test_one_too_many_is_refused_until_the_window_ends(self, limited):
        bench = limited(Limits(requests_per_minute=2))
        client = bench.client()
        assert [client.get(MISSING).status_code for _ in range(3)] == [404, 404, 429]
        bench.clock.pass_by(seconds=59)
        refused = client.post(ENTRIES, json=entry())
        assert (refused.status_code, codes_of(refused)) == (429, [50000070])
        assert said(refused) == ("2, 2;w=60", "0", "1")
        assert refused.headers["Retry-After"] == "1"
        bench.clock.pass_by(seconds=1)
        assert client.post(ENTRIES, json=entry()).json()["success"] is True

    def test_a_refused_request_leaves_its_key_free(self, limited):
        bench = limited(Limits(requests_per_minute=1))
        client = bench.client()
        client.get(MISSING)
        keyed = {"json": entry(), "headers": {"Idempotency-Key": "k"}}
        assert client.post(ENTRIES, **keyed).status_code == 429
        bench.clock.pass_by(minutes=1)
        assert client.post(ENTRIES, **keyed).json()["success"] is True

    @pytest.mark.parametrize("version", ["2025-08-12", "2023-01-01", "196.0"])
    def test_callers_of_every_version_get_the_status(self, limited, version):
        client = limited(Limits(requests_per_minute=1)).client()
        client.headers["Zuora-Version"] = version
        assert [client.get(MISSING).status_code for _ in range(2)][1] == 429

    @pytest.mark.parametrize(
        ("method", "path", "options", "status"),
        [
            ("GET", "/v1/accounting-codes", {}, 200),
            ("GET", MISSING, {}, 404),
            ("POST", ENTRIES, {"content": b"{"}, 400),
            ("PATCH", ENTRIES, {}, 405),
            ("GET", "/v1/nowhere", {}, 404),
        ],
        ids=["done", "not found", "malformed", "another method", "no operation"],
    )
    def test_every_answer_to_a_known_caller_speaks_of_the_limits(
        self, limited, method, path, options, status
    ):
        client = limited(Limits(requests_per_minute=9, concurrency=4)).client()
        response = client.request(
            method, path, headers={"Content-Type": "application/json"}, **options
        )
        assert response.status_code == status
        assert said(response) == ("9, 9;w=60", "8", "60")
        assert said(response, CONCURRENCY) == ("Default", "4", "3")

    @pytest.mark.parametrize("limits", [None, Limits()])
    def test_without_limits_nothing_is_said(self, limited, limits):
        response = limited(limits).client().get(MISSING)
        assert said(response, RATE + CONCURRENCY) == (None,) * 6

    def test_the_clients_of_a_tenant_share_its_limit_and_tenants_do_not(self, limited):
        bench = limited(Limits(requests_per_minute=1))
        other = bench.ledger.add_tenant(REFERENCE)
        one, two, neighbour = bench.client(), bench.client(), bench.client(tenant_id=other)
        statuses = [client.get(MISSING).status_code for client in (one, two, neighbour)]
        assert statuses == [404, 429, 404]

    def test_strangers_are_not_counted(self, limited):
        bench = limited(Limits(requests_per_minute=1))
        client = bench.client()
        stranger = bench.anonymous().get(MISSING)
        assert (stranger.status_code, said(stranger)) == (401, (None, None, None))
        assert client.get(MISSING).status_code == 404

    def test_threads_together_get_exactly_the_limit(self, limited):
        client = limited(Limits(requests_per_minute=40)).client()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: client.get(MISSING), range(100)))
        assert sorted(answer.status_code for answer in answers) == [404] * 40 + [429] * 60
        left = [int(a.headers["RateLimit-Remaining"]) for a in answers if a.status_code == 404]
        assert sorted(left) == list(range(40))


class TestTokens:
    def test_the_token_operation_counts_for_itself(self, limited):
        bench = limited(Limits(requests_per_minute=1, token_requests_per_minute=2))
        credentials = bench.ledger.issue_client("ci")
        client = bench.anonymous()
        names = ("X-RateLimit-Limit-minute", "X-RateLimit-Remaining-minute")
        first = sign_in(client, *credentials)
        assert (first.status_code, said(first, names)) == (200, ("2", "1"))
        assert sign_in(client, *credentials, client_secret="wrong").status_code == 401
        refused = sign_in(client, *credentials)
        assert (refused.status_code, said(refused, names)) == (429, ("2", "0"))
        assert set(refused.json()) == {"code", "message"}
        assert refused.headers["Retry-After"] == "60"
        bench.clock.pass_by(minutes=1)
        assert sign_in(client, *credentials).status_code == 200


class TestConcurrency:
    @pytest.fixture
    def held(self, limited):
        """A ledger of two at once, and a function that keeps a create at work in a thread."""
        entered, released = threading.Semaphore(0), threading.Event()

        def wait(_commit: object) -> None:
            entered.release()
            assert released.wait(20)

        bench = limited(Limits(concurrency=2, requests_per_minute=99), after_commit=wait)
        client = bench.client()
        with ThreadPoolExecutor(4) as pool:

            def hold():
                answer = pool.submit(client.post, ENTRIES, json=entry())
                assert entered.acquire(timeout=20)
                return answer

            yield bench, client, hold, released
            released.set()

    def test_one_too_many_at_once_is_refused_and_counts(self, held):
        bench, client, hold, released = held
        answers = [hold(), hold()]
        refused = client.get(MISSING)
        assert (refused.status_code, categories_of(refused)) == (429, [70])
        assert refused.headers["Retry-After"] == "1"
        assert said(refused, CONCURRENCY)[:2] == ("Default", "2")
        assert said(refused)[1] == "96"  # the two at work, and this one
        released.set()
        assert [answer.result().status_code for answer in answers] == [200, 200]
        assert client.get(MISSING).status_code == 200
        assert len(bench.truth("SELECT * FROM journal_entries")) == 2

    def test_tenants_do_not_stand_in_each_others_way(self, held):
        bench, client, hold, _released = held
        hold(), hold()
        other = bench.client(tenant_id=bench.ledger.add_tenant(REFERENCE))
        assert [c.get(MISSING).status_code for c in (client, other)] == [429, 404]

    def test_what_remains_is_sampled_once_a_second(self, held):
        bench, client, hold, _released = held
        hold()
        assert said(client.get(MISSING), CONCURRENCY)[2] == "1"  # as it was at the first request
        bench.clock.pass_by(seconds=1)
        assert said(client.get(MISSING), CONCURRENCY)[2] == "0"


def test_a_crash_gives_its_place_free(make_bench):
    class PowerLoss(BaseException):
        pass

    def crash(_commit: object) -> None:
        raise PowerLoss

    client = make_bench(limits=Limits(concurrency=1), after_commit=crash).client()
    for _ in range(2):
        with pytest.raises(PowerLoss):
            client.post(ENTRIES, json=entry())


class TestMeter:
    @pytest.mark.parametrize(
        ("windows", "moments", "expected"),
        [
            pytest.param([(2, MINUTE)], [0, 0], (True, 2, 0, 60), id="the last of a minute"),
            pytest.param([(2, MINUTE)], [0, 0, 59], (False, 2, 0, 1), id="one too many"),
            pytest.param([(2, MINUTE)], [0, 0, 0, 60], (True, 2, 1, 60), id="a new minute"),
            pytest.param([(2, MINUTE)], [59, 60, 59], (True, 2, 0, 60), id="a late thread"),
            pytest.param([(5, MINUTE), (5, HOUR)], [0], (True, 5, 4, 3600), id="a tie"),
            pytest.param(
                [(2, MINUTE), (1, HOUR)], [0, 0, 0], (False, 1, 0, 3600), id="rejected by the hour"
            ),
            pytest.param(
                [(1, MINUTE), (2, HOUR)], [0, 0, 0, 60], (True, 2, 0, 3540), id="not in the hour"
            ),
            pytest.param([(1, DAY)], [0, DAY - 1], (False, 1, 0, 1), id="a day"),
        ],
    )
    def test_counts(self, windows, moments, expected):
        meter = RequestCounter(*windows)
        usage = [meter.count("tenant", now=NOON + moment) for moment in moments][-1]
        assert (usage.admitted, usage.limit, usage.remaining, usage.reset) == expected

    def test_requests_the_hour_rejects_use_up_the_minute(self):
        meter = RequestCounter((3, MINUTE), (1, HOUR))
        usages = [meter.count("tenant", now=NOON + MINUTE) for _ in range(3)]
        assert [usage.admitted for usage in usages] == [True, False, False]
        assert usages[-1].seconds == HOUR
        # Of the minute too, nothing is left.
        assert meter._used["tenant"][0][1] == 3

    def test_keys_are_forgotten_when_their_windows_are_over(self):
        meter = RequestCounter((1, MINUTE))
        for address in range(100):
            meter.count(str(address), now=NOON)
        meter.count("next", now=NOON + MINUTE)
        assert set(meter._used) == {"next"}


def test_a_gate_lets_in_exactly_its_limit():
    gate, inside, most = ConcurrencyLimit(5), [0], [0]
    lock = threading.Lock()

    def go(_: int) -> bool:
        if not gate.acquire("entity", now=NOON):
            return False
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        with lock:
            inside[0] -= 1
        gate.release("entity")
        return True

    with ThreadPoolExecutor(16) as pool:
        assert any(pool.map(go, range(2000)))
    assert most[0] <= 5
    assert gate._inside == {}


@pytest.mark.parametrize("name", Limits.__slots__)
def test_a_limit_of_nothing_is_no_limit_at_all(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1"):
        Limits(**{name: 0})


def test_a_usage_says_how_the_request_fared():
    usage = RequestCounter((1, MINUTE)).count("tenant", now=NOON)
    assert usage == Usage(admitted=True, limit=1, remaining=0, reset=60, seconds=60)
