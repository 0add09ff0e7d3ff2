"""Three-way comparison of a declaration, what was last applied, and the live entry."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import partial
from typing import Any

from reconciler.core.model.canonical import (
    equal_values,
    exact,
    header,
    json_bytes,
    value_text,
    with_lines,
)
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import UNCHANGED, Comparison, FieldChange, LineUpdate
from reconciler.core.model.resource import EMPTY, Key, Line, Value, rows_of
from reconciler.core.planning.line_matching import (
    Pairing,
    is_detail,
    line_address,
    pair,
    posting_key,
    same_details,
    stated,
)
from reconciler.values import dataclass

PROTECT = "protect"
"""The only field of a change that no call sends: only the daybook records it."""


def compare(
    kind: Kind,
    declared: Mapping[str, Value],
    applied: Mapping[str, Value] | None,
    live: Mapping[str, Value],
    *,
    manage_observed: bool = False,
) -> Comparison:
    """Compare a declaration with the live entry, knowing what was last applied.

    A field that was removed from the file, or is null there, is cleared. A field that was never
    declared is not managed. Fields that other systems write (`Kind.externally_written`) change only
    when the file changed, unless `manage_observed`. Fields that no read shows (`Kind.never_read`)
    are compared with what was applied. `applied` is None when nothing is recorded.
    """
    if evidently_unchanged(kind, declared, applied, live):
        return UNCHANGED
    fields = tuple(_header_changes(kind, declared, applied, live, manage_observed))
    ours, theirs = rows_of(declared.get(kind.lines)), rows_of(live.get(kind.lines))
    last = rows_of(applied.get(kind.lines)) if applied is not None else ()
    owned = _Owned(kind, last)
    pairing = pair(kind, ours, theirs, agree=owned.agree)
    if not pairing.complete or _fixed_field_left(kind, ours, theirs, last):
        changed = FieldChange(name=kind.lines, before=theirs, after=ours, in_place=False)
        return Comparison(
            fields=(*fields, changed),
            lines_removed=pairing.only_live,
            lines_added=pairing.only_declared,
        )
    notes = _unread_changes(kind, ours, last) if applied is not None else _NO_CHANGES
    updates = tuple(_line_updates(owned, pairing, notes))
    counts = Counter(line_address(kind, line) for line in (theirs if updates else ()))
    if any(counts[line_address(kind, update.line)] > 1 for update in updates):
        # An update cannot address one of two lines of the same code and side (API facts 3.5).
        changed = FieldChange(name=kind.lines, before=theirs, after=ours, in_place=False)
        fields = (*fields, changed)
    return Comparison(fields=fields, line_updates=updates) if fields or updates else UNCHANGED


def evidently_unchanged(
    kind: Kind,
    declared: Mapping[str, Value],
    applied: Mapping[str, Value] | None,
    live: Mapping[str, Value],
) -> bool:
    """Whether the live entry literally equals the file, which was applied unchanged.

    This holds for nearly all entries, and is a hundred times cheaper than a comparison. False
    proves nothing.
    """
    if applied is not None and applied != declared:
        return False
    ours, theirs = rows_of(declared.get(kind.lines)), rows_of(live.get(kind.lines))
    unread = kind.never_read if applied is not None else frozenset[str]()
    if len(ours) != len(theirs) or not _contains(declared, live, skipped={kind.lines, *unread}):
        return False
    return all(_is_line_of(kind, line, held) for line, held in zip(ours, theirs, strict=True))


def _is_line_of(kind: Kind, line: Line, held: Line) -> bool:
    if not _contains(line, held, skipped=kind.write_only):
        return False
    for name, value in held.items():
        if name not in line and is_detail(kind, name) and value not in (None, ""):
            return False
    return True


def _contains(wanted: Mapping[str, Value], held: Mapping[str, Value], *, skipped: Set[str]) -> bool:
    for name, value in wanted.items():
        if name in skipped:
            continue
        # Python takes True for 1; `equal_values` compares booleans correctly.
        if name not in held or held[name] != value or bool in (type(value), type(held[name])):
            return False
    return True


def read_back(
    kind: Kind,
    declared: Mapping[str, Value],
    applied: Mapping[str, Value] | None,
    live: Mapping[str, Value],
    *,
    manage_observed: bool = False,
) -> Comparison:
    """The differences between a write and a read after it (I-32).

    `applied` is the state before the write, so that fields that should be cleared count. Fields
    that no read shows are ignored.
    """
    asked = _readable(kind, declared)
    before = None if applied is None else _readable(kind, applied)
    return compare(kind, asked, before, live, manage_observed=manage_observed)


def stored_otherwise(kind: Kind, found: Comparison) -> Mapping[str, tuple[str, str]]:
    """By field, as text: what was sent or is declared, and what a read shows instead."""
    told = {one.name: (value_text(one.after), value_text(one.before)) for one in found.fields}
    sent, read = found.lines_added, found.lines_removed
    if found.line_updates and not read:
        sent = tuple(one.fields for one in found.line_updates)
        read = tuple(one.before for one in found.line_updates)
    if sent or read:
        names = sorted({name for line in sent or read for name in line})
        told[kind.lines] = _told(sent, names), _told(read, names)
    return told


def _told(rows: Iterable[Mapping[str, Value]], names: Iterable[str]) -> str:
    """The values of some lines as text: equal for equal lines, in whatever order they are given."""
    texts = ((value_text(row.get(name)) for name in names) for row in rows)
    return "; ".join(sorted(" ".join(filter(None, each)) for each in texts))


def _readable(kind: Kind, spec: Mapping[str, Value]) -> Mapping[str, Value]:
    rows = (
        {name: value for name, value in line.items() if name not in kind.write_only}
        for line in rows_of(spec.get(kind.lines))
    )
    fields = {name: value for name, value in spec.items() if name not in kind.never_read}
    return with_lines(kind, fields, rows)


def _header_changes(
    kind: Kind,
    declared: Mapping[str, Value],
    applied: Mapping[str, Value] | None,
    live: Mapping[str, Value],
    manage_observed: bool,
) -> Iterator[FieldChange]:
    wanted, held = header(kind, declared), header(kind, live)
    earlier = EMPTY if applied is None else applied
    last = header(kind, earlier)
    for name in sorted({*declared, *earlier} - {kind.lines}):
        unread = name in kind.never_read
        if unread and applied is None:
            continue
        after, before = wanted.get(name), (last if unread else held).get(name)
        if equal_values(after, before) or (name in kind.resolved and _same_rows(after, before)):
            continue
        if name in kind.externally_written and not manage_observed:
            stood_still = applied is None or last.get(name) == after
            # A transfer state removed from the file belongs to the ledger connector again.
            if stood_still or name not in declared:
                continue
        yield FieldChange(
            name=name,
            before=earlier.get(name) if unread else live.get(name),
            after=declared[name] if name in wanted else kind.defaults.get(name),
            in_place=name in kind.updatable or name.endswith(kind.custom_suffix),
        )


def _same_rows(wanted: Value, held: Value) -> bool:
    """Whether two lists match row by row in any order; live rows may have more fields."""
    ours, theirs = rows_of(wanted), list(rows_of(held))
    if len(ours) != len(theirs):
        return False
    for row in ours:
        found = next((one for one in theirs if row.items() <= one.items()), None)
        if found is None:
            return False
        theirs.remove(found)
    return True


class _Owned:
    """The managed updatable fields of lines: those that a line states, or stated when applied.

    Lines have no identity, so applied fields count for all lines with the same posting.
    """

    def __init__(self, kind: Kind, applied: tuple[Line, ...]) -> None:
        self._kind = kind
        self._applied: dict[Key, set[str]] = defaultdict(set)
        for line in applied:
            if names := self._readable(line):
                self._applied[posting_key(kind, line)] |= names

    def _readable(self, line: Line) -> set[str]:
        kind = self._kind
        return {name for name in line if is_detail(kind, name) and name not in kind.write_only}

    def differing(self, ours: Line, theirs: Line) -> Iterator[str]:
        """The managed fields whose live value differs, in order."""
        names = self._readable(ours)
        if self._applied:
            names |= self._applied.get(posting_key(self._kind, ours), set())
        for name in sorted(names):
            if not equal_values(stated(ours, name), stated(theirs, name)):
                yield name

    def agree(self, ours: Line, theirs: Line) -> bool:
        return next(self.differing(ours, theirs), None) is None


def _fixed_field_left(
    kind: Kind, declared: tuple[Line, ...], live: tuple[Line, ...], applied: tuple[Line, ...]
) -> bool:
    """Whether an applied fixed field was removed from the file but is still live.

    The code type does not count: omitting it changes no posting.
    """

    def fixed(rows: tuple[Line, ...]) -> Counter[tuple[Key, str]]:
        return Counter(
            (posting_key(kind, line), name)
            for line in rows
            for name in kind.line_optional
            # A home amount equal to the amount does not count: the server fills it.
            if line.get(name) not in (None, line.get("amount")) and name != kind.line_address_type
        )

    stated = fixed(applied)
    if not stated:
        return False
    ours = fixed(declared)
    left = stated - ours
    return bool(left and left & (fixed(live) - ours))


_FieldMoves = Mapping[str, tuple[Value, Value]]

_NO_CHANGES: Mapping[int, _FieldMoves] = {}


def _line_updates(
    owned: _Owned, pairing: Pairing, notes: Mapping[int, _FieldMoves]
) -> Iterator[LineUpdate]:
    for (ours, theirs), (at, _) in zip(pairing.pairs, pairing.positions, strict=True):
        names = tuple(owned.differing(ours, theirs))
        before = {name: stated(theirs, name) for name in names}
        after = {name: stated(ours, name) for name in names}
        for name, (was, now) in notes.get(at, {}).items():
            before[name], after[name] = was, now
        if after:
            yield LineUpdate(line=theirs, fields=after, before=before)


def _unread_changes(
    kind: Kind, declared: tuple[Line, ...], applied: tuple[Line, ...]
) -> Mapping[int, _FieldMoves]:
    """Changes of fields that cannot be read back, by position: file against last applied."""
    if not any(name in kind.write_only for line in (*declared, *applied) for name in line):
        return _NO_CHANGES

    def bare(line: Line) -> Line:
        return {name: value for name, value in line.items() if name not in kind.line_optional}

    agree = partial(same_details, kind)
    pairing = pair(kind, declared, applied, agree=agree)
    partner = {at: applied[other] for at, other in pairing.positions}
    # A line that now states what the server used to fill is the same line.
    rest = [at for at in range(len(declared)) if at not in partner]
    spare = [bare(line) for line in pairing.only_live]
    again = pair(kind, [bare(declared[at]) for at in rest], spare, agree=agree)
    partner |= {rest[at]: spare[other] for at, other in again.positions}
    changes: dict[int, dict[str, tuple[Value, Value]]] = defaultdict(dict)
    for at, ours in enumerate(declared):
        theirs = partner.get(at, EMPTY)
        for name in sorted(kind.write_only):
            was, now = stated(theirs, name), stated(ours, name)
            if was != now:
                changes[at][name] = (was, now)
    return changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place inside a value: `path` as `segments.Department`; None means absent."""

    path: str
    before: str | None
    after: str | None


def differences(before: object, after: object) -> tuple[Difference, ...]:
    """The places where two different JSON documents differ, in the order of their paths."""
    # The import is slow, and needed only for changed nested values.
    from deepdiff import DeepDiff  # noqa: PLC0415
    from deepdiff.helper import NotPresent  # noqa: PLC0415

    def text(value: Any) -> str | None:
        if value is None or isinstance(value, NotPresent):
            return None
        return value if isinstance(value, str) else json_bytes(value).decode()

    tree = DeepDiff(before, after, view="tree", verbose_level=2)
    return tuple(
        sorted(
            (
                Difference(
                    path=".".join(str(key) for key in item.path(output_format="list")),
                    before=text(item.t1),
                    after=text(item.t2),
                )
                for items in tree.values()
                for item in items
            ),
            key=lambda found: found.path,
        )
    )


def inside(kind: Kind, name: str, before: Value, after: Value) -> tuple[Difference, ...]:
    """What differs inside a field that holds a list of named parts, such as segments.

    Empty when the field has no parts, or when their names are not unique.
    """
    label = kind.names_parts.get(name)
    if label is None:
        return ()
    sides = []
    for value in (before, after):
        rows = rows_of(value)
        parts = {str(row.get(label)): _part_value(row, label) for row in rows}
        if len(parts) != len(rows):
            return ()
        sides.append(parts)
    return differences(*sides)


def _part_value(row: Mapping[str, Value], label: str) -> object:
    """The value of a part: its only other field, or all of them."""
    rest = {key: exact(value, key) for key, value in row.items() if key != label}
    return next(iter(rest.values())) if len(rest) == 1 else rest
