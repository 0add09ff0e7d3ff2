"""Whatever breaks a rule of a request body is refused, and changes nothing."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from ledger_server import ENTRIES, entry

from reconciler.ledger import create_app, open_ledger

ENTRY = entry(
    notes="Text",
    transferredToAccounting="No",
    transactionType="Manual",
    ReconcilerKey__c="acme/one",
    segments=[
        {"segmentName": "Department", "segmentValue": "Finance"},
        {"segmentName": "Region", "segmentValue": "EMEA"},
    ],
)
UPDATE = {
    "notes": "Other text",
    "transferredToAccounting": "Ignore",
    "ReconcilerKey__c": "acme/two",
    "journalEntryItems": [
        {"accountingCodeName": "Deferred Revenue", "type": "Debit", "notes": "n"}
    ],
}
RUN = {
    "accountingPeriodName": "Mar-2026",
    "journalEntryDate": "2026-03-31",
    "targetStartDate": "2026-03-01",
    "targetEndDate": "2026-03-31",
    "transactionTypes": [{"type": "Invoice Item"}],
}
CODE = {"name": "New", "type": "Cash", "glAccountName": "g", "glAccountNumber": "1", "notes": "n"}
PERIOD = {
    "name": "May-2026",
    "startDate": "2026-05-01",
    "endDate": "2026-05-31",
    "fiscalYear": 2026,
    "fiscalQuarter": 2,
    "notes": "n",
}
QUERY = {
    "query": "select number from journalentry",
    "outputFormat": "JSON",
    "compression": "NONE",
    "output": {"target": "S3"},
    "sourceData": "LIVE",
    "readDeleted": False,
    "useIndexJoin": False,
}
REQUESTS = {
    "entry": ("POST", ENTRIES, ENTRY),
    "update": ("PUT", f"{ENTRIES}/JE-00000001/basic-information", UPDATE),
    "run": ("POST", "/v1/journal-runs", RUN),
    "code": ("POST", "/v1/accounting-codes", CODE),
    "period": ("POST", "/v1/accounting-periods", PERIOD),
    "query": ("POST", "/query/jobs", QUERY),
}
AMOUNTS = ("amount", "homeCurrencyAmount")
OPTIONAL = {
    *("notes", "transferredToAccounting", "transactionType", "ReconcilerKey__c", "segments"),
    *("accountingPeriodName of run", "targetStartDate", "targetEndDate", "glAccountName"),
    *("glAccountNumber", "fiscalQuarter", "sourceData", "readDeleted", "useIndexJoin"),
    *("journalEntryItems of update",),
}
"""Fields that a request may omit. Null means the same there."""

BAD_AMOUNTS = [
    *("", " ", "-1", "+1", "0", "0.00", "-0", "1e2", "1E2", "NaN", "Infinity", "1,000", "1.000"),
    *("1_000", "0x10", " 1", "1 ", "1\n", ".5", "5.", "01", "\u0661", "\uff11", "1" * 16, "$1"),
    *("1.001", "one", True, False, [], {}, ["1"], 0, -1, 0.001),
]
BAD_DATES = [
    *("2026-3-31", "2026-03-32", "20260331", "2026-03-31T00:00:00", " 2026-03-31", "31.03.2026"),
    *("2026-03-31\n", "\u0662\u0660\u0662\u0666-03-31", "0000-01-01", "", 20260331),
]
BAD_WORDS = [True, 7, 1.5, [], {}, ["x"], {"x": "y"}, "x" * 2001, "a\x00b", "a\x07b"]


def wrong_values(name: str, value: Any) -> Iterator[Any]:
    """What the field must not be, by its name and its right value."""
    if name in AMOUNTS:
        yield from BAD_AMOUNTS
    elif name.endswith("Date"):
        yield from (bad for bad in BAD_DATES if bad != "" or not name.startswith("target"))
    elif isinstance(value, bool):
        yield from ("true", "no", 0, 1, [], {})
    elif isinstance(value, int):
        yield from (True, "2026", 0, -1, 1.5, 10**9, [], {})
    elif isinstance(value, str):
        yield from BAD_WORDS
        if name in ("type", "transferredToAccounting", "outputFormat", "compression", "target"):
            yield from ("", value.lower(), value.upper() + " ", f" {value}", "Debits")
        if name == "currency":
            yield from ("", "usd", "US", "USDX", "XXX", " USD")
    elif isinstance(value, list):
        yield from ("x", {}, True, 7, [None], ["x"], [[]], [7], [*value, None], value * 101)
    else:
        yield from ("x", [], True, 7)


def breaches(body: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every way to break the body of a request: what is wrong, and the broken body."""

    def within(value: Any, at: str) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict):
            yield f"{at} has an unknown field", {**value, "surprise": 1}
            for key, inner in value.items():
                rest = {other: each for other, each in value.items() if other != key}
                yield f"{at}.{key} in another case", {**rest, key.swapcase(): inner}
                if not {key, f"{key} of {name}"} & OPTIONAL:
                    yield f"{at}.{key} is missing", rest
                    yield f"{at}.{key} is null", {**rest, key: None}
                for bad in wrong_values(key, inner):
                    yield f"{at}.{key} is {bad!r}"[:90], {**value, key: bad}
                for what, broken in within(inner, f"{at}.{key}"):
                    yield what, {**value, key: broken}
        elif isinstance(value, list):
            for place, inner in enumerate(value):
                for what, broken in within(inner, f"{at}[{place}]"):
                    yield what, [*value[:place], broken, *value[place + 1 :]]

    return within(body, name)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    with open_ledger(f"sqlite:///{tmp_path_factory.mktemp('bodies')}/ledger.db") as opened:
        yield opened


@pytest.fixture(scope="module")
def client(ledger):
    """A client of the ledger with all permissions, and one entry in it."""
    form = dict(zip(("client_id", "client_secret"), ledger.issue_client("bodies"), strict=True))
    transport = httpx.WSGITransport(app=create_app(ledger))
    with httpx.Client(transport=transport, base_url="http://ledger.test") as client:
        token = client.post("/oauth/token", data={**form, "grant_type": "client_credentials"})
        client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        assert client.post(ENTRIES, json=ENTRY).json()["journalEntryNumber"] == "JE-00000001"
        yield client


def events(ledger) -> int:
    """How many changes the ledger has recorded, those of journal runs that wait included."""
    ledger.work()
    with ledger.store.reading() as tx:
        return tx.exec_driver_sql("SELECT count(*) FROM audit_events").scalar_one()


@pytest.mark.parametrize("name", REQUESTS)
def test_t31_a_body_that_breaks_a_rule_is_refused(ledger, client, name):
    method, path, body = REQUESTS[name]
    before = events(ledger)
    accepted = [
        what
        for what, broken in breaches(body, name)
        if client.request(method, path, json=broken).status_code == 200
    ]
    assert accepted == []
    assert events(ledger) == before
    assert client.request(method, path, json=body).status_code == 200, "the right body is not"


def texts(body: Any) -> dict[str, tuple[bytes, str | None]]:
    """Texts that are not one JSON object with unique keys, with their content type."""
    good = json.dumps(body).encode()
    key = next(iter(body))
    return {
        "nothing": (b"", "application/json"),
        "white space": (b" \n", "application/json"),
        "null": (b"null", "application/json"),
        "a list": (b"[" + good + b"]", "application/json"),
        "a text": (json.dumps(good.decode()).encode(), "application/json"),
        "cut off": (good[:-1], "application/json"),
        "something after it": (good + b"x", "application/json"),
        "two objects": (good + good, "application/json"),
        "a comment": (b"/* */" + good, "application/json"),
        "a comma too many": (good[:-1] + b",}", "application/json"),
        "a key twice": (f'{{"{key}": "x", '.encode() + good[1:], "application/json"),
        "a byte order mark": (b"\xef\xbb\xbf" + good, "application/json"),
        "UTF-16": (good.decode().encode("utf-16"), "application/json"),
        "not UTF-8": (good[:-1] + b', "notes": "\xff"}', "application/json"),
        "NaN": (good[:-1] + b', "surprise": NaN}', "application/json"),
        "too deep": (good[:-1] + b', "x": ' + b"[" * 99 + b"]" * 99 + b"}", "application/json"),
        "a long number": (good[:-1] + b', "x": ' + b"9" * 999 + b"}", "application/json"),
        "too large": (good[:-1] + b', "x": "' + b"x" * 2**20 + b'"}', "application/json"),
        "no content type": (good, None),
        "text": (good, "text/plain"),
        "a form": (good, "application/x-www-form-urlencoded"),
        "JSON lines": (good, "application/x-ndjson"),
    }


@pytest.mark.parametrize("name", REQUESTS)
def test_t31_a_text_that_is_not_one_json_object_is_refused(ledger, client, name):
    method, path, body = REQUESTS[name]
    before = events(ledger)
    accepted = []
    for what, (content, media) in texts(body).items():
        headers = {} if media is None else {"Content-Type": media}
        if client.request(method, path, content=content, headers=headers).status_code == 200:
            accepted.append(what)
    assert accepted == []
    assert events(ledger) == before


@pytest.mark.parametrize(
    "path",
    [f"{ENTRIES}/JE-00000001/cancel", "/v1/journal-runs/JR-00000001/cancel"],
)
def test_t31_an_operation_without_a_body_takes_none(ledger, client, path):
    before = events(ledger)
    for content in (b'{"status": "Cancelled"}', b"[]", b"null", b"x"):
        headers = {"Content-Type": "application/json"}
        assert client.put(path, content=content, headers=headers).status_code != 200
    assert events(ledger) == before
