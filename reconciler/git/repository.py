"""Reads the repository of a workspace with git. Nothing in it is executed or changed."""

import hashlib
import os
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.core.model.review import Written
from reconciler.errors import ReconcilerError
from reconciler.git.discovery import Place, execute, find_repository, of, trust

READ = (".yaml", ".yml", ".json")
"""Suffixes of files that a workspace reads."""

STATE = ".reconciler"
"""The name of the state directory of a workspace, which git ignores."""

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_LINK, _SUBMODULE = "120000", "160000"


class Repository:
    """The repository around a directory.

    Commits are read in an empty repository beside the real one, which has only the objects in
    common with it. So no configuration, attributes, hooks, replacements or remotes take effect.
    """

    def __init__(self, directory: Path, place: Place) -> None:
        self._place = place
        self.directory = directory.resolve()
        self.prefix = self.directory.relative_to(place.top).as_posix()
        """The path of the directory in the repository, `.` for its top."""

    @classmethod
    def around(cls, directory: Path) -> "Repository | None":
        """The repository of a directory; None without one. Raises RepositoryRefused."""
        place = find_repository(directory)
        return None if place is None else cls(directory, place)

    def head(self) -> str | None:
        """The commit that was checked out when this was opened; None before the first one."""
        return self._place.head or None

    def tags_at(self, commit: str) -> Iterator[tuple[str, str]]:
        """The tag objects that name a commit, each with the name of the tag."""
        listed = self._run_there(
            "for-each-ref",
            f"--points-at={commit}",
            "--format=%(objecttype) %(objectname) %(refname:strip=2)",
            "refs/tags",
        )
        for row in _checked(listed, "for-each-ref").splitlines():
            sort, tag, name = row.split(" ", 2)
            if sort == "tag":
                yield tag, name

    def tracked(self, *names: str) -> set[str]:
        """Those of these files of the directory that the index has."""
        paths = {self.path_of(name): name for name in names}
        listed = _checked(self._run_there("ls-files", "-z", "--", *paths), "ls-files")
        return {paths[path] for path in listed.split("\0") if path in paths}

    def left_out(self) -> Iterator[str]:
        """Files of the index that git keeps out of the work tree, as a sparse checkout does."""
        listed = self._run_there("ls-files", "-z", "-t", "--", self.prefix)
        for row in filter(None, _checked(listed, "ls-files").split("\0")):
            tag, _, path = row.partition(" ")
            name = path if self.prefix == "." else path.removeprefix(f"{self.prefix}/")
            if tag == "S" and not os.path.lexists(self.directory / name):
                yield name

    def changed(self) -> tuple[str, ...]:
        """Files below the directory that differ from the commit, whatever the index says.

        Files that the commit lacks count if a workspace reads them, or if git does not ignore
        them. State directories are left out.
        """
        kept = {
            path: about
            for path, about in self.files("HEAD").items()
            if STATE not in path.split("/")
        }
        there = set(self._files_there())
        differing = {
            path
            for path, (mode, blob) in kept.items()
            if mode != _SUBMODULE and not (path in there and self._holds(path, mode, blob))
        }
        added = there - kept.keys()
        unread = {path for path in added if not path.endswith(READ)}
        found = sorted(differing | (added - self._ignored(unread)))
        return tuple(path.encode(errors="backslashreplace").decode() for path in found)

    def files(self, commit: str) -> dict[str, tuple[str, str]]:
        """The mode and the object of each file of the directory in a commit."""
        commit = (self.head() or "") if commit == "HEAD" else commit
        return self.files_below(commit, self.prefix)

    def files_below(self, commit: str, folder: str) -> dict[str, tuple[str, str]]:
        """The same for a folder of the repository, `.` for its top; paths begin at the folder."""
        found = {}
        listed = self._run_alone("ls-tree", "-r", "-z", commit, "--", folder)
        for row in filter(None, _checked(listed, "ls-tree").split("\0")):
            about, _, path = row.partition("\t")
            mode, _, name = about.split(" ")
            path = path if folder == "." else path.removeprefix(f"{folder}/")
            found[path] = mode, name
        return found

    def commits(self, *asked: str) -> Iterator[tuple[Written, list[str]]]:
        """The commits that `git log` lists with these arguments, each with its parents."""
        # No field holds the character that ends each of them.
        form = "--format=%H%x00%P%x00%ae%x00%ce%x00%B"
        fields = iter(self.run_checked("log", "-z", form, *asked).split("\0"))
        for commit, parents, author, committer, text in zip(*[fields] * 5, strict=False):
            made = Written(commit=commit, author=author, committer=committer, message=text)
            yield made, parents.split()

    def parents(self, commit: str) -> tuple[str, ...]:
        """The parents of a commit, as far as the checkout has them."""
        return tuple(self.run_checked("rev-parse", f"{commit}^@").split())

    def has(self, commit: str) -> bool:
        """Whether the checkout has a commit."""
        return commit == self.head() or self.run("cat-file", "-e", f"{commit}^{{commit}}")[0] == 0

    def known(self, commits: Iterable[str]) -> dict[str, None]:
        """Those of these commits that the checkout has, in order."""
        asked = "".join(f"{one}\n" for one in commits)
        listed = self.run_checked("cat-file", "--batch-check", data=asked.encode())
        rows = (row.split(" ") for row in listed.splitlines())
        return {commit: None for commit, sort, *_ in rows if sort == "commit"}

    def commit_of(self, revision: str) -> str:
        """The commit that a name, a hash or another revision leads to; empty if there is none."""
        asked = ("--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        code, out, _ = self._run_there("rev-parse", *asked)
        return out.strip() if code == 0 and _COMMIT.fullmatch(out.strip()) else ""

    def fork_of(self, commit: str, other: str) -> str:
        """The last commit that two histories have in common; empty if there is none."""
        code, out, _ = self.run("merge-base", commit, other)
        return out.strip() if code == 0 else ""

    def contains(self, commit: str, other: str) -> bool:
        """Whether the history of a commit has another one, or is that one."""
        return self.run("merge-base", "--is-ancestor", other, commit)[0] == 0

    def is_shallow(self) -> bool:
        """Whether the checkout has only a part of the history."""
        return self._place.shallow

    def on_the_branch(self, path: str, *, since: str, until: str) -> tuple[str, ...]:
        """The commits after another one that changed a path, each after its first parent."""
        span = f"{since}..{until}" if since else until
        return tuple(self.run_checked("rev-list", "--first-parent", span, "--", path).split())

    def states_of(self, name: str, until: str) -> Iterator[tuple[str, str]]:
        """The commits of the branch that wrote files of a name anywhere, with their paths."""
        form = ("--format=%x01%H", "--name-only", "--no-renames", "--diff-filter=d", "-z")
        asked = ("--first-parent", "-m", *form, until, "--", f":(glob)**/{name}")
        listed = _checked(self.run("--no-literal-pathspecs", "log", *asked), "log")
        commit = ""
        for token in filter(None, listed.split("\0")):
            if token.startswith("\x01") and _COMMIT.fullmatch(token[1:]):
                commit = token[1:]
            else:
                yield commit, token.removeprefix("\n")

    def path_of(self, name: str) -> str:
        """The path in the repository of a file of the directory."""
        return posixpath.normpath(name if self.prefix == "." else f"{self.prefix}/{name}")

    def contents(self, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """The contents of files in commits, by commit and path in the repository.

        Links are followed inside the commit. What is not there is left out.
        """
        asked = [place for place in places if "\n" not in place[1]]
        data = os.fsencode("".join(f"{commit}:{path}\n" for commit, path in asked))
        read = self._run_alone("cat-file", "--batch", "--follow-symlinks", data=data)
        rest, found = os.fsencode(_checked(read, "cat-file")), {}
        for place in asked:
            header, _, rest = rest.partition(b"\n")
            *about, size = header.split(b" ")
            if not size.isdigit():
                continue
            if about[1:] == [b"blob"]:
                found[place] = rest[: int(size)]
            rest = rest[int(size) + 1 :]
        return found

    def _files_there(self) -> Iterator[str]:
        for folder, directories, names in os.walk(self.directory):
            here = Path(folder).relative_to(self.directory)
            links = [name for name in directories if (Path(folder) / name).is_symlink()]
            left_out = {STATE, *links, *([".git"] if folder == str(self.directory) else ())}
            directories[:] = [name for name in directories if name not in left_out]
            for name in (*names, *links):
                if name not in (".git", STATE):
                    yield (here / name).as_posix()

    def _holds(self, path: str, mode: str, blob: str) -> bool:
        """Whether a file has the content of an object, before any filter of git."""
        file = self.directory / path
        try:
            status = file.lstat()
            if stat.S_ISLNK(status.st_mode):
                return mode == _LINK and self._hash(os.fsencode(file.readlink())) == blob
            if mode == _LINK or not stat.S_ISREG(status.st_mode):
                return False
            data = file.read_bytes()
        except OSError:
            return False
        # A checkout may write other line ends, which mean the same to every reader here.
        return blob in (self._hash(data), self._hash(data.replace(b"\r\n", b"\n")))

    def _hash(self, data: bytes) -> str:
        made = hashlib.new(self._place.object_format, usedforsecurity=False)
        made.update(b"blob %d\0" % len(data))
        made.update(data)
        return made.hexdigest()

    def _ignored(self, paths: Iterable[str]) -> set[str]:
        """Those of the paths that git ignores."""
        top, named = self._place.top, {}
        for path in paths:
            named["./" + (self.directory / path).relative_to(top).as_posix()] = path
        if not named:
            return set()
        data = os.fsencode("\0".join(named))
        # This command alone takes no literal pathspecs. After "./" none is anything else.
        plain = trust() | {"GIT_LITERAL_PATHSPECS": "0"}
        asked = ("check-ignore", "-z", "--stdin", "--no-index")
        found = execute((*of(self._place), *asked), cwd=top, variables=plain, data=data)
        if found[0] == 1:
            return set()
        return {named[path] for path in _checked(found, asked[0]).split("\0") if path}

    def run_checked(self, *arguments: str, data: bytes = b"") -> str:
        """The output of a git command. Raises ReconcilerError when it fails."""
        return _checked(self.run(*arguments, data=data), arguments[0])

    def run(self, *arguments: str, data: bytes = b"") -> tuple[int, str, str]:
        """The exit code, the output and the error output of a git command about commits."""
        code, out, err = self._run_alone(*arguments, data=data)
        return code, out.encode(errors="surrogateescape").decode(errors="replace"), err

    def _run_alone(self, *arguments: str, data: bytes = b"") -> tuple[int, str, str]:
        with TemporaryDirectory(prefix="reconciler-git-") as folder:
            clean = Path(folder)
            self._make(clean)
            alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
            words = (f"--git-dir={clean}", *arguments)
            return execute(words, cwd=clean, variables=alone, data=data)

    def _make(self, clean: Path) -> None:
        """An empty repository without work tree that sees the objects of this one."""
        (clean / "objects" / "info").mkdir(parents=True)
        (clean / "refs").mkdir()
        (clean / "HEAD").write_text("ref: refs/heads/none\n", encoding="utf-8")
        (clean / "config").write_text(
            "[core]\n\trepositoryFormatVersion = 1\n\tbare = true\n\tcommitGraph = false\n"
            f"[extensions]\n\tobjectFormat = {self._place.object_format}\n",
            encoding="utf-8",
        )
        objects = os.fsencode(self._place.common_dir / "objects")
        (clean / "objects" / "info" / "alternates").write_bytes(objects + b"\n")
        shallow = self._place.common_dir / "shallow"
        if shallow.is_file():
            (clean / "shallow").write_bytes(shallow.read_bytes())

    def _run_there(self, *arguments: str) -> tuple[int, str, str]:
        """git in the repository itself: for its references, its index and what it ignores."""
        return execute((*of(self._place), *arguments), cwd=self._place.top, variables=trust())


def _checked(ended: tuple[int, str, str], verb: str) -> str:
    code, out, err = ended
    if code != 0:
        reason = (err.strip().splitlines() or [f"exit {code}"])[-1]
        raise ReconcilerError(
            f"git {verb} failed: {reason[:200]}",
            remedy="Check out the complete history, for example with fetch-depth: 0.",
        )
    return out
