"""Transactions: who waits for whom, what shares a commit, and what is never taken for a success."""

import json
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_harness import ENTRIES, REFERENCE, command, entry, post
from program import Program
from sqlalchemy import Engine, event, insert, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError

from reconciler.ledger import LedgerUnusable, open_ledger
from reconciler.ledger.reference_data import document
from reconciler.ledger.storage import backend, postgresql, transaction
from reconciler.ledger.storage.backend import Access, TransactionLost
from reconciler.ledger.storage.columns import Json
from reconciler.ledger.storage.group_commit import SharedCommitFailed
from reconciler.ledger.storage.store import Contention
from reconciler.ledger.storage.tables import counters

pytestmark = pytest.mark.both_databases


@pytest.fixture
def ledger(seeded):
    with open_ledger(seeded.url) as ledger:
        yield ledger


@pytest.fixture
def store(ledger):
    return ledger.store


def note(tx, name, value=1):
    tx.execute(insert(counters).values(tenant_id="t", name=name, value=value))


def noted(store):
    with store.reading() as tx:
        query = select(counters.c.name).where(counters.c.tenant_id == "t")
        return set(tx.execute(query).scalars())


def engine_of(store):
    """What writing transactions are sent through, to listen to."""
    return store._engines[Access.WRITING]


class TestTransactions:
    def test_a_reader_sees_one_state_while_others_write(self, store):
        with store.reading() as reader:
            query = select(counters.c.name).where(counters.c.tenant_id == "t")
            assert reader.execute(query).all() == []
            with store.writing() as tx:
                note(tx, "a")
            assert reader.execute(query).all() == []
        assert noted(store) == {"a"}

    def test_a_writer_sees_what_was_committed_while_it_waited(self, seeded, store):
        """Two stores stand for two processes: each adds one to what it finds, in turn."""
        with store.writing() as tx:
            note(tx, "n", 0)
        with open_ledger(seeded.url) as other:

            def count(which):
                with which.writing() as tx:
                    found = tx.execute(
                        select(counters.c.value).where(counters.c.name == "n")
                    ).scalar_one()
                    time.sleep(0.001)
                    change = update(counters).where(counters.c.name == "n")
                    tx.execute(change.values(value=found + 1))

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(count, [store, other.store] * 10))
        with store.reading() as tx:
            row = tx.execute(select(counters.c.value).where(counters.c.name == "n"))
            assert row.scalar_one() == 20

    @pytest.mark.parametrize("how", ["writing", "writing_relaxed"])
    def test_what_fails_is_undone(self, store, how):
        with pytest.raises(ZeroDivisionError), getattr(store, how)() as tx:
            note(tx, "a")
            _ = 1 / 0
        with getattr(store, how)() as tx:
            note(tx, "b")
        assert noted(store) == {"b"}

    def test_how_durable_commits_are(self, seeded, store):
        found = []
        for begin in (store.writing, store.writing_relaxed):
            with begin() as tx:
                if seeded.kind == "sqlite":
                    found.append(tx.exec_driver_sql("PRAGMA synchronous").scalar_one())
                else:
                    found.append(tx.exec_driver_sql("SHOW synchronous_commit").scalar_one())
        assert found == ([2, 1] if seeded.kind == "sqlite" else ["on", "off"])

    def test_a_busy_database_is_contention_not_a_fault(self, make_bench, monkeypatch):
        monkeypatch.setattr(backend, "LOCK_WAIT", 0.1)
        bench = make_bench()
        client = bench.client()
        with bench.database.held():
            response = client.post(ENTRIES, json=entry())
        assert response.status_code == 409
        assert response.json()["reasons"][0]["code"] == 52030050
        assert post(client) == "JE-00000001"

    @pytest.mark.parametrize("how", ["writing", "writing_relaxed"])
    def test_those_who_wait_for_a_busy_database_wait_at_the_same_time(
        self, seeded, store, monkeypatch, how
    ):
        monkeypatch.setattr(backend, "LOCK_WAIT", 0.2)
        waits = []
        begin = transaction.Transaction.__init__

        def begun(self, engine, *, wait=None):
            waits.append(wait)
            begin(self, engine, wait=wait)

        monkeypatch.setattr(transaction.Transaction, "__init__", begun)

        def waited(_):
            asked = time.monotonic()
            with pytest.raises(Contention), getattr(store, how)() as tx:
                note(tx, "a")
            return time.monotonic() - asked

        with seeded.held(), ThreadPoolExecutor(6) as pool:
            # A timer may end a few microseconds early.
            assert min(pool.map(waited, range(6))) > 0.19
        # Who waited for a turn before waits that much less for the other process.
        assert max(waits) <= 0.2
        assert len(waits) == 1 or min(waits) < 0.2
        assert together(store, note, note) == ["done", "done"]
        assert noted(store) == {"0", "1"}

    def test_a_turn_that_another_thread_keeps_is_contention_too(self, store, monkeypatch):
        monkeypatch.setattr(backend, "LOCK_WAIT", 0.2)
        begun, go_on = threading.Event(), threading.Event()

        def keep():
            with store.writing() as tx:
                note(tx, "a")
                begun.set()
                go_on.wait(2)

        with ThreadPoolExecutor(1) as pool:
            kept = pool.submit(keep)
            assert begun.wait(10)
            with pytest.raises(Contention), store.writing():
                pass
            go_on.set()
            kept.result()
        with store.writing() as tx:
            note(tx, "b")
        assert noted(store) == {"a", "b"}

    def test_a_failed_statement_that_is_swallowed_is_no_success(self, seeded, store):
        """SQLite goes on after one; PostgreSQL would answer the commit with a silent rollback."""

        def swallow():
            with store.writing() as tx:
                note(tx, "a")
                try:
                    tx.exec_driver_sql("SELECT * FROM nowhere")
                except SQLAlchemyError as error:
                    assert "nowhere" in str(error)

        if seeded.kind == "sqlite":
            swallow()
            assert noted(store) == {"a"}
        else:
            with pytest.raises(TransactionLost):
                swallow()
            assert noted(store) == set()

    def test_a_transaction_the_database_gave_up_is_no_success(self, seeded, store):
        """A full disk makes SQLite roll back by itself; what comes after would be on its own."""
        with pytest.raises(TransactionLost), store.writing() as tx:
            note(tx, "a")
            tx.exec_driver_sql("ROLLBACK")
        assert noted(store) == set()
        with store.writing() as tx:
            note(tx, "b")
        assert noted(store) == {"b"}


@pytest.mark.only_postgresql
class TestLostConnections:
    def lose(self, seeded, tx):
        pid = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        seeded.truth("SELECT pg_terminate_backend(?, 5000)", pid)

    def test_a_write_on_a_lost_connection_is_no_success(self, seeded, store):
        with pytest.raises(SQLAlchemyError), store.writing() as tx:
            note(tx, "a")
            self.lose(seeded, tx)
        assert noted(store) == set()

    def test_neither_is_that_of_those_who_share_it(self, seeded, store):
        assert "done" not in together(
            store, note, lambda tx, name: self.lose(seeded, tx), note, note
        )
        assert noted(store) == set()

    def test_an_idle_connection_that_was_lost_is_noticed_before_it_is_used(self, seeded, store):
        with store.writing() as tx:
            pid = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        seeded.truth("SELECT pg_terminate_backend(?, 5000)", pid)
        with store.writing() as tx:
            note(tx, "a")
        assert noted(store) == {"a"}

    def test_a_client_that_does_nothing_any_more_holds_nobody_up(self, seeded, store, monkeypatch):
        monkeypatch.setattr(postgresql, "IDLE_WAIT", 0.2)
        hanging = open_ledger(seeded.url)
        with pytest.raises(SQLAlchemyError), hanging, hanging.store.writing() as tx:
            note(tx, "hanging")
            with store.writing() as other:  # gets the lock from the server
                note(other, "other")
            note(tx, "awake again")
        assert noted(store) == {"other"}


def together(store, *works):
    """Threads that write while the first waits in its turn: all of them share its commit."""
    begun, go_on = threading.Event(), threading.Event()
    outcomes = {}

    def run(name, work):
        try:
            with store.writing() as tx:
                if name == "0":
                    begun.set()
                    assert go_on.wait(10)
                work(tx, name)
            outcomes[name] = "done"
        except Exception as error:  # noqa: BLE001 - what it is, is what is looked at
            outcomes[name] = type(error)

    threads = [
        threading.Thread(target=run, args=(str(number), work)) for number, work in enumerate(works)
    ]
    threads[0].start()
    assert begun.wait(10)
    for number, thread in enumerate(threads[1:], start=1):
        thread.start()
        until(lambda number=number: store._writers._waiting == number)
    go_on.set()
    for thread in threads:
        thread.join(10)
    return [outcomes[str(number)] for number in range(len(works))]


def until(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def fail(tx, name):
    note(tx, name)
    raise ZeroDivisionError


class TestSharedCommits:
    @pytest.fixture
    def commits(self, store):
        made = []
        event.listen(engine_of(store), "commit", made.append)
        return made

    def test_those_who_write_at_the_same_time_share_one(self, store, commits):
        assert together(store, *[note] * 6) == ["done"] * 6
        assert len(commits) == 1
        assert noted(store) == set("012345")

    @pytest.mark.parametrize("failing", [0, 1, 2])
    def test_one_that_fails_undoes_only_its_own(self, store, failing):
        works = [fail if number == failing else note for number in range(3)]
        outcomes = together(store, *works)
        assert outcomes[failing] is ZeroDivisionError
        assert outcomes.count("done") == 2
        assert noted(store) == set("012") - {str(failing)}

    def test_nobody_returns_before_the_commit(self, store):
        returned_before = []
        written = []
        answers = []

        def slow_disk(connection):
            until(lambda: len(written) + store._writers._waiting == 8)
            returned_before.append(list(answers))

        event.listen(engine_of(store), "commit", slow_disk)

        def write(number):
            with store.writing() as tx:
                note(tx, str(number))
                written.append(number)
            answers.append(number)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
        assert returned_before[0] == []
        assert len(returned_before) < 8  # each commit was shared by several

    def test_a_commit_that_fails_fails_for_all(self, store):
        def full_disk(connection):
            raise OSError("no space left on device")

        event.listen(engine_of(store), "commit", full_disk)
        outcomes = together(store, note, fail, note)
        event.remove(engine_of(store), "commit", full_disk)
        assert set(outcomes) == {OSError, SharedCommitFailed}
        assert outcomes.count(OSError) == 1
        assert noted(store) == set()
        with store.writing() as tx:
            note(tx, "after")
        assert noted(store) == {"after"}

    def test_what_is_lost_in_the_middle_is_lost_for_all(self, store):
        def lose(tx, name):
            note(tx, name)
            tx.exec_driver_sql("ROLLBACK")
            raise ZeroDivisionError

        assert "done" not in together(store, note, lose, note)
        assert noted(store) == set()
        assert together(store, note, note) == ["done", "done"]

    def test_a_note_joins_and_what_takes_long_does_not(self, store):
        begun, go_on = threading.Event(), threading.Event()
        order = []

        def first():
            with store.writing() as tx:
                begun.set()
                assert go_on.wait(10)
                note(tx, "first")
            order.append("first")

        def long_one():
            with store.writing(alone=True) as tx:
                until(lambda: "first" in order)  # it does not wait for what takes long
                note(tx, "long")
            order.append("long")

        threads = [threading.Thread(target=first), threading.Thread(target=long_one)]
        threads[0].start()
        assert begun.wait(10)
        threads[1].start()
        until(lambda: store._writers._waiting == 1)
        go_on.set()
        for thread in threads:
            thread.join(10)
        assert order == ["first", "long"]
        with store.writing_relaxed() as tx:
            note(tx, "noted")
        assert noted(store) == {"first", "long", "noted"}

    def test_an_interrupted_writer_holds_nobody_up(self, store, monkeypatch):
        """Ctrl-C reaches a thread that queued; those before and after it go on."""
        writers = store._writers
        begun, go_on = threading.Event(), threading.Event()
        wait = writers._turn.wait

        def interrupted(*arguments):
            if threading.current_thread().name == "interrupted":
                wait(*arguments)
                raise KeyboardInterrupt
            return wait(*arguments)

        monkeypatch.setattr(writers._turn, "wait", interrupted)
        outcomes = []

        def run(name):
            try:
                with store.writing() as tx:
                    if name == "first":
                        begun.set()
                        assert go_on.wait(10)
                    note(tx, name)
                outcomes.append(name)
            except KeyboardInterrupt:
                outcomes.append("interrupted")

        names = ("first", "interrupted", "last")
        threads = [threading.Thread(target=run, args=[name], name=name) for name in names]
        threads[0].start()
        assert begun.wait(10)
        for count, thread in enumerate(threads[1:], start=1):
            thread.start()
            until(lambda count=count: writers._waiting == count)
        go_on.set()
        for thread in threads:
            thread.join(10)
        assert sorted(outcomes) == sorted(names)
        assert noted(store) == {"first", "last"}


class TestOpening:
    def test_every_database_has_a_tenant_of_its_own(self, make_database):
        tenants = set()
        for database in (make_database(empty=True), make_database(empty=True)):
            for _ in range(2):
                with open_ledger(database.url, REFERENCE) as ledger:
                    tenants.add(ledger.tenant_id)
        assert len(tenants) == 2

    def test_opening_again_reads_a_few_rows_and_no_reference(self, seeded, monkeypatch):
        statements = []
        monkeypatch.setattr(document, "load", None)

        def count(*arguments):
            statements.append(arguments[2].split()[0])

        event.listen(Engine, "before_cursor_execute", count)
        try:
            open_ledger(seeded.url, REFERENCE).close()
        finally:
            event.remove(Engine, "before_cursor_execute", count)
        assert {"INSERT", "UPDATE", "CREATE"}.isdisjoint(statements)
        assert statements.count("SELECT") == 3  # the version, the tenant, what it was seeded with

    def test_many_threads_may_open_one_new_database(self, database):
        def open_one(_):
            with open_ledger(database.url, REFERENCE) as ledger:
                return ledger.tenant_id

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(open_one, range(8)))) == 1

    def test_a_database_of_something_else_is_refused_and_left_alone(self, database):
        database.run("CREATE TABLE mine (id INTEGER)")
        with pytest.raises(LedgerUnusable, match=r"other tables \(mine"):
            open_ledger(database.url)
        assert database.truth("SELECT * FROM mine") == []
        with pytest.raises(database.errors):
            database.truth("SELECT * FROM tenants")


class TestTextNoDatabaseKeeps:
    """U+0000 is no text in PostgreSQL; what has it is refused on every database."""

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", f"{ENTRIES}/JE-%00", 404),
            ("PUT", f"{ENTRIES}/%00/cancel", 404),
            ("DELETE", f"{ENTRIES}/JE-00000001%00", 404),
            ("GET", "/v1/journal-runs/%00", 404),
            ("GET", f"{ENTRIES}/journal-runs/%00", 404),
            ("GET", "/v1/accounting-codes/%00", 404),
            ("GET", "/v1/accounting-periods/%00", 404),
            ("GET", f"{ENTRIES}/JE-1?page=%00", 404),
            ("GET", "/v1/accounting-codes?page=%00", 400),
            ("GET", "/v1/accounting-codes?page=999999999&pageSize=300", 200),
            ("POST", f"{ENTRIES}?x=%00", 200),
        ],
    )
    def test_in_a_path_or_query(self, make_bench, method, path, status):
        client = make_bench().client()
        body = {"json": entry(), "headers": {"Idempotency-Key": "k"}} if method == "POST" else {}
        assert client.request(method, path, **body).status_code == status

    @pytest.mark.parametrize("field", ["notes", "accountingPeriodName", "transactionType"])
    def test_in_a_field(self, make_bench, field):
        answer = make_bench().client().post(ENTRIES, json=entry(**{field: "a\0b"}))
        assert (answer.status_code, "U+0000" in answer.text) == (400, True)

    def test_in_a_form(self, make_bench):
        form = {"client_id": "\0" * 36, "client_secret": "s", "grant_type": "client_credentials"}
        assert make_bench().anonymous().post("/oauth/token", data=form).status_code == 400
        form = {"client_id": "x" * 36, "client_secret": "\0", "grant_type": "client_credentials"}
        assert make_bench().anonymous().post("/oauth/token", data=form).status_code == 401


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "not understood"),
        ("postgresql://u:hunter2@host:port/db", "not understood"),
        ("mysql://u:hunter2@host/db", "not on mysql"),
        ("postgresql://u:hunter2@127.0.0.1:1/db", "database db at 127.0.0.1: connection"),
        ("postgres://u:hunter2@127.0.0.1:1/db", "database db at 127.0.0.1: connection"),
        ("postgresql://127.0.0.1:1/db?password=hunter2", "database db at 127.0.0.1: connection"),
        ("postgresql://u:hunter2@127.0.0.1:1/db?sslmode=hunter2", "sslmode"),
        ("postgresql://u:hunter2@127.0.0.1:1", "names no database"),
        ("postgresql+asyncpg://u:hunter2@host/db", "uses the driver psycopg, not asyncpg"),
        ("sqlite+x:////nowhere/ledger.db", "uses the driver pysqlite, not x"),
        ("sqlite:////nowhere/ledger.db?key=hunter2", "a SQLite URL takes no options"),
    ],
)
def test_another_url_is_refused_in_one_line_without_its_password(url, message, capfd, caplog):
    result = command("serve", "--database", url)
    assert result.exit_code == 1
    assert message in result.output
    assert ["To fix: " in row for row in result.output.splitlines()] == [False, True]
    said = result.output + caplog.text + "".join(capfd.readouterr())
    assert "hunter2" not in said.replace('sslmode value: "hunter2"', "")


def test_without_the_driver_the_extra_is_named():
    script = (
        "import sys; sys.modules['psycopg'] = None\nfrom reconciler.cli.main import main; main()"
    )
    words = ("ledger", "serve", "--database", "postgresql://host/db")
    with Program(words, script=script, stderr=subprocess.PIPE) as process:
        said = process.stderr.read()
    assert said == (
        "Error: a ledger on PostgreSQL needs the package psycopg\n"
        "    To fix: Run `pip install 'journal-reconciler[postgresql]'`.\n"
    )
    assert process.returncode == 1


TEXTS = st.text(st.characters(), max_size=4) | st.sampled_from(["\ud800", "\udc00\ud800", "{}"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=6,
    )
)
def test_a_stored_document_is_read_as_it_was_written(document):
    column, dialect = Json(), sqlite.dialect()
    written = column.process_bind_param(document, dialect)
    found = column.process_result_value(written, dialect)
    assert repr(found) == repr(None if written is None else json.loads(written))


TABLES = {
    "sqlite": "SELECT name FROM sqlite_master",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify",), "records no change of a ledger"),
        (("close-period", "March"), "There is no accounting period 'March'"),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_what_a_new_ledger_refuses_leaves_an_empty_database_empty(database, words, said):
    database.run()  # makes the file of SQLite, without a table
    result = command(words[0], "--database", database.url, *words[1:])
    assert (result.exit_code, said in result.output) == (1, True)
    assert database.truth(TABLES[database.kind]) == []
