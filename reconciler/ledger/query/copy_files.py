"""The directories of copies: kept for the next process, or removed.

A copy holds the books of a tenant, so it lies beside the database, where only the same people look.
A ledger on a database server has no directory of its own and uses that for temporary files.

A process that ends as it should keeps one copy for each tenant, beside a database file, with a note
of what it holds. It is complete on disk before it gets the note, and loses the note when a process
takes it. So what a killed process leaves has none, and the next start removes it.
"""

import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Self

try:
    import fcntl
except ImportError:  # Windows: it removes no file that is open, so copies need no lock there
    fcntl = None  # type: ignore[assignment]
_LOCKS = fcntl is not None

PREFIX = "ledger-query-"
DATABASE = "replica.db"
_OWNER, _DRAFT = "owner", "owner.draft"
"""The file that a process keeps locked as long as it uses the directory."""
_NOTE, _NOTE_DRAFT = "kept", "kept.draft"
_UNOWNED = 3600.0
"""Seconds without a change after which a directory is given up that got no owner's file."""
_CONTENTS = {DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", _OWNER, _DRAFT, _NOTE, _NOTE_DRAFT}


class CopyDirectory:
    """A directory, readable by its owner only, until `remove` or `keep`."""

    def __init__(self, path: Path, owner: int | None) -> None:
        self.path = path
        self._owner = owner

    @classmethod
    def new(cls, directory: Path | None) -> Self:
        """A new directory below another, or among the temporary files."""
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=directory))
        if not _LOCKS:
            return cls(path, None)
        draft = path / _DRAFT
        owner = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        # It gets its name when it is locked, so nobody finds it unlocked.
        fcntl.flock(owner, fcntl.LOCK_EX)
        draft.rename(path / _OWNER)
        return cls(path, owner)

    @classmethod
    def kept(cls, database: Path, tenant_id: str) -> tuple[Self, bytes] | None:
        """The directory that was kept for a tenant, with its note, which it loses now."""
        path = _kept_path(database, tenant_id)
        with suppress(OSError):
            owner = _locked(path)
            try:
                note = (path / _NOTE).read_bytes()
                (path / _NOTE).unlink()
                sync(path)
            except OSError:
                os.close(owner)
                raise
            return cls(path, owner), note
        return None

    def keep(self, database: Path, tenant_id: str, note: bytes) -> None:
        """Leave the directory for a later process; removed if another process uses an older one."""
        if self._owner is None:
            return self.remove()
        try:
            kept = _kept_path(database, tenant_id)
            if self.path != kept:
                with suppress(FileNotFoundError):
                    _remove_unused(kept)
                self.path = self.path.rename(kept)
            draft = self.path / _NOTE_DRAFT
            draft.write_bytes(note)
            sync(draft)
            sync(self.path)
            draft.rename(self.path / _NOTE)
            sync(self.path)
        except OSError:
            self.remove()
        else:
            os.close(self._owner)

    def remove(self) -> None:
        """Remove the directory. Those who have files of it open keep them."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._owner is not None:
            os.close(self._owner)


def remove_left(directory: Path | None) -> None:
    """Remove what killed processes left in a directory, or among the temporary files."""
    with suppress(OSError):
        for found in (directory or Path(tempfile.gettempdir())).glob(f"{PREFIX}*"):
            # Another process may remove it at the same time.
            with suppress(OSError):
                _remove_if_left(found)


def remove_others(database: Path, tenant_ids: Collection[str]) -> None:
    """Remove copies that were kept for other tenants of a database file, which was replaced."""
    wanted = {_kept_path(database, tenant_id) for tenant_id in tenant_ids}
    for path in kept_for(database):
        if path not in wanted:
            with suppress(OSError):
                _remove_unused(path)


def kept_for(database: Path) -> list[Path]:
    """The directories that processes kept for a database file."""
    return sorted(database.parent.glob(f"{PREFIX}kept-{_short(database.name)}-*"))


def _kept_path(database: Path, tenant_id: str) -> Path:
    name = f"{PREFIX}kept-{_short(database.name)}-{_short(tenant_id)}"
    return database.with_name(name)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sync(path: Path, flags: int = os.O_RDONLY) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_if_left(path: Path) -> None:
    """Remove a directory if it is ours, and certainly of no living process and not kept."""
    files = _files_of(path)
    if files is None or _NOTE in files:
        return
    if _OWNER in files:
        _remove_unused(path)
    elif max(each.lstat().st_mtime for each in (path, *files.values())) < time.time() - _UNOWNED:
        shutil.rmtree(path, ignore_errors=True)


def _files_of(path: Path) -> dict[str, Path] | None:
    """The files of a directory by name; None if it is not ours."""
    about = path.lstat()
    # On Windows, the temporary files of others are elsewhere.
    others = hasattr(os, "geteuid") and (about.st_uid != os.geteuid() or about.st_mode & 0o077)
    if not stat.S_ISDIR(about.st_mode) or others:
        return None
    files = {file.name: file for file in path.iterdir()}
    return None if files.keys() - _CONTENTS else files


def _remove_unused(path: Path) -> None:
    """Remove a directory. Raises OSError if a process uses it, or if it is not ours."""
    owner = _locked(path)
    try:
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(owner)


def _locked(path: Path) -> int:
    """The file of the owner, locked. Raises OSError if a process has it, or if it is not ours."""
    if _files_of(path) is None:
        raise PermissionError(path)
    owner = os.open(path / _OWNER, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another process may have removed or replaced it before the lock.
        if not os.path.samestat(os.fstat(owner), (path / _OWNER).stat()):
            raise FileNotFoundError(path)
    except OSError:
        os.close(owner)
        raise
    return owner
