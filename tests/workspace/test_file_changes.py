"""Files that a verb computed are written all or none, and never over edits nobody else has."""

import subprocess

import pytest

from reconciler.app.files.file_changes import (
    WritingOptions,
    replaced,
    require_new,
    write_files,
)
from reconciler.app.progress import FileDifferences, FilesWritten
from reconciler.errors import ReconcilerError, Refused, UsageError


@pytest.fixture
def books(tmp_path):
    """Two files that git has, in a workspace."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(f"{name}\n")
    for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b.c commit -qm Books"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    return tmp_path


@pytest.fixture
def write(books):
    """Writes by name; returns the exit code and what was told."""

    def write(files, *, kept=(), prove=lambda: None, **options):
        told = []
        code = write_files(
            books, {books / name: text for name, text in files.items()},
            WritingOptions(**options), tell=told.append, prove=prove,
            kept=[books / name for name in kept],
        )  # fmt: skip
        return code, told

    return write


def contents(books):
    return {file.name: file.read_text() for file in books.iterdir() if file.is_file()}


THERE = {"a.yaml": "a.yaml\n", "b.yaml": "b.yaml\n"}
WANTED = {"a.yaml": "new\n", "b.yaml": None, "c/d.yaml": "d\n"}


def test_files_are_written_changed_and_deleted(books, write):
    code, [written] = write(WANTED)
    assert (code, contents(books)) == (0, {"a.yaml": "new\n"})
    assert (books / "c/d.yaml").read_text() == "d\n"
    paths = (books / "a.yaml", books / "c/d.yaml")
    assert written == FilesWritten(paths=paths, removed=(books / "b.yaml",))


def test_equal_texts_change_nothing(books, write):
    before = (books / "a.yaml").stat().st_ino
    assert write(THERE) == (0, [FilesWritten(paths=())])
    assert (books / "a.yaml").stat().st_ino == before


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param({"dry_run": True}, 0, id="dry run"),
        pytest.param({"check": True}, 7, id="check"),
        pytest.param({"check": True, "dry_run": True}, 7, id="both"),
    ],
)
def test_a_look_writes_nothing(books, write, options, code):
    ended, [shown] = write(WANTED, **options)
    assert (ended, contents(books)) == (code, THERE)
    assert isinstance(shown, FileDifferences)
    assert len(shown.paths) == 3
    difference = "\n".join(shown.lines).replace(str(books), "")
    expected = (
        "--- /a.yaml\n+++ /a.yaml\n@@ -1 +1 @@\n-a.yaml\n+new\n"
        "--- /b.yaml\n+++ /dev/null\n@@ -1 +0,0 @@\n-b.yaml\n"
        "--- /dev/null\n+++ /c/d.yaml\n@@ -0,0 +1 @@\n+d"
    )
    assert difference == (expected if "dry_run" in options else "")


def test_a_check_without_a_change_passes(write):
    assert write(THERE, check=True)[0] == 0


def test_edits_that_no_commit_holds_are_not_overwritten(books, write):
    (books / "a.yaml").write_text("edited\n")
    with pytest.raises(Refused, match="file-modified: ") as refused:
        write(WANTED)
    assert contents(books) == {**THERE, "a.yaml": "edited\n"}
    # Both ways of the remedy.
    assert refused.value.remedy == "Commit the edits, or discard them with `git restore`."
    subprocess.run(["git", "restore", "a.yaml"], cwd=books, check=True)
    assert write(WANTED)[0] == 0


@pytest.mark.parametrize("name", ["a.yaml", "c.yaml"])
def test_edits_that_are_kept_or_written_already_are_no_obstacle(books, write, name):
    (books / name).write_text("edited\n")
    assert write({name: "edited\n"})[0] == 0
    assert write({name: "new\n"}, kept=[name])[0] == 0


def test_what_the_proof_raises_puts_every_file_back(books, write):
    def prove():
        assert contents(books)["a.yaml"] == "new\n"
        raise Refused("no")

    with pytest.raises(Refused):
        write(WANTED, prove=prove)
    assert contents(books) == THERE
    assert not (books / "c").exists()


def test_a_file_that_cannot_be_written_leaves_none_behind(books):
    (books / "c").write_text("not a directory")
    with (
        pytest.raises((ReconcilerError, OSError)),
        replaced({books / "a.yaml": "n", books / "c/d.yaml": "d"}),
    ):
        raise AssertionError
    assert contents(books) == {**THERE, "c": "not a directory"}


@pytest.mark.parametrize("name", ["../x.yaml", ".x.yaml", ".d/x.yaml", "x.txt"])
def test_a_file_that_the_workspace_does_not_read_is_refused(write, name):
    with pytest.raises(UsageError):
        write({name: "x"})


def test_an_existing_file_is_not_new(books):
    with pytest.raises(Refused, match="already exists"):
        require_new(books / "a.yaml")
    require_new(books / "new.yaml")
