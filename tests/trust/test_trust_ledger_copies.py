"""Copies of the books, made for queries, do not outlive a server that is killed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_server import ENTRIES, entry, query, serving

from reconciler.ledger.query.copy_files import remove_left

OLD = 7200
"""Seconds ago, longer than a directory without an owner is spared."""


def copies(directory: Path) -> set[Path]:
    return set(directory.glob("ledger-query-*"))


def ask(server) -> None:
    """Have the server copy its books."""
    with server.client() as client:
        client.post(ENTRIES, json=entry())
        assert query(client, "select number from journalentry")


def check_no_copy_outlives_a_kill(database, directory, **options):
    """What a killed server leaves is removed by the next one, and by nobody while it is used."""
    with serving(database, **options) as server:
        ask(server)
        (left,) = copies(directory)
        with serving(database, **options) as another:
            ask(another)
            assert left in copies(directory)  # another start spares what is in use
            ask(server)
        assert len(copies(directory)) == 2
        for each in (server, another):
            each.process.kill()
            each.process.wait()
    with serving(database, **options) as server:
        assert copies(directory) == set()
        ask(server)


def test_t33_a_start_removes_the_copies_that_a_kill_left(tmp_path):
    """They lie beside the ledger's own file, not among temporary files."""
    check_no_copy_outlives_a_kill(tmp_path / "ledger.db", tmp_path)


def test_t33_the_same_with_a_ledger_on_postgresql(tmp_path, postgresql):
    postgresql.make("copies")
    check_no_copy_outlives_a_kill(postgresql.url("copies"), tmp_path, temporary=tmp_path)


def replica(path: Path) -> None:
    path.mkdir(mode=0o700)
    (path / "replica.db").write_bytes(b"books")


def strange(path: Path) -> None:
    replica(path)
    (path / "notes.txt").touch()


def readable(path: Path) -> None:
    replica(path)
    path.chmod(0o755)


def link(path: Path) -> None:
    target = path.with_name("elsewhere")
    replica(target)
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("make", "name", "age", "stays"),
    [
        pytest.param(replica, "ledger-query-a", OLD, False, id="of an earlier version"),
        pytest.param(Path.mkdir, "ledger-query-a", OLD, True, id="not private"),
        pytest.param(replica, "ledger-query-a", 0, True, id="perhaps in use"),
        pytest.param(strange, "ledger-query-a", OLD, True, id="with files of somebody else"),
        pytest.param(readable, "ledger-query-a", OLD, True, id="readable by others"),
        pytest.param(link, "ledger-query-a", OLD, True, id="a link"),
        pytest.param(replica, "query-a", OLD, True, id="with another name"),
    ],
)
def test_t33_a_start_removes_only_what_is_provably_a_copy_of_nobody(
    tmp_path: Path, make: Callable[[Path], None], name: str, age: int, stays: bool
):
    path = tmp_path / name
    make(path)
    for each in (*path.iterdir(), path):
        then = each.stat().st_mtime - age
        os.utime(each, (then, then))
    remove_left(tmp_path)
    assert path.exists() is stays
