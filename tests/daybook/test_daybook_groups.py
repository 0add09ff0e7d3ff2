"""Threads that write at the same time share a commit, and each knows what became of his event."""

import contextlib
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from builders import address, entry
from program import Program

from reconciler.core.model.history import Act, Result
from reconciler.daybook import CallOutcome, Intent
from reconciler.daybook.events import (
    Concluded,
    Created,
    EventType,
    MarkedComplete,
    RunBegun,
    intended,
)
from reconciler.daybook.state import DaybookState
from reconciler.daybook.transaction import Connections
from reconciler.errors import DaybookError

WORKERS = 40


def intent(name: str) -> Intent:
    return Intent(address=address(name), act=Act.CREATE, spec=entry())


@contextlib.contextmanager
def commits() -> Iterator[list[bool]]:
    """A list that grows with every commit."""
    with pytest.MonkeyPatch.context() as patched:
        done, commit = [], Connections._commit

        def counted(self, connection):
            commit(self, connection)
            done.append(True)

        patched.setattr(Connections, "_commit", counted)
        yield done


def together(book, works: dict[str, Callable[[], object]]) -> dict[str, object]:
    """What came of writes of which the first is held up until all others wait for their commit."""
    ended: dict[str, object] = {}

    def work(name: str) -> None:
        try:
            ended[name] = works[name]()
        except DaybookError as error:
            ended[name] = error

    threads = [threading.Thread(target=work, args=[name]) for name in works]
    with book._mutex:
        for thread in threads:
            thread.start()
        while len(book._writes._waiting) < len(works) - 1:
            time.sleep(0.001)
    for thread in threads:
        thread.join()
    return ended


def intents(book, count: int = WORKERS) -> dict[str, Callable[[], object]]:
    return {f"n{at}": lambda at=at: book.record_intent(intent(f"n{at}")).seq for at in range(count)}


def test_i04_forty_writers_share_two_commits(home):
    """The first finds nobody writing; the others wait for him, and then for one commit."""
    with home.opened() as book:
        before = book.head[0]
        with commits() as done:
            ended = together(book, intents(book))
        assert len(done) == 2
        assert sorted(ended.values()) == list(range(before + 1, before + 1 + WORKERS))
        assert book.serial == WORKERS
        # On the disk, in one chain, by another connection.
        with home.opened(write=False) as reader:
            found = {item.intent.address.name: item.intent.seq for item in reader.history()}
            assert found == ended
            assert len(reader.events()) == before + WORKERS


def test_one_writer_commits_each_event_by_itself(home):
    """Nobody waits for others to come."""
    with home.opened() as book, commits() as done:
        for name in "abc":
            asked = book.record_intent(intent(name))
            book.record_outcome(asked, CallOutcome(result=Result.DONE, number=f"JE-{name}"))
        assert len(done) == 6


def test_a_group_is_sealed_as_its_events_would_be_one_by_one():
    wishes = [
        (EventType.MARKED_COMPLETE, MarkedComplete()),
        (EventType.RUN_BEGUN, RunBegun(run="r", plan="sha256:x")),
        (EventType.INTENT, intended(intent("a"), run="r")),
        (EventType.INTENT, intended(intent("b"), run="r")),
        (EventType.OUTCOME, Concluded(intent=4, result="done", number="JE-00000001")),
    ]
    with_group, alone = begun(), begun()
    chain = with_group.next_events(wishes, at="2026-01-31")
    for event, (event_type, content) in zip(chain, wishes, strict=True):
        assert alone.next_events([(event_type, content)], at="2026-01-31") == [event]
        alone.take(event)
        with_group.take(event)
    assert (with_group.seq, with_group.hash) == (alone.seq, alone.hash)


def begun() -> DaybookState:
    state = DaybookState()
    created = Created(lineage="a", workspace="books")
    state.take(*state.next_events([(EventType.CREATED, created)], at="2026-01-30"))
    return state


def test_i40_a_commit_that_fails_fails_for_all_of_its_group(home):
    with home.opened() as book:
        asked = {name: book.record_intent(intent(name)) for name in "abcd"}
        outcomes = {
            name: lambda name=name: book.record_outcome(
                asked[name], CallOutcome(result=Result.DONE, number="JE-1")
            )
            for name in asked
        }
        # There is room for one outcome: the first writer has it, and the group has none.
        home.sql("create unique index room on events (substr(type, 1)) where type = 'outcome'")
        ended = together(book, outcomes)
        (first,) = (name for name, error in ended.items() if error is None)
        others = set(asked) - {first}
        for name in others:
            assert isinstance(ended[name], DaybookError)
            assert "cannot be written" in ended[name].message
        # Each of them is in doubt, and nothing of any was written.
        assert {item.address.name for item in book.unsettled()} == others
        home.sql("drop index room")
        again = together(book, {name: outcomes[name] for name in others})
        assert set(again.values()) == {None}
        assert book.unsettled() == ()


def test_i40_a_commit_that_was_done_and_reported_as_failed_is_found(home, monkeypatch):
    """No member is told that his event is there, and the next call sees all of them."""
    commit, done = Connections._commit, []
    with home.opened() as book:

        def unsure(self, connection):
            commit(self, connection)
            done.append(True)
            if len(done) == 2:
                raise book._store.failures[0]("disk I/O error")

        with monkeypatch.context() as patched:
            patched.setattr(Connections, "_commit", unsure)
            ended = together(book, intents(book, 5))
        assert sum(isinstance(error, DaybookError) for error in ended.values()) == 4
        assert {item.address.name for item in book.unsettled()} == set(ended)
        assert book.record_intent(intent("later")).seq == book.head[0]


def test_i42_a_group_without_the_lease_is_refused_as_a_whole(home):
    with home.opened() as book:
        home.unlock(book.lease.id)
        with home.opened() as other:
            ended = together(book, intents(book, 5))
            for error in ended.values():
                assert isinstance(error, DaybookError)
                assert "took the daybook over" in error.message
            assert other.history() == ()


@pytest.mark.parametrize("seed", range(4))
def test_i04_what_anybody_was_told_is_there_whatever_commits_fail(home, monkeypatch, seed):
    """Some commits are refused, and some are done and reported as failed."""
    commit, chance, told = Connections._commit, random.Random(seed), []
    with home.opened() as book:

        def unreliable(self, connection):
            drawn = chance.random()
            if drawn < 0.2:
                raise book._store.failures[0]("database or disk is full")
            commit(self, connection)
            if drawn < 0.4:
                raise book._store.failures[0]("disk I/O error")

        def work(worker: int) -> None:
            for turn in range(8):
                with contextlib.suppress(DaybookError):
                    told.append(book.record_intent(intent(f"n{worker}-{turn}")))

        with monkeypatch.context() as patched:
            patched.setattr(Connections, "_commit", unreliable)
            threads = [threading.Thread(target=work, args=[worker]) for worker in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        there = {(item.seq, item.address) for item in book.unsettled()}
        assert {(item.seq, item.address) for item in told} <= there
        assert told
    with home.opened(write=False) as book:
        assert {(item.seq, item.address) for item in book.unsettled()} == there
        assert len({seq for seq, _ in there}) == len(there) == book.serial


KILLED = """
import os, signal, sys, threading, time
from pathlib import Path
from reconciler.core.model.history import Act
from reconciler.core.model.resource import Address
from reconciler.daybook import Intent, CallOutcome, daybook, open_daybook
from reconciler.daybook.transaction import Connections

place, workspace, point = sys.argv[1:]
owner, name, when = {
    "moving the head": (daybook.Daybook, "_move", "before"),
    "head moved": (daybook.Daybook, "_move", "after"),
    "events added": (daybook, "add_events", "after"),
    "committing": (Connections, "_commit", "before"),
    "committed": (Connections, "_commit", "after"),
    "one was told": (os, "write", "after"),
}[point]
book = open_daybook(place if "://" in place else Path(place), write=True, workspace=workspace)
call, reached = getattr(owner, name), []

def watched(*arguments, **keywords):
    # The first commit, and who is told of it, are those of the first writer alone.
    reached.append(1)
    if when == "before" and len(reached) >= 2:
        os.kill(os.getpid(), signal.SIGKILL)
    result = call(*arguments, **keywords)
    if when == "after" and len(reached) >= 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

def write(at):
    book.record_intent(Intent(address=Address("JournalEntry", f"n{at}"), act=Act.CREATE))
    os.write(1, f"n{at} ".encode())

setattr(owner, name, watched)
threads = [threading.Thread(target=write, args=[at]) for at in range(8)]
with book._mutex:
    for at, thread in enumerate(threads):
        thread.start()
        while not book._writes._writing or len(book._writes._waiting) < at:
            time.sleep(0.001)
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize(
    ("point", "written"),
    [
        ("moving the head", False),
        ("head moved", False),
        ("events added", False),
        ("committing", False),
        ("committed", True),
        ("one was told", True),
    ],
)
def test_f1_i04_killed_at_a_point_of_a_group_it_is_there_whole_or_not_at_all(home, point, written):
    arguments = [home.place, home.workspace, point]
    with Program(arguments, script=KILLED, stdout=subprocess.PIPE) as killed:
        told = killed.stdout.read().split()
        assert killed.wait() == -9
    group = {f"n{at}" for at in range(1, 8)}
    with home.opened(write=False) as book:
        there = {item.address.name for item in book.unsettled()}
        assert there == {"n0"} | (group if written else set())
        assert set(told) <= there, "somebody was told what is not there"
        lease = book.held_by()
    if not home.is_file:
        home.unlock(lease.id)
    with home.opened() as book:
        assert book.record_intent(intent("later")).seq == book.head[0]
