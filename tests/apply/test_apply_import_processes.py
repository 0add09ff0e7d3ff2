"""The import of a period is killed between two adoptions, and finished by the next."""

import os
import signal
import subprocess
import threading

import pytest
from apply_harness import REFERENCE, Bench
from process_workspace import Workspace
from program import Program

from reconciler.ledger import open_ledger

COUNT = 4


@pytest.fixture
def numbers(tmp_path):
    """Entries that somebody posted by hand, in the ledger of the workspace."""
    open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", REFERENCE).close()
    bench = Bench(tmp_path)
    posted = [bench.post_foreign() for _ in range(COUNT)]
    bench.close()
    return posted


@pytest.fixture
def workspace(numbers, tmp_path):
    workspace = Workspace(tmp_path)
    workspace.declare({})
    yield workspace
    workspace.close()


def imported(workspace):
    return Program(
        ["import", "-w", workspace.books, "--yes", "--period", "Jan-2026"],
        env={**os.environ, **workspace.env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def books(workspace):
    query = "select number, status, currency, notes from journal_entries order by number"
    return [tuple(row) for row in workspace.rows(query)]


@pytest.mark.parametrize("count", [2, *(pytest.param(at, marks=pytest.mark.long) for at in (1, 4))])
def test_i08_a_killed_import_is_finished_by_the_next(workspace, numbers, monkeypatch, count):
    before = books(workspace)
    ready, process = threading.Event(), []

    def strike(reached):
        if reached == count:
            ready.wait(10)
            process[0].send_signal(signal.SIGKILL)
            process[0].wait(10)

    workspace.on_commit = strike
    process.append(imported(workspace))
    ready.set()
    process[0].communicate()
    assert process[0].returncode == -signal.SIGKILL
    workspace.calm()
    again = imported(workspace)
    said, _ = again.communicate()
    assert again.returncode == 0, said
    assert workspace.live() == {number.lower(): [number] for number in numbers}
    assert books(workspace) == before
    received = workspace.received
    assert workspace.apply(monkeypatch) == 0
    assert workspace.received == received, "an empty plan"
