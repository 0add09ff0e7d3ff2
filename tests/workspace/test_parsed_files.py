"""A workspace with a cache of files is the workspace without it, whatever becomes of either."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.workspace import load, read_again
from reconciler.workspace.cache.parsed_files import ParsedFiles
from reconciler.workspace.cache.rows import Cache

JOURNALS = Path(__file__).parents[2] / "journals"
NOW = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)

ENTRY = """\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata: {{name: {name}, labels: {{team: "007"}}}}
spec:
  currency: USD
  accountingPeriodName: Jan-2026
  journalEntryDate: 2026-01-31
  notes: {notes}
  journalEntryItems:
    - {{type: Debit, accountingCodeName: Deferred Revenue, amount: {amount}}}
    - {{type: Credit, accountingCodeName: Subscription Revenue, amount: "{amount}"}}
"""


@pytest.fixture
def root(tmp_path):
    return Path(shutil.copytree(JOURNALS, tmp_path / "journals"))


def write(root, name, amount="400.90", notes="a text"):
    place = root / f"{name}.yaml"
    place.write_text(ENTRY.format(name=name, amount=amount, notes=notes))
    return place


def cached(root, *, today=NOW, generation=("1",)):
    """The workspace with the cache beside it, and how many files were spared."""
    parsed = ParsedFiles(Cache(root.parent / "files.db", generation=generation), today=today)
    found = load(root, parsed=parsed)
    parsed.save()
    return found, parsed


def require_equal(root, **more):
    """Nothing but the count of spared files tells one from the other."""
    found, parsed = cached(root, **more)
    whole = load(root)
    for name in ("workspace", "reference", "declared", "supporting", "problems", "paths", "digest"):
        held, wanted = getattr(found, name), getattr(whole, name)
        assert held == wanted, name
        # Order, types and digits too.
        assert _told(held) == _told(wanted), name
    return len(parsed.spared)


def _told(value):
    return repr(value).replace("mappingproxy", "")


def test_the_second_run_spares_every_declaration_and_says_the_same(root):
    assert require_equal(root) == 0
    spared = require_equal(root)
    assert spared == len({one.source.path for one in load(root).declared}) > 5


def test_settings_reference_and_files_with_problems_are_read_every_time(root):
    (root / "wrong.yaml").write_text("a: [1")
    write(root, "cut", notes="Rent #1 of the year")
    write(root, "posted-twice")
    write(root, "posted-twice-too").write_text(ENTRY.format(name="posted-twice", amount="1.00",
                                                            notes="x"))  # fmt: skip
    require_equal(root)
    found, parsed = cached(root)
    assert found.spared.isdisjoint({"reconciler.yaml", "reference.yaml", "wrong.yaml", "cut.yaml"})
    assert {one.rule for one in found.problems} >= {"yaml-comment", "unique-name"}
    assert parsed.spared


def test_an_edit_of_equal_size_in_the_same_tick_is_seen(root):
    place = write(root, "entry", amount="400.90")
    cached(root)
    before = place.stat()
    place.write_text(place.read_text().replace("400.90", "400.80"))
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    found, _ = cached(root)
    amounts = {one["amount"] for each in found.declared if each.address.name == "entry"
               for one in each.spec["journalEntryItems"]}  # fmt: skip
    assert {str(one) for one in amounts} == {"400.80"}
    require_equal(root)


@pytest.mark.parametrize("way", ["rename", "copy", "touch", "swap"])
def test_what_counts_is_the_content_and_never_the_path(root, way):
    first, second = write(root, "first"), write(root, "second", amount="7.00")
    cached(root)
    if way == "rename":
        first.rename(root / "moved.yaml")
    elif way == "copy":
        shutil.copy2(first, root / "copy.yaml")
    elif way == "touch":
        os.utime(first, (0, 0))
    else:
        one, other = first.read_text(), second.read_text()
        first.write_text(other)
        second.write_text(one)
    assert require_equal(root) > 5


def test_another_generation_reads_everything(root):
    cached(root)
    assert require_equal(root, generation=("2",)) == 0
    assert require_equal(root, generation=("2",)) > 5


def test_content_that_no_file_has_goes_after_a_month(root):
    write(root, "first")
    cached(root)
    (root / "first.yaml").unlink()
    for days, expected in ((0, 1), (30, 1), (31, 0)):
        cached(root, today=NOW + timedelta(days=days))
        with closing(sqlite3.connect(root.parent / "files.db")) as database:
            rows = database.execute("SELECT body FROM kept").fetchall()
        assert sum(b'"first"' in body for (body,) in rows) == expected, days


def test_flipped_bytes_change_no_declaration(root):
    """Sampled over the file: a row that is not as it was written is not believed."""
    cached(root)
    place = root.parent / "files.db"
    with closing(sqlite3.connect(place)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content, whole = place.read_bytes(), load(root).declared
    for at in range(7, len(content), len(content) // 40):
        place.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        found, _ = cached(root)
        assert found.declared == whole, at
        place.unlink(missing_ok=True)


def test_what_is_changed_is_read_from_its_bytes(root):
    write(root, "first")
    found, _ = cached(root)
    assert {one.address.name for one in read_again(root, {"first.yaml"})} == {"first"}
    held = [one for one in found.declared if one.source.path == "first.yaml"]
    assert list(read_again(root, {"first.yaml"})) == held
    assert read_again(root, {"missing.yaml"}) == ()
