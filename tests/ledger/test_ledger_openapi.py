"""The ledger's description of itself: complete, true, and held to by what it answers."""

import re

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ledger_contract import check, described
from ledger_harness import ENTRIES, Bench, post, settled, start_run
from schemathesis.specs.openapi import checks
from test_ledger_query import submit

from reconciler.ledger.auth.permissions import PERMISSIONS
from reconciler.ledger.journals import creation, update
from reconciler.ledger.openapi.document import SCHEMAS
from reconciler.ledger.openapi.operations import OPERATIONS
from reconciler.ledger.query import endpoint, request
from reconciler.ledger.reference_data import accounting_codes, accounting_periods
from reconciler.ledger.routes import ROUTES
from reconciler.ledger.runs import creation as runs

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


@pytest.mark.parametrize(
    ("schema", "fields"),
    [
        ("NewJournalEntry", creation.ENTRY_FIELDS),
        ("NewJournalEntryItem", creation.ITEM_FIELDS),
        ("Segment", creation.SEGMENT_FIELDS),
        ("BasicInformation", update.FIELDS),
        ("BasicInformationItem", update.ITEM_FIELDS),
        ("NewJournalRun", runs.FIELDS),
        ("TransactionType", runs.TYPE_FIELDS),
        ("NewAccountingCode", accounting_codes.FIELDS),
        ("NewAccountingPeriod", accounting_periods.FIELDS),
        ("NewQueryJob", request.FIELDS),
    ],
)
def test_a_request_is_described_with_the_fields_that_are_read(schema, fields):
    assert set(SCHEMAS[schema]["properties"]) == {field.name for field in fields}
    assert set(SCHEMAS[schema]["required"]) == {field.name for field in fields if field.required}


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
    client = bench.client(PERMISSIONS)
    post(client)
    settled(client, start_run(client))
    KNOWN["/query/jobs/{job_id}"] = {"job_id": submit(client, "select number from journalentry")}
    schema = schemathesis.openapi.from_wsgi("/openapi.json", bench.app)
    yield schema, client.headers["Authorization"]
    bench.close()


CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
KNOWN = {
    "/v1/journal-entries/{number}": {"number": "JE-00000001"},
    "/v1/journal-runs/{number}": {"number": "JR-00000001"},
}


def explore(described_ledger, method, path, *, examples):
    """Send generated requests, many about something that is there, and check every answer."""
    schema, token = described_ledger

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
        case.call_and_validate(headers=headers, checks=CHECKS)

    send()


@pytest.mark.parametrize(("method", "path"), OPERATIONS_TO_CALL)
def test_any_request_is_answered_as_described(described_ledger, method, path):
    explore(described_ledger, method, path, examples=6)


@pytest.mark.long
@pytest.mark.parametrize(("method", "path"), OPERATIONS_TO_CALL)
def test_very_many_requests_are_answered_as_described(described_ledger, method, path):
    explore(described_ledger, method, path, examples=300)
