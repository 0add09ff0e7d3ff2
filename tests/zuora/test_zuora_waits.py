"""How long a call waits, how often it tries, and that it always ends (I-11, N12, N14, N15)."""

import threading
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import fault_server as wire
import pytest
from client_threads import in_threads
from fault_server import CREATED, Act, answer
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model.kinds import KINDS
from reconciler.errors import LedgerUnreachable, OutcomeUnknown, RequestRefused
from reconciler.http_client.retry import http_date
from reconciler.zuora.connection import CallLimits

KIND = KINDS["JournalEntry"]
NUMBER = "JE-00000001"
NOON = "Fri, 20 Nov 2026 12:00:00 GMT"


def limited(*headers: tuple[str, str]) -> Act:
    return answer(429, {}, headers=headers)


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        pytest.param([("Retry-After", "7")], 7, 8, id="N14 seconds"),
        pytest.param([("Retry-After", "0")], 0, 1, id="N14 zero seconds"),
        pytest.param(
            [("Date", NOON), ("Retry-After", "Fri, 20 Nov 2026 12:00:20 GMT")],
            20,
            21,
            id="N15 date, by the ledger's own clock",
        ),
        pytest.param(
            [("Date", NOON), ("Retry-After", "Fri, 20 Nov 2026 11:00:00 GMT")],
            0,
            1,
            id="N15 date that has passed",
        ),
        pytest.param([("RateLimit-Reset", "9")], 9, 10, id="reset of the limit"),
        pytest.param([("Rate-Limit-Reset", "9")], 9, 10, id="reset, the other spelling"),
        pytest.param(
            [("Retry-After", "3"), ("RateLimit-Reset", "9")], 3, 4, id="Retry-After goes first"
        ),
        pytest.param(
            [("RateLimit-Remaining", "0"), ("RateLimit-Reset", "9")], 9, 10, id="nothing left"
        ),
        pytest.param(
            [("RateLimit-Remaining", "40000"), ("RateLimit-Reset", "1800")],
            0.2,
            1,
            id="requests left, so another limit: own backoff",
        ),
        pytest.param([("Retry-After", "-5")], 0.2, 1, id="N15 negative: own backoff"),
        pytest.param([("Retry-After", "soon")], 0.2, 1, id="N15 no number: own backoff"),
        pytest.param([("Retry-After", "\u0667")], 0.2, 1, id="N15 Arabic digit: own backoff"),
        pytest.param([], 0.2, 1, id="N15 none: own backoff"),
    ],
)
@pytest.mark.parametrize("call", ["create", "read", "cancel"])
def test_a_limit_is_waited_out(*, server, connect, clock, call, headers, least, most):
    client = connect(server.url)
    encoded = [(name, text.encode().decode("latin-1")) for name, text in headers]
    server.play(limited(*encoded))
    calls = {
        "create": lambda: client.create(KIND, b"{}", key="k"),
        "read": lambda: client.read(KIND, NUMBER),
        "cancel": lambda: client.cancel(KIND, NUMBER),
    }
    calls[call]()
    assert least <= sum(clock.slept) <= most


@pytest.mark.parametrize("seconds", ["86400", "61", "9" * 40])
def test_n15_a_wait_beyond_the_deadline_ends_the_call_at_once(server, connect, clock, seconds):
    client = connect(server.url)
    server.play(limited(("Retry-After", seconds)))
    with pytest.raises(RequestRefused, match=r"retry after \S+ seconds"):
        client.create(KIND, b"{}", key="k")
    assert clock.slept == []
    assert len(server.calls) == 1


def test_a_limit_holds_back_every_other_call_too(server, connect, clock):
    client = connect(server.url)
    server.play(limited(("Retry-After", "86400")))
    with pytest.raises(RequestRefused):
        client.create(KIND, b"{}", key="k")
    with pytest.raises(LedgerUnreachable, match="nothing was sent"):
        client.read(KIND, NUMBER)
    assert len(server.calls) == 1
    clock.sleep(86400)
    assert client.read(KIND, NUMBER) is not None


def test_waits_double_up_to_a_cap_and_attempts_are_counted(server, connect, clock):
    client = connect(server.url, limits=CallLimits(attempts=8))
    server.play(then=answer(503, raw=b""))
    with pytest.raises(LedgerUnreachable):
        client.read(KIND, NUMBER)
    assert len(server.calls) == 8
    # A chance of one half makes three quarters of the full wait.
    assert clock.slept == [0.375, 0.75, 1.5, 3.0, 6.0, 6.0, 6.0]


def test_retry_after_of_a_503_is_heeded(server, connect, clock):
    client = connect(server.url)
    server.play(answer(503, raw=b"", headers=[("Retry-After", "11")]))
    assert client.create(KIND, b"{}", key="k") == NUMBER
    assert 11 <= sum(clock.slept) <= 12


@pytest.mark.parametrize(
    "busy",
    [
        pytest.param(wire.envelope((50000050, "Locked")), id="a lock"),
        pytest.param(wire.envelope((50000060, "Oops")), id="an internal error"),
    ],
)
def test_an_answer_that_is_no_rate_limit_waits_for_no_window(server, connect, clock, busy):
    """Every answer tells when its window ends: of an hour, with thousands of requests left."""
    client = connect(server.url)
    hour = [("RateLimit-Remaining", "24000"), ("RateLimit-Reset", "3000")]
    server.play(answer(200, busy, headers=hour))
    assert client.read(KIND, NUMBER) is not None
    assert sum(clock.slept) < 1


def test_the_deadline_ends_a_call_whose_attempts_are_not_used_up(server, connect, clock):
    client = connect(server.url, limits=CallLimits(attempts=100, deadline=20))
    server.play(then=answer(503, raw=b""))
    with pytest.raises(OutcomeUnknown):
        client.create(KIND, b"{}", key="k")
    assert sum(clock.slept) < 20
    assert len(server.calls) < 10


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(wire.DRIP_HEADERS, id="N12 headers"),
        pytest.param(wire.DRIP_BODY, id="N12 body"),
        pytest.param(wire.SILENCE, id="N09"),
        pytest.param(Act(delay=30), id="N13 beyond measure"),
    ],
)
def test_no_peer_is_slow_enough_to_outlast_the_deadline(server, connect, act):
    client = connect(server.url, limits=CallLimits(deadline=0.4))
    client.tenant()
    server.play(then=act)
    start = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        client.update(KIND, NUMBER, b"{}")
    assert time.monotonic() - start < 20, "the peer would take 30 seconds, or for ever"


def test_calls_in_flight_are_bounded(server, connect):
    client = connect(server.url, limits=CallLimits(concurrency=3))
    client.tenant()
    at_once, most, lock = 0, 0, threading.Lock()
    perform = server.perform

    def counted(connection, act):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        return perform(connection, act)

    server.perform = counted
    in_threads(8, lambda: client.read(KIND, NUMBER))
    assert most == 3


def test_the_servers_clock_is_that_of_its_last_answer(server, connect):
    client = connect(server.url)
    assert client.server_time() is None
    noon = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    dated = [("Date", format_datetime(noon, usegmt=True))]
    server.play(
        answer(document=CREATED, headers=dated),
        answer(document=wire.ENTRY, headers=[("Date", "yesterday")]),
    )
    client.create(KIND, b"{}", key="k")
    assert client.server_time() == noon
    client.read(KIND, NUMBER)
    assert client.server_time() == noon


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_date_is_read_as_it_was_written(moment):
    assert http_date(format_datetime(moment, usegmt=True)) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Sunday, 06-Nov-94 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun Nov  6 08:49:37 1994", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun, 06 Nov 1994 08:49:37 +0100", datetime(1994, 11, 6, 7, 49, 37, tzinfo=UTC)),
        ("Tue, 30 Feb 2026 08:49:37 GMT", None),
        ("Fri, 20 Nov 2026 25:00:20 GMT", None),
        ("Fri, 20 Nov 2026 12:00:20 GMT, 1", datetime(2026, 11, 20, 12, 0, 20, tzinfo=UTC)),
        ("soon", None),
        ("", None),
    ],
)
def test_a_date_in_another_form_is_read_too(text, read):
    assert http_date(text) == read
