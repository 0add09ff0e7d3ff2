"""What journal runs do: summarise, cancel one by one, delete, and each entry exactly once."""

import threading
from collections import Counter
from decimal import Decimal

import pytest
from ledger_harness import (
    ENTRIES,
    RUNS,
    Bench,
    categories_of,
    entries_of,
    post,
    regions,
    settled,
    start_run,
    transaction,
)
from sqlalchemy import event

from reconciler.ledger import open_ledger
from reconciler.ledger.auth.permissions import Permission
from reconciler.ledger.runs.worker import Worker
from reconciler.ledger.storage.backend import Access

HOME = {
    "kind": "Reference",
    "spec": {
        "homeCurrency": "USD",
        "currencies": ["USD", "EUR"],
        "accountingPeriods": [
            {"name": "Jan-2026", "startDate": "2026-01-01", "endDate": "2026-01-31"}
        ],
        "accountingCodes": [
            {"name": "Accounts Receivable", "type": "AccountsReceivable"},
            {"name": "Subscription Revenue", "type": "SalesRevenue"},
        ],
    },
}
AGGREGATED = {**HOME, "spec": {**HOME["spec"], "aggregateCurrency": True}}
RECEIVABLE, REVENUE_CODE = "Accounts Receivable", "Subscription Revenue"


def run_over(bench, client, *types, **fields):
    """The settled run and its entries."""
    run = settled(client, start_run(client, *types, **fields))
    return run, entries_of(client, run["number"])


def sums(entries):
    """What entries come to: type, currency, codes, segment values, amount."""
    return {
        (
            live["transactionType"],
            live["currency"],
            *(line["accountingCodeName"] for line in live["journalEntryItems"]),
            *(segment["segmentValue"] for segment in live["segments"]),
        ): live["journalEntryItems"][0]["amount"]
        for live in entries
    }


def acted(bench, action):
    """How often each entry was acted upon, according to the audit chain."""
    rows = bench.truth(
        "SELECT object_name FROM audit_events WHERE object_type='JournalEntry' AND action=?", action
    )
    return Counter(row["object_name"] for row in rows)


def tied(bench):
    """Transaction to the number of its entry, for those that are tied."""
    rows = bench.truth(
        "SELECT source.id, entry.number FROM source_transactions AS source "
        "JOIN journal_entries AS entry ON entry.id = source.journal_entry_id"
    )
    return {row["id"]: row["number"] for row in rows}


class TestSummary:
    def test_an_entry_of_a_run_reads_like_any_other(self, bench):
        client = bench.client()
        segments = {"Region": "West", "Department": "Sales"}
        bench.load(
            transaction("T-1", "0.10", segments=segments),
            transaction("T-2", "0.20", segments=segments),
        )
        run, [live] = run_over(bench, client, journalEntryDate="2026-02-02")
        assert run["totalJournalEntryCount"] == 1
        debit, credit = live["journalEntryItems"]
        assert (debit["type"], debit["accountingCodeName"]) == ("Debit", RECEIVABLE)
        assert (credit["type"], credit["accountingCodeName"]) == ("Credit", REVENUE_CODE)
        assert debit["amount"] == credit["amount"] == Decimal("0.30")
        assert {name: live[name] for name in live if name != "journalEntryItems"} == {
            "number": "JE-00000001",
            "status": "Created",
            "accountingPeriodName": "Jan-2026",
            "aggregateCurrency": False,
            "currency": "USD",
            "homeCurrency": None,
            "journalEntryDate": "2026-02-02",
            "notes": None,
            "segments": [
                {"segmentName": "Department", "segmentValue": "Sales"},
                {"segmentName": "Region", "segmentValue": "West"},
            ],
            "timePeriodStart": "2026-01-01",
            "timePeriodEnd": "2026-01-31",
            "transactionType": "Invoice Item",
            "transferDateTime": None,
            "transferredBy": None,
            "transferredToAccounting": "No",
            "ReconcilerKey__c": None,
            "Preparer__c": None,
        }

    def test_groups_are_by_type_currency_accounts_and_segments(self, make_bench):
        bench = make_bench()
        west = {"Department": "Sales", "Region": "West"}
        bench.load(
            transaction("T-1", "1.00"),
            transaction("T-2", "2.00"),
            transaction("T-3", "4.00", currency="EUR"),
            transaction("T-4", "8.00", transactionType="Taxation Item"),
            transaction("T-5", "16.00", debitAccountingCodeName="Cash"),
            transaction("T-6", "32.00", creditAccountingCodeName="Deferred Revenue"),
            transaction("T-7", "64.00", segments=west),
            transaction("T-8", "128.00", segments={**west, "Region": "East"}),
            transaction("T-9", "256.00", segments=west),
        )
        _run, entries = run_over(bench, bench.client(), "Invoice Item", "Taxation Item")
        item = "Invoice Item"
        assert sums(entries) == {
            (item, "USD", RECEIVABLE, REVENUE_CODE): Decimal(3),
            (item, "EUR", RECEIVABLE, REVENUE_CODE): Decimal(4),
            ("Taxation Item", "USD", RECEIVABLE, REVENUE_CODE): Decimal(8),
            (item, "USD", "Cash", REVENUE_CODE): Decimal(16),
            (item, "USD", RECEIVABLE, "Deferred Revenue"): Decimal(32),
            (item, "USD", RECEIVABLE, REVENUE_CODE, "Sales", "West"): Decimal(320),
            (item, "USD", RECEIVABLE, REVENUE_CODE, "Sales", "East"): Decimal(128),
        }
        assert len(tied(bench)) == 9

    def test_sums_are_exact(self, make_bench):
        bench = make_bench()
        amounts = ["999999999999999.99", "0.01", *["0.10"] * 2500]
        bench.load(*[transaction(f"T-{n}", amount) for n, amount in enumerate(amounts)])
        _run, [live] = run_over(bench, bench.client())
        assert live["journalEntryItems"][0]["amount"] == sum(map(Decimal, amounts))

    def test_only_days_and_types_that_are_asked_for(self, make_bench):
        bench = make_bench()
        days = ["2025-12-31", "2026-01-09", "2026-01-10", "2026-01-20", "2026-01-21"]
        bench.load(
            *[transaction(day, transactionDate=day) for day in days],
            transaction("other", transactionType="External Payment"),
        )
        target = {"targetStartDate": "2026-01-10", "targetEndDate": "2026-01-20"}
        run_over(bench, bench.client(), accountingPeriodName=None, **target)
        assert set(tied(bench)) == {"2026-01-10", "2026-01-20"}

    def test_what_is_tied_to_an_entry_is_not_summarised_again(self, make_bench):
        bench = make_bench()
        client = bench.client()
        bench.load(transaction("T-1"))
        run_over(bench, client)
        bench.load(transaction("T-1"), transaction("T-2", "7.00"))
        _run, [live] = run_over(bench, client)
        assert live["journalEntryItems"][0]["amount"] == 7
        assert tied(bench) == {"T-1": "JE-00000001", "T-2": "JE-00000002"}

    def test_home_currency_amounts_are_summed_beside(self, make_bench):
        bench = make_bench(reference=HOME)
        bench.load(
            transaction("T-1", "10.00", currency="EUR", homeCurrencyAmount="11.11"),
            transaction("T-2", "20.00", currency="EUR", homeCurrencyAmount="22.23"),
            transaction("T-3", "5.00"),
        )
        _run, entries = run_over(bench, bench.client())
        assert [
            [(line["amount"], line["homeCurrencyAmount"]) for line in live["journalEntryItems"]]
            for live in entries
        ] == [[(Decimal(30), Decimal("33.34"))] * 2, [(Decimal(5), Decimal(5))] * 2]

    def test_aggregated_entries_are_in_the_home_currency(self, make_bench):
        bench = make_bench(reference=AGGREGATED)
        bench.load(
            transaction("T-1", "10.00", currency="EUR", homeCurrencyAmount="11.11"),
            transaction("T-2", "5.00"),
        )
        run, [live] = run_over(bench, bench.client())
        assert (run["aggregateCurrency"], live["aggregateCurrency"]) == (True, True)
        assert (live["currency"], live["homeCurrency"]) == ("USD", "USD")
        assert [
            (line["amount"], line["homeCurrencyAmount"]) for line in live["journalEntryItems"]
        ] == [(Decimal("16.11"), Decimal("16.11"))] * 2


AT_HOME = [
    {"accountingCodeName": code, "type": side, "amount": "1.00", "homeCurrencyAmount": "1.00"}
    for code, side in ((RECEIVABLE, "Debit"), (REVENUE_CODE, "Credit"))
]
"""The lines of a manual entry in the home currency."""


class TestError:
    """A run that cannot be carried out ends in Error, with nothing made and everything free."""

    def check(self, bench, client, number):
        failed = settled(client, number)
        assert failed["status"] == "Error"
        assert failed["errorMessage"]  # the caller is told why
        rows = bench.truth("SELECT * FROM source_transactions WHERE journal_run_id IS NOT NULL")
        assert rows == []
        assert client.put(f"{RUNS}/{number}/cancel").json()["success"] is True
        assert settled(client, number)["status"] == "Cancelled"

    def test_entries_with_the_other_setting_of_aggregation(self, make_bench, caplog):
        bench = make_bench(reference=HOME)
        client = bench.client()
        post(client, journalEntryItems=AT_HOME)
        bench.load(transaction("T-1"))
        open_ledger(bench.database.url, AGGREGATED).close()
        number = start_run(client)
        self.check(bench, client, number)
        why = "the period holds entries with the other setting of currency aggregation"
        assert why in caplog.text
        assert entries_of(client, number) == []

    def test_a_setting_that_changes_while_entries_are_made(self, make_bench):
        bench = make_bench(reference=HOME, by_hand=True)
        client = bench.client()
        bench.load(transaction("T-1"))
        number = start_run(client)
        bench.step()
        open_ledger(bench.database.url, AGGREGATED).close()
        # The run has made no entry yet, so nothing stands against one of the other kind.
        post(client, journalEntryItems=AT_HOME)
        bench.step()
        assert client.get(f"{RUNS}/{number}").json()["status"] == "Error"
        assert entries_of(client, number) == []
        kinds = bench.truth("SELECT DISTINCT aggregate_currency FROM journal_entries")
        assert kinds == [{"aggregate_currency": 1}]

    def test_another_home_currency_than_the_amounts_were_loaded_with(self, make_bench):
        bench = make_bench(reference=HOME)
        client = bench.client()
        bench.load(transaction("T-1"))
        euro = {**HOME, "spec": {**HOME["spec"], "homeCurrency": "EUR"}}
        open_ledger(bench.database.url, euro).close()
        self.check(bench, client, start_run(client))

    def test_another_segmentation_rule_than_the_values_were_loaded_with(self, make_bench):
        bench = make_bench()
        client = bench.client()
        bench.load(*regions(1))
        open_ledger(bench.database.url, HOME).close()
        self.check(bench, client, start_run(client))

    def test_what_breaks_in_the_middle(self, make_bench, caplog):
        bench = make_bench(by_hand=True)
        client = bench.client()
        bench.load(*regions(25))
        number = start_run(client)
        bench.step(2)
        bench.database.run("UPDATE source_transactions SET segments='?' WHERE id='T-23'")
        bench.ledger.work(clock=bench.clock)
        assert client.get(f"{RUNS}/{number}").json()["status"] == "Error"
        assert "a step of a journal run failed" in caplog.text
        assert len(entries_of(client, number)) == 20
        assert len(tied(bench)) == 20
        assert client.put(f"{RUNS}/{number}/cancel").json()["success"] is True
        bench.ledger.work(clock=bench.clock)
        assert client.get(f"{RUNS}/{number}").json()["status"] == "Cancelled"
        assert tied(bench) == {}


def break_off(bench, connection):
    """Make the database fail at the next statement of a connection, once."""
    raw = connection.connection.driver_connection
    if bench.database.kind == "sqlite":
        once = [1]
        raw.set_progress_handler(lambda: once.pop() if once else 0, 1)
    else:
        bench.truth("SELECT pg_terminate_backend(?, 5000)", raw.info.backend_pid)


def roll_back(bench, connection):
    """End the transaction behind the back of whoever is about to commit it."""
    connection.connection.driver_connection.execute("ROLLBACK")


class TestDatabaseFailure:
    """A step that the database fails at is undone; the run goes on with it at the next look."""

    @pytest.mark.parametrize(
        ("when", "fail"),
        [("before_cursor_execute", break_off), ("commit", roll_back)],
        ids=["a statement", "the commit"],
    )
    @pytest.mark.parametrize("steps", [0, 1, 2], ids=["the start", "20 entries", "the last ones"])
    def test_the_run_goes_on(self, make_bench, caplog, when, fail, steps):
        bench = make_bench(by_hand=True)
        client = bench.client()
        bench.load(*regions(25))
        number = start_run(client)
        bench.step(steps)
        before = len(entries_of(client, number))
        failed = []

        def fails(connection, *rest):
            step = when == "commit" or "UPDATE source_transactions" in rest[1]
            if step and not failed:
                failed.append(1)
                fail(bench, connection)

        engine = bench.ledger.store._engines[Access.WRITING]
        event.listen(engine, when, fails, insert=True)
        bench.step()
        assert failed
        assert "it will be retried" in caplog.text
        assert client.get(f"{RUNS}/{number}").json()["status"] in ("Pending", "Processing")
        assert len(entries_of(client, number)) == before
        bench.worker.work()
        assert client.get(f"{RUNS}/{number}").json()["status"] == "Completed"
        assert len(entries_of(client, number)) == 25
        assert len(tied(bench)) == 25


class TestCancellation:
    @pytest.fixture
    def ten(self, bench):
        """A run of ten entries, and a client that may do everything."""
        client = bench.client(Permission)
        bench.load(*regions(10))
        run, entries = run_over(bench, client)
        assert run["totalJournalEntryCount"] == 10
        return bench, client, run["number"], [live["number"] for live in entries]

    @pytest.mark.parametrize("state", ["Yes", "Processing"])
    def test_ten_entries_of_which_one_is_transferred(self, ten, state):
        """The worked example of the documents, to the end."""
        bench, client, run, numbers = ten
        held = numbers[3]
        transfer(client, held, state)
        assert client.put(f"{RUNS}/{run}/cancel").json() == {"success": True}
        assert settled(client, run)["status"] == "Completed"
        statuses = {live["number"]: live["status"] for live in entries_of(client, run)}
        assert statuses == {
            number: "Created" if number == held else "Cancelled" for number in numbers
        }
        assert client.get(f"{ENTRIES}/{held}").json()["transferredToAccounting"] == state
        refused = client.delete(f"{RUNS}/{run}")
        assert (refused.status_code, categories_of(refused)) == (400, [30])
        assert set(tied(bench).values()) == {held}

        transfer(client, held, "No")
        assert client.put(f"{RUNS}/{run}/cancel").json() == {"success": True}
        assert settled(client, run)["status"] == "Cancelled"
        assert acted(bench, "cancel") == Counter(numbers)
        assert client.delete(f"{RUNS}/{run}").json() == {"success": True}
        gone = {client.get(f"{ENTRIES}/{number}").status_code for number in numbers}
        assert gone == {404}
        assert client.get(f"{RUNS}/{run}").status_code == 404
        assert client.get(f"{ENTRIES}/journal-runs/{run}").status_code == 404
        assert acted(bench, "delete") == Counter(numbers)
        assert tied(bench) == {}

    def test_a_run_without_transferred_entries_is_cancelled_at_once(self, ten):
        bench, client, run, numbers = ten
        transfer(client, numbers[0], "Ignore")
        transfer(client, numbers[1], "Error")
        client.put(f"{RUNS}/{run}/cancel")
        assert settled(client, run)["status"] == "Cancelled"
        assert acted(bench, "cancel") == Counter(numbers)
        again = client.put(f"{RUNS}/{run}/cancel")
        assert (again.status_code, categories_of(again)) == (400, [30])

    def test_single_entries_may_be_cancelled_and_deleted_before(self, ten):
        bench, client, run, numbers = ten
        for number in numbers[:2]:
            assert client.put(f"{ENTRIES}/{number}/cancel").json()["success"] is True
        assert client.delete(f"{ENTRIES}/{numbers[0]}").json()["success"] is True
        assert settled(client, run)["totalJournalEntryCount"] == 9
        client.put(f"{RUNS}/{run}/cancel")
        assert settled(client, run)["status"] == "Cancelled"
        assert acted(bench, "cancel") == Counter(numbers)
        client.delete(f"{RUNS}/{run}")
        client.get(f"{RUNS}/{run}")
        assert acted(bench, "delete") == Counter(numbers)

    def test_a_cancelled_entry_frees_its_transactions_for_the_next_run(self, ten):
        bench, client, run, numbers = ten
        client.put(f"{ENTRIES}/{numbers[4]}/cancel")
        _next, [live] = run_over(bench, client)
        assert live["segments"][1]["segmentValue"] == "0005"
        assert live["number"] == "JE-00000011"
        client.put(f"{RUNS}/{run}/cancel")
        assert settled(client, run)["status"] == "Cancelled"
        # The tenth belongs to the later run, and stays with it.
        assert tied(bench) == {"T-5": "JE-00000011"}
        third, entries = run_over(bench, client)
        assert third["totalJournalEntryCount"] == 9
        assert len({*sums(entries)}) == 9

    def test_a_queued_run_is_cancelled_before_it_starts(self, make_bench):
        bench = make_bench(by_hand=True)
        client = bench.client()
        bench.load(transaction("T-1"))
        number = start_run(client)
        assert client.put(f"{RUNS}/{number}/cancel").json()["success"] is True
        bench.ledger.work(clock=bench.clock)
        run = client.get(f"{RUNS}/{number}").json()
        assert (run["status"], run["executedOn"]) == ("Cancelled", None)
        assert run["totalJournalEntryCount"] == 0
        assert bench.truth("SELECT * FROM journal_entries") == []

    def test_an_entry_that_is_transferred_meanwhile_stays(self, make_bench):
        bench = make_bench(by_hand=True)
        client = bench.client()
        bench.load(*regions(30))
        number = start_run(client)
        bench.ledger.work(clock=bench.clock)
        client.put(f"{RUNS}/{number}/cancel")
        bench.step()
        last = entries_of(client, number)[-1]["number"]
        transfer(client, last, "Yes")
        bench.ledger.work(clock=bench.clock)
        statuses = Counter(live["status"] for live in entries_of(client, number))
        assert statuses == {"Cancelled": 29, "Created": 1}
        assert client.get(f"{RUNS}/{number}").json()["status"] == "Completed"

    def test_the_books_of_a_used_code_stay_open(self, make_bench):
        """A code that transactions use cannot be retired, even before a run summarises them."""
        bench = make_bench()
        client = bench.client()
        bench.load(transaction("T-1", debitAccountingCodeName="Cash"))
        code = bench.truth("SELECT id FROM accounting_codes WHERE name='Cash' AND status='Active'")[
            0
        ]["id"]
        answer = client.put(f"/v1/accounting-codes/{code}/deactivate")
        assert (answer.status_code, categories_of(answer)) == (400, [30])


def transfer(client, number, state):
    answer = client.put(
        f"{ENTRIES}/{number}/basic-information", json={"transferredToAccounting": state}
    )
    assert answer.json() == {"success": True}


class TestWorkers:
    """Whoever works, and however often it starts again: each entry is handled once."""

    @pytest.mark.parametrize("steps", range(1, 5))
    def test_a_new_process_goes_on_where_the_old_one_stopped(self, make_bench, steps):
        first = make_bench(by_hand=True)
        first.load(*regions(50))
        client = first.client()
        number = start_run(client)
        first.step(steps)
        made = first.truth("SELECT number FROM journal_entries")
        assert len(made) == min((steps - 1) * 20, 50)
        first.close()
        second = Bench(first.database)
        try:
            client = second.client()
            run = settled(client, number)
            assert (run["status"], run["totalJournalEntryCount"]) == ("Completed", 50)
            assert acted(second, "create") == Counter(f"JE-{count:08d}" for count in range(1, 51))
            assert len(tied(second)) == 50
        finally:
            second.close()

    def test_the_job_of_a_worker_that_is_gone_is_taken_over(self, make_bench):
        bench = make_bench(by_hand=True)
        client = bench.client()
        bench.load(*regions(30))
        number = start_run(client)
        bench.step(2)
        # What a worker that was killed leaves behind: a claim nobody gives back.
        claimed = int(bench.clock().timestamp()) + 2
        bench.database.run(f"UPDATE run_jobs SET claim='gone', claimed_until={claimed}")
        bench.step(3)
        assert len(entries_of(client, number)) == 20
        bench.clock.pass_by(seconds=2)
        bench.step(3)
        assert client.get(f"{RUNS}/{number}").json()["status"] == "Completed"
        assert set(acted(bench, "create").values()) == {1}

    def test_several_processes_share_the_work_without_doing_it_twice(self, make_bench):
        bench = make_bench(by_hand=True)
        client = bench.client()
        bench.load(*regions(200))
        number = start_run(client)
        ledgers = [open_ledger(bench.database.url) for _ in range(3)]
        workers = [Worker(ledger.store, clock=bench.clock) for ledger in ledgers]

        def drive(worker):
            while bench.truth("SELECT * FROM run_jobs"):
                worker.work(go_on=lambda: False)

        def all_together():
            threads = [threading.Thread(target=drive, args=(worker,)) for worker in workers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        try:
            all_together()
            run = client.get(f"{RUNS}/{number}").json()
            assert (run["status"], run["totalJournalEntryCount"]) == ("Completed", 200)
            client.put(f"{RUNS}/{number}/cancel")
            all_together()
        finally:
            for ledger in ledgers:
                ledger.close()
        assert client.get(f"{RUNS}/{number}").json()["status"] == "Cancelled"
        expected = Counter(f"JE-{count:08d}" for count in range(1, 201))
        assert acted(bench, "create") == acted(bench, "cancel") == expected
        assert bench.ledger.broken_audit() is None

    def test_jobs_are_done_in_the_order_they_were_asked_for(self, make_bench):
        bench = make_bench(by_hand=True)
        client = bench.client()
        bench.load(*regions(2))
        first = start_run(client)
        bench.ledger.work(clock=bench.clock)
        second = start_run(client, "Taxation Item")
        bench.ledger.work(clock=bench.clock)
        client.put(f"{RUNS}/{first}/cancel")
        client.put(f"{RUNS}/{second}/cancel")
        bench.step()
        assert [client.get(f"{RUNS}/{number}").json()["status"] for number in (first, second)] == [
            "Cancelled",
            "CancelInprogress",
        ]
