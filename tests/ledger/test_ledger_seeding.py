"""The reference a ledger starts with, and what a changed one may change later."""

import pytest
from ledger_harness import ENTRIES, REFERENCE, credit, debit, entry

from reconciler.ledger import LedgerUnusable, open_ledger
from reconciler.ledger.reference_data import document

TEXT = REFERENCE.read_text()
MARCH = "{name: Mar-2026, startDate: 2026-03-01, endDate: 2026-03-31}\n    - "


def write(path, *replacements):
    text = TEXT
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path


def periods(database):
    rows = database.truth("SELECT name, status FROM accounting_periods")
    return {row["name"]: row["status"] for row in rows}


def test_each_organization_has_periods_of_its_own(database, tmp_path):
    """The document does not say whose they are, so they may overlap (API facts 8.6)."""
    organizations = "spec:\n  organizations: [{id: O-1, name: North}, {id: O-2, name: South}]\n"
    path = write(
        tmp_path / "reference.yaml",
        ("spec:\n", organizations),
        ("endDate: 2026-01-31", "endDate: 2026-02-01"),
    )
    open_ledger(database.url, path).close()
    assert "Jan-2026" in periods(database)


def test_a_changed_reference_adds_refreshes_and_removes_nothing(database, tmp_path):
    url = database.url
    open_ledger(url, REFERENCE).close()
    changed = write(
        tmp_path / "changed.yaml",
        ("fiscalQuarter: 4, status: Closed", "fiscalQuarter: 4, status: Open"),
        ("{name: Open-Ended, startDate: 2026-03", MARCH + "{name: Open-Ended, startDate: 2026-04"),
        ("- {name: Cash, type: Cash}", "- {name: Bank, type: Cash}"),
        ("currencies: [USD, EUR", "currencies: [USD, GBP"),
        ("ReconcilerKey__c, maxLength: 20", "Marker__c, maxLength: 20"),
        ("[Department, Region]", "[Department]"),
    )
    open_ledger(url, changed).close()
    assert periods(database)["Nov-2025"] == "Open"
    assert periods(database)["Mar-2026"] == "Open"
    codes = {row["name"] for row in database.truth("SELECT name FROM accounting_codes")}
    assert {"Cash", "Bank"} <= codes
    tenant = database.truth("SELECT * FROM tenants")[0]
    assert "GBP" in tenant["currencies"]
    assert "EUR" not in tenant["currencies"]
    assert "Marker__c" in tenant["custom_fields"]
    assert "ReconcilerKey__c" in tenant["custom_fields"]
    assert tenant["segments"] == '["Department"]'


TWO = "segmentationRules: [{name: R, segments: [A]}, {name: S, segments: [B]}]"
ROWS = "currencies: [USD, {code: HRK, inactiveSince: 2023-01-01}, {code: XYZ, minorUnits: 1}]"
RULES = """segmentationRules:
    - {name: New, segments: [Region], activeSince: 2026-01-01}
    - {name: Old, segments: [Department, Region], inactiveSince: 2026-01-01}"""


def test_a_ledger_takes_what_is_active_and_the_decimals_of_unknown_currencies(make_bench, tmp_path):
    path = write(
        tmp_path / "rows.yaml",
        ("currencies: [USD, EUR, JPY, KWD, CLF]", ROWS),
        ("segmentationRule: {name: Default, segments: [Department, Region]}", RULES),
        ("- {name: Cash, type: Cash}", "- {name: Cash, type: Cash, inactiveSince: 2026-01-01}"),
    )
    bench = make_bench(reference=path)
    (tenant,) = bench.database.truth("SELECT * FROM tenants")
    assert (tenant["segmentation_rule"], tenant["segments"]) == ("New", '["Region"]')
    (code,) = bench.database.truth("SELECT * FROM accounting_codes WHERE name = 'Cash'")
    assert code["status"] == "Inactive"
    client = bench.client()

    def posted(currency, amount):
        lines = debit(amount=amount), credit(amount=amount)
        answer = client.post(ENTRIES, json=entry(*lines, currency=currency)).json()
        return answer["success"] or answer["reasons"][0]["message"]

    assert posted("XYZ", "1.5") is True
    assert "must have at most 1 decimals in XYZ" in posted("XYZ", "1.25")
    assert "'HRK' is not active" in posted("HRK", "1.25")


def test_what_a_changed_reference_no_longer_declares_takes_no_new_entry(database, tmp_path):
    url = database.url
    open_ledger(url, REFERENCE).close()
    period = "    - {name: Jan-2026, startDate: 2026-01-01, endDate: 2026-01-31,"
    row = next(row for row in TEXT.splitlines(keepends=True) if row.startswith(period))
    code = next(row for row in TEXT.splitlines(keepends=True) if "name: Deferred Revenue," in row)
    open_ledger(url, write(tmp_path / "less.yaml", (row, ""), (code, ""))).close()

    def status():
        code = "SELECT status FROM accounting_codes WHERE name = 'Deferred Revenue'"
        return periods(database)["Jan-2026"], database.truth(code)[0]["status"]

    assert status() == ("Closed", "Inactive")
    open_ledger(url, REFERENCE).close()
    assert status() == ("Open", "Active")


def test_the_same_reference_is_seeded_once(database):
    url = database.url
    for _ in range(3):
        open_ledger(url, REFERENCE).close()
    events = database.truth("SELECT * FROM audit_events")
    assert [event["action"] for event in events] == ["seed"]


def test_a_changed_reference_opens_closes_and_corrects_what_it_declares(database, tmp_path):
    """The ledger follows it, also where somebody closed a period with `close-period` meanwhile."""
    url = database.url
    open_ledger(url, REFERENCE).close()
    text = REFERENCE.read_text(encoding="utf-8")
    closed = text.replace("endDate: 2026-01-31,", "endDate: 2026-01-30, status: Closed,")
    closed = closed.replace("{name: Cash, type: Cash", "{name: Cash, type: Cash, status: Inactive")
    assert closed != text
    path = tmp_path / "reference.yaml"

    def stored():
        (period,) = database.truth("SELECT * FROM accounting_periods WHERE name = 'Jan-2026'")
        (code,) = database.truth("SELECT * FROM accounting_codes WHERE name = 'Cash'")
        return period["status"], str(period["end_date"]), code["status"]

    before = stored()
    path.write_text(closed, encoding="utf-8")
    open_ledger(url, path).close()
    assert stored() == ("Closed", "2026-01-30", "Inactive")
    path.write_text(text, encoding="utf-8")
    open_ledger(url, path).close()
    assert stored() == before
    assert len(database.truth("SELECT * FROM audit_events")) == 3


def test_without_a_reference_what_was_seeded_stays(database):
    url = database.url
    open_ledger(url, REFERENCE).close()
    open_ledger(url).close()
    assert "Jan-2026" in periods(database)
    assert len(database.truth("SELECT * FROM audit_events")) == 1


def test_a_new_database_opens_with_the_example_books(database):
    open_ledger(database.url).close()
    assert periods(database)
    assert database.truth("SELECT * FROM accounting_codes")


def test_a_mapping_serves_as_well_as_a_file(make_bench):
    reference = {
        "apiVersion": "journal.reconciler/v1",
        "kind": "Reference",
        "metadata": {"name": "acme"},
        "spec": {
            "currencies": ("USD",),
            "accountingPeriods": [
                {"name": "Jan-2026", "startDate": "2026-01-01", "endDate": "2026-01-31"}
            ],
            "accountingCodes": [
                {"name": "Deferred Revenue", "type": "DeferredRevenue"},
                {"name": "Subscription Revenue", "type": "Sales Revenue"},
            ],
        },
    }
    client = make_bench(reference=reference).client()
    assert client.post(ENTRIES, json=entry()).json()["success"] is True


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        (("kind: Reference", "kind: Workspace"), "kind is 'Workspace'"),
        (("spec:", "specification:"), "spec is missing"),
        (("currencies: [USD", "currencies: [DOLLARS"), "'DOLLARS' is not an ISO 4217 currency"),
        (("currencies: [USD", "currencies: [XAU"), "'XAU' is not an ISO 4217 currency"),
        (("currencies: [USD, EUR, JPY, KWD, CLF]", "currencies: USD"), "currencies is not a list"),
        (("currencies: [USD", "currencies: [{code: USD, minorUnits: 3}"), "does not have 3 minor"),
        (("currencies: [USD", "currencies: [{code: XYZ, minorUnits: 9}"), "does not have 9 minor"),
        (("currencies: [USD", "currencies: [{minorUnits: 2}"), "code is missing"),
        (("currencies: [USD", "currencies: [{code: USD, inactiveSince: x}"), "'x' is not a date"),
        (("spec:\n", "spec:\n  segmentationRules: [{name: R, segments: [A]}]\n"), "both given"),
        (("segmentationRule: {name: Default, segments: [Department, Region]}", TWO), "two segm"),
        (("spec:\n", "spec:\n  aggregateCurrency: true\n"), "needs a homeCurrency"),
        (("spec:\n", "spec:\n  homeCurrency: US\n"), "'US' is not an ISO 4217 currency"),
        (("name: Jan-2026, ", ""), r"accountingPeriods\[2\]: name is missing"),
        (("startDate: 2026-01-01", "startDate: January"), "'January' is not a date"),
        (("endDate: 2026-01-31", "endDate: 2026-01-32"), "'2026-01-32' is not a date"),
        (("endDate: 2026-01-31", "endDate: 2025-12-31"), "endDate 2025-12-31 is before startDate"),
        (("endDate: 2026-01-31", "endDate: 2026-02-01"), "'Jan-2026' and '[^']+' overlap"),
        (("startDate: 2026-03-01", "startDate: 2026-02-28"), "and 'Open-Ended' overlap"),
        (("status: PendingClose", "status: Pending"), "status is 'Pending'"),
        (("type: SalesRevenue", "type: Sales"), "'Sales' is not an accounting code type"),
        (("status: Inactive", "status: Retired"), "status is 'Retired'"),
        (("fiscalYear: 2026", "fiscalYear: MMXXVI"), "fiscalYear is 'MMXXVI'"),
        (("kind: Reference", "kind: [Reference"), ":3: not readable as YAML"),
        (("kind: Reference", f"kind: {'[' * 20}{']' * 20}"), "nested deeper than 20"),
        (("kind: Reference", f"kind: {'[1,' * 900}{']' * 900}"), "nested deeper than 20"),
        # A scanner may look ahead, and find its own limit passed before anybody sees ours is.
        (
            ("kind: Reference", f"kind: {'[' * 5000}{']' * 5000}"),
            "nested deeper than 20|not readable",
        ),
    ],
)
def test_what_a_reference_lacks_is_said_in_one_line(database, tmp_path, replacement, message):
    path = write(tmp_path / "reference.yaml", replacement)
    with pytest.raises(LedgerUnusable, match=message) as refused:
        open_ledger(database.url, path)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_reference_that_is_missing_is_named(database, tmp_path):
    with pytest.raises(LedgerUnusable, match=r"nowhere\.yaml: No such file"):
        open_ledger(database.url, tmp_path / "nowhere.yaml")


def test_the_built_in_reference_is_readable():
    assert document.load(document.built_in()).codes
