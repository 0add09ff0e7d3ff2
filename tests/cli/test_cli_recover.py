"""What the daybook could not take, and what is open in it: kept, shown and settled (I-43, I-07)."""

import contextlib
import errno
import json
import os
import shutil
import sqlite3
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from books_harness import Books, reconciler

from reconciler.core.model.history import Act, Result
from reconciler.core.model.resource import Address
from reconciler.core.recovery.spill_record import SpillRecord, line_of, record_from
from reconciler.daybook import CallOutcome, Intent, open_daybook
from reconciler.engine.spill import SpillingDaybook
from reconciler.errors import DaybookError

NEW = "brand-new"


def recover(books, *args):
    return reconciler("daybook", "recover", "-w", books.root, *args)


@contextlib.contextmanager
def no_room(monkeypatch):
    """Whatever file of the program's own is written meets a full disk."""

    def write(file, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        yield


def daybook_of(books):
    return books.root / ".reconciler" / "daybook.db"


def rescue_of(books):
    return books.root / ".reconciler" / "daybook.db.rescue"


def execute(books, statement):
    with contextlib.closing(sqlite3.connect(daybook_of(books))) as connection:
        connection.execute(statement)
        connection.commit()


def fill(books, what="outcome"):
    """From now on the database itself refuses every event of a sort, as a full disk would."""
    execute(
        books,
        f"create trigger full before insert on events when new.type = '{what}' "
        "begin select raise(abort, 'database or disk is full'); end",
    )


def make_room(books):
    execute(books, "drop trigger full")


@contextlib.contextmanager
def written(books):
    book = open_daybook(daybook_of(books), write=True)
    try:
        yield book
    finally:
        book.close()


def leave_open(books, name=NEW, *, kind="JournalEntry", hours=40, **fields):
    """An open create of some hours ago, as a run leaves it whose answer never came."""
    with written(books) as book:
        return book.record_intent(
            Intent(
                address=Address(kind, name),
                act=Act.CREATE,
                key=f"key-of-{name}",
                payload="{}",
                track_id="rec-1",
                server_at=datetime.now(UTC) - timedelta(hours=hours),
                **fields,
            )
        )


def posted_by_hand(books, name=NEW):
    """An entry that carries the marker of a name, and that no daybook knows."""
    lines = [
        {"accountingCodeName": code, "type": side, "amount": 1, "homeCurrencyAmount": 1}
        for code, side in (("Deferred Revenue", "Debit"), ("Subscription Revenue", "Credit"))
    ]
    return books.call(
        "POST", "journal-entries", accountingPeriodName="Jan-2026", currency="USD",
        journalEntryDate="2026-01-31", journalEntryItems=lines,
        ReconcilerKey__c=f"acme-books/{name}",
    )["journalEntryNumber"]  # fmt: skip


def rescue_one(books):
    """An entry is posted, and the daybook cannot take note of it."""
    books.declare(NEW)
    fill(books)
    ended = books.apply()
    assert ended.code == 6, ended.said
    make_room(books)


@pytest.fixture
def rescued(small):
    """Books with an entry posted that the daybook could not take note of."""
    rescue_one(small)
    return small


def test_i43_a_posted_entry_is_kept_for_its_owner_alone_and_never_posted_again(rescued):
    number, before = rescued.number(NEW), rescued.content()
    file = rescue_of(rescued)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (line,) = file.read_text().splitlines()
    kept = record_from(line)
    with contextlib.closing(sqlite3.connect(daybook_of(rescued))) as connection:
        ((seq, key),) = connection.execute(
            "select max(seq), content ->> 'key' from events where type = 'intent'"
        ).fetchall()
        ((lineage,),) = connection.execute("select value from meta where key = 'lineage'")
    assert (kept.lineage, kept.intent, str(kept.address)) == (lineage, seq, f"JournalEntry/{NEW}")
    assert (kept.act, kept.outcome.result, kept.outcome.number) == (Act.CREATE, Result.DONE, number)
    assert key not in line
    planned = rescued.plan()
    assert "daybook.db.rescue contains outcomes that the daybook could not record" in planned.out
    ended = rescued.apply()
    assert ended.code == 0, ended.said
    assert f"the create of {NEW}" in ended.err
    assert "taken from the spill file" in ended.err
    assert (rescued.content(), file.exists()) == (before, False)
    assert file.with_name("daybook.db.rescue.taken").exists()
    assert "rescue" not in rescued.plan("--detailed-exitcode").said


def test_i43_every_call_of_a_run_that_meets_a_full_disk_is_kept_or_never_made(small):
    small.remove("entry-00")
    fill(small)
    assert small.apply("--parallelism", "4").code == 6
    (line,) = rescue_of(small).read_text().splitlines()
    assert (record_from(line).act, record_from(line).outcome.result) == (Act.CANCEL, Result.DONE)
    make_room(small)
    small.applied()


def test_i43_where_no_file_can_be_written_the_line_is_on_the_screen_and_can_be_pasted(
    small, monkeypatch
):
    small.declare(NEW)
    fill(small)
    with no_room(monkeypatch):
        ended = small.apply()
    assert ended.code == 6
    (line,) = [text for text in ended.out.splitlines() if text.startswith("{")]
    assert f"Save each line that begins with {{ in {rescue_of(small)}" in ended.out
    number, before = small.number(NEW), small.content()
    assert not rescue_of(small).exists()
    make_room(small)
    rescue_of(small).write_text(f"\n{line}\r\n")
    again = small.apply()
    assert (again.code, small.content()) == (0, before), again.said
    assert f"({number}): taken from the spill file" in again.err


def test_i43_a_document_on_stdout_stays_one(small, monkeypatch):
    small.declare(NEW)
    fill(small)
    with no_room(monkeypatch):
        ended = small.apply("--format", "json")
    assert ended.json["summary"]["failed"] == 1
    assert '{"rescue": 1' in ended.err


def test_i43_i42_a_writer_that_lost_its_lease_keeps_what_it_did(small):
    shown = []
    with written(small) as book:
        rescue = SpillingDaybook(book, rescue_of(small), show=shown.append)
        intent = rescue.record_intent(Intent(address=Address("JournalEntry", NEW), act=Act.CREATE))
        execute(small, "update head set fence = fence + 1")
        with pytest.raises(DaybookError, match=r"another apply took .* the outcome is kept in"):
            rescue.record_outcome(intent, CallOutcome(result=Result.DONE, number="JE-00000099"))
        with pytest.raises(DaybookError):
            rescue.record_outcome(intent, CallOutcome(result=Result.UNKNOWN))
    kept = [record_from(line) for line in rescue_of(small).read_text().splitlines()]
    assert [record.outcome.number for record in kept] == ["JE-00000099"]
    assert shown == []


def changed(line, **fields):
    """The line with other fields, of the record itself or of its outcome."""
    record = record_from(line)
    of_outcome = [name for name in ("number", "result", "entries", "detail") if name in fields]
    outcome = {name: fields.pop(name) for name in of_outcome}
    return line_of(replace(record, outcome=replace(record.outcome, **outcome), **fields))


DAMAGE = {
    "another daybook": (
        lambda line: changed(line, lineage="0" * 36),
        "belongs to another daybook",
    ),
    "cut off": (lambda line: line[:-30], "it is incomplete"),
    "a slip": (lambda line: line.replace('"done"', '"refused"'), "its checksum does not match"),
    "twice a name": (lambda line: line.replace("{", '{"rescue": 1, ', 1), "it is incomplete"),
    "no such call": (lambda line: changed(line, intent=999), "has no such call"),
    "another call": (lambda line: changed(line, intent=6), "is not call number 6 of the daybook"),
    "another key": (lambda line: changed(line, key="sha256:0"), "is not call number"),
    "a path for a number": (
        lambda line: changed(line, number="../../x"),
        "its number is malformed",
    ),
    "a path for an entry": (
        lambda line: changed(line, entries=("../../x",)),
        "the number of an entry is malformed",
    ),
    "a detail that is no text": (
        lambda line: changed(line, detail=["x"]),
        "a field is missing or malformed",
    ),
    "contradicting itself": (
        lambda line: f"{line}\n{changed(line, result=Result.REFUSED)}",
        "is refused (JE-00000007) here, and done",
    ),
    "something else": (lambda line: "[1, 2]", "not a line of a spill file"),
    "not text": (lambda line: "\udcff", "not a spill file"),
}


@pytest.fixture(scope="module")
def kept_file(small_template, tmp_path_factory):
    """Books with a spill file beside a daybook, for tests that only look; and what is in it."""
    root = shutil.copytree(small_template, tmp_path_factory.mktemp("kept") / "books")
    with contextlib.closing(Books(root)) as books:
        rescue_one(books)
        yield books, rescue_of(books).read_text().strip()


@pytest.mark.parametrize("damage", DAMAGE)
def test_i43_a_line_that_does_not_fit_is_not_believed(kept_file, damage):
    books, line = kept_file
    alter, said = DAMAGE[damage]
    rescue_of(books).write_bytes(alter(line).encode(errors="surrogateescape"))
    shown = recover(books, "--dry-run")
    assert (shown.code, said in shown.out) == (6, True), shown.said


def test_i43_a_rescue_file_that_does_not_fit_stops_apply_until_recover_deals_with_it(rescued):
    number, before = rescued.number(NEW), rescued.content()
    file = rescue_of(rescued)
    file.write_text(file.read_text()[:-30])
    for ended in (rescued.apply(), rescued.run("import", number)):
        assert (ended.code, "line 1: it is incomplete" in ended.err) == (1, True), ended.said
        assert "reconciler daybook recover" in ended.err
    shown = recover(rescued)
    assert (shown.code, "it is incomplete" in shown.out) == (6, True), shown.said
    assert (file.exists(), rescued.content()) == (True, before)
    ended = recover(rescued, "--set-aside")
    assert (ended.code, file.exists(), rescued.content()) == (0, False, before), ended.said
    assert file.with_name("daybook.db.rescue.refused").exists()
    rescued.applied()
    assert rescued.number(NEW) == number


def test_i43_a_line_that_contradicts_the_daybook_is_refused(rescued):
    file = rescue_of(rescued)
    kept = file.read_text()
    rescued.applied()
    file.write_text(changed(kept.strip(), number="JE-00000999"))
    ended = rescued.apply()
    assert (ended.code, "in the daybook" in ended.err) == (1, True), ended.said


def test_i43_a_file_that_was_taken_in_before_it_could_be_renamed_is_taken_in_again(rescued):
    file = rescue_of(rescued)
    kept = file.read_text()
    rescued.applied()
    file.write_text(kept)
    before = rescued.content()
    rescued.applied()
    assert (rescued.content(), file.exists()) == (before, False)


def test_i34_i43_a_kept_number_of_somebody_elses_entry_is_not_believed(rescued):
    """The daybook failed before the read-back that would have told."""
    file, number = rescue_of(rescued), rescued.number(NEW)
    file.write_text(changed(file.read_text().strip(), number=rescued.number("entry-01")))
    rescued.applied()
    assert rescued.number(NEW) == number


def test_i43_a_rescue_file_is_never_written_through_a_link(small, tmp_path):
    small.declare(NEW)
    fill(small)
    target = tmp_path / "target"
    target.write_text("precious")
    rescue_of(small).symlink_to(target)
    assert small.apply().code == 1
    rescue_of(small).unlink()
    with written(small) as book:
        rescue = SpillingDaybook(book, rescue_of(small), show=lambda line: None)
        intent = rescue.record_intent(Intent(address=Address("JournalEntry", NEW), act=Act.CREATE))
        rescue_of(small).symlink_to(target)
        with pytest.raises(DaybookError, match="so the outcome is printed"):
            rescue.record_outcome(intent, CallOutcome(result=Result.DONE, number="JE-00000099"))
    assert target.read_text() == "precious"


def test_i11_a_run_without_time_posts_nothing_and_says_so(small):
    small.declare(NEW)
    ended = small.apply("--timeout", "0.000001")
    assert (ended.code, "the run reached its time limit" in ended.err) == (6, True), ended.said
    assert NEW not in small.posted()


# What is open.


def test_i07_recover_shows_what_is_open_and_settles_what_can_be_settled(rescued):
    rescue_of(rescued).unlink()
    before = rescued.content()
    looked = recover(rescued, "--dry-run")
    assert looked.code == 6
    assert f"Open: create JournalEntry/{NEW}" in looked.out
    assert "sent again under its key, for" in looked.out
    ended = recover(rescued, "--format", "json")
    assert ended.code == 0, ended.said
    assert [(row["call"], row["result"]) for row in ended.json["settled"]] == [("create", "done")]
    assert (ended.json["unknown"], ended.json["rescue"]) == ([], None)
    assert rescued.content() == before
    again = recover(rescued)
    assert (again.code, again.out) == (0, "Nothing is open.\n")


@pytest.mark.parametrize(
    ("policy", "sent", "message"),
    [
        pytest.param("{}", True, "", id="nobody has to approve"),
        pytest.param(
            "{approvals: {tiers: [{required: 1}]}}",
            False,
            "found by its marker",
            id="somebody has to",
        ),
    ],
)
def test_i07_recover_sends_nothing_that_nobody_approved(rescued, policy, sent, message):
    """What was posted already is found by its marker then, without being sent again."""
    rescue_of(rescued).unlink()
    rescued.settings(spec=f"{{policy: {policy}}}")
    ended = recover(rescued, "--format", "json", "-v")
    assert ended.code == 0, ended.said
    (settled,) = ended.json["settled"]
    assert (settled["result"], settled["message"]) == ("done", message)
    assert ("POST /v1/journal-entries," in ended.err) == sent


def test_i43_recover_takes_a_rescue_file_in(rescued):
    looked = recover(rescued, "--dry-run", "--format", "json")
    assert (looked.code, looked.json["changed"]) == (6, False)
    assert [line["result"] for line in looked.json["rescue"]["lines"]] == ["done"]
    assert rescue_of(rescued).exists()
    assert recover(rescued).code == 0
    assert not rescue_of(rescued).exists()


def test_recover_is_allowed_one_at_a_time_like_apply(small):
    with written(small):
        assert recover(small).code == 1
        assert recover(small, "--dry-run").code == 0


def test_i07_i09_a_run_that_no_key_protects_stays_unknown_until_somebody_answers(small):
    leave_open(small, kind="JournalRun", hours=25, spec={"journalEntryDate": "2026-01-31"})
    ended = recover(small)
    assert ended.code == 6
    assert "--posted" in ended.out
    assert "create JournalRun/brand-new" in ended.out
    early = recover(small, "--not-posted", f"JournalRun/{NEW}")
    assert (early.code, "until 28 hours have passed" in early.err) == (4, True), early.said


def test_i07_somebodys_word_that_nothing_was_posted_ends_a_run_after_a_day_and_more(small):
    leave_open(small, kind="JournalRun", spec={"journalEntryDate": "2026-01-31"})
    ended = recover(small, "--not-posted", f"JournalRun/{NEW}")
    assert ended.code == 0, ended.said
    assert "was refused: answered with daybook recover" in ended.err


def test_i07_the_marker_bears_out_what_is_said_to_be_posted(small):
    number = posted_by_hand(small)
    other = small.number("entry-01")
    leave_open(small, hours=22)
    for said, why in ((other, "recorded already"), ("JE-00000999", "is not in the ledger")):
        ended = recover(small, "--posted", f"JournalEntry/{NEW}={said}")
        assert (ended.code, why in ended.err) == (4, True), ended.said
    ended = recover(small, "--posted", f"JournalEntry/{NEW}={number}")
    assert ended.code == 0, ended.said


def test_i07_what_a_search_finds_cannot_be_said_not_to_be_posted(small):
    number = posted_by_hand(small)
    leave_open(small)
    ended = recover(small, "--not-posted", f"JournalEntry/{NEW}")
    assert (ended.code, f"{number} carries its marker" in ended.err) == (4, True), ended.said


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(["forget", "entry-00", "-y"], id="forget"),
        pytest.param(["import"], id="import"),
    ],
)
def test_i08_what_is_open_is_settled_before_a_name_is_forgotten_or_imported(small, args):
    number = small.number("entry-00")
    small.remove("entry-00")
    with written(small) as book:
        renaming = Intent(
            address=Address("JournalEntry", NEW), act=Act.ADOPT, number=number, payload="{}"
        )
        book.record_intent(renaming)
    more = [posted_by_hand(small, "by-hand")] if args == ["import"] else []
    ended = small.run(*args, *more)
    assert f"the adopt of {NEW}, left open by an earlier run" in ended.err, ended.said
    with written(small) as book:
        assert book.unsettled() == ()


@pytest.mark.parametrize(
    ("args", "code"),
    [
        pytest.param(["--posted", "JournalEntry/a"], 64, id="no number"),
        pytest.param(["--posted", "JournalEntry/a=JR-00000001"], 64, id="a run's number"),
        pytest.param(["--posted", "a=JE-00000001"], 64, id="no kind"),
        pytest.param(["--not-posted", "Journal/a"], 64, id="no such kind"),
        pytest.param(
            ["--posted", "JournalEntry/a=JE-00000001", "--not-posted", "JournalEntry/a"],
            64,
            id="I-07 posted and not posted",
        ),
        pytest.param(
            ["--posted", "JournalEntry/a=JE-00000001", "--posted", "JournalEntry/a=JE-00000002"],
            64,
            id="I-07 posted twice",
        ),
        pytest.param(["--dry-run", "--set-aside"], 64, id="to look and to change"),
        pytest.param(["--posted", "JournalEntry/a=JE-00000001"], 4, id="nothing open"),
    ],
)
def test_what_recover_does_not_take(small, args, code):
    before = small.content()
    ended = recover(small, *args)
    assert (ended.code, small.content()) == (code, before), ended.said
    assert "Traceback" not in ended.said


def test_a_line_survives_the_way_over_the_screen():
    kept = SpillRecord(
        lineage="l",
        intent=3,
        address=Address("JournalEntry", NEW),
        act=Act.CREATE,
        outcome=CallOutcome(
            result=Result.REFUSED,
            detail="Café \u2028 \x1b[31m" + "x" * 999,
            entries=("JE-00000001", "JE-00000002"),
        ),
    )
    line = line_of(kept)
    assert (line.isascii(), len(line) < 1000, len(line.splitlines())) == (True, True, 1)
    short = replace(kept.outcome, detail=kept.outcome.detail[:400])
    assert record_from(line) == replace(kept, outcome=short)
    assert json.loads(line)["rescue"] == 1
