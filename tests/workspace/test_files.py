"""Which files of a workspace are read, and that none is passed over in silence."""

import os
import socket
import traceback

import pytest

from reconciler.core.model.finding import Severity
from reconciler.workspace import load
from reconciler.workspace.files import MAX_FILE_BYTES, FoundFile, find, read_file


def paths(root):
    return [found.path for found in find(root)[0]]


def told(root):
    return [(problem.path, problem.rule) for problem in sorted(find(root)[1])]


def write(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a: 1\n")


def test_yaml_files_are_found_recursively_and_sorted(tmp_path):
    write(tmp_path, "b.yml", "a/z.yaml", "a/b/c.yaml", "a.yaml", "Zebra.yaml", "readme.md")
    assert paths(tmp_path) == ["Zebra.yaml", "a.yaml", "a/b/c.yaml", "a/z.yaml", "b.yml"]
    assert told(tmp_path) == []


def test_git_and_the_daybook_are_none_of_its_business(tmp_path):
    write(tmp_path, ".git/a.yaml", ".git/HEAD", ".git/objects/a", ".git/config")
    write(tmp_path, ".reconciler/b.yaml", ".venv/src/.git/HEAD", ".venv/src/.git/objects/a")
    assert (paths(tmp_path), told(tmp_path)) == ([], [])


@pytest.mark.parametrize(
    ("names", "place"),
    [
        (["HEAD", "objects/a", "refs/a"], "."),
        (["sub/HEAD", "sub/objects/a", "sub/config"], "sub"),
        (["sub/head", "sub/Objects/a", "sub/commondir"], "sub"),
        ([".sub/deep/HEAD", ".sub/deep/objects/a", ".sub/deep/config"], ".sub"),
        ([".reconciler/HEAD", ".reconciler/objects/a", ".reconciler/config"], ".reconciler"),
        (["sub/.git/a"], "sub/.git"),
        (["sub/.git"], "sub/.git"),
        ([".GIT/a"], ".GIT"),
    ],
)
def test_a_repository_inside_the_workspace_is_refused(tmp_path, names, place):
    write(tmp_path, *names)
    assert told(tmp_path) == [(place, "file-repository")]


@pytest.mark.parametrize(
    "name",
    [
        "a.YAML",
        "a.Yml",
        "a.yaml.bak",
        "a.yaml~",
        "a.yml.orig",
        "a.yaml.txt",
        "a.yaml.j2",
        ".a.yaml",
        ".a.yml.swp",
        "sub/.hidden.yaml",
    ],
)
def test_what_looks_like_yaml_is_named(tmp_path, name):
    write(tmp_path, name)
    assert paths(tmp_path) == []
    assert told(tmp_path) == [(name, "file-ignored")]
    assert find(tmp_path)[1][0].severity is Severity.WARNING


@pytest.mark.parametrize("name", ["yaml", "a.yamlish", "a.txt", "ayaml", ".yamllint"])
def test_what_does_not_look_like_yaml_is_left_alone(tmp_path, name):
    write(tmp_path, name)
    assert (paths(tmp_path), told(tmp_path)) == ([], [])


def test_a_hidden_directory_with_yaml_is_named_once(tmp_path):
    write(tmp_path, ".old/deep/a.yaml", ".old/b.yaml", ".empty/readme.md")
    assert (paths(tmp_path), told(tmp_path)) == ([], [(".old", "file-ignored")])


def test_a_link_to_a_file_inside_is_read(tmp_path):
    write(tmp_path, "sub/real.txt")
    (tmp_path / "link.yaml").symlink_to("sub/real.txt")
    (found,), problems = find(tmp_path)
    assert problems == ()
    assert (found.path, read_file(found)) == ("link.yaml", (b"a: 1\n", None))


@pytest.mark.parametrize(
    ("name", "target"),
    [
        pytest.param("a.yaml", "/etc/hostname", id="to a file outside"),
        pytest.param("a.yaml", "../outside.yaml", id="relatively outside"),
        pytest.param("a.yaml", ".git/config", id="into the repository's own files"),
        pytest.param("a.yaml", "missing.yaml", id="to nowhere"),
        pytest.param("entries", "missing", id="to nowhere, with any name"),
        pytest.param("a.yaml", "a.yaml", id="to itself"),
        pytest.param("loop", ".", id="to the workspace"),
        pytest.param("entries", "/etc", id="to a directory outside"),
        pytest.param("entries", "sub", id="to a directory inside"),
    ],
)
def test_any_other_link_is_a_problem(tmp_path, name, target):
    root = tmp_path / "books"
    write(root, ".git/config", "sub/b.yaml")
    (tmp_path / "outside.yaml").write_text("a: 1\n")
    (root / name).symlink_to(target)
    assert paths(root) == ["sub/b.yaml"]
    assert told(root) == [(name, "file-link")]


def test_links_in_a_circle_end(tmp_path):
    (tmp_path / "a.yaml").symlink_to("b.yaml")
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    assert told(tmp_path) == [("a.yaml", "file-link"), ("b.yaml", "file-link")]


def test_a_workspace_may_itself_be_a_link(tmp_path):
    write(tmp_path, "books/a.yaml")
    (tmp_path / "link").symlink_to("books")
    assert paths(tmp_path / "link") == ["a.yaml"]


def test_a_directory_named_like_a_file_is_called_one(tmp_path):
    write(tmp_path, "d.yaml/inside.yaml")
    found, (problem,) = find(tmp_path)
    assert (found, problem.path, problem.rule) == ((), "d.yaml", "file-special")
    assert "directory" in problem.message
    assert "Rename it" in problem.remedy


def test_pipes_and_sockets_are_not_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "link.yaml").symlink_to("pipe.yaml")
    monkeypatch.chdir(tmp_path)  # A path of a socket is short.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yaml")
        assert told(tmp_path) == [
            (name, "file-special") for name in ("link.yaml", "pipe.yaml", "socket.yaml")
        ]
    assert read_file(FoundFile("p.yaml", str(tmp_path / "pipe.yaml")))[1].rule == "file-special"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param(b"a\n.yaml", "a\\n.yaml", id="line feed"),
        pytest.param(b"a\x1b[2K.yaml", "a\\x1b[2K.yaml", id="escape"),
        pytest.param("a\u202e.yaml".encode(), "a\\u202e.yaml", id="turned text"),
        pytest.param(b"a\xff.yaml", "a\\udcff.yaml", id="no UTF-8"),
        pytest.param(b"sub\t", "sub\\t", id="directory"),
    ],
)
def test_names_that_can_forge_output_are_refused_and_escaped(tmp_path, name, shown):
    path = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118  # pathlib takes no bytes.
    os.makedirs(path) if name.startswith(b"sub") else os.close(os.open(path, os.O_CREAT))  # noqa: PTH103
    assert (paths(tmp_path), told(tmp_path)) == ([], [(shown, "file-name")])


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        pytest.param(b"", "file-empty", id="empty"),
        pytest.param(b" \n\t\n", "file-empty", id="blank"),
        pytest.param(b"#" * (MAX_FILE_BYTES + 1), "file-size", id="too large"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "file-lfs-pointer", id="LFS"),
        pytest.param(b"a: 1\n<<<<<<< HEAD\n", "file-conflict", id="conflict"),
        pytest.param(b"a: 1\n>>>>>>> theirs\n", "file-conflict", id="rest of a conflict"),
    ],
)
def test_content_that_cannot_be_meant(tmp_path, content, rule):
    (tmp_path / "a.yaml").write_bytes(content)
    assert read_file(find(tmp_path)[0][0])[1].rule == rule


@pytest.mark.parametrize(
    "content", [b"#" * MAX_FILE_BYTES, b"a: <<<<<<< b\n", b"a: |\n  <<<<<<<\n"]
)
def test_content_that_only_resembles_it(tmp_path, content):
    (tmp_path / "a.yaml").write_bytes(content)
    assert read_file(find(tmp_path)[0][0]) == (content, None)


def test_a_file_that_vanished_is_a_problem(tmp_path):
    write(tmp_path, "a.yaml")
    (found,), _ = find(tmp_path)
    (tmp_path / "a.yaml").unlink()
    assert read_file(found)[1].rule == "file-unreadable"


def without_privileges(check):
    """Run the check as somebody permissions apply to; they do not apply to root."""
    if os.geteuid():
        check()
        return
    child = os.fork()
    if not child:
        try:
            os.setuid(65534)
            check()
        except BaseException:  # noqa: BLE001  # The child must not return into pytest.
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def open_tmp_path(tmp_path):
    """A temporary directory that every account may enter."""
    for directory in (tmp_path, *list(tmp_path.parents)[:3]):
        if directory.stat().st_uid == os.geteuid() and directory.name:
            directory.chmod(directory.stat().st_mode | 0o055)
    return tmp_path


def test_what_permissions_hide_is_a_problem(open_tmp_path):
    write(open_tmp_path, "a.yaml", "sub/b.yaml", "c.yaml")
    (open_tmp_path / "a.yaml").chmod(0)
    (open_tmp_path / "sub").chmod(0)

    def check():
        assert told(open_tmp_path) == [("sub", "file-unreadable")]
        unreadable, readable = (read_file(found)[1] for found in find(open_tmp_path)[0])
        assert (unreadable.rule, readable) == ("file-unreadable", None)

    try:
        without_privileges(check)
    finally:
        (open_tmp_path / "sub").chmod(0o700)


def test_i20_b19_a_file_that_cannot_be_read_is_an_error_of_the_whole_workspace(open_tmp_path):
    write(open_tmp_path, "a.yaml")
    (open_tmp_path / "reconciler.yaml").write_text(
        "apiVersion: journal.reconciler/v1\nkind: Workspace\nmetadata: {name: books}\n"
    )
    # The schemas are read now: without privileges the checkout may be out of reach.
    assert [problem.rule for problem in load(open_tmp_path).problems] == ["document-shape"]
    (open_tmp_path / "a.yaml").chmod(0)

    def check():
        (problem,) = load(open_tmp_path).problems
        told = (problem.path, problem.rule, problem.severity)
        assert told == ("a.yaml", "file-unreadable", Severity.ERROR)

    without_privileges(check)
