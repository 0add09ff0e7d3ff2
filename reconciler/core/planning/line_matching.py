"""Which declared line is which live line: lines are a multiset, and repetition counts (I-54)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.resource import Key, Line, Value, rows_of
from reconciler.values import dataclass

Postings: TypeAlias = frozenset[tuple[Key, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Lines that are the same posting on both sides, and lines on one side only.

    `positions` are the positions of each pair, declared first.
    """

    pairs: tuple[tuple[Line, Line], ...]
    positions: tuple[tuple[int, int], ...]
    only_declared: tuple[Line, ...]
    only_live: tuple[Line, ...]

    @property
    def complete(self) -> bool:
        """Whether both sides post the same."""
        return not self.only_declared and not self.only_live


def pair(
    kind: Kind,
    declared: Sequence[Line],
    live: Sequence[Line],
    *,
    agree: Callable[[Line, Line], bool],
) -> Pairing:
    """Match lines by code, side, amount, and the other fixed fields that a declared line states.

    An omitted fixed field matches any live value, because the server fills it. Among equal
    postings, as many lines as possible are matched with one that `agree`s.
    """
    if len(declared) == len(live) and all(
        posts_same(kind, ours, theirs) and agree(ours, theirs)
        for ours, theirs in zip(declared, live, strict=True)
    ):
        positions = tuple((at, at) for at in range(len(declared)))
    else:
        edges = [
            [at for at, theirs in enumerate(live) if posts_same(kind, ours, theirs)]
            for ours in declared
        ]
        agreeing = [
            [at for at in found if agree(ours, live[at])]
            for ours, found in zip(declared, edges, strict=True)
        ]
        partner = _match(edges, _match(agreeing, {}))
        positions = tuple(sorted((ours, theirs) for theirs, ours in partner.items()))
    ours_paired, theirs_paired = {at for at, _ in positions}, {at for _, at in positions}
    return Pairing(
        pairs=tuple((declared[ours], live[theirs]) for ours, theirs in positions),
        positions=positions,
        only_declared=tuple(line for at, line in enumerate(declared) if at not in ours_paired),
        only_live=tuple(line for at, line in enumerate(live) if at not in theirs_paired),
    )


def posts_same(kind: Kind, declared: Line, live: Line) -> bool:
    """Whether a live line has the posting of a declared line."""
    return posting_key(kind, declared) == posting_key(kind, live) and all(
        kind.canonical_spelling(name, declared[name])
        == kind.canonical_spelling(name, live.get(name))
        for name in kind.line_optional
        if declared.get(name) is not None
    )


def posting_key(kind: Kind, line: Line) -> Key:
    """Code, side and amount of a line. Several lines may have the same key."""
    return tuple(line.get(name) for name in kind.line_key)


def postings_of(kind: Kind, fields: Mapping[str, Value]) -> Postings:
    """What the lines post, repetition counted. Entries that differ in it are never equal."""
    return frozenset(
        Counter(posting_key(kind, line) for line in rows_of(fields.get(kind.lines))).items()
    )


def is_detail(kind: Kind, name: str) -> bool:
    """Whether a line's field can be changed in place."""
    return name in kind.line_updatable or name.endswith(kind.custom_suffix)


def stated(line: Line, name: str) -> Value:
    """A field of a line; None when it is absent or empty."""
    value = line.get(name)
    return None if value == "" else value


def same_details(kind: Kind, one: Line, other: Line) -> bool:
    """Whether two lines agree in all fields that can be changed in place."""
    names = {name for line in (one, other) for name in line if is_detail(kind, name)}
    return all(stated(one, name) == stated(other, name) for name in names)


def line_address(kind: Kind, line: Line) -> Key:
    """How an update names a line: code, side and code type; lines have no id (API facts 3.5)."""
    return (*(line.get(name) for name in kind.line_address), line.get(kind.line_address_type))


def _match(edges: Sequence[Sequence[int]], partner: dict[int, int]) -> dict[int, int]:
    """A maximum matching from live position to declared position (augmenting paths).

    Entries have at most 100 lines, and only those whose lines moved come here.
    """
    taken = set(partner.values())
    for start in range(len(edges)):
        if start not in taken:
            _augment(start, edges, partner, set())
    return partner


def _augment(
    ours: int, edges: Sequence[Sequence[int]], partner: dict[int, int], seen: set[int]
) -> bool:
    # Free lines first: a pair that agrees is given up only where the matching needs it.
    for theirs in sorted(edges[ours], key=lambda at: at in partner):
        if theirs in seen:
            continue
        seen.add(theirs)
        if theirs not in partner or _augment(partner[theirs], edges, partner, seen):
            partner[theirs] = ours
            return True
    return False
