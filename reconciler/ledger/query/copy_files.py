"""The directories of copies: removed with their process, or by the next start if it was killed.

A copy holds the books of a tenant, so it lies beside the database, where only the same people look.
A ledger on a database server has no directory of its own and uses that for temporary files.
"""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

PREFIX = "ledger-query-"
DATABASE = "replica.db"
_OWNER, _DRAFT = "owner", "owner.draft"
"""The file that a process keeps locked as long as it uses the directory."""
_UNOWNED = 3600.0
"""Seconds without a change after which a directory without an owner's file is given up.

Earlier versions wrote no such file, and a new directory has none for a moment.
"""
_CONTENTS = {DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", _OWNER, _DRAFT}


class CopyDirectory:
    """A new directory, readable by its owner only, until `remove`."""

    def __init__(self, directory: Path | None) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=directory))
        draft = self.path / _DRAFT
        self._owner = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        # It gets its name when it is locked, so nobody finds it unlocked.
        fcntl.flock(self._owner, fcntl.LOCK_EX)
        draft.rename(self.path / _OWNER)

    def remove(self) -> None:
        """Remove the directory. Those who have files of it open keep them."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._owner)


def remove_left(directory: Path | None) -> None:
    """Remove what killed processes left in a directory, and in that for temporary files."""
    if directory is not None:
        _remove_left(directory)
    _remove_left_temporary()


@cache
def _remove_left_temporary() -> None:
    """Once in a process: it is shared with many other programs."""
    _remove_left(Path(tempfile.gettempdir()))


def _remove_left(directory: Path) -> None:
    with suppress(OSError):
        for found in directory.glob(f"{PREFIX}*"):
            # Another process may remove it at the same time.
            with suppress(OSError):
                _remove_if_left(found)


def _remove_if_left(path: Path) -> None:
    """Remove a directory if it is ours, and certainly of no living process."""
    about = path.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
        return
    files = {file.name: file for file in path.iterdir()}
    if files.keys() - _CONTENTS:
        return
    if _OWNER in files:
        owner = os.open(files[_OWNER], os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(owner)
    elif max(each.lstat().st_mtime for each in (path, *files.values())) < time.time() - _UNOWNED:
        shutil.rmtree(path, ignore_errors=True)
