"""Runs git in the repository of a workspace. Nothing in it is executed or changed."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from reconciler.errors import ReconcilerError

TIMEOUT = 60.0
"""Maximum seconds of a git command."""

_NO_PROGRAMS = (
    # git runs no program that the settings of the repository name.
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.pager=cat"),
    *("-c", "log.showSignature=false"),
)

READ = (".yaml", ".yml", ".json")
"""Suffixes of files that a workspace reads."""

IGNORED = "!!"

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def is_in_repository(directory: Path) -> bool:
    """Whether a directory seems to be in a repository; git is not run."""
    there = directory.resolve()
    return any((folder / ".git").exists() for folder in (there, *there.parents))


class Repository:
    """The repository around a directory."""

    def __init__(self, inside: Path) -> None:
        self._inside = inside

    def head(self) -> str | None:
        """The commit that is checked out, None outside of any repository."""
        code, out, _ = self.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return out.strip() if code == 0 and _COMMIT.fullmatch(out.strip()) else None

    def is_changed(self, *patterns: str) -> bool:
        """Whether files below the directory that match the patterns differ from the commit."""
        status = ("status", "--porcelain", "--untracked-files=all")
        return bool(self.run_checked(*status, "--", *patterns).strip())

    def changed(self, *, except_for: str) -> tuple[str, ...]:
        """Files below the directory that differ from the commit.

        Ignored files are included if a workspace reads them. Directories called `except_for` are
        left out.
        """
        out = self.run_checked(
            "status",
            "--porcelain=v1",
            "-z",
            "--no-renames",
            "--untracked-files=all",
            "--ignored=matching",
            "--",
            ".",
        )
        found = []
        for item in (*out.split("\0"), *self._hidden_changes()):
            state, path = item[:2], item[3:]
            read = path.endswith(("/", *READ)) or state != IGNORED
            if path and read and except_for not in path.split("/"):
                found.append(path)
        return tuple(found)

    def _hidden_changes(self) -> Iterator[str]:
        """Files that the index hides from git, in the format of `status`."""
        for item in self.run_checked("ls-files", "-v", "-z", "--", ".").split("\0"):
            # "ls-files": S is skip-worktree, a lower-case letter is assume-unchanged.
            if item[:1] == "S" or item[:1].islower():
                yield f" M {item[2:]}"

    def run_checked(self, *arguments: str) -> str:
        """The output of a git command. Raises ReconcilerError when it fails."""
        code, out, err = self.run(*arguments)
        if code != 0:
            reason = (err.strip().splitlines() or [f"exit {code}"])[-1]
            raise ReconcilerError(
                f"git {arguments[0]} failed: {reason[:200]}",
                remedy="Check out the complete history, for example with fetch-depth: 0.",
            )
        return out

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, the output and the error output of a git command."""
        # Variables of a calling git or of a hook may name another repository.
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") or name.startswith(("GIT_CONFIG", "GIT_SSL"))
        }
        try:
            ended = subprocess.run(  # noqa: S603 - a list of arguments, and no shell
                ["git", "--no-optional-locks", "--no-replace-objects", *_NO_PROGRAMS, *arguments],  # noqa: S607
                cwd=self._inside,
                env={**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
        except FileNotFoundError as error:
            raise ReconcilerError(
                "git is not installed", remedy="Install git: the policy needs it."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise ReconcilerError(
                f"git {arguments[0]} took longer than {TIMEOUT:.0f} seconds",
                remedy="Check the repository and its disk.",
            ) from error
        out, err = (text.decode(errors="replace") for text in (ended.stdout, ended.stderr))
        return ended.returncode, out, err
