"""Runs that end half way: nothing is posted twice, and the next run finishes (I-26)."""

import os
import select
import signal
import subprocess

import pytest
from books_harness import BY_COMMAND, EMBEDDED, credit, debit
from program import Program, clean_environment


def test_a_missing_permission_is_named_and_changes_nothing(served_small):
    books, whole = served_small, served_small.env
    books.credentials("Create Journal Entry", "Edit Journal Entry")
    books.remove("entry-00")
    before = books.content()
    ended = books.apply()
    assert ended.code == 8
    assert '"Cancel Journal Entry"' in ended.out or "Cancel Journal Entry" in ended.out
    assert "Applied: 1 failed.\n" in ended.out
    assert books.content() == before
    assert books.number("entry-00")

    books.env = whole
    books.applied()
    assert "entry-00" not in books.posted()


@pytest.mark.parametrize(
    ("granted", "left", "said"),
    [
        pytest.param(
            ["Cancel Journal Entry"],
            ["Cancelled"],
            "cancelled by an earlier run and not reposted yet",
            id="after the cancel",
        ),
        pytest.param(
            ["Cancel Journal Entry", "Create Journal Entry"],
            ["Cancelled", "Created"],
            "completes what an earlier run started",
            id="after the create",
        ),
    ],
)
def test_a_replacement_that_stopped_half_way_is_finished(served_small, granted, left, said):
    books, whole = served_small, served_small.env
    books.credentials(*granted)
    books.declare("entry-00", debit("1.00"), credit("1.00"))
    ended = books.apply()
    assert ended.code == 6
    assert "completed before: cancel JE-00000001" in ended.out
    assert [status for _, status in books.entries()["entry-00"]] == left

    books.env = whole
    planned = books.plan()
    assert said in planned.out
    assert books.run("drift").code == 0, "what we did ourselves is no drift"
    books.applied()
    assert [status for _, status in books.entries()["entry-00"]] == ["Deleted", "Created"]


def test_a_removal_that_stopped_half_way_is_finished(served_small):
    books, whole = served_small, served_small.env
    books.credentials("Cancel Journal Entry")
    books.remove("entry-00")
    assert books.apply().code == 6
    books.env = whole
    assert books.actions() == {"entry-00": "remove"}
    books.applied()
    assert [status for _, status in books.entries()["entry-00"]] == ["Deleted"]


def test_a_declaration_put_back_half_way_through_its_removal_is_posted_again(served_small):
    books, whole = served_small, served_small.env
    text = (books.root / "entry-00.yaml").read_text()
    books.credentials("Cancel Journal Entry")
    books.remove("entry-00")
    assert books.apply().code == 6
    books.env = whole
    books.write("entry-00.yaml", text)
    books.applied()
    assert [status for _, status in books.entries()["entry-00"]] == ["Deleted", "Created"]


def declare_many(books):
    """Sixty entries with long names: what an apply says of them does not fit in its pipe."""
    names = {f"many-{count:03}-{'x' * 50}" for count in range(60)}
    for count, name in enumerate(sorted(names)):
        amount = f"1.{count:02}"
        books.declare(name, debit(amount), credit(amount))
    return names


def started(books, *args):
    """An apply of many creates in a process of its own. It waits until somebody reads on."""
    running = Program(
        ["apply", "-w", books.root, "--yes", "--parallelism", "2", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=clean_environment() | books.env,
        pipesize=select.PIPE_BUF,
    )
    said = b""
    while not said.endswith(b"\n  created"):
        byte = os.read(running.stdout.fileno(), 1)
        assert byte, said.decode()
        said += byte
    return running


@pytest.mark.parametrize(
    ("sort", "number"),
    [
        # The laboratory (tests/faults) kills and signals a client whose ledger is elsewhere.
        (EMBEDDED, signal.SIGKILL),
        pytest.param(EMBEDDED, signal.SIGINT, marks=pytest.mark.long),
        pytest.param(EMBEDDED, signal.SIGTERM, marks=pytest.mark.long),
        pytest.param(BY_COMMAND, signal.SIGTERM, marks=pytest.mark.long),
        pytest.param(BY_COMMAND, signal.SIGINT, marks=pytest.mark.long),
        pytest.param(BY_COMMAND, signal.SIGKILL, marks=pytest.mark.long),
    ],
)
def test_a_stopped_apply_is_finished_by_the_next(opened, empty_template, sort, number):
    books = opened(empty_template, place=sort)
    names = declare_many(books)
    report = books.root.parent / "report.json"
    running = started(books, "--report", report)
    assert running.poll() is None
    running.send_signal(number)
    said, _ = running.communicate(timeout=60)
    assert "Traceback" not in said
    if number == signal.SIGKILL:
        assert running.returncode == -signal.SIGKILL
    else:
        assert running.returncode == 130
        assert "Stopping after the calls in flight" in said
        assert "not attempted" in said
        assert report.exists()
    done = books.posted()
    assert 0 < len(done) < len(names)

    finished = books.applied()
    assert "Traceback" not in finished.said
    after = books.posted()
    assert set(after) == names
    assert done.items() <= after.items()
    assert len(books.rows("select 1 from journal_entries")) == len(names)


def test_two_applies_at_once_are_one_after_the_other(opened, empty_template):
    books = opened(empty_template)
    declare_many(books)
    running = started(books)
    second = books.apply()
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 0, said
    assert second.code == 1
    assert "another apply is writing to the daybook" in second.err
    assert len(books.posted()) == 60


@pytest.mark.long
def test_a_ledger_that_is_down_is_said_to_be_down(served_small):
    served_small.env["ZUORA_BASE_URL"] = "http://127.0.0.1:9"
    ended = served_small.plan()
    assert ended.code == 1
    assert "Traceback" not in ended.said
