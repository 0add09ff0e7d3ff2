"""An older daybook is read as it is and brought to this format whole; a copy is carried (I-46)."""

import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from builders import address, entry
from program import Program

from reconciler.core.model.history import Act, Result
from reconciler.daybook import FORMAT, Intent, open_daybook
from reconciler.daybook.lease import this_process
from reconciler.daybook.transfer import compare, import_export, read_export, write_export
from reconciler.errors import DaybookError

FORMAT_1 = Path(__file__).parent / "formats" / "daybook-1.db"
"""Written by the version that had format 1: eight names, two open calls, the second run not ended.
"""


@pytest.fixture
def older(tmp_path) -> Path:
    path = tmp_path / "daybook.db"
    shutil.copy(FORMAT_1, path)
    return path


def all_of(book) -> tuple:
    return (
        dict(book.recorded()),
        [(item.address, item.payload, item.key, item.attempt) for item in book.unsettled()],
        book.serial,
        book.lineage,
        book.tenant,
        book.complete,
        book.interrupted("sha256:first"),
        book.interrupted("sha256:second"),
    )


def read(path: Path) -> tuple:
    with closing(open_daybook(path, write=False)) as book:
        return all_of(book)


def test_i46_format_1_is_read_without_being_touched(older):
    recorded, unsettled, serial, lineage, tenant, complete, first, second = read(older)
    assert {key.name: state.number for key, state in recorded.items()} == {
        "plain": "JE-00000001",
        "exact": "JE-00000002",
        "moved": "JE-00000004",
        "refused": None,
        "adopted": "JE-00000009",
        "settled": "JE-00000005",
        "unknown": None,
        "sent": None,
    }
    amount = recorded[address("exact")].spec["journalEntryItems"][0]["amount"]
    assert amount == Decimal("9007199254740.93")
    assert recorded[address("refused")].attempt == 1
    assert [(key.name, payload) for key, payload, _, _ in unsettled] == [
        ("unknown", '{"amount":400.90}'),
        ("sent", '{"amount":1.10}'),
    ]
    assert (serial, lineage) == (20, "cadbfd74-2223-4b4b-a0cc-d39023cd7df1")
    assert (tenant, complete, first, second) == ("tenant-1/-", True, False, True)
    assert older.read_bytes() == FORMAT_1.read_bytes()
    assert [item.name for item in older.parent.iterdir()] == ["daybook.db"]


def test_i46_format_1_is_brought_to_this_one_behind_a_whole_copy(older):
    before = read(older)
    with closing(open_daybook(older, write=True, workspace="books")) as book:
        assert all_of(book) == before
        book.record_intent(Intent(address=address("new"), act=Act.CREATE, spec=entry()))
    with closing(open_daybook(older, write=True, workspace="books")) as book:
        assert (book.serial, book.lineage) == (21, before[3])
        assert book.lease.fence > 2, "higher than any that a writer of format 1 had"
    copy = older.with_name("daybook.db.before-2")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert read(copy) == before
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("select count(*) from intents").fetchone() == (10,)
    assert {item.name for item in older.parent.iterdir()} == {
        "daybook.db",
        "daybook.db.lock",
        "daybook.db.before-2",
    }


def test_i46_a_copy_that_is_there_already_is_not_overwritten(older):
    kept = older.with_name("daybook.db.before-2")
    kept.write_text("kept")
    open_daybook(older, write=True).close()
    assert kept.read_text() == "kept"
    assert read(older.with_name("daybook.db.before-2.2")) == read(older)


@pytest.mark.parametrize("step", ["keep_copy", "fill", "drop_all", "commit"])
def test_i46_i40_killed_in_the_middle_of_it_the_daybook_is_the_old_one(older, step):
    before = read(older)
    script = f"""
import os, sys
from pathlib import Path
from reconciler.daybook import format_one, open_daybook, sqlite

def die(*args, **options):
    os.kill(os.getpid(), 9)

if {step!r} == "keep_copy":
    sqlite.sync = die
elif {step!r} == "fill":
    format_one.fill = die
elif {step!r} == "drop_all":
    format_one.TABLES.drop_all = die
else:
    whole = format_one.migrate
    format_one.migrate = lambda *args, **options: (whole(*args, **options), die())
open_daybook(Path(sys.argv[1]), write=True)
"""
    assert Program([older], script=script).wait() == -signal.SIGKILL
    assert read(older) == before
    with closing(open_daybook(older, write=True)) as book:
        assert all_of(book) == before


@pytest.mark.parametrize(
    "change",
    [
        "update intents set name = 'b' where seq = 1",
        "update outcomes set number = 'JE-00000009' where seq = 1",
        "update outcomes set intent = 99 where seq = 1",
        "delete from meta where key = 'writer'",
    ],
)
@pytest.mark.parametrize("write", [True, False])
def test_i40_format_1_that_was_changed_is_refused_and_left_alone(older, change, write):
    with closing(sqlite3.connect(older)) as connection:
        connection.execute(change)
        connection.commit()
    with pytest.raises(DaybookError, match="is damaged"):
        open_daybook(older, write=write)
    with closing(sqlite3.connect(older)) as connection:
        found = connection.execute("select value from meta where key = 'format'").fetchone()
    assert found == ("1",)


def test_i46_a_newer_format_names_the_version_that_is_needed(older):
    open_daybook(older, write=True).close()
    with closing(sqlite3.connect(older)) as connection:
        connection.execute("update meta set value = '3' where key = 'format'")
        connection.execute("update meta set value = '7.1' where key = 'written_with'")
        connection.commit()
    for write in (True, False):
        with pytest.raises(DaybookError, match=f"format 3; this version knows {FORMAT}") as caught:
            open_daybook(older, write=write)
        assert "Use reconciler 7.1" in caught.value.remedy


def test_the_newest_format_is_opened_without_the_migration_library(older):
    open_daybook(older, write=True).close()
    script = (
        "import sys; from pathlib import Path; from reconciler.daybook import open_daybook\n"
        "open_daybook(Path(sys.argv[1]), write=True).close()\n"
        "print({'alembic', 'psycopg', 'reconciler.daybook.format_one'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", script, str(older)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "set()"


def test_the_daybook_of_another_workspace_is_refused(home):
    with home.opened() as book:
        book.bind("tenant", workspace=home.workspace)
    if home.is_file:
        for write in (True, False):
            with pytest.raises(DaybookError, match="is of the workspace books, and this one is"):
                open_daybook(home.place, write=write, workspace="others")


def test_a_daybook_moves_from_a_file_to_postgresql_and_back(in_a_file, on_postgresql, tmp_path):
    """Its lineage, its serial, its open calls and its chain stay."""
    with in_a_file.opened() as book:
        for name in "ab":
            asked = book.record_intent(Intent(address=address(name), act=Act.CREATE, spec=entry()))
        book.record_outcome(asked, Result.DONE, number="JE-00000001")
        book.bind("tenant/-")
        lineage, before, text = book.lineage, all_of(book), write_export(book)
    with pytest.raises(DaybookError, match="is of the workspace books"):
        moved(on_postgresql, text)
    home = type(on_postgresql)(place=on_postgresql.place, workspace="books")
    moved(home, text)
    with home.opened() as book:
        assert all_of(book) == before
        assert book.lineage == lineage
        assert compare(book, read_export(text)) is None
        book.record_outcome(book.unsettled()[0], Result.DONE, number="JE-00000002")
        later = write_export(book)
    back = type(in_a_file)(place=tmp_path / "back.db")
    moved(back, later)
    with back.opened(write=False) as book:
        assert book.serial == 4
        assert compare(book, read_export(text)) is None
    with in_a_file.opened(write=False) as book:
        assert "older than the copy" in compare(book, read_export(later))
    with pytest.raises(DaybookError, match="is not empty: it is the same one at serial 4"):
        moved(home, text)
    with home.opened() as book:
        assert book.serial == 4


def moved(home, text: str) -> None:
    with home.opened() as book:
        import_export(book, read_export(text), holder=this_process())


def test_an_export_of_another_daybook_is_told_from_this_one(in_a_file, on_postgresql):
    texts = []
    for home in (in_a_file, on_postgresql):
        with home.opened() as book:
            book.record_intent(Intent(address=address("a"), act=Act.CREATE, spec=entry()))
            texts.append(write_export(book))
    with in_a_file.opened(write=False) as book:
        assert "its lineage is" in compare(book, read_export(texts[1]))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda text: text.replace("400.90", "900.90"), "event 3 is not", id="edited"),
        pytest.param(lambda text: cut(text, -1), "ends after event 3 of 4", id="cut"),
        pytest.param(lambda text: cut(text, 3, 4), "event 3 is missing", id="a line removed"),
        pytest.param(lambda text: text[: len(text) // 2], "cannot be read", id="cut in a line"),
        pytest.param(lambda text: "", "has no heading", id="empty"),
        pytest.param(lambda text: text.replace('"serial":2', '"serial":1'), "heading", id="serial"),
        pytest.param(
            lambda text: text.replace('"daybook":"2"', '"daybook":"9"'), "format 9", id="newer"
        ),
    ],
)
def test_i40_an_export_that_was_altered_is_refused(in_a_file, spoil, said):
    with in_a_file.opened() as book:
        asked = book.record_intent(Intent(address=address("a"), act=Act.CREATE, spec=entry()))
        book.record_outcome(asked, Result.DONE, number="JE-00000001")
        text = write_export(book)
    with pytest.raises(DaybookError, match=said):
        read_export(spoil(text))


def cut(text: str, first: int, last: int | None = None) -> str:
    lines = text.splitlines(keepends=True)
    del lines[first:last]
    return "".join(lines)
