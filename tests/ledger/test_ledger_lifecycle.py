"""An entry after its creation: read, updated, cancelled, deleted."""

import pytest
from ledger_harness import ENTRIES, categories_of, credit, debit, entry, exact, post

from reconciler.ledger.auth.permissions import Permission

STATES = ("No", "Processing", "Yes", "Error", "Ignore")


def read(client, number):
    return exact(client.get(f"{ENTRIES}/{number}"))


def update(client, number, /, **fields):
    return client.put(f"{ENTRIES}/{number}/basic-information", json=fields)


def cancel(client, number):
    return client.put(f"{ENTRIES}/{number}/cancel")


@pytest.mark.parametrize(
    "number",
    ["JE-00000099", "JE-" + "9" * 20, "JE-", "JE-1", "je-00000001", "JE-\u0661", "x"],
)
def test_other_numbers_are_not_found(shared, caller, number):
    post(caller)
    for response in (
        caller.get(f"{ENTRIES}/{number}"),
        update(caller, number, notes="x"),
        cancel(caller, number),
        caller.delete(f"{ENTRIES}/{number}"),
    ):
        assert response.status_code == 404
        assert categories_of(response) == [40]


def test_an_internal_id_is_not_a_number(shared, caller):
    post(caller)
    internal = shared.truth("SELECT id FROM journal_entries LIMIT 1")[0]["id"]
    assert caller.get(f"{ENTRIES}/{internal}").status_code == 404


def test_an_entry_is_cancelled_then_deleted_and_then_gone(bench):
    client = bench.client()
    number = post(client)
    assert categories_of(client.delete(f"{ENTRIES}/{number}")) == [30]
    assert cancel(client, number).json() == {"success": True}
    assert read(client, number)["status"] == "Cancelled"
    assert categories_of(cancel(client, number)) == [30]
    assert client.delete(f"{ENTRIES}/{number}").json() == {"success": True}
    assert client.get(f"{ENTRIES}/{number}").status_code == 404
    assert client.delete(f"{ENTRIES}/{number}").status_code == 404


def test_a_number_is_never_used_again(bench):
    """I-62: not even that of a deleted entry."""
    client = bench.client()
    first = post(client)
    cancel(client, first)
    client.delete(f"{ENTRIES}/{first}")
    assert post(client) == "JE-00000002"


def test_a_deleted_entry_leaves_a_tombstone(bench):
    client = bench.client()
    number = post(client)
    cancel(client, number)
    client.delete(f"{ENTRIES}/{number}")
    rows = bench.truth("SELECT number, status, deleted FROM journal_entries")
    assert rows == [{"number": number, "status": "Cancelled", "deleted": 1}]
    assert len(bench.truth("SELECT * FROM journal_entry_items")) == 2


@pytest.mark.parametrize(
    ("state", "category"), [("No", 0), ("Error", 0), ("Ignore", 0), ("Yes", 30), ("Processing", 30)]
)
def test_a_transferred_entry_is_not_cancelled(caller, state, category):
    number = post(caller, transferredToAccounting=state)
    response = cancel(caller, number)
    assert response.json()["success"] is (category == 0)
    assert read(caller, number)["status"] == ("Created" if category else "Cancelled")


class TestUpdate:
    """Basic information changes in place; everything else stays as posted."""

    def test_what_is_not_named_stays(self, caller):
        number = post(caller, notes="before", ReconcilerKey__c="k", Preparer__c="p")
        before = read(caller, number)
        assert update(caller, number, Preparer__c="q").json() == {"success": True}
        assert read(caller, number) == before | {"Preparer__c": "q"}

    def test_an_empty_update_changes_nothing(self, caller):
        number = post(caller, notes="before")
        before = read(caller, number)
        assert update(caller, number).json() == {"success": True}
        assert read(caller, number) == before

    @pytest.mark.parametrize("nothing", [None, ""])
    @pytest.mark.parametrize("field", ["notes", "ReconcilerKey__c"])
    def test_null_and_empty_text_clear_a_field(self, caller, field, nothing):
        number = post(caller, **{field: "before"})
        update(caller, number, **{field: nothing})
        assert read(caller, number)[field] is None

    @pytest.mark.parametrize(
        ("fields", "category"),
        [
            ({"currency": "EUR"}, 21),
            ({"journalEntryDate": "2026-01-01"}, 21),
            ({"accountingPeriodName": "Feb-2026"}, 21),
            ({"segments": []}, 21),
            ({"number": "JE-00000009"}, 21),
            ({"status": "Cancelled"}, 21),
            ({"transferDateTime": "2026-01-01 00:00:00"}, 21),
            ({"Undeclared__c": "x"}, 21),
            ({"notes": "n" * 2001}, 20),
            ({"ReconcilerKey__c": "k" * 21}, 20),
            ({"transferredToAccounting": False}, 20),
            ({"transferredToAccounting": None}, 20),
            ({"transferredToAccounting": ""}, 20),
        ],
        ids=str,
    )
    def test_other_fields_and_values_are_refused(self, caller, fields, category):
        """I-69: no call changes lines, currency, date or period."""
        number = post(caller, notes="before")
        before = read(caller, number)
        assert categories_of(update(caller, number, **fields)) == [category]
        assert read(caller, number) == before


class TestItems:
    """An item has no id: code name, side and, where given, code type address it."""

    LINES = (
        debit("1.00", "Twin", accountingCodeType="OtherAssets"),
        debit("2.00", "Twin", accountingCodeType="OtherLiabilities"),
        debit("3.00", "Cash"),
        credit("1.00", "Cash"),
        credit("5.00", "Cash", CostCenter__c="old"),
    )

    @pytest.fixture
    def number(self, caller):
        return caller.post(ENTRIES, json=entry(*self.LINES)).json()["journalEntryNumber"]

    @pytest.mark.parametrize(
        ("address", "position"),
        [
            pytest.param({"accountingCodeName": "Cash", "type": "Debit"}, 2, id="name and side"),
            pytest.param(
                {
                    "accountingCodeName": "Twin",
                    "type": "Debit",
                    "accountingCodeType": "OtherLiabilities",
                },
                1,
                id="name, side and type",
            ),
        ],
    )
    def test_the_addressed_line_alone_changes(self, caller, number, address, position):
        before = read(caller, number)
        change = address | {"CostCenter__c": "new", "notes": "written, never read back"}
        assert update(caller, number, journalEntryItems=[change]).json() == {"success": True}
        before["journalEntryItems"][position]["CostCenter__c"] = "new"
        assert read(caller, number) == before

    @pytest.mark.parametrize(
        ("items", "category"),
        [
            ([{"accountingCodeName": "Cash", "type": "Credit"}], 30),
            ([{"accountingCodeName": "Twin", "type": "Debit"}], 30),
            ([{"accountingCodeName": "Twin", "type": "Credit"}], 30),
            ([{"accountingCodeName": "Subscription Revenue", "type": "Debit"}], 30),
            ([{"accountingCodeName": "", "type": "Debit"}], 30),
            ([{"accountingCodeName": "Cash", "type": "Debit"}] * 2, 30),
            (
                [{"accountingCodeName": "Cash", "type": "Debit", "accountingCodeType": "BadDebt"}],
                30,
            ),
            ([{"type": "Debit"}], 22),
            ([{"accountingCodeName": "Cash"}], 22),
            ([{"accountingCodeName": "Cash", "type": "Debit", "amount": "9.00"}], 21),
            ([{"accountingCodeName": "Cash", "type": "Debit", "notes": "n" * 1001}], 20),
            ([{"accountingCodeName": "Cash", "type": "Debit"}] * 101, 20),
        ],
        ids=[
            "two such lines",
            "two such lines of different types",
            "no such side",
            "no such code",
            "no line with a blank code",
            "the same line twice",
            "no such type",
            "no name",
            "no side",
            "an amount",
            "notes too long",
            "too many",
        ],
    )
    def test_anything_else_is_refused_whole(self, caller, number, items, category):
        before = read(caller, number)
        response = update(caller, number, notes="not kept", journalEntryItems=items)
        assert categories_of(response) == [category], response.text
        assert read(caller, number) == before

    @pytest.mark.parametrize("nothing", [None, ""])
    def test_a_custom_field_of_a_line_is_cleared(self, caller, nothing):
        number = caller.post(
            ENTRIES, json=entry(debit(CostCenter__c="old", notes="old"), credit())
        ).json()["journalEntryNumber"]
        change = {
            "accountingCodeName": "Deferred Revenue",
            "type": "Debit",
            "CostCenter__c": nothing,
            "notes": nothing,
        }
        update(caller, number, journalEntryItems=[change])
        assert read(caller, number)["journalEntryItems"][0]["CostCenter__c"] is None


class TestTransferState:
    """Who may move an entry between transfer states, and what the server notes down."""

    @pytest.fixture(scope="class")
    @staticmethod
    def overrider(shared):
        return shared.client(Permission)

    @pytest.mark.parametrize("before", STATES)
    @pytest.mark.parametrize("after", STATES)
    def test_only_leaving_yes_needs_the_override(self, caller, overrider, before, after):
        number = post(caller, transferredToAccounting=before)
        response = update(caller, number, transferredToAccounting=after)
        if before == "Yes" != after:
            assert response.status_code == 403
            assert categories_of(response) == [10]
            assert Permission.OVERRIDE_TRANSFERRED in response.text
            response = update(overrider, number, transferredToAccounting=after)
        assert response.json() == {"success": True}
        live = read(caller, number)
        assert live["transferredToAccounting"] == after
        assert (live["transferredBy"] is not None) == (after == "Yes")

    def test_staying_yes_keeps_the_first_stamp(self, make_bench):
        bench = make_bench()
        client = bench.client()
        number = post(client, transferredToAccounting="Yes")
        before = read(client, number)
        assert before["transferDateTime"] == bench.clock.time.strftime("%Y-%m-%d %H:%M:%S")
        bench.clock.pass_by(minutes=5)
        update(client, number, transferredToAccounting="Yes", notes="again")
        assert read(client, number) == before | {"notes": "again"}

    @pytest.mark.parametrize("after", STATES)
    def test_it_is_frozen_once_cancelled(self, caller, after):
        number = post(caller)
        cancel(caller, number)
        assert categories_of(update(caller, number, transferredToAccounting=after)) == [30]
        assert update(caller, number, notes="still", Preparer__c="p").json()["success"] is True
        assert read(caller, number)["notes"] == "still"


@pytest.mark.parametrize(
    ("verb", "allowed"), [("create", False), ("cancel", False), ("update", True), ("delete", True)]
)
def test_in_a_closed_period_nothing_is_posted_or_cancelled(make_bench, verb, allowed):
    bench = make_bench()
    client = bench.client()
    cancelled, number = post(client), post(client)
    cancel(client, cancelled)
    for period in bench.truth(
        "SELECT id FROM accounting_periods WHERE name IN ('Dec-2025', 'Jan-2026') "
        "ORDER BY start_date"
    ):
        assert client.put(f"/v1/accounting-periods/{period['id']}/close").json()["success"]
    response = {
        "create": lambda: client.post(ENTRIES, json=entry()),
        "cancel": lambda: cancel(client, number),
        "update": lambda: update(client, number, notes="late"),
        "delete": lambda: client.delete(f"{ENTRIES}/{cancelled}"),
    }[verb]()
    assert response.json()["success"] is allowed
    assert allowed or categories_of(response) == [30]


def test_cancelling_in_pending_close_is_for_those_who_manage_the_close(shared, caller):
    number = post(caller, accountingPeriodName="Dec-2025")
    assert categories_of(cancel(shared.client(["Cancel Journal Entry"]), number)) == [30]
    assert cancel(caller, number).json()["success"] is True


class TestRuns:
    """The entries of one journal run, page by page."""

    @pytest.fixture
    def client(self, make_bench):
        bench = make_bench()
        client = bench.client()
        for _ in range(20):
            post(client)
        bench.database.run(
            "INSERT INTO journal_runs SELECT tenant_id, 'r', 'JR-00000001', 'Completed', "
            "'2026-01-31', '2026-01-01', '2026-01-31', '[]', NULL, false, NULL, false, "
            "'', '', '', '', NULL FROM tenants",
            "UPDATE journal_entries SET journal_run_id='r' WHERE number<'JE-02'",
        )
        return client

    def test_pages_follow_each_other(self, client):
        url, numbers, sizes = f"{ENTRIES}/journal-runs/JR-00000001", [], []
        while url:
            page = client.get(url).json()
            sizes.append(len(page["journalEntries"]))
            numbers += [live["number"] for live in page["journalEntries"]]
            assert "success" not in page["journalEntries"][0]
            url = page.get("nextPage")
        assert sizes == [8, 8, 4]
        assert numbers == [f"JE-{number:08d}" for number in range(1, 21)]

    @pytest.mark.parametrize(
        ("query", "category"),
        [
            ("page=2", 23),
            ("page=0&pageSize=5", 20),
            ("pageSize=0", 20),
            ("pageSize=-1", 20),
            ("pageSize=x", 20),
            ("pageSize=1&pageSize=2", 20),
            ("pageSize=9999999999999999999", 20),
        ],
    )
    def test_other_pages_are_refused(self, client, query, category):
        response = client.get(f"{ENTRIES}/journal-runs/JR-00000001?{query}")
        assert response.status_code == 400
        assert categories_of(response) == [category]

    def test_a_size_over_the_maximum_is_capped(self, client):
        page = client.get(f"{ENTRIES}/journal-runs/JR-00000001?pageSize=1000").json()
        assert len(page["journalEntries"]) == 20

    def test_a_run_that_does_not_exist_is_not_found(self, client):
        response = client.get(f"{ENTRIES}/journal-runs/JR-00000002")
        assert (response.status_code, categories_of(response)) == (404, [40])
