"""Git in content that nobody approved: it runs no program of it, and reads only what git keeps."""

import os
import shutil
import subprocess

import pytest
from books_harness import process
from checkouts import PEOPLE, Checkout

from reconciler.git.approvals import is_clean_merge, review_of
from reconciler.git.discovery import RepositoryRefused
from reconciler.git.repository import Repository
from reconciler.git.unapplied import unapplied

POLICY = "{policy: {approvals: {tiers: [{required: 1}], evidence: git}}}"
SECRET = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def nobodys_git(monkeypatch, plain_environment):
    for name in os.environ:
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("RECONCILER_PLAN_KEY", SECRET)


@pytest.fixture
def checkout(empty):
    """A change that somebody else merged, with an approval that only git records."""
    empty.settings(spec=POLICY)
    checkout = Checkout(empty)
    checkout.branch("change")
    empty.declare("accrual")
    checkout.commit("Accrue")
    checkout.merge("change", message="Merge\n\nReviewed-by: Alice <alice@example.com>")
    return checkout


class Trap:
    """A program that says that it ran, and what secret it saw."""

    def __init__(self, folder):
        self.trace = folder / "ran"
        self.program = folder / "trap"
        self.program.write_text(
            f'#!/bin/sh\necho "$0 $RECONCILER_PLAN_KEY" >> {self.trace}\n'
            'case "$*" in *nowhere*) exit 1 ;; esac\ncat 2>/dev/null || true\n'
        )
        self.program.chmod(0o755)

    @property
    def sprung(self):
        found = self.trace.exists()
        self.trace.unlink(missing_ok=True)
        return found


def by_hand(command, folder):
    """What somebody types, whatever comes of it."""
    quiet = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": 60}
    subprocess.run(command, cwd=folder, check=False, **quiet)


@pytest.fixture
def trap(tmp_path):
    return Trap(tmp_path)


def attributes(line):
    def plant(checkout, _trap):
        checkout.git("switch", "--quiet", "--create", "attributes", "change")
        checkout.books.write(".gitattributes", line)
        checkout.commit("Attributes")
        checkout.merge("attributes", message="Merge\n\nReviewed-by: Alice <alice@example.com>")

    return plant


def configured(*names, value="{}"):
    def plant(checkout, trap):
        for name in names:
            checkout.git("config", name, value.format(trap.program))

    return plant


def both(*plants):
    def plant(checkout, trap):
        for one in plants:
            one(checkout, trap)

    return plant


def hooks(checkout, trap):
    folder = checkout.books.root / ".git" / "hooks"
    folder.mkdir(exist_ok=True)
    for name in ("post-index-change", "pre-auto-gc", "reference-transaction", "post-checkout"):
        shutil.copy(trap.program, folder / name)


def included(checkout, trap):
    file = trap.program.with_name("more")
    file.write_text(f"[core]\n\tfsmonitor = {trap.program}\n[pager]\n\tlog = {trap.program}\n")
    checkout.git("config", "include.path", str(file))


def missing_objects(checkout, trap):
    """A partial clone: what is missing is fetched by the program that the configuration names."""
    configured("core.sshCommand", "credential.helper", value="{}")(checkout, trap)
    for name, value in {
        "remote.origin.url": "ssh://nowhere.invalid/books",
        "remote.origin.promisor": "true",
        "remote.origin.partialclonefilter": "blob:none",
        "extensions.partialClone": "origin",
    }.items():
        checkout.git("config", name, value)
    tree = checkout.git("rev-parse", "HEAD:accrual.yaml")
    (checkout.books.root / ".git" / "objects" / tree[:2] / tree[2:]).unlink()


ATTACKS = {
    "a clean filter": (
        both(attributes("* filter=evil\n"), configured("filter.evil.clean")),
        ("git", "hash-object", "--path=accrual.yaml", "accrual.yaml"),
    ),
    "a smudge filter": (
        both(attributes("* filter=evil\n"), configured("filter.evil.smudge")),
        ("git", "cat-file", "--filters", "HEAD:accrual.yaml"),
    ),
    "a filter process": (
        both(attributes("* filter=evil\n"), configured("filter.evil.process")),
        ("git", "hash-object", "--path=accrual.yaml", "accrual.yaml"),
    ),
    "a conversion of text": (
        both(attributes("* diff=evil\n"), configured("diff.evil.textconv")),
        ("git", "log", "--patch", "--", "accrual.yaml"),
    ),
    "an external difference": (configured("diff.external"), ("git", "diff", "HEAD^1")),
    "a merge driver": (
        both(attributes("* merge=evil\n"), configured("merge.evil.driver"), configured(
            "merge.evil.name", value="evil")),
        None,
    ),
    "a file system monitor": (configured("core.fsmonitor"), ("git", "status")),
    "hooks": (hooks, ("git", "checkout", "--quiet", "HEAD")),
    "a folder of hooks": (
        both(hooks, configured("core.hooksPath", value="../hooks")),
        None,
    ),
    "an alias": (
        configured("alias.rev-parse", "alias.nothing", value="!{}"), ("git", "nothing")),
    "an included file": (included, ("git", "status")),
    "a program for signatures": (
        configured("gpg.program", "gpg.ssh.program", "gpg.x509.program"), None),
    "a fetch of missing objects": (
        missing_objects, ("git", "cat-file", "-p", "HEAD:accrual.yaml")),
    "a pager": (configured("core.pager", "pager.log", "pager.show"), None),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_t19_git_runs_no_program_of_the_repository(checkout, trap, name, monkeypatch):
    """The trap is shown to work by git as people run it, where one command is enough."""
    books = checkout.books
    plant, control = ATTACKS[name]
    plant(checkout, trap)
    if control is not None:
        os.utime(books.root / "accrual.yaml")
        by_hand(control, books.root)
        assert trap.sprung, "the trap does not work"
    os.utime(books.root / "accrual.yaml")
    saved = trap.trace.with_name("plan.json")
    planned = books.plan("--out", saved)
    assert planned.code == 0, planned.said
    assert checkout.git("rev-parse", "HEAD") in saved.read_text()
    trap.trace.unlink(missing_ok=True)
    applied = books.apply()
    if name != "a fetch of missing objects":
        assert applied.code == 0, applied.said
    assert not trap.sprung


def test_t19_a_repository_hidden_in_the_workspace_runs_nothing(tmp_path, empty, trap):
    """By the real command line, with the key that the filter wants in the environment."""
    books = empty
    checkout = Checkout(books)
    journals = books.root / "journals"
    for file in ("reconciler.yaml", "reference.yaml"):
        journals.mkdir(exist_ok=True)
        (books.root / file).rename(journals / file)
    for path in ("objects", "refs"):
        books.write(f"journals/{path}/kept", "kept")
    books.write("journals/HEAD", "ref: refs/heads/main\n")
    books.write(
        "journals/config",
        f"[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n"
        f'\tfsmonitor = {trap.program}\n[filter "evil"]\n\tclean = {trap.program}\n',
    )
    books.write("journals/.gitattributes", "* filter=evil\n")
    checkout.commit("Hide")
    by_hand(["git", "status"], journals)
    assert trap.sprung, "the trap does not work"
    ended = process("plan", "-w", journals, "--out", tmp_path / "plan.json", env={
        "RECONCILER_PLAN_KEY": SECRET})  # fmt: skip
    assert ended.code == 3, ended.said
    assert "file-repository" in ended.said
    assert not trap.sprung
    # And if the workspace did not refuse it, git would not see it.
    found = Repository.around(journals)
    head = checkout.git("rev-parse", "HEAD")
    assert (found.head(), found.commit_of("HEAD")) == (head, head)
    assert found.tracked("reconciler.yaml") == {"reconciler.yaml"}
    assert found.changed() == ()
    assert not trap.sprung


def test_t19_replaced_commits_and_grafts_do_not_change_the_authors(checkout):
    root = checkout.books.root
    head = checkout.git("rev-parse", "HEAD")
    first, merged = checkout.git("rev-parse", "HEAD^1", "HEAD^2").split()
    forged = checkout.git("commit-tree", f"{merged}^{{tree}}", "-p", first, "-m", "x", author="bob")
    checkout.git("replace", merged, forged)
    (root / ".git" / "info" / "grafts").write_text(f"{head} {first}\n")
    repository = Repository.around(root)
    review = review_of(repository, head, signers=None)
    assert PEOPLE["mallory"] in review.authors
    written = unapplied(repository, head, first).written
    assert PEOPLE["mallory"] in {one.author for one in written}


def test_t19_a_merge_is_judged_without_the_attributes_of_the_change(checkout):
    """`merge=union` takes the lines of both sides, where a forge sees a conflict."""
    books = checkout.books
    checkout.branch("one")
    books.write(".gitattributes", "* merge=union\n")
    books.declare("accrual", notes="One")
    checkout.commit("One")
    checkout.git("switch", "--quiet", "main")
    books.write(".gitattributes", "* merge=union\n")
    books.declare("accrual", notes="Two")
    checkout.commit("Two", author="bob")
    merge = checkout.merge("one")
    parents = checkout.git("rev-parse", f"{merge}^@").split()
    assert not is_clean_merge(Repository.around(books.root), merge, parents)


@pytest.mark.parametrize(
    "hidden", ["skip-worktree", "assume-unchanged", "the time of the file", "a filter"]
)
def test_t19_the_files_are_compared_and_not_what_the_index_says(checkout, trap, hidden):
    books = checkout.books
    file = books.root / "accrual.yaml"
    before, status = file.read_text(), file.stat()
    if hidden == "a filter":
        (books.root / ".git" / "info" / "attributes").write_text("*.yaml filter=same\n")
        checkout.git("config", "filter.same.clean", f"printf '%s' '{before}'")
    elif hidden != "the time of the file":
        checkout.git("update-index", f"--{hidden}", "accrual.yaml")
    else:
        checkout.git("config", "core.trustctime", "false")
        checkout.git("update-index", "--really-refresh")
    file.write_text(before.replace("400.90", "400.91"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert Repository.around(books.root).changed() == ("accrual.yaml",)


@pytest.mark.parametrize("hidden", ["a sparse checkout", "a flag in the index"])
def test_t19_a_file_that_git_keeps_out_of_the_work_tree_is_not_removed(empty, hidden):
    """The remedy is followed to the letter."""
    books, checkout = empty, Checkout(empty)
    books.declare("accrual")
    file = books.declare("other")
    checkout.commit("Two")
    books.applied()
    if hidden == "a sparse checkout":
        checkout.git("sparse-checkout", "set", "--no-cone", "/*", "!/other.yaml")
    else:
        checkout.git("update-index", "--skip-worktree", "other.yaml")
        file.unlink()
    assert not file.exists()
    for ended in (books.plan(), books.plan("--offline"), books.apply()):
        said = " ".join(ended.said.split())
        assert ended.code == 4
        assert "files-left-out: 1 entry would be removed, but may be declared in files" in said
        assert "git keeps out of the work tree: other.yaml To fix: " in said
    assert "To fix: Run `git sparse-checkout disable`, and plan again." in said
    checkout.git("sparse-checkout", "disable")
    assert books.plan("--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    "kind",
    ["a linked work tree", "a linked work tree of an inner one", "a submodule", "a top further up"],
)
def test_t19_the_repository_of_a_usual_checkout_is_found(checkout, tmp_path, kind):
    root = there = checkout.books.root
    if kind.startswith("a linked work tree"):
        if kind.endswith("inner one"):
            subprocess.run(["git", "init", "--quiet", root.parent], check=True)
        there = tmp_path / "linked"
        checkout.git("worktree", "add", "--quiet", "--detach", str(there))
    elif kind == "a submodule":
        outer = tmp_path / "outer"
        add = (
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            str(root),
            "books",
        )
        for command in (("init", "--quiet"), add):
            subprocess.run(["git", *command], cwd=outer if outer.exists() else outer.mkdir() or
                           outer, check=True, capture_output=True)  # fmt: skip
        there = outer / "books"
    else:
        checkout.books.write("2026/01/more.yaml", "a: 1\n")
        checkout.commit("More")
        there = root / "2026"
    repository = Repository.around(there)
    assert repository.head() == checkout.git("rev-parse", "HEAD")
    assert repository.changed() == ()


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("a file that names a folder of the change", "is a part of another work tree"),
        ("a file that names a repository elsewhere", "does not name"),
        ("a link", "leads to another directory"),
        ("a work tree elsewhere", "work tree"),
        ("a repository inside a tracked folder", "tracks files of"),
        ("nothing that git accepts", "not a git repository"),
    ],
)
def test_t19_a_repository_that_may_be_somebody_elses_is_refused(checkout, tmp_path, kind, says):
    root = checkout.books.root
    other = tmp_path / "other"
    subprocess.run(["git", "init", "--quiet", "--bare", other], check=True)
    there = root / "sub"
    there.mkdir()
    marker = there / ".git"
    if kind == "a file that names a folder of the change":
        shutil.copytree(other, root / "hidden")
        (root / "hidden" / "gitdir").write_text(str(marker))
        subprocess.run(["git", "config", "core.bare", "false"], cwd=root / "hidden", check=True)
        marker.write_text("gitdir: ../hidden\n")
    elif kind == "a file that names a repository elsewhere":
        subprocess.run(["git", "config", "core.bare", "false"], cwd=other, check=True)
        marker.write_text(f"gitdir: {other}\n")
    elif kind == "a link":
        subprocess.run(["git", "config", "core.bare", "false"], cwd=other, check=True)
        marker.symlink_to(other)
    elif kind == "a work tree elsewhere":
        there = root
        checkout.git("config", "core.worktree", str(tmp_path))
    elif kind == "a repository inside a tracked folder":
        checkout.books.write("sub/more.yaml", "a: 1\n")
        checkout.commit("More")
        subprocess.run(["git", "init", "--quiet"], cwd=there, check=True)
    else:
        marker.mkdir()
    with pytest.raises(RepositoryRefused) as refused:
        Repository.around(there)
    assert says in refused.value.message
    assert refused.value.remedy


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to somebody else")
def test_t19_ownership_that_git_refuses_is_told_with_its_reason(checkout, tmp_path, monkeypatch):
    """The remedy is followed to the letter."""
    books = checkout.books
    os.chown(books.root, 12345, 12345)
    for folder, directories, files in os.walk(books.root / ".git"):
        for name in (folder, *(f"{folder}/{name}" for name in (*directories, *files))):
            os.chown(name, 12345, 12345)
    for command in (("apply", "--auto-approve"), ("plan", "--out", tmp_path / "plan.json")):
        ended = books.run(*command)
        assert (ended.code, books.posted()) == (4, {}), ended.said
        assert "detected dubious ownership in repository at" in ended.err
    (remedy,) = {
        word for word in ended.err.replace("\n", " ").split("`") if word.startswith("git config")
    }
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    subprocess.run(remedy.split(), check=True)
    ended = books.run("apply", "--auto-approve")
    assert ended.code == 0, ended.said


def test_t19_git_gets_no_secret(checkout, tmp_path, monkeypatch):
    """The environment of git is a list of what it may have, whatever else there is."""
    seen = tmp_path / "seen"
    real = shutil.which("git")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\nenv >> {seen}\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    for name in ("GITHUB_TOKEN", "PGPASSWORD", "ZUORA_CLIENT_SECRET", "GIT_SSH_COMMAND",
                 "GIT_EXTERNAL_DIFF", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE"):  # fmt: skip
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    for number, (name, value) in enumerate({"http.extraHeader": SECRET,
                                            "safe.directory": "/trusted"}.items()):  # fmt: skip
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    assert Repository.around(checkout.books.root).changed() == ()
    said = seen.read_text()
    assert SECRET not in said
    assert "GIT_CONFIG_VALUE_0=/trusted" in said


def test_a_run_is_about_the_commit_that_it_began_with(checkout):
    """Somebody who checks out another commit meanwhile changes files, not what is recorded."""
    found = Repository.around(checkout.books.root)
    began = checkout.git("rev-parse", "HEAD")
    checkout.books.write("2026/01/more.yaml", "a: 1\n")
    checkout.commit("More")
    assert found.head() == began != checkout.git("rev-parse", "HEAD")
    assert found.changed() == ("2026/01/more.yaml",)


@pytest.mark.parametrize(
    ("words", "removed", "times"),
    [(("validate",), False, 0), (("drift",), False, 0), (("plan",), False, 2),
     (("plan",), True, 3), (("plan", "--offline"), False, 2),
     (("apply", "--auto-approve"), False, 6)],
)  # fmt: skip
def test_a_verb_starts_git_as_often_as_it_has_questions(empty, monkeypatch, words, removed, times):
    checkout = Checkout(empty)
    file, _ = empty.declare("accrual"), empty.declare("other")
    checkout.commit("Accrue")
    empty.applied()
    if removed:
        file.unlink()
    started = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *of, **how: started.append(of) or run(*of, **how))
    assert empty.run(*words).code == 0
    assert len(started) == times
