"""A workspace with a cache of files is the workspace without it, whatever becomes of either."""

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from reconciler.app.workspace import read_workspace
from reconciler.core.model.canonical import spec_digest
from reconciler.core.model.resource import (
    Acknowledgement,
    Address,
    Declared,
    ImportedFrom,
    ReverseOn,
    Source,
)
from reconciler.core.model.tenant import Tenant, tenant_from
from reconciler.core.rules.rates import Economics
from reconciler.workspace import load, read_again
from reconciler.workspace.cache.known_files import KnownFile, KnownFiles, known_from, row_of
from reconciler.workspace.cache.rows import Cache
from reconciler.workspace.judging import Judging

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
    """The workspace with the cache beside it; `spared` are the files that it spared."""
    files = KnownFiles(Cache(root.parent / "files.db", generation=generation), today=today)
    found = load(root, known=files.of)
    spared = {path for path, one in found.declaring.items() if one.judged}
    judging = Judging(
        found.declaring, tenant_from(found.reference) if found.reference else Tenant()
    )
    files.remember(judging.judged_files())
    files.save()
    return found, spared, judging


def require_equal(root, **more):
    """Nothing but the count of spared files tells one from the other."""
    found, spared, _ = cached(root, **more)
    whole = load(root)
    for name in (
        "workspace",
        "reference",
        "declared",
        "supporting",
        "problems",
        "contents",
        "digest",
    ):
        held, wanted = getattr(found, name), getattr(whole, name)
        assert held == wanted, name
        # Order, types and digits too.
        if name == "declared":
            held, wanted = map(_with_plain_specs, (held, wanted))
        assert _told(held) == _told(wanted), name
    return len(spared)


def _with_plain_specs(declared):
    return tuple(replace(one, spec=dict(one.spec)) for one in declared)


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
    found, spared, _ = cached(root)
    assert spared.isdisjoint({"reconciler.yaml", "reference.yaml", "wrong.yaml", "cut.yaml"})
    assert {one.rule for one in found.problems} >= {"yaml-comment", "unique-name"}
    assert spared


def test_an_edit_of_equal_size_in_the_same_tick_is_seen(root):
    place = write(root, "entry", amount="400.90")
    cached(root)
    before = place.stat()
    place.write_text(place.read_text().replace("400.90", "400.80"))
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    found, _, _ = cached(root)
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
        found, _, _ = cached(root)
        assert found.declared == whole, at
        place.unlink(missing_ok=True)


def test_what_is_changed_is_read_from_its_bytes(root):
    write(root, "first")
    found, _, _ = cached(root)
    assert {one.address.name for one in read_again(root, {"first.yaml"})} == {"first"}
    held = [one for one in found.declared if one.source.path == "first.yaml"]
    assert list(read_again(root, {"first.yaml"})) == held
    assert read_again(root, {"missing.yaml"}) == ()


def edited(name, before, after):
    def change(root):
        place = root / name
        text = place.read_text()
        assert before in text, before
        place.write_text(text.replace(before, after))

    return change


REFERENCE = "reference.yaml"
CODE = "Deferred Revenue, type: DeferredRevenue"
QUARTER = "fiscalQuarter: 1, status: "
CHANGES = {
    "nothing": lambda root: None,
    "a period closes": edited(REFERENCE, f"{QUARTER}Open", f"{QUARTER}Closed"),
    "a period goes": edited(REFERENCE, "name: Jan-2026", "name: January"),
    "a period moves": edited(REFERENCE, "endDate: 2026-01-31", "endDate: 2026-01-30"),
    "a code ends": edited(REFERENCE, CODE, f"{CODE}, status: Inactive"),
    "a code goes": edited(REFERENCE, "name: Deferred Revenue", "name: Unearned Revenue"),
    "a currency goes": edited(REFERENCE, "homeCurrency: USD", "homeCurrency: EUR"),
    "no Reference": lambda root: (root / REFERENCE).unlink(),
    "the marker moves": edited("reconciler.yaml", "spec:", "spec:\n  identity: {marker: notes}"),
    "another name": edited("reconciler.yaml", "metadata:", "metadata: # renamed"),
    "one file is wrong": edited("first.yaml", "400.90", "400.901"),
    "two files are equal": lambda root: write(root, "copy", notes="the same money"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_rules_find_the_same_with_and_without_the_cache(root, name, monkeypatch):
    monkeypatch.setattr("reconciler.app.file_cache.MANY_FILES", 1)
    write(root, "first")
    write(root, "late").write_text(ENTRY.format(name="late", amount="7.777", notes="wrong"))
    for _ in range(2):
        read_workspace(root, cached=True)
    CHANGES[name](root)
    whole = read_workspace(root)
    for _ in range(3):
        found = read_workspace(root, cached=True)
        assert found.problems == whole.problems
        assert found.declared == whole.declared
        assert found.spared


def test_what_is_sound_is_judged_again_only_when_the_facts_change(root):
    write(root, "first")
    write(root, "wrong", amount="1.001")
    assert not cached(root)[2].sound
    sound = cached(root)[2].sound
    assert "first.yaml" in sound
    assert "wrong.yaml" not in sound
    CHANGES["a period closes"](root)
    assert cached(root)[2].sound == sound
    CHANGES["a code ends"](root)
    assert not cached(root)[2].sound
    assert "first.yaml" not in cached(root)[2].sound


def test_a_cache_that_calls_a_wrong_entry_sound_is_found_out(root):
    """As somebody would write it who can write the file, digests and all."""
    write(root, "wrong", amount="1.001")
    cached(root)
    cache = Cache(root.parent / "files.db", generation=("1",))
    digest, (seen, body) = next(row for row in cache.rows().items() if b'"wrong"' in row[1][1])
    assert b",false,[" in body
    forged = body.replace(b",false,[", b",true,[", 1)
    cache.keep({digest: (seen, forged)}, stays=lambda *_: True)
    judging = cached(root)[2]
    assert "wrong.yaml" in judging.sound
    assert not judging.confirms(read_again(root, {"wrong.yaml"}))
    assert judging.confirms(read_again(root, {"first.yaml"}))


def test_every_field_of_a_declaration_comes_back(tmp_path):
    whole = Declared(
        address=Address("JournalEntry", "entry"),
        spec={"b": ({"z": Decimal("400.90"), "a": True}, None), "a": ("1", Decimal(7))},
        source=Source("a/entry.yaml", 7, 0),
        labels={"team": "007"},
        protect=True,
        adopts="JE-00000001",
        made_by="JR-00000001",
        previous_name="old",
        acknowledges=(Acknowledgement(number="JE-1", status="Cancelled", reason="by hand"),),
        imported_from=ImportedFrom(file="a.xlsx", sheet="A", key="1", mapping="m"),
        reverses="other",
        reverse_on=ReverseOn(period="Feb-2026", date="2026-02-01"),
        generated_by=Address("JournalSchedule", "rent"),
    )
    empty = [one.name for one in fields(Declared) if getattr(whole, one.name) in (None, (), {})]
    assert empty == []
    known = KnownFile(
        digest="0f",
        declared=(whole,),
        judged="x",
        postings=(Economics("p", ("EUR", "q", "1", "2")),),
        periods=("q",),
    )
    again = known_from(row_of(known), "0f", "a/entry.yaml")
    assert again == known
    assert repr(dict(again.declared[0].spec)) == repr(whole.spec)
    assert again.declared[0].spec.digest == spec_digest(whole.spec)
