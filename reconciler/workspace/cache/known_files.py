"""Keeps the declarations of files without a problem, by their content, for the next run.

Reading YAML, the schemas and the rules about one declaration are spared. Rules between declarations
judge in every run.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, get_type_hints

import msgspec

from reconciler.core.model.canonical import StoredSpec, spec_digest
from reconciler.core.model.resource import Declared, Source
from reconciler.core.model.tenant import Tenant
from reconciler.core.rules.rates import Economics
from reconciler.values import dataclass
from reconciler.workspace.cache.rows import Cache, written
from reconciler.workspace.files import FoundFile, read_bytes

UNUSED = timedelta(days=30)
"""How long content is kept that no file has."""


def facts_of(tenant: Tenant) -> str:
    """What the rules about one declaration depend on, in words that change with it."""
    held = {one.name: getattr(tenant, one.name) for one in fields(tenant) if one.init}
    return msgspec.json.encode(held, order="sorted", enc_hook=dict).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """The declarations of a file that only declares, and how an earlier run judged them.

    `digest` is that of its bytes. `judged` is the digest of the facts under which it was judged,
    empty if it was not. `sound`: no rule found anything. `periods` and `postings` are the names of
    the accounting periods and what entries post, of the declarations in their order.
    """

    digest: str
    declared: tuple[Declared, ...]
    judged: str = ""
    sound: bool = False
    periods: tuple[str, ...] = ()
    postings: tuple[Economics, ...] = ()


_ROW_FIELDS = [one.name for one in fields(Declared) if one.name not in ("spec", "source")]
_HINTS = get_type_hints(Declared)
_Row: Any = msgspec.defstruct(
    "_Row",
    [
        *((name, _HINTS[name]) for name in _ROW_FIELDS),
        ("line", int),
        ("digest", str),
        ("spec", msgspec.Raw),
    ],
    array_like=True,
)
"""A declaration in a row: every field that it has, so that a new one cannot be forgotten."""
_fields_of = attrgetter(*_ROW_FIELDS)


class _Body(msgspec.Struct, array_like=True):
    judged: str
    sound: bool
    periods: tuple[str, ...]
    postings: tuple[Economics, ...]
    rows: list[_Row]


class KnownFiles:
    """The files of earlier runs without any problem in their YAML, by the digest of their bytes."""

    def __init__(self, cache: Cache, *, today: datetime) -> None:
        self._cache, self._today = cache, _day(today)
        self._first = _day(today - UNUSED)
        self._rows = cache.rows()
        self._used: dict[str, tuple[str, bytes]] = {}
        self._new: dict[str, KnownFile] = {}

    @property
    def changed(self) -> bool:
        """Whether there is anything to write: not where every file was known today."""
        return bool(self._used or self._new)

    @property
    def damage(self) -> str:
        """Why an earlier file was thrown away; empty where none was."""
        return self._cache.damage

    def of(self, found: Iterable[FoundFile]) -> dict[str, KnownFile]:
        """Of some files, those whose content is known, by path."""
        files: dict[str, KnownFile] = {}
        for file in found if self._rows else ():
            # No content is known that has a problem, so its digest says that it has none.
            data, flaw = read_bytes(file)
            known = None if flaw else self._find(hashlib.sha256(data).hexdigest(), file.path)
            if known is not None:
                files[file.path] = known
        return files

    def _find(self, digest: str, path: str) -> KnownFile | None:
        row = self._rows.get(digest)
        if row is None:
            return None
        try:
            known = known_from(row[1], digest, path)
        except (ValueError, TypeError, ArithmeticError) as error:
            self._cache.throw_away(str(error))
            self._rows = {}
            return None
        if row[0] != self._today:
            self._used[digest] = (self._today, row[1])
        return known

    def remember(self, files: Mapping[str, KnownFile]) -> None:
        """Keep files by the digest of their content."""
        self._new.update(files)

    def save(self) -> None:
        """Write what is new."""
        new = {digest: (self._today, row_of(known)) for digest, known in self._new.items()}
        self._cache.keep({**self._used, **new}, stays=lambda _, seen: seen >= self._first)


_bodies = msgspec.json.Decoder(_Body)


def known_from(row: bytes, digest: str, path: str) -> KnownFile:
    """The file of a row, at the path where it is now. Raises ValueError for any other row."""
    body = _bodies.decode(row)
    return KnownFile(
        digest=digest,
        declared=tuple(_declared(one, path, at) for at, one in enumerate(body.rows)),
        judged=body.judged,
        sound=body.sound,
        periods=body.periods,
        postings=body.postings,
    )


def row_of(known: KnownFile) -> bytes:
    """A file as a row, without its digest and its path."""
    body = _Body(
        judged=known.judged,
        sound=known.sound,
        periods=known.periods,
        postings=known.postings,
        rows=[_row(one) for one in known.declared],
    )
    return msgspec.json.encode(body, enc_hook=dict)


def _row(declared: Declared) -> Any:
    return _Row(
        *_fields_of(declared),
        line=declared.source.line,
        digest=spec_digest(declared.spec),
        spec=msgspec.Raw(written(declared.spec)),
    )


def _declared(row: Any, path: str, index: int) -> Declared:
    held = dict(zip(_ROW_FIELDS, _fields_of(row), strict=True))
    spec = StoredSpec(row.spec, row.digest)
    return Declared(**held, spec=spec, source=Source(path, row.line, index))


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
