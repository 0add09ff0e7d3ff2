"""What differs between a declaration, what was last applied, and the live entry (three-way)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.canonical import header, lines
from reconciler.core.kinds.kind import Kind
from reconciler.core.lines import (
    Line,
    Pairing,
    count_addresses,
    details,
    is_detail,
    line_address,
    pair,
)
from reconciler.core.values import NOTHING, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that has to change for live to equal declared. None means absent."""

    name: str
    before: Value
    after: Value
    in_place: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LineUpdate:
    """One line whose basic information has to change: `line` as it is live, `fields` as wanted."""

    line: Line
    fields: Mapping[str, Value]
    before: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What has to change for live to equal declared. Falsy when nothing has to."""

    fields: tuple[FieldChange, ...] = ()
    line_updates: tuple[LineUpdate, ...] = ()
    lines_removed: tuple[Line, ...] = ()
    lines_added: tuple[Line, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.fields or self.line_updates)

    @property
    def forced_by(self) -> tuple[str, ...]:
        """The fields that no update can change, so that the entry must be replaced."""
        return tuple(change.name for change in self.fields if not change.in_place)


UNCHANGED = Comparison()


def compare(
    kind: Kind,
    declared: Mapping[str, Value],
    applied: Mapping[str, Value] | None,
    live: Mapping[str, Value],
    *,
    manage_observed: bool = False,
) -> Comparison:
    """Compare a declaration with the live entry, knowing what was last applied.

    A field that left the file since it was applied is cleared; a field never declared is not
    ours. Fields that other systems write (`Kind.observed`) change only when the file changed,
    unless `manage_observed`. `applied` is None when nothing is recorded, as after an adoption.
    """
    fields = tuple(_header_changes(kind, declared, applied, live, manage_observed))
    ours, theirs = lines(kind, declared), lines(kind, live)
    pairing = pair(kind, ours, theirs)
    if not pairing.complete or _fixed_field_left(kind, declared, applied):
        changed = FieldChange(name=kind.lines, before=theirs, after=ours, in_place=False)
        return Comparison(
            fields=(*fields, changed),
            lines_removed=pairing.only_live,
            lines_added=pairing.only_declared,
        )
    updates = tuple(_line_updates(kind, pairing, declared, applied))
    if not updates:
        return Comparison(fields=fields) if fields else UNCHANGED
    counts = count_addresses(kind, theirs)
    if any(counts[line_address(kind, update.line)] > 1 for update in updates):
        # Two lines of one code and side cannot be told apart by an update (API facts 3.5).
        changed = FieldChange(name=kind.lines, before=theirs, after=ours, in_place=False)
        return Comparison(fields=(*fields, changed))
    return Comparison(fields=fields, line_updates=updates)


def _header_changes(
    kind: Kind,
    declared: Mapping[str, Value],
    applied: Mapping[str, Value] | None,
    live: Mapping[str, Value],
    manage_observed: bool,
) -> Iterator[FieldChange]:
    wanted, held = header(kind, declared), header(kind, live)
    last = header(kind, applied) if applied is not None else {}
    for name in sorted({*wanted, *last}):
        after, before = wanted.get(name), held.get(name)
        if after == before:
            continue
        if name in kind.observed and not manage_observed:
            stood_still = applied is None or last.get(name) == after
            # A transfer state that left the file belongs to the ledger connector again.
            if stood_still or name not in declared:
                continue
        yield FieldChange(
            name=name,
            before=live.get(name),
            after=declared.get(name, kind.defaults.get(name)),
            in_place=name in kind.updatable or name.endswith(kind.custom_suffix),
        )


def _fixed_field_left(
    kind: Kind, declared: Mapping[str, Value], applied: Mapping[str, Value] | None
) -> bool:
    """Whether a fixed line field that was applied is in no line of the file any more.

    Leaving out the code type changes nothing in the books; the others are part of the posting.
    """
    if applied is None:
        return False

    def stated(spec: Mapping[str, Value]) -> set[str]:
        return {
            name
            for line in lines(kind, spec)
            for name in kind.line_optional
            # A home amount equal to the amount says nothing: the server fills it itself.
            if line.get(name) not in (None, line.get("amount"))
        }

    return bool(stated(applied) - stated(declared) - {kind.line_address_type})


def _line_updates(
    kind: Kind,
    pairing: Pairing,
    declared: Mapping[str, Value],
    applied: Mapping[str, Value] | None,
) -> Iterator[LineUpdate]:
    last = lines(kind, applied) if applied is not None else ()
    owned = {name for line in last for name in line if is_detail(kind, name)}
    unread = _unread_changes(kind, lines(kind, declared), last) if applied is not None else {}
    for ours, theirs in pairing.pairs:
        wanted, held = details(kind, ours), details(kind, theirs)
        names = {name for name in {*wanted, *owned} if name not in kind.write_only}
        before = {name: held.get(name) for name in names if wanted.get(name) != held.get(name)}
        after: dict[str, Value] = {name: wanted.get(name) for name in before}
        for name, (was, now) in unread.get(id(ours), NOTHING_UNREAD).items():
            before[name], after[name] = was, now
        if after:
            yield LineUpdate(line=theirs, fields=after, before=before)


NOTHING_UNREAD: Mapping[str, tuple[Value, Value]] = {}


def _unread_changes(
    kind: Kind, declared: tuple[Line, ...], applied: tuple[Line, ...]
) -> dict[int, dict[str, tuple[Value, Value]]]:
    """Changes of fields that cannot be read back, by declared line: file against last applied."""
    changes: dict[int, dict[str, tuple[Value, Value]]] = {}
    pairing = pair(kind, declared, applied)
    for ours, theirs in (*pairing.pairs, *((line, NOTHING) for line in pairing.only_declared)):
        for name in kind.write_only:
            was, now = theirs.get(name) or None, ours.get(name) or None
            if was != now:
                changes.setdefault(id(ours), {})[name] = (was, now)
    return changes
