"""A server that is killed in the middle of a run: the next one handles what is left, once."""

import contextlib
import signal
import time
from collections import Counter

import pytest
from ledger_databases import Database
from ledger_harness import (
    ENTRIES,
    REFERENCE,
    RUNS,
    Bench,
    entries_of,
    regions,
    serving,
    sign_in,
    start_run,
)

from reconciler.ledger import open_ledger

COUNT = 60
"""Entries of a run: three steps of 20."""

PAUSE = """
import sys, threading
from itertools import count
from reconciler.ledger import serve
from reconciler.ledger.storage.author import Author

recorded, record = count(1), Author.record
told, install = threading.Event(), serve.signal.signal

def pause(self, action, *rest):
    record(self, action, *rest)
    if action == {action!r} and next(recorded) == {number}:
        print("paused", file=sys.stderr, flush=True)
        told.wait()

def tell(number, handler):
    install(number, lambda *arguments: (handler(*arguments), told.set()))

Author.record = pause
serve.signal.signal = tell
"""
"""A server that pauses within a step, until it is told to stop."""
IN_SECOND_STEP = 30


class Served:
    """A server process over a database, killed or replaced as a test wants it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        bench = Bench(database, reference=REFERENCE)
        bench.load(*regions(COUNT))
        self._credentials = bench.ledger.issue_client("test")
        bench.close()

    @contextlib.contextmanager
    def running(self, *, pause_at=None):
        """A client of a new server, which is killed without a warning in the end.

        It pauses in the second step of `create` or `cancel`, inside its transaction.
        """
        patch = PAUSE.format(action=pause_at, number=IN_SECOND_STEP)
        with serving(self.database, patch=patch) as (self.server, client):
            token = sign_in(client, *self._credentials).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client

    def paused(self):
        """Returns when the server has paused."""
        assert self.server.stderr.readline() == "paused\n"

    def count(self, condition):
        query = f"SELECT COUNT(*) AS n FROM journal_entries WHERE {condition}"
        return self.database.truth(query)[0]["n"]

    def status(self):
        return self.database.truth("SELECT status FROM journal_runs")[0]["status"]

    def acted(self, action):
        query = "SELECT object_name FROM audit_events WHERE object_type='JournalEntry' AND action=?"
        return Counter(row["object_name"] for row in self.database.truth(query, action))

    def until(self, client, run, status):
        """Polls until a run has a status. The ledger works on runs without being asked."""
        while client.get(f"{RUNS}/{run}").json()["status"] != status:
            assert self.server.poll() is None
            time.sleep(0.02)


@pytest.fixture
def served(seeded):
    return Served(seeded)


def test_every_entry_is_handled_once_whenever_the_server_is_killed(served):
    """I-67: a run goes on after a restart, and touches no entry twice."""
    with served.running(pause_at="create") as client:
        run = start_run(client)
        served.paused()
    # Dead in the middle of processing.
    assert served.status() == "Processing"
    assert served.count("1=1") == 20

    with served.running(pause_at="cancel") as client:
        served.until(client, run, "Completed")
        numbers = [live["number"] for live in entries_of(client, run)]
        assert served.acted("create") == Counter(numbers)
        assert len(numbers) == COUNT
        client.put(
            f"{ENTRIES}/{numbers[-1]}/basic-information", json={"transferredToAccounting": "Yes"}
        )
        assert client.put(f"{RUNS}/{run}/cancel").json() == {"success": True}
        served.paused()
    # Dead in the middle of the cancellation.
    assert served.status() == "CancelInprogress"
    assert served.count("status='Cancelled'") == 20

    with served.running() as client:
        served.until(client, run, "Completed")
        statuses = [live["status"] for live in entries_of(client, run)]
        assert statuses == ["Cancelled"] * (COUNT - 1) + ["Created"]
        assert served.acted("cancel") == Counter(numbers[:-1])
    query = "SELECT id FROM source_transactions WHERE journal_run_id IS NOT NULL"
    rows = served.database.truth(query)
    assert [row["id"] for row in rows] == [f"T-{COUNT}"]


def test_a_server_that_is_told_to_stop_leaves_the_rest_for_the_next_one(served):
    with served.running(pause_at="create") as client:
        start_run(client)
        served.paused()
        served.server.send_signal(signal.SIGTERM)
        assert served.server.wait() == 0
    assert served.status() == "Processing"
    assert served.count("1=1") == 40  # the step that was at work is done
    assert served.database.truth("SELECT claim FROM run_jobs") == [{"claim": None}]
    with open_ledger(served.database.url) as ledger:
        ledger.work()
    assert served.status() == "Completed"
    assert served.acted("create") == Counter(f"JE-{number:08d}" for number in range(1, COUNT + 1))
