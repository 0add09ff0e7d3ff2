"""Schema versions: a database that was migrated is like a new one, and no ledger is left behind."""

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from ledger_harness import ENTRIES, REFERENCE, opened, post
from program import Program

from reconciler.ledger import LedgerUnusable, open_ledger
from reconciler.ledger.storage import migrations, tables

STEP = """
import sqlalchemy as sa
from alembic import op

revision = "{next}"
down_revision = "{newest}"


def upgrade():
    op.add_column("tenants", sa.Column("motto", sa.Text))
"""
NEXT = f"{int(tables.SCHEMA_VERSION) + 1:04d}"
ADDED = [("remove_column", "motto")]
"""What a database has after STEP and `tables.py` has not."""


@pytest.fixture
def step(tmp_path, monkeypatch):
    """The file of a further step, which is a part of the ledger now."""
    folder = tmp_path / "steps"
    folder.mkdir()
    file = folder / "step.py"
    file.write_text(STEP.format(next=NEXT, newest=tables.SCHEMA_VERSION))
    monkeypatch.setattr(migrations, "VERSIONS", [*migrations.VERSIONS, folder])
    monkeypatch.setattr(tables, "SCHEMA_VERSION", NEXT)
    return file


def differences(database):
    """What the tables of a database and `tables.py` do not have in common."""
    with open_ledger(database.url) as ledger, ledger.store.reading() as tx:
        options = {"version_table": tables.ledger_version.name, "compare_server_default": True}
        found = compare_metadata(MigrationContext.configure(tx, opts=options), tables.METADATA)
    return [(kind, column.name) for kind, _schema, _table, column in found]


def version_of(database):
    return database.truth("SELECT version_num FROM ledger_version")[0]["version_num"]


def test_a_new_database_has_the_tables_and_the_version(seeded):
    assert differences(seeded) == []
    assert version_of(seeded) == tables.SCHEMA_VERSION


def test_the_newest_step_is_the_version_that_is_written(seeded):
    with open_ledger(seeded.url) as ledger, ledger.store.reading() as tx:
        script = ScriptDirectory.from_config(migrations.config_for(tx))
    steps = [step.revision for step in script.walk_revisions()]
    assert steps == [f"{number:04d}" for number in range(len(steps), 0, -1)]
    assert steps[0] == tables.SCHEMA_VERSION


def test_an_older_ledger_is_brought_up_to_date(seeded, request):
    with opened(seeded) as bench:
        number = post(bench.client())
    request.getfixturevalue("step")
    with opened(seeded) as bench:
        assert bench.client().get(f"{ENTRIES}/{number}").json()["status"] == "Created"
        assert bench.ledger.broken_audit() is None
    assert version_of(seeded) == NEXT
    assert differences(seeded) == ADDED


def test_a_step_that_fails_leaves_nothing(seeded, step):
    step.write_text(step.read_text() + "    op.execute('DROP TABLE nothing')\n")
    before = version_of(seeded)
    with pytest.raises(LedgerUnusable, match="nothing"):
        open_ledger(seeded.url)
    assert version_of(seeded) == before
    assert "motto" not in seeded.truth("SELECT * FROM tenants")[0]


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


@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
def test_of_two_processes_one_does_it_and_the_other_waits(make_database, step, old):
    database = make_database(empty=not old)
    script = (
        "import sys; from pathlib import Path; from reconciler.ledger import open_ledger\n"
        "import reconciler.ledger.instance\n"
        "from reconciler.ledger.storage import migrations, tables\n"
        f"migrations.VERSIONS.append(Path({str(step.parent)!r}))\n"
        f"tables.SCHEMA_VERSION = {NEXT!r}\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        f"print(open_ledger({database.url!r}).tenant_id)"
    )
    processes = [
        Program((), script=script, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda process: process.communicate("go\n"), processes))
    assert [process.returncode for process in processes] == [0, 0]
    assert len({output for output, _ in outcomes}) == 1
    assert version_of(database) == NEXT
    assert differences(database) == (ADDED if old else [])


@pytest.mark.only_sqlite
class TestCopies:
    """A file is copied beside itself before it is migrated."""

    def test_the_copy_is_the_ledger_as_it_was(self, seeded, tmp_path, step):
        before = version_of(seeded)
        open_ledger(seeded.url).close()
        copy = seeded.path.with_name(f"{seeded.path.name}.before-{int(NEXT)}")
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert sorted(path.name for path in tmp_path.glob("*before*")) == [copy.name]
        kept = type(seeded)(copy)
        assert version_of(kept) == before
        with open_ledger(kept.url) as ledger:  # and it can be used in turn
            assert ledger.broken_audit() is None

    def test_a_new_file_and_one_that_is_up_to_date_are_not_copied(self, tmp_path):
        for _ in range(2):
            open_ledger(f"sqlite:///{tmp_path / 'new.db'}").close()
        assert list(tmp_path.glob("*before*")) == []
