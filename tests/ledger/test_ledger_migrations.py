"""Schema versions: a database that was migrated is like a new one, and no ledger is left behind."""

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from ledger_harness import ENTRIES, REFERENCE, opened, post, settled, start_run, transaction
from sqlalchemy import inspect, make_url

from reconciler.ledger import LedgerUnusable, open_ledger
from reconciler.ledger.storage import tables
from reconciler.ledger.storage.migrations import config_for, migrate
from reconciler.ledger.storage.store import BACKENDS, Store


@pytest.fixture
def store(database):
    """A store over an empty database that nobody has made ready."""
    url = make_url(database.url)
    backend = BACKENDS[database.kind]
    store = Store(backend, backend.prepare(url))
    yield store
    store.close()


def described(tx):
    """Columns, keys and indexes of every table."""
    seen = inspect(tx)
    return {
        name: (
            {
                column["name"]: (repr(column["type"]), column["nullable"], column["default"])
                for column in seen.get_columns(name)
            },
            seen.get_pk_constraint(name)["constrained_columns"],
            sorted(tuple(one["column_names"]) for one in seen.get_unique_constraints(name)),
            sorted((one["name"], tuple(one["column_names"])) for one in seen.get_indexes(name)),
        )
        for name in sorted(seen.get_table_names())
    }


def differences(tx):
    options = {"version_table": tables.ledger_version.name, "compare_server_default": True}
    context = MigrationContext.configure(tx, opts=options)
    return compare_metadata(context, tables.METADATA)


def test_every_step_together_makes_what_a_new_database_has(store, make_database):
    with store.writing() as tx:
        migrate(tx, None)
        assert differences(tx) == []
        migrated = described(tx)
    new = make_database(empty=True)
    with open_ledger(new.url, REFERENCE) as ledger, ledger.store.reading() as tx:
        assert differences(tx) == []
        assert described(tx) == migrated


def test_a_difference_would_be_found(store):
    with store.writing() as tx:
        migrate(tx, None, to="0002")
        missing = {change[3].name for change in differences(tx) if change[0] == "add_column"}
        assert missing == {"entities", "organizations", "organization"}


def test_the_newest_step_is_the_version_that_is_written(store):
    with store.writing() as tx:
        script = ScriptDirectory.from_config(config_for(tx))
    steps = [step.revision for step in script.walk_revisions()]
    assert steps == [f"{number:04d}" for number in range(len(steps), 0, -1)]
    assert steps[0] == tables.SCHEMA_VERSION


def test_a_step_that_fails_leaves_nothing(store):
    # Version 2 is said to be there, and is not.
    with pytest.raises(Exception, match="tenants"), store.writing() as tx:
        migrate(tx, "0002")
    with store.reading() as tx:
        assert inspect(tx).get_table_names() == []


def test_a_newer_ledger_is_refused_and_left_alone(seeded):
    seeded.run("UPDATE ledger_version SET version_num = '0099'")
    with pytest.raises(LedgerUnusable, match=r"schema version 99, this ledger writes version \d"):
        open_ledger(seeded.url, REFERENCE)
    assert seeded.truth("SELECT version_num FROM ledger_version") == [{"version_num": "0099"}]


def test_the_newest_version_is_opened_without_the_library(seeded):
    script = (
        "import sys; from reconciler.ledger import open_ledger\n"
        f"open_ledger({seeded.url!r}).close()\n"
        "print('sqlalchemy' in sys.modules, 'alembic' in sys.modules, 'psycopg' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False", str(seeded.kind == "postgresql")]


def test_every_text_is_ordered_by_code_points(seeded):
    with open_ledger(seeded.url) as ledger, ledger.store.reading() as tx:
        if seeded.kind == "sqlite":
            assert tx.exec_driver_sql("SELECT 'Z' < 'a' AND 'z' < 'ä'").scalar_one() == 1
            return
        query = (
            "SELECT table_name, column_name FROM information_schema.columns WHERE data_type <> "
            "'character varying' AND data_type LIKE %s AND table_schema = 'public' "
            "AND collation_name IS DISTINCT FROM 'C'"
        )
        assert tx.exec_driver_sql(query, ("%text%",)).all() == []
        lengths = "SELECT table_name FROM information_schema.columns WHERE data_type LIKE %s "
        found = tx.exec_driver_sql(lengths + "AND table_schema = 'public'", ("character%",))
        assert found.scalars().all() == ["ledger_version"]


VERSION_4 = (
    "DROP INDEX audit_events_by_object",
    "DROP INDEX transactions_by_group",
    "ALTER TABLE journal_runs DROP COLUMN organizations",
    "ALTER TABLE source_transactions DROP COLUMN organization",
    (
        "CREATE INDEX transactions_by_group ON source_transactions (tenant_id, journal_run_id, "
        "journal_entry_id, transaction_type, debit_code_id, credit_code_id, segments, currency)"
    ),
    "UPDATE ledger_version SET version_num = '0004'",
)
VERSION_3 = (
    *VERSION_4,
    "CREATE TABLE ledger_schema (version INTEGER NOT NULL PRIMARY KEY)",
    "INSERT INTO ledger_schema VALUES (3)",
    "DROP TABLE ledger_version",
)
VERSION_2 = (
    *VERSION_3,
    "ALTER TABLE tenants DROP COLUMN entities",
    "ALTER TABLE tenants DROP COLUMN organizations",
    "ALTER TABLE clients DROP COLUMN entities",
    "ALTER TABLE clients DROP COLUMN organizations",
    "ALTER TABLE journal_entries DROP COLUMN organization",
    "UPDATE ledger_schema SET version = 2",
)
VERSION_1 = (
    *VERSION_2,
    "DROP TABLE run_jobs",
    "DROP TABLE source_transactions",
    "DROP INDEX entries_by_run",
    "CREATE INDEX entries_by_run ON journal_entries (tenant_id, journal_run_id)",
    "ALTER TABLE journal_entries DROP COLUMN run_position",
    "UPDATE ledger_schema SET version = 1",
)


@pytest.mark.parametrize(
    "back",
    [
        pytest.param(VERSION_4, id="before runs of organizations"),
        pytest.param(VERSION_3, id="before the library"),
        pytest.param(VERSION_2, id="before entities and organizations"),
        pytest.param(VERSION_1, id="before journal runs"),
    ],
)
def test_an_older_ledger_is_brought_up_to_date(seeded, back):
    with opened(seeded) as bench:
        number = post(bench.client())
    seeded.run(*back)
    with opened(seeded) as bench:
        client = bench.client()
        assert client.get(f"{ENTRIES}/{number}").json()["status"] == "Created"
        bench.load(transaction("T-1"))
        assert settled(client, start_run(client))["totalJournalEntryCount"] == 1
        assert bench.ledger.broken_audit() is None
        with bench.ledger.store.reading() as tx:
            assert differences(tx) == []


@pytest.mark.parametrize("back", [(), VERSION_1], ids=["new", "old"])
def test_of_two_processes_one_does_it_and_the_other_waits(make_database, back):
    database = make_database(empty=not back)
    database.run(*back)
    script = (
        "import sys; from reconciler.ledger import open_ledger\n"
        "import reconciler.ledger.instance; print('ready', flush=True); sys.stdin.readline()\n"
        f"print(open_ledger({database.url!r}).tenant_id)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda process: process.communicate("go\n", 60), processes))
    assert [process.returncode for process in processes] == [0, 0]
    assert len({output for output, _ in outcomes}) == 1
    with open_ledger(database.url) as ledger, ledger.store.reading() as tx:
        assert differences(tx) == []


@pytest.mark.only_sqlite
class TestCopies:
    """A file is copied beside itself before it is migrated."""

    def test_the_copy_is_the_ledger_as_it_was(self, seeded, tmp_path):
        seeded.run(*VERSION_1)
        open_ledger(seeded.url).close()
        copy = seeded.path.with_name(f"{seeded.path.name}.before-5")
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert sorted(path.name for path in tmp_path.glob("*before*")) == [copy.name]
        before = type(seeded)(copy)
        assert before.truth("SELECT version FROM ledger_schema") == [{"version": 1}]
        with open_ledger(before.url) as ledger:  # and it can be used in turn
            assert ledger.broken_audit() is None

    def test_a_new_file_and_one_that_is_up_to_date_are_not_copied(self, tmp_path):
        for _ in range(2):
            open_ledger(f"sqlite:///{tmp_path / 'new.db'}").close()
        assert list(tmp_path.glob("*before*")) == []
