"""What survives: a kill in the middle of writing, a crash before the answer, a reopened file."""

import json
import os
import signal
import stat
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from queue import SimpleQueue

import httpx
import pytest
from ledger_harness import (
    ENTRIES,
    REFERENCE,
    Bench,
    credit,
    debit,
    entry,
    post,
    serve,
    sign_in,
)

from reconciler.ledger import LedgerUnusable, open_ledger

WRITES = 15
"""Acknowledged writes after which a server is killed."""


class TestKill:
    """Every acknowledged write is there once, whatever moment its server process is killed at."""

    def test_acknowledged_writes_survive_kill_9(self, seeded):
        """I-62, I-66, I-70: none lost, none doubled, numbers rising, books in balance."""
        with open_ledger(seeded.url) as ledger:
            credentials = ledger.issue_client("ci")
        acknowledged: dict[str, str] = {}
        sent: set[str] = set()
        news: SimpleQueue[str | None] = SimpleQueue()
        for run, count in enumerate((2, 1)):
            served = [serve(seeded) for _ in range(count)]
            with ThreadPoolExecutor(8) as pool:
                writers = [
                    pool.submit(
                        write,
                        served[n % count][1],
                        credentials,
                        f"{run}-{n}",
                        sent,
                        acknowledged,
                        news,
                    )
                    for n in range(8)
                ]
                for server, _url in served:  # the writers of the others go on
                    for _ in range(WRITES):
                        assert news.get() is not None, "a writer ended before its server did"
                    server.send_signal(signal.SIGKILL)
                for writer in writers:
                    writer.result()
            for server, _url in served:
                assert server.wait() == -signal.SIGKILL
                server.stderr.close()
            while not news.empty():
                news.get()
        assert len(acknowledged) >= 3 * WRITES
        self.check(seeded, sent, acknowledged)
        self.check_retries(seeded, credentials, sent, acknowledged)

    def check(self, database, sent, acknowledged):
        events = database.truth(
            "SELECT object_name FROM audit_events WHERE object_type='JournalEntry' "
            "ORDER BY sequence"
        )
        numbers = [event["object_name"] for event in events]
        assert numbers == sorted(set(numbers))
        rows = database.truth("SELECT number, custom_fields FROM journal_entries")
        assert {row["number"] for row in rows} == set(numbers)
        found = {
            json.loads(row["custom_fields"])["ReconcilerKey__c"]: row["number"] for row in rows
        }
        assert len(found) == len(rows)
        assert found.items() >= acknowledged.items()
        assert set(found) <= sent
        assert balance(database) == {}
        with open_ledger(database.url) as ledger:
            assert ledger.broken_audit() is None

    def check_retries(self, database, credentials, sent, acknowledged):
        """Sending everything again under its own key completes what was cut off, and no more."""
        bench = Bench(database)
        try:
            client = bench.anonymous()
            token = sign_in(client, *credentials).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            bench.clock.pass_by(seconds=30)  # what was at work when the server died has ended
            for name in sorted(sent):
                answer = send(client, name)
                assert answer.status_code == 200, answer.text
                number = answer.json()["journalEntryNumber"]
                assert acknowledged.get(name, number) == number
            assert len(bench.truth("SELECT * FROM journal_entries")) == len(sent)
        finally:
            bench.close()


def send(client, name):
    body = entry(debit("0.1"), debit("0.2"), credit("0.3"), ReconcilerKey__c=name)
    return client.post(ENTRIES, json=body, headers={"Idempotency-Key": name})


def write(url, credentials, writer, sent, acknowledged, news):
    """Create entries one after the other until the server is gone; tells of each."""
    with httpx.Client(base_url=url, timeout=None) as client:
        try:
            token = sign_in(client, *credentials).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            for count in range(10_000):
                name = f"{writer}-{count}"
                sent.add(name)
                answer = send(client, name)
                assert answer.status_code == 200, answer.text
                acknowledged[name] = answer.json()["journalEntryNumber"]
                news.put(name)
        except httpx.TransportError:
            return
        except BaseException:
            news.put(None)
            raise


def balance(database):
    """Debits minus credits per currency, where they differ."""
    sums: dict[str, Decimal] = {}
    for row in database.truth(
        "SELECT currency, type, amount FROM journal_entry_items AS item "
        "JOIN journal_entries AS entry ON entry.id = item.journal_entry_id",
    ):
        sign = 1 if row["type"] == "Debit" else -1
        amount = sign * Decimal(row["amount"])
        sums[row["currency"]] = sums.get(row["currency"], Decimal(0)) + amount
    return {currency: total for currency, total in sums.items() if total}


class TestCrashBeforeTheAnswer:
    """The hook between commit and answer stands for everything that can lose an answer."""

    def test_the_effect_stays_and_the_key_gives_the_answer_later(self, make_bench):
        commits = []

        def crash(commit):
            commits.append(commit)
            if len(commits) == 1:
                raise ConnectionAbortedError

        bench = make_bench(after_commit=crash)
        client = bench.client()
        headers = {"Idempotency-Key": "k"}
        with pytest.raises(ConnectionAbortedError):
            client.post(ENTRIES, json=entry(), headers=headers)
        assert len(bench.truth("SELECT * FROM journal_entries")) == 1
        again = client.post(ENTRIES, json=entry(), headers=headers)
        assert again.json() == {"success": True, "journalEntryNumber": "JE-00000001"}
        assert len(commits) == 1  # a replay commits nothing
        assert (commits[0].method, commits[0].path) == ("POST", ENTRIES)
        assert commits[0].idempotency_key == "k"
        assert commits[0].body == again.content

    def test_the_hook_is_told_of_writes_only(self, make_bench):
        commits = []
        client = make_bench(after_commit=commits.append).client()
        client.post(ENTRIES, json={})
        client.get(f"{ENTRIES}/JE-0")
        assert commits == []
        number = post(client)
        client.put(f"{ENTRIES}/{number}/cancel")
        assert [commit.path for commit in commits] == [ENTRIES, f"{ENTRIES}/{number}/cancel"]

    def test_the_answer_still_arrives_when_the_hook_does_nothing(self, make_bench):
        client = make_bench(after_commit=lambda commit: None, mode="over a socket").client()
        assert post(client) == "JE-00000001"


@pytest.mark.only_sqlite
class TestFiles:
    def test_a_new_database_is_for_its_owner_only(self, database):
        mask = os.umask(0)
        try:
            with open_ledger(database.url, REFERENCE) as ledger:
                ledger.issue_client("ci")
                files = list(database.folder.glob(f"{database.path.name}*"))
                modes = {stat.S_IMODE(file.stat().st_mode) for file in files}
        finally:
            os.umask(mask)
        assert modes == {0o600}

    def test_commits_are_synced(self, make_bench):
        store = make_bench().ledger.store
        with store.writing() as tx:
            assert tx.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert tx.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"

    def test_amounts_are_kept_as_text(self, make_bench):
        bench = make_bench()
        lines = (debit("90071992547409.93"), credit("90071992547409.93"))
        assert bench.client().post(ENTRIES, json=entry(*lines)).json()["success"] is True
        rows = bench.truth("SELECT amount, typeof(amount) AS kind FROM journal_entry_items")
        assert rows == [{"amount": "90071992547409.93", "kind": "text"}] * 2

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("nonsense", "not understood"),
            ("sqlite://", "needs a file"),
            ("sqlite:///:memory:", "needs a file"),
            ("mysql://host/db", "not on mysql"),
            ("sqlite:////nowhere/at/all.db", "No such file or directory"),
            ("sqlite:////tmp", "not a file"),
        ],
    )
    def test_another_url_is_refused_in_one_line(self, url, message):
        with pytest.raises(LedgerUnusable, match=message) as refused:
            open_ledger(url)
        assert "\n" not in str(refused.value)

    def test_a_file_that_is_no_database_is_refused(self, tmp_path):
        path = tmp_path / "notes.txt"
        path.write_text("not a database, but long enough to look at" * 100)
        with pytest.raises(LedgerUnusable, match="not a database"):
            open_ledger(f"sqlite:///{path}")
        assert path.read_text().startswith("not a database")

    def test_a_database_of_something_else_is_refused_and_left_alone(self, tmp_path):
        import sqlite3
        from contextlib import closing

        path = tmp_path / "other.db"
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE mine (id)")
            other.commit()
        before = path.read_bytes()
        with pytest.raises(LedgerUnusable, match=r"other tables \(mine"):
            open_ledger(f"sqlite:///{path}")
        assert path.read_bytes() == before


class TestNumbers:
    def test_they_go_on_past_eight_digits(self, make_bench):
        bench = make_bench()
        client = bench.client()
        post(client)
        bench.database.run("UPDATE counters SET value = 99999998")
        assert [post(client) for _ in range(3)] == ["JE-99999999", "JE-100000000", "JE-100000001"]
        assert client.get(f"{ENTRIES}/JE-100000000").json()["number"] == "JE-100000000"


class TestAudit:
    @pytest.fixture
    def bench(self, make_bench):
        bench = make_bench()
        client = bench.client()
        number = post(client)
        client.put(f"{ENTRIES}/{number}/basic-information", json={"notes": "n"})
        client.put(f"{ENTRIES}/{number}/cancel")
        client.delete(f"{ENTRIES}/{number}")
        return bench

    def test_every_effect_is_an_event_in_the_chain(self, bench):
        events = bench.truth(
            "SELECT action, object_type, object_name FROM audit_events ORDER BY sequence"
        )
        assert [tuple(event.values())[:2] for event in events] == [
            ("seed", "Reference"),
            ("create", "Client"),
            ("create", "JournalEntry"),
            ("update", "JournalEntry"),
            ("cancel", "JournalEntry"),
            ("delete", "JournalEntry"),
        ]
        assert {event["object_name"] for event in events[2:]} == {"JE-00000001"}
        assert bench.ledger.broken_audit() is None

    def test_the_database_refuses_to_rewrite_events(self, bench):
        for statement in ("UPDATE audit_events SET actor='x'", "DELETE FROM audit_events"):
            with pytest.raises(bench.database.errors, match="append-only"):
                bench.database.run(statement)

    @pytest.mark.parametrize(
        ("tampering", "broken"),
        [
            ("UPDATE audit_events SET details='{}' WHERE sequence=3", 3),
            ("UPDATE audit_events SET actor='someone' WHERE sequence=4", 4),
            ("UPDATE audit_events SET hash='0' WHERE sequence=2", 2),
            ("DELETE FROM audit_events WHERE sequence=2", 3),
            ("UPDATE audit_events SET sequence=sequence+1 WHERE sequence=6", 7),
        ],
    )
    def test_a_rewritten_event_is_found(self, bench, tampering, broken):
        """I-69: the chain names the first event that does not fit."""
        bench.database.run(*bench.database.without_triggers, tampering)
        assert bench.ledger.broken_audit() == broken
