"""`reconciler daybook …` as people use it."""

import json
import sqlite3
import stat
from contextlib import closing

import pytest
from books_harness import reconciler

from reconciler.daybook import open_daybook


def daybook_of(books):
    return books.root / ".reconciler" / "daybook.db"


def run(books, *words):
    return reconciler("daybook", *words, "-w", books.root)


def test_show_tells_entries_runs_and_who_is_writing(small):
    said = run(small, "show")
    assert said.code == 0
    assert "JournalEntry/entry-01  JE-00000002  recorded  create done" in said.out
    assert "no run is writing" in said.out
    with closing(open_daybook(daybook_of(small), write=True)) as book:
        document = run(small, "show", "--format", "json").json
        assert document["lease"]["id"] == book.lease.id
        assert f"lease {book.lease.id}" in run(small, "show").out
    assert document["format_version"] == "1.0"
    assert document["lineage"] == book.lineage
    assert len(document["entries"]) == document["serial"] / 2
    assert {entry["state"] for entry in document["entries"]} == {"recorded"}
    assert document["runs"][0]["ended"]


def test_show_where_there_is_none_makes_none(small):
    daybook_of(small).unlink()
    assert "does not exist yet" in run(small, "show").out
    assert run(small, "export", small.root / "copy.jsonl").code == 1
    assert not daybook_of(small).exists()


def test_verify_names_the_first_event_that_was_altered(small):
    """I-40."""
    assert "none was changed or removed" in run(small, "verify").out
    with closing(sqlite3.connect(daybook_of(small))) as connection:
        connection.execute("update events set at = '2036' where seq = 7")
        connection.commit()
    said = run(small, "verify")
    assert (said.code, "event 7 is not as it was written" in said.err) == (1, True)


def test_unlock_shuts_a_writer_out(small):
    """I-42."""
    with closing(open_daybook(daybook_of(small), write=True)) as book:
        refused = small.run("apply", "--auto-approve")
        assert refused.code == 1
        assert "another apply is writing to the daybook" in refused.err
        assert f"reconciler daybook unlock {book.lease.id}" in " ".join(refused.err.split())
        assert run(small, "unlock", "another").code == 1
        assert run(small, "unlock", book.lease.id).code == 0
        assert run(small, "unlock", book.lease.id).code == 1
        assert small.run("apply", "--auto-approve", "--lock-timeout", "1").code == 0
        with pytest.raises(Exception, match="took the daybook over"):
            book.begin("sha256:x")


def test_an_export_is_imported_into_a_new_daybook_and_nowhere_else(small, tmp_path):
    copy = tmp_path / "copy.jsonl"
    before = run(small, "show", "--format", "json").json
    assert run(small, "export", copy).code == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert json.loads(copy.read_text().partition("\n")[0])["lineage"] == before["lineage"]
    assert run(small, "verify", "--against", copy).code == 0
    refused = run(small, "import", copy)
    assert (refused.code, "is not empty" in refused.err) == (1, True)
    daybook_of(small).unlink()
    assert run(small, "import", copy).code == 0
    after = run(small, "show", "--format", "json").json
    assert [after[key] for key in ("lineage", "serial", "entries", "runs", "tenant")] == [
        before[key] for key in ("lineage", "serial", "entries", "runs", "tenant")
    ]
    assert small.plan("--detailed-exitcode").code == 0


def test_verify_against_a_newer_copy_says_that_the_daybook_is_older(small, tmp_path):
    """I-44."""
    old, copy = tmp_path / "old.db", tmp_path / "copy.jsonl"
    old.write_bytes(daybook_of(small).read_bytes())
    small.declare("new")
    small.applied()
    run(small, "export", copy)
    daybook_of(small).write_bytes(old.read_bytes())
    said = run(small, "verify", "--against", copy)
    assert (said.code, "it is older than the export" in said.err) == (1, True)
