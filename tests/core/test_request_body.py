"""Request bodies: exact digits, and the same bytes for the same content (I-05, I-50, I-53; M1)."""

import json
from decimal import Decimal

import pytest
from builders import KIND, MARKER, credit, debit, entry, live
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model.marker import IN_NOTES, notes_suffix, split_marker
from reconciler.core.model.plan import Comparison, FieldChange
from reconciler.core.planning.diff import PROTECT, compare
from reconciler.core.planning.request_body import create_body, update_body

MARK = "books/true-up"


def created(spec, *, home=None, place=MARKER):
    return create_body(KIND, spec, home_currency=home, marker_place=place, marker=MARK)


def updated(spec, applied, now, *, place=MARKER):
    """The body that brings a live entry to a spec."""
    held, _ = split_marker(live(now, place=place).fields, place)
    found = compare(KIND, spec, applied, held)
    assert not found.forced_by
    return json.loads(
        update_body(KIND, found, after=spec, marker_place=place, marker=MARK), parse_float=str
    )


def test_a_create_is_written_out_in_full():
    assert created(entry(notes="Jan", Count__c=Decimal("5.50"), Done__c=True)) == (
        b'{"Count__c":5.5,"Done__c":true,"ReconcilerKey__c":"books/true-up",'
        b'"accountingPeriodName":"Jan-2026","currency":"USD","journalEntryDate":"2026-01-31",'
        b'"journalEntryItems":['
        b'{"accountingCodeName":"Deferred Revenue","amount":"400.9","type":"Debit"},'
        b'{"accountingCodeName":"Subscription Revenue","amount":"400.9","type":"Credit"}],'
        b'"notes":"Jan"}'
    )


def test_i05_the_same_content_gives_the_same_bytes_whatever_the_order_of_its_keys():
    spec = entry(notes="Jan", Ticket__c="T-1")
    turned = {
        **{name: spec[name] for name in reversed(spec)},
        "journalEntryItems": tuple(
            {name: line[name] for name in reversed(line)} for line in spec["journalEntryItems"]
        ),
    }
    assert list(turned) != list(spec)
    assert created(turned) == created(spec)


def test_null_is_left_out_of_a_create():
    spec = entry(debit(Team__c=None), credit(), notes=None, Ticket__c=None)
    assert created(spec) == created(entry())


@given(st.integers(1, 10**21 - 1))
def test_m1_the_wire_carries_every_digit_and_no_float(millionths):
    amount = Decimal(millionths).scaleb(-6)
    body = created(entry(debit(str(amount)), credit(str(amount))))
    first, second = json.loads(body)["journalEntryItems"]
    assert first["amount"] == second["amount"]
    assert Decimal(first["amount"]) == amount
    assert not set(first["amount"]) & set("eE+")


@pytest.mark.parametrize("text", ["0.1", "0.30000000000000004", "1E+20", "123456789012345.123456"])
def test_a_number_in_a_custom_field_keeps_its_digits(text):
    body = created(entry(Count__c=Decimal(text)))
    found = json.loads(body, parse_float=Decimal, parse_int=Decimal)["Count__c"]
    assert found == Decimal(text)
    assert b"E" not in body.partition(b'"Count__c":')[2].partition(b",")[0]


@pytest.mark.parametrize(
    ("spec", "home", "amounts"),
    [
        pytest.param(entry(), "USD", ["400.9", "400.9"], id="in the home currency: the amount"),
        pytest.param(
            entry(debit(home="400.90"), credit()), "USD", ["400.9", "400.9"], id="partly stated"
        ),
        pytest.param(
            entry(debit(homeCurrencyAmount=None), credit()), "USD", ["400.9", "400.9"], id="null"
        ),
        pytest.param(entry(), None, [None, None], id="no home currency: never sent"),
        pytest.param(
            entry(debit(home="370"), credit(home="370.00"), currency="EUR"),
            "USD",
            ["370", "370"],
            id="M9 in a foreign currency: as stated, never computed",
        ),
        pytest.param(entry(currency="EUR"), "USD", [None, None], id="never made up"),
    ],
)
def test_home_amounts(spec, home, amounts):
    lines = json.loads(created(spec, home=home))["journalEntryItems"]
    assert [line.get("homeCurrencyAmount") for line in lines] == amounts


@pytest.mark.parametrize("notes", ["", "Jan", "Jan\n", "\n", "[reconciler:other/x]", "a\n\nb"])
def test_a_marker_in_notes_survives_the_way_there_and_back(notes):
    sent = json.loads(created(entry(notes=notes), place=IN_NOTES))
    rest, marker = split_marker(sent, IN_NOTES)
    assert marker == MARK
    assert (rest["notes"] or "") == notes
    assert MARKER not in sent


def test_a_marker_stands_alone_where_there_are_no_notes():
    assert json.loads(created(entry(), place=IN_NOTES))["notes"] == notes_suffix(MARK)


@pytest.mark.parametrize(
    "text",
    [
        "no marker",
        "[reconciler:books/x] and more",
        "[reconciler:books/x]\n",
        "x [reconciler:books/x]",
        "[reconciler:a]b]",
        None,
    ],
)
def test_what_only_looks_like_a_marker_is_none(text):
    fields = {"notes": text}
    assert split_marker(fields, IN_NOTES) == (fields, None)


@pytest.mark.parametrize("carried", [None, ""])
def test_an_empty_field_is_no_marker(carried):
    assert split_marker({MARKER: carried, "notes": "x"}, MARKER) == ({"notes": "x"}, None)


MARKED = notes_suffix(MARK)


@pytest.mark.parametrize(
    ("spec", "applied", "now", "place", "body"),
    [
        pytest.param(
            entry(notes="b", Ticket__c="T-1"),
            entry(notes="a", Ticket__c="T-1"),
            entry(notes="a", Ticket__c="T-1"),
            MARKER,
            {"notes": "b"},
            id="only what changes",
        ),
        pytest.param(
            entry(), entry(notes="a"), entry(notes="a"), MARKER, {"notes": None}, id="null clears"
        ),
        pytest.param(
            entry(notes="b"),
            entry(notes="a"),
            entry(notes="a"),
            IN_NOTES,
            {"notes": f"b\n{MARKED}"},
            id="notes carry the marker along",
        ),
        pytest.param(
            entry(),
            entry(notes="a"),
            entry(notes="a"),
            IN_NOTES,
            {"notes": MARKED},
            id="clearing notes keeps the marker",
        ),
        pytest.param(
            entry(Ticket__c="T-1"),
            entry(),
            entry(notes="theirs"),
            IN_NOTES,
            {"Ticket__c": "T-1"},
            id="notes that are not touched are not sent",
        ),
        pytest.param(
            entry(),
            entry(transferredToAccounting="Error"),
            entry(transferredToAccounting="Error"),
            MARKER,
            {},
            id="a transfer state that left the file is not sent",
        ),
        pytest.param(
            entry(transferredToAccounting="No"),
            entry(transferredToAccounting="Error"),
            entry(transferredToAccounting="Error"),
            MARKER,
            {"transferredToAccounting": "No"},
            id="the default is written out",
        ),
        pytest.param(
            entry(debit(Team__c="b"), credit()),
            entry(debit(Team__c="a", Project__c="p"), credit()),
            entry(debit(Team__c="a", Project__c="p"), credit()),
            MARKER,
            {
                "journalEntryItems": [
                    {
                        "accountingCodeName": "Deferred Revenue",
                        "accountingCodeType": "DeferredRevenue",
                        "type": "Debit",
                        "Project__c": None,
                        "Team__c": "b",
                    }
                ]
            },
            id="a line by its code, side and type, without its amount",
        ),
    ],
)
def test_an_update_sends(spec, applied, now, place, body):
    assert updated(spec, applied, now, place=place) == body


def test_protection_is_never_sent():
    moved = FieldChange(name=PROTECT, before=True, after=False, in_place=True)
    notes = FieldChange(name="notes", before=None, after="b", in_place=True)
    body = update_body(
        KIND,
        Comparison(fields=(notes, moved)),
        after=entry(notes="b"),
        marker_place=MARKER,
        marker=MARK,
    )
    assert body == b'{"notes":"b"}'
