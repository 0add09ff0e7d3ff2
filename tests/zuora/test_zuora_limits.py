"""The documented limits of a tenant, by its host."""

import pytest

from reconciler.app.plan import _budget
from reconciler.zuora.rate_limit import hourly_limit


@pytest.mark.parametrize(
    ("host", "limit"),
    [
        ("rest.zuora.com", 2_250_000),
        ("rest.na.zuora.com", 2_250_000),
        ("rest.eu.zuora.com", 2_250_000),
        ("rest.apisandbox.zuora.com", 5_000),
        ("rest.sandbox.na.zuora.com", 5_000),
        ("REST.test.eu.zuora.com:443", 25_000),
        ("rest.zuora.com.example", None),
        ("127.0.0.1:8080", None),
        ("the embedded ledger", None),
    ],
)
def test_the_calls_an_hour_follow_from_the_host(host, limit):
    found = hourly_limit(host)
    assert (found[0] if found else None) == limit


@pytest.mark.parametrize(
    ("host", "count", "told"),
    [
        ("rest.zuora.com", 10_000, ", about 10,000 calls"),
        ("127.0.0.1", 10_000, ", about 10,000 calls"),
        (
            "rest.apisandbox.zuora.com",
            10_000,
            ", about 10,000 calls; an API sandbox allows 5,000 an hour",
        ),
        ("rest.apisandbox.zuora.com", 5_000, ", about 5,000 calls"),
    ],
)
def test_a_plan_states_its_calls_before_it_reads(host, count, told):
    assert _budget(host, count) == told
