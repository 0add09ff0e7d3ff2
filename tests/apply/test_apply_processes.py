"""Real processes, stopped, starved and raced; and the run after them.

What kills and signals do at every point is in tests/faults.
"""

import json
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from process_workspace import BEFORE, CUT_OFF, Workspace

from reconciler.cli.main import run

AFTER = {"keep": "1.00", "change": "20.00", "note": "3.00", "new-a": "5.00", "new-b": "6.00"}

STARVED = """
import resource, sys
from reconciler.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, 90_000))
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose first entries are applied."""
    root = tmp_path_factory.mktemp("begun")
    workspace = Workspace(root)
    workspace.declare(BEFORE)
    with pytest.MonkeyPatch.context() as patch:
        assert workspace.apply(patch) == 0
    workspace.close()
    return root


@pytest.fixture
def workspace(begun: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of it, with the files edited since."""
    root = tmp_path / "workspace"
    shutil.copytree(begun, root)
    workspace = Workspace(root)
    workspace.declare(AFTER, note="edited")
    yield workspace
    workspace.close()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate()
    return process.returncode, said


def kill_at(workspace: Workspace, count: int, point: str) -> int:
    """Run an apply that is killed at the so-manieth request; returns its exit code.

    Killed on receipt, it does not get the rest of that request out: nothing of it is executed.
    """
    ready = threading.Event()
    process: list[subprocess.Popen[str]] = []

    def strike(reached: int) -> str | None:
        if reached != count:
            return None
        ready.wait(10)
        process[0].kill()
        process[0].wait(10)
        return CUT_OFF

    setattr(workspace, point, strike)
    process.append(workspace.start("--parallelism", "1"))
    ready.set()
    code, _ = ended(process[0])
    workspace.calm()
    return code


def test_f6_a_signal_ends_a_rest_that_the_ledger_asked_for(workspace, monkeypatch):
    """N14: thirty seconds are asked for; after the signal nothing waits for them to ask again."""
    resting = threading.Event()
    workspace.limited = True
    workspace.on_receipt = lambda count: resting.set()
    process = workspace.start("--parallelism", "1")
    assert resting.wait(30)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    code, said = ended(process)
    assert code == 130, said
    assert workspace.received == 1
    workspace.limited = False
    workspace.calm()
    workspace.require_converged(monkeypatch, AFTER)


@pytest.mark.parametrize(
    "searchable",
    [
        pytest.param(True, id="by a query"),
        pytest.param(False, id="by its number", marks=pytest.mark.long),
    ],
)
def test_t3_outside_the_window_what_was_posted_is_found(workspace, monkeypatch, capsys, searchable):
    workspace.declare({**BEFORE, "late": "9.00"})
    assert kill_at(workspace, 1, "on_commit") == -signal.SIGKILL
    workspace.clock.pass_by(hours=25)
    workspace.searchable = searchable
    assert workspace.apply(monkeypatch) == 0
    assert "found by its marker" in capsys.readouterr().err
    assert workspace.received == 0
    assert len(workspace.live()["late"]) == 1


def test_t3_outside_the_window_the_exit_code_is_6_until_a_search_proves_that_it_was_not(
    workspace, monkeypatch, capsys
):
    workspace.declare({**BEFORE, "late": "9.00"})
    assert kill_at(workspace, 1, "on_receipt") == -signal.SIGKILL
    workspace.clock.pass_by(hours=30)
    workspace.searchable = False
    for _ in range(2):
        assert workspace.apply(monkeypatch) == 6
        assert "books/late" in capsys.readouterr().err
    workspace.searchable = True
    assert workspace.apply(monkeypatch) == 0
    assert len(workspace.live()["late"]) == 1


@pytest.mark.parametrize("probing", [[], ["--probe-from", "JE-00000001"]], ids=["", "probing"])
def test_i44_a_new_daybook_on_a_ledger_that_cannot_be_searched_needs_a_word(
    workspace, monkeypatch, capsys, probing
):
    workspace.declare({**BEFORE, "more": "9.00"})
    for path in workspace.books.glob(".reconciler/daybook.db*"):
        path.unlink()
    workspace.searchable = False
    live = workspace.live()
    for name, value in workspace.env.items():
        monkeypatch.setenv(name, value)
    # A plan judges by the same evidence as the apply that follows it.
    assert run(["plan", "-w", str(workspace.books)]) == 4
    assert "restore its daybook first" in " ".join(capsys.readouterr().out.split())
    assert workspace.apply(monkeypatch, *probing) == 4
    said = " ".join(capsys.readouterr().out.split())
    assert "Refused: unsearched-ledger: " in said
    assert ("add --first-apply" if probing else "use --first-apply") in said
    assert (workspace.received, workspace.live()) == (0, live)
    # The word is not true here; within the day the keys still protect what was posted before.
    told = ["--adopt-found", str(len(BEFORE))] if probing else []
    assert workspace.apply(monkeypatch, *probing, "--first-apply", *told) == 0
    if probing:
        said = " ".join(capsys.readouterr().out.split())
        assert "JE-00000001 to JE-000000" in said
        assert "were probed one by one instead" in said
        assert workspace.received == 1, "what was found is not posted again, not even by its key"
    assert {name: len(numbers) for name, numbers in workspace.live().items()} == dict.fromkeys(
        [*BEFORE, "more"], 1
    )


def test_b17_x4_an_apply_whose_lock_was_broken_writes_nothing_more(workspace, monkeypatch):
    """Stopped in the middle, its lock removed, another run done: it wakes up and must end."""
    arrived, woken = threading.Event(), threading.Event()

    def hold(reached: int) -> None:
        if reached == 1:
            arrived.set()
            woken.wait(30)

    workspace.on_commit = hold
    process = workspace.start("--parallelism", "1")
    assert arrived.wait(30)
    process.send_signal(signal.SIGSTOP)
    next((workspace.books / ".reconciler").glob("*.lock")).unlink()
    workspace.on_commit = lambda count: None
    assert workspace.apply(monkeypatch) == 0
    before = workspace.received
    process.send_signal(signal.SIGCONT)
    woken.set()
    code, said = ended(process)
    assert code not in (0, None), said
    assert "took the daybook over" in said
    assert workspace.received <= before + 1
    workspace.require_converged(monkeypatch, AFTER)


def test_i43_f4_a_file_system_without_room_ends_the_run_and_says_so(workspace, monkeypatch):
    many = {f"n{index:02}": "1.00" for index in range(12)}
    workspace.declare({**BEFORE, **many})

    code, said = ended(workspace.start(script=STARVED))
    assert code in (1, 6), said
    assert "the daybook cannot be written" in said
    assert 0 < len(workspace.live()) < 16
    workspace.calm()
    workspace.require_converged(monkeypatch, {**BEFORE, **many})


def test_nobody_reading_the_output_does_not_make_a_broken_run_a_success(workspace, monkeypatch):
    report = workspace.root / "report.json"
    process = workspace.start("--parallelism", "1", "--report", str(report))
    process.stdout.close()
    code = process.wait(60)
    document = json.loads(report.read_text())
    done = document["summary"]["done"]
    # Output that nobody could read is no success either.
    assert code != 0 and (code == 1 or done < 5)
    standing = workspace.live()
    for change in document["changes"]:
        if change["action"] == "create" and change["outcome"] == "not_attempted":
            name = change["address"].partition("/")[2]
            assert name not in standing, "the report denies what was done"
    workspace.calm()
    workspace.require_converged(monkeypatch, AFTER)
