"""Journal runs as a caller sees them: what may be asked for, which states allow what."""

import pytest
from ledger_harness import (
    ENTRIES,
    RUNS,
    categories_of,
    entries_of,
    post,
    regions,
    run_body,
    settled,
    start_run,
    transaction,
)

from reconciler.ledger.runs.transaction_types import BILLING, CASH, REVENUE, TRANSACTION_TYPES

JANUARY = {"targetStartDate": "2026-01-01", "targetEndDate": "2026-01-31"}
OLD = {
    "kind": "Reference",
    "spec": {
        "currencies": ["USD"],
        "accountingPeriods": [
            {"name": "Dec-2014", "startDate": "2014-12-01", "endDate": "2014-12-31"},
            {"name": "Jan-2015", "startDate": "2015-01-01", "endDate": "2015-01-31"},
        ],
        "accountingCodes": [],
    },
}


def test_there_are_the_29_documented_types():
    assert (len(BILLING), len(CASH), len(REVENUE)) == (12, 16, 1)
    assert len(set(TRANSACTION_TYPES)) == 29


class TestCreation:
    def test_a_run_reads_as_documented(self, bench):
        client = bench.client()
        number = start_run(client, "Invoice Item", "Revenue Event Item")
        assert number == "JR-00000001"
        run = settled(client, number)
        assert run == {
            "success": True,
            "number": "JR-00000001",
            "status": "Completed",
            "aggregateCurrency": False,
            "executedOn": bench.clock().strftime("%Y-%m-%d %H:%M:%S"),
            "journalEntryDate": "2026-01-31",
            "segmentationRuleName": "Default",
            "targetStartDate": "2026-01-01",
            "targetEndDate": "2026-01-31",
            "totalJournalEntryCount": 0,
            "organizationLabels": [],
            "transactionTypes": [{"type": "Invoice Item"}, {"type": "Revenue Event Item"}],
        }

    def test_all_types_can_be_summarised_in_one_run(self, make_bench):
        client = make_bench().client()
        run = settled(client, start_run(client, *TRANSACTION_TYPES))
        assert [each["type"] for each in run["transactionTypes"]] == list(TRANSACTION_TYPES)

    @pytest.mark.parametrize(
        ("fields", "days"),
        [
            pytest.param({}, ("01-01", "01-31"), id="a period gives both dates"),
            pytest.param(JANUARY, ("01-01", "01-31"), id="dates equal to the period's"),
            pytest.param(
                {"targetStartDate": "", "targetEndDate": None}, ("01-01", "01-31"), id="empty dates"
            ),
            pytest.param({"targetEndDate": "2026-01-31"}, ("01-01", "01-31"), id="one of them"),
            pytest.param(
                {**JANUARY, "accountingPeriodName": None}, ("01-01", "01-31"), id="dates alone"
            ),
            pytest.param(
                {
                    "accountingPeriodName": "",
                    "targetStartDate": "2026-02-03",
                    "targetEndDate": "2026-02-03",
                },
                ("02-03", "02-03"),
                id="a single day",
            ),
        ],
    )
    def test_target_dates(self, make_bench, fields, days):
        client = make_bench().client()
        answer = client.post(RUNS, json={**run_body(), **fields})
        assert answer.status_code == 200, answer.text
        run = client.get(f"{RUNS}/JR-00000001").json()
        assert (run["targetStartDate"][5:], run["targetEndDate"][5:]) == days

    @pytest.mark.parametrize("period", ["Nov-2025", "Dec-2025"])
    def test_closed_periods_can_be_summarised(self, make_bench, period):
        client = make_bench().client()
        number = start_run(client, accountingPeriodName=period)
        assert settled(client, number)["status"] == "Completed"

    @pytest.mark.parametrize(
        ("fields", "categories"),
        [
            ({"journalEntryDate": None}, [22]),
            ({"journalEntryDate": "2026-02-30"}, [20]),
            ({"transactionTypes": None}, [22]),
            ({"transactionTypes": []}, [20]),
            ({"transactionTypes": ["Invoice Item"]}, [20]),
            ({"transactionTypes": [{"type": "invoice item"}]}, [20]),
            ({"transactionTypes": [{"type": "Invoice Item"}] * 2}, [20]),
            ({"transactionTypes": [{"kind": "Invoice Item"}]}, [21, 22]),
            ({"accountingPeriodName": None}, [22]),
            ({"accountingPeriodName": None, "targetStartDate": "2026-01-01"}, [22]),
            ({"accountingPeriodName": None, "targetEndDate": "2026-01-31"}, [22]),
            ({"accountingPeriodName": "Mar-1999"}, [20]),
            ({"accountingPeriodName": "Open-Ended"}, [30]),
            ({"targetStartDate": "2026-01-02"}, [30]),
            ({"targetEndDate": "2026-01-30"}, [30]),
            ({"targetStartDate": "2026-02-01", "targetEndDate": "2026-02-28"}, [30, 30]),
            ({"organizationLabels": [{"organizationName": "US"}]}, [30]),
            ({"notes": "January"}, [21]),
        ],
        ids=str,
    )
    def test_what_is_refused(self, make_bench, fields, categories):
        bench = make_bench()
        client = bench.client()
        answer = client.post(RUNS, json=run_body(**fields))
        assert (answer.status_code, categories_of(answer)) == (400, categories)
        assert bench.truth("SELECT * FROM journal_runs") == []
        assert bench.truth("SELECT * FROM run_jobs") == []

    @pytest.mark.parametrize(
        ("start", "end", "category"),
        [
            pytest.param("2026-01-31", "2026-01-01", 20, id="turned round"),
            pytest.param("2026-01-15", "2026-02-15", 30, id="over two periods"),
            pytest.param("2026-03-01", "2026-03-31", 30, id="in the open-ended period"),
            pytest.param("2025-10-01", "2025-10-31", 30, id="in no period"),
        ],
    )
    def test_target_dates_lie_within_one_period(self, make_bench, start, end, category):
        client = make_bench().client()
        dates = {"targetStartDate": start, "targetEndDate": end}
        answer = client.post(RUNS, json=run_body(accountingPeriodName=None, **dates))
        assert (answer.status_code, categories_of(answer)) == (400, [category])

    @pytest.mark.parametrize(
        ("start", "end", "accepted"),
        [
            ("2026-01-01", "2026-01-31", True),
            ("2026-01-01", "2026-01-30", False),
            ("2026-01-02", "2026-01-31", False),
        ],
    )
    def test_revenue_needs_a_whole_period(self, make_bench, start, end, accepted):
        client = make_bench().client()
        dates = {"targetStartDate": start, "targetEndDate": end}
        body = run_body("Invoice Item", *REVENUE, accountingPeriodName=None, **dates)
        answer = client.post(RUNS, json=body)
        assert answer.json()["success"] is accepted
        assert accepted or categories_of(answer) == [30]

    @pytest.mark.parametrize(("period", "accepted"), [("Dec-2014", False), ("Jan-2015", True)])
    def test_the_earliest_target_date(self, make_bench, period, accepted):
        client = make_bench(reference=OLD).client()
        answer = client.post(RUNS, json=run_body(accountingPeriodName=period))
        assert answer.json()["success"] is accepted
        assert accepted or categories_of(answer) == [30]

    def test_one_run_at_a_time(self, make_bench):
        bench = make_bench(by_hand=True)
        client = bench.client()
        first = start_run(client)
        assert client.get(f"{RUNS}/{first}").json()["status"] == "Pending"
        busy = client.post(RUNS, json=run_body())
        assert (busy.status_code, categories_of(busy)) == (400, [30])
        assert first in busy.text
        bench.ledger.work(clock=bench.clock)
        assert start_run(client) == "JR-00000002"

    def test_an_idempotency_key_gives_one_run(self, make_bench):
        client = make_bench().client()
        answers = [
            client.post(RUNS, json=run_body(), headers={"Idempotency-Key": "k"}).json()
            for _ in range(2)
        ]
        assert answers == [{"success": True, "journalRunNumber": "JR-00000001"}] * 2


class TestStates:
    """What may be asked of a run in each state (API facts 5.4)."""

    @pytest.mark.parametrize(
        ("status", "cancel", "delete"),
        [
            ("Pending", True, False),
            ("Processing", False, False),
            ("Completed", True, False),
            ("Error", True, False),
            ("CancelInprogress", False, False),
            ("Cancelled", False, True),
            ("DeleteInprogress", False, False),
        ],
    )
    def test_verbs_by_state(self, make_bench, status, cancel, delete):
        bench = make_bench(by_hand=True)
        client = bench.client()
        url = f"{RUNS}/{start_run(client)}"
        for method, path, allowed, after in (
            ("PUT", f"{url}/cancel", cancel, "CancelInprogress"),
            ("DELETE", url, delete, "DeleteInprogress"),
        ):
            bench.database.run("DELETE FROM run_jobs", f"UPDATE journal_runs SET status='{status}'")
            assert client.get(url).json()["status"] == status
            answer = client.request(method, path)
            assert answer.json()["success"] is allowed
            if not allowed:
                assert (answer.status_code, categories_of(answer)) == (400, [30])
                assert status in answer.text
            assert client.get(url).json()["status"] == (after if allowed else status)

    def test_every_state_is_passed_through(self, make_bench):
        bench = make_bench(by_hand=True)
        client = bench.client()
        bench.load(transaction("T-1"))
        url = f"{RUNS}/{start_run(client)}"
        seen = []

        def watch():
            seen.append(client.get(url).json().get("status"))

        watch()
        for verb in (None, ("PUT", f"{url}/cancel"), ("DELETE", url)):
            if verb is not None:
                assert client.request(*verb).json() == {"success": True}
                watch()
            while bench.truth("SELECT * FROM run_jobs"):
                bench.step()
                watch()
        assert seen == [
            *("Pending", "Processing", "Completed"),
            *("CancelInprogress", "Cancelled"),
            *("DeleteInprogress", None),
        ]

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/v1/journal-runs/{}"),
            ("PUT", "/v1/journal-runs/{}/cancel"),
            ("DELETE", "/v1/journal-runs/{}"),
            ("GET", "/v1/journal-entries/journal-runs/{}"),
        ],
    )
    def test_a_run_that_is_not_there(self, make_bench, method, path):
        answer = make_bench().client().request(method, path.format("JR-00000001"))
        assert (answer.status_code, categories_of(answer)) == (404, [40])


class TestList:
    def test_the_entries_of_a_run_page_by_page(self, bench):
        client = bench.client()
        bench.load(*regions(20))
        number = start_run(client)
        assert settled(client, number)["totalJournalEntryCount"] == 20
        url, sizes, values = f"{ENTRIES}/journal-runs/{number}", [], []
        while url:
            page = client.get(url).json()
            sizes.append(len(page["journalEntries"]))
            values += [live["segments"][1]["segmentValue"] for live in page["journalEntries"]]
            url = page.get("nextPage")
        assert sizes == [8, 8, 4]
        assert values == [f"{count:04d}" for count in range(1, 21)]
        single = client.get(f"{ENTRIES}/JE-00000007").json()
        assert {
            "success": True,
            **client.get(f"{ENTRIES}/journal-runs/{number}?page=7&pageSize=1").json()[
                "journalEntries"
            ][0],
        } == single

    def test_manual_entries_belong_to_no_run(self, make_bench):
        client = make_bench().client()
        post(client)
        number = start_run(client)
        assert settled(client, number)["totalJournalEntryCount"] == 0
        assert entries_of(client, number) == []
