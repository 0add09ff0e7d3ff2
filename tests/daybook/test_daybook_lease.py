"""One writer at a time, in a file as on PostgreSQL; what a paused one still may do (I-41, I-42)."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import psycopg
import pytest
from builders import address, entry
from program import LONGEST, Program

from reconciler.core.model.history import Act, Result
from reconciler.daybook import CallOutcome, Intent, no_daybook, open_daybook
from reconciler.daybook import postgresql as postgresql_module
from reconciler.daybook.lease import this_process
from reconciler.errors import DaybookError

HOLD = """
import sys
from pathlib import Path
from reconciler.core.model.history import Act
from reconciler.core.model.resource import Address
from reconciler.daybook import Intent, CallOutcome, open_daybook
from reconciler.errors import DaybookError
place, workspace = sys.argv[1:]
place = place if "://" in place else Path(place)
sys.stdin.readline()
try:
    book = open_daybook(place, write=True, workspace=workspace)
    print(book.lease.id, flush=True)
except DaybookError as error:
    print("refused:", error.message, flush=True)
    sys.exit(1)
for line in sys.stdin:
    try:
        book.record_intent(Intent(address=Address("JournalEntry", line.strip()), act=Act.CREATE))
        print("intended", flush=True)
    except DaybookError as error:
        print("refused:", error.message, flush=True)
book.close()
"""


@contextlib.contextmanager
def process(home):
    """A writer in a process of its own: it opens at the first line, then writes one for each."""
    with Program(
        [home.place, home.workspace],
        script=HOLD,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=1,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def ask(running, line: str = "") -> str:
    running.stdin.write(line + "\n")
    running.stdin.flush()
    return running.stdout.readline().strip()


def intent(name: str = "a") -> Intent:
    return Intent(address=address(name), act=Act.CREATE, spec=entry())


def create(book, name: str = "a", number: str = "JE-00000001") -> None:
    book.record_outcome(
        book.record_intent(intent(name)), CallOutcome(result=Result.DONE, number=number)
    )


def test_what_is_written_is_read_again_in_either_place(home):
    with home.opened() as book:
        create(book)
        book.bind("tenant-1", workspace=home.workspace)
        book.mark_complete()
        book.begin("sha256:x")
        book.record_intent(intent("b"))
    with home.opened(write=False) as book:
        assert book.recorded()[address("a")].number == "JE-00000001"
        assert [item.address.name for item in book.unsettled()] == ["b"]
        assert (book.serial, book.tenant, book.complete) == (3, "tenant-1", True)
        assert book.interrupted("sha256:x")
        assert book.held_by() is None


def test_i42_x1_of_two_processes_that_race_for_the_lease_one_gets_it(home):
    """X1, I-42."""
    with home.opened():
        pass
    with process(home) as first, process(home) as second:
        for running in (first, second):
            running.stdin.write("\n")
            running.stdin.flush()
        said = [running.stdout.readline() for running in (first, second)]
    assert sum(text.startswith("refused: another apply is writing") for text in said) == 1, said


def test_i42_x4_a_stopped_holder_whose_lease_was_broken_intends_nothing_more(home):
    """X4, I-42: SIGSTOP, unlock, another run, SIGCONT: refused before any request could go out."""
    with process(home) as paused:
        lease = ask(paused)
        assert ask(paused, "before") == "intended"
        paused.send_signal(signal.SIGSTOP)
        with pytest.raises(DaybookError, match="another apply is writing") as refused:
            home.opened().__enter__()
        assert f"{os.uname().nodename}, process {paused.pid}" in refused.value.message
        assert f"lease {lease}" in refused.value.message
        assert f"daybook unlock {lease}" in refused.value.remedy
        with pytest.raises(DaybookError, match="is not the current lease"):
            home.unlock("another")
        assert home.unlock(lease).holder.pid == paused.pid
        with home.opened() as book:
            create(book, "meanwhile")
        paused.send_signal(signal.SIGCONT)
        assert "took the daybook over" in ask(paused, "after")
        assert "took the daybook over" in ask(paused, "again")
    with home.opened() as book:
        assert {item.intent.address.name for item in book.history()} == {"before", "meanwhile"}


def test_i42_a_holder_that_was_killed_is_taken_over(home):
    """I-42: at once where the kernel knows, after the lease ran out where only a clock does."""
    with process(home) as holder:
        lease = ask(holder)
        holder.kill()
        holder.wait()
    if not home.is_file:
        with pytest.raises(DaybookError, match=lease):
            home.opened().__enter__()
        home.sql("update head set until = '2026-01-01T00:00:00+00:00'")
    with home.opened() as book:
        create(book)
        assert f'"instead_of":"{lease}"' in book.events()[-3].content


def test_i42_a_daybook_of_another_workspace_is_let_go_at_once(tmp_path):
    place = tmp_path / "daybook.db"
    with contextlib.closing(open_daybook(place, write=True, workspace="books")) as book:
        create(book)
    with pytest.raises(DaybookError, match="belongs to the workspace"):
        open_daybook(place, write=True, workspace="another")
    with contextlib.closing(open_daybook(place, write=False)) as book:
        assert book.held_by() is None


def test_a_daybook_that_is_nowhere_knows_nothing():
    with contextlib.closing(no_daybook()) as book:
        assert (book.lineage, book.serial, book.recorded(), book.held_by()) == ("", 0, {}, None)


def test_a_lease_is_waited_for_as_long_as_was_asked(home):
    with home.opened() as first:
        waits = []

        def pause(seconds):
            waits.append(seconds)
            first.close()

        with home.opened(lock_timeout=5, pause=pause) as second:
            create(second)
    assert len(waits) == 1


def test_a_daybook_that_took_the_place_of_an_unused_one_stays(in_a_file, tmp_path):
    with in_a_file.opened() as book:
        create(book)
    kept = tmp_path / "copy.db"
    in_a_file.place.rename(kept)
    book = open_daybook(in_a_file.place, write=True)
    # The apply asks, and meanwhile somebody restores the daybook that it missed.
    kept.replace(in_a_file.place)
    book.close(keep_unused=False)
    with contextlib.closing(open_daybook(in_a_file.place, write=False)) as restored:
        assert restored.recorded()


def test_waiting_ends_in_the_same_refusal(home):
    with home.opened(), pytest.raises(DaybookError, match="another apply is writing"):
        home.opened(lock_timeout=0.01).__enter__()


def test_nobody_to_unlock_is_said(home):
    with home.opened():
        pass
    with pytest.raises(DaybookError, match="nobody holds the daybook"):
        home.unlock("any")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("update head set seq = seq - 1", id="an older end"),
        pytest.param("update head set hash = 'x'", id="another end"),
    ],
)
def test_i41_a_write_that_is_based_on_another_state_is_refused_for_good(home, change):
    with home.opened() as book:
        create(book)
        home.sql(change)
        for _ in range(2):
            with pytest.raises(DaybookError):
                book.record_intent(intent("b"))


def test_i43_b18_the_lease_stays_where_the_last_write_failed(home):
    with home.opened() as book:
        create(book)
        lease = book.lease
        # Nothing can be added to the daybook any more; that the lease ends could be written.
        home.sql("alter table events rename to events_elsewhere")
        with pytest.raises(DaybookError):
            book.record_intent(intent("b"))
    home.sql("alter table events_elsewhere rename to events")
    with home.opened(write=False) as book:
        assert book.held_by() == lease


def test_i41_the_fence_rises_with_every_lease(home):
    fences = []
    for _ in range(3):
        with home.opened() as book:
            fences.append(book.lease.fence)
    assert fences == sorted(set(fences))


def test_a_run_under_continuous_integration_is_named_by_its_page():
    said = this_process({"GITHUB_RUN_ID": "7", "GITHUB_REPOSITORY": "acme/books"}, command="apply")
    assert said.run == "https://github.com/acme/books/actions/runs/7"
    assert this_process({"CI_JOB_URL": "https://ci/1"}).run == "https://ci/1"


def test_two_workspaces_in_one_database_do_not_see_each_other(on_postgresql):
    names = (on_postgresql.workspace, "x" * 63, "x" * 62 + "y")
    homes = [replace(on_postgresql, workspace=name) for name in names]
    with contextlib.ExitStack() as stack:
        books = [stack.enter_context(home.opened()) for home in homes]
        for at, book in enumerate(books):
            create(book, f"n{at}")
        assert [[str(key.name) for key in book.recorded()] for book in books] == [
            ["n0"], ["n1"], ["n2"],
        ]  # fmt: skip
        assert len({book.lineage for book in books}) == 3


def test_a_lease_on_postgresql_is_renewed_while_its_holder_lives(on_postgresql, monkeypatch):
    monkeypatch.setattr(postgresql_module, "LEASE_SECONDS", 2)
    with on_postgresql.opened() as book:
        before = book.held_by().until
        deadline = time.monotonic() + LONGEST
        while book.held_by().until == before and time.monotonic() < deadline:
            time.sleep(0.1)
        assert book.held_by().until > before


def test_f1_a_connection_that_is_lost_amid_a_write_is_a_daybook_error(
    on_postgresql, shared_database
):
    """C11, I-40: nothing is assumed of the write, and the next one looks what there is."""
    server, _ = shared_database
    with on_postgresql.opened() as book:
        asked = book.record_intent(intent())
        held = threading.Event()
        with server.connect("daybooks") as other:
            other.autocommit = False
            other.execute(f'SET search_path = "reconciler_{on_postgresql.workspace}"')
            other.execute("select * from head for update")
            held.set()
            caught = []

            def write() -> None:
                try:
                    book.record_outcome(
                        asked, CallOutcome(result=Result.DONE, number="JE-00000001")
                    )
                except DaybookError as error:
                    caught.append(error)

            writer = threading.Thread(target=write)
            writer.start()
            waiting = (
                "select pid from pg_stat_activity where wait_event_type = 'Lock' "
                "and datname = current_database()"
            )
            with server.connect("daybooks") as killer:
                while not (found := killer.execute(waiting).fetchall()):
                    time.sleep(0.01)
                killer.execute(f"select pg_terminate_backend({found[0][0]})")
            writer.join()
            other.rollback()
        assert "cannot be written" in caught[0].message
        assert len(book.unsettled()) == 1
        book.record_outcome(asked, CallOutcome(result=Result.DONE, number="JE-00000001"))
        assert book.unsettled() == ()


def test_a_connection_that_died_while_nobody_used_it_is_replaced(on_postgresql, shared_database):
    """As while a person is asked. Nothing was sent on it yet, so nothing is in doubt."""
    server, _ = shared_database
    with on_postgresql.opened() as book:
        create(book)
        with server.connect("daybooks") as killer:
            killer.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = 'reconciler daybook' and datname = current_database()"
            )
        create(book, "b", "JE-00000002")
        assert set(book.recorded()) == {address("a"), address("b")}


def test_every_commit_on_postgresql_is_synced_whatever_the_default(on_postgresql):
    with on_postgresql.opened() as book, psycopg.connect(on_postgresql.place) as other:
        other.execute("alter database daybooks set synchronous_commit = off")
        other.commit()
        book._store.close()
        with book._store.writing() as transaction:
            said = transaction.rows("show synchronous_commit")
    assert said == [("on",)]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:secret@host/db", "holds a password"),
        ("postgresql://me@host/db?password=secret", "holds a password"),
        ("postgresql://me@host", "does not name a PostgreSQL database"),
        ("mysql://me@host/db", "does not name a PostgreSQL database"),
        ("postgresql://me@host#db", "does not name a PostgreSQL database"),
        ("postgresql://me@host:port/db", "cannot be read"),
        ("postgresql://me@host/db?sslmode=verify-full&host=other", "sets host"),
        ("postgresql://me@127.0.0.1:1/db", "cannot be"),
    ],
)
def test_i45_a_url_that_cannot_be_used_is_refused_and_no_password_is_shown(
    on_postgresql, url, said
):
    with pytest.raises(DaybookError, match=said) as caught:
        replace(on_postgresql, place=url).opened().__enter__()
    assert "secret" not in caught.value.message + caught.value.remedy
    assert "PGPASSWORD" in caught.value.remedy


def test_without_the_driver_the_extra_is_named(on_postgresql, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DaybookError, match="psycopg") as caught:
        on_postgresql.opened().__enter__()
    assert "journal-reconciler[postgresql]" in caught.value.remedy
