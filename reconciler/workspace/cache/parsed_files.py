"""Keeps what YAML files hold, by their content, for the next run.

Only the reading of YAML is spared. Schemas and rules judge every document in every run.
"""

from datetime import UTC, datetime, timedelta

import yaml

from reconciler import __version__
from reconciler.workspace.cache.rows import Cache, restored, written
from reconciler.workspace.yaml_reader import Document

UNUSED = timedelta(days=30)
"""How long content is kept that no file has."""

Documents = tuple[Document, ...]


GENERATION = (__version__, yaml.__version__, str(yaml.__with_libyaml__))
"""What reads YAML."""


class ParsedFiles:
    """The documents of files without any problem, by the digest of their bytes."""

    def __init__(self, cache: Cache, *, today: datetime, least: int = 0) -> None:
        self.least = least
        """Fewer files than these are read as fast without it."""
        self._cache, self._today = cache, _day(today)
        self._first = _day(today - UNUSED)
        self._rows = cache.rows()
        self._used: dict[str, tuple[str, bytes]] = {}
        self._new: dict[str, Documents] = {}
        self.spared: set[str] = set()
        """The digests of the files whose reading was spared."""

    @property
    def changed(self) -> bool:
        """Whether there is anything to write: not where every file was known today."""
        return bool(self._used or self._new)

    @property
    def damage(self) -> str:
        """Why an earlier file was thrown away; empty where none was."""
        return self._cache.damage

    def documents(self, digest: str) -> Documents | None:
        """The documents of a content that was read before; None for any other."""
        row = self._rows.get(digest)
        if row is None:
            return None
        try:
            found = tuple(Document(value, int(line)) for line, value in restored(row[1]))
        except (ValueError, TypeError, ArithmeticError) as error:
            self._cache.throw_away(str(error))
            self._rows = {}
            return None
        self.spared.add(digest)
        if row[0] != self._today:
            self._used[digest] = (self._today, row[1])
        return found

    def remember(self, digest: str, documents: Documents) -> None:
        """Keep the documents of a file that has no problem and no warning."""
        self._new[digest] = documents

    def save(self) -> None:
        """Write what is new."""
        new = {
            digest: (self._today, written([(one.line, one.value) for one in documents]))
            for digest, documents in self._new.items()
        }
        self._cache.keep({**self._used, **new}, stays=lambda _, seen: seen >= self._first)


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
