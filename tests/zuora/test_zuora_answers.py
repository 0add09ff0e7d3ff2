"""What a read gives, exactly as the ledger holds it (I-34, I-50, I-53)."""

import json
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import pytest
from fault_server import ENTRY, answer, envelope, zipped

from reconciler.core.model.json_text import Unreadable, read_object
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.resource import Live
from reconciler.errors import AccessRefused, LedgerError, RequestRefused
from reconciler.zuora.connection import CallLimits
from reconciler.zuora.resources import RESOURCES

KIND = KINDS["JournalEntry"]
NUMBER = "JE-00000001"
ONE = CallLimits(attempts=1)
SCHEMAS = Path(__file__).parents[2] / "schemas"


def read(server, connect, raw: str) -> Live:
    server.play(then=answer(raw=raw.encode()))
    live = connect(server.url, limits=ONE).read(KIND, NUMBER)
    assert live is not None
    return live


def entry(**changes: object) -> str:
    """The document of an entry; RAW in a value is put on the wire without quotes."""
    return json.dumps(ENTRY | changes)


def line(**changes: object) -> dict:
    return {"accountingCodeName": "Cash", "type": "Debit", "amount": "1.00"} | changes


def test_a_read_gives_number_status_and_fields(server, connect):
    envelope_too = {"processId": "A" * 16, "requestId": "r", "reasons": []}
    live = read(server, connect, entry(Region__c="EU", **envelope_too))
    assert live.number == NUMBER
    assert live.status == "Created"
    assert live.fields == {
        "Region__c": "EU",
        "accountingPeriodName": "Jan-2026",
        "currency": "USD",
        "journalEntryDate": "2026-01-31",
        "journalEntryItems": (
            {"accountingCodeName": "Cash", "amount": Decimal("400.90"), "type": "Debit"},
            {"accountingCodeName": "Sales", "amount": Decimal("400.90"), "type": "Credit"},
        ),
        "notes": None,
        "transferredToAccounting": "No",
    }


def test_what_was_read_cannot_be_changed_and_is_sorted(server, connect):
    live = read(server, connect, entry(A__c={"z": 1, "y": [{"x": 1}]}))
    assert list(live.fields) == sorted(live.fields)
    assert isinstance(live.fields, MappingProxyType)
    assert isinstance(live.fields["A__c"], MappingProxyType)
    assert isinstance(live.fields["A__c"]["y"], tuple)
    assert isinstance(live.fields["journalEntryItems"][0], MappingProxyType)


@pytest.mark.parametrize(
    ("wire", "digits"),
    [
        ("400.90", "400.90"),
        ('"400.90"', "400.90"),
        ("400.9", "400.9"),
        ("0.1", "0.1"),
        ('"90071992547409.93"', "90071992547409.93"),
        ("90071992547409.93", "90071992547409.93"),
        ("123456789012345678901234567890.123456", "123456789012345678901234567890.123456"),
        ("1E+3", "1000"),
        ("4.009e2", "400.9"),
        ('"1E+3"', "1000"),
        ('"4.009E+2"', "400.9"),
        ("5e-3", "0.005"),
        ("0", "0"),
        ("-1.50", "-1.50"),
        ("1", "1"),
    ],
)
@pytest.mark.parametrize("field", ["amount", "homeCurrencyAmount"])
def test_amounts_are_exact_whether_number_or_text(server, connect, field, wire, digits):
    raw = entry(journalEntryItems=[line(**{field: "RAW"})]).replace('"RAW"', wire)
    [item] = read(server, connect, raw).fields["journalEntryItems"]
    assert isinstance(item[field], Decimal)
    assert str(item[field]) == digits


@pytest.mark.parametrize(
    "wire",
    [
        '"1,000.00"',
        '" 1.00"',
        '"1_000"',
        '"\uff11"',
        '"1e"',
        '"1e41"',
        '"1e999"',
        '"NaN"',
        '"Infinity"',
        '""',
        '".5"',
        '"5."',
        '"+5"',
        '"1.00\\n"',
        "true",
        "null",
        "[]",
        "{}",
        "NaN",
        "1e41",
        '"' + "9" * 65 + '"',
    ],
)
def test_an_amount_that_is_not_exact_refuses_the_read(server, connect, wire):
    raw = entry(journalEntryItems=[line(amount="RAW")]).replace('"RAW"', wire)
    with pytest.raises(LedgerError) as caught:
        read(server, connect, raw)
    assert type(caught.value) is LedgerError
    assert caught.value.track_id in caught.value.message


@pytest.mark.parametrize("value", [None, "absent"])
def test_the_home_currency_amount_may_be_missing(server, connect, value):
    changes = {} if value == "absent" else {"homeCurrencyAmount": None}
    [item] = read(server, connect, entry(journalEntryItems=[line(**changes)])).fields[
        "journalEntryItems"
    ]
    assert item.get("homeCurrencyAmount") is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"status": "Canceled"}, id="status with one l"),
        pytest.param({"status": None}, id="no status"),
        pytest.param({"status": "Draft"}, id="undocumented status"),
        pytest.param({"status": ""}, id="empty status"),
        pytest.param({"currency": None}, id="no currency"),
        pytest.param({"accountingPeriodName": 7}, id="period is a number"),
        pytest.param({"journalEntryDate": ""}, id="no date"),
        pytest.param({"journalEntryDate": "2026-01-31T00:00:00"}, id="a date with a time"),
        pytest.param({"currency": "usd"}, id="currency in small letters"),
        pytest.param({"transferredToAccounting": True}, id="Yes became a boolean"),
        pytest.param({"transferredToAccounting": "yes"}, id="undocumented transfer state"),
        pytest.param({"journalEntryItems": None}, id="no lines"),
        pytest.param({"journalEntryItems": {}}, id="lines are no list"),
        pytest.param({"journalEntryItems": ["x"]}, id="a line is no object"),
        pytest.param({"journalEntryItems": [line(type="debit")]}, id="undocumented side"),
        pytest.param({"journalEntryItems": [line(type=None)]}, id="no side"),
    ],
)
def test_an_entry_that_does_not_fit_its_documentation_is_an_error(server, connect, changes):
    with pytest.raises(LedgerError) as caught:
        read(server, connect, entry(**changes))
    assert type(caught.value) is LedgerError


def test_attributes_that_the_vendor_adds_change_nothing(server, connect):
    """They are compatible changes by its policy (API facts 1), in every object of an answer."""
    more = {"approvalStatus": "Approved", "links": [{"rel": "self"}]}
    segments = [{"segmentName": "Region", "segmentValue": "EU"}]
    plain = {"segments": segments, "journalEntryItems": [line(Cost__c="1")]}
    added = {name: [one | more for one in items] for name, items in plain.items()}
    assert read(server, connect, entry(**added, **more)) == read(server, connect, entry(**plain))


@pytest.mark.parametrize("name", KINDS)
def test_what_a_file_can_declare_is_kept_of_an_answer(name):
    kind = KINDS[name]
    resource = RESOURCES[kind.collection]
    defs = json.loads((SCHEMAS / kind.schema).read_text(encoding="utf-8"))["$defs"]
    fields = defs["spec"]["properties"].keys() - kind.never_read
    assert fields <= resource.fields | resource.parts.keys()
    for field, kept in resource.parts.items():
        items = defs["spec"]["properties"][field]["items"]
        item = defs[items["$ref"].rpartition("/")[2]]
        assert item["properties"].keys() - kind.write_only <= kept, field


@pytest.mark.parametrize("status", ["Created", "Cancelled"])
@pytest.mark.parametrize("state", ["No", "Processing", "Yes", "Error", "Ignore", None, ""])
def test_documented_states_are_read(server, connect, status, state):
    live = read(server, connect, entry(status=status, transferredToAccounting=state))
    assert live.status == status
    assert live.fields["transferredToAccounting"] == state


@pytest.mark.parametrize("code", [50000040, "50000040"])
@pytest.mark.parametrize("status", [200, 404])
def test_nothing_is_live_only_when_the_ledger_says_so(server, connect, code, status):
    server.play(then=answer(status, envelope((code, "Cannot find entity by key"))))
    assert connect(server.url, limits=ONE).read(KIND, NUMBER) is None


def test_a_compressed_answer_is_read(server, connect):
    document = ENTRY | {"notes": "long " * 400}
    server.play(then=zipped(json.dumps(document).encode()))
    live = connect(server.url).read(KIND, NUMBER)
    assert live.fields["notes"] == document["notes"]
    assert server.calls[0].headers["accept-encoding"] == "gzip"


def test_a_refusal_carries_every_reason_with_its_code(server, connect):
    reasons = [(58730030, "Debits and credits differ."), ("58730020", "Wrong date")]
    server.play(then=answer(400, envelope(*reasons)))
    with pytest.raises(RequestRefused) as caught:
        connect(server.url).create(KIND, b"{}", key="k", track_id="t-1")
    error = caught.value
    assert error.codes == (58730030, 58730020)
    assert error.status == 400
    assert error.message == (
        "Creating a JournalEntry: the ledger refused the request (HTTP 400): "
        "Debits and credits differ (code 58730030); Wrong date (code 58730020). Track id t-1."
    )


@pytest.mark.parametrize(
    ("call", "permission"),
    [
        ("create", "Create Journal Entry"),
        ("update", "Edit Journal Entry"),
        ("cancel", "Cancel Journal Entry"),
        ("delete", "Delete Cancelled Journal Entry"),
    ],
)
def test_a_denied_call_names_the_permission_it_needs(server, connect, call, permission):
    server.play(then=answer(403, envelope((50000010, "No access"))))
    client = connect(server.url)
    calls = {
        "create": lambda: client.create(KIND, b"{}", key="k"),
        "update": lambda: client.update(KIND, NUMBER, b"{}"),
        "cancel": lambda: client.cancel(KIND, NUMBER),
        "delete": lambda: client.delete(KIND, NUMBER),
    }
    with pytest.raises(AccessRefused) as caught:
        calls[call]()
    assert permission in caught.value.remedy


def test_text_of_the_ledger_is_kept_as_it_is(server, connect):
    text = "\u202eevil\u001b[31m ::error:: <b>"
    server.play(then=answer(400, envelope((58730030, text))))
    with pytest.raises(RequestRefused) as caught:
        connect(server.url).cancel(KIND, NUMBER)
    assert text in caught.value.message


@pytest.mark.parametrize("levels", [1, 31])
def test_nesting_within_bounds_is_read(levels):
    raw = '{"a": ' + "[" * levels + '"]][["' + "]" * levels + "}"
    assert read_object(raw.encode())["a"] is not None


@pytest.mark.parametrize(
    "raw",
    [
        '{"a": ' + "[" * 32 + "]" * 32 + "}",
        '{"a": "' + '"' + "[" * 100_000,
        "[" * 1_000_000,
        '{"a":' * 1_000_000,
        '"\\' * 1000 + "[" * 100_000,
    ],
    ids=["one too deep", "after a broken string", "lists", "objects", "escapes"],
)
def test_no_nesting_reaches_the_limit_of_the_interpreter(raw):
    with pytest.raises(Unreadable):
        read_object(raw.encode())


def test_no_number_of_an_answer_is_a_float():
    def numbers(value):
        if isinstance(value, MappingProxyType):
            value = tuple(value.values())
        return (
            [number for item in value for number in numbers(item)]
            if isinstance(value, tuple)
            else [value]
        )

    found = numbers(read_object(b'{"a": 1, "b": [1.5, {"c": 2e0}, [0.1]], "d": -0}'))
    assert {type(number) for number in found} == {Decimal}
    assert len(found) == 5
