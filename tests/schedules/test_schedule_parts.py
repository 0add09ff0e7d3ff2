"""The parts of schedules: every method, amendments, allocation, waiting parts and reversals."""

import pytest
from schedule_books import (
    amendment,
    computed,
    entry,
    key,
    read,
    reference,
    schedule,
    shown,
)

from reconciler.core.planning.schedules.summary import waiting_parts

YEAR = "method: straight-line, from: Jan-2026, parts: 12"
HALF = "method: straight-line, from: Jan-2026, parts: 6"
DAILY = "method: daily, start: 2026-01-15, end: 2026-04-14"
MONTHLY = "method: recurring, from: Jan-2026, parts: 3"
ONE = "method: once, from: Mar-2026"


def amounts(found):
    """The debits of each part, by the month and day that its period starts."""
    return [f"{row.split(' ')[0][-5:]} {row.split(' ')[1][1:]}" for row in shown(found)]


def pair(amount, home=""):
    home = f"/{home}" if home else ""
    return (f"Debit Hosting Costs {amount}{home}", f"Credit Prepaid Expenses {amount}{home}")


@pytest.mark.parametrize(
    ("form", "lines", "more", "expected"),
    [
        pytest.param(
            YEAR,
            pair("10000.00"),
            "",
            ["01-01 833.33", "02-01 833.34", "03-01 833.33", "04-01 833.33", "05-01 833.34",
             "06-01 833.33", "07-01 833.33"],
            id="straight-line: the rest is the correctly rounded one at every period end",
        ),
        pytest.param(
            DAILY,
            pair("90.00"),
            "",
            ["01-01 17.00", "02-01 28.00", "03-01 31.00", "04-01 14.00"],
            id="daily: both ends count",
        ),
        pytest.param(
            "method: daily, start: 2026-01-31, end: 2026-02-28",
            pair("29.00"),
            "",
            ["01-01 1.00", "02-01 28.00"],
            id="daily: the 31st alone is a day",
        ),
        pytest.param(
            MONTHLY,
            pair("5.00"),
            "",
            ["01-01 5.00", "02-01 5.00", "03-01 5.00"],
            id="recurring: the same amounts in each part",
        ),
        pytest.param(ONE, pair("5.00"), "", ["03-01 5.00"], id="once"),
        pytest.param(
            "method: straight-line, from: Jan-2026, parts: 4",
            pair("0.02"),
            "",
            ["01-01 0.01", "03-01 0.01"],
            id="a part of zero has no entry",
        ),
        pytest.param(
            "method: straight-line, from: Jan-2026, parts: 3",
            (
                "Debit Hosting Costs 10.00",
                "Debit Rent 20.00",
                "Credit Prepaid Expenses 30.00",
            ),
            "",
            ["01-01 3.33", "02-01 3.34", "03-01 3.33"],
            id="each line is divided by itself",
        ),
        pytest.param(
            HALF,
            pair("600.00"),
            amendment("from: Mar-2026, total: 1000.00"),
            ["01-01 100.00", "02-01 100.00", "03-01 200.00", "04-01 200.00", "05-01 200.00",
             "06-01 200.00"],
            id="prospective: the new total less what earlier parts have",
        ),
        pytest.param(
            HALF,
            pair("600.00"),
            amendment("from: Mar-2026, total: 900.00, method: catch-up"),
            ["01-01 100.00", "02-01 100.00", "03-01 250.00", "04-01 150.00", "05-01 150.00",
             "06-01 150.00"],
            id="catch-up: one part takes the difference of the earlier ones",
        ),
        pytest.param(
            HALF,
            pair("600.00"),
            amendment("from: Apr-2026, parts: 4"),
            ["01-01 100.00", "02-01 100.00", "03-01 100.00", "04-01 300.00"],
            id="an earlier end spreads the rest",
        ),
        pytest.param(
            HALF,
            pair("600.00"),
            amendment("from: Apr-2026, parts: 3, remainder: none"),
            ["01-01 100.00", "02-01 100.00", "03-01 100.00"],
            id="an earlier end leaves the rest",
        ),
        pytest.param(
            HALF,
            pair("600.00"),
            amendment("from: Mar-2026, parts: 7"),
            ["01-01 100.00", "02-01 100.00", "03-01 80.00", "04-01 80.00", "05-01 80.00",
             "06-01 80.00", "07-01 80.00"],
            id="a later end",
        ),
        pytest.param(
            DAILY,
            pair("90.00"),
            amendment("from: Apr-2026, end: 2026-05-14"),
            ["01-01 17.00", "02-01 28.00", "03-01 31.00", "04-01 9.55", "05-01 4.45"],
            id="a later day",
        ),
        pytest.param(
            DAILY,
            pair("90.00"),
            amendment("from: Mar-2026, end: 2026-02-28, remainder: none"),
            ["01-01 17.00", "02-01 28.00"],
            id="an earlier day leaves the rest",
        ),
        pytest.param(
            HALF,
            pair("600.00"),
            amendment("from: Feb-2026, total: 1100.00", "from: Apr-2026, total: 800.00"),
            ["01-01 100.00", "02-01 200.00", "03-01 200.00", "04-01 100.00", "05-01 100.00",
             "06-01 100.00"],
            id="amendments follow each other",
        ),
        pytest.param(
            MONTHLY,
            pair("5.00"),
            amendment("from: Feb-2026, total: 7.00", "from: Apr-2026, parts: 4"),
            ["01-01 5.00", "02-01 7.00", "03-01 7.00", "04-01 7.00"],
            id="recurring: another amount, and more parts",
        ),
        pytest.param(
            MONTHLY,
            pair("5.00"),
            amendment("from: Feb-2026, parts: 1, remainder: none"),
            ["01-01 5.00"],
            id="recurring: an earlier end",
        ),
    ],
)  # fmt: skip
def test_the_parts_of_a_schedule(form, lines, more, expected, tmp_path):
    assert amounts(computed(tmp_path, schedule(form, *lines, more=more))) == expected


def test_the_balancing_line_takes_the_cents(tmp_path):
    lines = (
        "Debit Hosting Costs 10.00",
        "Debit Rent 20.00",
        "Credit Prepaid Expenses 20.00 {balancing: true}",
        "Credit Accrued Expenses 10.00",
    )
    assert shown(computed(tmp_path, schedule(YEAR, *lines)))[:2] == [
        "hosting.2026-01-01 D0.83 D1.67 C1.67 C0.83",
        "hosting.2026-02-01 D0.84 D1.66 C1.66 C0.84",
    ]


def test_a_foreign_currency_keeps_its_historic_rate(tmp_path):
    text = schedule(YEAR, *pair("1000.00", "1169.00"), currency="EUR")
    assert shown(computed(tmp_path, text))[:2] == [
        "hosting.2026-01-01 D83.33/97.42 C83.33/97.42",
        "hosting.2026-02-01 D83.34/97.41 C83.34/97.41",
    ]


CENTERS = ("share: 24, CostCenter__c: PLAT", "share: 18, CostCenter__c: PROD",
           "share: 0, CostCenter__c: LAB")  # fmt: skip
TEAMS = (
    "share: 2, segments: [{segmentName: Department, segmentValue: Data}]",
    "share: 1, segments: [{segmentName: Department, segmentValue: Ops}]",
)


def test_a_line_is_divided_over_targets_after_time(tmp_path):
    lines = ("Debit Hosting Costs 30.05 {allocate: heads}", "Credit Prepaid Expenses 30.05")
    found = computed(tmp_path, schedule(HALF, *lines), key(*CENTERS))
    assert shown(found)[:2] == [
        "hosting.2026-01-01 D2.86@PLAT D2.15@PROD C5.01",
        "hosting.2026-02-01 D2.86@PLAT D2.15@PROD C5.01",
    ]


def test_targets_with_segments_have_an_entry_each(tmp_path):
    lines = ("Debit Hosting Costs 30.05 {allocate: heads}", "Credit Prepaid Expenses 30.05")
    found = computed(tmp_path, schedule(HALF, *lines), key(*TEAMS))
    assert shown(found)[:2] == [
        "hosting.2026-01-01.1 D3.34 C3.34",
        "hosting.2026-01-01.2 D1.67 C1.67",
    ]
    first = next(iter(found.entries.values()))
    assert first.declared.spec["segments"][0]["segmentValue"] == "Data"


def test_an_amendment_takes_another_key_and_leaves_the_amounts(tmp_path):
    lines = ("Debit Hosting Costs 30.05 {allocate: heads}", "Credit Prepaid Expenses 30.05")
    text = schedule(HALF, *lines, more=amendment("from: Mar-2026, allocate: later"))
    later = key("share: 1, CostCenter__c: PROD", name="later")
    found = shown(computed(tmp_path, text, key(*CENTERS), later))
    assert found[1:3] == [
        "hosting.2026-02-01 D2.86@PLAT D2.15@PROD C5.01",
        "hosting.2026-03-01 D5.01@PROD C5.01",
    ]


def test_more_parts_keep_the_key_of_the_amendment_before(tmp_path):
    lines = ("Debit Hosting Costs 20.00 {allocate: heads}", "Credit Prepaid Expenses 20.00")
    more = amendment("from: Feb-2026, allocate: later", "from: Mar-2026, parts: 3, total: 30.00")
    text = schedule("method: straight-line, from: Jan-2026, parts: 2", *lines, more=more)
    later = key("share: 1, CostCenter__c: PROD", name="later")
    found = shown(computed(tmp_path, text, key(*CENTERS), later))
    assert found[1:] == [
        "hosting.2026-02-01 D10.00@PROD C10.00",
        "hosting.2026-03-01 D10.00@PROD C10.00",
    ]


def test_lines_anew_may_move_the_rest_to_another_code(tmp_path):
    lines = (
        "from: Mar-2026, journalEntryItems: ["
        "{accountingCodeName: Hosting Costs, type: Debit, amount: 200.00}, "
        "{accountingCodeName: Rent, type: Debit, amount: 400.00}, "
        "{accountingCodeName: Prepaid Expenses, type: Credit, amount: 600.00}]"
    )
    found = shown(computed(tmp_path, schedule(HALF, *pair("600.00"), more=amendment(lines))))
    assert found[1:3] == [
        "hosting.2026-02-01 D100.00 C100.00",
        "hosting.2026-03-01 D100.00 C100.00",
    ]
    third = list(
        computed(tmp_path, schedule(HALF, *pair("600.00"), more=amendment(lines))).entries.values()
    )[2]
    codes = [line["accountingCodeName"] for line in third.declared.spec["journalEntryItems"]]
    assert codes == ["Rent", "Prepaid Expenses"]


def test_the_date_is_that_of_the_period(tmp_path):
    found = computed(tmp_path, schedule(f"{MONTHLY}, date: period-start"), schedule(name="b"))
    dates = [one.declared.spec["journalEntryDate"] for one in found.entries.values()]
    assert dates[:2] == ["2026-01-31", "2026-02-28"]
    assert dates[-1] == "2026-03-01"


ADJUSTMENT = "    - {name: FY-ADJ, startDate: 2026-03-31, endDate: 2026-03-31}\n"
QUARTER = "    - {name: Q-1, startDate: 2026-01-01, endDate: 2026-03-31}\n"
MULTI_ORG = "  organizations: [{id: '1', name: Acme}]\n"


@pytest.mark.parametrize("more", [ADJUSTMENT, QUARTER])
@pytest.mark.parametrize("skip", ["", "  skip: [FY-ADJ, Q-1]\n"])
def test_a_period_that_overlaps_its_predecessor_has_no_part(more, skip, tmp_path):
    books = reference(more=more) + MULTI_ORG
    workspace = read(tmp_path, schedule(MONTHLY, more=skip), reference=books)
    assert [name.name[-5:] for name in workspace.computed.entries] == ["01-01", "02-01", "03-01"]


def test_parts_of_periods_that_are_not_there_yet_wait(tmp_path):
    found = computed(tmp_path, schedule(YEAR, *pair("1200.00")))
    (waits,) = waiting_parts(found, found.entries, (), "")
    told = waits.parts, str(waits.amount), waits.awaited
    assert told == (5, "500.00", "periods after Jul-2026")
    daily = computed(tmp_path, schedule("method: daily, start: 2026-07-01, end: 2026-08-31"))
    (waits,) = waiting_parts(daily, daily.entries, (), "")
    assert (waits.parts, str(waits.amount)) == (None, "6000.00")


REVERSE = ", reverseOn: next-period-start"


def test_a_longer_reference_changes_no_part(tmp_path):
    texts = (schedule(YEAR, *pair("1000.00")), schedule(DAILY, *pair("1000.00"), name="daily"))
    short = computed(tmp_path, *texts, reference=reference(5)).entries
    long = computed(tmp_path, *reversed(texts), reference=reference(12)).entries
    assert {name: long[name].declared.spec for name in short} == {
        name: one.declared.spec for name, one in short.items()
    }


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        pytest.param("next-period-start", ("Feb-2026", "2026-02-01"), id="the next period"),
        pytest.param("{period: Mar-2026}", ("Mar-2026", "2026-03-01"), id="a named period"),
        pytest.param(
            "{period: Jan-2026}", ("Jan-2026", "2026-01-31"), id="the same, not before the entry"
        ),
        pytest.param(
            "{period: Mar-2026, date: 2026-03-15}", ("Mar-2026", "2026-03-15"), id="a named day"
        ),
    ],
)
def test_an_entry_is_reversed(on, expected, tmp_path):
    found = computed(tmp_path, entry(metadata=f", labels: {{team: ops}}, reverseOn: {on}"))
    (one,) = [item.declared for item in found.entries.values()]
    assert one.address.name == "accrual.reversal"
    assert one.reverses == "accrual"
    assert (one.spec["accountingPeriodName"], one.spec["journalEntryDate"]) == expected
    assert one.labels == {"team": "ops"}
    assert shown(found) == ["accrual.reversal C400.90 D400.90"]


def test_a_reversal_leaves_out_the_periods_that_its_schedule_skips(tmp_path):
    text = schedule(f"{MONTHLY}, skip: [Feb-2026]", *pair("5.00"), metadata=REVERSE)
    entries = computed(tmp_path, text).entries.values()
    found = [one.declared for one in entries if one.declared.reverses is not None]
    periods = [one.spec["accountingPeriodName"] for one in found]
    assert periods == ["Mar-2026", "Apr-2026", "May-2026"]


def test_every_part_is_reversed(tmp_path):
    text = schedule(MONTHLY, *pair("5.00"), metadata=REVERSE)
    assert shown(computed(tmp_path, text)) == [
        "hosting.2026-01-01 D5.00 C5.00",
        "hosting.2026-01-01.reversal C5.00 D5.00",
        "hosting.2026-02-01 D5.00 C5.00",
        "hosting.2026-02-01.reversal C5.00 D5.00",
        "hosting.2026-03-01 D5.00 C5.00",
        "hosting.2026-03-01.reversal C5.00 D5.00",
    ]


def test_overrides_change_metadata_and_notes_of_one_part(tmp_path):
    more = "  overrides:\n    2026-02-01: {adopts: JE-00000021, notes: Second}\n"
    found = [one.declared for one in computed(tmp_path, schedule(more=more)).entries.values()]
    assert [one.adopts for one in found[:3]] == [None, "JE-00000021", None]
    assert [one.spec.get("notes") for one in found[:3]] == [None, "Second", None]
