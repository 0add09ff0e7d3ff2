"""The daybook keeps what it was told, or says that it does not (I-40 to I-43, I-46)."""

import contextlib
import itertools
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from builders import address, credit, debit, entry
from program import Program

from reconciler.core.model.history import Act, Result
from reconciler.daybook import FORMAT, CallOutcome, Intent, open_daybook
from reconciler.daybook.events import Concluded, EventType, intended
from reconciler.daybook.state import plan_of
from reconciler.daybook.tables import add_events
from reconciler.daybook.transaction import Transaction
from reconciler.engine.spill import SpillingDaybook
from reconciler.errors import DaybookError

NUMBER = "JE-00000001"


@contextlib.contextmanager
def opened(path: Path, *, write: bool = True, **options):
    book = open_daybook(path, write=write, **options)
    try:
        yield book
    finally:
        book.close()


def intent(name: str = "a", act: Act = Act.CREATE, **more) -> Intent:
    return Intent(address=address(name), act=act, **{"spec": entry(), **more})


def create(book, name: str = "a", number: str = NUMBER, **more) -> None:
    book.record_outcome(
        book.record_intent(intent(name, **more)), CallOutcome(result=Result.DONE, number=number)
    )


def sql(path: Path, statement: str, *values) -> list[tuple]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = connection.execute(statement, values).fetchall()
        connection.commit()
    return found


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "books" / "daybook.db"


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(entry(), id="plain"),
        pytest.param(entry(debit("9007199254740.93"), credit("9007199254740.93")), id="I-50 exact"),
        pytest.param(entry(debit("400.90"), credit("400.900")), id="scales are kept"),
        pytest.param(entry(Count__c=Decimal("7"), Done__c=True, notes=None), id="sorts of values"),
        pytest.param(entry(segments=({"segmentName": "R", "segmentValue": "N"},)), id="lists"),
        pytest.param(entry(notes="a\n“b” \u2028 \x1f é"), id="text"),
    ],
)
def test_what_was_written_is_read_exactly(path, spec):
    asked = intent(
        spec=spec,
        payload='{"notes":"é\\u001f"}',
        key="k",
        track_id="t",
        incarnation=2,
        attempt=1,
        protect=True,
        server_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
    )
    with opened(path) as book:
        book.record_intent(asked)
    with opened(path, write=False) as book:
        (found,) = book.unsettled()
        assert found == replace(asked, seq=found.seq)
    with opened(path) as book:
        book.record_outcome(found, CallOutcome(result=Result.DONE, number=NUMBER))
        state = book.recorded()[address("a")]
        assert (state.spec, state.number, state.protect) == (spec, NUMBER, True)
        assert str(state.spec["journalEntryItems"][0]["amount"]) == str(
            spec["journalEntryItems"][0]["amount"]
        )
        assert book.unsettled() == ()


def test_of_several_outcomes_the_last_one_counts(path):
    with opened(path) as book:
        asked = book.record_intent(intent())
        for result, number in ((Result.UNKNOWN, None), (Result.DONE, NUMBER)):
            book.record_outcome(asked, CallOutcome(result=result, number=number))
        assert book.recorded()[address("a")].number == NUMBER
        book.record_outcome(asked, CallOutcome(result=Result.UNKNOWN))
        state = book.recorded()[address("a")]
        assert (state.number, state.unsettled) == (None, True)


@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("result", [None, *Result])
def test_i07_calls_without_a_definite_outcome_are_unsettled_and_notes_never(path, act, result):
    with opened(path) as book:
        asked = book.record_intent(intent(act=act, number=NUMBER))
        if result is not None:
            book.record_outcome(asked, CallOutcome(result=result, number=NUMBER))
        is_call = act not in (Act.NOTE, Act.FORGET, Act.RETIRE)
        assert bool(book.unsettled()) == (is_call and result in (None, Result.UNKNOWN))


def test_reading_where_there_is_no_daybook_makes_none(path):
    with opened(path, write=False) as book:
        assert (dict(book.recorded()), book.unsettled(), book.serial) == ({}, (), 0)
    assert not path.parent.exists()


def test_its_files_are_the_owners_alone(path):
    with opened(path) as book:
        create(book)
        modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in path.parent.iterdir()}
        assert set(modes.values()) == {0o600}, modes
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_b07_every_commit_is_synced_in_full(path):
    with opened(path) as book, book._store.writing() as transaction:
        asked = [transaction.rows(f"PRAGMA {name}") for name in ("synchronous", "journal_mode")]
    assert asked == [[(2,)], [("wal",)]]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_b07_an_intent_is_synced_before_intend_returns(path):
    script = (
        "import os, sys; from pathlib import Path\n"
        "from reconciler.daybook import open_daybook, Intent\n"
        "from reconciler.core.model.history import Act\n"
        "from reconciler.core.model.resource import Address\n"
        "book = open_daybook(Path(sys.argv[1]), write=True)\n"
        "os.write(1, b'BEFORE')\n"
        "book.record_intent(Intent(address=Address('JournalEntry', 'a'), act=Act.CREATE))\n"
        "os.write(1, b'AFTER')\n"
    )
    traced = subprocess.run(
        ["strace", "-f", "-e", "trace=write,pwrite64,fsync,fdatasync", sys.executable, "-c",
         script, str(path)], capture_output=True, text=True, check=True,
    )  # fmt: skip
    between = traced.stderr.partition('"BEFORE"')[2].partition('"AFTER"')[0]
    calls = [line.split("(")[0].split()[-1] for line in between.splitlines() if "(" in line]
    last_write = max(at for at, call in enumerate(calls) if call == "pwrite64")
    assert {"fsync", "fdatasync"} & set(calls[last_write:]), calls


def test_i41_the_serial_rises_with_every_write_and_the_lineage_stays(path):
    with opened(path) as book:
        lineage = book.lineage
        serials = [book.serial]
        for name in "abc":
            create(book, name)
            serials.append(book.serial)
    with opened(path, write=False) as book:
        assert book.lineage == lineage != ""
        serials.append(book.serial + 1)
    assert all(later > earlier for earlier, later in itertools.pairwise(serials))


def test_i42_x1_a_second_writer_is_refused_at_once_and_a_reader_is_not(path):
    with opened(path) as book:
        create(book)
        waits = []
        with pytest.raises(DaybookError, match="another apply is writing"):
            open_daybook(path, write=True, pause=waits.append)
        assert waits == []
        with opened(path, write=False) as reader:
            assert reader.recorded()[address("a")].number == NUMBER
    with opened(path) as book:
        create(book, "b")


def test_x5_the_lock_of_a_dead_process_holds_nobody_up(path):
    script = (
        "import os, sys; from pathlib import Path; from reconciler.daybook import open_daybook\n"
        "open_daybook(Path(sys.argv[1]), write=True); os.kill(os.getpid(), 9)"
    )
    assert Program([path], script=script).wait() == -signal.SIGKILL
    with opened(path) as book:
        create(book)


def test_b17_i42_a_writer_whose_lock_was_broken_cannot_write(path):
    with opened(path) as first:
        asked = first.record_intent(intent())
        path.with_name("daybook.db.lock").unlink()
        with opened(path) as second:
            second.record_outcome(asked, CallOutcome(result=Result.DONE, number=NUMBER))
            for write in (
                lambda: first.record_intent(intent("b")),
                lambda: first.record_outcome(asked, CallOutcome(result=Result.REFUSED)),
                lambda: first.begin("sha256:x"),
                first.end,
            ):
                with pytest.raises(DaybookError, match="took the daybook over"):
                    write()
            assert second.recorded()[address("a")].number == NUMBER
            assert set(second.recorded()) == {address("a")}


@pytest.mark.parametrize("moment", ["before an intent", "before an outcome"])
def test_i43_a_daybook_that_is_restored_meanwhile_takes_no_more(path, tmp_path, moment):
    """The process would write to a file that nobody reads any more."""
    with opened(path) as book:
        create(book, "before")
    copy, kept, shown = tmp_path / "copy.db", tmp_path / "rescue", []
    shutil.copy(path, copy)
    with opened(path) as book:
        rescue = SpillingDaybook(book, kept, show=shown.append)
        asked = rescue.record_intent(intent("a"))
        copy.replace(path)
        with pytest.raises(DaybookError, match=r"was changed or replaced .* nothing more is"):
            if moment == "before an intent":
                rescue.record_intent(intent("b"))
            else:
                rescue.record_outcome(asked, CallOutcome(result=Result.DONE, number=NUMBER))
        with pytest.raises(DaybookError, match="nothing more is written"):
            rescue.record_intent(intent("c"))
    assert (kept.exists(), shown) == (moment == "before an outcome", [])
    with opened(path) as book:
        assert set(book.recorded()) == {address("before")}


@pytest.mark.parametrize("new", [True, False])
def test_a_daybook_that_is_restored_meanwhile_keeps_its_own_log(path, tmp_path, new):
    """A copy of the files of a process that was killed has its last records in its log alone."""
    ends, source = ("", "-wal"), tmp_path / "source" / path.name
    with opened(source) as book:
        create(book, "a")
        copies = [shutil.copy(f"{source}{end}", f"{tmp_path / 'copy'}{end}") for end in ends]
    if not new:
        with opened(path) as book:
            create(book, "b")
    with opened(path):
        for copy, end in zip(copies, ends, strict=True):
            Path(copy).replace(f"{path}{end}")
    with opened(path) as book:
        assert set(book.recorded()) == {address("a")}


def test_a_reader_cannot_write(path):
    with opened(path) as book:
        create(book)
    with opened(path, write=False) as book, pytest.raises(DaybookError):
        book.record_intent(intent("b"))


@pytest.mark.parametrize("version", ["1", "2", "10", "", "1.1"])
@pytest.mark.parametrize("write", [True, False])
def test_i46_another_format_is_refused_and_left_alone(path, version, write):
    with opened(path) as book:
        create(book)
    sql(path, "update meta set value = ? where key = 'format'", version)
    before = path.read_bytes()
    with pytest.raises(DaybookError, match=f"has format {version}; .* format {FORMAT} only"):
        open_daybook(path, write=write)
    assert path.read_bytes() == before
    sql(path, "update meta set value = ? where key = 'format'", FORMAT)
    with opened(path) as book:
        assert book.recorded()[address("a")].number == NUMBER


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda whole: b"", id="empty"),
        pytest.param(lambda whole: b"not a database" * 400, id="something else"),
        pytest.param(lambda whole: whole[:100], id="cut after its header"),
        pytest.param(lambda whole: whole[: len(whole) // 2], id="cut in the middle"),
        pytest.param(lambda whole: bytes(4096) + whole[4096:], id="first page zeroed"),
    ],
)
def test_i40_a_damaged_file_is_refused_and_never_begun_anew(path, damage, write):
    with opened(path) as book:
        for index in range(40):
            create(book, f"n{index}")
    path.write_bytes(damage(path.read_bytes()))
    before = path.read_bytes()
    with (
        pytest.raises(DaybookError, match="daybook") as caught,
        opened(path, write=write) as book,
    ):
        book.recorded()
    assert caught.value.remedy
    assert len(path.read_bytes()) == len(before)


def test_i40_a_flipped_bit_is_noticed_or_changes_nothing_that_is_read(path):
    with opened(path) as book:
        for index in range(30):
            create(book, f"name-{index}", f"JE-{index:08}", payload="{}", key=f"key-{index}")
        book.record_intent(intent("open", payload='{"amount":"400.90"}', key="key"))
        whole = (dict(book.recorded()), book.unsettled())
    sound = path.read_bytes()
    chance = random.Random(7)
    noticed = 0
    for _ in range(120):
        at, bit = chance.randrange(len(sound)), 1 << chance.randrange(8)
        path.write_bytes(sound[:at] + bytes([sound[at] ^ bit]) + sound[at + 1 :])
        try:
            with opened(path, write=False) as book:
                assert (dict(book.recorded()), book.unsettled()) == whole, f"bit {bit} at {at}"
        except DaybookError:
            noticed += 1
    assert noticed > 10


SWAP = (
    "update events set seq = 99 where seq = 3; update events set seq = 3 where seq = 4; "
    "update events set seq = 4 where seq = 99"
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("update events set content = replace(content, '\"a\"', '\"b\"')", "event 3 is not"),
        ("update events set content = replace(content, '400.90', '900.90')", "event 3 is not"),
        ("update events set content = replace(content, '00001', '00009')", "event 4 is not"),
        ("update events set content = replace(content, 'done', 'refused')", "event 4 is not"),
        ("update events set at = '2036' where seq = 3", "event 3 is not"),
        ("update events set type = 'marked-complete' where seq = 5", "event 5 is not"),
        ("update events set hash = upper(hash) where seq = 4", "event 4 is not"),
        ("delete from events where seq = 1", "event 1 is missing"),
        ("delete from events where seq = 4", "event 4 is missing"),
        ("delete from events where seq = 5", "event 5 is missing"),
        ("delete from events", "event 1 is missing"),
        (SWAP, "event 3 is not"),
        ("delete from head", "where its events end"),
        ("update head set seq = 4, serial = 2", "events end at 5, and it records 4"),
        ("update head set serial = 2", "events end at 5"),
        ("update meta set value = 'x' where key = 'lineage'", "lineage differs from that"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("write", [True, False])
def test_i40_a_changed_removed_or_moved_event_is_named_and_nothing_is_overwritten(
    path, change, said, write
):
    with opened(path) as book:
        server_at = datetime(2026, 1, 31, tzinfo=UTC)
        create(book, payload='{"amount":"400.90"}', key="k", server_at=server_at)
        book.record_intent(intent("z", act=Act.NOTE))
    for statement in change.split("; "):
        sql(path, statement)
    before = dump(path)
    with pytest.raises(DaybookError, match=f"is damaged: .*{said}") as caught:
        open_daybook(path, write=write)
    assert "Restore it from a copy" in caught.value.remedy
    assert dump(path) == before


def dump(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_i43_a_full_disk_is_a_daybook_error_and_nothing_is_half_written(path):
    with opened(path) as book:
        asked = book.record_intent(intent())
        sql(path, "create trigger full before insert on events when new.type = 'outcome' "
                  "begin select raise(abort, 'database or disk is full'); end")  # fmt: skip
        with pytest.raises(DaybookError, match="cannot be written") as caught:
            book.record_outcome(asked, CallOutcome(result=Result.DONE, number=NUMBER))
        assert "settles open calls" in caught.value.remedy
        assert len(book.unsettled()) == 1
        sql(path, "drop trigger full")
        book.record_outcome(asked, CallOutcome(result=Result.DONE, number=NUMBER))
        assert book.unsettled() == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written_is_named(path):
    path.parent.mkdir(mode=0o500)
    with pytest.raises(DaybookError, match="cannot be opened for writing"):
        open_daybook(path, write=True)


def test_a_directory_in_its_place_is_refused(path):
    path.mkdir(parents=True)
    for write in (True, False):
        with pytest.raises(DaybookError):
            open_daybook(path, write=write)


@pytest.mark.parametrize(
    ("runs", "interrupted"),
    [
        ([], False),
        ([("x", True)], False),
        ([("x", False)], True),
        ([("x", False), ("x", True)], False),
        ([("x", True), ("x", False)], True),
        ([("y", False)], False),
    ],
)
def test_a_run_that_did_not_end_is_known_whatever_our_clock_says(path, runs, interrupted):
    now = datetime(2026, 1, 31, tzinfo=UTC)
    for at, (digest, ends) in enumerate(runs):
        # Our own clock runs backwards: it decides nothing.
        with opened(path, clock=lambda at=at: now - timedelta(days=at)) as book:
            book.begin(digest)
            if ends:
                book.end()
    with opened(path, write=False) as book:
        assert book.interrupted("x") is interrupted


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("", "new"),
        ("+", "complete"),
        ("-", "new"),
        ("+-", "older"),
        ("+-+", "complete"),
        ("+-+-", "older"),
    ],
)
def test_i44_a_daybook_that_was_complete_is_never_new_again(path, marks, expected):
    with opened(path) as book:
        for mark in marks:
            {"+": book.mark_complete, "-": book.mark_incomplete}[mark]()
            told = book.head
            {"+": book.mark_complete, "-": book.mark_incomplete}[mark]()
            assert book.head == told, "it is written once"
    with opened(path, write=False) as book:
        known = {(False, True): "new", (True, False): "complete", (False, False): "older"}
        assert known[book.complete, book.new] == expected


def test_a_daybook_is_bound_once(path):
    with opened(path) as book:
        book.bind("tenant-1")
        book.bind("tenant-2")
    with opened(path, write=False) as book:
        assert book.tenant == "tenant-1"


def test_eight_threads_share_a_daybook(path):
    with opened(path) as book:

        def work(index: int) -> None:
            for turn in range(5):
                create(book, f"n{index}-{turn}", f"JE-{index:04}{turn:04}")

        threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(book.recorded()) == 40
        assert book.serial == 80


@pytest.mark.long
def test_i40_fifty_thousand_events_are_checked_whenever_a_daybook_is_opened(path):
    count = 25_000
    with opened(path) as book:
        create(book, payload="x" * 400, key="key")
        fill(book, count)
    began = time.process_time()
    with opened(path, write=False) as book:
        assert time.process_time() - began < 3, "half a second on an idle machine"
        began = time.process_time()
        assert len(book.recorded()) == 5001
        assert book.unsettled() == ()
        assert time.process_time() - began < 3, "half a second on an idle machine"
        assert book.serial == 2 * count


def test_a_part_of_the_events_is_in_memory_at_a_time(path, monkeypatch):
    with opened(path) as book:
        create(book)
        fill(book, 1200)
    sizes, rows = [], Transaction.rows

    def measured(*asked, **options):
        found = rows(*asked, **options)
        sizes.append(len(found))
        return found

    monkeypatch.setattr(Transaction, "rows", measured)
    with opened(path, write=False) as book:
        assert book.serial == 2 * 1200
    assert max(sizes) == 1000


def fill(book, count) -> None:
    """Many creates that were done, written at once as if one by one."""
    state, chain = book._state, []
    for at in range(1, count):
        asked = intended(intent(f"n{at % 5000}", payload="x" * 400, key="key"), run="run")
        done = Concluded(intent=state.seq + 1, result="done", number=f"JE-{at:08}")
        for event_type, content in ((EventType.INTENT, asked), (EventType.OUTCOME, done)):
            chain += state.next_events([(event_type, content)], at="2026-01-31")
            state.take(chain[-1])
    with book._store.writing() as transaction:
        add_events(transaction, chain)
        statement = "UPDATE head SET seq = ?, serial = ?, hash = ?"
        transaction.change(statement, state.seq, state.serial, state.hash)


def test_an_open_call_belongs_to_the_plan_of_its_own_run(path):
    """Approvals of a later run, such as that of `forget`, are not for what an earlier one sent."""
    with opened(path) as book:
        for plan in ("sha256:first", "sha256:later"):
            book.begin(plan)
            book.record_intent(intent(plan.partition(":")[2]))
        plans = {one.address.name: plan_of(one.seq, book.runs()) for one in book.unsettled()}
    assert plans == {"first": "sha256:first", "later": "sha256:later"}
