"""A daybook where nothing can be written, and files that cannot be read: neither is damage."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial

import pytest
import read_only_mount
from two_daybooks import Checkout, Tenant, ended

from reconciler.cli.main import run


@pytest.fixture(scope="module")
def applied(tmp_path_factory):
    """A tenant's folder after one apply."""
    root = tmp_path_factory.mktemp("applied")
    with closing(Tenant(root)) as tenant:
        made = Checkout(tenant, "first")
        made.declare(a="5.00")
        assert made.apply()[0] == 0
    return root


@pytest.fixture
def job(applied, tmp_path):
    with closing(Tenant(shutil.copytree(applied, tmp_path, dirs_exist_ok=True))) as tenant:
        yield Checkout(tenant, "first")


def read_only(job, *words):
    """A command for which the workspace cannot be written."""
    before = dict(job.keys)
    job.keys[read_only_mount.VARIABLE] = str(job.books)
    code, said = ended(job.start(*words, install=["read_only_mount"]))
    job.keys = before
    if read_only_mount.NO_MOUNT in said:
        pytest.skip(said)
    return code, said


READING = {
    ("plan", "--expect-no-changes"): "No changes",
    ("plan", "--offline"): "No changes",
    ("drift",): "No drift",
    ("doctor",): "1 entry recorded",
    ("daybook", "show"): "JournalEntry/a JE-00000001 recorded",
    ("daybook", "verify"): "",
    ("daybook", "recover", "--dry-run"): "",
}


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_t17_what_only_reads_works_in_a_folder_that_is_read_only(job, words):
    before = sorted(path.name for path in (job.books / ".reconciler").iterdir())
    code, said = read_only(job, *words)
    assert code == 0, said
    assert READING[words] in said, said
    assert "damaged" not in said
    assert sorted(path.name for path in (job.books / ".reconciler").iterdir()) == before


def test_t17_a_log_that_a_dead_process_left_is_read_too(job):
    """Killed, an apply leaves the newest events in a log that nobody can take in here."""
    job.declare(a="5.00", b="6.00")
    job.tenant.arrived = lambda who, verb: process.send_signal(signal.SIGKILL)
    process = job.start("apply", "--auto-approve")
    ended(process)
    job.tenant.arrived = lambda who, verb: None
    log = job.books / ".reconciler" / "daybook.db-wal"
    assert log.stat().st_size
    (job.books / ".reconciler" / "daybook.db-shm").unlink()
    code, said = read_only(job, "daybook", "show", "--format", "json")
    assert code == 0, said
    assert [one["address"] for one in json.loads(said)["unsettled"]] == ["JournalEntry/b"]


def test_t17_what_writes_says_that_the_folder_is_read_only(job):
    code, said = read_only(job, "apply", "--auto-approve")
    assert code == 1, said
    assert "Read-only file system" in said and "damaged" not in said, said


def said_of(job, capsys, monkeypatch, *words):
    for name, value in job.keys.items():
        monkeypatch.setenv(name, value)
    code = run([*words, "-w", str(job.books)])
    told = capsys.readouterr()
    return code, " ".join((told.out + told.err).split())


def garbled(file):
    raw = bytearray(file.read_bytes())
    raw[4096:4596] = b"x" * 500
    file.write_bytes(raw)


def altered(file):
    connection = sqlite3.connect(file)
    connection.execute("update events set content = replace(content, 'JE-', 'JX-')")
    connection.commit()
    connection.close()


def a_folder(file):
    file.unlink()
    file.mkdir()


def locked(file):
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("BEGIN EXCLUSIVE")
    return connection


@pytest.mark.parametrize(
    ("harm", "fact"),
    [
        pytest.param(garbled, "is damaged", id="a page is overwritten"),
        pytest.param(altered, "is damaged", id="an event is altered"),
        pytest.param(lambda file: file.write_bytes(b"no database" * 99), "is damaged", id="text"),
        pytest.param(lambda file: file.write_bytes(b""), "is empty", id="cut to nothing"),
        pytest.param(a_folder, "cannot be read: unable to open", id="a folder"),
    ],
)
@pytest.mark.parametrize("words", [("plan",), ("daybook", "verify")], ids=" ".join)
def test_t17_damaged_is_said_of_a_file_that_was_read_and_is(
    job, capsys, monkeypatch, words, harm, fact
):
    harm(job.books / ".reconciler" / "daybook.db")
    code, said = said_of(job, capsys, monkeypatch, *words)
    assert code == 1, said
    assert fact in said, said
    assert ("Restore it" in said) == ("cannot be read" not in fact), said


@pytest.mark.parametrize("words", [("plan",), ("daybook", "verify")], ids=" ".join)
def test_t17_a_locked_file_is_not_damaged(job, capsys, monkeypatch, words):
    connection = locked(job.books / ".reconciler" / "daybook.db")
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0.05))
    code, said = said_of(job, capsys, monkeypatch, *words)
    connection.close()
    assert code == 1, said
    assert "locked" in said and "damaged" not in said and "Restore" not in said, said


def test_t17_a_file_that_may_not_be_read_is_not_damaged(job):
    """Root may read everything, so another user does it."""
    script = (
        "import os, sys\n"
        "from reconciler.daybook import open_daybook, sqlite\n"
        "from reconciler.errors import DaybookError\n"
        "from pathlib import Path\n"
        "os.setuid(65534) if os.getuid() == 0 else None\n"
        "try:\n"
        "    open_daybook(Path(sys.argv[1]), write=False)\n"
        "except DaybookError as error:\n"
        "    print(error.message, error.remedy)\n"
    )
    file = job.books / ".reconciler" / "daybook.db"
    for mode in (file, file.parent):
        mode.chmod(0)
        done = subprocess.run(
            [sys.executable, "-c", script, file], capture_output=True, text=True, check=False
        )
        mode.chmod(0o700)
        assert "cannot be read: Permission denied" in done.stdout, done.stdout + done.stderr
        assert "damaged" not in done.stdout and "Restore" not in done.stdout
