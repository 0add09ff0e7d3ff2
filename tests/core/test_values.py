"""Tenants and values read from documents."""

from decimal import Decimal

import pytest
from builders import KIND, entry
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model.json_text import DIGITS, MAGNITUDE, Unreadable, read_json
from reconciler.core.model.resource import Address, Source, mapping_of, rows_of, text_of, texts_of
from reconciler.core.model.tenant import (
    AccountingCode,
    AccountingPeriod,
    CustomField,
    Tenant,
    tenant_from,
)

REFERENCE = {
    "spec": {
        "accountingCodes": (
            {"name": "Cash", "type": "Cash", "glAccountName": "Bank", "glAccountNumber": "1000"},
            {"name": "Old", "type": "Cash", "status": "Inactive"},
        ),
        "accountingPeriods": (
            {
                "name": "Jan-2026",
                "startDate": "2026-01-01",
                "endDate": "2026-01-31",
                "status": "Closed",
                "fiscalYear": Decimal(2026),
                "fiscalQuarter": Decimal(1),
            },
            {"name": "Open-Ended", "startDate": "2026-02-01", "endDate": None},
        ),
        "currencies": ("USD", "EUR"),
        "homeCurrency": "USD",
        "aggregateCurrency": True,
        "segmentationRule": {"name": "Default", "segments": ("Region",)},
        "customFields": {
            "JournalEntry": ({"name": "Ticket__c", "maxLength": Decimal(10)},),
            "JournalEntryItem": ({"name": "Team__c"},),
        },
    }
}


def test_facts_are_read_from_a_reference():
    assert tenant_from(REFERENCE) == Tenant(
        complete=True,
        codes=(
            AccountingCode(
                name="Cash", type="Cash", gl_account_name="Bank", gl_account_number="1000"
            ),
            AccountingCode(name="Old", type="Cash", status="Inactive"),
        ),
        periods=(
            AccountingPeriod(
                name="Jan-2026",
                start_date="2026-01-01",
                end_date="2026-01-31",
                status="Closed",
                fiscal_year=2026,
                fiscal_quarter=1,
            ),
            AccountingPeriod(name="Open-Ended", start_date="2026-02-01", end_date=None),
        ),
        currencies=frozenset({"EUR", "USD"}),
        home_currency="USD",
        aggregate_currency=True,
        segments=("Region",),
        entry_fields={"Ticket__c": CustomField(name="Ticket__c", max_length=10)},
        line_fields={"Team__c": CustomField(name="Team__c", max_length=255)},
    )


def test_an_empty_reference_knows_nothing():
    assert tenant_from({"spec": {}}) == Tenant(complete=True) == tenant_from({})


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (mapping_of, {"a": "b"}, {"a": "b"}),
        (mapping_of, "a", {}),
        (mapping_of, None, {}),
        (rows_of, ({"a": "b"}, "c"), ({"a": "b"},)),
        (rows_of, "a", ()),
        (rows_of, None, ()),
        (text_of, Decimal("1.50"), "1.50"),
        (text_of, None, None),
        (texts_of, ("a", Decimal(1)), ("a", "1")),
        (texts_of, "ab", ()),
    ],
)
def test_a_value_is_read_as_what_it_should_be(read, value, expected):
    assert read(value) == expected


def test_a_kind_names_what_every_entry_states():
    stated = entry()
    assert [stated[name] for name in KIND.headline] == ["Jan-2026", "2026-01-31", "USD"]


def test_places_are_written_as_people_write_them():
    assert str(Address("JournalEntry", "true-up")) == "JournalEntry/true-up"
    assert str(Source("2026/01.yaml", 14)) == "2026/01.yaml:14"


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,45})(\.[0-9]{1,45})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
)
def test_a_number_is_read_as_its_plain_digits_or_refused(text):
    number = Decimal(text)
    if len(text) > DIGITS or abs(number.adjusted()) > MAGNITUDE:
        with pytest.raises(Unreadable):
            read_json(text, whole=lambda whole: whole)
    else:
        found = read_json(text, whole=lambda whole: whole)
        assert repr(found) == repr(Decimal(format(number, "f")))
