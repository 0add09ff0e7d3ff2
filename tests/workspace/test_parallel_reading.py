"""A workspace that several processes read is the workspace that one process reads."""

import os
import shutil
from pathlib import Path

import pytest

from reconciler.app.file_cache import FileCache
from reconciler.app.workspace import read_workspace
from reconciler.workspace import load
from reconciler.workspace.cache import parallel_reading
from reconciler.workspace.cache.parallel_reading import read_in_processes
from reconciler.workspace.files import find

JOURNALS = Path(__file__).parents[2] / "journals"


@pytest.fixture
def root(tmp_path, monkeypatch):
    for name in ("MANY_FILES", "MANY_UNKNOWN"):
        monkeypatch.setattr(f"reconciler.app.file_cache.{name}", 1)
    monkeypatch.setattr(parallel_reading, "_processors", lambda: 2)
    monkeypatch.setattr(parallel_reading, "_AT_ONCE", 5)
    root = Path(shutil.copytree(JOURNALS, tmp_path / "journals"))
    (root / "wrong.yaml").write_text("a: [1")
    (root / "empty.yaml").write_text("---\n")
    first = next(root.glob("2026/01/*.yaml"))
    (root / "twice.yaml").write_text(first.read_text())
    (root / "one-too-many.yaml").write_text(first.read_text().replace("amount: ", "amount: 1e"))
    return root


def test_processes_give_what_one_process_reads(root):
    cache = FileCache(root)
    given = {}

    def known(found):
        given.update(cache.known(found))
        return given

    read, alone = load(root, known=known), load(root)
    for name in (
        "workspace",
        "reference",
        "declared",
        "supporting",
        "problems",
        "contents",
        "digest",
    ):
        assert getattr(read, name) == getattr(alone, name), name
    assert given.keys() == read.declaring.keys()
    assert len(given) > 20
    assert given.keys().isdisjoint(
        {"reconciler.yaml", "reference.yaml", "wrong.yaml", "empty.yaml", "one-too-many.yaml"}
    )


def test_every_finding_is_that_of_one_process(root):
    alone, read, again = (read_workspace(root, cached=cached) for cached in (False, True, True))
    assert alone.problems == read.problems == again.problems
    assert alone.declared == read.declared == again.declared
    # What was read in this run was judged in this run. Only the next run spares it.
    assert not read.spared
    assert again.spared


def test_a_file_that_changes_after_it_was_read_ahead_is_taken_as_it_was_read(root):
    place = next(root.glob("2026/01/*.yaml"))
    path = str(place.relative_to(root))

    def changing(found):
        known = read_in_processes(found)
        place.write_text("a: [1")
        return known

    was = load(root)
    assert load(root, known=changing).digest == was.digest
    assert load(root).digest != was.digest
    assert path in load(root, known=read_in_processes).contents


@pytest.mark.parametrize(
    "error", [OSError("no semaphores"), ImportError("_multiprocessing"), NotImplementedError()]
)
def test_without_processes_one_process_reads(root, error, monkeypatch):
    def none(*_, **__):
        raise error

    monkeypatch.setattr(parallel_reading, "ProcessPoolExecutor", none)
    assert read_in_processes(find(root)[0]) == {}
    assert read_workspace(root, cached=True).problems == read_workspace(root).problems


def _die(_files):
    os._exit(9)


def test_a_process_that_dies_costs_nothing_but_time(root, monkeypatch):
    monkeypatch.setattr(parallel_reading, "_rows", _die)
    assert read_in_processes(find(root)[0]) == {}


def test_one_processor_reads_alone(root, monkeypatch):
    monkeypatch.setattr(parallel_reading, "_processors", lambda: 1)
    monkeypatch.delattr(parallel_reading, "ProcessPoolExecutor")
    assert read_in_processes(find(root)[0]) == {}
