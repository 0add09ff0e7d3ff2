"""A copy that is kept says what a new one says, and is used only where that is certain."""

import shutil
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import yaml
from ledger_harness import ENTRIES, REFERENCE, Bench, post
from query_harness import rows

from reconciler.ledger.query import replica
from reconciler.ledger.query.rows import Source

pytestmark = pytest.mark.only_sqlite
"""The copy is kept beside the file of a ledger; a ledger on PostgreSQL has no file."""

QUERY = "select number, status, notes from journalentry order by number"


@pytest.fixture
def copied(monkeypatch):
    """The tables that were copied whole, by the name of their first column's table."""
    made = []
    read = Source.read

    def watched(source, tx, tenant_id, shape, names=None):
        if names is None:
            made.append(source.kind)
        return read(source, tx, tenant_id, shape, names)

    monkeypatch.setattr(Source, "read", watched)
    return made


@contextmanager
def opened(database, **options):
    with closing(Bench(database, **options)) as bench:
        yield bench, bench.client()


def asked(database):
    with opened(database) as (_, client):
        return rows(client, QUERY)


def kept(database):
    return sorted(database.folder.glob("ledger-query-*"))


def test_a_kept_copy_is_continued(seeded, copied):
    with opened(seeded) as (_, client):
        number = post(client)
        assert len(rows(client, QUERY)) == 1
    assert copied == ["JournalEntry"]
    (directory,) = kept(seeded)
    assert directory.stat().st_mode & 0o77 == 0
    assert {file.name for file in directory.iterdir()} == {"replica.db", "owner", "kept"}
    with opened(seeded) as (_, client):
        post(client, notes="later")
        client.put(f"{ENTRIES}/{number}/cancel")
        found = rows(client, QUERY)
        assert kept(seeded) == [directory], "it is used where it is"
        assert not (directory / "kept").exists()
    assert copied == ["JournalEntry"]
    shutil.rmtree(directory)
    assert asked(seeded) == found
    assert [row["status"] for row in found] == ["Cancelled", "Created"]


def other_code(database, directory):
    note = (directory / "kept").read_bytes()
    (directory / "kept").write_bytes(note.replace(b'"code": "', b'"code": "0'))


def no_note(database, directory):
    (directory / "kept").write_bytes(b"[]")


def half_a_file(database, directory):
    copy = directory / "replica.db"
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])


def no_table(database, directory):
    with closing(sqlite3.connect(directory / "replica.db")) as copy:
        copy.execute('DROP TABLE "journalentry rows"')


def gone(database, directory):
    (directory / "replica.db").unlink()


@pytest.mark.parametrize(
    "spoil", [other_code, no_note, half_a_file, no_table, gone], ids=lambda spoil: spoil.__name__
)
def test_a_copy_that_is_not_certain_is_made_again(seeded, copied, spoil):
    with opened(seeded) as (_, client):
        post(client)
        found = rows(client, QUERY)
    spoil(seeded, *kept(seeded))
    assert asked(seeded) == found
    assert copied == ["JournalEntry"] * 2
    assert len(kept(seeded)) == 1


def test_a_copy_is_not_used_for_a_ledger_that_was_put_back(seeded, copied, tmp_path):
    with opened(seeded) as (_, client):
        post(client, notes="before")
    before = shutil.copy(seeded.path, tmp_path / "before.db")
    with opened(seeded) as (_, client):
        post(client, notes="lost")
        assert len(rows(client, QUERY)) == 2
    shutil.copy(before, seeded.path)
    assert [row["notes"] for row in asked(seeded)] == ["before"]
    with opened(seeded) as (_, client):
        post(client, notes="instead")  # as many events as the copy knew
    assert [row["notes"] for row in asked(seeded)] == ["before", "instead"]


def test_a_copy_of_a_ledger_that_was_replaced_is_removed(make_database, copied):
    database = make_database()
    with opened(database) as (_, client):
        post(client)
        rows(client, QUERY)
    (old,) = kept(database)
    database.path.unlink()
    with opened(database, reference=REFERENCE) as (_, client):
        assert rows(client, QUERY) == []
        assert not old.exists()


def test_two_processes_keep_one_copy(seeded, copied):
    with opened(seeded) as (_, first), opened(seeded) as (_, second):
        post(first)
        assert rows(first, QUERY) == rows(second, QUERY)
        assert len(kept(seeded)) == 2
    (one,) = kept(seeded)
    assert (one / "kept").exists()
    assert len(asked(seeded)) == 1
    assert copied == ["JournalEntry"] * 2


def test_a_copy_that_another_process_uses_is_left_to_it(seeded, copied):
    asked(seeded)
    with opened(seeded) as (_, first):
        rows(first, QUERY)
        with opened(seeded) as (_, second):
            post(second)
            assert len(rows(second, QUERY)) == 1
        assert len(rows(first, QUERY)) == 1
    assert len(kept(seeded)) == 1


def test_a_copy_that_is_killed_has_no_note(seeded, copied, monkeypatch):
    """What happens between the note's removal and its return leaves a copy that nobody takes."""
    asked(seeded)
    bench = Bench(seeded)
    rows(bench.client(), QUERY)
    (used,) = kept(seeded)
    left = shutil.copytree(used, used.with_name("ledger-query-left"))
    left.chmod(0o700)
    bench.close()
    with opened(seeded):
        assert not left.exists()


def test_a_copy_of_another_schema_is_not_used(seeded, copied):
    with opened(seeded) as (_, client):
        post(client)
        rows(client, QUERY)
    document = yaml.safe_load(REFERENCE.read_text())
    document["spec"]["customFields"]["JournalEntry"].append({"name": "Added__c"})
    with opened(seeded, reference=document) as (_, client):
        assert rows(client, "select added__c from journalentry") == [{"added__c": None}]
    assert copied == ["JournalEntry"] * 2


def test_the_files_that_decide_what_a_copy_holds_are_there():
    folder = Path(replica.__file__).parent
    assert [name for name in replica.CODE if not (folder / name).is_file()] == []
