"""No input gives a fault: whatever is sent, the answer is a success or a refusal."""

import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_harness import ENTRIES, RUNS, credit, debit, entry, exact, post, run_body

QUICK = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
NAMES = st.sampled_from([*entry(), *debit(), "notes", "segments", "ReconcilerKey__c"]) | st.text()
RUN_NAMES = st.sampled_from([*run_body(), "targetStartDate", "targetEndDate", "organizationLabels"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
PATHS = [
    ("POST", ENTRIES),
    ("PUT", f"{ENTRIES}/JE-00000001/basic-information"),
    ("PUT", f"{ENTRIES}/JE-00000001/cancel"),
    ("POST", RUNS),
    ("PUT", f"{RUNS}/JR-00000001/cancel"),
    ("DELETE", f"{RUNS}/JR-00000001"),
    ("POST", "/v1/accounting-codes"),
    ("POST", "/v1/accounting-periods"),
]


@pytest.fixture(scope="module")
def prepared(caller):
    post(caller)
    return caller


def check(response):
    assert response.status_code < 500, response.text
    assert response.json()["success"] in (True, False)


@QUICK
@given(place=st.sampled_from(PATHS), value=VALUES)
def test_any_json_is_answered(prepared, place, value):
    """I-68: with a success or a refusal, and nothing else."""
    content = json.dumps(value).encode()
    headers = {"Content-Type": "application/json"}
    check(prepared.request(*place, content=content, headers=headers))


@QUICK
@given(place=st.sampled_from(PATHS), content=st.binary(max_size=200))
def test_any_bytes_are_answered(prepared, place, content):
    """I-68: bytes that are no JSON too."""
    headers = {"Content-Type": "application/json"}
    check(prepared.request(*place, content=content, headers=headers))


@QUICK
@given(field=NAMES, item_field=NAMES, value=VALUES)
def test_any_value_in_any_field_of_a_good_entry_is_answered(prepared, field, item_field, value):
    body = {**entry({**debit(), item_field: value}, credit()), field: value}
    headers = {"Content-Type": "application/json"}
    check(prepared.post(ENTRIES, content=json.dumps(body).encode(), headers=headers))


@QUICK
@given(field=RUN_NAMES, value=VALUES)
def test_any_value_in_any_field_of_a_good_run_is_answered(prepared, field, value):
    headers = {"Content-Type": "application/json"}
    content = json.dumps({**run_body(), field: value}).encode()
    check(prepared.post(RUNS, content=content, headers=headers))


@QUICK
@given(path=st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
def test_any_number_in_a_path_is_answered(prepared, path):
    from urllib.parse import quote

    response = prepared.get(f"{ENTRIES}/{quote(path, safe='')}")
    assert response.status_code in (200, 404, 405)


@QUICK
@given(
    cents=st.lists(st.integers(1, 10**15), min_size=1, max_size=40),
    as_text=st.booleans(),
)
def test_amounts_sum_and_come_back_exactly(prepared, cents, as_text):
    amounts = [Decimal(count).scaleb(-2) for count in (*cents, sum(cents))]
    texts = [f"{amount:f}" for amount in amounts]
    lines = [debit(text) for text in texts[:-1]] + [credit(texts[-1])]
    content = json.dumps(entry(*lines))
    if not as_text:
        for text in texts:
            content = content.replace(f'"amount": "{text}"', f'"amount": {text}')
    headers = {"Content-Type": "application/json"}
    number = prepared.post(ENTRIES, content=content.encode(), headers=headers).json()
    live = exact(prepared.get(f"{ENTRIES}/{number['journalEntryNumber']}"))
    assert [line["amount"] for line in live["journalEntryItems"]] == amounts
