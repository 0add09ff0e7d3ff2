"""Creating an entry: what is accepted, what is refused and under which category."""

from decimal import Decimal

import pytest
from ledger_harness import (
    ENTRIES,
    REFERENCE,
    categories_of,
    codes_of,
    credit,
    debit,
    entry,
    exact,
    opened,
    post,
)

RESOURCE = 520300


def test_a_created_entry_is_read_back_with_every_documented_field(bench):
    client = bench.client()
    response = client.post(
        ENTRIES,
        json=entry(
            debit("400.90", CostCenter__c="C1", glString="1.2", notes="hidden"),
            credit("100.00", "Cash"),
            credit(300.9, accountingCodeType="SalesRevenue"),
            notes="True-up",
            segments=[
                {"segmentName": "Department", "segmentValue": "Sales"},
                {"segmentName": "Region", "segmentValue": "EU"},
            ],
            transferredToAccounting="Ignore",
            transactionType="Manual",
            ReconcilerKey__c="acme/true-up",
        ),
    )
    assert response.json() == {"success": True, "journalEntryNumber": "JE-00000001"}
    assert exact(client.get(f"{ENTRIES}/JE-00000001")) == {
        "success": True,
        "number": "JE-00000001",
        "status": "Created",
        "accountingPeriodName": "Jan-2026",
        "aggregateCurrency": False,
        "currency": "USD",
        "homeCurrency": None,
        "journalEntryDate": "2026-01-31",
        "notes": "True-up",
        "segments": [
            {"segmentName": "Department", "segmentValue": "Sales"},
            {"segmentName": "Region", "segmentValue": "EU"},
        ],
        "timePeriodStart": None,
        "timePeriodEnd": None,
        "transactionType": "Manual",
        "transferDateTime": None,
        "transferredBy": None,
        "transferredToAccounting": "Ignore",
        "ReconcilerKey__c": "acme/true-up",
        "Preparer__c": None,
        "journalEntryItems": [
            {
                "accountingCodeName": "Deferred Revenue",
                "accountingCodeType": "DeferredRevenue",
                "amount": Decimal("400.90"),
                "homeCurrencyAmount": None,
                "type": "Debit",
                "glAccountName": None,
                "glAccountNumber": "2200",
                "glString": "1.2",
                "CostCenter__c": "C1",
            },
            {
                "accountingCodeName": "Cash",
                "accountingCodeType": "Cash",
                "amount": Decimal("100.00"),
                "homeCurrencyAmount": None,
                "type": "Credit",
                "glAccountName": None,
                "glAccountNumber": None,
                "glString": None,
                "CostCenter__c": None,
            },
            {
                "accountingCodeName": "Subscription Revenue",
                "accountingCodeType": "SalesRevenue",
                "amount": Decimal("300.9"),
                "homeCurrencyAmount": None,
                "type": "Credit",
                "glAccountName": None,
                "glAccountNumber": None,
                "glString": None,
                "CostCenter__c": None,
            },
        ],
    }


@pytest.mark.parametrize("state", ["No", "Processing", "Yes", "Error", "Ignore"])
def test_a_transfer_state_is_text_and_round_trips(caller, state):
    number = post(caller, transferredToAccounting=state)
    live = caller.get(f"{ENTRIES}/{number}").json()
    assert live["transferredToAccounting"] == state
    assert (live["transferDateTime"] is None) == (state != "Yes")
    assert (live["transferredBy"] is None) == (state != "Yes")


ACCEPTED = [
    pytest.param(entry(), id="debit and credit"),
    pytest.param(entry(debit("0.01"), credit("0.01")), id="one cent"),
    pytest.param(entry(debit(".5".zfill(3)), credit(0.5)), id="string and number mixed"),
    pytest.param(
        entry(debit("0.1"), debit("0.2"), credit("0.3")), id="0.1 and 0.2 are exactly 0.3"
    ),
    pytest.param(
        entry(debit("999999999999999.99"), credit("999999999999999.99")),
        id="seventeen digits",
    ),
    pytest.param(entry(debit("7"), credit("7"), currency="JPY"), id="yen without decimals"),
    pytest.param(entry(debit("1.005"), credit("1.005"), currency="KWD"), id="dinar with three"),
    pytest.param(entry(debit("1.0005"), credit("1.0005"), currency="CLF"), id="four decimals"),
    pytest.param(entry(*[debit("1.00")] * 99, credit("99.00")), id="a hundred items"),
    pytest.param(entry(notes="é" * 2000), id="2000 characters of notes, not bytes"),
    pytest.param(entry(notes="🂡" * 2000), id="2000 characters beyond the basic plane"),
    pytest.param(entry(notes="line\nand\ttab"), id="newline and tab in notes"),
    pytest.param(entry(debit(notes="n" * 1000), credit()), id="1000 characters of item notes"),
    pytest.param(entry(debit(glString="g" * 350), credit()), id="350 characters of glString"),
    pytest.param(entry(journalEntryDate="2024-02-29"), id="a date outside the period"),
    pytest.param(entry(accountingPeriodName="Open-Ended"), id="the open-ended period"),
    pytest.param(entry(segments=[]), id="no segments although a rule is active"),
    pytest.param(entry() | {"notes": None, "segments": None}, id="null means absent"),
    pytest.param(entry(ReconcilerKey__c="x" * 20), id="a custom field of full length"),
    pytest.param(
        entry(debit(code="Twin", accountingCodeType="OtherAssets"), credit()),
        id="an ambiguous name with its type",
    ),
    pytest.param(entry(debit(accountingCodeType="DeferredRevenue"), credit()), id="a code type"),
]


@pytest.mark.parametrize("body", ACCEPTED)
def test_accepted(caller, body):
    response = caller.post(ENTRIES, json=body)
    assert response.json()["success"] is True, response.text


REFUSED = [
    *[
        pytest.param(entry(**{name: None}), [22], id=f"without {name}")
        for name in ("accountingPeriodName", "currency", "journalEntryDate")
    ],
    pytest.param({**entry(), "journalEntryItems": None}, [22], id="without items"),
    pytest.param({}, [22, 22, 22, 22], id="every missing field is named"),
    pytest.param(
        entry(
            debit(accountingCodeType="Deferred Revenue"),
            credit(accountingCodeType="Sales Revenue"),
        ),
        [20, 20],
        id="types with the spaces of the published sample, which the enum does not have",
    ),
    pytest.param(entry(journalEntryItems=[]), [20], id="no items"),
    pytest.param(entry(journalEntryItems={}), [20], id="items not a list"),
    pytest.param(entry(journalEntryItems=[None]), [20], id="an item that is null"),
    pytest.param(entry(*[debit("1.00")] * 100, credit("100.00")), [20], id="101 items"),
    pytest.param(entry(debit()), [30, 30], id="only a debit"),
    pytest.param(entry(credit(), credit()), [30, 30], id="only credits"),
    pytest.param(entry(surprise=1), [21], id="an unknown field"),
    pytest.param(entry(Notes="x"), [21], id="a field in other letters"),
    pytest.param(entry(Undeclared__c="x"), [21], id="an undeclared custom field"),
    pytest.param(entry(reconcilerkey__c="x"), [21], id="a custom field in other letters"),
    pytest.param(entry(CostCenter__c="x"), [21], id="an item's custom field on the entry"),
    pytest.param(entry(debit(surprise=1), credit()), [21], id="an unknown item field"),
    pytest.param(entry(number="JE-00000009"), [21], id="a number of one's own"),
    pytest.param(entry(transferDateTime="2026-01-01 00:00:00"), [21], id="a server's field"),
    pytest.param(entry(ReconcilerKey__c="x" * 21), [20], id="a custom field too long"),
    pytest.param(entry(ReconcilerKey__c=5), [20], id="a custom field that is no text"),
    pytest.param(entry(notes="é" * 2001), [20], id="notes too long"),
    pytest.param(entry(notes=5), [20], id="notes that are no text"),
    pytest.param(entry(notes="bell\a"), [20], id="a control character"),
    pytest.param(entry(notes="nul\0"), [20], id="a NUL"),
    pytest.param(entry(debit(notes="n" * 1001), credit()), [20], id="item notes too long"),
    pytest.param(entry(debit(glString="g" * 351), credit()), [20], id="glString too long"),
    pytest.param(entry(debit(type="debit"), credit()), [20], id="a side in small letters"),
    pytest.param(entry(debit(type=None), credit()), [22], id="an item without a side"),
    pytest.param(entry(debit(amount=None), credit()), [22], id="an item without an amount"),
    pytest.param(entry(debit(code=""), credit()), [20], id="a blank accounting code"),
    pytest.param(entry(debit(code="Nowhere"), credit()), [20], id="an unknown accounting code"),
    pytest.param(entry(debit(code="cash"), credit()), [20], id="a code in other letters"),
    pytest.param(entry(debit(code="Retired"), credit()), [30], id="an inactive accounting code"),
    pytest.param(entry(debit(code="Twin"), credit()), [22], id="an ambiguous name alone"),
    pytest.param(
        entry(debit(code="Twin", accountingCodeType="Cash"), credit()),
        [20],
        id="a name with another type",
    ),
    pytest.param(
        entry(debit(accountingCodeType="Deferred"), credit()), [20], id="no code type at all"
    ),
    pytest.param(entry(currency="GBP"), [20], id="a currency that is not active"),
    pytest.param(entry(currency="usd"), [20], id="a currency in small letters"),
    pytest.param(entry(currency="DOLLAR"), [20], id="a currency of six letters"),
    pytest.param(entry(accountingPeriodName="Jan-1999"), [20], id="an unknown period"),
    pytest.param(entry(accountingPeriodName="Nov-2025"), [30], id="a closed period"),
    pytest.param(entry(journalEntryDate="2026-02-30"), [20], id="a day that does not exist"),
    pytest.param(entry(journalEntryDate="2026-1-31"), [20], id="a date of another shape"),
    pytest.param(entry(journalEntryDate="2026-01-31\n"), [20], id="a date and a newline"),
    pytest.param(
        entry(journalEntryDate="\uff12\uff10\uff12\uff16-01-31"), [20], id="full-width digits"
    ),
    pytest.param(entry(journalEntryDate="2026-01-31T00:00:00"), [20], id="a stamp"),
    pytest.param(entry(journalEntryDate=20260131), [20], id="a date that is a number"),
    pytest.param(entry(transferredToAccounting=False), [20], id="the boolean a bare No becomes"),
    pytest.param(entry(transferredToAccounting="no"), [20], id="a state in small letters"),
    pytest.param(entry(organizationLabel="EU"), [30], id="an organization without Multi-Org"),
    pytest.param(
        entry(segments=[{"segmentName": "Department", "segmentValue": "S"}]),
        [30],
        id="one segment of two",
    ),
    pytest.param(
        entry(
            segments=[
                {"segmentName": "Region", "segmentValue": "EU"},
                {"segmentName": "Department", "segmentValue": "S"},
            ]
        ),
        [30],
        id="segments in another order",
    ),
    pytest.param(
        entry(segments=[{"segmentName": "Department"}]), [22], id="a segment without a value"
    ),
    pytest.param(
        entry(debit(homeCurrencyAmount="1.00"), credit()),
        [30],
        id="a home amount without a home currency",
    ),
    pytest.param(entry(debit("400.91"), credit("400.90")), [30], id="one cent out of balance"),
    pytest.param(
        entry(debit("90071992547409.93"), credit("90071992547409.94")),
        [30],
        id="one cent out of balance where floats see none",
    ),
    pytest.param(
        entry(debit("1.00", "Nowhere"), credit("2.00"), currency="GBP", surprise=1),
        [21],
        id="the form comes before the books",
    ),
    pytest.param(
        entry(debit("1.00", "Nowhere"), credit("2.00"), currency="GBP"),
        [20, 20, 30],
        id="every broken rule is named",
    ),
]


@pytest.mark.parametrize(("body", "categories"), REFUSED)
def test_refused(caller, body, categories):
    response = caller.post(ENTRIES, json=body)
    assert response.status_code == 400
    assert response.json()["success"] is False
    assert categories_of(response) == categories, response.text
    assert {code // 100 for code in codes_of(response)} == {RESOURCE}


AMOUNTS_REFUSED = [
    *["-1.00", "+1.00", "0", "0.00", "-0", "1e2", "1E2", "1e+2", "NaN", "Infinity", "-Infinity"],
    *["1,000.00", "1_000", " 1.00", "1.00 ", "1.00\n", "1.", ".5", "01.00", "0x10", "1:30", ""],
    *["\uff14\uff10", "\u0661\u0662", "1000000000000000.00", "9" * 5000, "1.001", "1.000"],
]


@pytest.mark.parametrize("amount", AMOUNTS_REFUSED, ids=lambda text: repr(text[:24]))
def test_an_amount_as_text_is_plain_positive_and_within_bounds(caller, amount):
    response = caller.post(ENTRIES, json=entry(debit(amount), credit(amount)))
    assert set(categories_of(response)) == {20}, response.text
    assert all(".amount " in reason["message"] for reason in response.json()["reasons"])


@pytest.mark.parametrize(
    ("literal", "category"),
    [
        ("-1.00", 20),
        ("0", 20),
        ("0.0", 20),
        ("-0", 20),
        ("1.001", 20),
        ("1e-3", 20),
        ("1e15", 20),
        ("1e999999999", 20),
        ("1e-999999999", 20),
        ("1e99999999999999999999", 90),
        ("9" * 65, 90),
        ("9" * 5000, 90),
        ("NaN", 90),
        ("Infinity", 90),
        ("-Infinity", 90),
        ("01", 90),
        ("true", 20),
        ("[]", 20),
        ("{}", 20),
    ],
    ids=lambda value: str(value)[:24],
)
def test_an_amount_as_a_json_number_is_held_to_the_same(caller, literal, category):
    text = '{"accountingPeriodName":"Jan-2026","currency":"USD","journalEntryDate":"2026-01-31",'
    text += '"journalEntryItems":[{"accountingCodeName":"Cash","type":"Debit","amount":%s},'
    text += '{"accountingCodeName":"Cash","type":"Credit","amount":%s}]}'
    response = caller.post(
        ENTRIES,
        content=text % (literal, literal),
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 400
    assert set(categories_of(response)) == {category}


@pytest.mark.parametrize(
    ("currency", "sent", "answered"),
    [
        ("USD", '"400.90"', "400.90"),
        ("USD", "400.90", "400.90"),
        ("USD", "400.9", "400.9"),
        ("USD", "400", "400"),
        ("USD", "4e2", "400"),
        ("USD", "999999999999999.99", "999999999999999.99"),
        ("USD", "90071992547409.93", "90071992547409.93"),
        ("JPY", '"123456789012345"', "123456789012345"),
        ("KWD", "0.001", "0.001"),
        ("CLF", '"0.0001"', "0.0001"),
    ],
)
def test_an_amount_comes_back_with_the_digits_it_was_sent_with(caller, currency, sent, answered):
    text = '{"accountingPeriodName":"Jan-2026","currency":"%s","journalEntryDate":"2026-01-31",'
    text += '"journalEntryItems":[{"accountingCodeName":"Cash","type":"Debit","amount":%s},'
    text += '{"accountingCodeName":"Twin","accountingCodeType":"OtherAssets","type":"Credit",'
    text += '"amount":%s}]}'
    created = caller.post(
        ENTRIES,
        content=text % (currency, sent, sent),
        headers={"Content-Type": "application/json"},
    )
    live = caller.get(f"{ENTRIES}/{created.json()['journalEntryNumber']}").text
    assert live.count(f'"amount":{answered},') == 2


AT_HOME = (debit("5.00", homeCurrencyAmount=5), credit("5.00", homeCurrencyAmount="5.00"))
"""Lines in the home currency: their home amounts are the amounts (API facts 3.3)."""


@pytest.fixture(scope="module")
def home(databases, tmp_path_factory):
    """A client of a ledger whose home currency is USD."""
    text = REFERENCE.read_text().replace("spec:\n", "spec:\n  homeCurrency: USD\n", 1)
    path = tmp_path_factory.mktemp("home")
    (path / "reference.yaml").write_text(text)
    with opened(databases.new(path), reference=path / "reference.yaml") as bench:
        yield bench.client()


@pytest.mark.parametrize(
    ("body", "categories"),
    [
        pytest.param(entry(), [22, 22], id="home currency, home amounts missing"),
        pytest.param(
            entry(debit("5.00", homeCurrencyAmount=None), AT_HOME[1]),
            [22],
            id="home currency, home amount null",
        ),
        pytest.param(entry(*AT_HOME), [], id="home currency, equal home amounts"),
        pytest.param(
            entry(debit("5.00", homeCurrencyAmount="4.00"), AT_HOME[1]),
            [30],
            id="home currency, another home amount",
        ),
        pytest.param(
            entry(
                debit("1000", homeCurrencyAmount="6.66"),
                credit("1000", homeCurrencyAmount="6.66"),
                currency="JPY",
            ),
            [],
            id="foreign currency, balanced",
        ),
        pytest.param(
            entry(debit("1000"), credit("1000"), currency="JPY"),
            [22, 22],
            id="foreign currency, home amounts missing",
        ),
        pytest.param(
            entry(
                debit("1000", homeCurrencyAmount="6.67"),
                credit("1000", homeCurrencyAmount="6.66"),
                currency="JPY",
            ),
            [30],
            id="foreign currency, home amounts out of balance",
        ),
        pytest.param(
            entry(
                debit("1000", homeCurrencyAmount="6.665"),
                credit("1000", homeCurrencyAmount="6.665"),
                currency="JPY",
            ),
            [20, 20],
            id="foreign currency, home amounts finer than a cent",
        ),
    ],
)
def test_home_amounts(home, body, categories):
    response = home.post(ENTRIES, json=body)
    assert response.json()["success"] is (not categories)
    assert categories == ([] if response.json()["success"] else categories_of(response))


def test_home_amounts_are_read_as_they_were_sent(home):
    number = post(home, journalEntryItems=AT_HOME)
    live = exact(home.get(f"{ENTRIES}/{number}"))
    assert live["homeCurrency"] == "USD"
    amounts = [line["homeCurrencyAmount"] for line in live["journalEntryItems"]]
    assert amounts == [Decimal(5), Decimal(5)]


def test_with_aggregation_entries_are_in_the_home_currency(make_bench, tmp_path):
    switches = "spec:\n  homeCurrency: USD\n  aggregateCurrency: true\n"
    path = tmp_path / "reference.yaml"
    path.write_text(REFERENCE.read_text().replace("spec:\n", switches, 1))
    client = make_bench(reference=path).client()
    live = client.get(f"{ENTRIES}/{post(client, journalEntryItems=AT_HOME)}").json()
    assert live["aggregateCurrency"] is True
    lines = (debit("5", homeCurrencyAmount="1"), credit("5", homeCurrencyAmount="1"))
    foreign = client.post(ENTRIES, json=entry(*lines, currency="JPY"))
    assert categories_of(foreign) == [30]


def test_a_period_does_not_mix_aggregated_entries_with_others(make_bench, tmp_path):
    from reconciler.ledger import open_ledger

    bench = make_bench()
    client = bench.client()
    number = post(client)
    switches = "spec:\n  homeCurrency: USD\n  aggregateCurrency: true\n"
    path = tmp_path / "reference.yaml"
    path.write_text(REFERENCE.read_text().replace("spec:\n", switches, 1))
    open_ledger(bench.database.url, path).close()
    body = entry(*AT_HOME)
    assert categories_of(client.post(ENTRIES, json=body)) == [30]
    client.put(f"{ENTRIES}/{number}/cancel")
    assert categories_of(client.post(ENTRIES, json=body)) == [30]  # still an entry of the period
    client.delete(f"{ENTRIES}/{number}")
    assert client.post(ENTRIES, json=body).json()["success"] is True


def test_pending_close_takes_entries_only_from_those_who_manage_the_close(caller, shared):
    body = entry(accountingPeriodName="Dec-2025")
    assert caller.post(ENTRIES, json=body).json()["success"] is True
    other = shared.client(["Create Journal Entry"])
    assert categories_of(other.post(ENTRIES, json=body)) == [30]


def test_without_a_segmentation_rule_segments_are_refused(make_bench, tmp_path):
    text = REFERENCE.read_text()
    rule = next(line for line in text.splitlines() if "segmentationRule" in line)
    path = tmp_path / "reference.yaml"
    path.write_text(text.replace(rule, ""))
    client = make_bench(reference=path).client()
    body = entry(segments=[{"segmentName": "Department", "segmentValue": "S"}])
    assert categories_of(client.post(ENTRIES, json=body)) == [30]


def test_a_refused_entry_leaves_nothing_behind(bench):
    client = bench.client()
    before = bench.truth("SELECT count(*) AS n FROM audit_events")
    client.post(ENTRIES, json=entry(debit("1.00"), credit("2.00")))
    assert bench.truth("SELECT * FROM journal_entries") == []
    assert bench.truth("SELECT count(*) AS n FROM audit_events") == before
    assert post(client) == "JE-00000001"
