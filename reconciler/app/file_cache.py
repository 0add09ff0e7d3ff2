"""The files of a workspace that need not be read again, and those that other processes read."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from reconciler.errors import ReconcilerError
from reconciler.values import dataclass
from reconciler.workspace.cache.known_files import KnownFile, KnownFiles
from reconciler.workspace.files import FoundFile

MANY_FILES = 200
"""Fewer files are read as fast without a cache."""

MANY_UNKNOWN = 10_000
"""Fewer files are read before other processes have started."""


@dataclass(slots=True)
class FileCache:
    """The cache of the files of a workspace. Only many files use it."""

    root: Path
    _kept: KnownFiles | None = None

    def known(self, found: Sequence[FoundFile]) -> Mapping[str, KnownFile]:
        """What earlier runs or other processes read, by path."""
        if len(found) < MANY_FILES:
            return {}
        # Without the cache, `validate` loads nothing of the daybook.
        from reconciler.app.state_directory import known_files

        self._kept = known_files(self.root)
        earlier = self._kept.of(found)
        if len(found) - len(earlier) < MANY_UNKNOWN:
            return earlier
        from reconciler.workspace.cache.parallel_reading import read_in_processes

        return {
            **earlier,
            **read_in_processes([one for one in found if one.path not in earlier]),
        }

    def keep(self, new: Mapping[str, KnownFile]) -> None:
        """Keep files by the digests of their content."""
        if self._kept is None:
            return
        from reconciler.app.state_directory import STATE_DIRECTORY, keep_private

        self._kept.remember(new)
        if self._kept.changed:
            with suppress(ReconcilerError):
                keep_private(self.root / STATE_DIRECTORY)
            self._kept.save()

    @property
    def damage(self) -> str:
        """Why an earlier cache was thrown away; empty where none was."""
        return self._kept.damage if self._kept else ""
