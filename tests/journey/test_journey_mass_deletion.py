"""Files that go missing are an accident until somebody says otherwise, with a number (I-21)."""

import shutil

import pytest
from books_harness import SMALL, Books


def lfs_pointer(books: Books) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 300\n"
    books.write("entry-00.yaml", pointer.format("0" * 64))


def a_directory(books: Books) -> None:
    books.remove("entry-00")
    (books.root / "entry-00.yaml").mkdir()


def a_dangling_link(books: Books) -> None:
    books.remove("entry-00")
    (books.root / "entry-00.yaml").symlink_to("nowhere.yaml")


def a_link_outside(books: Books) -> None:
    outside = books.root.parent / "outside.yaml"
    shutil.move(books.root / "entry-00.yaml", outside)
    (books.root / "entry-00.yaml").symlink_to(outside)


UNREADABLE = {
    "an empty file": lambda books: books.write("entry-00.yaml", ""),
    "only comments": lambda books: books.write("entry-00.yaml", "# nothing\n"),
    "cut in the middle": lambda books: books.write(
        "entry-00.yaml", (books.root / "entry-00.yaml").read_text()[:150]
    ),
    "not UTF-8": lambda books: books.write("entry-00.yaml", b"kind: \xff\xfe\n"),
    "zeros": lambda books: books.write("entry-00.yaml", b"\0" * 512),
    "merge conflict": lambda books: books.write(
        "entry-00.yaml", "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> theirs\n"
    ),
    "LFS pointer": lfs_pointer,
    "a directory": a_directory,
    "a dangling link": a_dangling_link,
    "a link to the outside": a_link_outside,
    "a list": lambda books: books.write("entry-00.yaml", "- 1\n- 2\n"),
    "null": lambda books: books.write("entry-00.yaml", "null\n"),
    "another kind": lambda books: books.edit(
        "entry-00.yaml", "kind: JournalEntry", "kind: JournalEntyr"
    ),
    "no reconciler.yaml": lambda books: (books.root / "reconciler.yaml").unlink(),
    "an empty reconciler.yaml": lambda books: books.write("reconciler.yaml", ""),
}


@pytest.mark.parametrize("spoil", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_no_removal(small, spoil):
    before = small.content()
    spoil(small)
    for ended in (small.plan(), small.apply(), small.apply("--max-removals", "6")):
        assert ended.code == 3, ended.said
        assert "error[" in ended.err
        assert "remove" not in ended.out
    assert small.content() == before


@pytest.mark.parametrize("kept", [2, 1], ids=["four of six", "five of six"])
def test_too_many_removals_are_refused_until_their_number_is_named(small, kept):
    gone = SMALL[kept:]
    small.remove(*gone)
    before = small.content()
    for ended in (small.plan(), small.apply(), small.apply("--max-removals", len(gone) - 1)):
        assert ended.code == 4
        assert f"too-many-removals: {len(gone)} of 6 recorded entries" in ended.out
        assert f"--max-removals {len(gone)}." in ended.out
    assert small.content() == before

    assert small.plan("--max-removals", len(gone)).code == 0
    assert small.apply("--max-removals", len(gone)).code == 0
    assert set(small.posted()) == set(SMALL[:kept])


def test_three_removals_need_no_word(small):
    small.remove(*SMALL[:3])
    small.applied()
    assert set(small.posted()) == set(SMALL[3:])


def test_removing_every_entry_is_refused_until_the_number_is_named(small):
    small.remove(*SMALL)
    before = small.content()
    for ended in (small.plan(), small.apply(), small.apply("--max-removals", "5")):
        assert ended.code == 4
        assert "6" in ended.out
        assert "--max-removals 6." in ended.out
    assert small.content() == before
    assert small.apply("--max-removals", "6").code == 0
    assert small.posted() == {}


def test_the_last_few_entries_are_every_entry_too(empty):
    for name in SMALL[:2]:
        empty.declare(name, notes=name)
    empty.applied()
    empty.remove(*SMALL[:2])
    ended = empty.apply()
    assert ended.code == 4
    assert "all-entries-removed: none of 2 recorded entries is declared" in ended.out
    assert len(empty.posted()) == 2
    assert empty.apply("--max-removals", "2").code == 0
    assert empty.posted() == {}


@pytest.mark.parametrize("where", ["elsewhere", "missing"])
def test_another_directory_is_not_an_empty_workspace(small, tmp_path, where):
    directory = tmp_path / where
    if where == "elsewhere":
        directory.mkdir()
    ended = Books(directory).apply()
    assert ended.code == 3
    assert "workspace-file" in ended.err
    assert not (directory / ".reconciler").exists()


def test_files_with_other_endings_are_named(small):
    for name in SMALL[:3]:
        (small.root / f"{name}.yaml").rename(small.root / f"{name}.yaml.bak")
    ended = small.run("validate")
    assert ended.out.count("file-ignored") == 3


def test_a_policy_may_allow_more_once_it_was_applied(small):
    small.settings(spec="{policy: {limits: {removals: 4}}}")
    small.applied()
    small.remove(*SMALL[:4])
    assert small.plan().code == 0
    small.remove(SMALL[4])
    ended = small.plan()
    assert ended.code == 4
    assert "the limit is 4" in ended.out


def test_a_change_cannot_raise_the_limit_that_it_exceeds(small):
    small.settings(spec="{policy: {limits: {removals: 4}}}")
    small.remove(*SMALL[:4])
    ended = small.apply()
    assert ended.code == 4
    assert "4 of 6 recorded entries would be removed; the limit is 3" in ended.out
    assert "raise policy.limits.removals in a separate change" in ended.out
    assert "the policy changed since the last apply (limits.removals). Until" in ended.said
    assert len(small.posted()) == 6


def test_a_limit_on_money_stops_the_whole_plan(small):
    small.settings(spec="{policy: {limits: {money: {USD: 400.90}}}}")
    small.declare("one-more")
    assert small.plan().code == 0
    small.declare("too-many")
    ended = small.apply()
    assert ended.code == 4
    assert "money-limit: USD 801.80 would be posted or cancelled; the limit is 400.90" in ended.out
    assert len(small.posted()) == 6
