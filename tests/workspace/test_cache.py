"""The cache may be deleted, damaged, locked or forbidden at any time: then nothing is kept."""

import sqlite3
import threading
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from builders import address, entry, live
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.planning.kept import EntryStamp, Kept
from reconciler.workspace.cache.kept_reads import keep_reads, kept_reads
from reconciler.workspace.cache.rows import Cache

NOW = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)
STAMP = EntryStamp(status="Created", updated="2026-01-31 22:05:12", transferred="No")
KNOWN = [address("a"), address("b")]


def one(name="a", **more):
    return Kept(**{"live": live(name=name), "stamp": STAMP, "read_at": NOW, "spec": "0f", **more})


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache.db", generation=("books", "1"))


def kept_in(cache, *names, since=NOW):
    keep_reads(cache, {address(name): one(name) for name in names}, known=KNOWN, since=since)
    return {one.name for one in kept_reads(cache)}


def test_what_is_kept_comes_back_as_it_was(cache):
    fields = {"n__c": Decimal("1E+3"), "b__c": True, "amount__c": Decimal("400.90")}
    held = one(live=live(entry(notes="Ümlaut\n'\"\\ \u2028"), **fields), read_at=NOW)
    keep_reads(cache, {address("a"): held}, known=KNOWN, since=NOW)
    found = kept_reads(cache)
    assert found == {address("a"): held}
    assert isinstance(found[address("a")].live.fields["journalEntryItems"], tuple)
    assert cache.path.stat().st_mode & 0o777 == 0o600


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=9)
VALUES = st.recursive(
    st.none() | st.booleans() | TEXTS | NUMBERS,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(TEXTS, inner),
    max_leaves=8,
)


def written(value):
    """A value as text, with the digits of its numbers and the order of its lists."""
    if isinstance(value, Mapping):
        return sorted((name, written(item)) for name, item in value.items())
    return [written(item) for item in value] if isinstance(value, tuple) else repr(value)


@settings(max_examples=25)
@given(fields=st.dictionaries(TEXTS, VALUES, max_size=4))
def test_any_entry_comes_back_exactly(fields, tmp_path_factory):
    cache = Cache(tmp_path_factory.mktemp("cache") / "cache.db", generation=())
    held = one(live=live(**fields))
    keep_reads(cache, {address("a"): held}, known=KNOWN, since=NOW)
    found = kept_reads(cache)[address("a")].live
    assert found == held.live
    assert written(found.fields) == written(held.live.fields)


def test_what_is_not_known_any_more_goes_and_so_does_what_is_old(cache):
    assert kept_in(cache, "a", "b") == {"a", "b"}
    assert kept_in(cache, since=NOW + timedelta(seconds=1)) == set()
    kept_in(cache, "a", "b")
    keep_reads(cache, {}, known=[address("b")], since=NOW)
    assert {one.name for one in kept_reads(cache)} == {"b"}


def test_another_generation_knows_nothing_and_replaces_it(cache):
    kept_in(cache, "a")
    later = Cache(cache.path, generation=("books", "2"))
    assert kept_reads(later) == {}
    assert kept_in(later, "b") == {"b"}
    assert not later.damage
    assert kept_reads(cache) == {}


def test_the_parts_of_a_generation_do_not_run_together(cache):
    kept_in(cache, "a")
    assert kept_reads(Cache(cache.path, generation=("books1", ""))) == {}
    assert kept_reads(Cache(cache.path, generation=("books", "1")))


def rewrite(cache, statement, *values):
    with closing(sqlite3.connect(cache.path)) as database:
        database.execute(statement, values)
        database.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kept SET key = 'JournalEntry/b'",
        "UPDATE kept SET seen = '2027-01-01T00:00:00+00:00'",
        "UPDATE kept SET body = replace(body, '400.9', '400.8')",
        "UPDATE kept SET checksum = x'00'",
        "ALTER TABLE kept DROP COLUMN seen",
        "DROP TABLE kept",
    ],
)
def test_a_row_that_is_not_as_written_throws_the_file_away(cache, statement):
    kept_in(cache, "a")
    rewrite(cache, statement)
    assert kept_reads(cache) == {}
    assert cache.damage
    assert not cache.path.exists()
    assert kept_in(cache, "a") == {"a"}


def test_flipped_bytes_change_nothing_that_is_told(cache):
    """Sampled over the file: what comes back is what was written, or nothing."""
    kept_in(cache, "a", "b")
    whole = kept_reads(cache)
    with closing(sqlite3.connect(cache.path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = cache.path.read_bytes()
    for at in range(0, len(content), 61):
        cache.path.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        found = kept_reads(cache)
        assert found.items() <= whole.items(), at
        cache.throw_away("")
        cache.path.touch(0o600)


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"x" * 5000])
def test_a_file_that_is_no_cache_is_replaced(cache, content):
    cache.path.write_bytes(content)
    assert kept_reads(cache) == {}
    assert kept_in(cache, "a") == {"a"}


def test_a_row_that_is_whole_and_says_nothing_known_throws_the_file_away(cache):
    cache.keep({"JournalEntry/a": (NOW.isoformat(), b'["an entry"]')}, stays=lambda *_: True)
    assert kept_reads(cache) == {}
    assert cache.damage


def test_nothing_is_written_while_another_run_writes(cache):
    kept_in(cache, "a")
    with closing(sqlite3.connect(cache.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert kept_in(cache, "b") == {"a"}
        other.execute("ROLLBACK")
    assert not cache.damage
    assert kept_in(cache, "b") == {"a", "b"}


def test_two_runs_at_once_leave_a_whole_cache(cache):
    def write(name):
        for _ in range(20):
            own = Cache(cache.path, generation=("books", "1"))
            keep_reads(own, {address(name): one(name)}, known=KNOWN, since=NOW)

    runs = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert {one.name for one in kept_reads(cache)} <= {"a", "b"}
    assert kept_in(cache, "a", "b") == {"a", "b"}
    assert not cache.damage


def test_a_cache_that_others_can_write_is_not_believed(cache):
    kept_in(cache, "a")
    cache.path.chmod(0o666)
    assert kept_reads(cache) == {}
    assert cache.damage == "others can write it"


def test_a_link_is_neither_followed_nor_written_through(cache, tmp_path):
    there = Cache(tmp_path / "elsewhere.db", generation=("books", "1"))
    kept_in(there, "a")
    cache.path.symlink_to(there.path)
    assert kept_reads(cache) == {}
    assert kept_reads(there)
    cache.path.symlink_to(tmp_path / "nothing")
    keep_reads(cache, {address("a"): one()}, known=KNOWN, since=NOW)
    assert not (tmp_path / "nothing").exists()


def test_a_directory_that_cannot_be_written_keeps_nothing(tmp_path):
    cache = Cache(tmp_path / "missing" / "cache.db", generation=())
    assert kept_in(cache, "a") == set()
    assert not cache.damage
