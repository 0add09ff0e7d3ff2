"""Accounting codes and accounting periods, with their guards."""

import pytest
from ledger_harness import ENTRIES, categories_of, credit, debit, entry, post

CODES, PERIODS = "/v1/accounting-codes", "/v1/accounting-periods"


def period(name="Mar-2026", start="2026-03-01", end="2026-03-31", **fields):
    body = {"name": name, "startDate": start, "endDate": end, "fiscalYear": 2026, **fields}
    return {field: value for field, value in body.items() if value is not None}


def ids(client, collection, key):
    return {row["name"]: row["id"] for row in client.get(collection).json()[key]}


@pytest.fixture
def client(make_bench):
    return make_bench().client()


class TestCodes:
    def test_a_code_is_active_at_once(self, bench):
        client = bench.client()
        body = {"name": "Bad Debt", "type": "BadDebt", "glAccountName": "Losses", "notes": "n"}
        created = client.post(CODES, json=body).json()
        live = client.get(f"{CODES}/{created['id']}").json()
        assert live == live | body | {
            "success": True,
            "id": created["id"],
            "category": "Expenses",
            "status": "Active",
            "glAccountNumber": None,
        }
        lines = (debit(code="Bad Debt"), credit())
        assert client.post(ENTRIES, json=entry(*lines)).json()["success"] is True

    @pytest.mark.parametrize(
        ("body", "categories"),
        [
            ({}, [22, 22]),
            ({"name": "", "type": "Cash"}, [20]),
            ({"name": "x" * 101, "type": "Cash"}, [20]),
            ({"name": "New", "type": "Money"}, [20]),
            ({"name": "Cash", "type": "Cash"}, [30]),
            ({"name": "New", "type": "Cash", "glAccountName": "x" * 256}, [20]),
            ({"name": "New", "type": "Cash", "notes": "x" * 2001}, [20]),
            ({"name": "New", "type": "Cash", "status": "Inactive"}, [21]),
            ({"name": "New", "type": "Cash", "segmentConstantValues": {}}, [21]),
        ],
        ids=str,
    )
    def test_refused(self, caller, body, categories):
        response = caller.post(CODES, json=body)
        assert (response.status_code, categories_of(response)) == (400, categories)
        assert {reason["code"] // 100 for reason in response.json()["reasons"]} == {520100}

    def test_one_name_may_have_several_types(self, client):
        assert client.post(CODES, json={"name": "Cash", "type": "BadDebt"}).json()["success"]

    def test_pages(self, caller):
        url, names = f"{CODES}?pageSize=3", []
        while url:
            page = caller.get(url).json()
            names += [code["name"] for code in page["accountingCodes"]]
            url = page.get("nextPage")
        assert names == sorted(names)
        assert names.count("Twin") == 2

    def test_an_inactive_code_can_be_activated(self, client):
        retired = ids(client, CODES, "accountingCodes")["Retired"]
        body = entry(debit(code="Retired"), credit())
        assert categories_of(client.post(ENTRIES, json=body)) == [30]
        assert client.put(f"{CODES}/{retired}/activate").json() == {"success": True}
        assert client.post(ENTRIES, json=body).json()["success"] is True
        assert categories_of(client.put(f"{CODES}/{retired}/deactivate")) == [30]

    def test_only_an_unused_code_is_deactivated_and_never_the_receivable(self, client):
        found = ids(client, CODES, "accountingCodes")
        assert client.put(f"{CODES}/{found['Cash']}/deactivate").json() == {"success": True}
        receivable = client.put(f"{CODES}/{found['Accounts Receivable']}/deactivate")
        assert categories_of(receivable) == [30]

    def test_an_unknown_id_is_not_found(self, caller):
        assert categories_of(caller.get(f"{CODES}/{'0' * 32}")) == [40]


class TestPeriods:
    def test_a_period_follows_its_neighbour(self, bench):
        client = bench.client()
        body = period(fiscalQuarter=1, notes="first quarter")
        created = client.post(PERIODS, json=body).json()
        live = client.get(f"{PERIODS}/{created['id']}").json()
        assert live == live | body | {"success": True, "id": created["id"], "status": "Open"}
        assert post(client, accountingPeriodName="Mar-2026") == "JE-00000001"

    @pytest.mark.parametrize(
        ("body", "categories"),
        [
            pytest.param({}, [22, 22, 22, 22], id="nothing"),
            pytest.param(period(name=""), [20], id="no name"),
            pytest.param(period(name="x" * 101), [20], id="a long name"),
            pytest.param(period(notes="x" * 256), [20], id="long notes"),
            pytest.param(period(fiscalQuarter=5), [20], id="a fifth quarter"),
            pytest.param(period(fiscalYear="2026"), [20], id="a year as text"),
            pytest.param(period(fiscalYear=2026.5), [20], id="a broken year"),
            pytest.param(period(name="Jan-2026"), [30], id="a name that is taken"),
            pytest.param(period(end="2026-02-28"), [20], id="an end before its start"),
            pytest.param(period(start="2026-02-28"), [30], id="an overlap"),
            pytest.param(period(start="2026-03-02"), [30], id="a gap"),
            pytest.param(period(start="2025-10-01", end="2025-10-30"), [30], id="a gap before"),
            pytest.param(period(end="2026-02-30"), [20], id="no such day"),
            pytest.param(period(organizationLabels=[{}]), [20], id="organizations"),
            pytest.param(period(status="Closed"), [21], id="a status"),
        ],
    )
    def test_refused(self, caller, body, categories):
        response = caller.post(PERIODS, json=body)
        assert (response.status_code, categories_of(response)) == (400, categories)

    def test_a_period_may_come_before_the_first(self, client):
        body = period("Oct-2025", "2025-10-01", "2025-10-31")
        assert client.post(PERIODS, json=body).json()["success"] is True

    def test_the_open_ended_period_has_no_end(self, caller):
        listed = caller.get(PERIODS).json()["accountingPeriods"]
        endless = [row for row in listed if row["endDate"] is None]
        assert [row["name"] for row in endless] == ["Open-Ended"]
        response = caller.put(f"{PERIODS}/{endless[0]['id']}/close")
        assert categories_of(response) == [30]

    def test_periods_close_in_order_and_reopen_from_the_end(self, client):
        found = ids(client, PERIODS, "accountingPeriods")

        def ask(name, verb):
            answer = client.put(f"{PERIODS}/{found[name]}/{verb}")
            return "done" if answer.json()["success"] else categories_of(answer)

        assert ask("Jan-2026", "close") == [30]  # Dec-2025 is pending close
        assert ask("Jan-2026", "pending-close") == [30]
        assert ask("Dec-2025", "pending-close") == [30]  # it is that already
        assert ask("Dec-2025", "close") == "done"
        assert ask("Dec-2025", "close") == [30]
        assert ask("Dec-2025", "pending-close") == [30]
        assert ask("Jan-2026", "pending-close") == "done"
        assert ask("Dec-2025", "reopen") == [30]  # Jan-2026 is not open
        assert ask("Jan-2026", "close") == "done"
        assert ask("Nov-2025", "reopen") == [30]
        assert ask("Jan-2026", "reopen") == "done"
        assert ask("Jan-2026", "reopen") == [30]
        assert ask("Dec-2025", "reopen") == "done"
        assert post(client, accountingPeriodName="Dec-2025")

    def test_the_last_dated_period_reopens_before_the_open_ended_one(self, client):
        found = ids(client, PERIODS, "accountingPeriods")
        for name in ("Dec-2025", "Jan-2026", "Feb-2026"):
            assert client.put(f"{PERIODS}/{found[name]}/close").json()["success"] is True
        assert client.put(f"{PERIODS}/{found['Feb-2026']}/reopen").json()["success"] is True

    def test_an_unknown_id_is_not_found(self, caller):
        for verb in ("", "/close", "/pending-close", "/reopen"):
            method = "PUT" if verb else "GET"
            assert categories_of(caller.request(method, f"{PERIODS}/{'0' * 32}{verb}")) == [40]
