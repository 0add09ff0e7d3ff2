"""The ledger's description of itself: complete, true, and held to by what it answers."""

import json
import re
from decimal import Decimal

import httpx
import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ledger_contract import check, described
from ledger_harness import ENTRIES, Bench, post, settled, start_run
from query_harness import submit

from reconciler.ledger.auth.permissions import Permission
from reconciler.ledger.journals.amounts import AMOUNT
from reconciler.ledger.openapi.document import OPERATIONS
from reconciler.ledger.openapi.schemas import SCHEMAS
from reconciler.ledger.query import endpoint
from reconciler.ledger.reference_data.code_types import CODE_TYPE
from reconciler.ledger.routes import ROUTES
from reconciler.ledger.web.fields import (
    BOOLEAN,
    DATE,
    BadValue,
    Field,
    array,
    choice,
    integer,
    schema_of,
    text,
)

OPERATIONS_TO_CALL = [("POST", "/oauth/token"), *OPERATIONS]
UNFIT = ("Zuora-Entity-Ids", "Zuora-Org-Ids")
"""Headers that a tenant of one entity and no organizations refuses, whatever they say."""


def test_every_route_is_described_and_nothing_else():
    queries = {
        (name.removeprefix("on_").upper(), path)
        for path, resource in endpoint.RESOURCES.items()
        for name in dir(resource)
        if name.startswith("on_") and name != "on_options"
    }
    # The files of results are no part of the API: a job gives their whole address.
    queries.remove(("GET", "/query/files/{name}"))
    assert {(route.method, route.path) for route in ROUTES} | queries == set(OPERATIONS)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_body_is_described_where_one_is_taken(route):
    described = OPERATIONS[route.method, route.path]
    assert (described.body is not None) is route.body
    assert {described.answer, described.body or described.answer} <= set(SCHEMAS)


AMOUNT_TEXT = "400.90"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        pytest.param(text(3, minimum=1), ["a", "äöü"], ["", "abcd", 1, None], id="text"),
        pytest.param(choice("Debit", "Credit"), ["Debit"], ["debit", "", 1], id="a word"),
        pytest.param(integer(1, 4), [1, 4], [0, 5, 1.5, "1"], id="a number"),
        pytest.param(BOOLEAN, [True, False], [0, "true"], id="yes or no"),
        pytest.param(DATE, ["2026-01-31"], ["2026-1-31", "", 1], id="a date"),
        pytest.param(AMOUNT, [1, 0.5, AMOUNT_TEXT], [0, -1, "-1", "a"], id="an amount"),
        pytest.param(array(1, minimum=1), [[{}]], [[], [{}, {}], {}], id="a list"),
        pytest.param(CODE_TYPE, ["Cash", "DeferredRevenue"], ["", 1], id="a type of code"),
    ],
)
def test_a_field_is_described_as_it_is_read(kind, good, bad):
    validator = jsonschema_rs.validator_for(kind.schema)
    for value in good:
        assert validator.is_valid(value)
        kind.read(json.loads(json.dumps(value), parse_float=Decimal, parse_int=Decimal))
    for value in bad:
        assert not validator.is_valid(value)
        with pytest.raises(BadValue):
            kind.read(json.loads(json.dumps(value), parse_float=Decimal, parse_int=Decimal))


def test_a_request_is_described_with_its_fields_and_no_others():
    inner = Field(name="name", type=text(3), required=True)
    fields = (
        Field(name="lines", type=array(2, of=(inner,)), required=True),
        Field(name="notes", type=text(5), clearable=True),
    )
    validator = jsonschema_rs.validator_for(schema_of(fields, custom=True))
    assert validator.is_valid({"lines": [{"name": "a"}], "notes": None, "Mark__c": "x"})
    for wrong in ({}, {"lines": None}, {"lines": [{}]}, {"lines": [], "more": 1}):
        assert not validator.is_valid(wrong)


def test_anyone_may_read_the_document(bench):
    response = bench.anonymous().get("/openapi.json")
    assert response.status_code == 200
    assert response.json() == described()
    assert response.json()["openapi"] == "3.1.0"


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one(name):
    jsonschema_rs.meta.validate(SCHEMAS[name])
    for used in re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(SCHEMAS[name])):
        assert used in SCHEMAS


class TestCheck:
    """The check that every answer in these tests goes through can fail."""

    @pytest.mark.parametrize(
        ("method", "path", "status", "payload"),
        [
            pytest.param("DELETE", f"{ENTRIES}/JE-1", 200, {"success": True}, id="no request id"),
            pytest.param("DELETE", f"{ENTRIES}/JE-1", 202, {"success": True}, id="status"),
            pytest.param("GET", f"{ENTRIES}/JE-1", 200, {"success": True}, id="fields missing"),
            pytest.param("DELETE", f"{ENTRIES}/JE-1", 200, {"success": True, "x": 1}, id="a field"),
            pytest.param("POST", "/oauth/token", 401, {"error": "no"}, id="a complaint"),
        ],
    )
    def test_an_answer_that_is_not_as_described_fails(self, method, path, status, payload):
        headers = {} if payload == {"success": True} else {"Zuora-Request-Id": "0" * 36}
        request = httpx.Request(method, f"http://ledger.test{path}")
        with pytest.raises((AssertionError, jsonschema_rs.ValidationError)):
            check(httpx.Response(status, json=payload, headers=headers, request=request))


@pytest.fixture(scope="module")
def described_ledger(databases, tmp_path_factory):
    """The document as the server publishes it, over a ledger with something in it."""
    bench = Bench(databases.copy(tmp_path_factory.mktemp("openapi")))
    client = bench.client(Permission)
    post(client)
    settled(client, start_run(client))
    KNOWN["/query/jobs/{job_id}"] = {"job_id": submit(client, "select number from journalentry")}
    # Slow to import, and every worker collects this module.
    import schemathesis
    from schemathesis.specs.openapi import checks

    schema = schemathesis.openapi.from_wsgi("/openapi.json", bench.app)
    conformance = [
        schemathesis.checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    yield schema, client.headers["Authorization"], conformance
    bench.close()


KNOWN = {
    "/v1/journal-entries/{number}": {"number": "JE-00000001"},
    "/v1/journal-runs/{number}": {"number": "JR-00000001"},
}


def explore(described_ledger, method, path, *, examples):
    """Send generated requests, many about something that is there, and check every answer."""
    schema, token, conformance = described_ledger

    @given(case=schema[path][method].as_strategy(), known=st.booleans())
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case, known):
        for name in UNFIT:
            case.headers.pop(name, None)
        for start, parameters in KNOWN.items():
            if known and path.startswith(start):
                case.path_parameters.update(parameters)
        headers = {"Accept-Encoding": "identity"}
        if path != "/oauth/token":
            headers["Authorization"] = token
        case.call_and_validate(headers=headers, checks=conformance)

    send()


@pytest.mark.parametrize(("method", "path"), OPERATIONS_TO_CALL)
def test_any_request_is_answered_as_described(described_ledger, method, path):
    explore(described_ledger, method, path, examples=6)


@pytest.mark.long
@pytest.mark.parametrize(("method", "path"), OPERATIONS_TO_CALL)
def test_very_many_requests_are_answered_as_described(described_ledger, method, path):
    explore(described_ledger, method, path, examples=300)
