"""A server that is killed in the middle of a run: the next one handles what is left, once."""

import contextlib
import os
import signal
import time
from collections import Counter

import httpx
import pytest
from ledger_databases import Database
from ledger_harness import (
    ENTRIES,
    REFERENCE,
    RUNS,
    Bench,
    entries_of,
    regions,
    serve,
    sign_in,
    start_run,
)

from reconciler.ledger import open_ledger

COUNT = 200
"""Entries of a run: several steps, of which one is done when the server is killed."""


class Served:
    """A server process over a database, killed or replaced as a test wants it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        bench = Bench(database, reference=REFERENCE)
        bench.load(*regions(COUNT))
        self._credentials = bench.ledger.issue_client("test")
        bench.close()

    @contextlib.contextmanager
    def running(self):
        """A client of a new server, which is killed without a warning in the end."""
        server, url = serve(self.database)
        self.server = server
        try:
            with httpx.Client(base_url=url, timeout=None) as client:
                token = sign_in(client, *self._credentials).json()["access_token"]
                client.headers["Authorization"] = f"Bearer {token}"
                yield client
        finally:
            server.send_signal(signal.SIGKILL)
            server.wait()
            server.stderr.close()

    def count(self, condition):
        query = f"SELECT COUNT(*) AS n FROM journal_entries WHERE {condition}"
        return self.database.truth(query)[0]["n"]

    def status(self):
        return self.database.truth("SELECT status FROM journal_runs")[0]["status"]

    def acted(self, action):
        query = "SELECT object_name FROM audit_events WHERE object_type='JournalEntry' AND action=?"
        return Counter(row["object_name"] for row in self.database.truth(query, action))

    @contextlib.contextmanager
    def stopped(self, condition):
        """Stops the process of the server soon after the condition holds."""
        while not condition():
            self.alive()
        self.server.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.server.pid, os.WSTOPPED)
        try:
            yield
        finally:
            self.server.send_signal(signal.SIGCONT)

    def until(self, client, run, status):
        """Polls until a run has a status. The ledger works on runs without being asked."""
        while client.get(f"{RUNS}/{run}").json()["status"] != status:
            self.alive()

    def alive(self):
        assert self.server.poll() is None
        time.sleep(0.01)  # the server's turn


@pytest.fixture
def served(seeded):
    return Served(seeded)


def test_every_entry_is_handled_once_whenever_the_server_is_killed(served):
    """I-67: a run goes on after a restart, and touches no entry twice."""
    with served.running() as client:
        run = start_run(client)
        with served.stopped(lambda: served.count("1=1") >= 20):
            served.server.kill()
    # Dead in the middle of processing.
    assert served.status() == "Processing"
    assert served.count("1=1") < COUNT

    with served.running() as client:
        served.until(client, run, "Completed")
        numbers = [live["number"] for live in entries_of(client, run)]
        assert served.acted("create") == Counter(numbers)
        assert len(numbers) == COUNT
        client.put(
            f"{ENTRIES}/{numbers[-1]}/basic-information", json={"transferredToAccounting": "Yes"}
        )
        assert client.put(f"{RUNS}/{run}/cancel").json() == {"success": True}
        with served.stopped(lambda: served.count("status='Cancelled'") >= 20):
            served.server.kill()
    # Dead in the middle of the cancellation.
    assert served.status() == "CancelInprogress"
    assert served.count("status='Cancelled'") < COUNT - 1

    with served.running() as client:
        served.until(client, run, "Completed")
        statuses = [live["status"] for live in entries_of(client, run)]
        assert statuses == ["Cancelled"] * (COUNT - 1) + ["Created"]
        assert served.acted("cancel") == Counter(numbers[:-1])
    query = "SELECT id FROM source_transactions WHERE journal_run_id IS NOT NULL"
    rows = served.database.truth(query)
    assert [row["id"] for row in rows] == [f"T-{COUNT}"]


def test_a_server_that_is_told_to_stop_leaves_the_rest_for_the_next_one(served):
    with served.running() as client:
        start_run(client)
        with served.stopped(lambda: served.count("1=1") >= 20):
            served.server.send_signal(signal.SIGTERM)
        assert served.server.wait() == 0
    assert served.status() == "Processing"
    assert served.database.truth("SELECT claim FROM run_jobs") == [{"claim": None}]
    with open_ledger(served.database.url) as ledger:
        ledger.work()
    assert served.status() == "Completed"
    assert served.acted("create") == Counter(f"JE-{number:08d}" for number in range(1, COUNT + 1))
