"""A daybook of another format is refused (I-46); an export moves a daybook whole."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from builders import address, entry

from reconciler.core.model.history import Act, Result
from reconciler.daybook import FORMAT, CallOutcome, Intent, open_daybook, unlock
from reconciler.daybook.events import Content, EventType, encoder
from reconciler.daybook.lease import this_process
from reconciler.daybook.postgresql import schema_of
from reconciler.daybook.transfer import compare, import_export, read_export, write_export
from reconciler.errors import DaybookError


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


@pytest.mark.parametrize("write", [True, False])
def test_i46_an_earlier_format_is_refused_and_left_alone(in_a_file, write):
    """It says what to do. A new daybook for old books is never proposed."""
    with in_a_file.opened():
        pass
    path = in_a_file.place
    in_a_file.sql("update meta set value = '1' where key = 'format'")
    before = path.read_bytes()
    with pytest.raises(DaybookError, match=f"format 1; .* reads format {FORMAT}") as caught:
        open_daybook(path, write=write)
    assert "the version of reconciler that wrote it" in caught.value.remedy
    with pytest.raises(DaybookError, match="format 1"):
        unlock(path, "a-lease")
    assert path.read_bytes() == before


def test_i46_a_newer_format_names_the_version_that_is_needed(in_a_file):
    with in_a_file.opened():
        pass
    in_a_file.sql("update meta set value = '9' where key = 'format'")
    in_a_file.sql("update meta set value = '7.1' where key = 'written_with'")
    for write in (True, False):
        with pytest.raises(DaybookError, match=f"format 9; .* reads format {FORMAT}") as caught:
            open_daybook(in_a_file.place, write=write)
        assert "Use reconciler 7.1" in caught.value.remedy


def test_a_daybook_in_a_file_is_opened_without_the_libraries_of_databases(in_a_file):
    with in_a_file.opened():
        pass
    script = (
        "import sys; from pathlib import Path; from reconciler.daybook import open_daybook\n"
        "open_daybook(Path(sys.argv[1]), write=True).close()\n"
        "print({'alembic', 'psycopg', 'sqlalchemy'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", script, str(in_a_file.place)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "set()"


FORMER = Path(__file__).with_name("golden") / "format_3.sql"
"""A daybook that the first code of this format wrote, as statements."""


@pytest.fixture
def former(tmp_path) -> Path:
    path = tmp_path / "former" / "daybook.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA journal_mode=WAL;" + FORMER.read_text())
    return path


def test_i46_a_daybook_of_the_first_code_of_its_format_is_read_and_continued(former):
    first, unsettled = address("e0"), address("open0")
    with closing(open_daybook(former, write=False, workspace="books")) as book:
        assert (book.serial, book.tenant, book.complete) == (3, "tenant-1", True)
        assert book.recorded()[first].number == "JE-00000000"
        amount = book.recorded()[first].spec["journalEntryItems"][0]["amount"]
        assert str(amount) == "400.90"
        assert [item.address for item in book.unsettled()] == [unsettled]
    with closing(open_daybook(former, write=True, workspace="books")) as book:
        assert book.lease.fence == 2
        book.record_outcome(
            book.unsettled()[0], CallOutcome(result=Result.DONE, number="JE-00000009")
        )
    with closing(open_daybook(former, write=False, workspace="books")) as book:
        assert book.recorded()[unsettled].number == "JE-00000009"
        assert [event.seq for event in book.events()] == list(range(1, 12))


class FormerOutcome(Content):
    """As the first code of this format reads it."""

    intent: int
    result: str
    number: str | None = None
    detail: str = ""


def test_i46_the_entries_of_a_run_do_not_concern_earlier_code(in_a_file):
    with in_a_file.opened() as book:
        for name, entries in (("a", ()), ("b", ("JE-00000001", "JE-00000002"))):
            asked = book.record_intent(Intent(address=address(name), act=Act.CREATE, spec=entry()))
            book.record_outcome(
                asked, CallOutcome(result=Result.DONE, number="JE-00000009", entries=entries)
            )
        outcomes = [event for event in book.events() if event.type == EventType.OUTCOME]
    former = [msgspec.json.decode(event.content, type=FormerOutcome) for event in outcomes]
    assert [one.number for one in former] == ["JE-00000009"] * 2
    # What has no entries is written as it always was.
    assert outcomes[0].content == encoder.encode(former[0]).decode()


def test_i46_a_new_daybook_has_the_tables_that_every_code_of_its_format_reads(home, former):
    """So an earlier version can go on with it."""
    with home.opened() as book, book._store.reading() as transaction:
        if home.is_file:
            made = transaction.rows(COLUMNS_OF_A_FILE)
        else:
            made = transaction.rows(COLUMNS_ON_POSTGRESQL, schema_of(home.workspace))
    with closing(sqlite3.connect(former)) as connection:
        assert made == connection.execute(COLUMNS_OF_A_FILE).fetchall()


COLUMNS_OF_A_FILE = """
SELECT tables.name, columns.name, columns.type, columns."notnull", columns.pk
FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
WHERE tables.type = 'table' ORDER BY tables.name, columns.cid
"""
COLUMNS_ON_POSTGRESQL = """
SELECT table_name, column_name,
    CASE data_type WHEN 'character varying' THEN 'VARCHAR(' || character_maximum_length || ')'
        ELSE upper(data_type) END,
    CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END,
    CASE WHEN column_name IN ('id', 'key') OR (table_name = 'events' AND column_name = 'seq')
        THEN 1 ELSE 0 END
FROM information_schema.columns WHERE table_schema = ? ORDER BY table_name, ordinal_position
"""


def test_the_daybook_of_another_workspace_is_refused(home):
    with home.opened() as book:
        book.bind("tenant", workspace=home.workspace)
        book.record_intent(Intent(address=address("a"), act=Act.CREATE, spec=entry()))
    if home.is_file:
        for write in (True, False):
            with pytest.raises(DaybookError, match="belongs to the workspace books, not to others"):
                open_daybook(home.place, write=write, workspace="others")


def test_a_workspace_may_change_its_name_until_its_first_call(home):
    with home.opened() as book:
        book.bind("tenant", workspace=home.workspace)
        book.mark_complete()
    if home.is_file:
        with closing(open_daybook(home.place, write=True, workspace="others")) as book:
            book.bind("tenant", workspace="others")
            assert (book.workspace, book.complete) == ("others", False)


def test_a_daybook_moves_from_a_file_to_postgresql_and_back(in_a_file, on_postgresql, tmp_path):
    """Its lineage, its serial, its open calls and its chain stay."""
    with in_a_file.opened() as book:
        for name in "ab":
            asked = book.record_intent(Intent(address=address(name), act=Act.CREATE, spec=entry()))
        book.record_outcome(
            asked, CallOutcome(result=Result.DONE, number="JE-00000001", entries=("JE-00000007",))
        )
        book.bind("tenant/-")
        lineage, before, text = book.lineage, all_of(book), write_export(book)
    with pytest.raises(DaybookError, match="belongs to the workspace books"):
        moved(on_postgresql, text)
    home = type(on_postgresql)(place=on_postgresql.place, workspace="books")
    moved(home, text)
    with home.opened() as book:
        assert all_of(book) == before
        assert book.lineage == lineage
        assert compare(book, read_export(text)) is None
        book.record_outcome(
            book.unsettled()[0], CallOutcome(result=Result.DONE, number="JE-00000002")
        )
        later = write_export(book)
    back = type(in_a_file)(place=tmp_path / "back.db")
    moved(back, later)
    with back.opened(write=False) as book:
        assert book.serial == 4
        assert compare(book, read_export(text)) is None
    with in_a_file.opened(write=False) as book:
        assert "older than the export" in compare(book, read_export(later))
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
            lambda text: text.replace('"daybook":"3"', '"daybook":"9"'), "format 9", id="newer"
        ),
    ],
)
def test_i40_an_export_that_was_altered_is_refused(in_a_file, spoil, said):
    with in_a_file.opened() as book:
        asked = book.record_intent(Intent(address=address("a"), act=Act.CREATE, spec=entry()))
        book.record_outcome(asked, CallOutcome(result=Result.DONE, number="JE-00000001"))
        text = write_export(book)
    with pytest.raises(DaybookError, match=said):
        read_export(spoil(text))


def cut(text: str, first: int, last: int | None = None) -> str:
    lines = text.splitlines(keepends=True)
    del lines[first:last]
    return "".join(lines)
