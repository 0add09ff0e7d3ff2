"""The copy queries are carried out on: never stale, never in anybody's way, gone in the end."""

import contextlib
import gc
import random
import signal
import sqlite3
import tempfile
import threading

import httpx
import pytest
import yaml
from ledger_databases import SQLITE
from ledger_harness import (
    ENTRIES,
    REFERENCE,
    RUNS,
    Bench,
    credit,
    debit,
    entry,
    post,
    regions,
    run_body,
    serving,
    sign_in,
)
from query_harness import rows

from reconciler.ledger import create_app, open_ledger
from reconciler.ledger.query import replica
from reconciler.ledger.query.schema import query_tables
from reconciler.ledger.reference_data.tenant_settings import settings_of

TABLES = ("journalentry", "journalentryitem", "journalrun", "accountingperiod", "accountingcode")


def another_app(bench, **options):
    """A client of an app of its own over the same ledger: nothing of it is copied yet."""
    options = {"clock": bench.clock, "worker": bench.worker, **options}
    transport = httpx.WSGITransport(app=create_app(bench.ledger, **options))
    client = httpx.Client(transport=transport, base_url="http://ledger.test")
    client.headers["Authorization"] = bench.client().headers["Authorization"]
    return client


def everything(client):
    """All rows of all tables, live and deleted."""
    queries = {name: f"select * from {name} where deleted or not deleted" for name in TABLES}
    return {name: sorted(map(str, rows(client, query))) for name, query in queries.items()}


class Trade:
    """Someone who does anything to a ledger, by chance; what is refused is part of the trade."""

    def __init__(self, bench, seed):
        self.bench = bench
        self.client = bench.client()
        self.chance = random.Random(seed)
        self.loaded = 0

    def step(self):
        deeds = (
            *(self.post, self.post, self.wait),
            *(self.post, self.post, self.update, self.update, self.cancel, self.delete),
            *(self.load, self.start, self.work, self.work, self.work, self.cancel_run),
            *(self.delete_run, self.add_code, self.retire_code, self.close, self.reseed),
            *(self.wait, self.wait),
        )
        self.chance.choice(deeds)()

    def post(self):
        amount = f"{self.chance.randint(1, 10**6)}.{self.chance.randint(0, 99):02d}"
        key = self.chance.choice([None, "a", "b"])
        self.client.post(ENTRIES, json=entry(debit(amount), credit(amount), ReconcilerKey__c=key))

    def update(self):
        line = {"accountingCodeName": "Deferred Revenue", "type": "Debit"}
        changes = (
            {"notes": str(self.chance.random())},
            {"ReconcilerKey__c": self.chance.choice([None, "c"])},
            {"transferredToAccounting": self.chance.choice(["No", "Error"])},
            {"journalEntryItems": [{**line, "CostCenter__c": str(self.chance.random())}]},
        )
        self.client.put(f"{self.entry()}/basic-information", json=self.chance.choice(changes))

    def cancel(self):
        self.client.put(f"{self.entry()}/cancel")

    def delete(self):
        self.client.delete(self.entry())

    def load(self):
        self.loaded += 1
        self.bench.load(*[{**row, "id": f"{self.loaded}-{row['id']}"} for row in regions(3)])

    def start(self):
        self.client.post(RUNS, json=run_body())

    def work(self):
        self.bench.step()

    def cancel_run(self):
        self.client.put(f"{self.run()}/cancel")

    def delete_run(self):
        self.client.delete(self.run())

    def add_code(self):
        name = f"Code {self.chance.randint(1, 9)}"
        self.client.post("/v1/accounting-codes", json={"name": name, "type": "Cash"})

    def retire_code(self):
        """One that no entry needs, lest nothing can be posted any more."""
        codes = self.client.get("/v1/accounting-codes").json()["accountingCodes"]
        for code in codes:
            if code["name"].startswith("Code"):
                self.client.put(f"/v1/accounting-codes/{code['id']}/deactivate")

    def close(self):
        periods = self.client.get("/v1/accounting-periods").json()["accountingPeriods"]
        verb = self.chance.choice(["pending-close", "reopen"])
        self.client.put(f"/v1/accounting-periods/{self.chance.choice(periods)['id']}/{verb}")

    def wait(self):
        self.bench.clock.pass_by(seconds=self.chance.choice([1, 10, 40, 86400 * 20]))
        self.client = self.bench.client()

    def reseed(self):
        """The same reference with one custom field more, or fewer: other columns."""
        spec = yaml.safe_load(REFERENCE.read_text())
        more = [{"name": f"Extra{self.chance.randint(1, 2)}__c"}]
        spec["spec"]["customFields"]["JournalEntry"] += more
        open_ledger(self.bench.database.url, spec).close()

    def entry(self):
        return f"{ENTRIES}/JE-{self.chance.randint(1, 12):08d}"

    def run(self):
        return f"{RUNS}/JR-{self.chance.randint(1, 3):08d}"


def trade(make_bench, seed, *, lag, steps):
    """Look at every table between operations, with a copy that stays and with a new one."""
    bench = make_bench(by_hand=True, query_lag=lag)
    trade = Trade(bench, seed)
    kept = another_app(bench, query_lag=lag)
    seen = set()
    for _ in range(steps):
        for _ in range(trade.chance.randint(1, 8)):
            trade.step()
        kept.headers["Authorization"] = trade.client.headers["Authorization"]
        found = everything(kept)
        assert found == everything(another_app(bench, query_lag=lag))
        seen.update(found["journalentry"])
    assert len(seen) > 4


@pytest.mark.parametrize(("seed", "lag"), [(1, 0), (4, 10)])
def test_a_copy_that_stays_says_what_a_new_one_says(make_bench, seed, lag):
    trade(make_bench, seed, lag=lag, steps=4)


@pytest.mark.long
@pytest.mark.parametrize("lag", [0, 1, 60])
@pytest.mark.parametrize("seed", range(100, 106))
def test_very_many_copies_say_what_new_ones_say(make_bench, seed, lag):
    trade(make_bench, seed, lag=lag, steps=20)


def test_only_the_tables_a_query_names_are_copied(make_bench):
    bench = make_bench()
    post(bench.client())
    ledger = bench.ledger
    copy = replica.Replica(ledger.store, ledger.tenant_id)
    with copy.locked(lambda: None) as tx:
        schema = query_tables(settings_of(tx, ledger.tenant_id))
        reading = replica.Reading(
            tx=tx, tenant_id=ledger.tenant_id, schema=schema, check_interrupt=lambda: None
        )
        with copy.updated(reading, {"journalrun"}) as snapshot:
            query = "SELECT name FROM sqlite_master WHERE type = 'table'"
            assert snapshot.copy.execute(query).fetchall() == [("journalrun rows",)]


@pytest.mark.only_sqlite
def test_a_database_that_was_put_back_is_noticed(make_bench, tmp_path):
    """The chain of events is another one, though it is no shorter than the one that is known."""
    bench = make_bench()
    client = bench.client()
    post(client, notes="kept")
    with contextlib.closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
        with contextlib.closing(sqlite3.connect(bench.database.path)) as database:
            database.backup(backup)
        post(client, notes="lost")
        query = "select notes from journalentry order by number"
        assert rows(client, query) == [{"notes": "kept"}, {"notes": "lost"}]
        with contextlib.closing(sqlite3.connect(bench.database.path)) as database:
            backup.backup(database)
    post(client, notes="new")
    assert rows(client, query) == [{"notes": "kept"}, {"notes": "new"}]


def test_an_event_of_an_unknown_sort_makes_the_copy_begin_anew(make_bench, monkeypatch):
    bench = make_bench()
    client = bench.client()
    query = "select count(*) as n from journalentry"
    assert rows(client, query) == [{"n": 0}]
    monkeypatch.delitem(replica.AFFECTED, "JournalEntry")
    post(client)
    assert rows(client, query) == [{"n": 1}]


def test_queries_and_writes_at_once(make_bench):
    """Each answer is of one moment: no entry without its lines, and no moment comes back."""
    bench = make_bench()
    clients = [bench.client() for _ in range(4)]
    query = (
        "select count(*) as lines, count(distinct e.id) as entries from journalentry e"
        " left join journalentryitem i on i.journalentryid = e.id"
    )
    wrong, written = [], threading.Event()

    def ask(client):
        before = 0
        while True:
            last = written.is_set()
            found = rows(client, query)[0]
            if found["lines"] != 2 * found["entries"] or found["entries"] < before:
                wrong.append(found)
            before = found["entries"]
            if last:
                return

    asking = [threading.Thread(target=ask, args=(client,)) for client in clients[:3]]
    for thread in asking:
        thread.start()
    for _ in range(40):
        post(clients[3])
    written.set()
    for thread in asking:
        thread.join()
    assert (wrong, rows(clients[0], query)) == ([], [{"lines": 80, "entries": 40}])


def test_few_books_have_a_copy_at_a_time(make_bench, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(replica, "MAX_REPLICAS", 2)
    bench = make_bench()
    clients = [bench.client(tenant_id=bench.ledger.add_tenant(REFERENCE)) for _ in range(3)]
    for _ in range(2):
        for client in clients:
            assert len(rows(client, "select id from accountingcode")) == 7
            assert len(list(tmp_path.glob("ledger-query-*"))) <= 2


def test_copies_go_with_their_app_but_the_one_that_is_kept(seeded, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bench = Bench(seeded)
    rows(bench.client(), "select id from journalentry")
    (made,) = tmp_path.glob("ledger-query-*")
    assert made.stat().st_mode & 0o77 == 0
    bench.close()
    del bench
    gc.collect()
    assert [made.name.startswith("ledger-query-kept-") for made in left(tmp_path)] == kept(seeded)


def test_a_server_that_stops_leaves_no_copy_but_the_one_it_keeps(seeded, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving(seeded, forked=False) as (server, client), open_ledger(seeded.url) as ledger:
        token = sign_in(client, *ledger.issue_client("query")).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        rows(client, "select id from journalentry")
        assert len(left(tmp_path)) == 1
        client.close()
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    assert [made.name.startswith("ledger-query-kept-") for made in left(tmp_path)] == kept(seeded)


def left(directory):
    return list(directory.glob("ledger-query-*"))


def kept(database):
    """Beside a file one copy is kept; of a database on a server none."""
    return [True] if database.kind == SQLITE else []
